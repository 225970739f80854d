"""Does a pattern match as many passing DAGs as it must? Part of the check of DAGs, which judges the matches."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from validator.airflow.models import Unread
from validator.durations import format_duration
from validator.finding import About, Status
from validator.reasons import Reason

if TYPE_CHECKING:
    from validator.checks.interface import View
    from validator.finding import Finding
    from validator.manifest.model import ExpectedPattern

AREA = "dags"


def judged(view: View, passed: set[str]) -> list[Finding]:
    """One finding a pattern, given the ids of the DAGs that pass."""
    return [_pattern(pattern, passed, view) for pattern in view.manifest.patterns]


def _pattern(pattern: ExpectedPattern, passed: set[str], view: View) -> Finding:
    count = sum(1 for dag_id in passed if fnmatchcase(dag_id, pattern.pattern))
    details = {"passed": count, "minimum": pattern.minimum}
    about = About(f"patterns/{pattern.pattern}", AREA, pattern.pattern)
    walk = view.seen.dags
    if walk.unread is not None:
        message = "Not judged: the DAG list could not be read."
        return about.finds(
            Status.ERROR,
            message,
            walk.unread.reason,
            details,
            heals=walk.unread.heals,
            advice=walk.unread.advice,
        )
    if not walk.whole:
        message = "The DAG list kept changing while it was read: a match may have been overlooked."
        return about.finds(Status.ERROR, message, Reason.BAD_RESPONSE, details)
    if isinstance(view.seen.gone, Unread) and view.seen.import_errors.rows:
        gone = view.seen.gone
        message = f"There are import errors, and the DAGs that they took off the list could not be read: {gone.message}"
        return about.finds(Status.ERROR, message, gone.reason, details, heals=gone.heals)
    if count < pattern.minimum:
        message = f"{count} of its matches pass, and at least {pattern.minimum} must."
        return about.finds(Status.PENDING, message, Reason.DAG_MISSING, details)
    if view.unsettled_for > 0:  # a match may be off the list for a moment, and nobody here saw it before
        message = (
            f"{count} of its matches pass, but DAGs came, went or moved since the look before; what is there must stay for "
            f"another {format_duration(view.unsettled_for)}."
        )
        return about.finds(Status.PENDING, message, Reason.DAG_MISSING, details, had_its_turn=True)
    return about.finds(
        Status.PASSED, f"{count} of its matches pass; at least {pattern.minimum} must.", None, details
    )
