"""The environment of a schedule: a simulated Airflow on real time, and a record of what was true whenever it was asked."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from fault_files import SMOKED, TRACE, file_of, first_of, helper_of
from fault_schedule import ABSENT

from validator.sandbox.api import Role
from validator.sandbox.files import DagFile, SimDag, SimTask, one_dag, tasks
from validator.sandbox.rules import Rules
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fault_schedule import Schedule, Story

_LISTS = {"/dags": "dags", "/health": "health", "/monitor/health": "health"}


class Clock:
    """The server's clock: it stands at the deploy's end until `start`, and goes with real time from there."""

    def __init__(self, end: float, skew: float) -> None:
        self.zero = datetime.now(timezone.utc) + timedelta(seconds=skew)
        """The world's start."""
        self._end = end
        self._started: float | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Go, unless it goes already."""
        with self._lock:
            if self._started is None:
                self._started = time.monotonic()

    def now(self) -> datetime:
        """The server's time."""
        gone = 0.0 if self._started is None else time.monotonic() - self._started
        return self.zero + timedelta(seconds=self._end + gone)


@dataclass(frozen=True)
class Look:
    """What was true when a list was asked for."""

    what: str
    """`dags` or `health`."""
    at: float
    wrong: tuple[str, ...]
    """The DAGs of which the scheduler would run something else than was deployed, or the components that are dead."""


@dataclass
class Watched:
    """The simulation, as the endpoint asks it; whatever it tells, what is true is written down with it."""

    simulation: Simulation
    stories: tuple[Story, ...]
    smoked: bool
    looks: list[Look] = field(default_factory=list)

    def call(self, method: str, path: str, query: Mapping[str, object], body: object) -> tuple[int, object]:
        """Airflow's answer."""
        with self.simulation.lock:
            told = self.simulation.call(method, path, query, body)
            what = _LISTS.get(path.partition("?")[0])
            if what is not None and method == "GET":
                world = self.simulation.world
                wrong = self.wrong_dags() if what == "dags" else self.dead()
                self.looks.append(Look(what, world.elapsed, wrong))
        return told

    def environment(self) -> Mapping[str, object]:
        """What GetEnvironment tells."""
        return self.simulation.environment()

    def wrong_dags(self) -> tuple[str, ...]:
        """The DAGs of which the scheduler would not run what was deployed, now."""
        world = self.simulation.world
        wrong = []
        with self.simulation.lock:
            for story in self.stories:
                runs = world.truth(story.dag_id)
                absent = story.fate in ABSENT
                if runs is not None if absent else runs not in world.deployed(story.dag_id):
                    wrong.append(story.dag_id)
        return tuple(wrong)

    def dead(self) -> tuple[str, ...]:
        """The components that are dead for so long that Airflow knows."""
        world = self.simulation.world
        with self.simulation.lock:
            told = world.health()
            if world.rules.airflow == "2.4.3":  # it tells of no others
                told = {name: told[name] for name in ("metadatabase", "scheduler")}
            names = [name for name, (status, _) in told.items() if status is not None]
            return tuple(name for name in names if not world.alive(name) and told[name][0] == "unhealthy")


def environment_of(schedule: Schedule, clock: Clock) -> Watched:
    """The environment of a schedule, before its deploy: all that happens is planned."""
    pace = schedule.pace
    rules = Rules(
        airflow=schedule.airflow,
        sync=(0.0, 0.0),
        min_file_process_interval=pace.interval,
        dir_list_interval=pace.scan,
        min_serialized_dag_update_interval=pace.settle,
        min_serialized_dag_fetch_interval=0.2,
        stale_dag_threshold=2.0 * pace.interval + pace.parse,
        parsing_cleanup_interval=0.3,
        parse=(0.0, pace.parse),
        loop=0.05,
        scheduler_loop=0.05,
        start=(0.0, 0.05),
        heartbeat=0.2,
        health_threshold=0.6,
        processors=schedule.processors,
        parsers=pace.parsers,
        standalone_processor=True,
        keep_mtime=pace.keep_mtime,
        flapping=pace.flapping and schedule.airflow == "3.0.6",
        page_limit=pace.page_limit,
    )
    world = World(rules, now=lambda: clock.zero, files=_files_before(schedule), seed=schedule.seed)
    _plan(schedule, world)
    major = rules.major
    options = {
        "core.min_serialized_dag_fetch_interval": "0.2",
        ("dag_processor.refresh_interval" if major > 2 else "scheduler.dag_dir_list_interval"): str(
            pace.scan
        ),
    }
    simulation = Simulation(world, role=Role("User" if schedule.smoke else "Viewer"), options=options)
    if schedule.updating_until is not None:
        simulation.become("UPDATING", at=0.01)
        if schedule.updating_until < float("inf"):
            simulation.become("AVAILABLE", at=schedule.updating_until)
    world._now = clock.now  # what was planned is planned; from here on its time is the server's
    return Watched(simulation, schedule.stories, bool(schedule.smoke))


def _files_before(schedule: Schedule) -> dict[str, DagFile]:
    files = {"own.py": one_dag("own")}  # of others; something is always parsed
    for story in schedule.stories:
        paused = story.fate == "paused"
        files.update(
            (path, file_of(story.dag_id, path, what, paused=paused)) for path, what in first_of(story).items()
        )
    files.update((path, helper_of(before)) for path, before, _ in schedule.helpers)
    if schedule.fillers:
        files["many.py"] = DagFile(tuple(SimDag(f"{'cf'[n % 2]}{n}") for n in range(schedule.fillers)))
    if schedule.foreign_error:
        files["foreign.py"] = one_dag("foreign").broken(TRACE)
    if schedule.smoke:
        work = SimTask("load", seconds=0.05, outcome=(schedule.smoke,))
        files[SMOKED] = one_dag("smoked", tasks=tasks(work), schedule=None, paused_upon_creation=False)
    return files


def _plan(schedule: Schedule, world: World) -> None:
    uploads = [(one, story.dag_id) for story in schedule.stories for one in story.uploads]
    uploads += [(one, "") for _, _, some in schedule.helpers for one in some]
    for one, dag_id in sorted(uploads, key=lambda pair: pair[0].at):
        if one.what == "gone":
            world.remove(one.path, at=one.at, lags=one.lags)
        else:
            file = file_of(dag_id, one.path, one.what) if dag_id else helper_of(one.what)
            world.put(one.path, file, at=one.at, lags=one.lags)
    there: set[str] = set()
    for at, path in schedule.churn:
        if path in there:
            world.remove(path, at=at, lags=0.0)
        else:
            world.put(path, one_dag(path.removesuffix(".py")), at=at, lags=0.0)
        there ^= {path}
    if schedule.dead:
        world.kill(schedule.dead, at=0.01)
        if schedule.revived_at is not None:
            world.revive(schedule.dead, at=schedule.revived_at)
