"""The two dialects: Airflow 2's /api/v1 and Airflow 3's /api/v2, and the reading of their answers.

Every answer is checked for its shape here: what is missing, of another type or nonsensical is a
`BAD_RESPONSE`, never a default. Measured shapes: AIRFLOW.md sections 1 to 3.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from validator import schedules
from validator.airflow.models import (
    Attributes,
    Component,
    Dag,
    DagFile,
    DagImportError,
    Version,
)
from validator.errors import CallFailed
from validator.iso_time import parse_iso
from validator.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


AIRFLOW_3 = 3
MOST_ROWS = 1_000_000
"""Rows of a collection: a total beyond is nonsense, and would cost a call for every page of it."""
_HEARTBEAT = re.compile(r"latest_\w+_heartbeat")


def bad(what: str) -> CallFailed:
    """The error for an answer that is not what the API promises."""
    return CallFailed(Reason.BAD_RESPONSE, what)


@dataclass(frozen=True)
class Dialect:
    """What differs between Airflow 2 and 3, as data."""

    health_path: str
    gone_query: tuple[str, bool]
    """The query parameter that makes /dags show inactive or stale DAGs too."""
    active_key: str
    active_value: bool
    """A DAG is there when `active_key` is exactly this."""
    schedule_key: str
    """Where a row of /dags has the schedule."""
    source_key: str
    """Where a row of /dags has what /dagSources is asked by."""


AIRFLOW_2_DIALECT = Dialect(
    "/health",
    ("only_active", False),
    "is_active",
    active_value=True,
    schedule_key="schedule_interval",
    source_key="file_token",
)
AIRFLOW_3_DIALECT = Dialect(
    "/monitor/health",
    ("exclude_stale", False),
    "is_stale",
    active_value=False,
    schedule_key="timetable_summary",
    source_key="dag_id",
)


def dialect_of(version: Version) -> Dialect:
    """The dialect that this Airflow speaks."""
    return AIRFLOW_3_DIALECT if version.major >= AIRFLOW_3 else AIRFLOW_2_DIALECT


def parse_version(text: object) -> Version:
    """The version in `text`, such as `2.10.5` or `3.0.6`.

    Raises:
        CallFailed: it is no version, or one whose API is unknown.
    """
    if not isinstance(text, str) or (match := re.match(r"(\d{1,4})\.(\d{1,4})", text)) is None:
        raise bad(f"{text!r} is not an Airflow version")
    version = Version(text[:50], int(match[1]), int(match[2]))
    if version.major not in (2, AIRFLOW_3):
        raise bad(f"Airflow {text} speaks an API that this gate does not know: it knows Airflow 2 and 3")
    return version


def read_version(body: object) -> Version:
    """The answer of /version."""
    return parse_version(as_object(body, "/version").get("version"))


def read_health(body: object) -> dict[str, Component]:
    """The answer of /health: component by name. Its HTTP status says nothing (200 with everything dead)."""
    told = as_object(body, "/health")
    components = {name: _component(name, entry) for name, entry in told.items() if isinstance(entry, dict)}
    for name in ("metadatabase", "scheduler"):
        if name not in components:
            raise bad(f"the health answer does not mention the {name}")
    return components


def _component(name: str, entry: Mapping[str, Any]) -> Component:
    status = entry.get("status")
    if status is not None and not isinstance(status, str):
        raise bad(f"the health answer's status of {name} is {status!r}, not a word")
    heartbeats = [value for key, value in entry.items() if _HEARTBEAT.fullmatch(str(key))]
    return Component(name, status, parse_time(heartbeats[0], f"{name}'s heartbeat") if heartbeats else None)


def read_page(body: object, key: str) -> tuple[list[Any], int]:
    """The rows and `total_entries` of one page of a collection whose list is called `key`."""
    told = as_object(body, key)
    rows, total = told.get(key), told.get("total_entries")
    if not isinstance(rows, list):
        raise bad(f"the answer holds no list {key!r}")
    if type(total) is not int or not 0 <= total <= MOST_ROWS:
        shown = (
            repr(total) if total is None or isinstance(total, (int, float)) else f"a {type(total).__name__}"
        )
        raise bad(f"the answer's total_entries is {shown}, not a count")
    return rows, total


def read_dag(row: object, dialect: Dialect) -> Dag:
    """One row of /dags."""
    told = as_object(row, "a row of /dags")
    dag_id = told.get("dag_id")
    if not isinstance(dag_id, str) or not dag_id:
        raise bad(f"a row of /dags has the dag_id {dag_id!r}")
    if dialect.active_key not in told or "has_import_errors" not in told or "last_parsed_time" not in told:
        raise bad(
            f"the row of DAG {dag_id} lacks {dialect.active_key}, has_import_errors or last_parsed_time"
        )
    paused, source_key = told.get("is_paused"), told.get(dialect.source_key)
    return Dag(
        dag_id=dag_id,
        active=told[dialect.active_key] is dialect.active_value,
        paused=paused if isinstance(paused, bool) else None,
        has_import_errors=told["has_import_errors"] is not False,
        last_parsed=parse_time(told["last_parsed_time"], f"last_parsed_time of {dag_id}"),
        file=read_file(told.get("fileloc"), told.get("relative_fileloc"), told.get("bundle_name")),
        attributes=_attributes(told, dialect),
        source_key=source_key if isinstance(source_key, str) and source_key else None,
    )


def _attributes(told: Mapping[str, Any], dialect: Dialect) -> Attributes:
    """What few manifests ask for: what is missing or of another type is told as None, and judged where it matters."""
    tags, owners, runs = told.get("tags"), told.get("owners"), told.get("max_active_runs")
    names = (
        [tag.get("name") if isinstance(tag, dict) else None for tag in tags]
        if isinstance(tags, list)
        else [None]
    )
    description = told.get("description", ...)
    return Attributes(
        schedule=_schedule(told.get(dialect.schedule_key, ...)),
        tags=_texts(names),
        owners=_owners(_texts(owners)),
        max_active_runs=runs if type(runs) is int else None,
        description="" if description is None else description if isinstance(description, str) else None,
    )


def _schedule(told: object) -> str | None:
    if told is None:
        return schedules.NONE
    if isinstance(told, dict):
        return schedules.of_interval(told)
    return schedules.canonical(told) if isinstance(told, str) else None


def _owners(told: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Airflow keeps the owners as one text, `a, b`, and 2.10.5 cuts it at the commas alone: `a` and ` b`."""
    return None if told is None else tuple(owner.strip() for owner in told)


def _texts(values: object) -> tuple[str, ...] | None:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return None
    return tuple(values)


def read_import_error(row: object) -> DagImportError:
    """One row of /importErrors. Its file name is absolute or relative to the bundle, by version."""
    told = as_object(row, "a row of /importErrors")
    name = told.get("filename")
    if not isinstance(name, str) or not name:
        raise bad(f"a row of /importErrors has the filename {name!r}")
    error_id = told.get("import_error_id")
    if type(error_id) is not int:
        raise bad(f"the import error of {name} has the id {error_id!r}")
    trace = told.get("stack_trace")
    absolute = name.startswith("/")
    return DagImportError(
        error_id=error_id,
        file=read_file(name if absolute else None, None if absolute else name, told.get("bundle_name")),
        stamp=parse_time(told.get("timestamp"), f"the import error of {name}"),
        stack_trace=trace if isinstance(trace, str) else "",
    )


def read_file(absolute: object, relative: object, bundle: object) -> DagFile:
    """A file from the fields that name it; None and other types are unknown."""
    return DagFile(
        absolute=posixpath.normpath(absolute) if isinstance(absolute, str) and absolute else None,
        relative=posixpath.normpath(relative) if isinstance(relative, str) and relative else None,
        bundle=bundle if isinstance(bundle, str) else None,
    )


def parse_time(value: object, what: str) -> datetime | None:
    """A time of the API, UTC; None for null.

    Raises:
        CallFailed: it is no time, or one without a zone.
    """
    if value is None:
        return None
    time = parse_iso(value) if isinstance(value, str) else None
    if time is not None and time.tzinfo is not None:
        return time
    raise bad(f"{what} is {value!r}, not a time with a zone")


def as_object(body: object, what: str) -> dict[str, Any]:
    """A JSON object; `what` names it in messages.

    Raises:
        CallFailed: it is something else.
    """
    if not isinstance(body, dict):
        raise bad(f"the answer for {what} is no JSON object")
    return body
