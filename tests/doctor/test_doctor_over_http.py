"""The whole doctor against servers that answer, refuse, hang and lie: over real HTTP and real boto3."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from moto.server import ThreadedMotoServer

from validator.doctor import ask_airflow, examine
from validator.doctor.examine import Case
from validator.doctor.model import GROUPS, ORDER, Status
from validator.sandbox.api import Role
from validator.target import Target
from validator.transport import aws_session
from validator.transport.interface import CALL_TIMEOUT

URL_ONLY = {"url", "login"}
AWS_ONLY = {"credentials", "region", "caller", "environment", "web-server", "invoke-rest-api"}
READ_ONLY = re.compile(r"sts:GetCallerIdentity|GetEnvironment|ListEnvironments|InvokeRestApi GET /\S+")


def look(target=None, **options):
    """The diagnosis of the environment `sandbox`, and its lines by id."""
    told = examine.examine(Case(target or Target("sandbox"), 1000.0, **options))
    assert [line.id for line in told.lines] == sorted((line.id for line in told.lines), key=ORDER.get)
    assert {line.id for line in told.lines} == set(ORDER) - URL_ONLY
    for line in told.lines:
        assert bool(line.advice) == (line.status in (Status.WARNING, Status.PROBLEM)), line
    return told, {line.id: line for line in told.lines}


def statuses(lines, status):
    return {id_ for id_, line in lines.items() if line.status is status}


def skipped_for(lines, cause):
    """That everything after the cause is skipped, and names it."""
    after = [each for name, ids in GROUPS.items() if name != "The way there" for each in ids]
    return all(lines[each].details.get("because") == cause and cause in lines[each].message for each in after)


@pytest.mark.parametrize("version", ["2.4.3", "2.10.5", "3.0.6"])
def test_all_is_ok_where_a_viewer_asks_a_healthy_airflow(aws, version):
    server = aws(version=version)
    told, lines = look()
    assert statuses(lines, Status.OK) == set(lines)
    assert told.exit_code == 0
    assert (
        lines["caller"].message == "arn:aws:sts::123456789012:assumed-role/deploy/ci, account 123456789012."
    )
    assert lines["role"].details["role"] == "Viewer or User"
    assert lines["version"].details["airflow_version"] == version
    assert lines["region"].details["told_by"] == "AWS_DEFAULT_REGION"
    assert lines["round"].details["calls"] == 3
    assert lines["pace"].details["throttled"] == 0
    assert all(READ_ONLY.fullmatch(call) for call in server.asked), server.asked


@pytest.mark.parametrize(
    ("role", "expected", "status"),
    [
        (Role("Op"), "Op or Admin", Status.OK),
        (Role("Admin"), "Op or Admin", Status.OK),
        (Role("User"), "Viewer or User", Status.OK),
        (Role("team", frozenset({"etl"})), "a custom role", Status.WARNING),
        (Role("Public"), "Public, or a custom role that may read no DAGs", Status.PROBLEM),
    ],
)
@pytest.mark.parametrize("version", ["2.10.5", "3.0.6"])
def test_the_role_is_told_by_what_it_may_read(aws, version, role, expected, status):
    server = aws(version=version, role=role)
    _, lines = look()
    assert (lines["role"].details["role"], lines["role"].status) == (expected, status)
    assert all(READ_ONLY.fullmatch(call) for call in server.asked), server.asked


def test_no_variable_that_exists_is_ever_asked_for(aws, world):
    server = aws(role=Role("Op"))
    look()
    asked = [call for call in server.asked if "/variables" in call or "/connections" in call]
    assert len(asked) == 2
    assert all(
        re.fullmatch(r"InvokeRestApi GET /(variables|connections)/mwaa-gate-probe-\w{12}", call)
        for call in asked
    )


def test_a_denied_get_environment_is_a_warning_with_the_permission_to_add(aws):
    server = aws()
    server.refusals["GetEnvironment"] = (403, "AccessDeniedException", "not authorized")
    told, lines = look()
    assert statuses(lines, Status.WARNING) == {"environment"}
    assert statuses(lines, Status.SKIPPED) == set()
    assert '"Action": "airflow:GetEnvironment"' in lines["environment"].advice
    assert (
        '"Resource": "arn:aws:airflow:us-east-1:123456789012:environment/sandbox"'
        in lines["environment"].advice
    )
    assert "nobody tells" in lines["scan-interval"].message
    assert told.exit_code == 0


def test_a_denied_invoke_rest_api_is_told_with_the_permission_and_the_usual_mistake(aws):
    server = aws()
    server.refusals["InvokeRestApi"] = (
        403,
        "AccessDeniedException",
        "not authorized to perform: airflow:InvokeRestApi",
    )
    told, lines = look()
    line = lines["invoke-rest-api"]
    assert line.status is Status.PROBLEM
    assert '"Resource": "arn:aws:airflow:us-east-1:123456789012:role/sandbox/Viewer"' in line.advice
    assert "environment/sandbox allows nothing" in line.advice
    assert statuses(lines, Status.PROBLEM) == {"invoke-rest-api"}
    assert skipped_for(lines, "invoke-rest-api")
    assert told.exit_code == 1


def test_the_partition_of_china_is_in_the_permission(aws, machine):
    machine.setenv("AWS_DEFAULT_REGION", "cn-north-1")
    server = aws()
    server.refusals["InvokeRestApi"] = (403, "AccessDeniedException", "no")
    _, lines = look()
    assert "arn:aws-cn:airflow:cn-north-1:" in lines["invoke-rest-api"].advice


@pytest.mark.usefixtures("impatient")
def test_an_old_environment_is_told_to_be_updated(aws):
    server = aws()
    server.refusals["InvokeRestApi"] = (
        400,
        "ValidationException",
        "Update your environment to use InvokeRestApi",
    )
    _, lines = look()
    assert lines["invoke-rest-api"].status is Status.PROBLEM
    assert "aws mwaa update-environment" in lines["invoke-rest-api"].advice


def test_a_name_that_is_not_there_shows_those_that_are_with_the_nearest_first(aws):
    server = aws()
    server.environments = ["billing", "sandbox", "sandbox-prod"]
    _, lines = look(Target("sandbox-prd"))
    assert lines["environment"].details["environments"] == ["sandbox-prod", "sandbox", "billing"]
    assert "There are sandbox-prod, sandbox, billing in us-east-1" in lines["environment"].advice
    assert skipped_for(lines, "environment")


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch"])
def test_credentials_that_aws_does_not_take_are_one_problem_and_the_rest_is_skipped(aws, code):
    server = aws()
    for operation in ("sts:GetCallerIdentity", "GetEnvironment", "InvokeRestApi"):
        server.refusals[operation] = (403, code, "The security token included in the request is expired")
    _, lines = look()
    assert statuses(lines, Status.PROBLEM) == {"caller"}
    assert lines["environment"].details["because"] == "caller"
    assert lines["clock"].status is Status.OK, "a refusal has a Date, too"
    assert skipped_for(lines, "caller")


def test_nothing_of_a_secret_is_told_though_a_server_quotes_it(aws, machine):
    machine.setenv("AWS_SESSION_TOKEN", "FwoG-a-session-token")
    server = aws()
    said = (
        "wrong key AKIAIOSFODNN7EXAMPLE a-secret-key FwoG-a-session-token ASIAXYZXYZXYZXYZXYZX. The Canonical String for "
        "this request should have been x-amz-security-token:FwoG-a-session-token"
    )
    for operation in ("sts:GetCallerIdentity", "GetEnvironment", "InvokeRestApi"):
        server.refusals[operation] = (403, "AccessDenied", said)
    told, lines = look()
    assert "wrong key ***" in lines["caller"].message
    assert not re.search("FwoG|AKIA|ASIA|a-secret-key|Canonical", repr(told))


def test_without_sts_all_but_the_name_of_the_caller_is_told(aws, machine):
    aws()
    machine.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    told, lines = look()
    assert statuses(lines, Status.WARNING) == {"caller"}
    assert "endpoint for STS" in lines["caller"].advice
    assert told.exit_code == 0


def test_credentials_that_sts_alone_does_not_know_are_no_problem(aws):
    aws().refusals["sts:GetCallerIdentity"] = (403, "InvalidClientTokenId", "The security token is invalid.")
    told, lines = look()
    assert lines["caller"].status is Status.WARNING
    assert told.exit_code == 0


def test_no_credentials_keep_all_else_from_being_asked(aws, machine):
    server = aws()
    machine.delenv("AWS_ACCESS_KEY_ID")
    machine.delenv("AWS_SECRET_ACCESS_KEY")
    _, lines = look()
    assert statuses(lines, Status.PROBLEM) == {"credentials"}
    assert lines["region"].status is Status.OK
    assert lines["clock"].details["because"] == "credentials"
    assert skipped_for(lines, "credentials")
    assert server.asked == []


def test_an_unknown_profile_is_one_problem(aws):
    aws()
    _, lines = look(Target("sandbox", profile="not there"))
    assert statuses(lines, Status.PROBLEM) == {"credentials"}
    assert "not there" in lines["credentials"].message


def test_variables_that_say_themselves_that_they_are_past_are_no_traceback(aws, machine):
    aws()
    machine.setenv("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z")
    _, lines = look()
    assert statuses(lines, Status.PROBLEM) == {"credentials"}
    assert "AWS_CREDENTIAL_EXPIRATION" in lines["credentials"].advice


def test_a_role_that_cannot_be_assumed_is_told_as_such(aws):
    server = aws()
    server.refusals["sts:AssumeRole"] = (403, "AccessDenied", "is not authorized to perform: sts:AssumeRole")
    _, lines = look(Target("sandbox", role_arn="arn:aws:iam::999999999999:role/gate"))
    assert "AssumeRole was refused" in lines["credentials"].message
    assert "trust policy" in lines["credentials"].advice
    assert skipped_for(lines, "credentials")


@pytest.fixture(scope="module")
def moto():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_an_assumed_role_is_who_calls(aws, machine, moto):
    aws()
    machine.setenv("AWS_ENDPOINT_URL_STS", moto)
    _, lines = look(Target("sandbox", role_arn="arn:aws:iam::123456789012:role/gate"))
    assert lines["credentials"].details["method"] == "assume-role"
    assert lines["credentials"].details["renewed"] is True
    assert lines["caller"].details["arn"] == "arn:aws:sts::123456789012:assumed-role/gate/mwaa-gate"


def test_without_a_region_it_still_tells_who_calls(aws, machine):
    server = aws()
    machine.delenv("AWS_DEFAULT_REGION")
    _, lines = look()
    assert statuses(lines, Status.PROBLEM) == {"region"}
    assert lines["caller"].status is Status.OK
    assert server.asked == ["sts:GetCallerIdentity"]
    assert skipped_for(lines, "region")


def test_a_region_that_can_be_none_is_a_problem(aws):
    aws()
    _, lines = look(Target("sandbox", region="us_east_1"))
    assert statuses(lines, Status.PROBLEM) == {"region"}
    assert "us_east_1" in lines["region"].message
    assert lines["caller"].status is Status.OK
    assert skipped_for(lines, "region")


def test_the_regions_profile_is_named_as_its_source(aws, machine, tmp_path):
    aws()
    machine.delenv("AWS_DEFAULT_REGION")
    (tmp_path / "config").write_text("[default]\nregion = eu-west-2\n")
    _, lines = look()
    assert lines["region"].details == {
        "region": "eu-west-2",
        "told_by": "the profile in AWS's configuration file",
        "partition": "aws",
    }


@pytest.mark.parametrize(
    ("seconds", "status"),
    [(0, Status.OK), (-100, Status.WARNING), (100, Status.WARNING), (400, Status.PROBLEM)],
)
def test_clocks_that_differ_are_seen_in_the_dates_of_the_answers(aws, seconds, status):
    server = aws()
    server.ahead = timedelta(seconds=seconds)
    _, lines = look()
    assert lines["clock"].status is status
    assert lines["clock"].details["skew_s"] == pytest.approx(seconds, abs=2)


@pytest.fixture
def impatient(monkeypatch):
    """Calls that hang are given up soon, and those that do not have time even on a busy machine."""
    monkeypatch.setattr(aws_session, "CALL_TIMEOUT", 2.0)
    monkeypatch.setattr(ask_airflow, "_CALL", 0.2)


@pytest.mark.usefixtures("impatient")
def test_a_private_web_server_that_hangs_can_only_be_asked_from_inside(aws):
    server = aws(facts={"WebserverAccessMode": "PRIVATE_ONLY"})
    server.silent = {"InvokeRestApi"}
    _, lines = look()
    assert statuses(lines, Status.PROBLEM) == {"web-server"}
    assert "inside its VPC" in lines["web-server"].advice
    assert lines["invoke-rest-api"].details["because"] == "web-server"


@pytest.mark.usefixtures("impatient")
def test_a_public_web_server_that_hangs_is_a_problem_of_its_own(aws):
    aws().silent = {"InvokeRestApi"}
    _, lines = look()
    assert statuses(lines, Status.PROBLEM) == {"invoke-rest-api"}


def test_a_private_web_server_that_answers_is_ok(aws):
    aws(facts={"WebserverAccessMode": "PRIVATE_ONLY"})
    _, lines = look()
    assert lines["web-server"].message == "It is private (PRIVATE_ONLY), and answers from here."


@pytest.mark.parametrize(
    ("silent", "code", "seconds"),
    [
        ({"sts:GetCallerIdentity", "GetEnvironment", "InvokeRestApi"}, 1, 0.8),
        ({"GET /dags"}, 1, 0.8),
        ({"GET /pools"}, 0, 5.0),  # all the rest is answered in it, even on a busy machine
    ],
    ids=["all", "dags", "pools"],
)
def test_the_run_ends_in_its_time_whatever_hangs(aws, monkeypatch, silent, code, seconds):
    monkeypatch.setattr(examine, "WHOLE_RUN", seconds)
    aws().silent = silent
    began = time.monotonic()
    told, lines = look()
    assert time.monotonic() - began < CALL_TIMEOUT, "a call that hangs takes so long by itself"
    assert told.exit_code == code
    assert statuses(lines, Status.WARNING) | statuses(lines, Status.PROBLEM)


@pytest.mark.parametrize("version", ["4.0.0", "1.10.15", None, 3])
def test_an_airflow_that_the_gate_does_not_know_is_the_lines_own_problem(aws, version):
    server = aws()
    answer = server.simulation.call
    server.simulation.call = lambda method, path, query, body: (
        (200, {"version": version}) if path == "/version" else answer(method, path, query, body)
    )
    _, lines = look()
    assert statuses(lines, Status.PROBLEM) == {"version"}
    assert skipped_for(lines, "version")


def test_throttling_is_seen(aws):
    server = aws()
    server.refusals["InvokeRestApi"] = (429, "ThrottlingException", "Rate exceeded")
    answer, waiting = server.answer, iter(range(2))

    def soon(*request):
        if request[1].startswith("/restapi/") and next(waiting, None) is None:
            server.refusals.clear()
        return answer(*request)

    server.answer = soon
    _, lines = look()
    assert lines["pace"].status is Status.WARNING
    assert lines["pace"].details["throttled"] == 2
    assert statuses(lines, Status.PROBLEM) == set()


@pytest.mark.parametrize(("seconds", "samples"), [(0.0, 1), (10.0, 5)])
def test_slow_answers_leave_time_for_the_round(aws, monkeypatch, seconds, samples):
    monkeypatch.setattr("validator.doctor.ask_airflow.SAMPLING", seconds)
    aws()
    _, lines = look()
    assert lines["pace"].message.startswith(f"{samples} paced call")
    assert lines["reads-dags"].status is Status.OK
