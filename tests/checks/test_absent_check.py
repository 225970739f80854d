"""What must be gone is off a whole list, for good."""

import pytest
from rounds import UNREAD, dag, judge, manifest, nothing_seen, seen, short

EXPECTED = manifest(absent=["old"])


def absent_of(observation, **moments):
    return judge(EXPECTED, observation, **moments)["absent/old"]


def test_a_dag_that_is_not_listed_passes_when_all_was_parsed_since():
    assert short(absent_of(seen(dag("a"), dag("b", parsed=60)))) == ("passed", None)


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
