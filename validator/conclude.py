"""From the end of a wait to the finished report. Pure."""

from __future__ import annotations

import signal
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from validator import __version__
from validator.airflow.models import DagFile
from validator.assumptions import assumptions
from validator.checks.dags import AREA as DAGS
from validator.checks.objects import AREA as OBJECTS
from validator.durations import format_duration
from validator.errors import EXIT_CANNOT_TELL, EXIT_FAILED, EXIT_PASSED, EXIT_SIGNAL
from validator.finding import Finding, Status
from validator.gate import short_timeout
from validator.reasons import ADVICE, Reason
from validator.report.interface import Check, Report
from validator.report.next_steps import missing_report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from validator.checks.interface import View
    from validator.expectations import Expectations
    from validator.gate import Outcome
    from validator.local.model import LocalFolder
    from validator.report.interface import Timeline
    from validator.rules import Rules

_EXIT_CODES = {
    Status.PASSED: EXIT_PASSED,
    Status.FAILED: EXIT_FAILED,
    Status.ERROR: EXIT_CANNOT_TELL,
}
_STEPS = 5
_AGAIN = "Run the gate again: an interrupted one says nothing of the deploy."


def conclude(  # noqa: PLR0913 - everything that a report says of its run
    expectations: Expectations,
    rules: Rules,
    outcome: Outcome,
    *,
    environment: str,
    started_at: datetime,
    calls: int,
    request_ids: Sequence[str],
    timeline: Timeline | None = None,
) -> Report:
    """The report of a wait that ended with `outcome`.

    Args:
        expectations: what was expected.
        rules: what the wait went by.
        outcome: how it ended.
        environment: the environment's name, for people.
        started_at: UTC, on this machine's clock.
        calls: how many calls were made.
        request_ids: the service's ids of the last calls.
        timeline: how the wait went, for pictures.
    """
    deployed_at = outcome.state.deployed_at
    findings = outcome.findings or (_nothing_judged(),)
    interrupted = outcome.interrupted_by
    version = outcome.seen.version if outcome.seen is not None else None
    places = _places(outcome.view)
    return Report(
        verdict=outcome.status,
        exit_code=_EXIT_CODES[outcome.status] if interrupted is None else EXIT_SIGNAL + interrupted,
        summary=_summary(outcome, findings),
        environment=environment,
        airflow_version=version.text if version is not None else None,
        gate_version=__version__,
        started_at=started_at,
        deployed_at=deployed_at,
        arrived_at=deployed_at + timedelta(seconds=rules.sync) if deployed_at is not None else None,
        assumptions=assumptions(expectations, rules, outcome),
        duration_s=outcome.elapsed,
        calls=calls,
        checks=tuple(_check(finding, outcome, expectations.folder, places) for finding in findings),
        request_ids=tuple(request_ids),
        timeline=timeline,
        next_steps=tuple(_next_steps(outcome, findings)),
    )


def cut_short(report: Report, number: int) -> Report:
    """A green report that a signal met before all of it was told: who asked for the end must not be told green.

    Args:
        report: as it was told, or was about to be.
        number: the signal's.
    """
    return replace(
        report,
        verdict=Status.ERROR,
        exit_code=EXIT_SIGNAL + number,
        summary=(
            f"Interrupted by {signal.Signals(number).name} while the reports were written. Until then everything that "
            "is expected was seen to hold."
        ),
        next_steps=(_AGAIN,),
    )


def not_written(report: Report, troubles: Sequence[str]) -> Report:
    """A green report that is not told to all who were promised one: then nothing may call it green.

    Args:
        report: as it was told to others.
        troubles: why the missing reports could not be written, a sentence each.
    """
    missing = f"{len(troubles)} reports" if len(troubles) > 1 else "a report"
    return replace(
        report,
        verdict=Status.ERROR,
        exit_code=EXIT_CANNOT_TELL,
        summary=f"Everything that is expected was seen to hold, but {missing} could not be written: {troubles[0]}",
        next_steps=tuple(map(missing_report, troubles)),
    )


def _check(
    finding: Finding, outcome: Outcome, folder: LocalFolder | None, places: Mapping[str, tuple[str, int]]
) -> Check:
    mark = outcome.state.marks.get(finding.id)
    file, line = finding.file, finding.line
    if folder is not None and outcome.view is not None:
        file, line = _local_place(finding, outcome.view, folder, places)
    return Check(
        id=finding.id,
        area=finding.area,
        subject=finding.subject,
        status=finding.status,
        message=finding.message,
        reason=finding.reason,
        details=finding.details,
        file=file,
        line=line,
        advice=finding.advice,
        first_seen_s=mark.since if mark is not None else outcome.elapsed,
        took_s=finding.took,
    )


def _local_place(
    finding: Finding, view: View, folder: LocalFolder, places: Mapping[str, tuple[str, int]]
) -> tuple[str | None, int | None]:
    """The path on this machine that a finding is about, and the line that defines its DAG where no better is known."""
    name, line = finding.file, finding.line
    if name is not None and finding.area == OBJECTS:
        return folder.path(folder.deployed_name(name)), line
    if name is not None and name.startswith("/"):  # Airflow 2 does not say where its DAGs folder is
        name = view.local_name(DagFile(name, None, None)) or name
    known = name is not None and (name in view.local or name in view.hidden)
    if not known and finding.area == DAGS and finding.subject in places:
        # Where Airflow sees it elsewhere, or nowhere: what is to be mended lies here.
        name, line = places[finding.subject]
    elif not known or name is None:
        return name, line
    elif line is None and finding.status is not Status.PASSED and finding.subject in places:
        at, defined = places[finding.subject]
        line = defined if at == name else None
    return folder.path(name), line


def _places(view: View | None) -> dict[str, tuple[str, int]]:
    """Where each DAG is surely defined: the local file's deployed name, and the line."""
    if view is None:
        return {}
    files = [*view.local.items(), *((name, file) for name, (file, _) in view.hidden.items())]
    places: dict[str, tuple[str, int]] = {}
    for name, file in files:
        for one in file.certain:
            places.setdefault(one.dag_id, (name, one.line))
    return places


def _nothing_judged() -> Finding:
    return Finding(
        id="gate/first-round",
        area="gate",
        subject="first round",
        status=Status.SKIPPED,
        message="The gate was interrupted before it had judged anything.",
        reason=Reason.UNDECIDED,
    )


def _summary(outcome: Outcome, findings: Sequence[Finding]) -> str:
    took = format_duration(outcome.elapsed)
    count = len(findings)
    if outcome.interrupted_by is not None:
        name = signal.Signals(outcome.interrupted_by).name
        open_ones = sum(1 for f in findings if f.status in (Status.ERROR, Status.SKIPPED))
        reds = sum(1 for f in findings if f.status is Status.FAILED)
        decided = f"{reds} {'was' if reds == 1 else 'were'} red" if reds else "nothing was decided"
        return f"Interrupted by {name} after {took}: {decided}; {open_ones} of {count} expectations were still open."
    if outcome.status is Status.PASSED:
        warnings = sum(1 for f in findings if f.status is Status.WARNING)
        also = f", with {warnings} warning{'s' if warnings != 1 else ''}" if warnings else ""
        held = count - warnings - sum(1 for f in findings if f.status is Status.SKIPPED)
        return f"Everything that is expected holds: {held} checks passed{also}."
    wanted = Status.FAILED if outcome.status is Status.FAILED else Status.ERROR
    bad = [f for f in findings if f.status is wanted]
    if not bad:
        return f"Nothing could be decided within {took}."
    first = bad[0]
    others = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
    verb = "does not hold" if wanted is Status.FAILED else "could not be seen"
    return f"{first.subject} {verb}: {first.reason}{others}. {first.message}"


def _next_steps(outcome: Outcome, findings: Sequence[Finding]) -> list[str]:
    if outcome.status is Status.PASSED:
        return []
    if outcome.interrupted_by is not None:
        return [_AGAIN]
    wanted = Status.FAILED if outcome.status is Status.FAILED else Status.ERROR
    bad = [f for f in findings if f.status is wanted]
    causes: dict[tuple[Reason, str], list[str]] = {}
    for finding in bad:
        if finding.reason is not None:
            causes.setdefault((finding.reason, finding.advice), []).append(finding.subject)
    steps = []
    for (reason, advice), subjects in list(causes.items())[:_STEPS]:
        some = ", ".join(subjects[:3]) + (f" and {len(subjects) - 3} more" if len(subjects) > 3 else "")  # noqa: PLR2004 - three names are enough
        steps.append(f"{reason} ({some}): {advice or ADVICE[reason]}")
    if outcome.too_short_by > 0:
        steps.append(short_timeout(outcome))
    return steps
