"""What rows of runs and task instances have in every version."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from validator.sandbox.bodies import Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from validator.sandbox.runs import DagRun, TaskInstance

HOST = "worker.sandbox"
"""Where every task runs."""
PID = 4711
"""Its process."""


def duration_of(one: TaskInstance) -> float | None:
    """Seconds; None: it has not ended."""
    if one.started is None or one.ended is None:
        return None
    return round(one.ended - one.started, 6)


def weight_of(run: DagRun, one: TaskInstance) -> int:
    """Its priority: itself and all that follow it."""
    tasks = {each.task_id: each for each in run.dag.tasks}
    found, todo = set(), [one.task.task_id]
    while todo:
        task_id = todo.pop()
        if task_id in tasks and task_id not in found:
            found.add(task_id)
            todo.extend(run.dag.downstream(tasks[task_id]))
    return len(found)


def rendered(one: TaskInstance, *, early: bool = False) -> dict[str, object]:
    """The fields of a BashOperator, once a worker has begun it; 2.4 has no `cwd`."""
    if not one.attempts:
        return {}
    return {"bash_command": one.task.task_id, "env": None, **({} if early else {"cwd": None})}


def ranges(names: Iterable[str]) -> tuple[Field, ...]:
    """The fields of a list's body that bound dates."""
    return tuple(Field(f"{name}_{end}", nullable=True) for name in names for end in ("gte", "lte"))


def within(row: Mapping[str, object], sent: Mapping[str, object]) -> bool:
    """Whether a row's dates are within the bounds that were sent; one that it does not have is not.

    Raises:
        ValueError: a bound is no date.
    """
    for name, bound in sent.items():
        key, end = name[:-4], name[-4:]
        if end not in ("_gte", "_lte") or bound is None:
            continue
        value = row.get(key)
        if value is None:
            return False
        at, limit = date_of(value), date_of(bound)
        if at < limit if end == "_gte" else at > limit:
            return False
    return True


def date_of(text: object) -> datetime:
    """A date with its zone.

    Raises:
        ValueError: it is none.
    """
    at = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    if at.tzinfo is None:
        raise ValueError(f"{text} has no zone")
    return at
