"""Every row of the exit table: who wins, at once and at the deadline."""

from dataclasses import replace

import pytest
from findings import failed, passed, pending, play, skipped, unread, warning, word, words

from validator.decision import Wait
from validator.finding import Status
from validator.reasons import Reason
from validator.rules import Rules

END = 600.0


def at_once(*findings):
    return play((0.0, *findings))[1]


def at_deadline(*findings, **rules):
    return play((END, *findings), rules=Rules(**rules), timeout=END)[1]


@pytest.mark.parametrize(
    "findings",
    [
        [passed()],
        [passed(), warning()],
        [passed(), skipped()],
        [warning()],
    ],
    ids=["all hold", "with a warning", "with a denied optional call", "nothing but warnings"],
)
def test_what_holds_passes_in_the_round_that_shows_it(findings):
    assert word(at_once(*findings)) == "passed"
    assert word(at_deadline(*findings)) == "passed"


def test_a_pending_expectation_is_waited_for():
    assert at_once(passed("a"), pending("b")) == Wait(Rules().interval)


def test_what_is_pending_at_the_deadline_is_red():
    verdict = at_deadline(passed("a"), pending("b"))

    assert word(verdict) == "failed"
    assert words(verdict) == {"a": "passed", "b": "failed"}
    assert next(f for f in verdict.findings if f.subject == "b").reason is Reason.DAG_MISSING


def test_a_final_red_fails_at_once_when_nothing_else_is_open():
    verdict = at_once(passed("a"), failed("b"))

    assert word(verdict) == "failed"
    assert words(verdict) == {"a": "passed", "b": "failed"}


def test_what_could_not_be_read_is_asked_for_again():
    assert at_once(passed("a"), unread("b")) == Wait(Rules().interval)


def test_what_could_not_be_read_in_the_last_round_cannot_be_told():
    verdict = at_deadline(passed("a"), unread("b"))

    assert word(verdict) == "error"
    assert words(verdict) == {"a": "passed", "b": "error"}


def test_pending_beside_unread_at_the_deadline_cannot_be_told():
    verdict = at_deadline(pending("a"), unread("b"))

    assert word(verdict) == "error"
    assert words(verdict) == {"a": "skipped", "b": "error"}


def test_a_final_red_wins_over_what_could_not_be_read():
    verdict = at_deadline(failed("a"), unread("b"), pending("c"))

    assert word(verdict) == "failed"
    assert words(verdict) == {"a": "failed", "b": "error", "c": "skipped"}


def test_a_final_red_of_an_earlier_round_wins_over_a_last_round_without_answers():
    _, verdict = play(
        (0.0, failed("a"), pending("b", turn=False)), (END, unread("a"), unread("b")), timeout=END
    )

    assert word(verdict) == "failed"
    assert words(verdict) == {"a": "failed", "b": "error"}


def test_a_final_red_stays_though_its_subject_heals_or_vanishes():
    for later in ([passed("a")], []):
        _, verdict = play((0.0, failed("a"), pending("b", turn=False)), (10.0, *later, passed("b")))

        assert word(verdict) == "failed"
        assert words(verdict) == {"a": "failed", "b": "passed"}


def test_an_undecided_expectation_says_what_it_waited_for():
    verdict = at_deadline(failed("a"), unread("b"), pending("c", Reason.DAG_STALE))

    found = next(f for f in verdict.findings if f.subject == "c")
    assert (found.status, found.reason) == (Status.SKIPPED, Reason.UNDECIDED)
    assert found.details["waiting_for"] == "dag-stale"
    assert "c is not there" in found.message


@pytest.mark.parametrize("reason", [Reason.ACCESS_DENIED, Reason.NOT_FOUND, Reason.UNREACHABLE])
def test_what_asking_again_cannot_heal_ends_the_wait_at_once(reason):
    verdict = at_once(pending("a"), unread("b", reason, heals=False))

    assert word(verdict) == "error"
    assert words(verdict) == {"a": "skipped", "b": "error"}


def test_a_final_red_wins_over_what_cannot_heal():
    verdict = at_once(failed("a"), pending("c", turn=False), unread("b", heals=False))

    assert word(verdict) == "failed"
    assert words(verdict) == {"a": "failed", "b": "error", "c": "skipped"}


def test_no_verdict_leaves_a_finding_pending():
    everything = [passed("p"), failed("f"), unread("u"), pending("w", polls=5), warning(), skipped()]

    for some in (everything, everything[2:], everything[3:], everything[4:]):
        assert "pending" not in words(at_deadline(*some)).values()
        assert all(f.ripens is None or f.status is not Status.FAILED for f in at_deadline(*some).findings)


def test_green_waits_until_all_has_held_for_so_long():
    rules = Rules(stable_for=15.0)

    state, decision = play((0.0, passed()), (10.0, passed()), rules=rules)
    assert word(decision) is None
    _, decision = play((15.0, passed()), rules=rules, state=state)
    assert word(decision) == "passed"


@pytest.mark.parametrize("other", [pending(), unread()], ids=["pending", "unread"])
def test_a_break_starts_the_stable_time_anew(other):
    rules = Rules(stable_for=15.0)

    state, _ = play((0.0, passed()), (10.0, other), (20.0, passed()), rules=rules)
    state, decision = play((34.9, passed()), rules=rules, state=state)
    assert word(decision) is None
    assert word(play((35.0, passed()), rules=rules, state=state)[1]) == "passed"


def test_a_green_that_is_too_young_at_the_deadline_is_red_and_says_why():
    _, verdict = play((0.0, passed()), (10.0, passed()), rules=Rules(stable_for=60.0), timeout=10.0)

    assert word(verdict) == "failed"
    found = next(f for f in verdict.findings if f.subject == "stable_for")
    assert found.reason is Reason.UNDECIDED
    assert "10s" in found.message
    assert "1m" in found.message


def test_what_only_the_gates_own_calls_were_missing_for_is_no_red():
    """At the deadline nothing was seen to be wrong."""
    waiting = replace(pending("a"), due=True)

    _, alone = play((0, waiting), (60, passed(), waiting), timeout=60)
    assert word(alone) == "error"
    _, beside = play((0, waiting, pending("b")), (60, waiting, pending("b")), timeout=60)
    assert word(beside) == "failed"
    assert words(beside) == {"a": "skipped", "b": "failed"}


def test_what_may_be_asked_for_later_is_asked_for_then():
    for wait, pause in ((0.2, 0.5), (4.0, 4.0), (60.0, 10.0)):
        _, decision = play((0, replace(pending("a"), due=True, due_in=wait)))
        assert decision.seconds == pause


def test_what_cannot_be_read_is_not_asked_for_at_once_again():
    waiting = replace(pending("a"), due=True)

    _, calm = play((0, waiting, unread("b")))
    _, eager = play((0, waiting))
    assert (calm.seconds, eager.seconds) == (10.0, 0.5)
