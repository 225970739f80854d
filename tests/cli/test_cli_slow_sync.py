"""What comparing Airflow's texts with the local files is for: a sync slower than the assumed one, in many worlds.

Also in parts, as the Lambda function makes its waits: a process knows of those before it only what fits a token.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from worlds import FACTOR, SETTLE, SLOWEST_PARSE, SYNC, Direct, Silent, deployed_in

from validator.local.scan import read_folder
from validator.manifest.model import ExpectedDag, Manifest
from validator.report import Report
from validator.rules import Rules as GateRules
from validator.sandbox.simulation import Simulation
from validator.serverless.token import pack, unpack
from validator.service import check, go_on
from validator.settings import Settings
from validator.target import Target

PART = 20.0
"""Seconds of one part of a wait in parts."""
GAP = 30.0
"""Seconds until the next begins: CodePipeline's."""


def verdict_of(world, clock, manifest, folder, *, parts=False):
    """How the gate ends, on the world's clock."""
    rules = GateRules(timeout=400.0, interval=7.0, sync=SYNC, settle=SETTLE + SLOWEST_PARSE)
    settings = Settings(manifest, Target("simulated"), max_tps=1e9, rules=rules, folder=folder)
    transport = Direct(Simulation(world), clock)
    if not parts:
        return check(settings, transport, Silent(), clock)
    began, memory = clock.time, None
    while True:
        told = go_on(settings, transport, Silent(), clock, memory=memory, seconds=PART)
        if isinstance(told, Report):
            return told
        clock.sleep(GAP)
        memory = unpack(pack(told.memory, settings), settings)
        # The world's clock is not the machine's: the wait began so long ago on it.
        started_at = datetime.now(timezone.utc) - timedelta(seconds=clock.time - began)
        memory = replace(memory, started_at=started_at)


def wrong_green(seed, version, folder, *, compared=True, processors=1, slower=FACTOR, parts=False):
    """Whether the gate was green while the scheduler would have run old bytes of a DAG's file; None: not green."""
    world, clock, names = deployed_in(seed, version, processors=processors, slower=slower)
    for name in names:
        (folder / f"{name}.py").write_text(world.s3[f"{name}.py"].source)
    if compared:
        report = verdict_of(world, clock, Manifest(), read_folder(folder), parts=parts)
    else:
        dags = tuple(ExpectedDag(name, file=f"{name}.py") for name in names)
        report = verdict_of(world, clock, Manifest(dags=dags), None, parts=parts)
    if report.exit_code != 0:
        return None
    return any(world.truth(name) not in world.deployed(name) for name in names)


WORLDS = 60
"""Of each kind; `make soak` plays more, and over more lags."""


@pytest.mark.parametrize("parts", [False, True], ids=["in one piece", "in parts"])
@pytest.mark.parametrize("processors", [1, 2])
def test_within_the_assumed_sync_every_green_is_right_and_every_world_turns_green(
    tmp_path, processors, parts
):
    found = [
        wrong_green(seed, "3.0.6", tmp_path, processors=processors, slower=1.0, parts=parts)
        for seed in range(WORLDS // 3)
    ]
    assert found == [False] * len(found)


@pytest.mark.parametrize("parts", [False, True], ids=["in one piece", "in parts"])
@pytest.mark.parametrize("version", ["3.0.6", "3.3.2"])
def test_however_slow_the_sync_no_green_is_wrong_where_the_bytes_are_compared(tmp_path, version, parts):
    found = [wrong_green(seed, version, tmp_path, parts=parts) for seed in range(WORLDS)]
    assert found == [False] * WORLDS


def test_without_the_comparison_a_slow_sync_makes_wrong_greens(tmp_path):
    """With two processors the late one may write old bytes between two looks, so there it makes them rare only."""
    compared, plain = (
        [
            wrong_green(seed, "3.0.6", tmp_path, compared=one, processors=processors)
            for seed in range(WORLDS // 3)
            for processors in (1, 2)
        ]
        for one in (True, False)
    )
    assert plain.count(True) >= 0.08 * len(plain)
    assert compared.count(True) <= plain.count(True) / 3


@pytest.mark.parametrize("parts", [False, True], ids=["in one piece", "in parts"])
def test_the_picture_of_a_wait_in_parts_begins_where_its_last_part_does(tmp_path, parts):
    world, clock, names = deployed_in(1, "3.0.6")
    for name in names:
        (tmp_path / f"{name}.py").write_text(world.s3[f"{name}.py"].source)
    timeline = verdict_of(world, clock, Manifest(), read_folder(tmp_path), parts=parts).timeline

    assert (timeline.before is not None) is parts
    if parts:
        assert timeline.before.at > PART
        assert 0 < timeline.before.calls < timeline.looks[0].calls
