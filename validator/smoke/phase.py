"""The second phase of a gate: DAG runs that are started, watched and cleaned up, all through `RunCalls`.

It is entered only when everything else is green. Whatever ends it, what it left in Airflow against `keep` is removed,
and DAGs that it unpaused are paused again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from validator.airflow.models import as_unread
from validator.errors import CallFailed, CannotTell
from validator.finding import Status
from validator.reasons import Reason
from validator.smoke.attempts import Stage
from validator.smoke.cleaning import clean
from validator.smoke.judge import ENDED, first_failed, is_no, refused, verdict_of, without_sent
from validator.transport.interface import CALL_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from validator.airflow.runs import DagRun, RunCalls
    from validator.clock import Clock
    from validator.finding import Finding
    from validator.smoke.attempts import Attempt

POLL = 3.0
"""Seconds between two looks, unless the gate's own interval is shorter: runs end sooner than DAGs are parsed."""
_LATE = CALL_TIMEOUT
"""Seconds for which a call whose answer was lost may still be carried out: AWS gives one up after 10."""
_TRIES = 4
"""How often a run is asked for whose answers were lost."""
_CONFLICT = 409
_MARGIN = 60.0
"""Seconds by which a run's own time may be before the call for it: clocks, and whole seconds."""
_RUN_OF_EVENT = "asset_triggered__2026-01-01T00:00:00.000000+00:00"
"""An id like those that Airflow gives to runs that events start; none is much shorter."""
_OLDEST = 3600.0
"""Seconds: a run under the gate's own id that is older comes from no earlier try of this gate."""


@dataclass
class Phase:
    """The smoke runs of one gate, under way. Times are seconds since the gate's start, as `elapsed` tells them."""

    attempts: list[Attempt]
    calls: RunCalls
    clock: Clock
    start: float
    """The gate's start on `clock`."""
    server_now: Callable[[], datetime]
    """The server's clock, UTC."""
    tell: Callable[[Sequence[Finding], float], None]
    """Is told after each look how the runs stand, with the seconds since the gate's start."""
    not_before: datetime | None = None
    """When the deploy ended, where that was given as a time: a run that was made before proves nothing. None: it was not."""
    interval: float = POLL
    unpaused: dict[str, float] = field(default_factory=dict)
    """DAGs that were paused, and must be so again; each with the time until which unpausing it may be carried out late."""

    def run(self, ends_at: float) -> bool:
        """Start what is not started, and watch until all is judged; False: `ends_at` came first.

        Raises:
            Interrupted: by a signal; nothing is cleaned up then.
        """
        for index in range(len(self.attempts)):
            self._start(index)
        while True:
            self._look()
            findings = self.findings()
            self.tell(findings, self.elapsed)
            if all(attempt.stage is Stage.OVER for attempt in self.attempts):
                return True
            if self.elapsed + self.interval > ends_at:
                return False
            self.clock.sleep(self.interval)

    def findings(self) -> tuple[Finding, ...]:
        """How each stands, in the manifest's order."""
        now = self.elapsed
        return tuple(one.finding or verdict_of(one, now) for one in self.attempts)

    @property
    def elapsed(self) -> float:
        """Seconds since the gate's start."""
        return self.clock.now() - self.start

    # Starting

    def _start(self, index: int) -> None:
        attempt = self.attempts[index]
        if attempt.stage is not Stage.NEW:
            return
        now = self.elapsed
        attempt = replace(attempt, asked_at=now, tried_at=now)
        self.attempts[index] = attempt
        try:
            hindrance = self._hindrance(attempt) or self._wake(attempt)
        except (CallFailed, CannotTell) as failed:
            hindrance = self._could_not(attempt, failed)
        if hindrance is not None:
            self.attempts[index] = attempt.ends(hindrance)
            return
        self._ask(index)

    def _hindrance(self, attempt: Attempt) -> Finding | None:
        """Why it must not be started, as far as that shows without a call."""
        wanted, dag_id, run_id = attempt.wanted, attempt.wanted.dag_id, attempt.run_id or _RUN_OF_EVENT
        if attempt.is_own and not self.calls.can_trigger(dag_id):
            what = "it could not be triggered"
        elif wanted.keep != "always" and not self.calls.can_remove(dag_id, run_id):
            whose = "it" if attempt.is_own else "the run that the event starts"
            what = (
                f"{whose} could not be removed again (keep: {wanted.keep}; `keep: always` needs no removal)"
            )
        elif wanted.unpause and not self.calls.can_pause(dag_id):
            what = "it could not be unpaused"
        else:
            return None
        message = f"Not run: its id has {len(dag_id)} characters, so that through MWAA's paths {what}."
        return attempt.about.finds(Status.ERROR, message, Reason.PATH_TOO_LONG, heals=False)

    def _wake(self, attempt: Attempt) -> Finding | None:
        """Unpause the DAG if that is wanted and needed; why it cannot be run otherwise."""
        dag_id = attempt.wanted.dag_id
        if dag_id in self.unpaused:
            return None
        paused = self.calls.is_paused(dag_id, self._deadline())
        if paused is None:
            message = "Not run: Airflow does not list it any more, or not whether it is paused."
            return attempt.about.finds(Status.ERROR, message, Reason.BAD_RESPONSE)
        if not paused:
            return None
        if not attempt.wanted.unpause:
            message = "Not run: it is paused, and a run of a paused DAG is queued for ever."
            advice = "Unpause the DAG, or say `unpause: true` in the manifest: it is then paused again after the run."
            return attempt.about.finds(Status.FAILED, message, Reason.SMOKE_FAILED, advice=advice)
        self.unpaused[dag_id] = self.elapsed + _LATE  # first: an answer that is lost may have done it
        self.calls.set_paused(dag_id, paused=False, deadline=self._deadline())
        self.unpaused[dag_id] = 0.0
        return None

    def _ask(self, index: int) -> None:
        """Trigger the run, or send the event. Before the answer, and where it is lost, the run may be there or not."""
        attempt = self.attempts[index]
        wanted = attempt.wanted
        before, now = attempt.late_until, self.elapsed
        attempt = replace(
            attempt, stage=Stage.UNSURE, tried_at=now, tries=attempt.tries + 1, late_until=now + _LATE
        )
        self.attempts[index] = attempt
        try:
            if wanted.event is None:
                assert attempt.run_id is not None  # noqa: S101 - what is triggered has an id
                self.calls.trigger(wanted.dag_id, attempt.run_id, wanted.conf, self._deadline())
            else:
                event_at = self.server_now() if attempt.event_at is None else attempt.event_at
                attempt = replace(attempt, event_at=event_at)
                self.attempts[index] = attempt
                told = self.calls.send_event(wanted.event.uri, wanted.event.extra, self._deadline())
                attempt = replace(attempt, event_at=event_at if told is None else told)
        except CallFailed as failed:
            if failed.status != _CONFLICT:
                if _was_refused(failed):
                    attempt = replace(attempt, late_until=before, removed=before == 0.0)
                    self.attempts[index] = attempt.ends(refused(attempt, failed))
                else:  # it may be there all the same
                    unread = as_unread(failed)
                    unread = replace(unread, message=without_sent(attempt, unread.message))
                    self.attempts[index] = replace(attempt, unread=unread)
                return
        except CannotTell as error:
            self.attempts[index] = attempt.ends(self._could_not(attempt, error))
            return
        self.attempts[index] = replace(attempt, stage=Stage.THERE, unread=None, late_until=before)

    def _could_not(self, attempt: Attempt, failed: CallFailed | CannotTell) -> Finding:
        if isinstance(failed, CallFailed):
            return refused(attempt, failed)
        message = f"The run was not triggered: {without_sent(attempt, failed.message)}"
        return attempt.about.finds(Status.ERROR, message, failed.reason, advice=failed.advice, heals=False)

    # Watching

    def _look(self) -> None:
        """One look at every run that is under way."""
        open_ones = [
            index for index, one in enumerate(self.attempts) if one.stage in (Stage.UNSURE, Stage.THERE)
        ]
        if not open_ones:
            return
        self._find(open_ones)
        self._find_consumers(open_ones)
        open_ones = [index for index in open_ones if self.attempts[index].stage is not Stage.OVER]
        done = [index for index in open_ones if self._is_done(self.attempts[index])]
        self._read_tasks(done)
        for index in done:
            self.attempts[index] = self._with_log(self.attempts[index])
        for index in open_ones:
            attempt = self.attempts[index]
            finding = verdict_of(attempt, self.elapsed)
            if finding.status is not Status.PENDING:
                self.attempts[index] = attempt.ends(finding)

    def _is_done(self, attempt: Attempt) -> bool:
        """Whether it is over, or will be given up now."""
        is_late = self.elapsed - attempt.asked_at >= attempt.wanted.timeout
        return attempt.run is not None and (attempt.run.state in ENDED or is_late)

    def _find(self, indexes: Sequence[int]) -> None:
        """Look for the runs whose ids are known: all that may not be there in one list, all others in another."""
        known = [index for index in indexes if self.attempts[index].run_id]
        unsure = [index for index in known if self.attempts[index].stage is Stage.UNSURE]
        if unsure:
            # That a run is not there needs a list to its end, and a DAG may have thousands of older ones.
            asked_at = min(self.attempts[index].asked_at for index in unsure)
            since = self.server_now() - timedelta(seconds=self.elapsed - asked_at + _MARGIN)
            self._find_all(unsure, since)
        self._find_all([index for index in known if index not in unsure], None)

    def _find_all(self, indexes: Sequence[int], since: datetime | None) -> None:
        keys = {
            index: (self.attempts[index].wanted.dag_id, self.attempts[index].run_id or "")
            for index in indexes
        }
        if not keys:
            return
        try:
            found = self.calls.find(set(keys.values()), self._deadline(), since=since)
        except (CallFailed, CannotTell) as failed:
            for index in keys:
                self.attempts[index] = replace(self.attempts[index], unread=as_unread(failed))
            return
        for index, key in keys.items():
            self._seen(index, found.get(key))

    def _seen(self, index: int, run: DagRun | None) -> None:
        """Take in what a list says of a run; None: it is surely not there."""
        attempt = replace(self.attempts[index], unread=None)
        self.attempts[index] = attempt
        if run is not None:
            self.attempts[index] = self._adopted(replace(attempt, stage=Stage.THERE, run=run))
        elif attempt.stage is Stage.UNSURE:
            self._ask_again(index)
        elif attempt.run is not None or not self._is_young(attempt):
            message = f"Its run {attempt.run_id} was there, and is not any more: somebody removed it."
            gone = attempt.about.finds(Status.ERROR, message, Reason.SUPERSEDED, heals=False)
            self.attempts[index] = replace(attempt.ends(gone), removed=True)

    def _adopted(self, attempt: Attempt) -> Attempt:
        """Refuse a run under the gate's own id that no earlier try of this gate can have made."""
        run = attempt.run
        made = run.made if run is not None else None
        if not attempt.is_own or made is None or run is None:
            return attempt
        age = (self.server_now() - made).total_seconds() - (self.elapsed - attempt.asked_at)
        if age <= _OLDEST and (self.not_before is None or made >= self.not_before):
            return attempt
        message = f"A run {run.run_id} has been there since {made:%Y-%m-%d %H:%M} UTC: it proves nothing of this deploy."
        advice = "Give each gate run its own --run-key; the same one stands for another try of the same gate."
        stale = attempt.about.finds(Status.ERROR, message, Reason.SUPERSEDED, advice=advice, heals=False)
        return replace(attempt.ends(stale), removed=True)

    def _is_young(self, attempt: Attempt) -> bool:
        """Whether the last call that asked for it may still be on its way."""
        return self.elapsed - attempt.tried_at <= _LATE

    def _ask_again(self, index: int) -> None:
        """Ask once more for what is surely not there: the call was lost on its way, or is late."""
        attempt = self.attempts[index]
        if attempt.tries < _TRIES and self.elapsed - attempt.asked_at < attempt.wanted.timeout:
            self._ask(index)

    def _find_consumers(self, indexes: Sequence[int]) -> None:
        """Look for the runs that events started, and for events whose answer was lost."""
        for index in indexes:
            attempt = self.attempts[index]
            event = attempt.wanted.event
            if event is None or attempt.event_at is None or attempt.run is not None:
                continue
            try:
                if attempt.stage is Stage.UNSURE:
                    seen = self.calls.event_since(event.uri, event.extra, attempt.event_at, self._deadline())
                    if seen is None:
                        if not self._is_young(attempt):  # sent twice it would be there twice
                            self._ask_again(index)
                        continue
                    attempt = replace(attempt, stage=Stage.THERE, event_at=seen)
                started = self._consumer(attempt, attempt.event_at or self.server_now())
            except (CallFailed, CannotTell) as failed:
                self.attempts[index] = replace(attempt, unread=as_unread(failed))
                continue
            run_id = started.run_id if started is not None else attempt.run_id
            self.attempts[index] = replace(attempt, run=started, run_id=run_id, unread=None)

    def _consumer(self, attempt: Attempt, event_at: datetime) -> DagRun | None:
        """The run that the event started. Another event may start one of the same DAG at the same time."""
        assert attempt.wanted.event is not None  # noqa: S101 - only an event has a consumer
        runs = self.calls.of(attempt.wanted.dag_id, event_at, self._deadline())
        runs = tuple(run for run in runs if _is_of_event(run.run_type))
        if not runs:
            return None
        own = self.calls.started_by(attempt.wanted.event.uri, event_at, self._deadline())
        return next((run for run in runs if (run.dag_id, run.run_id) in own), None)

    def _read_tasks(self, indexes: Sequence[int]) -> None:
        """Read the tasks of runs that are over, all in one list."""
        wanted = {(run.dag_id, run.run_id): index for index in indexes if (run := self.attempts[index].run)}
        if not wanted:
            return
        try:
            found = self.calls.task_instances(list(wanted), self._deadline())
        except (CallFailed, CannotTell) as failed:
            for index in wanted.values():
                self.attempts[index] = replace(self.attempts[index], tasks_unread=as_unread(failed))
            return
        for key, index in wanted.items():
            self.attempts[index] = replace(self.attempts[index], tasks=found.get(key, ()), tasks_unread=None)

    def _with_log(self, attempt: Attempt) -> Attempt:
        task = first_failed(attempt)
        if task is None or attempt.wanted.expect.state == "failed":
            return attempt
        try:
            log = self.calls.log_end(task, self._deadline())
        except (CallFailed, CannotTell):
            return attempt  # it only helps; what failed is known without
        return replace(attempt, log=None if log is None else without_sent(attempt, log))

    def clean(self) -> None:
        """Remove what must not stay, and pause what was unpaused; where that fails the findings say so."""
        clean(self.attempts, self.unpaused, self.calls, self.clock, self.start)

    def _deadline(self) -> float:
        """Until when a call is repeated, on the clock: one look must not take many polls' time."""
        return self.clock.now() + CALL_TIMEOUT


def _was_refused(failed: CallFailed) -> bool:
    """Whether it was surely not done: Airflow or AWS said no, or it was never sent."""
    if failed.reason in (Reason.ACCESS_DENIED, Reason.PATH_TOO_LONG, Reason.NOT_FOUND):
        return True
    return is_no(failed)


def _is_of_event(run_type: str | None) -> bool:
    """Whether an event started the run: `dataset_triggered` (Airflow 2), `asset_triggered` (3)."""
    return run_type in ("dataset_triggered", "asset_triggered")
