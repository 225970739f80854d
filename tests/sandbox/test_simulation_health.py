"""Components of the simulated world that die, flap or never ran."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("component", ["scheduler", "triggerer", "dag_processor"])
def test_a_dead_component_is_healthy_for_half_a_minute_more(component, lab_with_a):
    lab = lab_with_a("3.0.6")
    lab.world.kill(component)
    assert 19 <= lab.until(lambda: lab.world.health()[component][0] == "unhealthy") <= 29
    last = lab.world.health()[component][1]
    assert last <= 0
    parsed = lab.row("a").last_parsed
    lab.pass_(60)
    assert lab.active("a"), "the lists stay green"
    assert (lab.row("a").last_parsed == parsed) is (component == "dag_processor")
    lab.world.revive(component)
    assert lab.world.health()[component][0] == "healthy"
    lab.pass_(10)
    assert lab.row("a").last_parsed > parsed


def test_on_2_without_a_processor_of_its_own_the_scheduler_parses(lab_with_a):
    lab = lab_with_a("2.10.5")
    assert lab.world.health()["dag_processor"] == (None, None)
    lab.world.kill("scheduler")
    parsed = lab.row("a").last_parsed
    lab.pass_(30)
    assert lab.row("a").last_parsed == parsed
    own = lab_with_a("2.10.5", standalone_processor=True)
    assert own.world.health()["dag_processor"][0] == "healthy"


def test_one_dead_processor_of_two_is_invisible(lab_with_a):
    lab = lab_with_a("3.0.6", processors=2)
    lab.world.kill("dag_processor:0")
    lab.pass_(100)
    assert lab.world.health()["dag_processor"][0] == "healthy"
    lab.world.kill("dag_processor:1")
    lab.pass_(30)
    assert lab.world.health()["dag_processor"][0] == "unhealthy"


def test_flapping_is_short_and_the_heartbeat_moves_on(lab_with_a):
    lab = lab_with_a("3.0.6", flapping=True)
    seen = []
    for _ in range(240):
        lab.pass_(0.25)
        seen.append(lab.world.health()["dag_processor"])
    bad = sum(status == "unhealthy" for status, _ in seen) / len(seen)
    assert 0.03 < bad < 0.2
    assert all(lab.world.elapsed - beat < 65 for _, beat in seen)


def test_what_never_ran_has_no_status(lab_with_a):
    lab = lab_with_a("3.3.2")
    lab.world.never_ran("triggerer")
    assert lab.world.health()["triggerer"] == (None, None)


def test_a_lost_database_keeps_nothing(version, lab_with_a):
    lab = lab_with_a(version)
    lab.world.kill("metadatabase")
    parsed = lab.row("a").last_parsed
    lab.pass_(20)
    assert lab.row("a").last_parsed == parsed
    assert lab.world.health() == {"metadatabase": ("unhealthy", None), "scheduler": ("unhealthy", None)}
    lab.world.revive("metadatabase")
    lab.pass_(20)
    assert lab.row("a").last_parsed > parsed
