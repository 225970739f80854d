"""Whether Airflow answers, and what GetEnvironment tells."""

from dataclasses import replace

import pytest
from rounds import UNREAD, dag, judge, manifest, nothing_seen, seen, short

from validator.airflow.models import Unread
from validator.reasons import Reason
from validator.transport.interface import EnvironmentFacts

DENIED = Unread(Reason.ACCESS_DENIED, "not allowed", heals=False, advice="Allow it.")


def test_an_airflow_that_answers_everything_passes_with_its_version():
    found = judge(manifest("a"), seen(dag()))["environment/answers"]

    assert short(found) == ("passed", None)
    assert "3.0.6" in found.message


def test_each_part_that_was_not_read_is_told():
    for part, reading in {
        "health": {"health": UNREAD},
        "the DAG list": {"dags_unread": UNREAD},
        "the import errors": {"errors_unread": UNREAD},
    }.items():
        found = judge(manifest("a"), seen(dag(), **reading))["environment/answers"]

        assert short(found) == ("error", "unreachable")
        assert list(found.details["unread"]) == [part]
        assert part in found.message


def test_the_cause_is_the_one_that_cannot_heal():
    found = judge(manifest("a"), seen(dag(), health=UNREAD, errors_unread=DENIED))["environment/answers"]

    assert short(found) == ("error", "access-denied")
    assert found.advice == "Allow it."
    assert not found.heals


def test_an_airflow_that_answers_nothing_is_told_once_as_a_whole():
    found = judge(manifest("a"), nothing_seen())["environment/answers"]

    assert short(found) == ("error", "unreachable")
    assert found.message.startswith("Nothing could be read")
    assert found.heals


def test_a_denied_get_environment_is_skipped_with_its_reason():
    found = judge(manifest("a"), seen(dag(), environment=DENIED))["environment/settings"]

    assert short(found) == ("skipped", "access-denied")
    assert "airflow:GetEnvironment" in found.advice


def test_where_there_is_no_get_environment_nothing_is_said_of_it():
    assert "environment/settings" not in judge(manifest("a"), seen(dag(), environment=None))


def test_what_get_environment_tells_is_told():
    facts = EnvironmentFacts(status="AVAILABLE", airflow_version="3.0.6")

    found = judge(manifest("a"), seen(dag(), environment=facts))["environment/settings"]

    assert short(found) == ("passed", None)
    assert "AVAILABLE" in found.message


def test_a_denied_get_environment_alone_leaves_everything_else_judged():
    found = judge(manifest("a"), seen(dag(), environment=replace(DENIED, heals=True)))

    assert {str(one.status) for one in found.values()} == {"passed", "skipped"}


def settings_of(status):
    facts = EnvironmentFacts(status=status, airflow_version="3.0.6")
    return judge(manifest("a"), seen(dag(), environment=facts))["environment/settings"]


@pytest.mark.parametrize("status", ["AVAILABLE", None])
def test_an_environment_that_is_available_passes(status):
    assert short(settings_of(status)) == ("passed", None)


@pytest.mark.parametrize(
    "status",
    ["UPDATING", "CREATING", "PENDING", "ROLLING_BACK", "MAINTENANCE", "CREATING_SNAPSHOT", "WHATEVER"],
)
def test_what_an_environment_says_while_it_changes_proves_nothing_and_may_heal(status):
    found = settings_of(status)

    assert short(found) == ("error", "environment-not-available")
    assert found.heals


@pytest.mark.parametrize("status", ["CREATE_FAILED", "UNAVAILABLE", "DELETING", "DELETED"])
def test_an_environment_that_is_gone_for_good_is_red_at_once(status):
    assert short(settings_of(status)) == ("failed", "environment-not-available")


def test_an_update_that_failed_was_rolled_back_and_is_a_warning():
    assert short(settings_of("UPDATE_FAILED")) == ("warning", "environment-not-available")
