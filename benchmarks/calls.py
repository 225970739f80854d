"""How many calls a whole wait makes, and how long it takes: the gate's own loop on a clock that nobody waits for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from measure import local_folder, sim_file, source_of

from validator.local.scan import read_folder
from validator.manifest.model import ExpectedDag, Manifest
from validator.sandbox.rules import Rules
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World
from validator.service import check
from validator.settings import Settings
from validator.target import Target
from validator.transport.interface import NO_ADVICE, Answer, EnvironmentFacts, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validator.finding import Finding

START = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
CALLS_PER_SECOND = 5.0
INTERVAL = 10.0
_ONCE = "/dags/mwaa-gate-probe-"
"""How the path begins of the call, beside GetEnvironment, that a run makes once; all others are made in each round."""
_FIRST = ("/dags", "/health", "/monitor/health")
"""What each round begins with, in any order,"""
_LAST = "/importErrors"
"""and what comes after that."""


def calls_a_round(paths: Sequence[str]) -> list[int]:
    """How many of `paths`, in their order, each round asked for, without what a run asks once and what was throttled."""
    counts: list[int] = []
    over = True
    for path in paths:
        if path in _FIRST and over:
            counts.append(0)
        over = path == _LAST or (over and path not in _FIRST)
        if counts and path.startswith("/") and not path.startswith(_ONCE):
            counts[-1] += 1
    return counts


class Turned:
    """A clock that only moves when somebody sleeps or calls; who sleeps at once with another sleeps no longer."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        """Seconds."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Turn it on."""
        self.time = max(self.time, self.time + seconds)

    @property
    def moment(self) -> datetime:
        """The time of day."""
        return START + timedelta(seconds=self.time)


class Counted:
    """The way to a simulated Airflow, and what went along it."""

    where = "simulated"
    longest_path = 64
    advice = NO_ADVICE

    def __init__(self, simulation: Simulation, clock: Turned) -> None:
        self.paths: list[str] = []
        self.rounds = 0
        self._simulation = simulation
        self._clock = clock

    def call(self, request: Request) -> Answer:
        """One call."""
        self.paths.append(request.path)
        status, body = self._simulation.call(request.method, request.path, request.query, request.body)
        return Answer(status, body, self._clock.moment.replace(microsecond=0))

    def environment(self) -> EnvironmentFacts:
        """GetEnvironment."""
        self.paths.append("GetEnvironment")
        return EnvironmentFacts("AVAILABLE", self._simulation.world.rules.airflow, date=self._clock.moment)

    def started(self, where: str, note: str) -> None:
        """Progress: nobody watches."""

    def round(self, findings: Sequence[Finding], elapsed: float, deadline: float | None) -> None:  # noqa: ARG002 - progress as the gate tells it
        """Progress: only the number counts."""
        self.rounds += 1

    def note(self, text: str) -> None:
        """Progress: nobody watches."""

    def finished(self) -> None:
        """Progress: nobody watches."""


@dataclass(frozen=True)
class Wait:
    """What one wait cost."""

    rounds: int
    lists: int
    """Calls but those for sources."""
    sources: int
    seconds: float


def deploy(airflow: str, dags: int, changed: int) -> tuple[World, Turned, list[str]]:
    """An environment just after `changed` of its files were uploaded, its clock, and the ids of its DAGs."""
    clock = Turned()
    names = [f"dag_{number:05}" for number in range(dags)]
    files = {f"{name}.py": sim_file(name, "1") for name in names}
    rules = Rules(airflow=airflow, parsers=16, parse=(0.1, 0.5))
    world = World(rules, now=lambda: clock.moment, files=files)
    for name in names[:changed]:
        world.put(f"{name}.py", sim_file(name, "2"), at=1.0)
    clock.time = 5.0
    world.advance()
    return world, clock, names


def ours(airflow: str, dags: int, changed: int, *, folder: bool) -> Wait:
    """The gate with everything at its default, until it is green."""
    world, clock, names = deploy(airflow, dags, changed)
    way = Counted(Simulation(world), clock)
    manifest, local = Manifest(dags=tuple(ExpectedDag(name) for name in names)), None
    with TemporaryDirectory() as root:
        if folder:
            local_folder(root, dags, changed)
            manifest, local = Manifest(), read_folder(root)
        report = check(Settings(manifest, Target("simulated"), folder=local), way, way, clock)
    if report.exit_code != 0:
        raise SystemExit(report.summary)
    sources = sum(path.startswith("/dagSources/") for path in way.paths)
    return Wait(way.rounds, len(way.paths) - sources, sources, report.duration_s)


def plain(airflow: str, dags: int, changed: int, *, folder: bool) -> Wait:
    """What people write: ask for one DAG after the other until it was parsed since the deploy, then for its source."""
    world, clock, names = deploy(airflow, dags, changed)
    way = Counted(Simulation(world), clock)
    began, rounds = clock.moment, 0
    wanted = {name: source_of(name, "2" if number < changed else "1") for number, name in enumerate(names)}
    while names:
        rounds += 1
        names = [
            name for name in names if not _plainly_there(name, wanted if folder else {}, way, clock, began)
        ]
        clock.sleep(INTERVAL if names else 0.0)
    sources = sum(path.startswith("/dagSources/") for path in way.paths)
    return Wait(rounds, len(way.paths) - sources, sources, (clock.moment - began).total_seconds())


def _plainly_there(name: str, wanted: dict[str, str], way: Counted, clock: Turned, began: datetime) -> bool:
    body: Any = way.call(Request(f"/dags/{name}")).body
    clock.sleep(1 / CALLS_PER_SECOND)
    if datetime.fromisoformat(body["last_parsed_time"].replace("Z", "+00:00")) < began:
        return False
    if name not in wanted:
        return True
    source: Any = way.call(Request(f"/dagSources/{name}")).body
    clock.sleep(1 / CALLS_PER_SECOND)
    return bool(source["content"] == wanted[name])
