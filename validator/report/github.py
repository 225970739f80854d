"""What GitHub Actions is told of a report: annotations, and values of outputs. Pure.

An annotation is a line on stdout that the runner obeys, so that this is the only place where the gate writes such a
line. Its message and its properties are inert text first, and escaped after that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from validator.finding import Status
from validator.report import explain
from validator.report.sanitize import bounded, encodable, marked_lines, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from validator.report.interface import Check, Report

NAME = "mwaa-gate"
PER_LEVEL = 10
"""So many errors, and so many warnings, does GitHub take from one step."""
MESSAGE_LIMIT = 4_096
"""UTF-16 units; the runner cuts a longer message."""
TITLE_LIMIT = 250
"""The same, for a title."""
_REST = "the job summary and in the reports"
_TEXT = 900
_TRACE = 1_800
_TRACE_LINES = 40
_NAMED = 3
_SIGNALS = 128


@dataclass(frozen=True)
class Annotation:
    """One message that GitHub shows at a run and, with a file, at its line."""

    level: str
    """`error` or `warning`."""
    title: str
    lines: tuple[str, ...]
    """The message. Texts may be foreign."""
    file: str | None = None
    """Relative to the workspace, with slashes; None: it is about no file there."""
    line: int | None = None
    count: int = 1
    """How many checks it speaks of."""

    def command(self) -> str:
        """The line that makes the runner show it."""
        properties = {"title": _bounded(one_line(self.title), TITLE_LIMIT)}
        if self.file is not None and one_line(self.file) == self.file:  # else no name that GitHub could find
            place = {"file": self.file} | ({"line": str(self.line)} if self.line else {})
            properties = place | properties
        given = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
        text = _bounded("\n".join(self.lines), MESSAGE_LIMIT)
        text = text if text.strip() else "(no message)"
        return f"::{self.level} {given}::{_data(text)}"


def annotate(
    report: Report, locate: Callable[[str], str | None], troubles: Sequence[str] = ()
) -> list[Annotation]:
    """What GitHub is to show, the most severe first, no more of a level than it takes; the last one counts the rest.

    Args:
        report: the finished report.
        locate: the path in the workspace of a check's file; None: it is not there.
        troubles: what went wrong after the verdict, such as a report that could not be written.
    """
    errors = [Annotation("error", NAME, (one_line(text, _TEXT),)) for text in troubles]
    judged = any(check.status in (Status.FAILED, Status.ERROR) for check in report.checks)
    if report.exit_code > _SIGNALS or (report.verdict is not Status.PASSED and not judged):
        word = explain.VERDICTS.get(report.verdict, "CANNOT TELL").lower()
        errors.append(Annotation("error", f"{NAME}: {word}", (one_line(report.summary, _TEXT),)))
    errors += [_of("error", same, locate) for same in _alike(report, Status.FAILED)]
    errors += [_cannot_tell(same) for same in _alike(report, Status.ERROR)]
    warnings = [_of("warning", same, locate) for same in _alike(report, Status.WARNING)]
    return [*within_limit(errors, _REST), *within_limit(warnings, _REST)]


def within_limit(wanted: list[Annotation], rest: str) -> list[Annotation]:
    """The annotations of one level, no more of them than GitHub takes; the last one counts the others.

    Args:
        wanted: all of them, the most important first.
        rest: where the others are to be found, as the end of a sentence.
    """
    if len(wanted) <= PER_LEVEL:
        return wanted
    shown, others = wanted[: PER_LEVEL - 1], wanted[PER_LEVEL - 1 :]
    count = sum(one.count for one in others)
    titles = [one_line(one.title, 100) for one in others[:PER_LEVEL]]
    message = f"{count} more are in {rest}: {'; '.join(titles)}"
    more = "; ..." if len(others) > PER_LEVEL else "."
    return [*shown, Annotation(others[0].level, f"{NAME}: {count} more", (message + more,), count=count)]


def outputs(values: Mapping[str, str], delimiter: Callable[[], str]) -> bytes:
    """What is to be appended to the file that GITHUB_OUTPUT names.

    Args:
        values: each output's value by its name.
        delimiter: a new one that nobody can guess, at every call.
    """
    text = (
        "\n"  # whatever was written there before may have no line break at its end; empty lines are skipped
    )
    for name, value in values.items():
        safe = encodable(value)
        end = delimiter()
        while end in safe:
            end = delimiter()
        text += f"{name}<<{end}\n{safe}\n{end}\n"
    return text.encode()


def _alike(report: Report, status: Status) -> list[list[Check]]:
    """The checks of that status; those that say the same of the same place, or have the same cause, together."""
    groups: dict[tuple[object, ...], list[Check]] = {}
    for check in report.checks:
        if check.status is status:
            same = explain.stack_trace(check) or check.message
            cause = (check.advice,) if status is Status.ERROR else (check.file, check.line, same)
            groups.setdefault((check.reason, *cause), []).append(check)
    return list(groups.values())


def _of(level: str, checks: Sequence[Check], locate: Callable[[str], str | None]) -> Annotation:
    check = checks[0]
    file = locate(check.file) if check.file is not None else None
    lines = [one_line(check.message, _TEXT) or "(no message)"]
    if file is None and (place := explain.place(check)):
        lines.append(f"at {place}")
    lines += explain.diff(check, _TRACE // 2)
    lines += marked_lines(explain.stack_trace(check), _TRACE, _TRACE_LINES)
    if advice := explain.advice(check):
        lines.append(f"What to do: {one_line(advice, _TEXT)}")
    title = f"{_names(checks)}: {explain.reason_code(check) or check.status}"
    return Annotation(level, title, tuple(lines), file, check.line if file is not None else None, len(checks))


def _cannot_tell(checks: Sequence[Check]) -> Annotation:
    """What could not be seen. It names no file: nothing is known to be wrong with it."""
    check = checks[0]
    lines = [f"{_names(checks)}: {one_line(check.message, _TEXT) or '(no message)'}"]
    if advice := explain.advice(check):
        lines.append(f"What to do: {one_line(advice, _TEXT)}")
    title = f"{NAME}: cannot tell ({explain.reason_code(check) or check.status})"
    return Annotation("error", title, tuple(lines), count=len(checks))


def _names(checks: Sequence[Check]) -> str:
    some = ", ".join(one_line(explain.title(check), 100) or "(unnamed)" for check in checks[:_NAMED])
    return some + (f" and {len(checks) - _NAMED} more" if len(checks) > _NAMED else "")


def _bounded(text: str, units: int) -> str:
    """`text` in at most so many UTF-16 units."""
    return text if len(text.encode("utf-16-le", "replace")) <= 2 * units else bounded(text, units // 2)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
