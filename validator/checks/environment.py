"""What GetEnvironment tells: optional, so that a denial is said and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.airflow.models import Unread
from validator.finding import Finding, Status

if TYPE_CHECKING:
    from validator.checks.interface import View
    from validator.reasons import Reason

AREA = "environment"


def check(view: View) -> list[Finding]:
    """One finding, or none where there is no such call (a plain URL, or nothing was asked yet)."""
    told = view.seen.environment
    if told is None:
        return []
    if isinstance(told, Unread):
        message = (
            f"Its settings could not be read, so defaults are assumed for them: {told.message}. Allow "
            "airflow:GetEnvironment on the environment to let the gate know its scan intervals."
        )
        return [_finding(Status.SKIPPED, message, told.reason)]
    version = f", Airflow {told.airflow_version}" if told.airflow_version else ""
    return [_finding(Status.PASSED, f"Its status is {told.status}{version}.", None)]


def _finding(status: Status, message: str, reason: Reason | None) -> Finding:
    return Finding("environment/settings", AREA, "settings", status, message, reason)
