"""Simulated deploys on a clock of their own: files that arrive whenever they like, one processor or several."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from random import Random

from validator.sandbox.files import DagFile, SimDag, helper
from validator.sandbox.rules import Rules
from validator.sandbox.world import World
from validator.transport.interface import NO_ADVICE, Answer, EnvironmentFacts


def text_of(dag_id, version="2"):
    return f"from airflow import DAG\n\nwith DAG({dag_id!r}, tags=[]) as dag:\n    version = {version!r}\n"


def file_of(dag_id, version="2"):
    """The same file as `text_of`, as the simulated Airflow reads it."""
    return DagFile((SimDag(dag_id, version=version),), source=text_of(dag_id, version))


START = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
SYNC = 10.0
"""Seconds: what the gate assumes."""
FACTOR = 5.0
"""Files take up to so many times as long."""
SETTLE = 30.0
SLOWEST_PARSE = 0.5


class Turned:
    """A clock that only moves when somebody sleeps; the world moves with it."""

    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += max(0.0, seconds)

    @property
    def moment(self):
        return START + timedelta(seconds=self.time)


class Direct:
    """The way to a simulated Airflow without a network in between."""

    where = "simulated"
    longest_path = 64
    advice = NO_ADVICE

    def __init__(self, simulation, clock):
        self.simulation = simulation
        self.clock = clock

    def call(self, request):
        date = self.clock.moment.replace(microsecond=0)
        return Answer(*self.simulation.call(request.method, request.path, request.query, request.body), date)

    def environment(self):
        return EnvironmentFacts("AVAILABLE", self.simulation.world.rules.airflow, date=self.clock.moment)


class Silent:
    """Progress that nobody watches."""

    def __getattr__(self, name):
        return lambda *_: None


def rules_of(version, **changes):
    """An environment that parses every file about every five seconds."""
    return Rules(
        airflow=version,
        min_file_process_interval=5.0,
        dir_list_interval=5.0,
        loop=2.0,
        parse=(0.05, SLOWEST_PARSE),
        **changes,
    )


def deployed_in(seed, version, *, processors=1, slower=FACTOR, count=3):
    """A world in which every file was changed once, twice or never, and takes its time to arrive; its clock and ids."""
    draw = Random(seed)  # noqa: S311 - a measurement that can be repeated
    clock = Turned()
    rules = rules_of(version, processors=processors, parsers=4)
    names = [f"d{number}" for number in range(count)]
    files = {f"{name}.py": file_of(name, "1") for name in names} | {"lib.py": helper()}
    world = World(rules, now=lambda: clock.moment, files=files, seed=seed)
    for name in names:
        changes = draw.choice((0, 1, 1, 2))
        for number in range(changes):
            at = 1.0 + 8.0 * number + draw.uniform(0.0, 6.0)
            version_of = "2" if number == changes - 1 else "half"
            lags = [draw.uniform(0.0, slower * SYNC) for _ in range(processors)]
            world.put(f"{name}.py", file_of(name, version_of), at=at, lags=lags)
    clock.time = 20.0  # the deploy is over
    world.advance()
    return world, clock, names
