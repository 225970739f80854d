"""What GetEnvironment must say where the manifest's `mwaa` block demands it."""

from dataclasses import replace

import pytest
from demands import play
from rounds import dag, judge, manifest, nothing_seen, seen, short

from validator.airflow.models import Unread
from validator.expectations import Wanted
from validator.manifest.model import EnvironmentRule
from validator.plan import plan
from validator.reasons import Reason
from validator.state import State
from validator.transport.interface import EnvironmentFacts

FACTS = EnvironmentFacts(
    status="AVAILABLE",
    airflow_version="3.0.6",
    environment_class="mw1.small",
    requirements_version="requirements-7",
    plugins_version="plugins-3",
)
TOLD = {
    "airflow_version": "3.0.6",
    "environment_class": "mw1.small",
    "requirements_s3_object_version": "requirements-7",
    "plugins_s3_object_version": "plugins-3",
}
DENIED = Unread(Reason.ACCESS_DENIED, "not authorized to perform airflow:GetEnvironment")
THROTTLED = Unread(Reason.UNREACHABLE, "too many requests")


def expects(**demands):
    return replace(manifest("a"), mwaa=EnvironmentRule(**demands))


def judged(key, value, environment=FACTS):
    return judge(expects(**{key: value}), seen(dag(), environment=environment))[f"environment/{key}"]


@pytest.mark.parametrize("key", TOLD)
def test_what_is_as_demanded_passes(key):
    assert short(judged(key, TOLD[key])) == ("passed", None)


@pytest.mark.parametrize("key", TOLD)
@pytest.mark.parametrize("facts", [FACTS, EnvironmentFacts(status="AVAILABLE")], ids=["another", "none"])
def test_what_differs_is_red_after_the_grace_time(key, facts):
    found = judged(key, "another", facts)

    assert short(found) == ("pending", "environment-mismatch")
    assert found.ripens.seconds == 60.0
    assert found.details == {"seen": TOLD[key] if facts is FACTS else None, "expected": "another"}
    assert "another is expected" in found.message


@pytest.mark.parametrize("key", TOLD)
def test_only_what_is_demanded_is_judged(key):
    found = judge(expects(**{key: TOLD[key]}), seen(dag(), environment=FACTS))

    assert {name for name in found if name.removeprefix("environment/") in TOLD} == {f"environment/{key}"}


@pytest.mark.parametrize(
    ("wanted", "seen_as"), [("3.0", "3.0.6"), ("3.0.6", "3.0.60"), ("mw1.small", "mw1.Small")]
)
def test_values_are_compared_whole_and_exactly(wanted, seen_as):
    key = "airflow_version" if wanted[0] == "3" else "environment_class"

    assert short(judged(key, wanted, replace(FACTS, **{key: seen_as})))[0] == "pending"


def test_a_denial_is_an_error_that_does_not_heal_and_says_what_to_allow():
    found = judged("airflow_version", "3.0.6", DENIED)

    assert short(found) == ("error", "access-denied")
    assert not found.heals
    assert "airflow:GetEnvironment" in found.advice


def test_what_was_not_answered_may_heal():
    found = judged("airflow_version", "3.0.6", THROTTLED)

    assert short(found) == ("error", "unreachable")
    assert found.heals


def test_a_plain_airflow_tells_its_version_itself():
    version = seen().version.text

    assert short(judged("airflow_version", version, None)) == ("passed", None)
    found = judged("airflow_version", f"{version}0", None)
    assert short(found) == ("failed", "environment-mismatch")
    assert version in found.message


@pytest.mark.parametrize("key", sorted(TOLD.keys() - {"airflow_version"}))
def test_what_only_mwaa_has_is_not_judged_of_a_plain_airflow(key):
    found = judged(key, TOLD[key], None)

    assert short(found) == ("skipped", "undecided")
    assert "no MWAA environment" in found.message


def test_a_denial_that_nobody_minds_stays_one():
    found = judge(manifest("a"), seen(dag(), environment=DENIED))

    assert short(found["environment/settings"]) == ("skipped", "access-denied")


def test_it_is_asked_for_in_every_round_only_where_it_is_demanded():
    assert plan(Wanted(expects(airflow_version="3.0.6")), State()).environment
    assert not plan(Wanted(manifest("a")), State()).environment


def test_it_is_judged_also_where_airflow_does_not_answer():
    observation = replace(nothing_seen(), environment=FACTS)

    found = judge(expects(airflow_version="3.0.6", environment_class="mw1.large"), observation)

    assert short(found["environment/airflow_version"]) == ("passed", None)
    assert short(found["environment/environment_class"])[0] == "pending"


def played(environment):
    def answer(now):
        return seen(dag(parsed=95 if now >= 95 else -50), now=now, environment=environment(now))

    return play(answer, expects(requirements_s3_object_version="requirements-8"))


def test_an_update_that_is_over_within_the_grace_time_is_green():
    updated = replace(FACTS, requirements_version="requirements-8")

    assert played(lambda now: updated if now >= 45 else FACTS).word == "passed"


def test_an_environment_that_nobody_updates_is_red():
    wait = played(lambda now: FACTS)

    assert wait.word == "failed"
    assert short(wait.found["environment/requirements_s3_object_version"]) == (
        "failed",
        "environment-mismatch",
    )


def test_nothing_is_final_while_an_update_is_on_its_way():
    def environment(now):
        if now < 45:
            return FACTS
        if now < 400:
            return replace(FACTS, status="UPDATING")
        return replace(FACTS, requirements_version="requirements-8")

    def answer(now):
        return seen(dag(parsed=now - now % 20), now=now, environment=environment(now))

    assert play(answer, expects(requirements_s3_object_version="requirements-8")).word == "passed"


def test_a_denial_ends_the_wait_as_cannot_tell_at_once():
    wait = played(lambda now: DENIED)

    assert (wait.word, wait.ended) == ("error", 0.0)
