"""Is the settle rule sound? The measurement of AIRFLOW.md section 13, on the simulated world."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from random import Random

import pytest

from validator.sandbox.files import DagFile, SimDag, helper, one_dag
from validator.sandbox.rules import VERSIONS, Rules
from validator.sandbox.world import World

START = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
SLOWEST = 0.5
STEP = 0.5


def wrong_greens(version, settle, *, seed, processors=1, slowest=SLOWEST, arrived_after=0.0):
    """Of 16 DAGs, each edited one to three times in a minute: how many were green with an old serialized DAG.

    Green is the first moment at which `last_parsed >= arrived + settle` holds; `arrived` is the last arrival of
    the DAG's own file and helper at any processor, and `arrived_after` more.
    """
    draw = Random(seed)  # noqa: S311 - a measurement that can be repeated
    clock = [START]
    rules = Rules(
        airflow=version,
        min_file_process_interval=5.0,
        dir_list_interval=5.0,
        sync=(0.0, 20.0),
        parse=(0.05, slowest),
        processors=processors,
        parsers=4,
    )
    names = [f"d{number}" for number in range(16)]
    files = {f"{name}.py": DagFile((SimDag(name),), imports={f"lib/{name}.py": ""}) for name in names}
    files |= {f"lib/{name}.py": helper() for name in names}
    world = World(rules, now=lambda: clock[0], files=files, seed=seed)
    arrived = {}
    for name in names:
        last = 0.0
        for number in range(draw.randint(1, 3)):
            at = draw.uniform(1.0, 60.0)
            lags = [draw.uniform(*rules.sync) for _ in range(processors)]
            if draw.random() < 0.5:
                text = f"{at:06.3f}-{number}"
                file = DagFile((SimDag(name, version=text),), imports={f"lib/{name}.py": ""})
                world.put(f"{name}.py", file, at=at, lags=lags)
            else:
                world.put(f"lib/{name}.py", helper(version=f"{at}"), at=at, lags=lags)
            last = max(last, at + max(lags))
        arrived[name] = last + arrived_after
    wrong, open_ = 0, set(names)
    while open_:
        clock[0] += timedelta(seconds=STEP)
        world.advance()
        assert world.elapsed < 400
        for name in sorted(open_):
            if world.elapsed < 80 or world.metadata.dags[name].last_parsed < arrived[name] + settle:
                continue
            open_.discard(name)
            wrong += world.truth(name) not in world.deployed(name)
    return wrong


@pytest.mark.parametrize("processors", [1, 2])
@pytest.mark.parametrize("version", VERSIONS)
def test_thirty_seconds_of_settle_never_see_an_old_serialized_dag(version, processors):
    found = [
        wrong_greens(version, 30.0, seed=seed, processors=processors, arrived_after=SLOWEST)
        for seed in range(40)
    ]
    assert sum(found) == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_without_settle_they_are_common_and_fewer_with_more(version):
    found = [
        sum(wrong_greens(version, settle, seed=seed) for seed in range(10)) for settle in (0.0, 10.0, 20.0)
    ]
    assert found[0] > found[1] > found[2] > 0


def test_the_rule_needs_the_time_of_one_parse_as_well():
    """A parse that read the old bytes may end, and write them, after the new ones arrived."""
    clock = [START]
    rules = Rules(airflow="3.0.6", min_file_process_interval=5.0, dir_list_interval=5.0, parse=(0.1, 0.1))
    world = World(rules, now=lambda: clock[0], files={"a.py": one_dag("a")})
    world.put("a.py", DagFile((SimDag("a", version="half"),), parse_seconds=8.0), at=1.0, lags=0.0)
    world.put("a.py", one_dag("a", version="whole"), at=5.0, lags=0.0)
    green_at = None
    while world.truth("a").dag.version != "whole":
        clock[0] += timedelta(seconds=0.1)
        if green_at is None and world.metadata.dags["a"].last_parsed >= 5.0 + 30.0:
            green_at = world.elapsed
    assert green_at is not None
    written = world.metadata.serialized["a"].written
    assert green_at < written <= 5.0 + 8.0 + 30.0 + 7.0
