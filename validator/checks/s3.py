"""The check of what S3 holds: see `validator.checks.objects` for what a listing proves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from validator.checks.objects import judge
from validator.finding import Status

if TYPE_CHECKING:
    from validator.checks.interface import View
    from validator.finding import Finding


def check(view: View) -> list[Finding]:
    """One finding for the local folder, and one for each of its files that S3 does not hold as it is."""
    findings = judge(
        view.digests,
        view.seen.objects,
        where=view.seen.objects_in,
        deployed_at=view.times.told,
        held=view.objects_held,
    )
    # The deploy itself did not happen: whatever Airflow shows later is another version.
    return [
        replace(finding, ends=True) if finding.status is Status.FAILED else finding for finding in findings
    ]
