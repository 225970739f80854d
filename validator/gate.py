"""The loop: plan, observe, check, decide, wait. Time, the observer and the progress come in from outside."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from validator.airflow.models import Unread
from validator.checks.interface import expected_by, view_of
from validator.checks.objects import Deployed, deployed_by
from validator.checks.registry import run_checks
from validator.decision import (
    BLIND_INTERVALS,
    FAIL_FAST_WAIT,
    SILENCE,
    Verdict,
    decide,
    standing_of,
    undecided,
)
from validator.durations import format_duration
from validator.finding import Finding, Status
from validator.memory import may_have_moved, take_up
from validator.plan import inquiry_of, plan
from validator.provenance import compared
from validator.state import FileTrack, State
from validator.timing import (
    SHORTEST_AUTO,
    deployed_at_of,
    later_deploy,
    timeout_of,
    times_of,
    too_short_by,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from validator.airflow.models import Observation
    from validator.checks.interface import View
    from validator.clock import Clock
    from validator.expectations import Expectations, Wanted
    from validator.local.model import LocalFolder
    from validator.manifest.model import Manifest
    from validator.plan import Inquiry, Plan
    from validator.rules import Rules


_FILES_KEPT = 8
"""Files of one DAG that are remembered."""
_MARGIN = 1.25
"""A round may take so much longer than the last."""
_ROOM = 0.1
"""Seconds: a round that would begin so shortly before it must has nothing new to see."""


class Interrupted(BaseException):
    """A signal ended the wait. No Exception, so that nobody on the way takes it for an error of a call."""

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal


class Observes(Protocol):
    """What the loop needs of an observer."""

    def observe(self, plan: Plan, deadline: float) -> Observation:
        """One round, whatever it could see; no call is repeated after `deadline` on the gate's clock."""
        ...

    def inquire(self, inquiry: Inquiry, seen: Observation, deadline: float) -> Observation:
        """The same round with what `inquiry` wants to know, as far as that could be read."""
        ...


class Progress(Protocol):
    """What the loop tells while it waits."""

    def started(self, where: str, note: str) -> None:
        """The wait begins."""
        ...

    def round(self, findings: Sequence[Finding], elapsed: float, deadline: float | None) -> None:
        """A round is judged; times are seconds since the gate's start."""
        ...

    def note(self, text: str) -> None:
        """Something worth a line."""
        ...

    def finished(self) -> None:
        """The wait is over, one way or another."""
        ...


@dataclass(frozen=True)
class Outcome:
    """How a wait ended."""

    status: Status
    """`passed`, `failed` or `error`."""
    findings: tuple[Finding, ...]
    """None of them pending; empty only if the gate was interrupted before its first round was judged."""
    state: State
    seen: Observation | None
    """The last round; None: none was finished."""
    elapsed: float
    timeout: float
    """Seconds that the gate was ready to wait."""
    timed: bool = False
    """Whether `timeout` is the last word: with `auto` it takes a DAG list to know it."""
    too_short_by: float = 0.0
    """Seconds that the timeout misses for a new file to be sure to show."""
    took: float = 0.0
    """Seconds that the last complete round took."""
    interrupted_by: int | None = None
    """The signal's number."""
    view: View | None = None
    """The last round as it was judged; None: none was."""
    next_look: float | None = None
    """Seconds until the next round is due: nothing is decided, and the wait was left off there. None: it is over."""


@dataclass(frozen=True)
class Leg:
    """The part of a wait that one process makes."""

    before: Outcome
    """How things stood when it began; only its state, timeout and the like count."""
    gone_by: float = 0.0
    """Seconds since the gate's start."""
    ends_at: float = math.inf
    """Seconds since the gate's start after which no round is begun but the first, and no call repeated."""


def run(  # noqa: PLR0913 - everything that is not pure comes in from outside
    expectations: Expectations,
    rules: Rules,
    observer: Observes,
    clock: Clock,
    progress: Progress,
    where: str,
    leg: Leg | None = None,
) -> Outcome:
    """Wait until everything that is expected holds, or cannot any more, or the time is up, or the leg is over."""
    leg = leg or Leg(begun(rules))
    start = clock.now() - leg.gone_by
    outcome = leg.before
    try:
        progress.started(where, "")
        while True:
            was_timed = outcome.timed
            outcome, wait = _round(expectations, rules, observer, clock, start, outcome, leg.ends_at)
            if outcome.timed and not was_timed and outcome.too_short_by > 0:
                progress.note(short_timeout(outcome))
            progress.round(outcome.findings, outcome.elapsed, outcome.timeout)
            if wait is None:
                return outcome
            if clock.now() - start + wait + outcome.took * _MARGIN > leg.ends_at:
                return replace(outcome, next_look=wait)
            clock.sleep(wait)
    except Interrupted as interrupted:
        return interrupt(replace(outcome, elapsed=clock.now() - start), interrupted.signal)
    finally:
        progress.finished()


def interrupt(outcome: Outcome, signal: int) -> Outcome:
    """How a wait ended that a signal cut short: nothing is decided by it."""
    findings = tuple(undecided(f) if f.status is Status.PENDING else f for f in outcome.findings)
    return replace(outcome, status=Status.ERROR, findings=findings, interrupted_by=signal)


def begun(rules: Rules) -> Outcome:
    """The outcome of a wait in which nothing was seen yet."""
    timeout = SHORTEST_AUTO if rules.timeout is None else rules.timeout
    return Outcome(Status.ERROR, (), State(), None, 0.0, timeout)


def _round(  # noqa: PLR0913 - one round's whole context
    expectations: Expectations,
    rules: Rules,
    observer: Observes,
    clock: Clock,
    start: float,
    before: Outcome,
    ends_at: float,
) -> tuple[Outcome, float | None]:
    """One round, and the seconds to wait for the next; None: decided. Until then `findings` may be pending."""
    state, timeout, missing = before.state, before.timeout, before.too_short_by
    began = clock.now()
    latest = start + min(_latest(state, timeout, rules), ends_at)
    seen = observer.observe(plan(expectations.of(before.seen), state, before.view), latest)
    now = clock.now() - start
    since_lists = (seen.ended - (seen.listed_at or seen.ended)).total_seconds()
    if seen.answered and not state.answered:
        at = now - (seen.ended - seen.began).total_seconds()
        state = replace(state, answered=True, answered_at=at, deployed_at=deployed_at_of(rules, seen))
    timed = before.timed or (state.answered and seen.dags.unread is None)
    if timed and not before.timed:
        timeout = timeout_of(rules, seen)
        missing = too_short_by(rules, state, seen)
    state, view = look(expectations, rules, state, seen, now)
    inquiry = inquiry_of(view)
    if inquiry:
        seen = observer.inquire(inquiry, seen, latest)
        now = clock.now() - start
        view = replace(view, seen=seen, times=replace(view.times, gate_now=now))
        view = replace(view, sources=compared(view, inquiry.sources))
        state = replace(state, sources=view.sources)
    findings = run_checks(view)
    complete = all(finding.status is not Status.ERROR for finding in findings)
    took = clock.now() - began if complete else before.took
    left = timeout - now
    room = left - took * _MARGIN
    # A look so long before the deadline cannot speak for it: then another one is made although it is only likely to fit.
    last = room <= _ROOM and (left <= BLIND_INTERVALS * rules.interval or took > left)
    held = any(f.id == "s3/folder" and f.status in (Status.PASSED, Status.WARNING) for f in findings)
    state = replace(state, objects_held=state.objects_held or held)
    # What is red at the deadline is so by the lists, which may have been read long before the round was over.
    state, decision = decide(state, findings, now, rules, last=last, left=left + since_lists)
    standing = tuple(standing_of(findings, state.finals))
    outcome = Outcome(Status.ERROR, standing, state, seen, now, timeout, timed, missing, took, view=view)
    if isinstance(decision, Verdict):
        return replace(outcome, status=decision.status, findings=decision.findings), None
    # The last look is begun early enough to be over at the deadline, and late enough that none is missing after it.
    next_is_last = room - decision.seconds < took * _MARGIN + _ROOM
    return outcome, max(0.0, room) if next_is_last else decision.seconds


def _latest(state: State, timeout: float, rules: Rules) -> float:
    """Seconds since the start after which a round begins no repetition: whatever ends the wait ends it, too."""
    if not state.answered:
        return min(timeout, SILENCE)
    if state.first_final is not None and rules.fail_fast:
        return min(timeout, state.first_final + FAIL_FAST_WAIT)
    return timeout


def look(
    expectations: Expectations, rules: Rules, state: State, seen: Observation, now: float
) -> tuple[State, View]:
    """The state with what a round's lists add to it, and the round ready to be judged."""
    wanted = expectations.of(seen)
    deployed = _deployed_by_s3(expectations.folder, wanted, seen)
    if seen.answered:
        state = replace(state, deployed_at=later_deploy(rules, state, seen, now))
    times = times_of(rules, state, seen, now, deployed)
    files = _track(state.files, wanted.manifest, seen, now, times.arrived_at, new_moved=may_have_moved(state))
    state = replace(state, files=files)
    state = take_up(state, wanted, seen, now)
    view = view_of(
        wanted.manifest,
        seen,
        times,
        state,
        wanted.local,
        wanted.hidden,
        wanted.digests,
        files_are_sure=wanted.sure,
    )
    over = state.cycle_over_at
    if view.cycle_is_over and (over is None or over < times.arrived_at):
        state = replace(state, cycle_over_at=seen.ended)
    return state, view


def _deployed_by_s3(folder: LocalFolder | None, wanted: Wanted, seen: Observation) -> Deployed | None:
    """When the files came to S3, by name relative to the DAGs folder; None: S3 does not tell."""
    if folder is None or wanted.alone is None or seen.objects is None or isinstance(seen.objects, Unread):
        return None
    told = deployed_by(wanted.digests, seen.objects, wanted.alone)
    if told.folder is None:
        return None
    return Deployed({folder.deployed_name(name): at for name, at in told.files.items()}, told.folder)


def _track(  # noqa: PLR0913 - the round, and what it is compared with
    tracks: Mapping[str, FileTrack],
    manifest: Manifest,
    seen: Observation,
    now: float,
    arrived_at: datetime,
    *,
    new_moved: bool,
) -> Mapping[str, FileTrack]:
    """The files that expected DAGs were seen in, with this round's.

    A move counts whenever it is seen. Only parses since the new files arrived show that two files define a DAG: during a
    sync both may be there for a while.
    """
    rows = {dag.dag_id: dag for dag in seen.dags.rows if dag.active}
    new = dict(tracks)
    for dag_id in expected_by(manifest, rows):
        file, parsed = rows[dag_id].file, rows[dag_id].last_parsed
        track = tracks.get(dag_id)
        shows = parsed is not None and parsed >= arrived_at
        if track is None:  # built at once: in the first round of many DAGs they all are new
            moved_at = now if new_moved else None
            new[dag_id] = FileTrack(file, moved_at=moved_at, seen_at=now, shown=(file,) if shows else ())
            continue
        if file != track.now:
            earlier = (*(each for each in track.earlier if each != track.now), track.now)[-_FILES_KEPT:]
            track = replace(track, now=file, earlier=earlier, moved_at=now)
        if shows and file not in track.shown:
            track = replace(track, shown=(*track.shown, file)[-_FILES_KEPT:])
        new[dag_id] = replace(track, seen_at=now)
    return new


def short_timeout(outcome: Outcome) -> str:
    """The warning that the timeout may be too short, for people."""
    needed = format_duration(outcome.timeout + outcome.too_short_by)
    return (
        f"The timeout of {format_duration(outcome.timeout)} is short: it can take {needed} from the gate's start until "
        "Airflow shows a new file (sync + scan interval + parse cycle + settle). Use `timeout: auto`, or at least that."
    )
