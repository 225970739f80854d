"""What smoke runs must not leave behind: runs against `keep`, and DAGs that were paused before."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from validator.airflow.models import as_unread
from validator.errors import CallFailed, CannotTell
from validator.finding import Status
from validator.reasons import Reason
from validator.smoke.attempts import Stage

if TYPE_CHECKING:
    from validator.airflow.runs import RunCalls
    from validator.clock import Clock
    from validator.smoke.attempts import Attempt

CLEAN_UP = 60.0
"""Seconds that cleaning up may take in all."""
_PAUSE = 1.0
"""Seconds between two tries."""
_BEGINS = 15.0
"""Seconds after an event within which the run that it starts is there, if there is a scheduler, and one starts at all."""


def clean(
    attempts: list[Attempt], unpaused: dict[str, float], calls: RunCalls, clock: Clock, start: float
) -> None:
    """Remove what must not stay, and pause what was unpaused; where that fails the findings of `attempts` say so.

    Args:
        attempts: as they stand; replaced in place.
        unpaused: DAGs to pause, each with the time until which unpausing it may be carried out late; those that are
            paused again are taken out.
        calls: what asks Airflow.
        clock: of `start`; times here are seconds since that.
        start: the gate's start.
    """
    until = clock.now() - start + CLEAN_UP
    while True:
        for index, attempt in enumerate(attempts):
            if attempt.may_start_run:
                attempts[index] = _with_run(attempt, calls, start + until)
            if attempts[index].leaves_run:
                attempts[index] = _without_run(attempts[index], calls, clock.now() - start, start + until)
        for dag_id in sorted(unpaused):
            _pause(dag_id, unpaused, calls, clock.now() - start, start + until)
        now = clock.now() - start
        is_open = any(one.leaves_run or _may_begin(one, now) for one in attempts)
        is_clean = not unpaused and not is_open
        if is_clean or clock.now() - start + _PAUSE > until:
            break
        clock.sleep(_PAUSE)
    for index, attempt in enumerate(attempts):
        left = _left(attempt) if attempt.leaves_run or attempt.may_start_run else attempt
        attempts[index] = _unpaused(left) if attempt.wanted.dag_id in unpaused else left


def _may_begin(attempt: Attempt, now: float) -> bool:
    """Whether the run that an event starts is worth waiting for, so that it can be removed."""
    return attempt.may_start_run and now < attempt.tried_at + _BEGINS


def _with_run(attempt: Attempt, calls: RunCalls, deadline: float) -> Attempt:
    """The same with the run that its event has started, if there is one."""
    event, at = attempt.wanted.event, attempt.event_at
    assert event is not None  # noqa: S101 - only an event may start a run
    assert at is not None  # noqa: S101 - the same
    try:
        if attempt.stage is Stage.UNSURE:  # its time is the gate's own
            at = calls.event_since(event.uri, event.extra, at, deadline)
        runs = calls.started_by(event.uri, at, deadline) if at is not None else frozenset()
    except (CallFailed, CannotTell) as failed:
        return replace(attempt, unread=as_unread(failed))
    run_id = next((run_id for dag_id, run_id in sorted(runs) if dag_id == attempt.wanted.dag_id), None)
    return replace(attempt, run_id=run_id, unread=None)


def _without_run(attempt: Attempt, calls: RunCalls, now: float, deadline: float) -> Attempt:
    assert attempt.run_id is not None  # noqa: S101 - a run that has no name yet cannot be left
    try:
        calls.remove(attempt.wanted.dag_id, attempt.run_id, deadline)
    except (CallFailed, CannotTell) as failed:
        return replace(attempt, unread=as_unread(failed))
    # A call whose answer was lost may be carried out after this.
    return replace(attempt, removed=now >= attempt.late_until, unread=None)


def _pause(dag_id: str, unpaused: dict[str, float], calls: RunCalls, now: float, deadline: float) -> None:
    with suppress(CallFailed, CannotTell):  # told at the end, if it stays so
        calls.set_paused(dag_id, paused=True, deadline=deadline)
        if now >= unpaused[dag_id]:
            del unpaused[dag_id]


def _unpaused(attempt: Attempt) -> Attempt:
    """The same where its DAG could not be paused again: somebody must."""
    before = f"{attempt.finding.message} " if attempt.finding is not None else ""
    message = f"{before}It was unpaused for its run, and could not be paused again."
    advice = "Pause the DAG in Airflow by hand."
    return attempt.ends(attempt.about.finds(Status.FAILED, message, Reason.SMOKE_FAILED, advice=advice))


def _left(attempt: Attempt) -> Attempt:
    """The same where its run may be in Airflow against `keep`: a green is one with a warning then."""
    before = attempt.finding
    why = f": {attempt.unread.message}" if attempt.unread is not None else ""
    if attempt.run_id is not None:
        left = f"The run {attempt.run_id} may still be in Airflow, and could not be removed{why}."
        advice = f"Delete the DAG run {attempt.run_id} of {attempt.wanted.dag_id} in Airflow, if it is there."
    else:
        left = f"The event may still start a run, which would stay in Airflow{why}."
        advice = f"Delete the DAG run of {attempt.wanted.dag_id} that the event started, if there is one."
    if before is None:
        found = attempt.about.finds(Status.ERROR, left, Reason.UNREACHABLE, advice=advice)
    elif before.status is Status.PASSED:
        message = f"{before.message} {left}"
        found = replace(
            before, status=Status.WARNING, reason=Reason.UNREACHABLE, message=message, advice=advice
        )
    else:
        found = replace(
            before, message=f"{before.message} {left}", advice=f"{before.advice} {advice}".strip()
        )
    return attempt.ends(found)
