"""What is told of a wait or of its end, to whoever sent the event. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from validator.errors import EXIT_CANNOT_TELL, GateError, ManifestError, UsageError
from validator.finding import Status
from validator.reasons import Reason
from validator.report import explain
from validator.report.json_report import as_dict
from validator.report.sanitize import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from validator.report.interface import Check, Report

SHORT_LIMIT = 1_500
"""Characters of a short answer, as JSON."""
REPORT_LIMIT = 4_000_000
"""Bytes of a report in an answer: Lambda gives back at most 6 MB."""

_MESSAGE = 300
_PROBLEMS = 20
_REASONS = 5
_REFUSAL_LIMITS = (600, 200, 60)
"""Characters of a refusal's texts: fewer where so many have to be escaped that the answer would not be short."""
_FAILURE_TYPES = {
    Reason.ACCESS_DENIED: "PermissionError",
    Reason.LIMITED_ROLE: "PermissionError",
    Reason.NOT_FOUND: "ConfigurationError",
    Reason.SUPERSEDED: "RevisionOutOfSync",
}


def failure_type(report: Report) -> str:
    """The type of failure that CodePipeline is told."""
    if report.verdict is Status.FAILED:
        return "JobFailed"
    reasons = [check.reason for check in report.checks if check.status is Status.ERROR]
    return next((_FAILURE_TYPES[one] for one in reasons if one in _FAILURE_TYPES), "SystemUnavailable")


def failure_type_of(error: GateError) -> str:
    """The type of failure that CodePipeline is told of what ended an invocation."""
    if isinstance(error, UsageError):
        return "ConfigurationError"
    return _FAILURE_TYPES.get(getattr(error, "reason", Reason.UNREACHABLE), "SystemUnavailable")


def failure_message(report: Report, written: Mapping[str, str]) -> str:
    """The first reasons, what to do, and where all of it can be read: for the pipeline's console."""
    lines = [f"{explain.VERDICTS[report.verdict]}: {one_line(report.summary, 600)}"]
    worst = _worst(report)
    lines += [_line(check) for check in worst[:10]]
    if len(worst) > 10:  # noqa: PLR2004 - what a message of 5,000 characters has room for
        lines.append(f"... and {len(worst) - 10} more")
    lines += [f"What to do: {one_line(step, 600)}" for step in report.next_steps[:3]]
    lines += [f"{name}: {place}" for name, place in written.items()]
    return "\n".join(lines)


def error_message(error: GateError) -> str:
    """What ended an invocation, and what to do about it."""
    lines = [one_line(error.message)]
    if isinstance(error, ManifestError):
        lines += [one_line(problem, _MESSAGE) for problem in error.problems[:_PROBLEMS]]
    if error.advice:
        lines.append(f"What to do: {one_line(error.advice)}")
    return "\n".join(lines)


def variables(report: Report, written: Mapping[str, str]) -> dict[str, str]:
    """The output variables of an action that succeeds."""
    return {
        "verdict": str(report.verdict),
        "passed": str(report.count(Status.PASSED)),
        "failed": str(report.count(Status.FAILED)),
        "warnings": str(report.count(Status.WARNING)),
        "environment": one_line(report.environment),
        "airflow_version": one_line(report.airflow_version or "unknown"),
        "summary": one_line(report.summary),
        **{f"report_{name}": place for name, place in written.items()},
    }


def pending(environment: str, token: str, next_look: float) -> dict[str, Any]:
    """The answer while nothing is decided; `next_look` is in seconds."""
    return {
        "state": "pending",
        "token": token,
        "wait_s": max(1, round(next_look)),
        "environment": environment,
    }


def done(report: Report, written: Mapping[str, str]) -> dict[str, Any]:
    """The answer of an event whose gate has decided: the JSON report. What passed is left out if it is too large."""
    answer = as_dict(report)
    for keep in ({Status.PASSED, Status.SKIPPED}, set(Status)):
        if _size(answer) <= REPORT_LIMIT:
            break
        rest = [check for check in answer["checks"] if Status(check["status"]) not in keep]
        left = rest[: REPORT_LIMIT // 20_000]
        answer = {**answer, "checks": left, "checks_left_out": len(report.checks) - len(left)}
    return {"state": "done", **answer, "reports": dict(written)}


def short(report: Report, written: Mapping[str, str]) -> dict[str, Any]:
    """The same in at most `SHORT_LIMIT` characters."""
    worst = _worst(report)
    counts = {str(status): report.count(status) for status in Status if report.count(status)}
    answer: dict[str, Any] = {
        "state": "done",
        "environment": one_line(report.environment, 100),
        "verdict": str(report.verdict),
        "exit_code": report.exit_code,
        "summary": _ascii(one_line(report.summary, _MESSAGE)),
        "reasons": [_ascii(one_line(_line(check), 150)) for check in worst[:_REASONS]],
        "counts": counts,
        "airflow_version": one_line(report.airflow_version, 40) if report.airflow_version else None,
        "duration_s": explain.seconds(report.duration_s),
        "reports": dict(written),
    }
    while answer["reasons"] and _size(answer) > SHORT_LIMIT:
        answer = {**answer, "reasons": answer["reasons"][:-1]}
    if _size(answer) > SHORT_LIMIT:
        answer = {**answer, "summary": answer["summary"][:100], "reports": {}}
    return answer


def refused(error: GateError, environment: str | None) -> dict[str, Any]:
    """The answer of an event that cannot be used, or of an invocation that failed; never longer than a short one."""
    _, *lines = error_message(error).split("\n")
    told = (
        lines if len(lines) <= _REASONS else [*lines[: _REASONS - 1], lines[-1]]
    )  # the last one says what to do
    answer: dict[str, Any] = {}
    for limit in _REFUSAL_LIMITS:
        answer = {
            "state": "done",
            "environment": _ascii(one_line(environment, min(limit, 100))) if environment else None,
            "verdict": str(Status.ERROR),
            "exit_code": error.exit_code,
            "summary": _ascii(one_line(error.message, limit)),
            "reasons": [_ascii(one_line(line, min(limit, _MESSAGE))) for line in told],
            "reports": {},
        }
        while len(answer["reasons"]) > 1 and _size(answer) > SHORT_LIMIT:
            answer = {**answer, "reasons": [*answer["reasons"][:-2], answer["reasons"][-1]]}
        if _size(answer) <= SHORT_LIMIT:
            break
    return answer


def unexpected(kind: str) -> GateError:
    """What stands for a mistake of the gate's own; `kind` is the exception's type."""
    error = GateError(
        f"the gate itself failed ({kind}): nothing can be said of the environment",
        advice="Look at the function's log, and report what it says; run the gate again meanwhile.",
    )
    error.exit_code = EXIT_CANNOT_TELL
    return error


def _worst(report: Report) -> list[Check]:
    wanted = Status.FAILED if report.verdict is Status.FAILED else Status.ERROR
    return [check for check in report.checks if check.status is wanted]


def _line(check: Check) -> str:
    place = explain.place(check)
    at = f" ({place})" if place else ""
    return f"{explain.title(check)}{at}: {explain.reason_code(check)}: {one_line(explain.message(check), _MESSAGE)}"


def _ascii(text: str) -> str:
    """A state machine counts bytes, and an escaped character takes six."""
    return text.encode("ascii", "replace").decode()


def _size(answer: Mapping[str, Any] | Sequence[Any]) -> int:
    import json  # noqa: PLC0415 - only here

    return len(json.dumps(answer))
