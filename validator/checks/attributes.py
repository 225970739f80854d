"""Is a DAG as the manifest describes it: schedule, tags, owners, tasks and the like?

Only a DAG that is surely the new version is judged. DESIGN section 5, "Final or pending"; what the lists show of a DAG
flips with the parse, its tasks with the serialized DAG (AIRFLOW.md section 4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from validator import schedules
from validator.airflow.models import Unread
from validator.finding import About, Ripens, Status
from validator.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from validator.airflow.models import Dag
    from validator.checks.interface import View
    from validator.finding import Finding
    from validator.manifest.model import ExpectedDag

AREA = "dags"


def check(view: View) -> list[Finding]:
    """One finding for every attribute of every DAG that the manifest demands."""
    findings: list[Finding] = []
    for expected in view.manifest.dags:
        demands = [*_demands(expected)]
        if not demands and expected.tasks is None:
            continue
        row = view.listed.get(expected.dag_id)
        current = row if row is not None and view.is_current(row) else None
        findings += [_attribute(name, value, expected, current) for name, value in demands]
        if expected.tasks is not None:
            findings.append(_tasks(expected, expected.tasks, current, view))
    return findings


def _demands(expected: ExpectedDag) -> Iterable[tuple[str, Any]]:
    """What is demanded beyond presence, by the manifest's key, in one comparable form."""
    if expected.schedule is not None:
        yield "schedule", expected.schedule
    if expected.tags:
        yield "tags", expected.tags
    if expected.owners:
        yield "owners", expected.owners
    if expected.max_active_runs is not None:
        yield "max_active_runs", expected.max_active_runs
    if expected.description is not None:
        yield "description", expected.description


def _attribute(name: str, value: Any, expected: ExpectedDag, row: Dag | None) -> Finding:  # noqa: ANN401 - as the manifest has it
    about = About(f"dags/{expected.dag_id}/{name}", AREA, expected.dag_id)
    if row is None:
        return about.finds(Status.SKIPPED, f"Its {name} is not judged: {_NOT_CURRENT}", Reason.UNDECIDED)
    seen = getattr(row.attributes, name)
    file = row.file.name
    if seen is None:
        return about.finds(
            Status.ERROR,
            f"Airflow does not tell its {name}.",
            Reason.BAD_RESPONSE,
            file=expected.file or file,
        )
    wrong = _difference(name, value, seen)
    details = {"seen": _plain(seen), "expected": _plain(value)}
    if not wrong:
        return about.finds(Status.PASSED, f"Its {name}: {_shown(seen)}.", None, details)
    return about.finds(
        Status.PENDING,
        wrong,
        Reason.DAG_ATTRIBUTE_MISMATCH,
        details,
        file=expected.file,
        ripens=Ripens(polls=2, parse=row.last_parsed),
        had_its_turn=False,  # the second parse that it takes is due soon
    )


def about_tasks(dag_id: str) -> About:
    """What is judged of one DAG's tasks."""
    return About(f"dags/{dag_id}/tasks", AREA, dag_id)


_NOT_CURRENT = "Airflow does not show the new version of the DAG yet."


def _difference(name: str, value: Any, seen: Any) -> str:  # noqa: ANN401 - the same
    """What is wrong, in a sentence; empty: nothing."""
    if name == "schedule":
        if schedules.canonical(value) == seen:
            return ""
    elif name == "tags":
        missing = [tag for tag in value if tag not in seen]
        return f"It lacks the tag{_s(missing)} {_shown(missing)}; it has {_shown(seen)}." if missing else ""
    elif name == "owners":
        if set(value) == set(seen):
            return ""
    elif value == seen:
        return ""
    return f"Its {name}: {_shown(seen)} is seen, and {_shown(value)} is expected."


def _tasks(expected: ExpectedDag, wanted: tuple[str, ...], row: Dag | None, view: View) -> Finding:  # noqa: PLR0911 - one for each cause
    about = about_tasks(expected.dag_id)
    if row is None:
        return about.finds(Status.SKIPPED, f"Its tasks are not judged: {_NOT_CURRENT}", Reason.UNDECIDED)
    told = view.seen.details.tasks.get(expected.dag_id)
    if told is None:
        if about.id in view.kept:
            return view.kept[about.id]
        message = (
            "Its tasks are not read yet: a web server may show its own copy of the old ones for "
            f"{view.times.served_for:g} s."
        )
        # Once the DAG is current only the gate's own next look is missing.
        wait = max(0.0, view.times.served_for - view.held_for(expected.dag_id))
        return about.finds(Status.PENDING, message, Reason.UNDECIDED, due=True, due_in=wait)
    if isinstance(told, Unread):
        if told.reason is Reason.PATH_TOO_LONG:  # nothing else tells them, so that they can never be known
            message = f"Its tasks cannot be read: {told.message}"
            return about.finds(Status.ERROR, message, told.reason, file=expected.file, heals=False)
        return about.unread(told, f"Its tasks could not be read: {told.message}", file=expected.file)
    seen = {task.task_id for task in told}
    missing = sorted(set(wanted) - seen)
    too_many = sorted(seen - set(wanted))
    details = {"seen": sorted(seen), "expected": sorted(wanted), "missing": missing, "unexpected": too_many}
    if not missing and not too_many:
        return about.finds(
            Status.PASSED, f"Its {len(seen)} task{_s(seen)} are those expected.", None, details, keeps=True
        )
    parts = [f"it lacks {_shown(missing)}"] if missing else []
    parts += [f"{_shown(too_many)} {'are' if len(too_many) > 1 else 'is'} not expected"] if too_many else []
    text = " and ".join(parts)
    return about.finds(
        Status.PENDING,
        f"Its tasks differ: {text}.",
        Reason.DAG_TASKS_MISMATCH,
        details,
        file=expected.file,
        ripens=Ripens(polls=2, parse=row.last_parsed),
        had_its_turn=False,  # the second parse that it takes is due soon
    )


_MOST_SHOWN = 10


def _shown(value: Any) -> str:  # noqa: ANN401 - the same
    """A value for people."""
    if isinstance(value, (tuple, list)):
        names = sorted(value)
        more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
        return (", ".join(map(repr, names[:_MOST_SHOWN])) or "none") + more
    return "nothing" if value == "" else repr(value)


def _plain(value: Any) -> Any:  # noqa: ANN401 - the same
    return sorted(value) if isinstance(value, tuple) else value


def _s(many: Any) -> str:  # noqa: ANN401 - anything with a length
    return "" if len(many) == 1 else "s"
