"""A simulated environment: S3, its DAG processors, its components and its metadata database.

The world never sleeps and has no thread. It moves on when it is asked, up to the time of its clock:

    clock = [START]
    world = World(Rules(airflow="3.0.6"), now=lambda: clock[0], files={"a.py": one_dag("a")})
    world.put("a.py", one_dag("a", version="2"), at=5, lags=20)
    clock[0] += timedelta(seconds=60)
    world.advance()
    world.truth("a")
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, TypeVar

from validator.sandbox.assets import Assets
from validator.sandbox.files import SYNTAX_ERROR, DagFile
from validator.sandbox.metadata import Code, Metadata
from validator.sandbox.parsing import Processor, parse
from validator.sandbox.rules import Rules
from validator.sandbox.runs import Runs
from validator.sandbox.stock import Stock
from validator.sandbox.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from validator.sandbox.runs import DagRun
    from validator.sandbox.stock import SimConnection

COMPONENTS = ("scheduler", "triggerer", "dag_processor", "metadatabase", "webserver")
"""What can be killed and started; `dag_processor:1` is the second one alone."""
_Value = TypeVar("_Value")
_LONG_AGO = -3600.0
_FLAP_EVERY, _FLAP_FOR = 9.0, 1.0  # heartbeats are 5 s: measured 6 times in 57 s, 0.5 to 2 s each


@dataclass
class Job:
    """A component's process, as its heartbeats show it."""

    started: float | None = None
    """None: it never ran."""
    stopped: float | None = None
    """None: it is alive."""

    def heartbeat(self, now: float, interval: float) -> float | None:
        """When it last beat."""
        if self.started is None:
            return None
        end = now if self.stopped is None else min(now, self.stopped)
        return self.started + math.floor((end - self.started) / interval) * interval


class World:
    """The environment. Times given as `at` are seconds since its start; None: now.

    Args:
        rules: intervals and habits.
        now: the clock, UTC; the world starts when it is made.
        files: the DAGs folder at the start; it has been there for long, and every DAG is parsed.
        seed: for every delay that is drawn.
        stock: pools, connections and variables at the start; it is kept, and changes with the world.
    """

    def __init__(
        self,
        rules: Rules | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
        files: Mapping[str, DagFile] | None = None,
        seed: int = 0,
        stock: Stock | None = None,
    ) -> None:
        self.rules = rules or Rules()
        self.start = now()
        self.stock = stock or Stock()
        self.metadata = Metadata(self.rules, self.stock)
        self.s3: dict[str, DagFile] = {}
        self._now = now
        self._random = random.Random(seed)  # noqa: S311 - delays that can be repeated, no secrets
        self._timeline = Timeline()
        self._orders = 0
        self._whole: dict[str, DagFile] = {}
        self._last_arrival = 0.0
        self._processors = [
            Processor(self.rules, self._timeline, self.metadata, self._random)
            for _ in range(self.rules.processors)
        ]
        after = random.Random(f"{seed} runs")  # noqa: S311 - the same; of its own, so that runs move no parse
        self.runs = Runs(
            self.rules, self._timeline, self.metadata, self.stock, after, self._schedules, self._updated
        )
        self.assets = Assets(
            self.rules, self._timeline, self.metadata, self.runs, after, self._schedules, self.time
        )
        self.jobs = {name: Job(self._random.uniform(-self.rules.heartbeat, 0.0)) for name in self._names()}
        self.s3.update(files or {})
        for path, file in self.s3.items():
            for processor in self._processors:
                processor.arrive(path, file, mtime=_LONG_AGO, order=(_LONG_AGO, 0))
        for processor in self._processors:
            processor.settle_in()
        for dag_id, one in list(self.metadata.serialized.items()):
            self.metadata.serialized[dag_id] = type(one)(one.code, _LONG_AGO)

    @property
    def elapsed(self) -> float:
        """Seconds since the start, up to which everything has happened."""
        return self._timeline.now

    @property
    def last_arrival(self) -> float:
        """When the last change made so far is, or will be, at the last processor."""
        return self._last_arrival

    def time(self, seconds: float) -> datetime:
        """The clock's time at `seconds` after the start."""
        return self.start + timedelta(seconds=seconds)

    def advance(self, to: datetime | None = None) -> None:
        """Let everything happen up to `to` (default: the clock's now)."""
        self._timeline.run(((to or self._now()) - self.start).total_seconds())

    def at(self, when: float | None, action: Callable[[], None]) -> None:
        """Do something at a time.

        Raises:
            ValueError: that time is past.
        """
        self._timeline.at(self._now_or(when), action)

    def put(
        self,
        path: str,
        file: DagFile,
        *,
        at: float | None = None,
        lags: float | Sequence[float] | None = None,
    ) -> None:
        """Upload a file to S3.

        Args:
            path: relative to the DAGs folder.
            file: what it holds.
            at: when.
            lags: seconds until it is at each processor, or at all of them; None: drawn.
        """
        self._change(path, file, at, lags)

    def remove(
        self, path: str, *, at: float | None = None, lags: float | Sequence[float] | None = None
    ) -> None:
        """Delete a file from S3."""
        self._change(path, None, at, lags)

    def damage(
        self,
        path: str,
        trace: str = SYNTAX_ERROR,
        *,
        at: float | None = None,
        lags: float | Sequence[float] | None = None,
    ) -> None:
        """Upload the file that S3 holds by then with an error in it."""

        def act() -> None:
            file = self.s3.get(path, DagFile())
            if file.error is None:
                self._whole[path] = file
            self.put(path, file.broken(trace), lags=lags)

        self.at(at, act)

    def heal(
        self, path: str, *, at: float | None = None, lags: float | Sequence[float] | None = None
    ) -> None:
        """Upload the file again as it was before its damage; without effect on one that was whole."""

        def act() -> None:
            if path in self._whole:
                self.put(path, self._whole.pop(path), lags=lags)

        self.at(at, act)

    def kill(self, component: str, *, at: float | None = None) -> None:
        """Let a component die without a word (kill -9).

        Raises:
            ValueError: there is no such component.
        """
        names = self._members(component)
        self.at(at, lambda: self._set_alive(names, alive=False))

    def revive(self, component: str, *, at: float | None = None) -> None:
        """Start a component again.

        Raises:
            ValueError: there is no such component.
        """
        names = self._members(component)
        self.at(at, lambda: self._set_alive(names, alive=True))

    def restart_webserver(self, seconds: float, *, at: float | None = None) -> None:
        """Let every call end in a 5xx for a while."""

        def act() -> None:
            self._set_alive(["webserver"], alive=False)
            self._timeline.later(seconds, lambda: self._set_alive(["webserver"], alive=True))

        self.at(at, act)

    def never_ran(self, component: str) -> None:
        """Let a component look as if it had never been started."""
        for name in self._members(component):
            self.jobs[name] = Job()

    def pause(self, dag_id: str, *, paused: bool = True, at: float | None = None) -> None:
        """Pause or unpause a DAG; without effect on one that is not known by then."""

        def act() -> None:
            row = self.metadata.dags.get(dag_id)
            if row is not None:
                row.paused = paused

        self.at(at, act)

    def set_pool(self, name: str, slots: int | None, *, at: float | None = None) -> None:
        """Make or change a pool; None: delete it."""
        self.at(at, lambda: _set(self.stock.pools, name, slots))

    def set_connection(self, conn_id: str, to: SimConnection | None, *, at: float | None = None) -> None:
        """Make or change a connection; None: delete it."""
        self.at(at, lambda: _set(self.stock.connections, conn_id, to))

    def set_variable(self, key: str, value: str | None, *, at: float | None = None) -> None:
        """Make or change a variable; None: delete it."""
        self.at(at, lambda: self.stock.set_variable(key, value))

    def truth(self, dag_id: str) -> Code | None:
        """What the scheduler would run now; None: nothing."""
        self.advance()
        row = self.metadata.dags.get(dag_id)
        one = self.metadata.serialized.get(dag_id)
        return one.code if row is not None and row.active and one is not None else None

    def deployed(self, dag_id: str) -> tuple[Code, ...]:
        """What S3 holds for a DAG now: one, none, or one for each of the files that define it."""
        self.advance()
        found = [
            parse(path, self.s3, self.rules.dags_folder) for path, file in self.s3.items() if file.listed
        ]
        return tuple(code for outcome in found for code in outcome.codes if code.dag.dag_id == dag_id)

    def alive(self, component: str) -> bool:
        """Whether any process of a component runs."""
        jobs = (self.jobs[name] for name in self._members(component))
        return any(job.started is not None and job.stopped is None for job in jobs)

    def health(self) -> dict[str, tuple[str | None, float | None]]:
        """Each component's status and last heartbeat, as /health tells them: of the most recent job."""
        if not self.metadata.up:
            return {"metadatabase": ("unhealthy", None), "scheduler": ("unhealthy", None)}
        told: dict[str, tuple[str | None, float | None]] = {"metadatabase": ("healthy", None)}
        now = self.elapsed
        for component in ("scheduler", "triggerer", "dag_processor"):
            if component == "dag_processor" and not self.rules.standalone:
                told[component] = (None, None)
                continue
            jobs = [self.jobs[name] for name in self._members(component)]
            beats = [job.heartbeat(now, self.rules.heartbeat) for job in jobs]
            last = max((beat for beat in beats if beat is not None), default=None)
            status = None
            if last is not None:
                status = "healthy" if now - last <= self.rules.health_threshold else "unhealthy"
            if component == "dag_processor" and self.rules.flapping:
                unit = self.rules.heartbeat / 5.0
                status = "unhealthy" if now % (_FLAP_EVERY * unit) < _FLAP_FOR * unit else status
            told[component] = (status, last)
        return told

    def _schedules(self) -> bool:
        return self.alive("scheduler")

    def _updated(self, uri: str, run: DagRun, task_id: str) -> None:
        self.assets.record(self.metadata.assets[uri], {}, (run.dag_id, run.run_id, task_id))

    def _names(self) -> list[str]:
        processors = [f"dag_processor:{number}" for number in range(self.rules.processors)]
        return [name for name in COMPONENTS if name != "dag_processor"] + processors

    def _members(self, component: str) -> list[str]:
        names = [name for name in self._names() if component in (name, name.partition(":")[0])]
        if not names:
            raise ValueError(f"{component!r} is no component; there are {', '.join(COMPONENTS)}")
        return names

    def _now_or(self, at: float | None) -> float:
        self.advance()
        if at is not None and at < self.elapsed:
            raise ValueError(f"{at} s is past: the world is at {self.elapsed} s")
        return self.elapsed if at is None else at

    def _set_alive(self, names: list[str], *, alive: bool) -> None:
        for name in names:
            job = self.jobs[name]
            if alive:
                self.jobs[name] = Job(self.elapsed)
            elif job.stopped is None:
                job.stopped = self.elapsed
            if name == "metadatabase":
                self.metadata.up = alive
            for processor in self._inside(name):
                if alive:
                    processor.start()
                else:
                    processor.kill()

    def _inside(self, name: str) -> list[Processor]:
        """The DAG processors that live and die with a component."""
        kind, _, number = name.partition(":")
        if kind == "dag_processor" and self.rules.standalone:
            return [self._processors[int(number)]]
        return self._processors if kind == "scheduler" and not self.rules.standalone else []

    def _change(
        self, path: str, file: DagFile | None, at: float | None, lags: float | Sequence[float] | None
    ) -> None:
        when = self._now_or(at)
        count = self.rules.processors
        if lags is None:
            lags = [self._random.uniform(*self.rules.sync) for _ in range(count)]
        elif isinstance(lags, (int, float)):
            lags = [lags] * count
        if len(lags) != count:
            raise ValueError(f"{len(lags)} lags are given for {count} processors")
        self._orders += 1
        order = (when, self._orders)  # what S3 held later wins, whatever arrives first
        self._last_arrival = max(self._last_arrival, when + max(lags))

        def upload() -> None:
            if file is None:
                self.s3.pop(path, None)
            else:
                self.s3[path] = file

        self._timeline.at(when, upload)
        for processor, lag in zip(self._processors, lags, strict=True):
            mtime = when if self.rules.keep_mtime else when + lag
            self._timeline.at(
                when + lag,
                lambda processor=processor, mtime=mtime: processor.arrive(  # type: ignore[misc]  # bound per turn
                    path, file, mtime=mtime, order=order
                ),
            )


def _set(table: dict[str, _Value], key: str, value: _Value | None) -> None:
    if value is None:
        table.pop(key, None)
    else:
        table[key] = value
