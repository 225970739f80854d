"""Datasets (Airflow 3: assets), their events, and the runs of the DAGs that are scheduled on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from random import Random

    from validator.sandbox.metadata import AssetRow, DagRow, Metadata
    from validator.sandbox.rules import Rules
    from validator.sandbox.runs import DagRun, Runs
    from validator.sandbox.timeline import Timeline


@dataclass
class AssetEvent:
    """One update of an asset."""

    id: int
    asset: AssetRow
    at: float
    extra: dict[str, object]
    source: tuple[str, str, str] | None = None
    """The DAG, the run and the task that made it; None: it came through the API."""
    runs: list[DagRun] = field(default_factory=list)
    """The runs that it helped to start."""


class Assets:
    """The events, and what they have queued.

    A consumer that is paused at the time of an event never hears of it (measured); one with several URIs runs
    when each of them was updated.

    Args:
        rules: intervals.
        timeline: where what follows is put.
        metadata: the assets and the DAGs.
        runs: where consumers' runs are made.
        random: for delays.
        schedules: whether a scheduler is alive.
        time: the clock's time of the world's seconds.
    """

    def __init__(  # noqa: PLR0913 - the parts of the world that events touch
        self,
        rules: Rules,
        timeline: Timeline,
        metadata: Metadata,
        runs: Runs,
        random: Random,
        schedules: Callable[[], bool],
        time: Callable[[float], datetime],
    ) -> None:
        self._rules = rules
        self._timeline = timeline
        self._metadata = metadata
        self._runs = runs
        self._random = random
        self._schedules = schedules
        self._time = time
        self.events: list[AssetEvent] = []
        self._queued: dict[str, dict[str, float]] = {}
        """By consumer and URI: when the first event came that no run has answered."""
        self._answered: dict[str, float] = {}
        """By consumer: up to when its last run took events."""
        self._awake = False

    def listed(self) -> list[AssetRow]:
        """The assets that a listed DAG names."""
        named = {uri for row in self._active() for uri in row.dag.uris}
        return [asset for uri, asset in self._metadata.assets.items() if uri in named]

    def consumers(self, uri: str) -> list[str]:
        """The listed DAGs that are scheduled on a URI."""
        return [row.dag.dag_id for row in self._active() if uri in row.dag.consumed]

    def producers(self, uri: str) -> list[tuple[str, str]]:
        """The DAGs and tasks that update a URI."""
        return [
            (row.dag.dag_id, task.task_id)
            for row in self._active()
            for task in row.dag.tasks
            if uri in task.outlets
        ]

    def record(
        self, asset: AssetRow, extra: dict[str, object], source: tuple[str, str, str] | None = None
    ) -> AssetEvent:
        """Note an update, and queue it for the consumers that are not paused."""
        event = AssetEvent(len(self.events) + 1, asset, self._timeline.now, extra, source)
        self.events.append(event)
        for row in self._active():
            if asset.uri in row.dag.consumed and not row.paused:
                self._queued.setdefault(row.dag.dag_id, {}).setdefault(asset.uri, event.at)
        if self._queued and not self._awake:
            self._awake = True
            first = self._rules.scheduler_loop * (1.0 + self._random.random())
            self._timeline.later(first, self._turn)
        return event

    def _active(self) -> list[DagRow]:
        return [row for row in self._metadata.dags.values() if row.active]

    def _turn(self) -> None:
        if self._schedules() and self._metadata.up:
            for row in self._active():
                queued = self._queued.get(row.dag.dag_id, {})
                if queued and not row.paused and set(row.dag.consumed) <= set(queued):
                    self._start(row, max(queued.values()))
        self._awake = bool(self._queued)
        if self._awake:
            self._timeline.later(self._rules.scheduler_loop, self._turn)

    def _start(self, row: DagRow, upto: float) -> None:
        """Make a consumer's run; an event that came after the last one that was needed belongs to none (measured)."""
        dag_id, at = row.dag.dag_id, self._time(upto)
        if self._rules.major < 3:  # noqa: PLR2004 - Airflow 3
            kind = "dataset_triggered"
            run_id, logical_date = f"{kind}__{at.isoformat()}", at
        else:
            kind = "asset_triggered"
            run_id, logical_date = f"{kind}__{at.isoformat()}_{self._runs.suffix()}", None
        run = self._runs.create(dag_id, run_id, run_after=at, run_type=kind, logical_date=logical_date)
        if run is None:
            return
        del self._queued[dag_id]
        since = self._answered.get(dag_id, float("-inf"))
        for event in self.events:
            if since < event.at <= upto and event.asset.uri in row.dag.consumed:
                event.runs.append(run)
        self._answered[dag_id] = self._timeline.now
