"""A gate that is interrupted ends with a complete outcome, wherever it was."""

import pytest
from rounds import DEPLOYED, FakeClock, dag, error, manifest, no_warnings, seen, silent_progress

from validator.conclude import conclude
from validator.expectations import Expectations
from validator.gate import Interrupted, run
from validator.rules import Rules

RULES = Rules(deployed_at=DEPLOYED)


class Airflow:
    """Shows one broken DAG and one that is missing; a signal comes during one of its rounds."""

    def __init__(self, clock, signal_in=None):
        self.clock = clock
        self.signal_in = signal_in
        self.rounds = 0

    def inquire(self, inquiry, seen, deadline):
        return no_warnings(inquiry, seen)

    def observe(self, plan, deadline):
        self.rounds += 1
        self.clock.time += 2.0
        if self.rounds == self.signal_in:
            raise Interrupted(15)
        now = 120 + self.clock.elapsed
        return seen(dag("a", parsed=now), dag("old", parsed=-10), errors=[error("a.py", now)], now=now)


def interrupted(*, in_round=None, in_sleep=None):
    clock, progress = FakeClock(), silent_progress()

    def on_sleep(clock):
        if len(clock.sleeps) + 1 == in_sleep:
            clock.time += 0.25
            raise Interrupted(2)

    clock.on_sleep = on_sleep
    airflow = Airflow(clock, in_round)
    outcome = run(Expectations(manifest("a", "b", "old")), RULES, airflow, clock, progress, "test")
    return outcome, progress


def report_of(outcome):
    return conclude(
        Expectations(manifest("a", "b", "old")),
        RULES,
        outcome,
        environment="test",
        started_at=DEPLOYED,
        calls=5,
        request_ids=[],
    )


@pytest.mark.parametrize(
    ("moment", "signal", "elapsed", "judged"),
    [
        ({"in_round": 1}, 15, 2.0, False),
        ({"in_round": 2}, 15, 4.5, True),
        ({"in_sleep": 1}, 2, 2.25, True),
        ({"in_sleep": 2}, 2, 4.75, True),
    ],
    ids=["first look", "second look", "first sleep", "second sleep"],
)
def test_an_interrupted_gate_cannot_tell_and_says_how_far_it_came(moment, signal, elapsed, judged):
    outcome, progress = interrupted(**moment)

    assert str(outcome.status) == "error"
    assert outcome.interrupted_by == signal
    assert outcome.elapsed == pytest.approx(elapsed)
    assert bool(outcome.findings) is judged
    assert "pending" not in {str(finding.status) for finding in outcome.findings}
    assert progress.ended == 1


def test_what_was_open_is_undecided_and_what_was_seen_stays():
    outcome, _ = interrupted(in_sleep=1)

    found = {finding.id: finding for finding in outcome.findings}
    assert str(found["health/scheduler"].status) == "passed"
    assert str(found["dags/b"].reason) == "undecided"
    assert found["dags/b"].details["waiting_for"] == "dag-missing"


def test_a_red_that_was_final_already_stays_red():
    outcome, _ = interrupted(in_sleep=2)

    found = {finding.id: finding for finding in outcome.findings}
    assert (str(found["dags/a"].status), str(found["dags/a"].reason)) == ("failed", "dag-import-error")
    assert str(found["dags/b"].status) == "skipped"


@pytest.mark.parametrize(("moment", "code"), [({"in_round": 1}, 143), ({"in_sleep": 2}, 130)])
def test_the_report_of_an_interrupted_gate_is_complete(moment, code):
    report = report_of(interrupted(**moment)[0])

    assert report.exit_code == code
    assert str(report.verdict) == "error"
    assert report.checks
    assert report.summary.startswith("Interrupted by SIG")
    assert len(report.next_steps) == 1


def test_a_gate_interrupted_before_its_first_round_reports_that_it_judged_nothing():
    report = report_of(interrupted(in_round=1)[0])

    assert [(check.area, str(check.status)) for check in report.checks] == [("gate", "skipped")]
    assert report.airflow_version is None
    assert report.deployed_at is None
    assert report.assumptions == ()


def test_a_verdict_is_not_undone_by_a_signal_that_comes_later():
    clock, progress = FakeClock(), silent_progress()
    told = []

    def at_the_end():
        told.append("finished")

    progress.finished = at_the_end
    outcome = run(
        Expectations(manifest("old")),
        Rules(deployed_at=DEPLOYED, timeout=1.0),
        Airflow(clock),
        clock,
        progress,
        "t",
    )

    assert outcome.interrupted_by is None
    assert told == ["finished"]
