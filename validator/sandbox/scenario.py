"""A scenario for the sandbox command: an environment and what happens to it, in YAML (docs/sandbox.md)."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, NoReturn

from validator.durations import parse_duration
from validator.errors import UsageError
from validator.sandbox.api import ROLES, Role
from validator.sandbox.files import SYNTAX_ERROR, DagFile, SimDag, one_dag
from validator.sandbox.rules import VERSIONS, Rules
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

DEFAULT_FILES: Mapping[str, DagFile] = {
    "basic_bash_dag.py": one_dag("basic_bash_dag", paused_upon_creation=False),
    "etl/daily.py": one_dag(
        "etl_daily", tags=("team:data",), schedule="0 3 * * *", paused_upon_creation=False
    ),
    "reports.py": one_dag("reports_weekly", schedule="@weekly", paused_upon_creation=False),
}
"""The three healthy DAGs of a sandbox without a scenario."""

_TOP = ("airflow", "seed", "role", "readable", "rules", "files", "events")
_DEEDS = ("put", "break", "heal", "remove", "kill", "start", "restart_webserver", "pause", "unpause", "role")
_MORE = {"put": ("file", "lag"), "break": ("trace", "lag"), "heal": ("lag",), "remove": ("lag",)}


def default(now: Callable[[], datetime], *, airflow: str = "3.0.6") -> Simulation:
    """A healthy environment in which nothing happens."""
    return Simulation(World(Rules(airflow=airflow), now=now, files=DEFAULT_FILES))


def load(path: Path, now: Callable[[], datetime], *, airflow: str | None = None) -> Simulation:
    """The simulation that a scenario file describes, with its events already on the timeline.

    Args:
        path: the YAML file.
        now: the world's clock.
        airflow: a version that takes the place of the scenario's own.

    Raises:
        UsageError: the file cannot be read or used; the message says where.
    """
    import yaml  # noqa: PLC0415 - 60 ms that only a scenario needs

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the scenario cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: the scenario is no YAML: {error}") from error
    try:
        return build(document, now, airflow=airflow)
    except _Wrong as wrong:
        raise UsageError(f"{path}: {wrong}", advice="docs/sandbox.md describes scenarios.") from None


def build(document: object, now: Callable[[], datetime], *, airflow: str | None = None) -> Simulation:
    """The simulation that a scenario's parsed YAML describes."""
    top = _mapping(document, "the scenario", _TOP)
    version = airflow or str(top.get("airflow", "3.0.6"))
    if version not in VERSIONS:
        _wrong("airflow", f"{version!r} is not simulated; there are {', '.join(VERSIONS)}")
    rules = _rules(version, top.get("rules", {}))
    files = {
        str(name): _file(one, f"files.{name}")
        for name, one in _mapping(top.get("files", {}), "files").items()
    }
    readable = frozenset(_texts(top.get("readable", []), "readable"))
    seed = top.get("seed", 0)
    if not isinstance(seed, int):
        _wrong("seed", "must be a whole number")
    world = World(rules, now=now, files=files or DEFAULT_FILES, seed=seed)
    simulation = Simulation(world, role=_role(top.get("role", "Viewer"), readable))
    events = top.get("events", [])
    if not isinstance(events, list):
        _wrong("events", "must be a list")
    for number, event in enumerate(events):
        _script(simulation, event, f"events[{number}]", readable)
    return simulation


class _Wrong(Exception):
    """Something in the scenario cannot be used."""


def _wrong(where: str, what: str) -> NoReturn:
    raise _Wrong(f"{where}: {what}")


def _mapping(value: object, where: str, keys: tuple[str, ...] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict):
        _wrong(where, "must be a mapping")
    for key in value:
        if keys is not None and key not in keys:
            _wrong(where, f"has no key {key!r}; there are {', '.join(keys)}")
    return value


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        _wrong(where, "must be a list of texts")
    return tuple(value)


def _seconds(value: object, where: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return float(value)
    try:
        return parse_duration(str(value))
    except ValueError as error:
        _wrong(where, str(error))


def _rules(version: str, value: object) -> Rules:
    known = {one.name: one for one in fields(Rules) if one.name != "airflow"}
    changes: dict[str, Any] = {}
    for name, one in _mapping(value, "rules", tuple(known)).items():
        where, example = f"rules.{name}", known[name].default
        if isinstance(example, tuple):
            pair = one if isinstance(one, list) else [one, one]
            if len(pair) != 2:  # noqa: PLR2004 - the least and the most
                _wrong(where, "must be one duration, or the least and the most")
            changes[name] = tuple(_seconds(part, where) for part in pair)
        elif isinstance(example, float):
            changes[name] = _seconds(one, where)
        elif isinstance(example, bool) or example is None:
            changes[name] = one if isinstance(one, bool) else _wrong(where, "must be true or false")
        elif isinstance(example, int):
            good = isinstance(one, int) and not isinstance(one, bool) and one > 0
            changes[name] = one if good else _wrong(where, "must be a whole number over 0")
        else:
            changes[name] = str(one)
    return Rules(airflow=version, **changes)


def _dag(value: object, where: str) -> SimDag:
    if isinstance(value, str):
        return SimDag(value)
    given = _mapping(value, where, tuple(one.name for one in fields(SimDag)))
    if not isinstance(given.get("dag_id"), str):
        _wrong(where, "needs a dag_id")
    lists: dict[str, Any] = {
        name: _texts(given[name], f"{where}.{name}") for name in ("tags", "owners") if name in given
    }
    return SimDag(**{**given, **lists})


def _file(value: object, where: str) -> DagFile:
    """A file: a DAG's id, a list of DAGs, or a mapping of DagFile's fields."""
    if isinstance(value, str):
        return one_dag(value)
    if isinstance(value, list):
        value = {"dags": value}
    given = dict(_mapping(value, where, tuple(one.name for one in fields(DagFile))))
    dags = given.get("dags", [])
    if not isinstance(dags, list):
        _wrong(f"{where}.dags", "must be a list")
    given["dags"] = tuple(_dag(one, f"{where}.dags[{number}]") for number, one in enumerate(dags))
    if "provides" in given:
        given["provides"] = _texts(given["provides"], f"{where}.provides")
    if "imports" in given:
        imports = _mapping(given["imports"], f"{where}.imports").items()
        given["imports"] = {str(name): str(taken or "") for name, taken in imports}
    if given.get("parse_seconds") is not None:
        given["parse_seconds"] = _seconds(given["parse_seconds"], f"{where}.parse_seconds")
    return DagFile(**given)


def _role(value: object, readable: frozenset[str]) -> Role:
    name = str(value)
    if name not in ROLES and not readable:
        _wrong(
            "role", f"{name!r} is none of {', '.join(ROLES)}, so `readable` must list the DAGs it may read"
        )
    return Role(name, readable)


def _script(simulation: Simulation, value: object, where: str, readable: frozenset[str]) -> None:
    """Put one event on the timeline."""
    event = _mapping(value, where)
    deeds = [name for name in _DEEDS if name in event]
    if len(deeds) != 1:
        _wrong(where, f"must do exactly one of {', '.join(_DEEDS)}")
    deed = deeds[0]
    _mapping(event, where, ("at", deed, *_MORE.get(deed, ())))
    if "at" not in event:
        _wrong(where, "has no `at`")
    at = _seconds(event["at"], f"{where}.at")
    target = str(event[deed])
    lag = _seconds(event["lag"], f"{where}.lag") if "lag" in event else None
    world = simulation.world
    if deed == "put":
        world.put(target, _file(event.get("file"), f"{where}.file"), at=at, lags=lag)
    elif deed == "role":
        role = _role(target, readable)
        world.at(at, lambda: setattr(simulation, "role", role))
    elif deed == "restart_webserver":
        world.restart_webserver(_seconds(event[deed], f"{where}.{deed}"), at=at)
    elif deed in ("kill", "start"):
        try:
            (world.kill if deed == "kill" else world.revive)(target, at=at)
        except ValueError as error:
            _wrong(f"{where}.{deed}", str(error))
    else:
        trace = str(event.get("trace", SYNTAX_ERROR))
        {
            "break": lambda: world.damage(target, trace, at=at, lags=lag),
            "heal": lambda: world.heal(target, at=at, lags=lag),
            "remove": lambda: world.remove(target, at=at, lags=lag),
            "pause": lambda: world.pause(target, at=at),
            "unpause": lambda: world.pause(target, paused=False, at=at),
        }[deed]()
