"""What the HTML page says, as inert text in the order of the page: the template only draws it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from validator.durations import format_duration
from validator.finding import Status
from validator.report import explain
from validator.report.lanes import WORDS, Lane, Picture, Stage, picture_of
from validator.report.next_steps import next_steps
from validator.report.sanitize import MARK, marked_lines, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from validator.report.interface import Check, Report

LANES = 40
"""So many DAGs' lanes are shown at once."""
FOLDED = 1_000
"""So many more are folded; what is beyond stands among the checks."""
FOLDED_TEXT = 3_000_000
"""Characters of stack traces, diffs and evidence that a page holds; the JSON report has the rest."""
LISTED = 100
"""So many assumptions, next steps and request ids are shown."""

_GROUPS = (
    (Status.FAILED, "Failed"),
    (Status.ERROR, "Could not be checked"),
    (Status.WARNING, "Warnings"),
    (Status.SKIPPED, "Skipped"),
    (Status.PASSED, "Passed"),
)
_OPEN = (Status.FAILED, Status.ERROR, Status.WARNING)
_INTERRUPTED = 128
_LEFT_OUT = "left out here, since this page is long: the JSON report has it"


@dataclass(frozen=True)
class Link:
    """Another check's row."""

    anchor: str
    title: str


@dataclass(frozen=True)
class Row:
    """One check."""

    anchor: str
    """Its id in the page, of our own making."""
    code: str
    """The reason's code, or the status."""
    title: str
    area: str
    message: str
    place: str
    """File and line; empty: unknown."""
    since: str
    """When this status was first seen, counted from the gate's start."""
    evidence: tuple[str, ...]
    diff: tuple[str, ...]
    trace: tuple[str, ...]
    """The stack trace's lines."""
    same_trace: Link | None
    """Where the same stack trace stands already."""
    left_out: str
    """Says what the page is too long for; empty: nothing."""
    advice: str
    same_advice: Link | None
    """Where the same advice stands already."""
    is_open: bool
    """Whether its folded parts are shown at first."""


@dataclass(frozen=True)
class Group:
    """The checks of one status."""

    status: Status
    heading: str
    rows: tuple[Row, ...]
    is_open: bool


@dataclass(frozen=True)
class Track:
    """One lane, with the same facts in words."""

    lane: Lane
    title: str
    anchor: str
    """The row of the check that tells most; empty: it has none."""
    outcome: str
    """`settled 45s`, `red 1m2s`, `still open`: how it ended, and from when on."""
    facts: str
    """`(listed 0.6s, parsed 12s)`."""
    story: str
    """Every stage with its times."""


@dataclass(frozen=True)
class Page:
    """All that the page says."""

    report: Report
    verdict: str
    title: str
    environment: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    """Name and value."""
    steps: tuple[str, ...]
    groups: tuple[Group, ...]
    """Without the empty ones."""
    areas: tuple[str, ...]
    assumptions: tuple[str, ...]
    request_ids: tuple[str, ...]
    picture: Picture | None
    """None: no round was judged."""
    tracks: tuple[Track, ...] = ()
    """The DAGs that are shown at once."""
    folded: tuple[Track, ...] = ()
    """The DAGs that are folded."""
    beyond: int = 0
    """DAGs without a lane here."""
    health: tuple[Track, ...] = ()
    outside: tuple[str, ...] = ()
    """The moments that lie outside of the picture, in words."""
    calls: str = ""
    """What the lane of calls shows, in words."""


def page_of(report: Report) -> Page:
    """Everything that the page of `report` says."""
    rows = _Rows(explain.trace_limit(report), FOLDED_TEXT)
    anchors: dict[str, str] = {}
    by_status: dict[Status, list[tuple[str, Check]]] = {status: [] for status in Status}
    for number, check in enumerate(report.checks, 1):
        anchor = f"check-{number}"
        anchors.setdefault(check.id, anchor)
        by_status[check.status].append((anchor, check))
    groups = tuple(
        Group(status, heading, tuple(rows.row(*each) for each in by_status[status]), status in _OPEN)
        for status, heading in _GROUPS
        if by_status[status]
    )
    verdict = explain.VERDICTS.get(report.verdict, "CANNOT TELL").capitalize()
    if report.exit_code > _INTERRUPTED:
        verdict += ", interrupted"
    environment = one_line(report.environment)
    plain = Page(
        report=report,
        verdict=verdict,
        title=f"{verdict}: {environment}",
        environment=environment,
        summary=one_line(report.summary),
        facts=tuple(_facts(report)),
        steps=_some(next_steps(report)),
        groups=groups,
        areas=tuple(sorted({one_line(check.area) for check in report.checks})),
        assumptions=_some(report.assumptions),
        request_ids=_some(report.request_ids),
        picture=None,
    )
    picture = picture_of(report)
    return plain if picture is None else _with_picture(plain, picture, anchors)


def _with_picture(page: Page, picture: Picture, anchors: Mapping[str, str]) -> Page:
    shown, folded = picture.dags[:LANES], picture.dags[LANES : LANES + FOLDED]
    return replace(
        page,
        picture=picture,
        tracks=tuple(_track(lane, anchors) for lane in shown),
        folded=tuple(_track(lane, anchors) for lane in folded),
        beyond=len(picture.dags) - len(shown) - len(folded),
        health=tuple(_track(lane, anchors, held="healthy") for lane in picture.health),
        outside=tuple(_outside(picture)),
        calls=_calls(picture),
    )


@dataclass
class _Rows:
    """Describes checks, none of their long parts twice, and not more of those than a page can hold."""

    limit: int
    left: int
    """Characters of folded text that may still come."""
    traces: dict[str, Link] = field(default_factory=dict)
    advised: dict[str, Link] = field(default_factory=dict)

    def row(self, anchor: str, check: Check) -> Row:
        """Everything that the page says of `check`, in the row that `anchor` names."""
        me = Link(anchor, explain.title(check) or "(no name)")
        trace = explain.stack_trace(check)
        same_trace = self.traces.get(trace) if trace else None
        is_first = not self.traces
        evidence, diff = explain.evidence(check), explain.diff(check, self.limit)
        lines = marked_lines(trace, self.limit, mark="") if trace and same_trace is None else []
        left_out = ""
        if self.left > 0:
            self.left -= sum(map(len, (*evidence, *diff, *lines)))
            if lines:
                self.traces[trace] = me
        elif evidence or diff or lines:
            evidence, diff, lines, left_out = [], [], [], _LEFT_OUT
        advice = explain.advice(check) if check.status is not Status.PASSED else ""
        same_advice = self.advised.setdefault(advice, me)
        return Row(
            anchor=me.anchor,
            code=explain.reason_code(check) or str(check.status),
            title=me.title,
            area=one_line(check.area),
            message=explain.message(check),
            place=explain.place(check),
            since=_duration(check.first_seen_s),
            evidence=tuple(evidence),
            diff=tuple(line.removeprefix(MARK) for line in diff),
            trace=tuple(lines),
            same_trace=same_trace,
            left_out=left_out,
            advice=advice,
            same_advice=same_advice if same_advice is not me else None,
            is_open=check.status is Status.FAILED and is_first and bool(lines),
        )


def _facts(report: Report) -> list[tuple[str, str]]:
    version = one_line(report.airflow_version) if report.airflow_version else "unknown"
    moments = (
        ("Started", report.started_at),
        ("Deployed", report.deployed_at),
        ("Files arrived", report.arrived_at),
    )
    return [
        ("Airflow", version),
        ("Took", _duration(report.duration_s)),
        ("Calls", f"{report.calls:,}"),
        ("Exit code", str(report.exit_code)),
        *((name, _moment(str(explain.utc(at, "seconds")))) for name, at in moments if at is not None),
        ("mwaa-gate", one_line(report.gate_version)),
    ]


def _moment(text: str) -> str:
    return text.replace("T", " ").replace("Z", " UTC")


def _duration(seconds: float) -> str:
    return format_duration(explain.seconds(seconds))


def _some(texts: Sequence[str]) -> tuple[str, ...]:
    shown = tuple(one_line(text) for text in texts[:LISTED])
    left = len(texts) - len(shown)
    return (*shown, f"... and {left:,} more; see the JSON report") if left else shown


def _track(lane: Lane, anchors: Mapping[str, str], held: str = "settled") -> Track:
    at = {Status.PASSED: lane.settled, Status.FAILED: lane.red}.get(lane.status)
    moments = (("listed", lane.listed), ("parsed", lane.parsed))
    facts = ", ".join(f"{word} {_duration(moment)}" for word, moment in moments if moment is not None)
    if lane.listed is None and any(span.stage is Stage.MISSING for span in lane.spans):
        facts = "never seen on the list"
    words = {**WORDS, Stage.HELD: held}
    outcomes = {
        Status.PASSED: held,
        Status.FAILED: "red",
        Status.ERROR: "could not be seen",
        Status.WARNING: "warning",
        Status.SKIPPED: "still open" if lane.spans else "not judged",
    }
    outcome = outcomes.get(lane.status, str(lane.status))
    title = one_line(lane.subject)
    stages = "; ".join(
        f"{words[s.stage]} from {_duration(s.start)} to {_duration(s.end)}" for s in lane.spans
    )
    return Track(
        lane=lane,
        title=title,
        anchor=anchors.get(lane.check, ""),
        outcome=outcome + (f" {_duration(at)}" if at is not None else ""),
        facts=f"({facts})" if facts else "",
        story=f"{title}: {stages or 'no look judged it'}. In the end: {outcome}.",
    )


def _outside(picture: Picture) -> list[str]:
    told = []
    for mark in picture.marks:
        if mark.at < 0:
            told.append(f"{mark.label} {_duration(-mark.at)} before the gate's start")
        elif mark.at > picture.end:
            told.append(f"{mark.label} {_duration(mark.at - picture.end)} after the wait's end")
    return told


def _calls(picture: Picture) -> str:
    calls, repeats = sum(bar.calls for bar in picture.bars), sum(bar.repeats for bar in picture.bars)
    again = f", {repeats:,} of them repeats of one that had failed" if repeats else ", none of them a repeat"
    most = max(bar.calls for bar in picture.bars)
    looks = "1 look" if picture.looks == 1 else f"{picture.looks:,} looks"
    return f"{looks}, {calls:,} calls{again}; the highest bar is {most:,}."
