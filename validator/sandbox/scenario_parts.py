"""The parts of a scenario: what each key of its YAML stands for."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from validator.sandbox.api import ROLES, Role
from validator.sandbox.files import OUTCOMES, DagFile, SimDag, SimTask, one_dag
from validator.sandbox.rules import Rules
from validator.sandbox.scenario_values import (
    flag,
    mapping,
    optional_text,
    seconds,
    sequence,
    text,
    texts,
    whole,
    wrong,
)
from validator.sandbox.simulation import STATUSES
from validator.sandbox.stock import SimConnection, Stock

if TYPE_CHECKING:
    from pathlib import Path

_MOST = 1_000_000
_SHORTEST = 0.01
_PACED = ("loop", "dir_list_interval", "parsing_cleanup_interval", "heartbeat", "scheduler_loop")
"""Rules that repeat something for ever: without a length they would hold time still."""
_FACTS = {
    "class": "EnvironmentClass",
    "bucket": "SourceBucketArn",
    "dags_path": "DagS3Path",
    "requirements_version": "RequirementsS3ObjectVersion",
    "plugins_version": "PluginsS3ObjectVersion",
    "access": "WebserverAccessMode",
}
"""Keys of `environment`, and what GetEnvironment calls them."""


def rules_of(version: str, value: object) -> Rules:
    """Rules from a mapping of their fields."""
    known = {one.name: one for one in fields(Rules) if one.name != "airflow"}
    changes: dict[str, Any] = {}
    for name, one in mapping(value, "rules", tuple(known)).items():
        where, example = f"rules.{name}", known[name].default
        if isinstance(example, tuple):
            pair = one if isinstance(one, list) else [one, one]
            if len(pair) != 2:  # noqa: PLR2004 - the least and the most
                wrong(where, "must be one duration, or the least and the most")
            changes[name] = tuple(seconds(part, where) for part in pair)
        elif isinstance(example, float):
            changes[name] = seconds(one, where)
            if name in _PACED and changes[name] < _SHORTEST:
                wrong(where, "must be 10ms or longer")
        elif isinstance(example, bool) or example is None:
            changes[name] = flag(one, where)
        elif isinstance(example, int):
            changes[name] = whole(one, where, 1, 100)
        else:
            changes[name] = text(one, where)
    return Rules(airflow=version, **changes)


def file_of(value: object, where: str, folder: Path) -> DagFile:
    """A file: a DAG's id, a list of DAGs, or a mapping of DagFile's fields; `source_file` counts from `folder`."""
    if isinstance(value, str):
        return one_dag(value)
    if isinstance(value, list):
        value = {"dags": value}
    given = dict(mapping(value, where, (*(one.name for one in fields(DagFile)), "source_file")))
    if "source_file" in given:
        if "source" in given:
            wrong(where, "has both source and source_file; keep one")
        given["source"] = _content(given.pop("source_file"), f"{where}.source_file", folder)
    dags = sequence(given.get("dags", []), f"{where}.dags")
    given["dags"] = tuple(_dag(one, f"{where}.dags[{number}]") for number, one in enumerate(dags))
    if "provides" in given:
        given["provides"] = texts(given["provides"], f"{where}.provides")
    if "imports" in given:
        imports = mapping(given["imports"], f"{where}.imports").items()
        given["imports"] = {str(name): str(taken or "") for name, taken in imports}
    if given.get("parse_seconds") is not None:
        given["parse_seconds"] = seconds(given["parse_seconds"], f"{where}.parse_seconds")
    for name, read in {
        "error": optional_text,
        "source": optional_text,
        "version": text,
        "listed": flag,
        "dies": flag,
    }.items():
        if name in given:
            given[name] = read(given[name], f"{where}.{name}")
    return DagFile(**given)


def _content(value: object, where: str, folder: Path) -> str:
    """The text of a file as Airflow stores it: UTF-8, its line ends those of Unix."""
    path = folder / text(value, where)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: it is not UTF-8, or a NUL is in the path
        wrong(where, f"{path} cannot be read: {error}")


def role_of(value: object, limited: Role) -> Role:
    """A role by its name; one that Airflow does not have by itself has the DAGs of `limited`, and needs some."""
    name = str(value)
    if name not in ROLES and not limited.readable | limited.editable:
        wrong("role", f"{name!r} is none of {', '.join(ROLES)}, so `readable` must list the DAGs it may read")
    return replace(limited, name=name)


def stock_of(top: dict[str, Any]) -> Stock:
    """Pools, connections and variables from the scenario's keys of these names."""
    pools, connections, variables = (
        mapping(top.get(name, {}), name) for name in ("pools", "connections", "variables")
    )
    return Stock(
        pools={str(name): slots_of(one, f"pools.{name}") for name, one in pools.items()},
        connections={
            str(name): connection_of(one, f"connections.{name}") for name, one in connections.items()
        },
        variables={str(name): value_of(one, f"variables.{name}") for name, one in variables.items()},
    )


def slots_of(value: object, where: str) -> int:
    """A pool's slots; -1: without end."""
    return whole(value, where, -1, _MOST)


def connection_of(value: object, where: str) -> SimConnection:
    """A connection: its type, or a mapping of SimConnection's fields. `extra` may be a mapping."""
    if isinstance(value, str):
        return SimConnection(value)
    given = dict(mapping(value, where, tuple(one.name for one in fields(SimConnection))))
    if "conn_type" not in given:
        wrong(where, "needs a conn_type")
    if isinstance(given.get("extra"), dict):
        given["extra"] = _json(given["extra"], f"{where}.extra")
    port = given.pop("port", None)
    found: dict[str, Any] = {name: optional_text(one, f"{where}.{name}") for name, one in given.items()}
    found["conn_type"] = text(given["conn_type"], f"{where}.conn_type")
    return SimConnection(**found, port=None if port is None else whole(port, f"{where}.port", 0, 65_535))


def value_of(value: object, where: str) -> str:
    """A variable's value: a text, or a mapping or list that becomes JSON."""
    return _json(value, where) if isinstance(value, (dict, list)) else text(value, where)


def status_of(value: object, where: str) -> str:
    """An environment's status."""
    return (
        value
        if value in STATUSES
        else wrong(where, f"{value!r} is no status; there are {', '.join(STATUSES)}")
    )


def environment_of(value: object) -> dict[str, Any]:
    """What Simulation takes of the environment: its status, options and facts."""
    given = mapping(value, "environment", ("status", "options", *_FACTS))
    facts: dict[str, object] = {}
    for name, fact in _FACTS.items():
        if name in given:
            facts[fact] = optional_text(given[name], f"environment.{name}")
    bucket = facts.get("SourceBucketArn")
    if isinstance(bucket, str) and not bucket.startswith("arn:"):
        facts["SourceBucketArn"] = f"arn:aws:s3:::{bucket}"
    options = mapping(given.get("options", {}), "environment.options")
    return {
        "status": status_of(given.get("status", "AVAILABLE"), "environment.status"),
        "options": {str(key): text(one, f"environment.options.{key}") for key, one in options.items()},
        "facts": facts,
    }


def _json(value: object, where: str) -> str:
    try:
        return json.dumps(value, default=str)
    except (ValueError, TypeError, RecursionError):  # an alias within its own anchor; a date as a key
        wrong(where, "cannot be written as JSON")


def _dag(value: object, where: str) -> SimDag:
    if isinstance(value, str):
        return SimDag(value)
    given = dict(mapping(value, where, tuple(one.name for one in fields(SimDag))))
    if not isinstance(given.get("dag_id"), str):
        wrong(where, "needs a dag_id")
    readers = {
        "version": text,
        "tags": texts,
        "description": optional_text,
        "schedule": _schedule,
        "owners": texts,
        "max_active_runs": _positive,
        "max_active_tasks": _positive,
        "paused_upon_creation": _optional_flag,
        "tasks": _tasks,
    }
    for name, read in readers.items():
        if name in given:
            given[name] = read(given[name], f"{where}.{name}")
    return SimDag(**given)


def _positive(value: object, where: str) -> int:
    return whole(value, where, 0, _MOST)


def _optional_flag(value: object, where: str) -> bool | None:
    return None if value is None else flag(value, where)


def _schedule(value: object, where: str) -> str | tuple[str, ...] | None:
    """A schedule's text, or the URIs of the datasets that start a run."""
    return texts(value, where) if isinstance(value, list) else optional_text(value, where)


def _outcome(value: object, where: str) -> tuple[str, ...]:
    """How a task's tries end: one for all, or a list with one for each."""
    given = texts(value if isinstance(value, list) else [value], where)
    for one in given:
        if one not in OUTCOMES:
            wrong(where, f"{one!r} is no outcome; there are {', '.join(OUTCOMES)}")
    return given or wrong(where, "needs one outcome at least")


def _tasks(value: object, where: str) -> tuple[SimTask, ...]:
    """A list of tasks, each its id or a mapping of SimTask's fields."""
    found: dict[str, SimTask] = {}
    for number, one in enumerate(sequence(value, where)):
        place = f"{where}[{number}]"
        task = _task(one, place)
        if task.task_id in found:
            wrong(place, f"there is a task {task.task_id!r} already")
        found[task.task_id] = task
    return tuple(found.values())


def _task(value: object, where: str) -> SimTask:
    if isinstance(value, str):
        return SimTask(value)
    given = dict(mapping(value, where, tuple(one.name for one in fields(SimTask))))
    if not isinstance(given.get("task_id"), str):
        wrong(where, "needs a task_id")
    if given.get("downstream") is not None:
        given["downstream"] = texts(given["downstream"], f"{where}.downstream")
    readers = {
        "pool": text,
        "outcome": _outcome,
        "seconds": seconds,
        "retries": _positive,
        "retry_delay": seconds,
        "outlets": texts,
        "log": text,
    }
    for name, read in readers.items():
        if name in given:
            given[name] = read(given[name], f"{where}.{name}")
    return SimTask(**given)
