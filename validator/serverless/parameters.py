"""What an event asks for: one JSON object, with the command's options as keys. Contract: docs/lambda.md."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, fields
from datetime import datetime, timezone
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from validator.deploy_time import parse_deployed_at
from validator.durations import format_duration, parse_duration
from validator.errors import GateError, UsageError
from validator.manifest import GateOptions
from validator.rules import Deploy
from validator.s3.location import parse_location
from validator.settings import AUTO, DEFAULT_MAX_TPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from validator.rules import DeployedAt
    from validator.s3.interface import Location

_SHORTEST_INTERVAL = 0.1
_RATES = (0.1, 1000.0)
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_MANY = 10
"""So many problems are told; a reader mends no more at once."""


@dataclass(frozen=True)
class Parameters:
    """An event's parameters, each of its type. None: not given."""

    environment: str | None = None
    manifest: str | Mapping[str, Any] | None = None
    """The manifest itself, as an object or as YAML with a line break in it; or its path in the artifact."""
    artifact: str | None = None
    """The name of the input artifact."""
    dags_folder: str | None = None
    """A path in the artifact."""
    dags_prefix: str = ""
    verify_s3: bool = False
    dags_s3: str | None = None
    s3_exclude: tuple[str, ...] = ()
    timeout: float | None = None
    """Seconds, or AUTO."""
    interval: float | None = None
    sync: float | None = None
    settle: float | None = None
    grace: float | None = None
    stable_for: float | None = None
    fail_fast: bool | None = None
    deployed_at: DeployedAt = Deploy.NOW
    max_tps: float = DEFAULT_MAX_TPS
    region: str | None = None
    role_arn: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """What `${NAME}` in the manifest stands for."""
    on_error: str = "fail"
    """`fail` or `succeed`: what a CodePipeline job is told when the gate cannot tell."""
    reports: Location | None = None
    """Where the reports are written."""
    token: str | None = None
    """What the answer before gave."""
    answer: str = "report"
    """`report` or `short`."""
    invocation: float | None = None
    """Seconds that one invocation may take."""

    @property
    def gate(self) -> GateOptions:
        """The rules that were given."""
        return GateOptions(**{one.name: getattr(self, one.name) for one in fields(GateOptions)})


class ParametersError(UsageError):
    """The parameters cannot be used; the message tells all that is wrong with them."""

    def __init__(self, problems: list[str]) -> None:
        more = f"; and {len(problems) - _MANY} more" if len(problems) > _MANY else ""
        super().__init__(
            f"the parameters cannot be used: {'; '.join(problems[:_MANY])}{more}",
            advice="See the table of settings in docs/lambda.md.",
        )


def parse_parameters(given: object) -> Parameters:
    """The parameters of an event, or of a CodePipeline action.

    Raises:
        ParametersError: they cannot be used; every problem is told at once.
    """
    if not isinstance(given, dict):
        raise ParametersError([f"they are {_kind(given)}, and must be a JSON object"])
    values: dict[str, Any] = {}
    problems = []
    for key, value in given.items():
        if key not in _KEYS:
            problems.append(f"{_named(key)} is not known{_similar(key)}")
            continue
        try:
            values[key] = _KEYS[key](value)
        except GateError as error:
            problems.append(f"{key}: {error.message}")
        except ValueError as error:
            problems.append(f"{key}: {error}")
    if not problems:
        problems = _contradictions(Parameters(**values))
    if problems:
        raise ParametersError(problems)
    return Parameters(**values)


def _contradictions(parameters: Parameters) -> list[str]:
    problems = []
    if parameters.manifest is None and parameters.dags_folder is None:
        problems.append("neither manifest nor dags_folder is given, so nothing would be expected")
    of_folder = {
        "dags_prefix": bool(parameters.dags_prefix),
        "verify_s3": parameters.verify_s3,
        "dags_s3": parameters.dags_s3 is not None,
        "s3_exclude": bool(parameters.s3_exclude),
    }
    for name, is_given in of_folder.items():
        if is_given and parameters.dags_folder is None:
            problems.append(f"{name} says something of a folder of DAG files, and no dags_folder is given")
        elif is_given and name in ("dags_s3", "s3_exclude") and not parameters.verify_s3:
            problems.append(f"{name} does nothing without verify_s3")
    return problems


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "a number")


def _named(key: object) -> str:
    text = str(key)
    return repr(text if len(text) <= 40 else text[:39] + "…")  # noqa: PLR2004 - enough to tell it by


def _similar(key: object) -> str:
    near = get_close_matches(str(key)[:80], _KEYS, n=1)
    return f" (is {near[0]} meant?)" if near else f"; there are {', '.join(_KEYS)}"


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"it is {'empty' if isinstance(value, str) else _kind(value)}, and must be text")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"it is {_kind(value)}, and must be true or false")  # noqa: TRY004 - a value's error, as all here
    return value


def _seconds(value: object) -> float:
    if not isinstance(value, str):
        raise ValueError(f"it is {_kind(value)}; write it like 90s, 10m or 1h30m")  # noqa: TRY004 - the same
    return parse_duration(value)


def _timeout(value: object) -> float:
    return AUTO if value == "auto" else _seconds(value)


def _interval(value: object) -> float:
    seconds = _seconds(value)
    if seconds < _SHORTEST_INTERVAL:
        raise ValueError(f"it must be at least {format_duration(_SHORTEST_INTERVAL)}")
    return seconds


def _rate(value: object) -> float:
    least, most = _RATES
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("it must be a number: calls a second")
    if not least <= value <= most:
        raise ValueError(f"it must be from {least:g} to {most:g}")
    return float(value)


def _deployed_at(value: object) -> DeployedAt:
    text = str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else _text(value)
    return parse_deployed_at(text, datetime.now(timezone.utc))


def _manifest(value: object) -> str | Mapping[str, Any]:
    return value if isinstance(value, dict) else _text(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"it is {_kind(value)}, and must be a list of texts")  # noqa: TRY004 - the same
    return tuple(map(_text, value))


def _variables(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise ValueError(f"it is {_kind(value)}, and must be an object of texts")  # noqa: TRY004 - the same
    for name, text in value.items():
        if not re.fullmatch(_VARIABLE, name, re.ASCII):
            raise ValueError(f"{_named(name)} can be no variable's name")
        if not isinstance(text, str):
            raise ValueError(f"{name} is {_kind(text)}, and must be text")  # noqa: TRY004 - the same
    return dict(value)


def _reports(value: object) -> Location:
    return parse_location(_text(value))


def _one_of(*words: str) -> Callable[[object], str]:
    def convert(value: object) -> str:
        if value not in words:
            raise ValueError(f"it must be {' or '.join(words)}")
        return str(value)

    return convert


def _dags_s3(value: object) -> str:
    text = _text(value)
    parse_location(text)
    return text


_KEYS: Mapping[str, Callable[[object], Any]] = {
    "environment": _text,
    "manifest": _manifest,
    "artifact": _text,
    "dags_folder": _text,
    "dags_prefix": _text,
    "verify_s3": _flag,
    "dags_s3": _dags_s3,
    "s3_exclude": _texts,
    "timeout": _timeout,
    "interval": _interval,
    "sync": _seconds,
    "settle": _seconds,
    "grace": _seconds,
    "stable_for": _seconds,
    "fail_fast": _flag,
    "deployed_at": _deployed_at,
    "max_tps": _rate,
    "region": _text,
    "role_arn": _text,
    "variables": _variables,
    "on_error": _one_of("fail", "succeed"),
    "reports": _reports,
    "token": _text,
    "answer": _one_of("report", "short"),
    "invocation": _seconds,
}
"""Every key, and what makes its value of what was given."""
