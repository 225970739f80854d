"""The loop against a scripted Airflow and a clock of its own: when it looks, how long it waits, when it ends."""

from dataclasses import replace
from datetime import timedelta

import pytest
from rounds import (
    DEPLOYED,
    UNREAD,
    FakeClock,
    at,
    component,
    dag,
    dag_file,
    error,
    health,
    manifest,
    no_warnings,
    nothing_seen,
    seen,
    silent_progress,
)

from validator.expectations import Expectations
from validator.gate import run
from validator.plan import Plan
from validator.rules import Deploy, Rules
from validator.transport.interface import EnvironmentFacts

LONG_AGO = at(-10_000)


class Airflow:
    """An observer whose rounds are given: each a function of the second at which it begins."""

    def __init__(self, clock, answer, took=0.0):
        self.clock = clock
        self.answer = answer
        self.took = took
        self.began = []
        self.ended = []
        self.deadlines = []
        self.plans = []

    def inquire(self, inquiry, seen, deadline):
        return no_warnings(inquiry, seen)

    def observe(self, plan, deadline):
        now = self.clock.elapsed
        self.began.append(now)
        self.plans.append(plan)
        self.deadlines.append(deadline - self.clock.start)
        self.clock.time += self.took(now) if callable(self.took) else self.took
        self.ended.append(self.clock.elapsed)
        return self.answer(now)


def play(answer, expected=None, *, took=0.0, **rules):
    clock, progress = FakeClock(), silent_progress()
    airflow = Airflow(clock, answer, took)
    values = {"deployed_at": DEPLOYED} | rules
    outcome = run(Expectations(expected or manifest("a")), Rules(**values), airflow, clock, progress, "test")
    return outcome, airflow, clock, progress


def never(now):
    """The DAG stays as it was before the deploy."""
    return seen(dag(parsed=-50), now=now)


def test_a_dag_that_is_parsed_again_turns_green_at_the_next_look():
    outcome, airflow, _, progress = play(lambda now: seen(dag(parsed=95 if now >= 95 else -50), now=now))

    assert str(outcome.status) == "passed"
    assert airflow.began == [float(n) for n in range(0, 101, 10)]
    assert outcome.elapsed == 100.0
    assert len(progress.rounds) == 11
    assert progress.ended == 1


@pytest.mark.parametrize("timeout", [600.0, 605.0, 3.0, 61.7])
@pytest.mark.parametrize("interval", [10.0, 45.0, 1.0, 7.3])
def test_the_last_look_is_over_at_the_deadline_and_no_sleep_leads_beyond(timeout, interval):
    outcome, airflow, clock, _ = play(never, timeout=timeout, interval=interval, took=0.4)

    assert str(outcome.status) == "failed"
    assert timeout - 0.5 - 0.1 <= airflow.ended[-1] <= timeout + 1e-6
    assert sum(clock.sleeps) <= timeout


@pytest.mark.parametrize("took", [0.0, 0.4, 5.0, 9.9])
def test_a_round_that_takes_its_time_is_begun_so_much_earlier(took):
    _, airflow, _, _ = play(never, timeout=120.0, took=took)

    assert airflow.ended[-1] <= 120.0 + 1e-6
    assert airflow.ended[-1] >= 120.0 - 1.25 * took - 0.2


def test_a_round_longer_than_the_timeout_is_the_only_one():
    outcome, airflow, clock, _ = play(never, timeout=20.0, took=30.0)

    assert str(outcome.status) == "failed"
    assert len(airflow.began) == 1
    assert clock.sleeps == []


def test_the_loop_ends_though_a_last_round_takes_longer_than_all_before():
    outcome, airflow, _, _ = play(never, timeout=100.0, took=lambda now: 500.0 if now > 80 else 0.0)

    assert str(outcome.status) == "failed"
    assert airflow.ended[-1] == 590.0


def test_calls_begin_no_later_than_the_deadline():
    _, airflow, _, _ = play(never, timeout=120.0)

    assert airflow.deadlines[0] == 90.0, "nobody waits longer for a first answer"
    assert set(airflow.deadlines[1:]) == {120.0}


def test_also_without_any_answer_no_repetition_begins_after_the_deadline():
    _, airflow, _, _ = play(nothing_seen, timeout=1.0)

    assert set(airflow.deadlines) == {1.0}


@pytest.mark.parametrize(("explaining", "verdict"), [(10.0, "failed"), (40.0, "error")])
def test_a_list_that_was_read_long_before_the_deadline_makes_no_red_of_it(explaining, verdict):
    """Why a DAG is missing was asked in vain meanwhile: what became of it since nobody knows."""

    def answer(now):
        ended = now + 50
        return replace(seen(dag(parsed=-50), now=ended), listed_at=at(ended - explaining))

    outcome, *_ = play(answer, timeout=60.0, took=50.0)

    assert str(outcome.status) == verdict


def test_what_is_all_there_at_the_first_look_is_green_with_any_timeout():
    outcome, _, _, _ = play(lambda now: seen(dag(), now=120 + now), timeout=0.1)

    assert str(outcome.status) == "passed"


def test_a_second_look_at_a_red_comes_at_once():
    outcome, airflow, _, _ = play(lambda now: seen(dag(), errors=[error()], now=120 + now))

    assert str(outcome.status) == "failed"
    assert airflow.began == [0.0, 0.5]


@pytest.mark.parametrize(
    ("oldest", "facts", "timeout"),
    [
        (0, None, 600.0),
        (-100, None, 1.5 * (60 + 300 + 100 + 30)),
        (-9_999_999, None, 1.5 * (60 + 300 + 1800 + 30)),
        (
            -100,
            EnvironmentFacts(
                options={
                    "dag_processor.refresh_interval": "1000",
                    "core.min_serialized_dag_update_interval": "40",
                }
            ),
            1.5 * (60 + 1000 + 100 + 40),
        ),
        (-100, UNREAD, 1.5 * (60 + 300 + 100 + 30)),
    ],
    ids=["never below ten minutes", "a slow cycle", "a stuck dag", "as the environment sets it", "denied"],
)
def test_an_auto_timeout_is_made_of_what_the_first_round_shows(oldest, facts, timeout):
    outcome, airflow, _, _ = play(
        lambda now: seen(dag(parsed=oldest), now=now, environment=facts), manifest("missing")
    )

    assert outcome.timeout == pytest.approx(timeout)
    assert airflow.ended[-1] == pytest.approx(timeout)
    assert str(outcome.status) == "failed"


def test_a_deploy_that_ends_now_is_rounded_up_because_a_date_header_is_cut_off():
    outcome, _, _, _ = play(lambda now: seen(dag(parsed=now), now=now), deployed_at=Deploy.NOW)

    assert outcome.state.deployed_at == DEPLOYED + timedelta(seconds=1)
    assert outcome.elapsed == 100.0, "the first look after 1 + 60 + 30 seconds whose parse is late enough"


def test_a_deploy_that_ends_now_counts_from_the_first_answer_and_not_from_the_start():
    outcome, _, _, _ = play(
        lambda now: nothing_seen(now) if now < 30 else seen(dag(parsed=now), now=now), deployed_at=Deploy.NOW
    )

    assert outcome.state.deployed_at == at(31)
    assert outcome.elapsed == 130.0


def test_a_check_without_a_deploy_demands_a_parse_within_ten_minutes():
    for age, status in ((599, "passed"), (601, "failed")):
        outcome, _, _, _ = play(
            lambda now, age=age: seen(dag(parsed=now - age), now=now), deployed_at=Deploy.NONE, timeout=30.0
        )

        assert str(outcome.status) == status
        assert outcome.state.deployed_at is None


def test_a_short_timeout_is_told_once_with_what_would_do():
    outcome, _, _, progress = play(never, timeout=200.0)

    assert outcome.too_short_by == 60 + 300 + 50 + 30 - 200
    assert len(progress.notes) == 1
    assert "3m20s is short" in progress.notes[0]
    assert "7m20s" in progress.notes[0]


@pytest.mark.parametrize(
    "rules",
    [
        {"timeout": 440.0},
        {"timeout": None},
        {"timeout": 100.0, "deployed_at": LONG_AGO},
        {"timeout": 100.0, "deployed_at": Deploy.NONE},
    ],
    ids=["long enough", "auto", "a deploy of long ago", "no deploy"],
)
def test_a_timeout_that_is_long_enough_is_not_warned_of(rules):
    _, _, _, progress = play(never, **rules)

    assert progress.notes == []


def test_a_server_that_never_answers_is_given_up_after_ninety_seconds():
    outcome, airflow, _, _ = play(nothing_seen)

    assert str(outcome.status) == "error"
    assert airflow.began[-1] == 90.0
    assert not outcome.state.answered


def test_an_environment_that_only_get_environment_knows_never_answered():
    """So it looks from outside a private web server's VPC: AWS answers, Airflow does not."""

    def private(now):
        return seen(
            now=now, health=UNREAD, dags_unread=UNREAD, errors_unread=UNREAD, reads_all=UNREAD, took=1
        )

    outcome, airflow, _, _ = play(private)

    assert str(outcome.status) == "error"
    assert airflow.began[-1] == 90.0


@pytest.mark.parametrize("missing", ["health", "dags_unread", "errors_unread"])
def test_one_sensible_answer_is_an_answer(missing):
    outcome, _, _, _ = play(lambda now: seen(dag(), now=now, **{missing: UNREAD}), timeout=200.0)

    assert outcome.state.answered
    assert outcome.elapsed == pytest.approx(200.0)
    assert str(outcome.status) == "error"


def test_a_server_that_falls_silent_after_an_answer_cannot_be_told_at_the_deadline():
    outcome, airflow, _, _ = play(lambda now: never(now) if now < 50 else nothing_seen(now), timeout=200.0)

    assert str(outcome.status) == "error"
    assert airflow.ended[-1] == pytest.approx(200.0)


def test_a_dag_that_alternates_between_two_files_is_seen_over_the_rounds():
    def alternating(now):
        return seen(dag(parsed=now, path="b.py" if now % 20 else "a.py"), now=now)

    outcome, airflow, _, _ = play(alternating)

    assert str(outcome.status) == "failed"
    assert [str(f.reason) for f in outcome.findings if str(f.status) == "failed"] == ["dag-wrong-file"]
    assert airflow.began[-1] == 90.0, "at the first look whose parse is late enough"


def test_a_dag_that_moved_by_this_deploy_passes_after_the_grace_time():
    outcome, _, _, _ = play(lambda now: seen(dag(parsed=now, path="b.py" if now >= 60 else "a.py"), now=now))

    assert str(outcome.status) == "passed"
    assert outcome.elapsed == 120.0


def test_a_dag_in_another_file_than_an_earlier_new_parse_showed_is_defined_twice():
    """Within the sync that is assumed; the one look at the other file may be the only one for long."""
    outcome, _, _, _ = play(lambda now: seen(dag(parsed=now, path="b.py" if now != 70 else "a.py"), now=now))

    assert str(outcome.status) == "failed"
    assert [str(f.reason) for f in outcome.findings if str(f.status) == "failed"] == ["dag-wrong-file"]


def test_a_dag_that_alternated_before_the_files_arrived_must_stay_where_it_is_for_the_grace_time():
    """Else the first parse that is late enough would be believed, whichever of two files it came from."""

    def alternating(now):
        in_wrong = now in (0.0, 20.0, 40.0, 50.0, 100.0)
        return seen(dag(parsed=now, path="wrong.py" if in_wrong else "right.py"), now=now)

    outcome, *_ = play(alternating)

    assert str(outcome.status) == "failed"
    assert [str(f.reason) for f in outcome.findings if str(f.status) == "failed"] == ["dag-wrong-file"]


def test_a_dag_whose_red_is_final_needs_no_further_reason():
    expected = manifest("a", "b")
    _, airflow, _, _ = play(
        lambda now: seen(dag(parsed=now + 100), errors=[error(stamp=now + 100)], now=now + 120), expected
    )

    assert airflow.plans[0] == Plan(expected=frozenset({"a", "b"}), enough=frozenset({"a", "b"}))
    assert airflow.plans[-1] == Plan(expected=frozenset({"b"}), enough=frozenset({"a", "b"}))


def test_evidence_from_before_the_new_files_arrived_says_nothing_of_two_files():
    """During a sync the old file and the new one may both be there."""
    old, new = dag_file("old.py"), dag_file("new.py")
    during = {10.0: new, 20.0: old, 30.0: new}

    def answer(now):
        parsed = now if now >= 60 else -50
        return seen(dag(parsed=parsed, file=during.get(now, new)), now=now)

    outcome, *_ = play(answer, timeout=300.0)

    assert str(outcome.status) == "passed"


@pytest.mark.parametrize("files", [("a.py", "b.py", "a.py"), ("a.py", "b.py"), ("b.py", "b.py", "a.py")])
def test_a_dag_that_new_parses_show_in_a_second_file_is_defined_twice(files):
    def answer(now):
        name = files[min(int(now // 10), len(files) - 1)]
        others = [dag("late", parsed=100 + now)] if now >= 100 else []
        return seen(dag(parsed=100 + now, file=dag_file(name)), *others, now=100 + now)

    outcome, *_ = play(answer, manifest("a", "late"), timeout=300.0)

    assert str(outcome.status) == "failed"
    found = next(f for f in outcome.findings if f.id == "dags/a")
    assert str(found.reason) == "dag-wrong-file"
    assert found.details["files"] == sorted(set(files))


def test_a_last_look_that_is_long_before_the_deadline_cannot_speak_for_it():
    outcome, *_ = play(never, timeout=100.0, took=60.0)

    assert str(outcome.status) == "error"
    assert outcome.elapsed == 60.0


@pytest.mark.parametrize("slow", [2.6, 3.0, 3.9])
def test_one_slow_look_shortly_before_the_deadline_is_not_the_last_while_another_may_fit(slow):
    """Else it would be called too early to speak for the deadline, and nothing could be told."""
    outcome, airflow, _, _ = play(
        never, timeout=50.0, interval=1.0, took=lambda now: slow if 46 - slow - 1 < now <= 46 - slow else 0.2
    )

    assert str(outcome.status) == "failed"
    assert 47 <= airflow.ended[-1] <= 50.0


def test_a_long_failing_round_does_not_end_the_wait_early():
    down = nothing_seen

    def answer(now):
        return down(now) if 40 <= now < 95 else never(now)

    outcome, airflow, *_ = play(answer, timeout=100.0, took=lambda now: 7.0 if 40 <= now < 95 else 0.1)

    assert airflow.began[-1] > 95
    assert str(outcome.status) == "failed"


def test_no_red_becomes_final_while_the_environment_changes():
    """Schedulers are replaced by an update, and files are parsed by the old ones."""
    updating = EnvironmentFacts(status="UPDATING", airflow_version="3.0.6")
    broken = [error(stamp=100)]
    outcome, *_ = play(
        lambda now: seen(dag(), errors=broken, now=120 + now, environment=updating), timeout=300.0
    )

    assert str(outcome.status) == "error"
    assert not outcome.state.finals


def test_a_silent_web_server_is_waited_for_while_the_environment_changes():
    updating = EnvironmentFacts(status="UPDATING", airflow_version="3.0.6")

    def answer(now):
        if now < 200:
            return replace(nothing_seen(now), environment=updating)
        return seen(dag(parsed=120 + now), now=120 + now)

    outcome, *_ = play(answer, timeout=600.0)

    assert str(outcome.status) == "passed"


def test_a_date_that_comes_closer_to_the_servers_clock_only_moves_the_deploy_later():
    """The first answers told a time ten minutes old: what was parsed since is not new."""

    def answer(now):
        clock = now - 600 if now < 20 else now
        return seen(dag(parsed=-200), now=clock)

    outcome, *_ = play(answer, deployed_at=Deploy.NOW, sync=0.0, settle=0.0, timeout=60.0)

    assert str(outcome.status) == "failed"
    assert outcome.state.deployed_at >= at(0)


@pytest.mark.parametrize(("looks", "verdict"), [((6,), "passed"), ((6, 7), "failed")])
def test_one_look_at_a_component_that_flaps_does_not_break_what_is_stable(looks, verdict):
    count = iter(range(10_000))

    def answer(now):
        number = next(count)
        state = "unhealthy" if number % 8 in looks else "healthy"
        flapping = health(120 + now, dag_processor=component("dag_processor", state, 118 + now))
        return seen(dag(parsed=120 + now), now=120 + now, health=flapping)

    outcome, *_ = play(answer, stable_for=75.0, timeout=300.0)

    assert str(outcome.status) == verdict


def test_a_match_that_is_gone_for_a_moment_is_still_expected():
    """A DAG that moves between files is off the list meanwhile."""

    def answer(now):
        moving = 10 <= now < 50
        late = [dag("t_late", parsed=120 + now)] if now >= 10 else []
        listed = [dag("t_1", parsed=120 + now)] if not moving else []
        return seen(*listed, *late, now=120 + now)

    expected = manifest(patterns=["t_*"], absent=["x"])
    outcome, airflow, *_ = play(answer, expected, timeout=300.0)

    assert str(outcome.status) == "passed"
    assert airflow.began[-1] >= 50
