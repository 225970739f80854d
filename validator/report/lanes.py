"""The wait as lanes: who stood how from when to when. Pure; whoever draws it needs to decide nothing.

A DAG's lane follows its presence check (`dags/<dag_id>`): not listed, listed as it was before, parsed since the new
files arrived, settled. Once that passed, the DAG's other checks (its file, its tags ...) tell how it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from validator.finding import Status
from validator.reasons import Reason
from validator.report import explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from validator.report.interface import Change, Check, Look, Report

DAGS = "dags"
HEALTH = "health"
BARS = 120
"""So many bars a lane of calls has at most: looks beside each other share one."""
TICKS = 6
"""The axis has about so many times on it."""
_NICE = (
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    180,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    14400,
    28800,
    86400,
)
_SHORTEST = 0.1


class Stage(str, Enum):
    """How the subject of a lane stands."""

    MISSING = "missing"
    """Not on Airflow's list, or inactive."""
    LISTED = "listed"
    """Listed, but not parsed since the new files arrived."""
    PARSED = "parsed"
    """Parsed since the new files arrived, not settled yet."""
    BROKEN = "broken"
    """Its file cannot be imported; not final yet."""
    WAITING = "waiting"
    """Something else does not hold yet."""
    HELD = "held"
    """As expected."""
    WARNED = "warned"
    """Not as expected, and allowed to be so."""
    FAILED = "failed"
    """Red, and final."""
    UNSEEN = "unseen"
    """It could not be seen."""
    SKIPPED = "skipped"
    """Not judged."""

    def __str__(self) -> str:
        """The code, which is the CSS class, too."""
        return self.value


WORDS: Mapping[Stage, str] = {
    Stage.MISSING: "not listed",
    Stage.LISTED: "listed, old version",
    Stage.PARSED: "parsed anew, settling",
    Stage.BROKEN: "import error, may heal",
    Stage.WAITING: "not as expected yet",
    Stage.HELD: "settled, or healthy",
    Stage.WARNED: "warning",
    Stage.FAILED: "red",
    Stage.UNSEEN: "could not be seen",
    Stage.SKIPPED: "not judged",
}
"""Every stage for people, in the order of a good wait and then of a bad one."""

_WORST_FIRST = (Status.FAILED, Status.ERROR, Status.SKIPPED, Status.WARNING, Status.PASSED)
_BY_STATUS = {
    Status.PASSED: Stage.HELD,
    Status.WARNING: Stage.WARNED,
    Status.FAILED: Stage.FAILED,
    Status.ERROR: Stage.UNSEEN,
    Status.SKIPPED: Stage.SKIPPED,
}
_BY_REASON = {
    Reason.DAG_MISSING: Stage.MISSING,
    Reason.DAG_INACTIVE: Stage.MISSING,
    Reason.DAG_IMPORT_ERROR: Stage.BROKEN,
}


@dataclass(frozen=True)
class Span:
    """A stage, and how long it lasted; seconds from the gate's start."""

    start: float
    end: float
    """Never before `start`; the same where the stage was first seen at the wait's very end."""
    stage: Stage


@dataclass(frozen=True)
class Lane:
    """One subject's wait. Times are those of the look that first saw it, in seconds from the gate's start."""

    subject: str
    """Raw."""
    check: str
    """The id of the check that tells most: the red one, where one is."""
    status: Status
    """How it ended; never `pending`."""
    spans: tuple[Span, ...]
    """In time's order and without gaps; empty: no look judged it."""
    listed: float | None
    """A DAG was on the list; None: never seen there, or no DAG."""
    parsed: float | None
    """A DAG was parsed since the new files arrived; None as for `listed`."""
    settled: float | None
    """From here on it stayed as expected; None: it did not end so."""
    red: float | None
    """Red, and final; None: never."""


@dataclass(frozen=True)
class Bar:
    """One look, or several beside each other."""

    start: float
    """Seconds from the gate's start of the first look in it."""
    end: float
    """Of the last one."""
    calls: int
    """Made since the bar before."""
    repeats: int
    """Those of them that repeated one that had failed."""


@dataclass(frozen=True)
class Mark:
    """A moment on the server's clock, placed as if this machine's clock agreed with it."""

    label: str
    at: float
    """Seconds from the gate's start; negative before it."""


@dataclass(frozen=True)
class Picture:
    """The whole wait."""

    end: float
    """Seconds from the gate's start; above 0."""
    ticks: tuple[float, ...]
    """Round times for the axis, from 0."""
    marks: tuple[Mark, ...]
    """Also those outside of the picture."""
    dags: tuple[Lane, ...]
    """What failed first, then what waited longest."""
    health: tuple[Lane, ...]
    """In the report's order."""
    bars: tuple[Bar, ...]
    looks: int
    """How many there were."""
    taken_up: float | None = None
    """The picture begins here, since what was before was seen by other processes; None: it shows the whole wait."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Those that occur, in the legend's order."""
        seen = {span.stage for lane in (*self.dags, *self.health) for span in lane.spans}
        return tuple(stage for stage in WORDS if stage in seen)


def picture_of(report: Report) -> Picture | None:
    """The wait as lanes; None: no round was judged."""
    timeline = report.timeline
    if timeline is None or not timeline.looks:
        return None
    end = max(
        _SHORTEST, explain.seconds(report.duration_s), *(explain.seconds(look.at) for look in timeline.looks)
    )
    groups: dict[str, list[Check]] = {}
    for check in report.checks:
        if check.area == DAGS:
            groups.setdefault(check.subject, []).append(check)
    dags = [
        _dag(presence, group, timeline.changes, end)
        for subject, group in groups.items()
        for presence in group
        if presence.id == f"{DAGS}/{subject}"
    ]
    health = [_lane(check, (), timeline.changes, end) for check in report.checks if check.area == HEALTH]
    dags.sort(key=lambda lane: (_WORST_FIRST.index(lane.status), -_waited(lane, end), lane.subject))
    return Picture(
        end=end,
        ticks=_ticks(end),
        marks=tuple(_marks(report)),
        dags=tuple(dags),
        health=tuple(health),
        bars=tuple(_bars(timeline.looks, timeline.before)),
        looks=len(timeline.looks),
        taken_up=explain.seconds(timeline.before.at) if timeline.before is not None else None,
    )


def _dag(
    presence: Check, group: Sequence[Check], changes: Mapping[str, Sequence[Change]], end: float
) -> Lane:
    prefix = f"{presence.id}/"
    return _lane(presence, [check for check in group if check.id.startswith(prefix)], changes, end)


def _lane(main: Check, others: Sequence[Check], changes: Mapping[str, Sequence[Change]], end: float) -> Lane:
    own = sorted(changes.get(main.id, ()), key=lambda change: change.at)
    spans = _spans(main.id, [main.id, *(check.id for check in others)], changes, end)
    telling = _telling(main, others)
    ended_well = telling.status is Status.PASSED
    is_dag = main.area == DAGS
    return Lane(
        subject=main.subject,
        check=telling.id,
        status=telling.status,
        spans=spans,
        listed=_first(change.at for change in own if is_dag and _is_listed(change)),
        parsed=_first(
            change.at for change in own if is_dag and (change.parsed or change.status is Status.PASSED)
        ),
        settled=spans[-1].start if spans and spans[-1].stage is Stage.HELD and ended_well else None,
        red=_first(span.start for span in spans if span.stage is Stage.FAILED),
    )


def _telling(main: Check, others: Sequence[Check]) -> Check:
    """The check that tells how a lane ended: a red one, else its own, else one that could not be seen."""
    failed = next((check for check in (main, *others) if check.status is Status.FAILED), None)
    if failed is not None or main.status is not Status.PASSED:
        return failed or main
    return next((check for check in others if check.status is Status.ERROR), main)


def _spans(
    main: str, ids: Sequence[str], changes: Mapping[str, Sequence[Change]], end: float
) -> tuple[Span, ...]:
    """What the checks with these ids said together, change by change."""
    events = sorted(
        (
            (min(explain.seconds(change.at), end), id_, change)
            for id_ in ids
            for change in changes.get(id_, ())
        ),
        key=lambda event: event[0],
    )
    standing: dict[str, Change] = {}
    starts: list[tuple[float, Stage]] = []
    for number, (at, id_, change) in enumerate(events):
        standing[id_] = change
        if number + 1 < len(events) and events[number + 1][0] == at:
            continue  # the same look
        stage = _together(main, standing)
        if not starts or starts[-1][1] is not stage:
            starts.append((at, stage))
    ends = (*(at for at, _ in starts), end)[1:]
    return tuple(Span(at, ends[number], stage) for number, (at, stage) in enumerate(starts))


def _together(main: str, standing: Mapping[str, Change]) -> Stage:
    stages = {id_: _stage(change) for id_, change in standing.items()}
    if Stage.FAILED in stages.values():
        return Stage.FAILED
    own = stages.pop(main, Stage.SKIPPED)
    if own is not Stage.HELD:
        return own
    if Stage.UNSEEN in stages.values():
        return Stage.UNSEEN
    if any(change.status is Status.PENDING for change in standing.values()):
        return Stage.WAITING
    return own


def _stage(change: Change) -> Stage:
    if change.status is not Status.PENDING:
        return _BY_STATUS[change.status]
    if change.reason is Reason.DAG_STALE:
        return Stage.PARSED if change.parsed else Stage.LISTED
    return _BY_REASON.get(change.reason, Stage.WAITING) if change.reason is not None else Stage.WAITING


def _is_listed(change: Change) -> bool:
    stale = change.reason in (Reason.DAG_STALE, Reason.DAG_WRONG_FILE)
    return change.status is Status.PASSED or stale


def _waited(lane: Lane, end: float) -> float:
    return lane.settled if lane.settled is not None else end


def _first(times: Iterable[float]) -> float | None:
    return next((explain.seconds(at) for at in times), None)


def _bars(looks: Sequence[Look], before: Look | None) -> list[Bar]:
    """A bar a look, or a bar for several beside each other where there are more than `BARS`."""
    size = -(-len(looks) // BARS)
    bars = []
    calls, repeats = (before.calls, before.repeats) if before is not None else (0, 0)
    for first in range(0, len(looks), size):
        chunk = looks[first : first + size]
        last = chunk[-1]
        start, end = explain.seconds(chunk[0].at), explain.seconds(last.at)
        bars.append(Bar(start, max(start, end), max(0, last.calls - calls), max(0, last.repeats - repeats)))
        calls, repeats = last.calls, last.repeats
    return bars


def _marks(report: Report) -> list[Mark]:
    moments = (("deployed", report.deployed_at), ("files arrived", report.arrived_at))
    return [Mark(label, _after(moment, report.started_at)) for label, moment in moments if moment is not None]


def _after(moment: datetime, start: datetime) -> float:
    """Seconds from `start` to `moment`. A time without a zone counts as UTC, as in every report."""
    zone = start.tzinfo or moment.tzinfo
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    if start.tzinfo is None:
        start = start.replace(tzinfo=zone)
    return (moment - start).total_seconds()


def _ticks(end: float) -> tuple[float, ...]:
    step = next((step for step in _NICE if end / step <= TICKS), end / TICKS)
    return tuple(round(number * step, 1) for number in range(int(end / step) + 1))
