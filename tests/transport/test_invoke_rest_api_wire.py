"""InvokeRestApi over real boto3 and real HTTP: every answer that AWS.md section 1 knows, and worse ones."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validator import __version__
from validator.errors import CallFailed, CannotTell
from validator.reasons import Reason
from validator.sandbox.server import Fault
from validator.sandbox.wire import AwsError, Reply
from validator.transport import aws_session, invoke_rest_api
from validator.transport.caller import refused
from validator.transport.interface import Request
from validator.transport.invoke_rest_api import parse_date

ASK = Request("/dags")
NOW = datetime(2026, 11, 22, 2, 0, 0, 500_000, tzinfo=timezone.utc)


def raw(status, body, **headers):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda _: Fault(
        reply=Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})
    )


def test_a_call_there_and_back(mwaa, backend):
    _, transport = mwaa(now=lambda: NOW)
    answer = transport.call(Request("/dags", {"limit": 5, "exclude_stale": False, "tags": "a"}))
    assert backend.asked == [("GET", "/dags", {"limit": 5, "exclude_stale": "false", "tags": "a"}, None)]
    assert (answer.status, answer.body) == (200, {"dags": [], "total_entries": 0})
    assert answer.date == NOW.replace(microsecond=0)
    assert answer.request_id
    assert transport.call(Request("/dags")).request_id != answer.request_id


def test_a_method_and_a_body_are_sent(mwaa, backend):
    _, transport = mwaa()
    transport.call(Request("/dags/a", {"update_mask": "is_paused"}, "PATCH", {"is_paused": True}))
    assert backend.asked == [("PATCH", "/dags/a", {"update_mask": "is_paused"}, {"is_paused": True})]


def test_an_answer_without_a_body_is_an_answer(mwaa, backend):
    _, transport = mwaa()
    backend.answer = (204, None)
    answer = transport.call(Request("/dags/a", method="DELETE"))
    assert (answer.status, answer.body) == (204, None)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 422, 429, 500, 502, 503, 504])
@pytest.mark.parametrize(
    "body", [{"detail": None}, "<html>", ["x"], None], ids=["object", "text", "list", "nothing"]
)
def test_airflows_own_error_is_an_answer_with_its_status(mwaa, backend, status, body):
    _, transport = mwaa(now=lambda: NOW)
    backend.answer = (status, body)
    answer = transport.call(ASK)
    assert (answer.status, answer.body) == (status, body)
    assert answer.date == NOW.replace(microsecond=0)
    assert answer.request_id


def test_a_server_exception_with_http_500_is_read_like_one_with_400(mwaa):
    told = {"RestApiStatusCode": 503, "RestApiResponse": "restarting"}
    _, transport = mwaa(fault=raw(500, told, x_amzn_ErrorType="RestApiServerException"))
    assert transport.call(ASK).status == 503


def test_an_error_type_in_the_body_and_with_a_namespace_is_read_too(mwaa):
    told = {"__type": "com.amazonaws.mwaa#RestApiClientException", "RestApiStatusCode": 404}
    _, transport = mwaa(fault=raw(400, told))
    assert transport.call(ASK).status == 404


@pytest.mark.parametrize("code", ["RestApiClientException", "RestApiServerException"])
@pytest.mark.parametrize("body", [{}, {"RestApiStatusCode": None}, {"RestApiResponse": {"detail": "x"}}])
def test_an_airflow_error_without_a_status_is_no_answer_and_asked_again(mwaa, code, body):
    _, transport = mwaa(fault=raw(400, body, x_amzn_ErrorType=code))
    with pytest.raises(CallFailed, match="GET /dags") as caught:
        transport.call(ASK)
    assert (caught.value.reason, caught.value.retry) == (Reason.UNREACHABLE, True)


@pytest.mark.parametrize("cut", ["body", "connection"])
def test_an_answer_that_was_cut_off_is_never_an_empty_success(mwaa, cut):
    sandbox, transport = mwaa(fault=lambda _: Fault(cut=cut))
    for ask in (lambda: transport.call(ASK), transport.environment):
        with pytest.raises(CallFailed, match="cut off") as caught:
            ask()
        assert (caught.value.reason, caught.value.retry) == (Reason.BAD_RESPONSE, True)
    sandbox.fault = None
    assert transport.call(ASK).status == 200


BODIES = {
    "nothing": b"",
    "half": b'{"RestApiStatusCode": 200, "RestApiRes',
    "html": b"<html>login</html>",
    "empty object": b"{}",
    "other object": b'{"hello": "world"}',
    "list": b"[]",
    "long list": b'[{"RestApiStatusCode": 200}]',
    "null": b"null",
    "text": b'"ok"',
    "number": b"200",
    "status as object": b'{"RestApiStatusCode": {}}',
    "no text": b'{"RestApiStatusCode": 200, "x": "\xff\xfe"}',
    "a mark before": b'\xef\xbb\xbf{"RestApiStatusCode": 200, "RestApiResponse": {}}',
    "deep": b'{"RestApiStatusCode": 200, "RestApiResponse": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "big number": b'{"RestApiStatusCode": 200, "RestApiResponse": ' + b"1" * 5000 + b"}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_body_that_the_service_never_promised_is_a_failed_call(mwaa, status, body):
    _, transport = mwaa(fault=raw(status, body))
    for ask in (lambda: transport.call(ASK), transport.environment):
        with pytest.raises(CallFailed) as caught:
            ask()
        assert caught.value.retry
        assert caught.value.message


@pytest.mark.parametrize("status", ["200", "2xx", 200.5, True, -200, 0, 2000, [200], {"a": 1}, ""])
def test_a_status_of_another_type_never_makes_a_success_of_what_is_none(mwaa, status):
    _, transport = mwaa(fault=raw(200, {"RestApiStatusCode": status}))
    with suppress(CallFailed):  # botocore reads "200" and 200.5 as 200
        answer = transport.call(ASK)
        assert type(answer.status) is int
        assert answer.body is None
        assert str(status)[:3] == "200" or refused(ASK, answer)


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda one: (
            st.lists(one)
            | st.dictionaries(
                st.sampled_from(["RestApiStatusCode", "RestApiResponse", "Environment", "x"]), one
            )
        ),
    )
)
def test_whatever_boto3_hands_over_is_an_answer_or_a_failed_call(value):
    class Client:
        def invoke_rest_api(self, **_):
            return value

        get_environment = invoke_rest_api

    transport = invoke_rest_api.InvokeRestApi("sandbox", Client)
    for ask in (lambda: transport.call(ASK), transport.environment):
        with suppress(CallFailed):
            assert ask() is not None


@pytest.mark.parametrize(
    "code",
    ["ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "Throttling", "SlowDown"],
)
@pytest.mark.parametrize("status", [400, 429, 503])
def test_being_throttled_is_told_apart(mwaa, code, status):
    _, transport = mwaa(fault=lambda _: Fault(aws=AwsError(code, "Rate exceeded", status=status)))
    for ask in (lambda: transport.call(ASK), transport.environment):
        with pytest.raises(CallFailed, match="Rate exceeded") as caught:
            ask()
        assert (caught.value.throttled, caught.value.retry) == (True, True)


def test_too_many_requests_without_a_code_is_being_throttled(mwaa):
    _, transport = mwaa(fault=raw(429, b"slow down"))
    with pytest.raises(CallFailed) as caught:
        transport.call(ASK)
    assert caught.value.throttled


CREDENTIALS = """
ExpiredTokenException ExpiredToken UnrecognizedClientException InvalidSignatureException RequestExpired
MissingAuthenticationTokenException InvalidClientTokenId IncompleteSignature
"""


@pytest.mark.parametrize("code", CREDENTIALS.split())
@pytest.mark.parametrize("status", [400, 403])
def test_credentials_that_aws_does_not_accept_end_the_gate(mwaa, code, status):
    _, transport = mwaa(fault=lambda _: Fault(aws=AwsError(code, "It is old", status=status)))
    for ask in (lambda: transport.call(ASK), transport.environment):
        with pytest.raises(CannotTell, match=rf"credentials.*{code}: It is old") as caught:
            ask()
        assert caught.value.reason is Reason.ACCESS_DENIED
        assert "Renew the credentials" in caught.value.advice


@pytest.mark.parametrize("code", ["AccessDeniedException", "AccessDenied", "SomethingNewException"])
def test_a_denial_of_aws_ends_the_gate_and_names_the_permission(mwaa, code):
    _, transport = mwaa(fault=lambda _: Fault(aws=AwsError(code, "User: x is not authorized", status=403)))
    with pytest.raises(
        CannotTell, match="airflow:InvokeRestApi on environment sandbox in us-east-1: User: x"
    ) as caught:
        transport.call(ASK)
    assert caught.value.reason is Reason.ACCESS_DENIED
    assert "role/ENVIRONMENT/" in caught.value.advice
    with pytest.raises(CallFailed, match="airflow:GetEnvironment") as denied:
        transport.environment()
    assert (denied.value.reason, denied.value.retry) == (Reason.ACCESS_DENIED, False)


def test_an_unknown_environment_ends_the_gate(mwaa):
    _, transport = mwaa("nowhere")
    for ask in (lambda: transport.call(ASK), transport.environment):
        with pytest.raises(CannotTell, match="no environment nowhere in us-east-1") as caught:
            ask()
        assert caught.value.reason is Reason.NOT_FOUND


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AwsError("InternalServerException", "oops"), Reason.UNREACHABLE),
        (AwsError("ServiceUnavailable", "soon", status=503), Reason.UNREACHABLE),
        (AwsError("NewException", "?", status=418), Reason.BAD_RESPONSE),
    ],
)
def test_other_errors_of_aws_are_told_in_its_words_and_asked_again(mwaa, error, reason):
    _, transport = mwaa(fault=lambda _: Fault(aws=error))
    with pytest.raises(
        CallFailed, match=f"InvokeRestApi.*{error.code}.*{error.message.replace('?', '.')}"
    ) as caught:
        transport.call(ASK)
    assert (caught.value.reason, caught.value.retry, caught.value.throttled) == (reason, True, False)


@pytest.mark.parametrize(
    ("message", "advice"),
    [("Update your environment to use InvokeRestApi", "2.4.3"), ("1 validation error detected", "")],
)
def test_a_call_that_aws_finds_invalid_is_not_asked_again(mwaa, message, advice):
    _, transport = mwaa(fault=lambda _: Fault(aws=AwsError("ValidationException", message)))
    with pytest.raises(CallFailed, match=f"InvokeRestApi.*ValidationException: {message}") as caught:
        transport.call(ASK)
    assert (caught.value.reason, caught.value.retry) == (Reason.BAD_RESPONSE, False)
    assert advice in caught.value.advice
    assert bool(advice) == bool(caught.value.advice)


@pytest.mark.parametrize(("length", "sent"), [(64, 1), (65, 0), (250, 0)])
def test_a_path_that_is_too_long_is_never_sent(mwaa, backend, length, sent):
    sandbox, transport = mwaa()
    path = "/dags/" + "x" * (length - 6)
    if sent:
        assert transport.call(Request(path)).status == 200
    else:
        with pytest.raises(CallFailed, match=f"{length} characters") as caught:
            transport.call(Request(path))
        assert not caught.value.retry
    assert len(sandbox.calls) == len(backend.asked) == sent


def test_a_connection_that_is_reset_is_asked_again(mwaa):
    sandbox, transport = mwaa(fault=lambda _: Fault(reset=True))
    with pytest.raises(CallFailed, match="InvokeRestApi got no answer") as caught:
        transport.call(ASK)
    assert (caught.value.reason, caught.value.retry) == (Reason.UNREACHABLE, True)
    assert len(sandbox.calls) == 1, "botocore's own retries are off"
    sandbox.fault = None
    assert transport.call(ASK).status == 200


def test_an_answer_that_takes_too_long_is_asked_again(mwaa, monkeypatch):
    monkeypatch.setattr(aws_session, "CALL_TIMEOUT", 0.2)
    released = threading.Event()
    sandbox, transport = mwaa(fault=lambda _: released.wait(5) and None)
    try:
        with pytest.raises(CallFailed, match=r"InvokeRestApi got no answer.*timeout") as caught:
            transport.call(ASK)
    finally:
        released.set()
    assert (caught.value.reason, caught.value.retry) == (Reason.UNREACHABLE, True)
    sandbox.fault = None
    assert transport.call(ASK).status == 200


def test_a_server_that_is_gone_is_unreachable(mwaa):
    sandbox, transport = mwaa()
    sandbox.close()
    for ask in (lambda: transport.call(ASK), transport.environment):
        with pytest.raises(CallFailed, match=r"got no answer.*Could not connect") as caught:
            ask()
        assert (caught.value.reason, caught.value.retry) == (Reason.UNREACHABLE, True)


def test_a_server_that_does_not_accept_is_unreachable(signed, monkeypatch):
    monkeypatch.setattr(aws_session, "CONNECT_TIMEOUT", 0.2)
    monkeypatch.setattr(aws_session, "CALL_TIMEOUT", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        signed.setenv("AWS_ENDPOINT_URL_MWAA", f"http://127.0.0.1:{silent.getsockname()[1]}")
        transport = invoke_rest_api.connect("sandbox")
        with pytest.raises(CallFailed, match="got no answer") as caught:
            transport.call(ASK)
        transport._client.close()
    assert caught.value.reason is Reason.UNREACHABLE


def test_getenvironment_tells_its_facts(mwaa, backend):
    _, transport = mwaa(now=lambda: NOW)
    backend.facts = {**backend.facts, "Status": "UPDATING", "WebserverAccessMode": "PRIVATE_ONLY"}
    facts = transport.environment()
    assert (facts.status, facts.airflow_version, facts.webserver_access) == (
        "UPDATING",
        "3.0.6",
        "PRIVATE_ONLY",
    )
    assert facts.options == {"core.x": "1"}
    assert facts.date == NOW.replace(microsecond=0)


def test_the_gate_is_recognisable_in_cloudtrail(mwaa):
    agents = []
    _, transport = mwaa()
    transport._client.meta.events.register(
        "before-send.mwaa.*", lambda request, **_: agents.append(request.headers["User-Agent"])
    )
    transport.call(ASK)
    transport.environment()
    assert len(agents) == 2
    assert all(
        f"mwaa-gate/{__version__}".encode() in bytes(str(agent), "utf-8")
        or f"mwaa-gate/{__version__}" in str(agent)
        for agent in agents
    )


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Sun, 22 Nov 2026 02:00:00 GMT", NOW.replace(microsecond=0)),
        ("Sun, 22 Nov 2026 03:00:00 +0100", NOW.replace(microsecond=0)),
        ("Sun, 22 Nov 2026 02:00:00 -0000", None),
        ("2026-11-22T02:00:00Z", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_only_a_date_with_a_zone_is_one(text, date):
    assert parse_date(text) == date


@settings(deadline=None)
@given(
    st.text()
    | st.from_regex(r"\w{3}, \d{1,9} (Jan|Feb) \d{1,20} \d{1,9}:\d{1,9}:\d{1,9} [+-]\d{1,20}", fullmatch=True)
)
def test_any_text_is_a_date_or_none(text):
    date = parse_date(text)
    assert date is None or date.utcoffset() < timedelta(days=1)


@pytest.mark.parametrize("date", ["never", "", "Sun, 22 Nov 2026 02:00:00 -0000"])
def test_an_answer_without_a_usable_date_has_none(mwaa, date):
    body = {"RestApiStatusCode": 200, "RestApiResponse": {}}
    _, transport = mwaa(fault=raw(200, body, Date=date))
    answer = transport.call(ASK)
    assert (answer.status, answer.date) == (200, None)
