"""What does Airflow warn of in expected DAGs?

Airflow 2 warns of tasks in pools that do not exist; Airflow 3 does not (AIRFLOW.md section 5), so there the pools that
tasks name are compared with those that exist, for DAGs whose tasks are read anyway.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from validator.airflow.models import Unread
from validator.finding import About, Ripens, Status
from validator.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from validator.airflow.models import Dag, Pool, Task, Walk
    from validator.checks.interface import View
    from validator.finding import Finding

AREA = "warnings"


def check(view: View) -> list[Finding]:
    """One finding for the list of warnings, and one for every expected DAG that is warned of."""
    expected = {dag.dag_id for dag in view.manifest.dags} | set(view.matched)
    expected |= {row.dag_id for rows in view.yields.values() for row in rows}
    if view.manifest.warnings == "ignore" or not expected:
        return []
    by_dag: dict[str, list[str]] = defaultdict(list)
    walk = view.seen.details.warnings
    for warning in walk.rows if walk is not None else ():
        if warning.dag_id in expected:
            by_dag[warning.dag_id].append(warning.message)
    findings = [_list(view, sum(map(len, by_dag.values())))]
    findings += [_dag(dag_id, by_dag[dag_id], view) for dag_id in sorted(by_dag)]
    return findings + _pools(view)


def _list(view: View, count: int) -> Finding:
    about = About("warnings", AREA, "warnings")
    walk = view.seen.details.warnings
    if walk is None and view.all_is_current:
        # What was read of the sources made a DAG current, after it was settled what this round asks for.
        message = "Not read yet: not every expected DAG was current when this round began."
        return about.finds(Status.PENDING, message, Reason.UNDECIDED, due=True)
    if walk is None:
        message = "Not read: an expected DAG is not there and current yet."
        fails = view.manifest.warnings == "fail"
        return about.finds(Status.PENDING if fails else Status.SKIPPED, message, Reason.UNDECIDED)
    if walk.unread is not None:
        if view.manifest.warnings == "fail":
            return about.unread(walk.unread, f"Airflow's warnings could not be read: {walk.unread.message}")
        message = f"Airflow's warnings could not be read, and nobody demands them: {walk.unread.message}"
        return about.finds(Status.SKIPPED, message, walk.unread.reason)
    if not walk.whole and view.manifest.warnings == "fail":
        message = "The list of warnings kept changing while it was read: one may have been overlooked."
        return about.finds(Status.ERROR, message, Reason.BAD_RESPONSE)
    return about.finds(Status.PASSED, f"Read: {count or 'none'} of expected DAGs.")


def _dag(dag_id: str, messages: Sequence[str], view: View) -> Finding:
    about = About(f"warnings/{dag_id}", AREA, dag_id)
    return _warned(about, " ".join(messages), view.listed.get(dag_id), view)


def _warned(about: About, message: str, row: Dag | None, view: View, *, keeps: bool = False) -> Finding:
    if view.manifest.warnings == "warn":
        return about.finds(Status.WARNING, message, Reason.DAG_WARNING, keeps=keeps)
    # Written down anew at each parse: what was mended is gone at the next.
    parse = row.last_parsed if row is not None else None
    return about.finds(
        Status.PENDING,
        message,
        Reason.DAG_WARNING,
        ripens=Ripens(polls=2, parse=parse),
        had_its_turn=False,  # the second parse that it takes is due soon
    )


def about_pools(dag_id: str) -> About:
    """What is judged of the pools that one DAG's tasks name."""
    return About(f"warnings/{dag_id}/pools", AREA, dag_id)


def _pools(view: View) -> list[Finding]:
    """The pools of tasks that were read, against those that exist. What stood before stands until it is read again."""
    if not view.seen.details.tasks and not view.kept:
        return []
    findings = []
    walk = view.seen.details.pools
    slots = {pool.name: pool.slots for pool in walk.rows} if walk is not None else {}
    for expected in view.manifest.dags:
        about = about_pools(expected.dag_id)
        told = view.seen.details.tasks.get(expected.dag_id)
        if told is None or walk is None:
            if about.id in view.kept:
                findings.append(view.kept[about.id])
        elif not isinstance(told, Unread):
            findings.append(
                _pools_of(about, told, slots, view) if walk.whole else _pools_unknown(about, walk, view)
            )
    return findings


def _pools_unknown(about: About, walk: Walk[Pool], view: View) -> Finding:
    message = "Whether its tasks' pools exist could not be found out: "
    if walk.unread is None:
        message += "the list of pools kept changing while it was read."
        fails = view.manifest.warnings == "fail"
        return about.finds(Status.ERROR if fails else Status.SKIPPED, message, Reason.BAD_RESPONSE)
    message += walk.unread.message
    if view.manifest.warnings == "fail":
        return about.unread(walk.unread, message)
    return about.finds(Status.SKIPPED, message, walk.unread.reason, keeps=True)


def _pools_of(about: About, tasks: Sequence[Task], slots: Mapping[str, int], view: View) -> Finding:
    missing = {task.pool: task.task_id for task in tasks if task.pool is not None and task.pool not in slots}
    if not missing and any(task.pool is None for task in tasks):
        status = Status.ERROR if view.manifest.warnings == "fail" else Status.SKIPPED
        return about.finds(status, "Airflow does not tell the pools of all its tasks.", Reason.BAD_RESPONSE)
    if not missing:
        return about.finds(Status.PASSED, "Its tasks' pools exist.", keeps=True)
    named = ", ".join(f"{pool!r} (task {task})" for pool, task in sorted(missing.items()))
    message = f"Its tasks name pools that do not exist, and such a task never runs: {named}."
    return _warned(about, message, view.listed.get(about.subject), view, keeps=True)
