"""The wire as boto3 sees it: real HTTP, real botocore parsing."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone

import boto3
import botocore.config
import botocore.exceptions
import pytest

from validator.sandbox.server import Fault, Sandbox
from validator.sandbox.wire import AwsError, Reply

NOW = datetime(2026, 11, 22, 2, 0, 0, 500_000, tzinfo=timezone.utc)


class Echo:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self):
        self.answer = (200, {"dags": [], "total_entries": 0})
        self.asked = []

    def call(self, method, path, query, body):
        self.asked.append((method, path, query, body))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def environment(self):
        return {"AirflowVersion": "3.0.6", "AirflowConfigurationOptions": {"core.x": "1"}}


@pytest.fixture
def backend():
    return Echo()


@pytest.fixture
def start(backend, monkeypatch):
    """Starts a sandbox and gives its client; all are closed at the end."""
    monkeypatch.setenv("AWS_DISABLE_HOST_PREFIX_INJECTION", "true")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    session = boto3.session.Session("test", "test", region_name="us-east-1")
    closing = []

    def go(**options):
        sandbox = Sandbox(backend, **{"calls_per_second": 0, "now": lambda: NOW, **options})
        sandbox.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_MWAA", sandbox.url)
        config = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=5)
        client = session.client("mwaa", config=config)
        closing.extend([client, sandbox])
        return sandbox, client

    yield go
    for one in closing:
        one.close()


def invoke(client, path="/dags", method="GET", name="sandbox", **more):
    return client.invoke_rest_api(Name=name, Path=path, Method=method, **more)


def test_a_call_there_and_back(start, backend):
    sandbox, client = start()
    answer = invoke(client, QueryParameters={"limit": 5, "exclude_stale": True, "tags": "a"})
    assert answer["RestApiStatusCode"] == 200
    assert answer["RestApiResponse"] == {"dags": [], "total_entries": 0}
    assert backend.asked == [("GET", "/dags", {"limit": 5, "exclude_stale": True, "tags": "a"}, None)]
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["date"] == "Sun, 22 Nov 2026 02:00:00 GMT"
    assert answer["ResponseMetadata"]["RequestId"] == headers["x-amzn-requestid"]
    (logged,) = sandbox.calls
    assert (logged.operation, logged.method, logged.path, logged.status, logged.error, logged.at) == (
        ("InvokeRestApi", "GET", "/dags", 200, "", NOW)
    )


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "PATCH", "DELETE"])
def test_every_method_and_body_reaches_the_backend(start, backend, method):
    _, client = start()
    invoke(client, "/dags/a", method, QueryParameters={"update_mask": "is_paused"}, Body={"is_paused": True})
    assert backend.asked == [(method, "/dags/a", {"update_mask": "is_paused"}, {"is_paused": True})]


def test_an_empty_answer_has_no_response(start, backend):
    _, client = start()
    backend.answer = (204, None)
    answer = invoke(client, method="DELETE")
    assert (answer["RestApiStatusCode"], answer.get("RestApiResponse")) == (204, None)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 422, 429])
@pytest.mark.parametrize("body", [{"detail": None}, "<html>", ["x"], None])
def test_airflows_4xx_is_a_client_exception(start, backend, status, body):
    _, client = start()
    backend.answer = (status, body)
    with pytest.raises(client.exceptions.RestApiClientException) as caught:
        invoke(client)
    assert caught.value.response["RestApiStatusCode"] == status
    assert caught.value.response.get("RestApiResponse") == body
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_airflows_5xx_is_a_server_exception(start, backend, status):
    _, client = start()
    backend.answer = (status, "<html>Ooops")
    with pytest.raises(client.exceptions.RestApiServerException) as caught:
        invoke(client)
    assert caught.value.response["RestApiStatusCode"] == status
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDeniedException", 403),
        ("ResourceNotFoundException", 404),
        ("ValidationException", 400),
        ("InternalServerException", 500),
    ],
)
def test_awss_own_errors_are_modelled_classes(start, backend, code, status):
    _, client = start()
    backend.answer = AwsError(code, "told so")
    with pytest.raises(getattr(client.exceptions, code)) as caught:
        invoke(client)
    error = caught.value.response
    assert (error["Error"]["Code"], error["Error"]["Message"]) == (code, "told so")
    assert error["ResponseMetadata"]["HTTPStatusCode"] == status


@pytest.mark.parametrize("code", ["ThrottlingException", "TooManyRequestsException", "ExpiredTokenException"])
def test_other_errors_are_plain_client_errors(start, backend, code):
    _, client = start(fault=lambda _: Fault(aws=AwsError(code)))
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        invoke(client)
    assert caught.value.response["Error"]["Code"] == code
    assert backend.asked == []


def test_a_backend_that_crashes_is_an_internal_error(start, backend, caplog):
    _, client = start()
    backend.answer = ZeroDivisionError()
    with pytest.raises(client.exceptions.InternalServerException):
        invoke(client)
    assert "ZeroDivisionError" in caplog.text


def test_a_path_of_65_characters_is_refused_and_64_are_not(start, backend):
    _, client = start()
    invoke(client, "/dags/" + "x" * 58)
    with pytest.raises(client.exceptions.ValidationException, match="between 1 and 64"):
        invoke(client, "/dags/" + "x" * 59)
    assert len(backend.asked) == 1


def test_an_unknown_method_is_refused(start):
    _, client = start()
    with pytest.raises(client.exceptions.ValidationException, match="enum value set"):
        invoke(client, method="HEAD")


def test_another_environment_does_not_exist(start):
    _, client = start(environment="prod")
    invoke(client, name="prod")
    for ask in (lambda: invoke(client, name="other"), lambda: client.get_environment(Name="other")):
        with pytest.raises(client.exceptions.ResourceNotFoundException, match="other"):
            ask()


def test_get_environment(start):
    sandbox, client = start()
    environment = client.get_environment(Name="sandbox")["Environment"]
    assert environment["Status"] == "AVAILABLE"
    assert environment["AirflowVersion"] == "3.0.6"
    assert environment["AirflowConfigurationOptions"] == {"core.x": "1"}
    assert environment["Arn"].endswith(":environment/sandbox")
    assert environment["LastUpdate"]["CreatedAt"].tzinfo is not None
    assert {"SourceBucketArn", "DagS3Path", "WebserverAccessMode", "EnvironmentClass"} <= set(environment)
    model = client.meta.service_model.shape_for("Environment").members
    assert set(environment) <= set(model)
    assert sandbox.counts["GetEnvironment"] == 1


def test_get_environment_can_be_denied(start):
    _, client = start(deny_get_environment=True)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client.get_environment(Name="sandbox")
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"
    invoke(client)


def test_calls_over_the_rate_are_throttled(start, backend):
    clock = [NOW]
    sandbox, client = start(calls_per_second=3, now=lambda: clock[0])
    for allowed in (3, 3, 1):  # the last after a third of a second
        for _ in range(allowed):
            invoke(client)
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            invoke(client)
        assert caught.value.response["Error"]["Code"] == "ThrottlingException"
        clock[0] += timedelta(seconds=1 if len(backend.asked) == 3 else 0.34)
    assert sandbox.counts["ThrottlingException"] == 3


def test_an_answer_over_6_mb_is_a_server_exception(start, backend):
    _, client = start()
    backend.answer = (200, "x" * (6 * 1024 * 1024))
    with pytest.raises(client.exceptions.RestApiServerException):
        invoke(client)


def test_a_backend_that_takes_too_long_is_a_server_exception(start, backend):
    _, client = start(answer_within=0.02)
    release = threading.Event()
    backend.call = lambda *_: (release.wait(5), {})
    try:
        with pytest.raises(client.exceptions.RestApiServerException) as caught:
            invoke(client)
    finally:
        release.set()
    assert caught.value.response["RestApiStatusCode"] == 504


@pytest.mark.parametrize("cut", ["body", "connection"])
def test_an_answer_cut_in_half_is_an_empty_success_to_boto3(start, cut):
    sandbox, client = start(fault=lambda _: Fault(cut=cut))
    answer = invoke(client)
    assert set(answer) == {"ResponseMetadata"}
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    sandbox.fault = None
    assert invoke(client)["RestApiStatusCode"] == 200


def test_a_connection_that_is_reset(start):
    sandbox, client = start(fault=lambda _: Fault(reset=True))
    with pytest.raises(botocore.exceptions.HTTPClientError):
        invoke(client)
    assert sandbox.counts["reset"] == 1


def test_a_raw_reply(start):
    reply = Reply(503, b"<html>", {"Content-Type": "text/html", "Date": "never"})
    _, client = start(fault=lambda _: Fault(reply=reply))
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        invoke(client)
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["date"] == "never"


def test_a_fault_may_choose_its_call_and_its_answer(start, backend):
    _, client = start(fault=lambda call: Fault(airflow=(500, {})) if call.path == "/health" else None)
    invoke(client, "/dags")
    with pytest.raises(client.exceptions.RestApiServerException):
        invoke(client, "/health")
    assert [path for _, path, *_ in backend.asked] == ["/dags"]


def test_other_operations_are_told_apart(start):
    _, client = start()
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client.list_environments()
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"


def test_a_closed_sandbox_answers_nobody(start):
    sandbox, client = start()
    invoke(client)
    sandbox.close()
    with pytest.raises(botocore.exceptions.EndpointConnectionError):
        invoke(client)
