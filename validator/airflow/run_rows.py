"""DAG runs and task instances, as the API's rows tell them. What is missing or nonsensical is a `BAD_RESPONSE`.

Recorded shapes: Airflow 2.4.3, 2.10.5, 3.0.6 and 3.3.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from validator.airflow.dialect import as_object, bad, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_MADE_AT_LOGICAL_DATE = ("manual", "dataset_triggered")
"""Airflow 2's run types whose logical date is when they were made; a scheduled run's is an interval earlier."""


@dataclass(frozen=True)
class DagRun:
    """One DAG run."""

    dag_id: str
    run_id: str
    state: str
    """`queued`, `running`, `success` or `failed`; also one that no Airflow known here has."""
    run_type: str | None
    """Such as `manual`, `dataset_triggered` or `asset_triggered`; None: not told."""
    made: datetime | None
    """When it was queued (Airflow 3), or made (Airflow 2, which tells it of runs that no schedule made); UTC.

    None: not told.
    """
    began: datetime | None
    """None: not yet."""
    ended: datetime | None
    """None: not yet."""


@dataclass(frozen=True)
class TaskInstance:
    """One task of one DAG run."""

    dag_id: str
    run_id: str
    task_id: str
    state: str | None
    """None: not scheduled yet."""
    try_number: int
    """The last try that began or is to begin; 0: none."""
    began: datetime | None
    """None: not yet."""
    ended: datetime | None
    """None: not yet."""
    map_index: int = -1
    """-1: the task is not mapped."""


@dataclass(frozen=True)
class ListedRun:
    """A DAG run, and what the list of them can be narrowed by."""

    run: DagRun
    due: datetime
    """The logical date (Airflow 2), or `run_after` (Airflow 3).

    Of a run that was triggered it is when that happened; of one that an event started, that event's time or later.
    """


def read_run(row: object, *, airflow_3: bool) -> ListedRun:
    """A row of the list of DAG runs, or the answer to a trigger."""
    told = as_object(row, "a DAG run")
    dag_id, run_id = _text(told, "dag_id", "a DAG run"), _text(told, "dag_run_id", "a DAG run")
    what = f"the run {run_id} of {dag_id}"
    state, run_type = _text(told, "state", what), told.get("run_type")
    due_key = "run_after" if airflow_3 else "logical_date"
    due = _time(told, due_key, what)
    if due is None:
        raise bad(f"{what} has no {due_key}")
    made: datetime | None = due
    if airflow_3:
        made = _time(told, "queued_at", what) or due
    elif run_type not in _MADE_AT_LOGICAL_DATE:
        made = None
    run = DagRun(
        dag_id=dag_id,
        run_id=run_id,
        state=state,
        run_type=run_type if isinstance(run_type, str) else None,
        made=made,
        began=_time(told, "start_date", what),
        ended=_time(told, "end_date", what),
    )
    return ListedRun(run, due)


def read_task_instance(row: object) -> TaskInstance:
    """A row of the list of task instances. Its rendered fields, which may hold secrets, are dropped."""
    told = as_object(row, "a task instance")
    dag_id, run_id, task_id = (
        _text(told, key, "a task instance") for key in ("dag_id", "dag_run_id", "task_id")
    )
    what = f"the task {task_id} in run {run_id} of {dag_id}"
    state = told.get("state", ...)
    if state is not None and (not isinstance(state, str) or not state):
        raise bad(f"{what} has {_shown(state)} as its state")
    return TaskInstance(
        dag_id=dag_id,
        run_id=run_id,
        task_id=task_id,
        state=state,
        try_number=_number(told, "try_number", 0, what),
        began=_time(told, "start_date", what),
        ended=_time(told, "end_date", what),
        map_index=_number(told, "map_index", -1, what),
    )


def _text(told: Mapping[str, Any], key: str, what: str) -> str:
    value = told.get(key)
    if not isinstance(value, str) or not value:
        raise bad(f"{what} has {_shown(value)} as its {key}")
    return value


def _number(told: Mapping[str, Any], key: str, least: int, what: str) -> int:
    value = told.get(key)
    if type(value) is not int or value < least:
        raise bad(f"{what} has {_shown(value)} as its {key}")
    return value


def _shown(value: object) -> str:
    if value is ...:
        return "nothing"
    return (
        repr(value) if value is None or isinstance(value, (str, int, float)) else f"a {type(value).__name__}"
    )


def _time(told: Mapping[str, Any], key: str, what: str) -> datetime | None:
    if key not in told:
        raise bad(f"{what} lacks its {key}")
    return parse_time(told[key], f"{key} of {what}")
