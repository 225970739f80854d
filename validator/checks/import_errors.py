"""Import errors of files that are no expected DAG's own: warnings, or red where the manifest wants them all.

Errors of expected DAGs are `dag-import-error` on these DAGs (checks/dags.py). DESIGN section 5, "Import errors".
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from validator.airflow.models import Unread
from validator.checks.traces import cause_of, line_in
from validator.finding import About, Ripens, Status
from validator.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from validator.airflow.models import DagImportError
    from validator.checks.interface import View
    from validator.finding import Finding

AREA = "import errors"


def check(view: View) -> list[Finding]:
    """One finding for the list as such, and one for every file with an error that nothing expected answers for."""
    walk = view.seen.import_errors
    own = {error.error_id for dag_id, file in _expected_files(view) for error in view.errors_of(dag_id, file)}
    foreign = [e for e in walk.rows if e.error_id not in own and view.local_name(e.file) is None]
    return [_list(view, len(own), len(foreign)), *(_foreign(error, view) for error in foreign)]


def _expected_files(view: View) -> list[tuple[str, str | None]]:
    if not view.errors.rows:
        return []
    return [(dag.dag_id, dag.file) for dag in view.manifest.dags] + [
        (dag_id, None) for dag_id in view.matched
    ]


def _list(view: View, own: int, foreign: int) -> Finding:
    """Whether the import errors can be read at all, and whether all of them can be seen."""
    walk = view.seen.import_errors
    rule = view.manifest.import_errors
    about = About("import-errors/list", AREA, "import errors")
    if walk.unread is not None:
        message = "Not judged: the import errors could not be read."
        return about.finds(
            Status.ERROR, message, walk.unread.reason, heals=walk.unread.heals, advice=walk.unread.advice
        )
    if not walk.whole:
        message = "The list of import errors kept changing while it was read."
        return about.finds(Status.ERROR, message, Reason.BAD_RESPONSE)
    if rule.scope == "all":
        if view.seen.reads_all is False:
            message = (
                "The caller's Airflow role may not read every DAG, and such a role is not shown every import error: "
                "that there are none cannot be proven."
            )
            return about.finds(Status.ERROR, message, Reason.LIMITED_ROLE)
        if isinstance(view.seen.reads_all, Unread):
            unread = view.seen.reads_all
            message = f"Whether the role sees every import error could not be found out: {unread.message}"
            return about.finds(Status.ERROR, message, unread.reason, heals=unread.heals)
    message = f"Read: {own} in files of expected DAGs, {foreign} elsewhere."
    return about.finds(Status.PASSED, message)


def _foreign(error: DagImportError, view: View) -> Finding:
    rule = view.manifest.import_errors
    file = view.folder.name(error.file)
    about = About(f"import-errors/{error.error_id}:{file}", AREA, file)
    if view.folder.matches(error.file, rule.allow):
        cause = cause_of(error.stack_trace)
        message = f"Its import error is allowed by import_errors.allow: {cause}"
        return _found(about, error, view)(Status.PASSED, message)
    if rule.scope != "all":
        message = f"No expected DAG comes from it: {cause_of(error.stack_trace)}"
        return _found(about, error, view)(Status.WARNING, message, Reason.IMPORT_ERROR)
    return judged(about, error, view)


def judged(about: About, error: DagImportError, view: View) -> Finding:
    """The finding of an import error that is red where it is real."""
    find = _found(about, error, view)
    cause = cause_of(error.stack_trace)
    if view.stamped_after_arrival(error):
        return find(Status.PENDING, cause, Reason.IMPORT_ERROR, ripens=Ripens(polls=2))
    before = error.stamp is not None and error.stamp < max(view.arrived_at(error.file), view.times.arrived_at)
    if before and view.seen.began >= view.times.fresh_after and view.cycle_is_settled and view.witnesses:
        # Airflow 3.0 clears an error only when the file yields a DAG: a helper's error outlives its cure.
        message = f"A leftover: not seen again while everything else was parsed since the new files arrived: {cause}"
        return find(Status.WARNING, message, Reason.IMPORT_ERROR)
    return find(
        Status.PENDING, f"{cause} (not parsed again since the new files arrived)", Reason.IMPORT_ERROR
    )


def _found(about: About, error: DagImportError, view: View) -> Callable[..., Finding]:
    """What makes findings of an error: each with its trace, file and line."""
    file = view.folder.name(error.file)
    details: dict[str, Any] = {
        "file": file,
        "stamp": error.stamp.isoformat() if error.stamp is not None else None,
        "stack_trace": error.stack_trace,
    }
    line = line_in(error.stack_trace, view.folder.located(error.file))
    return partial(about.finds, details=details, file=file, line=line)
