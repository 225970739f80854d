"""The report in GitHub's Markdown: for a pull request comment and for the job summary.

A comment may mention people, link, refer to issues and hold HTML, and foreign text must do none of it. GitHub looks for
mentions, references and emoji after it has rendered the text, so that a backslash is no protection: `prose` writes what
could begin any of them as a character reference, and a zero-width space after it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from validator.durations import format_duration
from validator.finding import Status
from validator.report import explain
from validator.report.next_steps import next_steps
from validator.report.sanitize import marked_lines, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from validator.report.interface import Check, Report

COMMENT_LIMIT = 60_000
"""Bytes: GitHub takes comments of up to 65,536 characters, and somebody may add words of their own."""
SUMMARY_LIMIT = 900 * 1024
"""Bytes: a job summary of more than 1 MiB is dropped whole."""

SIGNS = {
    Status.PASSED: "✅",
    Status.FAILED: "❌",
    Status.ERROR: "❔",
    Status.WARNING: "⚠️",
    Status.SKIPPED: "⏭️",
}
_ORDER = (Status.FAILED, Status.ERROR, Status.WARNING, Status.SKIPPED)
_TABLE = ("| | check | reason | what was seen |", "|---|---|---|---|")
_TITLE = 200
_TEXT = 600
_LINES = 60
_TRACES_PART = 20
"""A stack trace may take one part in so many of the page."""
_LEFT_OUT = 120
"""Bytes that are kept for saying what was left out."""

# What may stand in a text as it is: letters, digits, spaces and this. A full stop, a colon or a hyphen only where
# it ends a word, and nothing but a letter at the start: `1.` begins a list.
_REFERENCE = re.compile(
    r"^[^A-Za-z]"
    r"|[!#$&*+/<>@\[\\\]^_`{|}~]"
    r"|[.:](?=\S)"
    r"|(?<=[Gg][Hh])-"
)
# After these GitHub looks for a name, a number or the name of an emoji; linkifiers for a host.
_APART = "@#:-"
_CODE = re.compile(r"[^`|\\\s](?:[^`|\\]*[^`|\\\s])?")


def render(report: Report) -> bytes:
    """The report for a comment: UTF-8, at most `COMMENT_LIMIT` bytes."""
    return page(report, COMMENT_LIMIT)


def page(report: Report, limit: int) -> bytes:
    """The report in at most `limit` bytes of UTF-8: whole rows, the most severe first; says what was left out.

    `limit` must be 20,000 or more: the head alone may take so much.
    """
    lines = _head(report)
    room = limit - _size(lines)

    def add(part: Callable[[int], list[str]], share: float) -> None:
        nonlocal room
        some = part(int(room * share))
        lines.extend(some)
        room -= _size(some)

    bad = [check for status in _ORDER for check in report.checks if check.status is status]
    good = [check for check in report.checks if check.status is Status.PASSED]
    steps = next_steps(report)
    add(lambda left: _list("What to do now", steps, left), 0.3)
    add(lambda left: _table(bad, left), 0.5)
    add(lambda left: _evidence(bad, steps, limit // _TRACES_PART, left), 0.6)
    add(lambda left: _list("What this rests on", report.assumptions, left), 0.6)
    add(lambda left: _folded_table(f"Passed ({len(good)})", good, left), 1.0)
    return "".join(f"{line}\n" for line in lines).encode()


def refusal(what: str, lines: Sequence[str]) -> bytes:
    """A page for a check that could not begin: `what` in a few words of ours, and what was said."""
    shown = [f"- {prose(line)}" for line in lines[:_LINES]]
    more = _left_out(len(lines) - _LINES, "- ") if len(lines) > _LINES else []
    page = [f"## {SIGNS[Status.ERROR]} Nothing was checked: {what}", "", *shown, *more, ""]
    return "".join(f"{line}\n" for line in page).encode()


def prose(text: str, limit: int = _TEXT) -> str:
    """`text` as one line that Markdown, HTML and GitHub take for nothing but text."""
    return _REFERENCE.sub(_reference, one_line(text, limit).strip())


def code(text: str, limit: int = _TITLE) -> str:
    """`text` as a code span; what a code span in a table cannot hold for sure becomes `prose`."""
    flat = one_line(text, limit).strip()
    return f"`{flat}`" if _CODE.fullmatch(flat) else prose(flat, limit)


def _reference(match: re.Match[str]) -> str:
    character = match[0]
    return f"&#{ord(character)};" + ("&#8203;" if character in _APART else "")


def _head(report: Report) -> list[str]:
    word = explain.VERDICTS.get(report.verdict, explain.VERDICTS[Status.ERROR])
    version = prose(report.airflow_version, 40) if report.airflow_version else "unknown"
    counts = ", ".join(
        f"{count} {status}" for status in (*_ORDER, Status.PASSED) if (count := report.count(status))
    )
    facts = [
        f"Airflow {version}",
        f"took {format_duration(explain.seconds(report.duration_s))}",
        f"{report.calls} calls",
        f"exit code {report.exit_code}",
        f"mwaa-gate {prose(report.gate_version, 40)}",
    ]
    if report.deployed_at is not None:
        facts.insert(0, f"deployed at {code(str(explain.utc(report.deployed_at, 'seconds')))}")
    return [
        f"## {SIGNS.get(report.verdict, SIGNS[Status.ERROR])} {word}: {code(report.environment)}",
        "",
        f"**{counts}.** {prose(report.summary)}",
        "",
        f"<sub>{', '.join(facts)}</sub>",
        "",
    ]


def _list(heading: str, texts: Sequence[str], room: int) -> list[str]:
    if not texts:
        return []
    before = [f"**{heading}**", ""]
    rows, left = _fitting((f"- {prose(text)}" for text in texts), len(texts), room - _size([*before, ""]))
    return [*before, *rows, *_left_out(left, "- "), ""]


def _table(checks: Sequence[Check], room: int) -> list[str]:
    """The table of what did not pass; how many did not fit is told below it."""
    if not checks:
        return []
    rows, left = _fitting(map(_row, checks), len(checks), room - _size([*_TABLE, "", ""]))
    return [*_TABLE, *rows, "", *([*_left_out(left), ""] if left else [])]


def _folded_table(heading: str, checks: Sequence[Check], room: int) -> list[str]:
    before, after = [f"<details><summary>{heading}</summary>", ""], ["</details>"]
    table = _table(checks, room - _size([*before, *after]))
    return [*before, *table, *after] if table else []


def _row(check: Check) -> str:
    seen = prose(check.message) or "(no message)"
    if place := explain.place(check):
        seen += f" {code(place)}"
    sign = SIGNS.get(check.status, "")
    return f"| {sign} {check.status} | {code(explain.title(check))} | {explain.reason_code(check)} | {seen} |"


def _evidence(checks: Sequence[Check], steps: Sequence[str], trace_limit: int, room: int) -> list[str]:
    """A folded section for each red with all that `steps` do not say; what shares a stack trace has it once."""
    told = "\n".join(steps)
    shown = [check for check in checks if check.status in (Status.FAILED, Status.ERROR)]
    traces: dict[str, str] = {}
    lines: list[str] = []
    room -= _LEFT_OUT
    for number, check in enumerate(shown):
        section = _section(check, traces, told, trace_limit)
        if _size(section) > room:
            return [*lines, *_left_out(len(shown) - number, "Details of "), ""]
        room -= _size(section)
        lines += section
        traces.setdefault(explain.stack_trace(check), explain.title(check))
    return lines


def _section(check: Check, traces: Mapping[str, str], told: str, limit: int) -> list[str]:
    facts = [f"- {prose(fact)}" for fact in explain.evidence(check)]
    foreign = explain.diff(check, limit)
    trace = explain.stack_trace(check)
    if trace and trace in traces:
        facts.append(f"- the same stack trace as {code(traces[trace])} above")
    elif trace:
        foreign += marked_lines(trace, limit)
    if (advice := explain.advice(check)) and advice not in told:
        facts.append(f"- What to do: {prose(advice)}")
    if not facts and not foreign:
        return []
    lines = [f"<details><summary>{prose(explain.title(check), _TITLE)}</summary>", "", *facts, ""]
    if foreign:  # each line stands after a mark, so that none of them can end the block
        lines += ["```text", *foreign, "```", ""]
    return [*lines, "</details>", ""]


def _fitting(rows: Iterable[str], count: int, room: int) -> tuple[list[str], int]:
    """The first rows, as many as fit into `room` bytes, and how many of `count` do not."""
    kept: list[str] = []
    room -= _LEFT_OUT
    for row in rows:
        room -= _size([row])
        if room < 0:
            break
        kept.append(row)
    return kept, count - len(kept)


def _left_out(count: int, before: str = "") -> list[str]:
    return [f"{before}{count:,} more did not fit; see the JSON report."] if count else []


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)
