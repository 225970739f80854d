"""How long the gate waits after a first red, after a refusal, and for an Airflow that does not answer."""

from dataclasses import replace

import pytest
from findings import ANSWERED, failed, passed, pending, play, unread, word, words

from validator.decision import Wait
from validator.finding import Ripens
from validator.reasons import Reason
from validator.rules import Rules
from validator.state import State

SLOW = Rules(interval=45.0)


def test_after_a_first_red_the_others_get_their_turn():
    state, decision = play((0.0, failed("a"), pending("b", turn=False)))
    assert decision == Wait(Rules().interval)

    _, verdict = play((10.0, failed("a"), pending("b", turn=True)), state=state)
    assert words(verdict) == {"a": "failed", "b": "skipped"}


def test_one_deploy_shows_all_its_reds():
    _, verdict = play(
        (0.0, failed("a"), pending("b", turn=False)),
        (10.0, failed("a"), pending("b", polls=2, turn=False)),
        (10.5, failed("a"), pending("b", polls=2, turn=False)),
    )

    assert words(verdict) == {"a": "failed", "b": "failed"}


def test_the_others_turn_is_waited_for_a_minute_and_no_longer():
    late = [failed("a"), pending("b", turn=False)]

    state, decision = play((5.0, *late), (64.9, *late))
    assert word(decision) is None
    assert words(play((65.0, *late), state=state)[1]) == {"a": "failed", "b": "skipped"}


@pytest.mark.parametrize("interval", [10.0, 45.0, 300.0])
def test_the_minute_is_kept_whatever_the_interval(interval):
    rules, now, state = Rules(interval=interval), 5.0, ANSWERED
    while True:
        state, decision = play((now, failed("a"), pending("b", turn=False)), rules=rules, state=state)
        if not isinstance(decision, Wait):
            break
        now += decision.seconds

    assert now == pytest.approx(65.0)


def test_what_was_not_read_is_asked_for_within_the_minute_too():
    rounds = [(float(now), failed("a"), unread("b")) for now in range(0, 60, 10)]

    state, decision = play(*rounds)
    assert word(decision) is None
    assert words(play((60.0, failed("a"), unread("b")), state=state)[1]) == {"a": "failed", "b": "error"}


def test_without_fail_fast_everything_is_waited_for():
    rounds = [(float(now), failed("a"), pending("b", turn=True)) for now in range(0, 600, 10)]

    state, decision = play(*rounds, rules=Rules(fail_fast=False))
    assert decision == Wait(Rules().interval)
    _, verdict = play((600.0, failed("a"), passed("b")), rules=Rules(fail_fast=False), state=state)
    assert words(verdict) == {"a": "failed", "b": "passed"}


def test_without_fail_fast_what_is_pending_at_the_deadline_is_red():
    _, verdict = play((600.0, failed("a"), pending("b")), rules=Rules(fail_fast=False), timeout=600.0)

    assert words(verdict) == {"a": "failed", "b": "failed"}


def test_a_first_red_shortly_before_the_deadline_waits_no_longer_than_that():
    _, verdict = play((600.0, failed("a"), pending("b", turn=False)), timeout=600.0)

    assert words(verdict) == {"a": "failed", "b": "failed"}


@pytest.mark.parametrize("reason", [Reason.ACCESS_DENIED, Reason.LIMITED_ROLE])
def test_a_refusal_of_airflows_is_final_at_the_third_round_in_a_row(reason):
    no = unread(reason=reason)

    state, decision = play((0.0, no), (10.0, no))
    assert word(decision) is None
    assert word(play((20.0, no), state=state)[1]) == "error"


@pytest.mark.parametrize("other", [passed(), unread()], ids=["an answer", "another cause"])
def test_anything_else_in_between_starts_the_count_of_refusals_anew(other):
    no, wait = unread(reason=Reason.ACCESS_DENIED), pending("b")

    _, decision = play(
        (0.0, no, wait), (10.0, no, wait), (20.0, other, wait), (30.0, no, wait), (40.0, no, wait)
    )

    assert word(decision) is None


def test_other_failures_are_asked_again_however_often():
    rounds = [(float(now), unread()) for now in range(0, 5000, 10)]

    assert word(play(*rounds)[1]) is None


def test_no_sensible_answer_within_ninety_seconds_is_final():
    state, decision = play((0.0, unread()), (89.9, unread()), state=State())
    assert word(decision) is None
    assert word(play((90.0, unread()), state=state)[1]) == "error"


def test_the_ninety_seconds_are_kept_whatever_the_interval():
    _, decision = play((10.0, unread()), state=State(), rules=Rules(interval=300.0))

    assert decision == Wait(80.0)


def test_silence_after_an_answer_is_waited_out():
    assert word(play((0.0, unread()), (500.0, unread()))[1]) is None


def flapping(name="c"):
    return replace(pending(name, Reason.COMPONENT_UNHEALTHY), flaps=True, ripens=Ripens(1, float("inf")))


def test_a_component_that_was_well_a_moment_ago_is_no_red_of_the_deadline():
    _, verdict = play((0, passed("c"), pending("a")), (60, flapping(), pending("a")), timeout=60)

    assert word(verdict) == "failed"
    assert words(verdict) == {"c": "skipped", "a": "failed"}


def test_where_only_such_a_moment_stands_at_the_deadline_nobody_can_tell():
    _, verdict = play((0, passed("c"), pending("a")), (60, flapping(), passed("a")), timeout=60)

    assert word(verdict) == "error"


@pytest.mark.parametrize("before", [(), ((0, flapping(), pending("a")),)], ids=["one look", "two looks"])
def test_a_component_that_was_not_well_before_is_red_at_the_deadline(before):
    _, verdict = play(*before, (60, flapping(), pending("a")), timeout=60)

    assert words(verdict)["c"] == "failed"
