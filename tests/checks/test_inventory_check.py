"""DAGs that nobody expects: none, where the manifest wants none. A leftover is given the time that it needs to go."""

from dataclasses import replace

import pytest
from demands import folder, local, local_file, play
from rounds import UNREAD, dag, judge, seen, short
from rounds import manifest as expects

from validator.checks.inventory import LEFTOVERS_GO
from validator.manifest.model import InventoryRule


def manifest(*dags, unexpected="fail", allowed=(), **others):
    return replace(expects(*dags, **others), inventory=InventoryRule(unexpected, tuple(allowed)))


def test_where_nobody_cares_nothing_is_judged():
    found = judge(manifest("a", unexpected="ignore"), seen(dag(), dag("b")))

    assert not [name for name in found if name.startswith("inventory")]


@pytest.mark.parametrize("unexpected", ["warn", "fail"])
def test_a_list_of_expected_dags_passes(unexpected):
    found = judge(manifest("a", unexpected=unexpected), seen(dag()))

    assert short(found["inventory"]) == ("passed", None)
    assert [name for name in found if name.startswith("inventory")] == ["inventory"]


def test_one_that_nobody_expects_is_a_warning_where_that_is_wanted():
    found = judge(manifest("a", unexpected="warn"), seen(dag(), dag("b")))

    assert short(found["inventory/b"]) == ("warning", "unexpected-dag")
    assert short(found["inventory"]) == ("passed", None)
    assert found["inventory"].details == {"unexpected": 1}
    assert found["inventory/b"].file == "b.py"


@pytest.mark.parametrize("parsed", [90, 120, 130])
def test_one_whose_file_was_parsed_again_is_red_at_the_second_poll(parsed):
    found = judge(manifest("a"), seen(dag(), dag("b", parsed)))["inventory/b"]

    assert short(found) == ("pending", "unexpected-dag")
    assert (found.ripens.polls, found.ripens.seconds) == (2, 0.0)


@pytest.mark.parametrize("parsed", [-50, 89.9, None, 131])
def test_one_that_may_be_a_leftover_is_given_its_time(parsed):
    found = judge(manifest("a"), seen(dag(), dag("b", parsed)), scan_interval=300.0)["inventory/b"]

    assert short(found) == ("pending", "unexpected-dag")
    assert found.ripens.seconds == 300.0 + LEFTOVERS_GO


@pytest.mark.parametrize(
    ("allowed", "names"), [((), ["b", "bb"]), (("b",), ["bb"]), (("b*",), []), (("B",), ["b", "bb"])]
)
def test_what_is_allowed_may_be_there(allowed, names):
    found = judge(manifest("a", allowed=allowed), seen(dag(), dag("b"), dag("bb")))

    assert [name for name in found if name.startswith("inventory/b")] == [f"inventory/{n}" for n in names]


def test_what_a_pattern_matches_and_what_must_be_absent_is_no_surprise():
    found = judge(manifest("a", patterns=["team_*"], absent=["old"]), seen(dag(), dag("team_x"), dag("old")))

    assert [name for name in found if name.startswith("inventory")] == ["inventory"]


def test_dags_of_local_files_are_no_surprise_also_where_their_ids_are_computed():
    files = local(local_file("a.py", "a"), local_file("made.py", computes=True))

    found = judge(
        manifest("a"), seen(dag(), dag("m1", path="made.py"), dag("z", path="other.py")), local=files
    )

    assert "inventory/m1" not in found
    assert short(found["inventory/z"]) == ("pending", "unexpected-dag")


def test_inactive_rows_are_not_there():
    assert "inventory/b" not in judge(manifest("a"), seen(dag(), dag("b", active=False)))


@pytest.mark.parametrize(("unexpected", "how"), [("fail", "error"), ("warn", "skipped")])
def test_a_role_that_may_not_read_every_dag_cannot_tell(unexpected, how):
    expected = manifest("a", unexpected=unexpected)

    assert short(judge(expected, seen(dag(), reads_all=False))["inventory"]) == (how, "limited-role")
    assert short(judge(expected, seen(dag(), reads_all=UNREAD))["inventory"]) == (how, "unreachable")


@pytest.mark.parametrize(("unexpected", "how"), [("fail", "error"), ("warn", "skipped")])
def test_a_list_that_moved_or_was_not_read_cannot_tell(unexpected, how):
    expected = manifest("a", unexpected=unexpected)

    assert short(judge(expected, seen(dag(), whole=False))["inventory"]) == (how, "bad-response")
    assert short(judge(expected, seen(dag(), dags_unread=UNREAD))["inventory"]) == (how, "unreachable")


def test_that_there_are_none_waits_for_a_second_cycle_of_parses():
    early = judge(manifest("a"), seen(dag(parsed=95)), settled=100)["inventory"]

    assert short(early) == ("pending", "unexpected-dag")
    assert short(judge(manifest("a"), seen(dag(parsed=100)), settled=100)["inventory"]) == (
        "passed",
        None,
    )
    before = judge(manifest("a"), seen(dag(parsed=95), now=89))["inventory"]
    assert short(before) == ("pending", "unexpected-dag")


def parses(now, every=20):
    """The last parse of a file that is parsed every so many seconds."""
    return now - now % every


def with_leftover(gone_at, *, stale=-50):
    def answer(now):
        rows = [dag(parsed=parses(now))]
        if now < gone_at:
            rows.append(dag("b", stale if stale <= now else -50))
        return seen(*rows, now=now)

    return answer


def cycle_over(wait):
    return (wait.outcome.state.cycle_over_at - seen(now=0).began).total_seconds()


@pytest.mark.parametrize("gone_at", [150, 250, 400])
def test_a_leftover_that_goes_in_time_is_green(gone_at):
    wait = play(with_leftover(gone_at), manifest("a"))

    assert wait.word == "passed"
    assert wait.ended >= gone_at


def test_a_leftover_is_never_red_before_the_longest_time_that_one_needs():
    """Nobody parses its file any more, and so `behind` is never empty: then only the deadline can tell."""
    wait = play(with_leftover(10_000), manifest("a"), rules={"timeout": 700.0})

    assert wait.word == "failed"
    assert wait.ended >= 300 + LEFTOVERS_GO


def test_a_leftover_whose_file_was_parsed_once_more_goes_red_only_after_that_time():
    wait = play(with_leftover(10_000, stale=75), manifest("a"), rules={"timeout": 2000.0})

    over = cycle_over(wait)
    assert wait.word == "failed"
    assert over + 300 + LEFTOVERS_GO <= wait.ended
    assert wait.ended <= over + 300 + LEFTOVERS_GO + 80, "and the minute that others get after a first red"
    assert short(wait.found["inventory/b"]) == ("failed", "unexpected-dag")


def test_one_that_a_file_defines_is_red_at_once():
    wait = play(lambda now: seen(dag(parsed=parses(now)), dag("b", parses(now)), now=now), manifest("a"))

    assert wait.word == "failed"
    assert 100.0 <= wait.ended <= 100.5, "the first parse after the settle time, or a second look at it"
    assert short(wait.found["inventory/b"]) == ("failed", "unexpected-dag")


def test_one_that_is_only_worth_a_warning_ends_nothing():
    wait = play(
        lambda now: seen(dag(parsed=parses(now)), dag("b", parses(now)), now=now),
        manifest("a", unexpected="warn"),
    )

    assert (wait.word, wait.ended) == ("passed", 100.0)
    assert short(wait.found["inventory/b"]) == ("warning", "unexpected-dag")


def test_with_a_limited_role_the_wait_ends_as_cannot_tell():
    def answer(now):
        return seen(dag(parsed=parses(now)), now=now, reads_all=False)

    assert play(answer, manifest("a")).word == "error"
    assert play(answer, manifest("a", unexpected="warn")).word == "passed"


def test_a_folder_is_its_own_inventory():
    def answer(now):
        return seen(
            dag(parsed=parses(now), airflow="2"), dag("b", parses(now), airflow="2"), now=now, airflow="2"
        )

    wait = play(answer, manifest(), folder(local_file("a.py", "a")))

    assert short(wait.found["inventory/b"]) == ("failed", "unexpected-dag")
    assert "inventory/a" not in wait.found


def test_what_a_local_file_surely_defines_leaves_no_room_for_others():
    expected = manifest("a")
    rows = [dag("a", path="a.py"), dag("stranger", path="a.py")]

    certain = judge(expected, seen(*rows), local=local(local_file("a.py", "a")))
    assert short(certain["inventory/stranger"]) == ("pending", "unexpected-dag")
    computed = judge(expected, seen(*rows), local=local(local_file("a.py", "a", computes=True)))
    assert "inventory/stranger" not in computed


def test_a_dag_may_have_any_name():
    found = judge(manifest("a"), seen(dag("a"), dag("list"), dag("inventory")))

    assert {"inventory", "inventory/list", "inventory/inventory"} <= set(found)
