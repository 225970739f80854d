"""Every check, in the order in which reports show them. A new check is one module and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.checks import (
    absent,
    attributes,
    dags,
    environment,
    files,
    health,
    import_errors,
    inventory,
    resources,
    s3,
    sources,
    warnings,
)

if TYPE_CHECKING:
    from validator.checks.interface import Check, View
    from validator.finding import Finding

CHECKS: tuple[Check, ...] = (
    environment.check,
    s3.check,
    sources.check,
    health.check,
    dags.check,
    attributes.check,
    files.check,
    absent.check,
    inventory.check,
    import_errors.check,
    warnings.check,
    resources.check,
)


def run_checks(view: View) -> list[Finding]:
    """The findings of every check on one round."""
    return [finding for check in CHECKS for finding in check(view)]
