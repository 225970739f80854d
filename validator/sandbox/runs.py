"""The simulated scheduler and its workers: DAG runs and task instances, from queued to their end.

The rules are those measured on real servers (AIRFLOW.md section 6): a run of a paused DAG, or under a dead
scheduler, stays queued for ever; a task's failure makes `upstream_failed` of what follows, a skip `skipped`.
"""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from random import Random

    from validator.sandbox.files import SimDag, SimTask
    from validator.sandbox.metadata import Metadata
    from validator.sandbox.rules import Rules
    from validator.sandbox.stock import Stock
    from validator.sandbox.timeline import Timeline

ENDED = ("success", "failed")
"""The states of a run that is over."""
_TASK_ENDED = (*ENDED, "skipped", "upstream_failed")
_BUSY = ("queued", "running")


@dataclass
class Attempt:
    """One try of a task, as far as its worker's log tells of it."""

    started: float
    ended: float | None = None
    """None: not yet."""
    outcome: str = ""
    """As in SimTask; empty until it ended."""


@dataclass
class TaskInstance:
    """One task in one run. Times are seconds since the world's start; None: not yet."""

    id: str
    """A UUID, which Airflow 3 shows."""
    task: SimTask
    state: str | None = None
    try_number: int = 0
    queued: float | None = None
    started: float | None = None
    ended: float | None = None
    due: float = 0.0
    """When a task that is up for retry may be queued again."""
    attempts: list[Attempt] = field(default_factory=list)

    def end(self, state: str, now: float) -> None:
        """Come to an end without a worker."""
        self.state, self.started, self.ended = state, now, now


@dataclass
class DagRun:
    """One run of a DAG, of the tasks that the serialized DAG had when it was made."""

    number: int
    """Its row's id: runs are listed in this order."""
    dag: SimDag
    run_id: str
    run_type: str
    created: float
    logical_date: datetime | None
    run_after: datetime
    conf: dict[str, object]
    note: str | None
    instances: list[TaskInstance]
    state: str = "queued"
    started: float | None = None
    ended: float | None = None
    decided: float | None = None
    """When the scheduler last looked at it."""

    @property
    def dag_id(self) -> str:
        """Whose run it is."""
        return self.dag.dag_id


class Runs:
    """The tables of DAG runs and task instances, with the scheduler that works on them.

    Args:
        rules: intervals.
        timeline: where what follows is put.
        metadata: the DAGs.
        stock: the pools.
        random: for every delay and id that is drawn.
        schedules: whether a scheduler is alive.
        updated: told of each URI that a task's success updates, with the run and the task.
    """

    def __init__(  # noqa: PLR0913 - the parts of the world that a scheduler works with
        self,
        rules: Rules,
        timeline: Timeline,
        metadata: Metadata,
        stock: Stock,
        random: Random,
        schedules: Callable[[], bool],
        updated: Callable[[str, DagRun, str], None],
    ) -> None:
        self._rules = rules
        self._timeline = timeline
        self._metadata = metadata
        self._stock = stock
        self._random = random
        self._schedules = schedules
        self._updated = updated
        self._numbers = itertools.count(1)
        self._rows: dict[tuple[str, str], DagRun] = {}
        self._awake = False

    @property
    def rows(self) -> list[DagRun]:
        """All runs, the oldest first."""
        return list(self._rows.values())

    def get(self, dag_id: str, run_id: str) -> DagRun | None:
        """One run; None: there is none."""
        return self._rows.get((dag_id, run_id))

    def of(self, dag_id: str) -> list[DagRun]:
        """A DAG's runs, the oldest first."""
        return [run for run in self._rows.values() if run.dag_id == dag_id]

    def create(  # noqa: PLR0913 - a row's values, by keyword only
        self,
        dag_id: str,
        run_id: str,
        *,
        run_after: datetime,
        run_type: str = "manual",
        logical_date: datetime | None = None,
        conf: dict[str, object] | None = None,
        note: str | None = None,
    ) -> DagRun | None:
        """A new queued run; None: the DAG has no serialized form, or a run of this id."""
        one = self._metadata.serialized.get(dag_id)
        if one is None or (dag_id, run_id) in self._rows:
            return None
        dag = one.code.dag
        instances = [TaskInstance(self._uuid(), task) for task in dag.tasks]
        run = DagRun(
            number=next(self._numbers),
            dag=dag,
            run_id=run_id,
            run_type=run_type,
            created=self._timeline.now,
            logical_date=logical_date,
            run_after=run_after,
            conf=dict(conf or {}),
            note=note,
            instances=instances,
        )
        self._rows[dag_id, run_id] = run
        if not self._awake:
            self._awake = True
            self._timeline.later(self._random.uniform(0.0, self._rules.scheduler_loop), self._turn)
        return run

    def delete(self, run: DagRun) -> None:
        """Forget a run with its task instances; what its workers still do leaves no trace."""
        self._rows.pop((run.dag_id, run.run_id), None)

    def suffix(self) -> str:
        """The eight letters with which Airflow 3 ends a run id of its own."""
        return "".join(self._random.choices("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=8))

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _turn(self) -> None:
        """One loop of the scheduler, as long as there is a run without an end."""
        if self._schedules() and self._metadata.up:
            for run in self._open():
                if run.state == "queued":
                    self._start(run)
                if run.state == "running":
                    self._examine(run)
        self._awake = bool([run for run in self._rows.values() if run.state not in ENDED])
        if self._awake:
            self._timeline.later(self._rules.scheduler_loop, self._turn)

    def _open(self) -> list[DagRun]:
        """The runs without an end that the scheduler looks at: not those of DAGs that are paused or gone."""
        found = []
        for run in self._rows.values():
            row = self._metadata.dags.get(run.dag_id)
            if run.state not in ENDED and row is not None and row.active and not row.paused:
                found.append(run)
        return found

    def _start(self, run: DagRun) -> None:
        running = sum(one.state == "running" for one in self.of(run.dag_id))
        if running < self._metadata.dags[run.dag_id].dag.max_active_runs:
            run.state, run.started = "running", self._timeline.now

    def _examine(self, run: DagRun) -> None:
        """Queue what can start, end what cannot, and the run with its last task."""
        now = self._timeline.now
        run.decided = now
        states = {one.task.task_id: one for one in run.instances}
        for one in run.instances:
            before = {states[task_id].state for task_id in run.dag.upstream(one.task)}
            if one.state == "up_for_retry":
                if now >= one.due:
                    self._queue(run, one)
            elif one.state is not None:
                continue
            elif before & {"failed", "upstream_failed"}:
                one.end("upstream_failed", now)
            elif "skipped" in before:
                one.end("skipped", now)
            elif before <= {"success"}:
                self._queue(run, one)
        if all(one.state in _TASK_ENDED for one in run.instances):
            leaves = {one.state for one in run.instances if not run.dag.downstream(one.task)}
            run.state = "failed" if leaves & {"failed", "upstream_failed"} else "success"
            run.ended = now

    def _queue(self, run: DagRun, one: TaskInstance) -> None:
        """Send a task to a worker, unless its DAG or its pool has no room, or the pool does not exist."""
        if one.task.is_empty:
            one.try_number = 0 if self._rules.airflow == "2.4.3" else 1
            one.end("success", self._timeline.now)
            return
        busy = [
            (other.dag_id, each.task.pool)
            for other in self._rows.values()
            for each in other.instances
            if each.state in _BUSY
        ]
        slots = self._stock.all_pools.get(one.task.pool, 0)
        in_pool = sum(pool == one.task.pool for _, pool in busy)
        in_dag = sum(dag_id == run.dag_id for dag_id, _ in busy)
        if in_dag >= run.dag.max_active_tasks or 0 <= slots <= in_pool:
            return
        if one.try_number:
            one.id = self._uuid()  # Airflow 3 gives each try its own
        one.state, one.queued = "queued", self._timeline.now
        one.started = one.ended = None
        one.try_number += 1
        self._work(run, self._random.uniform(*self._rules.start), lambda: self._begin(run, one))

    def _work(self, run: DagRun, seconds: float, action: Callable[[], None]) -> None:
        """Do a worker's next step, unless the run is deleted by then; it waits for the database."""

        def step() -> None:
            if self._rows.get((run.dag_id, run.run_id)) is not run:
                return
            if self._metadata.up:
                action()
            else:
                self._work(run, self._rules.scheduler_loop, action)

        self._timeline.later(seconds, step)

    def _begin(self, run: DagRun, one: TaskInstance) -> None:
        one.state, one.started = "running", self._timeline.now
        one.attempts.append(Attempt(self._timeline.now))
        if one.task.outcome_of(one.try_number) != "hangs":
            self._work(run, one.task.seconds, lambda: self._end(run, one))

    def _end(self, run: DagRun, one: TaskInstance) -> None:
        now = self._timeline.now
        outcome = one.task.outcome_of(one.try_number)
        one.attempts[-1].ended, one.attempts[-1].outcome = now, outcome
        one.state, one.ended = outcome, now
        if outcome == "failed" and one.try_number <= one.task.retries:
            one.state, one.due = "up_for_retry", now + one.task.retry_delay
        elif outcome == "success":
            for uri in one.task.outlets:
                self._updated(uri, run, one.task.task_id)
