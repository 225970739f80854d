"""The human report: once, at the end, for someone woken at night.

It is composed as lines of styled pieces, which are plain text for a log and coloured on a terminal; the
words are the same in both. Lines are never broken: a terminal does that, and copied text stays whole.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from validator.durations import format_duration
from validator.finding import Status
from validator.report import explain
from validator.report.next_steps import missing_report, next_steps
from validator.report.sanitize import marked_lines, one_line
from validator.report.streams import SafeStream, wants_colour

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from validator.report.interface import Check, Report

IN_FULL = 20
"""So many reds are shown with all there is to say."""
BY_LINE = 200
"""So many more get a line each."""
WARNINGS = 10
"""So many warnings are shown unless verbose."""
LISTED = 20
"""So many assumptions and next steps are shown."""

Line = tuple[tuple[str, str], ...]
"""Pieces of inert text, each with its style (may be empty)."""

_COLOUR = {
    Status.PASSED: "green",
    Status.FAILED: "red",
    Status.ERROR: "magenta",
    Status.WARNING: "yellow",
    Status.SKIPPED: "cyan",
}
_WORDS = {
    Status.FAILED: ("failed", "failed"),
    Status.ERROR: ("error", "errors"),
    Status.WARNING: ("warning", "warnings"),
    Status.SKIPPED: ("skipped", "skipped"),
    Status.PASSED: ("passed", "passed"),
}


@dataclass(frozen=True)
class Files:
    """What became of the reports that go to files."""

    written: Mapping[str, str] = field(default_factory=dict)
    """The format's name to the path as it was given."""
    troubles: Sequence[str] = ()
    """Why others could not be written."""


def show(  # noqa: PLR0913 - the options of the command line, by keyword only
    report: Report,
    stream: TextIO | None,
    *,
    verbose: bool = False,
    quiet: bool = False,
    no_color: bool = False,
    environ: Mapping[str, str] = os.environ,
    files: Files | None = None,
) -> None:
    """Print the report: in colours on a terminal that wants them, else plainly.

    A closed or full `stream` is no error: the exit code has the verdict anyway.
    """
    safe = SafeStream(stream)
    render = render_terminal if wants_colour(safe, environ, no_color=no_color) else render_plain
    safe.write(render(report, verbose=verbose, quiet=quiet, files=files))
    safe.flush()


def render_plain(
    report: Report, *, verbose: bool = False, quiet: bool = False, files: Files | None = None
) -> str:
    """The report as plain text, for a log; ends with a line break."""
    lines = _compose(report, files or Files(), verbose=verbose, quiet=quiet)
    return "".join("".join(text for text, _ in line) + "\n" for line in lines)


def render_terminal(
    report: Report, *, verbose: bool = False, quiet: bool = False, files: Files | None = None
) -> str:
    """The report for a terminal: the words of `render_plain`, in colours."""
    from rich.color import ColorSystem  # noqa: PLC0415 - only a terminal needs rich
    from rich.style import Style  # noqa: PLC0415 - the same

    def painted(text: str, style: str) -> str:
        # Style.render knows no markup and no emoji codes: the text stays what it is.
        return Style.parse(style).render(text, color_system=ColorSystem.STANDARD) if style else text

    lines = _compose(report, files or Files(), verbose=verbose, quiet=quiet)
    return "".join("".join(painted(*piece) for piece in line) + "\n" for line in lines)


def _compose(report: Report, files: Files, *, verbose: bool, quiet: bool) -> list[Line]:
    by_status: dict[Status, list[Check]] = {status: [] for status in Status}
    for check in report.checks:
        by_status[check.status].append(check)
    lines = _headline(report, by_status)
    reds, errors = by_status[Status.FAILED], by_status[Status.ERROR]
    if quiet:
        shown = reds if reds or report.verdict is Status.PASSED else errors
        return lines + _one_liners(shown, BY_LINE) + _next_step(report, files)
    lines += _facts(report)
    described = _Described(explain.trace_limit(report))
    lines += _in_full("Failed", reds, described)
    lines += _in_full("Could not be checked", errors, described)
    lines += _warnings(by_status[Status.WARNING], described, verbose=verbose)
    skipped = by_status[Status.SKIPPED]
    lines += _counted("Skipped", skipped, explain.reason_code, verbose=verbose)
    lines += _counted("Passed", by_status[Status.PASSED], lambda check: one_line(check.area), verbose=verbose)
    lines += _list("What this rests on:", report.assumptions, "- ")
    written = [f"{name}: {path}" for name, path in files.written.items()]
    lines += _list("Reports written:", written, "- ")
    is_over = report.verdict is Status.PASSED and not files.troubles
    lines += _list("What to do now:", _steps(report, files), "" if is_over else None)
    return lines


def _steps(report: Report, files: Files) -> tuple[str, ...]:
    """What to do now; never empty. After a pass only a missing report is left to mend: without it the exit code is not 0."""
    missing = tuple(map(missing_report, files.troubles))
    if report.verdict is Status.PASSED and missing:
        return missing
    steps = next_steps(report)
    return steps + tuple(step for step in missing if step not in steps)


def _next_step(report: Report, files: Files) -> list[Line]:
    """The most urgent thing to do, in a line; nothing after a pass."""
    if report.verdict is Status.PASSED and not files.troubles:
        return []
    steps = _steps(report, files)
    more = f" (and {len(steps) - 1} more: see a report without -q)" if len(steps) > 1 else ""
    return [(("  What to do now: ", "bold"), (one_line(steps[0]) + more, ""))]


def _headline(report: Report, by_status: Mapping[Status, Sequence[Check]]) -> list[Line]:
    colour = _COLOUR.get(report.verdict, "")
    counts = ", ".join(
        f"{len(by_status[status])} {one if len(by_status[status]) == 1 else many}"
        for status, (one, many) in _WORDS.items()
        if by_status[status]
    )
    words = f"{explain.VERDICTS.get(report.verdict, 'CANNOT TELL')}: {one_line(report.environment)}"
    return [
        ((words, f"bold {colour}".strip()), (f" - {counts}" if counts else "", "")),
        (("  " + one_line(report.summary), ""),),
    ]


def _facts(report: Report) -> list[Line]:
    version = one_line(report.airflow_version) if report.airflow_version else "unknown"
    facts = [
        f"Airflow {version}",
        f"took {format_duration(explain.seconds(report.duration_s))}",
        f"{report.calls} calls",
        f"exit {report.exit_code}",
        f"mwaa-gate {one_line(report.gate_version)}",
    ]
    lines: list[Line] = [(("  " + ", ".join(facts), "dim"),)]
    if report.deployed_at is not None:
        times = f"  deployed at {explain.utc(report.deployed_at, 'seconds')}"
        if report.arrived_at is not None:
            times += f", arrived at {explain.utc(report.arrived_at, 'seconds')}"
        lines.append(((times, "dim"),))
    if report.request_ids and report.verdict is Status.ERROR:
        lines.append((("  AWS request ids: " + one_line(", ".join(report.request_ids[-3:])), "dim"),))
    return lines


@dataclass
class _Described:
    """Describes checks in full, and nothing twice: DAGs of one broken file share their trace and advice."""

    limit: int
    traces: dict[str, str] = field(default_factory=dict)
    """Stack trace to the check that showed it first."""
    advised: dict[str, str] = field(default_factory=dict)
    """Advice to the check that showed it first."""

    def __call__(self, check: Check) -> list[Line]:
        lines = [_one_liner(check)]
        if place := explain.place(check):
            lines.append((("      at ", "dim"), (place, "bold")))
        lines += [((f"      {fact}", ""),) for fact in explain.evidence(check)]
        lines += [(("      ", ""), (line, "dim")) for line in explain.diff(check, self.limit)]
        if trace := explain.stack_trace(check):
            first = self.traces.setdefault(trace, explain.title(check))
            if first == explain.title(check):
                lines += [(("      ", ""), (line, "dim")) for line in marked_lines(trace, self.limit)]
            else:
                lines.append(((f"      the same stack trace as {first} above", "dim"),))
        if advice := explain.advice(check):
            text = f"as for {self.advised[advice]} above" if advice in self.advised else advice
            self.advised.setdefault(advice, explain.title(check))
            lines.append((("      What to do: ", "bold"), (text, "")))
        return lines


def _in_full(heading: str, checks: Sequence[Check], described: _Described) -> list[Line]:
    if not checks:
        return []
    lines = _heading(f"{heading} ({len(checks)})", checks[0].status)
    for check in checks[:IN_FULL]:
        lines += described(check)
    if len(checks) > IN_FULL:
        lines.append((("  The others, a line each:", "bold"),))
        lines += _one_liners(checks[IN_FULL:], BY_LINE)
    return lines


def _warnings(checks: Sequence[Check], described: _Described, *, verbose: bool) -> list[Line]:
    if not checks:
        return []
    lines = _heading(f"Warnings ({len(checks)})", Status.WARNING)
    if not verbose:
        return lines + _one_liners(checks, WARNINGS, "-v lists them all")
    for check in checks[:BY_LINE]:
        lines += described(check)
    return lines + _one_liners(checks[BY_LINE:], len(checks))


def _counted(
    heading: str, checks: Sequence[Check], group: Callable[[Check], str], *, verbose: bool
) -> list[Line]:
    if not checks:
        return []
    counts = Counter(group(check) for check in checks)
    summary = ", ".join(f"{count} {name}" for name, count in counts.most_common(LISTED))
    if len(counts) > LISTED:
        summary += ", ..."
    lines = _heading(f"{heading} ({len(checks)})", checks[0].status)
    if verbose:
        return lines + _one_liners(checks, len(checks))
    return [*lines[:-1], (*lines[-1], (f": {summary} (-v lists them)", ""))]


def _one_liners(checks: Sequence[Check], limit: int, more: str = "see the JSON report") -> list[Line]:
    lines = [_one_liner(check) for check in checks[:limit]]
    if len(checks) > limit:
        lines.append(((f"  ... and {len(checks) - limit} more; {more}", "dim"),))
    return lines


def _one_liner(check: Check) -> Line:
    code = explain.reason_code(check) or str(check.status)
    return (
        ("  " + code, _COLOUR.get(check.status, "")),
        ("  ", ""),
        (explain.title(check), "bold"),
        (f": {explain.message(check)}", ""),
    )


def _heading(text: str, status: Status) -> list[Line]:
    return [(("", ""),), ((text, f"bold {_COLOUR.get(status, '')}".strip()),)]


def _list(heading: str, texts: Sequence[str], mark: str | None) -> list[Line]:
    """The texts under a heading, each after `mark`; None: numbered. Nothing if there are none."""
    if not texts:
        return []
    lines: list[Line] = [(("", ""),), ((heading, "bold"),)]
    for number, text in enumerate(texts[:LISTED], 1):
        lines.append(((f"  {f'{number}. ' if mark is None else mark}{one_line(text)}", ""),))
    if len(texts) > LISTED:
        lines.append(((f"  ... and {len(texts) - LISTED} more; see the JSON report", "dim"),))
    return lines
