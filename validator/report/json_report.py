"""The JSON report: everything, for machines. docs/report.schema.json describes it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from validator.report.explain import details_for_json, seconds, trace_limit, utc
from validator.report.sanitize import bounded, encodable

if TYPE_CHECKING:
    from validator.report.interface import Check, Report

SCHEMA = 1
"""Counts up when a reader of the old shape would misread the new one; new keys do not."""
_TEXT_LIMIT = 10_000


def render(report: Report) -> bytes:
    """The report as one JSON object in ASCII, its keys in the documented order."""
    return dumped(as_dict(report))


def dumped(data: dict[str, Any]) -> bytes:
    """The data as one JSON object in ASCII, ready to be written anywhere, a log included."""
    text = json.dumps(data, indent=2, allow_nan=False)
    # Printed into a log, `##[cmd]` would be a command of the pipeline's; a JSON reader sees no difference.
    return re.sub("#(?=#)", r"\\u0023", text).encode("ascii") + b"\n"


def as_dict(report: Report) -> dict[str, Any]:
    """The report as plain JSON-able data, ready for any strict reader."""
    limit = trace_limit(report)
    return {
        "schema": SCHEMA,
        "verdict": str(report.verdict),
        "exit_code": report.exit_code,
        "environment": _text(report.environment),
        "airflow_version": _text(report.airflow_version),
        "gate_version": _text(report.gate_version),
        "started_at": utc(report.started_at),
        "deployed_at": utc(report.deployed_at),
        "arrived_at": utc(report.arrived_at),
        "assumptions": [_text(text) for text in report.assumptions],
        "duration_s": seconds(report.duration_s),
        "calls": report.calls,
        "checks": [_check(check, limit) for check in report.checks],
        "summary": _text(report.summary),
        "next_steps": [_text(text) for text in report.next_steps],
        "request_ids": [_text(text) for text in report.request_ids],
    }


def _check(check: Check, limit: int) -> dict[str, Any]:
    return {
        "id": _text(check.id),
        "area": _text(check.area),
        "subject": _text(check.subject),
        "status": str(check.status),
        "reason": str(check.reason) if check.reason is not None else None,
        "message": _text(check.message),
        "details": details_for_json(check.details, limit),
        "file": _text(check.file),
        "line": check.line,
        "first_seen_s": seconds(check.first_seen_s),
    }


def _text(text: str | None) -> str | None:
    return None if text is None else encodable(bounded(text, _TEXT_LIMIT))
