"""What there is to say about one check, in inert text. The formats for people share it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from validator.finding import Status
from validator.reasons import ADVICE
from validator.report.sanitize import TRACE_LIMIT, bounded, encodable, marked_each, marked_lines, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from typing import TypeGuard

    from validator.report.interface import Check, Report

STACK_TRACE = "stack_trace"
DIFF = "diff"
TASKS = "tasks"
_ROWS = 100
_TRACES_TOTAL = 10_000_000
_TRACE_AT_LEAST = 1_000
_EVIDENCE_LINES = 20
_EVIDENCE_WIDTH = 500
_TEXT_LIMIT = 10_000
_NODES = 2_000
_DEPTH = 8
_SAFE_INTEGER = 2**63

VERDICTS = {Status.PASSED: "PASSED", Status.FAILED: "FAILED", Status.ERROR: "CANNOT TELL"}
"""The verdict for people."""


def reason_code(check: Check) -> str:
    """The reason's code; empty when passed."""
    return str(check.reason) if check.reason is not None else ""


def advice(check: Check) -> str:
    """What to do about it, for people: the check's own advice, or its reason's; empty when there is none."""
    if check.advice:
        return one_line(check.advice)
    return ADVICE.get(check.reason, "") if check.reason is not None else ""


def title(check: Check) -> str:
    """The subject, and what is judged of it where the id says so: `etl_daily`, `etl_daily: paused`."""
    aspect = check.id.partition(f"/{check.subject}/")[2] if check.subject else check.id
    return one_line(f"{check.subject}: {aspect}" if check.subject and aspect else check.subject or aspect)


def message(check: Check) -> str:
    """The message in one line; never empty."""
    return one_line(check.message) or "(no message)"


def place(check: Check) -> str:
    """`etl/daily.py:12`, or without the line, or empty."""
    if not check.file:
        return ""
    return one_line(check.file) + (f":{check.line}" if check.line else "")


def stack_trace(check: Check) -> str:
    """The raw stack trace; empty if there is none."""
    trace = check.details.get(STACK_TRACE)
    return "" if trace is None else str(trace)


def diff(check: Check, limit: int) -> list[str]:
    """The lines that differ, each inert and marked; none where the details have no such list."""
    lines = check.details.get(DIFF)
    return marked_each(lines, limit) if _are_lines(lines) else []


def trace_limit(report: Report) -> int:
    """Characters of a stack trace or a diff that a report can afford: fewer if thousands of checks have one."""
    count = sum(1 for check in report.checks if STACK_TRACE in check.details or DIFF in check.details)
    return max(_TRACE_AT_LEAST, min(TRACE_LIMIT, _TRACES_TOTAL // max(count, 1)))


def evidence(check: Check) -> list[str]:
    """The details but the stack trace and the diff, a line each: `last parsed time: 2026-01-01T00:00:00Z`.

    The tasks of a DAG run come last, a line each, too.
    """
    facts = [
        (key, value)
        for key, value in check.details.items()
        if value is not None
        and key != STACK_TRACE
        and not (key == DIFF and _are_lines(value))
        and not (key == TASKS and _are_tasks(value))
    ]
    lines = [
        one_line(f"{str(key).replace('_', ' ')}: {_in_words(value)}", _EVIDENCE_WIDTH)
        for key, value in facts[:_EVIDENCE_LINES]
    ]
    if len(facts) > _EVIDENCE_LINES:
        lines.append(f"... and {len(facts) - _EVIDENCE_LINES} more details; see the JSON report")
    return lines + task_rows(check)


def task_rows(check: Check) -> list[str]:
    """A line for each task of a DAG run: `load: failed in try 2, 3.100 s`; none where the details have no such list."""
    rows = check.details.get(TASKS)
    if not _are_tasks(rows):
        return []
    lines = []
    for row in rows[:_ROWS]:
        took = row.get("duration_s")
        lasted = f", {seconds(took):.3f} s" if isinstance(took, (int, float)) else ""
        lines.append(
            one_line(
                f"task {row.get('task_id')}: {row.get('state') or 'not started'} in try {row.get('try')}{lasted}"
            )
        )
    if len(rows) > _ROWS:
        lines.append(f"... and {len(rows) - _ROWS} more tasks")
    return lines


def body(check: Check, limit: int) -> list[str]:
    """All about a check but its title: message, place, evidence, the diff's and the stack trace's lines, the advice."""
    lines = [message(check)]
    if place(check):
        lines.append(f"at {place(check)}")
    lines += evidence(check)
    lines += diff(check, limit)
    lines += marked_lines(stack_trace(check), limit)
    if advice(check):
        lines.append(f"What to do: {advice(check)}")
    return lines


def json_safe(value: Any, limit: int = _TEXT_LIMIT) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """A copy of `value` that every strict JSON reader takes: finite, well-formed and of bounded size."""
    return _copy(value, limit, _DEPTH, [_NODES])


def details_for_json(details: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """A check's details for JSON; its stack trace is bounded by `limit`, everything else more tightly."""
    rest = {key: value for key, value in details.items() if key != STACK_TRACE}
    safe: dict[str, Any] = json_safe(rest)
    if details.get(STACK_TRACE) is not None:
        safe[STACK_TRACE] = encodable(bounded(str(details[STACK_TRACE]), limit))
    return safe


def utc(moment: datetime | None, precision: str = "milliseconds") -> str | None:
    """`2026-01-31T08:00:00.000Z`; None stays None. A time without a zone counts as UTC."""
    if moment is None:
        return None
    offset = moment.utcoffset()
    plain = moment.replace(tzinfo=None) - offset if offset else moment.replace(tzinfo=None)
    return plain.isoformat(timespec=precision) + "Z"


def seconds(value: float) -> float:
    """`value` in whole milliseconds, finite and not negative."""
    return round(value, 3) if math.isfinite(value) and value > 0 else 0.0


def _are_lines(value: object) -> TypeGuard[Sequence[str]]:
    return isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value)


def _are_tasks(value: object) -> TypeGuard[Sequence[Mapping[str, Any]]]:
    return isinstance(value, (list, tuple)) and all(isinstance(item, dict) for item in value)


def _in_words(value: Any) -> str:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        return value
    safe = json_safe(value, _EVIDENCE_WIDTH)
    if isinstance(safe, list) and all(isinstance(item, str) for item in safe):
        return ", ".join(safe)
    return json.dumps(safe, ensure_ascii=False)


def _copy(value: Any, limit: int, depth: int, budget: list[int]) -> Any:  # noqa: ANN401 - any JSON
    budget[0] -= 1
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < _SAFE_INTEGER else hex(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if depth and isinstance(value, dict):
        return _copy_mapping(value, limit, depth, budget)
    if depth and isinstance(value, (list, tuple, set, frozenset)):
        items: list[Any] = []
        for item in value:
            if budget[0] <= 0:
                items.append(f"... and {len(value) - len(items)} more")
                break
            items.append(_copy(item, limit, depth - 1, budget))
        return items
    return encodable(bounded(value if isinstance(value, str) else _described(value), limit))


def _copy_mapping(value: dict[Any, Any], limit: int, depth: int, budget: list[int]) -> dict[str, Any]:
    copy: dict[str, Any] = {}
    for number, (key, item) in enumerate(value.items()):
        if budget[0] <= 0:
            copy["..."] = f"and {len(value) - number} more"
            break
        copy[encodable(bounded(str(key), limit))] = _copy(item, limit, depth - 1, budget)
    return copy


def _described(value: object) -> str:
    return "(nested too deeply)" if isinstance(value, (dict, list, tuple, set, frozenset)) else str(value)
