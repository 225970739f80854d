"""What must be gone is off a whole list, for good."""

from dataclasses import replace

import pytest
from rounds import UNREAD, at, dag, error, judge, manifest, nothing_seen, seen, short, times

from validator.checks.interface import view_of
from validator.checks.registry import run_checks
from validator.finding import Ripens

EXPECTED = manifest(absent=["old"])


def absent_of(observation, **moments):
    return judge(EXPECTED, observation, **moments)["absent/old"]


def test_a_dag_that_is_not_listed_passes_when_all_was_parsed_in_a_second_cycle():
    assert short(absent_of(seen(dag("a"), dag("b", parsed=90)))) == ("passed", None)


def test_a_file_that_is_last_in_the_first_cycle_could_still_bring_it_back():
    for settled in (None, at(110)):
        observation = seen(dag("a", parsed=109), dag("b", parsed=100))
        found = judge_at(observation, settled)
        assert short(found) == ("pending", "dag-not-absent")
        assert "a second time" in found.message


def judge_at(observation, settled):
    moments = replace(times(), settled_after=settled)
    return next(f for f in run_checks(view_of(EXPECTED, observation, moments)) if f.id == "absent/old")


def test_the_last_dag_of_an_environment_can_go_too():
    assert short(absent_of(seen())) == ("passed", None)


def test_a_dag_that_is_not_listed_could_come_back_while_something_was_not_parsed():
    found = absent_of(seen(dag("a"), dag("b", parsed=59)))

    assert short(found) == ("pending", "dag-not-absent")
    assert found.details["not_parsed_yet"] == ["b"]
    assert found.ripens is None


def test_a_broken_dag_of_airflow_2_holds_nobody_up():
    assert short(absent_of(seen(dag("b", parsed=20, broken=True)))) == ("passed", None)


def test_nothing_is_gone_for_good_before_the_settle_time_is_over():
    assert short(absent_of(seen(dag("a", parsed=80), now=89))) == ("pending", "dag-not-absent")


@pytest.mark.parametrize("parsed", [None, -100, 60, 89])
def test_a_dag_that_is_still_listed_from_before_may_take_its_time_to_go(parsed):
    found = absent_of(seen(dag("old", parsed=parsed)))

    assert short(found) == ("pending", "dag-not-absent")
    assert found.ripens is None


def test_a_parse_after_the_deploy_proves_that_a_file_still_defines_it():
    found = absent_of(seen(dag("old", parsed=90)))

    assert short(found) == ("pending", "dag-not-absent")
    assert found.ripens.polls == 2
    assert "old.py still defines it" in found.message


def test_a_parse_from_the_future_proves_nothing_against_a_dag():
    assert absent_of(seen(dag("old", parsed=131))).ripens is None


def test_a_listed_dag_is_red_also_where_the_rest_of_the_list_could_not_be_read():
    assert short(absent_of(seen(dag("old"), dags_unread=UNREAD))) == ("pending", "dag-not-absent")


def test_what_could_not_be_read_is_not_absent():
    assert short(absent_of(seen(dags_unread=UNREAD))) == ("error", "unreachable")
    assert short(absent_of(seen(whole=False))) == ("error", "bad-response")
    assert short(absent_of(nothing_seen())) == ("error", "unreachable")


def test_a_row_of_an_inactive_dag_does_not_count():
    assert short(absent_of(seen(dag("old", active=False)))) == ("passed", None)


def test_a_dag_that_the_role_may_just_not_see_is_not_called_absent():
    assert short(absent_of(seen(dag("a"), reads_all=False))) == ("error", "limited-role")
    assert short(absent_of(seen(dag("a"), reads_all=UNREAD))) == ("error", "unreachable")


def test_a_dag_that_only_an_import_error_took_off_the_list_is_not_absent():
    gone = {"old": dag("old", active=False, broken=True)}
    found = absent_of(seen(dag("a"), gone=gone, errors=[error("old.py")]))

    assert short(found) == ("pending", "dag-not-absent")
    assert "old.py" in found.message


def test_without_a_deploy_one_parse_of_minutes_ago_is_no_proof_that_a_file_defines_it():
    """The file may have been deleted since: only a second parse shows that it is there."""
    row = dag("old", parsed=100)
    with_deploy = judge(manifest(absent=["old"]), seen(row))["absent/old"]
    without = judge(manifest(absent=["old"]), seen(row), deploy=False)["absent/old"]

    assert with_deploy.ripens == Ripens(polls=2)
    assert without.ripens == Ripens(polls=2, parse=row.last_parsed)
