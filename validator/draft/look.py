"""One look at an Airflow that is complete, or none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from validator.airflow.dialect import dialect_of, read_dag
from validator.airflow.models import Unread
from validator.airflow.paths import escaped
from validator.airflow.walk import Collection, PageSize
from validator.durations import format_duration
from validator.errors import CannotTell
from validator.plan import Inquiry, Plan
from validator.reasons import ADVICE, Reason
from validator.target import CONNECTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from validator.airflow.models import Dag, Observation, Walk
    from validator.asking import Asking

_PAUSE = 2.0
"""Seconds between two rounds."""
_REFUSALS = 3
"""Rounds in a row that Airflow refuses: then it is no web server that starts."""
_ROWS_A_PAGE = 500
_NOT_FOUND = 404
_WHEN_STEADY = (
    "Something changes there now, such as by a deploy: run the same command again when that has ended."
)


def look(
    asking: Asking,
    timeout: float,
    max_tps: float,
    wants_tasks: Callable[[Dag], bool],
    tell: Callable[[str], None],
) -> tuple[Observation, tuple[Dag, ...]]:
    """A round in which everything was read, and the rows of DAGs that the default listing leaves out.

    Args:
        asking: what asks the Airflow.
        timeout: seconds after which an incomplete round is not repeated any more; tasks have their own time beyond.
        max_tps: calls a second, from which that time follows.
        wants_tasks: the DAGs whose tasks count.
        tell: takes what a person who waits should know.

    Raises:
        CannotTell: something could not be read whole.
    """
    seen, gone = _lists(asking, timeout)
    wanted = tuple(
        sorted(
            row.dag_id
            for row in seen.dags.rows
            if row.active and not row.has_import_errors and wants_tasks(row)
        )
    )
    if not wanted:
        return seen, gone
    return _with_tasks(asking, seen, wanted, timeout, max_tps, tell), gone


def _lists(asking: Asking, timeout: float) -> tuple[Observation, tuple[Dag, ...]]:
    clock = asking.clock
    deadline = clock.now() + timeout
    refusals = 0
    while True:
        seen = asking.observer.observe(Plan(), deadline)
        missing = _missing(seen)
        if missing is None:
            walk = _gone(asking, seen, deadline)
            missing = _of_walk(walk, "the DAGs that are not active") or _moved(seen, walk)
            if missing is None:
                return seen, tuple(row for row in walk.rows if not row.active)
        unread = missing[1]
        refusals = refusals + 1 if unread.reason is Reason.ACCESS_DENIED else 0
        if not unread.heals or refusals >= _REFUSALS or clock.now() + _PAUSE >= deadline:
            raise _cannot_tell(*missing)
        clock.sleep(_PAUSE)


def _missing(seen: Observation) -> tuple[str, Unread] | None:
    """What could not be read whole, and why; None: nothing."""
    if seen.dags.unread is not None or seen.import_errors.unread is not None:
        walk, what = (
            (seen.dags, "the DAGs") if seen.dags.unread else (seen.import_errors, "the import errors")
        )
        return _of_walk(walk, what)
    if isinstance(seen.reads_all, Unread):
        return "whether the Airflow role may read every DAG", seen.reads_all
    return _of_walk(seen.dags, "the DAGs") or _of_walk(seen.import_errors, "the import errors")


def _of_walk(walk: Walk[Any], what: str) -> tuple[str, Unread] | None:
    if walk.unread is not None:
        return what, walk.unread
    if not walk.whole:
        why = "the list kept changing while it was read"
        return what, Unread(Reason.BAD_RESPONSE, why, advice=_WHEN_STEADY)
    return None


def _gone(asking: Asking, seen: Observation, deadline: float) -> Walk[Dag]:
    """The rows that the default listing leaves out, among others."""
    assert seen.version is not None  # noqa: S101 - the lists were read
    dialect = dialect_of(seen.version)
    key, value = dialect.gone_query
    collection = Collection(asking.caller, "/dags", "dags", PageSize(_ROWS_A_PAGE, 1), CONNECTIONS)
    return collection.walk({key: value}, lambda row: read_dag(row, dialect), lambda dag: dag.dag_id, deadline)


def _moved(seen: Observation, later: Walk[Dag]) -> tuple[str, Unread] | None:
    """Whether a DAG came or went between the two listings: it would be in both, or in neither of them."""
    listed = {row.dag_id for row in seen.dags.rows if row.active}
    odd = sorted(row.dag_id for row in later.rows if row.active != (row.dag_id in listed))
    if not odd:
        return None
    why = f"{odd[0]} came or went while they were read"
    return "the DAGs", Unread(Reason.BAD_RESPONSE, why, advice=_WHEN_STEADY)


def _with_tasks(  # noqa: PLR0913 - one look's whole context, private to this module
    asking: Asking,
    seen: Observation,
    wanted: tuple[str, ...],
    timeout: float,
    max_tps: float,
    tell: Callable[[str], None],
) -> Observation:
    longest = seen.longest_path
    too_long = Unread(Reason.PATH_TOO_LONG, "its path is too long", heals=False)
    asked = tuple(
        dag_id for dag_id in wanted if longest is None or len(f"/dags/{escaped(dag_id)}/tasks") <= longest
    )
    calls = len(asked)
    takes = format_duration(calls / max_tps)
    if calls:
        tell(f"Asking for the tasks of {calls:,} DAG{'s' if calls != 1 else ''}, a call each: about {takes}.")
    # The pace halves while the service throttles.
    deadline = asking.clock.now() + timeout + 2 * calls / max_tps
    seen = asking.observer.inquire(Inquiry(tasks=asked), seen, deadline)
    for dag_id, told in seen.details.tasks.items():
        if isinstance(told, Unread) and told.reason is not Reason.PATH_TOO_LONG:
            gone = told.status == _NOT_FOUND  # a URL that is wrong would not have got this far
            raise _cannot_tell(f"the tasks of {dag_id}", replace(told, advice=_WHEN_STEADY) if gone else told)
    tasks = {**seen.details.tasks, **{dag_id: too_long for dag_id in wanted if dag_id not in asked}}
    return replace(seen, details=replace(seen.details, tasks=tasks))


def _cannot_tell(what: str, unread: Unread) -> CannotTell:
    return CannotTell(
        unread.reason,
        f"{what} could not be read, and nothing was written: {unread.message}",
        advice=unread.advice or ADVICE[unread.reason],
    )
