"""What to do now, whatever the verdict: no report for people ends without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.finding import Status
from validator.report.sanitize import one_line

if TYPE_CHECKING:
    from validator.report.interface import Report


def missing_report(trouble: str) -> str:
    """What to do about a report that could not be written; `trouble` says why, in a sentence."""
    return f"A report is missing: {trouble}. Mend that, and run the gate again."


def next_steps(report: Report) -> tuple[str, ...]:
    """What to do now, an inert sentence or two each, the most urgent first; never empty."""
    steps = tuple(one_line(step) for step in report.next_steps if step.strip())
    if steps:
        return steps
    if report.verdict is Status.PASSED:
        return (_when_passed(report),)
    if report.verdict is Status.FAILED:
        return ("Mend what is red, deploy again, and run the gate again.",)
    return ("Mend what kept the gate from seeing, and run it again: this one says nothing of the deploy.",)


def _when_passed(report: Report) -> str:
    warnings, skipped = report.count(Status.WARNING), report.count(Status.SKIPPED)
    notes = []
    if warnings:
        notes.append("1 warning" if warnings == 1 else f"{warnings} warnings")
    if skipped:
        notes.append("1 skipped check" if skipped == 1 else f"{skipped} skipped checks")
    if not notes:
        return "Nothing: everything that is expected holds."
    return f"Nothing has to be done. When there is time, look at {' and '.join(notes)}."
