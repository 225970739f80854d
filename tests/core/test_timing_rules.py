"""The moments and spans that a wait is judged by."""

from datetime import timedelta

import pytest
from rounds import DEPLOYED, UNREAD, at, dag, seen

from validator.rules import Deploy, Rules
from validator.state import State
from validator.timing import (
    cycle_of,
    deployed_at_of,
    scan_interval_of,
    settle_of,
    span_of,
    timeout_of,
    times_of,
    too_short_by,
)
from validator.transport.interface import EnvironmentFacts

SETTLE = "core.min_serialized_dag_update_interval"


def told(**options):
    return EnvironmentFacts(options={key.replace("__", "."): value for key, value in options.items()})


def test_a_named_time_is_the_deploy():
    assert deployed_at_of(Rules(deployed_at=at(-7)), seen()) == at(-7)


def test_now_is_the_servers_time_at_the_beginning_of_the_first_round_rounded_up():
    assert deployed_at_of(Rules(deployed_at=Deploy.NOW), seen(now=5, took=20)) == at(6)


def test_no_deploy_is_none():
    assert deployed_at_of(Rules(deployed_at=Deploy.NONE), seen()) is None


def test_files_arrive_a_sync_after_the_deploy_and_run_a_settle_later():
    times = times_of(Rules(sync=50.0, settle=20.0, grace=7.0), State(DEPLOYED), seen(), 12.0)

    assert times.arrived_at == at(50)
    assert times.fresh_after == at(70)
    assert (times.grace, times.gate_now) == (7.0, 12.0)


def test_without_a_deploy_a_parse_within_ten_minutes_is_demanded():
    times = times_of(Rules(), State(), seen(now=0, took=3), 0.0)

    assert times.arrived_at == times.fresh_after == at(3) - timedelta(minutes=10)


@pytest.mark.parametrize(
    ("option", "settle"),
    [
        ("45", 45.0),
        ("5", 30.0),
        ("0", 30.0),
        ("60.5", 60.5),
        ("-1", 30.0),
        ("nonsense", 30.0),
        ("nan", 30.0),
        ("inf", 30.0),
        ("", 30.0),
    ],
)
def test_settle_is_the_larger_of_the_option_and_what_the_environment_sets(option, settle):
    assert settle_of(Rules(), seen(environment=EnvironmentFacts(options={SETTLE: option}))) == settle


@pytest.mark.parametrize("environment", [None, UNREAD, EnvironmentFacts()])
def test_an_environment_that_tells_nothing_settles_as_the_option_says(environment):
    assert settle_of(Rules(settle=12.0), seen(environment=environment)) == 12.0


def test_the_environments_settle_time_moves_the_proof_and_not_the_arrival():
    environment = EnvironmentFacts(options={SETTLE: "100"})

    times = times_of(Rules(), State(DEPLOYED), seen(environment=environment), 0.0)

    assert times.arrived_at == at(60)
    assert times.fresh_after == at(160)


@pytest.mark.parametrize(
    ("airflow", "option"),
    [("2", "scheduler__dag_dir_list_interval"), ("3.0", "dag_processor__refresh_interval")],
)
def test_the_scan_interval_is_the_one_of_the_dialect(airflow, option):
    assert scan_interval_of(seen(airflow=airflow, environment=told(**{option: "42"}))) == 42.0
    other = {"2": "dag_processor__refresh_interval", "3.0": "scheduler__dag_dir_list_interval"}[airflow]
    assert scan_interval_of(seen(airflow=airflow, environment=told(**{other: "42"}))) == 300.0


def test_a_cycle_takes_as_long_as_the_oldest_parse_is_ago():
    rows = [dag("a", 20), dag("b", -30), dag("never", None), dag("broken", -900, broken=True)]

    assert cycle_of(seen(*rows, now=110, took=10)) == 150.0


def test_a_cycle_is_never_negative_and_never_beyond_reason():
    assert cycle_of(seen(now=0)) == 0.0
    assert cycle_of(seen(dag(parsed=50), now=0)) == 0.0
    assert cycle_of(seen(dag(parsed=-100_000), now=0)) == 1800.0


def test_the_span_is_sync_and_scan_and_cycle_and_settle():
    assert span_of(Rules(sync=1.0, settle=2.0), seen(dag(parsed=-40), now=0)) == 1 + 300 + 40 + 2


def test_a_given_timeout_is_kept_and_auto_is_half_as_much_again_as_the_span():
    slow = seen(dag(parsed=-1000), now=0)

    assert timeout_of(Rules(timeout=5.0), slow) == 5.0
    assert timeout_of(Rules(), slow) == 1.5 * (60 + 300 + 1000 + 30)
    assert timeout_of(Rules(), seen(now=0)) == 600.0


@pytest.mark.parametrize(
    ("rules", "deployed", "missing"),
    [
        (Rules(timeout=100.0), 0, 290.0),
        (Rules(timeout=100.0), -200, 90.0),
        (Rules(timeout=100.0), -5000, 0.0),
        (Rules(timeout=100.0), 20, 290.0),
        (Rules(timeout=390.0), 0, 0.0),
        (Rules(), 0, 0.0),
        (Rules(timeout=100.0), None, 0.0),
    ],
    ids=["short", "partly over", "long over", "clock ahead", "enough", "auto", "no deploy"],
)
def test_a_timeout_is_too_short_by_what_the_span_has_more(rules, deployed, missing):
    assert too_short_by(rules, State(at(deployed)), seen(now=0)) == missing
