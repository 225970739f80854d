"""What a fleet's input asks for: the items that the state machine goes through. Pure. Contract: docs/fleet.md."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from validator.errors import UsageError
from validator.report.sanitize import one_line
from validator.s3.interface import Location
from validator.s3.location import parse_location

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MOST_ENVIRONMENTS = 200
"""Their results come back in one payload of at most 256 KiB: 1,310 bytes for each."""
LARGEST_ITEM = 200_000
"""Bytes of one environment's settings as JSON: Step Functions carries 256 KiB, and the gate's token comes on top."""
ACCOUNT_TPS = 10.0
"""InvokeRestApi calls a second that everybody in an account shares: the environments of a fleet divide them."""
ITEMS = "items.json"
"""The list of items, below the run's prefix."""

_KEYS = {
    "fleet", "environments", "list", "settings", "reports", "max_concurrency", "max_rounds",
    "tolerated_failure_percentage", "tolerated_lost_percentage",
}  # fmt: skip
_OURS = ("CodePipeline.job", "answer", "detail", "detail-type", "fleet", "reports", "token")
"""What the fleet gives itself, and what would make of an environment's event one of another kind, about another one."""
_ENVIRONMENT = r"[a-zA-Z][0-9a-zA-Z_-]{0,79}"
_FLEET = r"[\w .:/@+-]{1,80}"
_RUN = r"(?!\.{1,2}$)[0-9a-zA-Z_.-]{1,80}"
_MOST_PROBLEMS = 10
_DEFAULTS = {
    "fleet": "fleet",
    "settings": {},
    "max_concurrency": 10,
    "max_rounds": 480,
    "tolerated_failure_percentage": 0,
    "tolerated_lost_percentage": 100,
}
_LIMITS = {
    "max_concurrency": (1, 1000),
    "max_rounds": (1, 1000),
    "tolerated_failure_percentage": (0, 100),
    "tolerated_lost_percentage": (0, 100),
}
_SHAPES: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "fleet": (
        lambda value: isinstance(value, str) and re.fullmatch(_FLEET, value) is not None,
        "`fleet` must be a name: at most 80 letters, digits, blanks and _ . : / @ + -",
    ),
    "settings": (lambda value: isinstance(value, dict), "`settings` must be an object"),
    "environments": (lambda value: isinstance(value, list), "`environments` must be a list of objects"),
}
"""Whether a key's value has the shape that it must have, and what to say if not."""


@dataclass(frozen=True)
class Order:
    """A fleet's input, but for the environments."""

    fleet: str
    """Its name, for people."""
    reports: Location
    """Where this run's files go: the prefix that was given, and the run's own name below it."""
    settings: Mapping[str, Any]
    """What all environments share."""
    numbers: Mapping[str, int]
    """`max_concurrency` and its like, with the defaults."""
    environments: Sequence[object] | None
    """As they were given; None: they are in `list`."""
    list: Location | None
    """The object that holds them; None: they were given."""


def order_of(given: object, run: object) -> Order:
    """What the execution's input asks for.

    Args:
        given: the input.
        run: the execution's name.

    Raises:
        UsageError: it cannot be used; names all that is wrong.
    """
    if not isinstance(given, dict):
        raise _wrong(["it is no JSON object"])
    problems = [
        f"the key {one_line(str(key), 80)!r} is not known; there are {', '.join(sorted(_KEYS))}"
        for key in given
        if key not in _KEYS
    ]
    values = {**_DEFAULTS, **given}
    problems += [
        problem for key, (fits, problem) in _SHAPES.items() if key in values and not fits(values[key])
    ]
    problems += [
        f"`{name}` must be a whole number from {least} to {most}"
        for name, (least, most) in _LIMITS.items()
        if type(values[name]) is not int or not least <= values[name] <= most
    ]
    if ("environments" in given) == ("list" in given):
        problems.append("give either `environments`, a list, or `list`, its s3:// URI")
    if not isinstance(run, str) or not re.fullmatch(_RUN, run):
        problems.append(
            f"the execution's name, {one_line(str(run), 100)!r}, names the folder of its reports: start the execution under "
            "a name of at most 80 letters, digits and _ . -"
        )
    places = {key: _location(values[key], key, problems) for key in ("reports", "list") if key in given}
    reports = places.get("reports")
    if "reports" not in given:
        problems.append("`reports` is missing: the s3:// URI below which all files of a run are written")
    if problems or reports is None:
        raise _wrong(problems)
    return Order(
        fleet=values["fleet"],
        reports=Location(reports.bucket, f"{reports.path}/{run}".strip("/")),
        settings=values["settings"],
        numbers={name: values[name] for name in _LIMITS},
        environments=given.get("environments"),
        list=places.get("list"),
    )


def items_of(order: Order, environments: object) -> list[dict[str, Any]]:
    """One item an environment, in order: `index`, the Lambda's `event`, and the state machine's own counters.

    Raises:
        UsageError: an environment cannot be used; names all that is wrong.
    """
    if not isinstance(environments, (list, tuple)) or not environments:
        raise _wrong(
            ["the list of environments is empty or no list: a gate that checks nothing must not pass"]
        )
    if len(environments) > MOST_ENVIRONMENTS:
        raise _wrong(
            [f"it has {len(environments):,} environments, and a fleet at most {MOST_ENVIRONMENTS}: make two"]
        )
    problems: list[str] = []
    items: list[dict[str, Any]] = []
    for index, environment in enumerate(environments):
        if not isinstance(environment, dict):
            problems.append(f"environment {index} is no object")
            continue
        event = {**order.settings, **environment}
        name = event.get("environment")
        if not isinstance(name, str) or not re.fullmatch(_ENVIRONMENT, name):
            problems.append(f"environment {index} has no `environment` that can be the name of one")
            continue
        problems += [
            f"environment {index} ({name}) may not set `{key}`: it is no setting of a fleet's environment"
            for key in _OURS
            if key in event
        ]
        event.setdefault("max_tps", max(0.1, round(ACCOUNT_TPS / order.numbers["max_concurrency"], 1)))
        event |= {"answer": "short", "reports": f"{order.reports}/{index}"}
        if len(json.dumps(event).encode()) > LARGEST_ITEM:
            problems.append(f"environment {index} ({name}) has settings of more than {LARGEST_ITEM:,} bytes")
        counters = {"rounds": 0, "max_rounds": order.numbers["max_rounds"]}
        items.append({"index": index, **counters, "event": event, "more": {}})
    if problems:
        raise _wrong(problems)
    return items


def _location(value: object, key: str, problems: list[str]) -> Location | None:
    if not isinstance(value, str):
        problems.append(f"`{key}` must be an s3:// URI")
        return None
    try:
        return parse_location(value)
    except UsageError as error:
        problems.append(f"`{key}`: {one_line(error.message, 200)}")
        return None


def _wrong(problems: Sequence[str]) -> UsageError:
    rest = len(problems) - _MOST_PROBLEMS
    shown = [*problems[:_MOST_PROBLEMS], *([f"and {rest} more"] if rest > 0 else [])]
    return UsageError(f"The fleet's input cannot be used: {'; '.join(shown)}.", advice="See docs/fleet.md.")
