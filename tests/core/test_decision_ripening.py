"""When a pending finding becomes a final red: after so many polls and seconds without a break."""

import pytest
from findings import passed, pending, play, unread, word, words

from validator.decision import CONFIRM_AFTER, Wait
from validator.reasons import Reason
from validator.rules import Rules


def test_two_polls_make_it_final_and_one_does_not():
    state, decision = play((0.0, pending(polls=2)))
    assert word(decision) is None
    _, decision = play((0.5, pending(polls=2)), state=state)
    assert word(decision) == "failed"


def test_the_second_look_comes_at_once_where_only_it_is_missing():
    assert play((0.0, pending(polls=2)))[1] == Wait(CONFIRM_AFTER)
    assert play((0.0, pending(polls=2)), rules=Rules(interval=0.2))[1] == Wait(0.2)


def test_the_second_look_is_not_hurried_where_time_is_missing_too():
    assert play((0.0, pending(polls=2, seconds=60.0)))[1] == Wait(Rules().interval)


def test_the_grace_time_makes_it_final_and_a_moment_less_does_not():
    state, decision = play((0.0, pending(seconds=60.0)), (59.9, pending(seconds=60.0)))
    assert word(decision) is None
    assert word(play((60.0, pending(seconds=60.0)), state=state)[1]) == "failed"


def test_no_grace_time_is_final_at_once():
    assert word(play((0.0, pending(polls=1)))[1]) == "failed"


def test_both_polls_and_seconds_must_be_there():
    both = pending(polls=3, seconds=10.0)

    state, decision = play((0.0, both), (30.0, both))
    assert word(decision) is None
    assert word(play((31.0, both), state=state)[1]) == "failed"


@pytest.mark.parametrize(
    "other",
    [passed(), unread(), pending(), pending(reason=Reason.DAG_PAUSED, seconds=60.0)],
    ids=["it held", "it was not seen", "only the deadline counted", "it had another reason"],
)
def test_a_break_starts_the_ripening_anew(other):
    grows, open_one = pending(seconds=60.0), pending("b")

    state, _ = play((0.0, grows, open_one), (50.0, other, open_one), (55.0, grows, open_one))
    state, decision = play((114.0, grows, open_one), state=state)
    assert word(decision) is None
    assert word(play((115.0, grows, open_one), state=state)[1]) == "failed"


def test_a_round_without_the_finding_is_a_break():
    state, _ = play((0.0, pending(polls=2)), (10.0, pending("b")), (20.0, pending(polls=2)))

    assert state.marks["dags/a"].ripe_polls == 1


def test_a_finding_that_only_the_deadline_makes_red_never_ripens():
    rounds = [(float(now), pending()) for now in range(0, 3000, 10)]

    assert word(play(*rounds)[1]) is None


def test_a_finding_that_may_never_ripen_does_not():
    rounds = [(float(now), pending(seconds=float("inf"))) for now in range(0, 3000, 10)]

    assert word(play(*rounds)[1]) is None


def test_time_on_the_way_counts_when_the_measure_becomes_shorter():
    _, decision = play((0.0, pending(seconds=float("inf"))), (70.0, pending(seconds=60.0)))

    assert word(decision) == "failed"


def test_findings_ripen_each_for_itself():
    rounds = [(float(now), pending("a", seconds=60.0), pending("b", turn=False)) for now in range(0, 120, 10)]

    _, verdict = play(*rounds, (120.0, passed("a"), pending("b", turn=True)))

    assert words(verdict) == {"a": "failed", "b": "skipped"}
