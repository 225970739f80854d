"""What 10,000 DAGs cost, where it does not depend on the machine: calls, and that CPU and memory grow as the DAGs do."""

import gc
import time
import tracemalloc

import pytest
from calls import calls_a_round
from judged import expecting, judge, observed, reported, way_of, writers

from validator.expectations import Expectations
from validator.finding import Status
from validator.manifest.model import ExpectedDag, Manifest
from validator.rules import Deploy, Rules
from validator.service import check
from validator.settings import Settings
from validator.target import Target

NO_DEPLOY = Rules(deployed_at=Deploy.NONE)
TPS = 1000.0
FEW, MANY = 1_000, 10_000
MOST = 20.0
"""Ten times as much may cost so many times as much: 12 is usual, since less of it fits the caches, and what goes by the
square costs 100."""
ATTEMPTS = 5
"""Another process may take the caches away in between: no luck makes a square of it look linear."""
BYTES_A_DAG = 4_000


def checked(manifest, way, clock, rules=NO_DEPLOY):
    report = check(Settings(manifest, Target("simulated"), TPS, rules), way, way, clock)
    assert report.exit_code == 0, report.summary
    return report


@pytest.mark.parametrize(
    ("airflow", "most"),
    [("2.10.5", 100 + 5), ("3.0.6", 26), ("3.3.2", 100 + 5)],
    ids=str,
)
def test_10000_dags_take_a_call_a_page_and_five_more(airflow, most):
    way, clock = way_of(MANY, airflow)
    report = checked(expecting(MANY), way, clock)
    assert report.calls == len(way.paths) <= most


@pytest.mark.parametrize(
    ("airflow", "first", "later"), [("2.10.5", 24, 24), ("3.0.6", 13, 13), ("3.3.2", 5, 4)], ids=str
)
def test_20_of_5000_dags_take_few_calls_a_round(airflow, first, later):
    way, clock = way_of(5_000, airflow)
    few = Manifest(dags=tuple(ExpectedDag(f"dag_{number:05}") for number in range(0, 5_000, 250)))
    checked(few, way, clock, Rules(deployed_at=Deploy.NONE, stable_for=25.0))
    counts = calls_a_round(way.paths)
    assert len(counts) == way.rounds >= 3
    assert counts[0] <= first
    assert max(counts[1:]) <= later


def test_judging_ten_times_as_many_dags_takes_about_ten_times_as_long():
    few, many = ((Expectations(expecting(dags)), observed(dags)) for dags in (FEW, MANY))

    def took(expectations, seen):
        judged = judge(expectations, seen)
        assert judged.status is Status.PASSED
        return judged.indexes + judged.findings

    assert_linear(lambda: took(*few), lambda: took(*many))


@pytest.mark.parametrize("name", writers())
@pytest.mark.parametrize("kind", ["green", "red"])
def test_a_report_of_ten_times_as_many_checks_takes_about_ten_times_as_long(name, kind, of_few, of_many):
    write = writers()[name]
    few, many = of_few[kind], of_many[kind]
    write(few)  # loads what it needs

    def took(report):
        began = time.process_time()
        assert write(report) > 0
        return time.process_time() - began

    assert_linear(lambda: took(few), lambda: took(many))


def test_a_dag_costs_little_memory():
    dags = MANY // 2
    way, clock = way_of(dags, "3.3.2")
    manifest = expecting(dags)
    gc.collect()
    tracemalloc.start()
    try:
        report = checked(manifest, way, clock)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(report.checks) >= dags
    assert peak <= dags * BYTES_A_DAG, f"{peak / dags:.0f} bytes a DAG"


@pytest.fixture(scope="module")
def of_few():
    return reported(FEW // 2)


@pytest.fixture(scope="module")
def of_many():
    return reported(MANY // 2)


def assert_linear(few, many):
    """What ten times as much takes, at its best, against what it takes ten times as long as at most."""
    least_few = least_many = float("inf")
    for _ in range(ATTEMPTS):
        least_few = min([least_few, *(few() for _ in range(3))])
        least_many = min(least_many, many())
        if least_many <= MOST * max(least_few, 1e-3):  # below a millisecond nothing is measured
            return
    pytest.fail(f"{least_few * 1e3:.1f} ms of CPU, and {least_many * 1e3:.1f} ms for ten times as much")
