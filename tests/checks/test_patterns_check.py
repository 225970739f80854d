"""Every match of a pattern is an expectation of its own, and enough of them must pass."""

import pytest
from rounds import UNREAD, dag, error, judge, manifest, seen, short

TEAM = manifest(patterns=[("team_*", 2)])


def test_enough_matches_that_pass_are_enough():
    found = judge(TEAM, seen(dag("team_a"), dag("team_b"), dag("other")))

    assert short(found["patterns/team_*"]) == ("passed", None)
    assert short(found["dags/team_a"]) == short(found["dags/team_b"]) == ("passed", None)
    assert "dags/other" not in found


def test_too_few_matches_wait_for_the_deadline():
    found = judge(TEAM, seen(dag("team_a")))["patterns/team_*"]

    assert short(found) == ("pending", "dag-missing")
    assert found.ripens is None
    assert found.details == {"passed": 1, "minimum": 2}


def test_a_match_that_does_not_pass_does_not_count():
    found = judge(TEAM, seen(dag("team_a"), dag("team_b", parsed=20)))

    assert short(found["patterns/team_*"]) == ("pending", "dag-missing")
    assert short(found["dags/team_b"]) == ("pending", "dag-stale")


def test_one_stale_match_is_pending_though_enough_others_pass():
    found = judge(TEAM, seen(dag("team_a"), dag("team_b"), dag("team_c", parsed=20)))

    assert short(found["patterns/team_*"]) == ("passed", None)
    assert short(found["dags/team_c"]) == ("pending", "dag-stale")


@pytest.mark.parametrize(
    ("glob", "matches"),
    [
        ("team_?", {"team_a", "team_b"}),
        ("team_[ab]", {"team_a", "team_b"}),
        ("*", {"team_a", "team_b", "TEAM_a"}),
    ],
)
def test_patterns_are_shell_globs_that_mind_the_case(glob, matches):
    found = judge(manifest(patterns=[glob]), seen(dag("team_a"), dag("team_b"), dag("TEAM_a")))

    assert {name[5:] for name in found if name.startswith("dags/")} == matches


def test_a_dag_that_is_named_and_matched_is_one_expectation():
    found = judge(manifest("team_a", patterns=["team_*"]), seen(dag("team_a")))

    assert sum(name == "dags/team_a" for name in found) == 1
    assert short(found["patterns/team_*"]) == ("passed", None)


def test_a_dag_that_must_be_absent_is_no_match():
    found = judge(manifest(patterns=[("team_*", 0)], absent=["team_old"]), seen(dag("team_old", parsed=20)))

    assert "dags/team_old" not in found
    assert short(found["absent/team_old"]) == ("pending", "dag-not-absent")


def test_a_match_that_an_import_error_took_off_the_list_is_red():
    observation = seen(
        dag("team_a"),
        dag("team_b"),
        gone={"team_c": dag("team_c", active=False, broken=True)},
        errors=[error("team_c.py")],
    )

    assert short(judge(TEAM, observation)["dags/team_c"]) == ("pending", "dag-import-error")


def test_a_match_that_went_long_ago_is_no_expectation():
    gone = {"team_c": dag("team_c", active=False), "team_d": dag("team_d", active=False, broken=True)}

    found = judge(TEAM, seen(dag("team_a"), dag("team_b"), gone=gone, errors=[error("x.py")]))

    assert {"dags/team_c", "dags/team_d"}.isdisjoint(found)


@pytest.mark.parametrize(
    ("reading", "reason"),
    [
        ({"dags_unread": UNREAD}, "unreachable"),
        ({"whole": False}, "bad-response"),
        ({"gone": UNREAD, "errors": [error("x.py")]}, "unreachable"),
    ],
    ids=["list unread", "list kept changing", "broken ones unread"],
)
def test_a_pattern_is_not_judged_on_half_a_list(reading, reason):
    found = judge(TEAM, seen(dag("team_a"), dag("team_b"), **reading))["patterns/team_*"]

    assert short(found) == ("error", reason)


def test_what_is_gone_is_no_matter_without_import_errors():
    found = judge(TEAM, seen(dag("team_a"), dag("team_b"), gone=UNREAD))

    assert short(found["patterns/team_*"]) == ("passed", None)
