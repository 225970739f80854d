"""Only the body of /health counts, and in it only young heartbeats."""

from dataclasses import replace

import pytest
from rounds import UNREAD, at, component, dag, health, judge, manifest, nothing_seen, seen, short

from validator.reasons import Reason


def health_of(told, expected=None, airflow="3.0", **moments):
    findings = judge(expected or manifest("a"), seen(health=told, airflow=airflow), **moments)
    return {name.split("/")[1]: found for name, found in findings.items() if name.startswith("health/")}


def test_all_components_that_are_well_pass():
    found = health_of(health())

    assert sorted(found) == ["dag_processor", "metadatabase", "scheduler", "triggerer"]
    assert {short(one) for one in found.values()} == {("passed", None)}


@pytest.mark.parametrize("name", ["metadatabase", "scheduler", "triggerer", "dag_processor"])
def test_a_component_that_says_unhealthy_is_pending(name):
    found = health_of(health(**{name: component(name, "unhealthy")}))

    assert short(found[name]) == ("pending", "component-unhealthy")


def test_a_status_that_nobody_knows_is_not_healthy():
    assert short(health_of(health(scheduler=component("scheduler", "HEALTHY")))["scheduler"]) == (
        "pending",
        "component-unhealthy",
    )


@pytest.mark.parametrize("told", [None, component("dag_processor", None, None)])
def test_airflow_3_must_have_a_dag_processor(told):
    found = health_of(health(dag_processor=told))["dag_processor"]

    assert short(found) == ("pending", "component-missing")
    assert found.ripens.seconds == 120


@pytest.mark.parametrize("told", [None, component("dag_processor", None, None)])
def test_airflow_2_needs_no_dag_processor(told):
    assert "dag_processor" not in health_of(health(dag_processor=told), airflow="2")


def test_a_dag_processor_that_airflow_2_reports_must_be_healthy():
    told = health(dag_processor=component("dag_processor", "unhealthy"))

    assert short(health_of(told, airflow="2")["dag_processor"]) == ("pending", "component-unhealthy")


@pytest.mark.parametrize("told", [None, component("triggerer", None, None)])
def test_a_triggerer_that_does_not_run_is_red_only_where_required(told):
    assert "triggerer" not in health_of(health(triggerer=told))
    required = health_of(health(triggerer=told), manifest("a", require=("triggerer",)))
    assert short(required["triggerer"]) == ("pending", "component-missing")


def test_an_unhealthy_triggerer_is_told_how_to_be_ignored():
    found = health_of(health(triggerer=component("triggerer", "unhealthy", 20)))["triggerer"]

    assert "health.ignore" in found.message
    assert "scaled to zero" in found.message


def test_an_ignored_component_that_is_unhealthy_is_a_warning():
    told = health(triggerer=component("triggerer", "unhealthy", -3600))

    found = health_of(told, manifest("a", ignore=("triggerer",)))["triggerer"]

    assert short(found) == ("warning", "component-unhealthy")


@pytest.mark.parametrize("name", ["metadatabase", "scheduler", "dag_processor"])
def test_what_airflow_cannot_do_without_cannot_be_ignored(name):
    told = health(**{name: component(name, "unhealthy", 0)})

    assert short(health_of(told, manifest("a", ignore=(name,)))[name])[0] == "pending"


def test_a_healthy_component_with_an_old_heartbeat_is_no_proof():
    found = health_of(health(scheduler=component("scheduler", heartbeat=59)))["scheduler"]

    assert short(found) == ("pending", "heartbeat-old")
    assert found.details["heartbeat_age_s"] == 61


def test_the_heartbeat_may_be_as_old_as_the_manifest_says():
    told = health(scheduler=component("scheduler", heartbeat=59))

    assert short(health_of(told, manifest("a", max_heartbeat_age=90.0))["scheduler"])[0] == "passed"


def test_a_healthy_component_without_any_heartbeat_is_no_proof():
    found = health_of(health(scheduler=component("scheduler", heartbeat=None)))["scheduler"]

    assert short(found) == ("pending", "heartbeat-old")


def test_the_metadatabase_has_no_heartbeat_and_needs_none():
    assert short(health_of(health())["metadatabase"])[0] == "passed"


@pytest.mark.parametrize("status", ["healthy", "unhealthy"])
@pytest.mark.parametrize("age", [60, 119])
def test_a_red_never_ripens_while_the_heartbeat_moved_within_two_minutes(status, age):
    told = health(scheduler=component("scheduler", status, 120 - age))

    found = health_of(told, manifest("a", max_heartbeat_age=30.0))["scheduler"]

    assert found.ripens.seconds == float("inf")


@pytest.mark.parametrize("status", ["healthy", "unhealthy"])
def test_a_heartbeat_that_stood_still_for_two_minutes_ripens_after_the_grace_time(status):
    found = health_of(health(scheduler=component("scheduler", status, 0)), grace=45.0)["scheduler"]

    assert found.ripens.seconds == 45


def test_a_longer_heartbeat_interval_makes_the_red_as_much_later():
    told = health(scheduler=component("scheduler", "unhealthy", -100))

    found = health_of(told, manifest("a", max_heartbeat_age=300.0))["scheduler"]

    assert found.ripens.seconds == float("inf")


def test_a_heartbeat_a_little_ahead_of_the_web_servers_clock_is_young():
    assert (
        short(health_of(health(scheduler=component("scheduler", heartbeat=130)))["scheduler"])[0] == "passed"
    )


@pytest.mark.parametrize("status", ["healthy", "unhealthy"])
def test_a_heartbeat_from_the_future_proves_nothing(status):
    found = health_of(health(scheduler=component("scheduler", status, 131)))["scheduler"]

    assert short(found) == ("error", "bad-response")


@pytest.mark.parametrize(("airflow", "names"), [("2", 2), ("3.0", 3)], ids=["airflow 2", "airflow 3"])
def test_health_that_could_not_be_read_is_an_error_for_each_required_component(airflow, names):
    found = health_of(UNREAD, airflow=airflow)

    assert {short(one) for one in found.values()} == {("error", "unreachable")}
    assert len(found) == names


def test_a_denial_that_cannot_heal_stays_one():
    denied = replace(UNREAD, reason=Reason.ACCESS_DENIED, heals=False)

    found = judge(manifest("a"), nothing_seen(unread=denied))

    assert not any(one.heals for name, one in found.items() if name.startswith("health/"))


def test_heartbeats_are_judged_by_the_moment_at_which_health_was_told():
    """A round of many pages ends long after."""
    observation = replace(seen(dag(), now=120, took=130), health=health(120), health_at=at(120))

    assert short(judge(manifest("a"), observation)["health/scheduler"]) == ("passed", None)


def test_a_component_that_airflow_calls_healthy_was_not_silent_for_years():
    observation = replace(seen(dag()), health=health(120), health_at=at(10**8))

    assert short(judge(manifest("a"), observation)["health/scheduler"]) == ("error", "bad-response")
