"""Every check, in the order in which reports show them. A new check is one module and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.checks import absent, dags, environment, health, import_errors

if TYPE_CHECKING:
    from validator.checks.interface import Check, View
    from validator.finding import Finding

CHECKS: tuple[Check, ...] = (
    environment.check,
    health.check,
    dags.check,
    absent.check,
    import_errors.check,
)


def run_checks(view: View) -> list[Finding]:
    """The findings of every check on one round."""
    return [finding for check in CHECKS for finding in check(view)]
