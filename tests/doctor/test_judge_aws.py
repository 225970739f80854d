"""Every line of the way through AWS, in each of its statuses."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from validator.airflow.models import Version
from validator.doctor.facts import AwsFacts, Credentials, Failure, Identity, OddVersion, Region, Wants
from validator.doctor.judge_aws import judge_aws
from validator.doctor.model import Status
from validator.reasons import Reason
from validator.transport.interface import EnvironmentFacts

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)
AIRFLOW = Version("2.10.5", 2, 10)
SILENT = Failure(Reason.UNREACHABLE, "InvokeRestApi got no answer: timed out")
DENIED = Failure(Reason.ACCESS_DENIED, "AWS denied it: not authorized", code="AccessDeniedException")
EXPIRED = Failure(Reason.ACCESS_DENIED, "AWS does not accept the credentials", code="ExpiredTokenException")
REGION = Region("eu-west-1", "AWS_REGION", "aws", ("eu-west-1", "eu-west-2"))
PLAIN = Credentials("env", temporary=False, expires=None, renews=False)


def told(wants=None, **facts):
    usual = {
        "now": NOW,
        "region": REGION,
        "credentials": PLAIN,
        "identity": Identity("arn:aws:iam::123456789012:user/ann", "123456789012"),
        "environment": EnvironmentFacts("AVAILABLE", "2.10.5", "PUBLIC_ONLY", environment_class="mw1.small"),
        "invoked": AIRFLOW,
        "account": "123456789012",
    }
    lines = judge_aws(AwsFacts(**{**usual, **facts}), "prod", wants or Wants())
    assert sorted(line.id for line in lines) == [
        *("caller", "credentials", "environment", "invoke-rest-api", "region", "web-server")
    ]
    for line in lines:
        assert bool(line.advice) == (line.status in (Status.WARNING, Status.PROBLEM)), line
    return {line.id: line for line in lines}


@pytest.mark.parametrize(
    ("credentials", "status", "said"),
    [
        (PLAIN, Status.OK, "environment variables; they do not expire"),
        (Credentials("sso", temporary=True, expires=NOW, renews=True), Status.OK, "SSO; they are renewed"),
        (Credentials("iam-role", temporary=True, expires=NOW, renews=True), Status.OK, "the instance's role"),
        (Credentials("env", temporary=True, expires=None, renews=False), Status.OK, "is not told"),
        (
            Credentials("env", temporary=True, expires=NOW + timedelta(minutes=16), renews=False),
            Status.OK,
            "they expire in 16m",
        ),
        (
            Credentials("env", temporary=True, expires=NOW + timedelta(minutes=14), renews=False),
            Status.WARNING,
            "they expire in 14m",
        ),
        (
            Failure(Reason.UNREACHABLE, "no whole answer in 20 s"),
            Status.PROBLEM,
            "gives the credentials did not",
        ),
        (Credentials("a-new-way", temporary=False, expires=None, renews=False), Status.OK, "a-new-way"),
        (
            Failure(Reason.ACCESS_DENIED, "no AWS credentials were found"),
            Status.PROBLEM,
            "No AWS credentials",
        ),
    ],
)
def test_credentials(credentials, status, said):
    line = told(credentials=credentials)["credentials"]
    assert line.status is status
    assert said in line.message


@pytest.mark.parametrize(
    ("region", "facts", "status"),
    [
        (REGION, {}, Status.OK),
        (Region("eu-west-9", "--region", "aws", ("eu-west-1",)), {}, Status.OK),
        (
            Region("eu-west-9", "--region", "aws", ("eu-west-1",)),
            {"environment": DENIED, "invoked": DENIED},
            Status.WARNING,
        ),
        (
            Region("eu-west-9", "--region", "aws", ("eu-west-1",)),
            {"environment": SILENT, "invoked": SILENT},
            Status.PROBLEM,
        ),
        (
            Region("eu-west-9", "--region", "aws-new", ()),
            {"environment": SILENT, "invoked": SILENT},
            Status.OK,
        ),
        (Region(None, ""), {"environment": None, "invoked": None}, Status.PROBLEM),
        (Failure(Reason.NOT_FOUND, "it can be none"), {"environment": None, "invoked": None}, Status.PROBLEM),
    ],
)
def test_a_region(region, facts, status):
    assert told(region=region, **facts)["region"].status is status


def test_a_region_that_is_spelled_wrong_shows_what_may_be_meant():
    region = Region("eu-wst-1", "--region", "aws", ("eu-west-1", "us-east-1"))
    line = told(region=region, environment=SILENT, invoked=SILENT)["region"]
    assert line.advice.startswith("Did you mean eu-west-1")


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, Status.OK),
        ({"identity": SILENT}, Status.WARNING),
        ({"identity": DENIED}, Status.WARNING),
        ({"identity": EXPIRED}, Status.WARNING),
        ({"identity": EXPIRED, "environment": EXPIRED, "invoked": EXPIRED}, Status.PROBLEM),
        ({"identity": SILENT, "environment": EXPIRED, "invoked": EXPIRED}, Status.PROBLEM),
        ({"credentials": Failure(Reason.ACCESS_DENIED, "none"), "identity": None}, Status.SKIPPED),
    ],
)
def test_a_caller(facts, status):
    assert told(**facts)["caller"].status is status


NOT_FOUND = Failure(Reason.NOT_FOUND, "there is no environment prod", code="ResourceNotFoundException")


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, Status.OK),
        ({"environment": EnvironmentFacts("UPDATE_FAILED", "3.0.6")}, Status.WARNING),
        ({"environment": EnvironmentFacts("UPDATING", "3.0.6")}, Status.WARNING),
        ({"environment": EnvironmentFacts("CREATE_FAILED", "3.0.6")}, Status.PROBLEM),
        ({"environment": EnvironmentFacts("AVAILABLE", "2.4.3")}, Status.OK),
        ({"environment": EnvironmentFacts("AVAILABLE", "2.4.2")}, Status.PROBLEM),
        ({"environment": EnvironmentFacts("AVAILABLE", "2.2.2")}, Status.PROBLEM),
        ({"environment": EnvironmentFacts("AVAILABLE", None)}, Status.OK),
        ({"environment": DENIED}, Status.WARNING),
        ({"environment": SILENT}, Status.WARNING),
        ({"environment": DENIED, "wants": Wants(frozenset({"environment"}))}, Status.PROBLEM),
        ({"environment": SILENT, "wants": Wants(frozenset({"environment"}))}, Status.PROBLEM),
        ({"environment": NOT_FOUND, "invoked": NOT_FOUND}, Status.PROBLEM),
        ({"environment": DENIED, "invoked": NOT_FOUND}, Status.PROBLEM),
        ({"environment": EXPIRED, "invoked": DENIED}, Status.PROBLEM),
        ({"region": Region(None, ""), "environment": None, "invoked": None}, Status.SKIPPED),
    ],
)
def test_an_environment(facts, status):
    assert told(**facts)["environment"].status is status


@pytest.mark.parametrize(
    ("environments", "said"),
    [
        (("prod-2", "other"), "There are prod-2, other in eu-west-1"),
        ((), "There is none at all in eu-west-1"),
        (DENIED, "could not be listed (AWS denied it: not authorized)"),
        (tuple(f"e{n}" for n in range(11)), "and others"),
    ],
)
def test_an_environment_that_is_missing_says_which_there_are(environments, said):
    facts = {"environment": NOT_FOUND, "invoked": NOT_FOUND, "environments": environments}
    assert said in told(**facts)["environment"].advice


MWAA = Wants(frozenset({"environment"}))
PRIVATE = EnvironmentFacts("AVAILABLE", "3.0.6", "PRIVATE_ONLY")
GATEWAY = Failure(Reason.UNREACHABLE, "GET /version was answered with 504", status=504)


@pytest.mark.parametrize(
    ("facts", "web", "invoke"),
    [
        ({}, Status.OK, Status.OK),
        ({"environment": EnvironmentFacts("UNAVAILABLE", "3.0.6")}, Status.OK, Status.OK),
        (
            {"environment": EnvironmentFacts("UNAVAILABLE", "3.0.6"), "invoked": SILENT},
            Status.SKIPPED,
            Status.SKIPPED,
        ),
        ({"environment": NOT_FOUND, "invoked": NOT_FOUND}, Status.SKIPPED, Status.SKIPPED),
        ({"environment": DENIED, "invoked": DENIED, "wants": MWAA}, Status.SKIPPED, Status.PROBLEM),
        ({"environment": DENIED, "invoked": NOT_FOUND, "wants": MWAA}, Status.SKIPPED, Status.SKIPPED),
        ({"environment": PRIVATE}, Status.OK, Status.OK),
        ({"environment": PRIVATE, "invoked": SILENT}, Status.PROBLEM, Status.SKIPPED),
        ({"environment": PRIVATE, "invoked": GATEWAY}, Status.PROBLEM, Status.SKIPPED),
        ({"environment": PRIVATE, "invoked": DENIED}, Status.SKIPPED, Status.PROBLEM),
        ({"invoked": OddVersion("Airflow 4.0.0 speaks an API")}, Status.OK, Status.OK),
        ({"invoked": SILENT}, Status.OK, Status.PROBLEM),
        ({"invoked": GATEWAY}, Status.OK, Status.PROBLEM),
        ({"environment": DENIED, "invoked": SILENT}, Status.SKIPPED, Status.PROBLEM),
        ({"environment": DENIED}, Status.OK, Status.OK),
        ({"invoked": EXPIRED}, Status.OK, Status.PROBLEM),
        (
            {"invoked": Failure(Reason.UNREACHABLE, "Rate exceeded", throttled=True)},
            Status.OK,
            Status.PROBLEM,
        ),
        ({"invoked": Failure(Reason.BAD_RESPONSE, "it was cut off")}, Status.OK, Status.PROBLEM),
    ],
)
def test_a_web_server_and_the_permission(facts, web, invoke):
    lines = told(**facts)
    assert (lines["web-server"].status, lines["invoke-rest-api"].status) == (web, invoke)


@pytest.mark.parametrize(
    ("invoked", "advice"),
    [
        (DENIED, "arn:aws:airflow:eu-west-1:123456789012:role/prod/Viewer"),
        (
            Failure(Reason.ACCESS_DENIED, "with an explicit deny in a policy", code="AccessDenied"),
            "explicit deny wins",
        ),
        (
            Failure(Reason.BAD_RESPONSE, "Update your environment to use", code="ValidationException"),
            "2.4.3 and later: update it once",
        ),
        (
            Failure(Reason.ACCESS_DENIED, "GET /version was answered with 403", status=403),
            "does not exist in this Airflow",
        ),
        (EXPIRED, "opt-in"),
    ],
)
def test_each_way_to_be_refused_has_its_own_advice(invoked, advice):
    assert advice in told(invoked=invoked)["invoke-rest-api"].advice


def test_a_word_for_access_that_is_new_is_not_called_public():
    line = told(environment=EnvironmentFacts("AVAILABLE", "2.10.5", "WALLED"), invoked=DENIED)["web-server"]
    assert (line.status, "'WALLED'" in line.message) == (Status.WARNING, True)


@pytest.mark.parametrize("access", ["PUBLIC_ONLY", "PUBLIC_AND_PRIVATE"])
def test_what_is_public_is_called_so(access):
    line = told(environment=EnvironmentFacts("AVAILABLE", "2.10.5", access), invoked=DENIED)["web-server"]
    assert (line.status, "public" in line.message) == (Status.OK, True)


@pytest.mark.parametrize("line", ["caller", "environment", "invoke-rest-api"])
def test_who_is_throttled_is_not_sent_to_look_at_the_network(line):
    busy = Failure(Reason.UNREACHABLE, "it was throttled", code="ThrottlingException", throttled=True)
    advice = told(identity=busy, environment=busy, invoked=busy)[line].advice
    assert "who else calls" in advice
    assert "network" not in advice


def test_no_permission_is_asked_for_where_aws_denied_nothing():
    unusable = Failure(Reason.ACCESS_DENIED, "no usable AWS credentials: they are odd", "Set them anew.")
    lines = told(identity=unusable, environment=unusable, invoked=unusable)
    for each in ("caller", "environment", "invoke-rest-api"):
        assert lines[each].advice.startswith("Set them anew.")


def test_what_is_known_of_a_silence_goes_before_a_guess():
    failed = Failure(Reason.UNREACHABLE, "SSL validation failed", "Name the certificate.")
    lines = told(identity=failed, environment=failed, invoked=failed)
    assert {lines[each].advice for each in ("caller", "environment", "invoke-rest-api")} == {
        "Name the certificate."
    }


def test_what_is_not_known_stands_in_capitals_in_the_permission():
    line = told(invoked=DENIED, identity=SILENT, account=None)["invoke-rest-api"]
    assert "arn:aws:airflow:eu-west-1:ACCOUNT:role/prod/Viewer" in line.advice
