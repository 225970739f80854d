"""A user and a password, or nobody, at an Airflow 3: the token, its renewal, and logins that fail."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from http_servers import JSON, NOT_FOUND, VERSION, VERSION_2, calling, served

from validator.errors import CallFailed
from validator.reasons import Reason
from validator.transport.airflow_auth import NO_AUTH, Auth
from validator.transport.airflow_login import RENEW_AFTER
from validator.transport.interface import Request

ANN = Auth("ann", "s3cret-wörd")
NOT_AUTHENTICATED = (401, JSON, b'{"detail":"Not authenticated"}')
EXPIRED = (401, JSON, b'{"detail":"Token Expired"}')
BAD_TOKEN = (403, JSON, b'{"detail":"Invalid JWT token"}')
FORBIDDEN = (403, JSON, b'{"detail":"Forbidden"}')
DAGS = Request("/dags", {"limit": 1})


class Airflow3:
    """What Airflow 3 with the simple auth manager does about tokens, as measured on 3.0.6."""

    def __init__(self, base=""):
        self.base = base
        self.valid = set()
        self.issued = 0
        self.all_admins = False
        self.refusal = EXPIRED
        self.permission = None
        self.logins = []
        self.lock = threading.Lock()

    def __call__(self, method, path, headers, body):
        path = path.partition("?")[0]
        if path == f"{self.base}/api/v2/version":
            return VERSION
        if path == f"{self.base}/auth/token":
            return self.login(method, headers, body)
        if not path.startswith(f"{self.base}/api/v2/"):
            return NOT_FOUND
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            return NOT_AUTHENTICATED
        with self.lock:
            if token not in self.valid:
                return self.refusal
        return self.permission or (200, JSON, b'{"dags": []}')

    def login(self, method, headers, body):
        with self.lock:
            self.logins.append((method, headers.get("Authorization")))
            wanted = {"username": ANN.user, "password": ANN.password}
            if method == "GET" and not self.all_admins:
                return FORBIDDEN
            if method == "POST" and json.loads(body) != wanted:
                return (401, JSON, b'{"detail":"Invalid credentials"}')
            self.issued += 1
            token = f"t{self.issued}"
            self.valid.add(token)
            return (201, JSON, json.dumps({"access_token": token}).encode())

    def expire(self):
        with self.lock:
            self.valid.clear()


class Clock:
    def __init__(self):
        self.seconds = 100.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


def failure(transport, request=DAGS):
    with pytest.raises(CallFailed) as caught:
        transport.call(request, 5)
    return caught.value


@pytest.mark.parametrize("base", ["", "/base"])
def test_a_user_and_password_become_one_token_for_all_calls(base):
    airflow = Airflow3(base)
    with served(airflow) as server, calling(server.url + base, ANN) as transport:
        for _ in range(3):
            assert transport.call(DAGS, 5).body == {"dags": []}
        assert [(method, path) for method, path, *_ in server.asked] == [
            ("GET", f"{base}/api/v2/version"),
            ("POST", f"{base}/auth/token"),
            *[("GET", f"{base}/api/v2/dags?limit=1")] * 3,
        ]
        assert airflow.logins == [("POST", None)]


@pytest.mark.parametrize("refusal", [EXPIRED, BAD_TOKEN, NOT_AUTHENTICATED])
def test_a_token_that_ends_in_the_middle_of_parallel_calls_is_renewed_once(refusal, clock):
    airflow = Airflow3()
    with (
        served(airflow) as server,
        calling(server.url, ANN, now=clock) as transport,
        ThreadPoolExecutor(8) as pool,
    ):
        assert transport.call(DAGS, 5).status == 200
        airflow.refusal = refusal
        airflow.expire()
        clock.seconds += RENEW_AFTER
        statuses = list(pool.map(lambda _: transport.call(DAGS, 5).status, range(24)))
    assert statuses == [200] * 24
    assert len(airflow.logins) == 2


def test_eight_at_once_log_in_once():
    airflow = Airflow3()
    with served(airflow) as server, calling(server.url, ANN) as transport, ThreadPoolExecutor(8) as pool:
        assert {answer.status for answer in pool.map(lambda _: transport.call(DAGS, 5), range(8))} == {200}
    assert len(airflow.logins) == 1


def test_a_call_that_changes_something_is_repeated_with_its_body_after_a_renewal(clock):
    airflow = Airflow3()
    with served(airflow) as server, calling(server.url, ANN, now=clock) as transport:
        transport.call(DAGS, 5)
        airflow.expire()
        clock.seconds += RENEW_AFTER
        assert transport.call(Request("/dags/a/dagRuns", method="POST", body={"x": 1}), 5).status == 200
        assert server.asked[-1][3] == b'{"x": 1}'


def test_a_token_that_is_refused_young_is_not_renewed_again_and_again(clock):
    airflow = Airflow3()
    with served(airflow) as server, calling(server.url, ANN, now=clock) as transport:
        transport.call(DAGS, 5)
        airflow.expire()
        assert transport.call(DAGS, 5).status == 401
        clock.seconds += RENEW_AFTER - 0.1
        assert transport.call(DAGS, 5).status == 401
        assert len(airflow.logins) == 1
        clock.seconds += 0.1
        assert transport.call(DAGS, 5).status == 200
        assert len(airflow.logins) == 2


def test_a_permission_that_lacks_is_an_answer_and_no_reason_to_log_in_again(clock):
    airflow = Airflow3()
    airflow.permission = FORBIDDEN
    with served(airflow) as server, calling(server.url, ANN, now=clock) as transport:
        for _ in range(3):
            clock.seconds += RENEW_AFTER
            answer = transport.call(DAGS, 5)
            assert (answer.status, answer.body) == (403, {"detail": "Forbidden"})
    assert len(airflow.logins) == 1


def test_a_wrong_password_is_denied_for_all_who_wait_after_one_login(clock):
    airflow = Airflow3()
    wrong = Auth("ann", "wrong-s3cret")
    with (
        served(airflow) as server,
        calling(server.url, wrong, now=clock) as transport,
        ThreadPoolExecutor(8) as pool,
    ):
        for error in pool.map(lambda _: failure(transport), range(8)):
            assert (error.reason, error.status, error.retry) == (Reason.ACCESS_DENIED, 401, False)
            assert error.message == (
                f"{server.url}/auth/token refused the user and password that are given (HTTP 401)"
            )
        assert len(airflow.logins) == 1
        clock.seconds += RENEW_AFTER
        failure(transport)
        assert len(airflow.logins) == 2
        assert all(not path.startswith("/api/v2/dags") for _, path, *_ in server.asked)


def test_a_password_that_was_changed_meanwhile_is_denied(clock):
    airflow = Airflow3()
    with served(airflow) as server, calling(server.url, ANN, now=clock) as transport:
        transport.call(DAGS, 5)
        airflow.expire()
        airflow.login = lambda *_: (401, JSON, b"{}")
        clock.seconds += RENEW_AFTER
        for _ in range(2):
            assert failure(transport).reason is Reason.ACCESS_DENIED


def test_nobody_is_an_admin_where_everybody_is_one():
    airflow = Airflow3()
    airflow.all_admins = True
    with served(airflow) as server, calling(server.url) as transport, ThreadPoolExecutor(8) as pool:
        assert {answer.status for answer in pool.map(lambda _: transport.call(DAGS, 5), range(16))} == {200}
    assert airflow.logins == [("GET", None)]


def test_nobody_asks_for_no_token_that_is_not_demanded():
    answers = {"/api/v2/version": VERSION, "/api/v2/dags": (200, JSON, b"{}")}
    with served(answers) as server, calling(server.url) as transport:
        assert transport.call(DAGS, 5).status == 200
        assert [path for _, path, *_ in server.asked] == ["/api/v2/version", "/api/v2/dags?limit=1"]


def test_nobody_is_told_that_credentials_are_missing(clock):
    airflow = Airflow3()
    with served(airflow) as server, calling(server.url, now=clock) as transport:
        for _ in range(3):
            error = failure(transport)
            assert (error.reason, error.status, error.retry) == (Reason.ACCESS_DENIED, 401, False)
            assert "demands credentials, none are given" in error.message
    assert airflow.logins == [("GET", None)]


@pytest.mark.parametrize(
    "answers",
    [
        {"/api/v1/version": VERSION_2, "/api/v1/dags": (401, JSON, b'{"detail": null}')},
        {"/api/v2/version": (401, {"WWW-Authenticate": "Basic"}, b"<html>")},
    ],
    ids=["Airflow 2", "a proxy in front"],
)
def test_nobody_is_told_the_same_by_airflow_2_and_by_what_stands_in_front(answers):
    with served(answers) as server, calling(server.url) as transport:
        error = failure(transport)
        assert (error.reason, error.status, error.retry) == (Reason.ACCESS_DENIED, 401, False)
        assert error.message == f"{server.url} demands credentials, and none are given (HTTP 401)"
        assert all("/auth/token" not in path for _, path, *_ in server.asked)


def test_a_token_of_the_users_own_is_sent_and_never_renewed():
    airflow = Airflow3()
    with served(airflow) as server, calling(server.url, Auth(token="own")) as transport:
        assert transport.call(DAGS, 5).status == 401
        airflow.refusal = BAD_TOKEN
        error = failure(transport)
        assert (error.reason, error.status, error.retry) == (Reason.ACCESS_DENIED, 401, False)
        airflow.valid.add("own")
        assert transport.call(DAGS, 5).status == 200
        assert {headers["Authorization"] for _, _, headers, _ in server.asked} == {"Bearer own"}
    assert airflow.logins == []


@pytest.mark.parametrize("auth", [ANN, Auth(token="own"), NO_AUTH])
def test_airflow_2_is_never_asked_for_a_token(auth):
    answers = {"/api/v1/version": VERSION_2, "/api/v1/dags": (403, JSON, b'{"detail": null}')}
    with served(answers) as server, calling(server.url, auth) as transport:
        assert transport.call(DAGS, 5).status == 403
        assert all("/auth/token" not in path for _, path, *_ in server.asked)


GARBAGE = {
    "an HTML page": (200, {"Content-Type": "text/html"}, b"<html>Sign in"),
    "no such route": NOT_FOUND,
    "no such method": (405, JSON, b'{"detail":"Method Not Allowed"}'),
    "another shape, echoed": (422, JSON, json.dumps({"detail": [{"input": ANN.password}]}).encode()),
    "forbidden": FORBIDDEN,
    "nothing": (204, {}, b""),
    "no token": (201, JSON, b'{"token": "x"}'),
    "a list": (201, JSON, b"[]"),
    "a token that is null": (201, JSON, b'{"access_token": null}'),
    "an empty token": (201, JSON, b'{"access_token": ""}'),
    "a token with a line break": (201, JSON, b'{"access_token": "a\\r\\nX-Evil: 1"}'),
    "a token of other letters": (201, JSON, '{"access_token": "tökén"}'.encode()),
    "half a body": (201, JSON, b'{"access_token": "abc'),
    "nested without end": (201, JSON, b"[" * 50_000),
}


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("auth", [ANN, NO_AUTH], ids=["user", "nobody"])
def test_a_login_that_gives_no_token_is_denied_and_quotes_nothing(auth, answer):
    answers = {"/api/v2/version": VERSION, "/auth/token": answer, "/api/v2/dags": NOT_AUTHENTICATED}
    with served(answers) as server, calling(server.url, auth) as transport:
        error = failure(transport)
        assert (error.reason, error.status, error.retry) == (Reason.ACCESS_DENIED, 401, False)
        assert f"{server.url}/auth/token gives no token" in error.message
        assert "Evil" not in error.message
        assert ANN.password not in error.message


@pytest.mark.parametrize(
    ("answer", "reason", "throttled"),
    [
        ((503, {}, b"<html>starting"), Reason.UNREACHABLE, False),
        ((429, JSON, b"{}"), Reason.UNREACHABLE, True),
        ((201, {"Content-Length": "500"}, b'{"access'), Reason.BAD_RESPONSE, False),
    ],
    ids=["starting", "throttled", "cut off"],
)
def test_a_login_that_may_do_better_later_is_tried_again_at_once(answer, reason, throttled):
    answers = {"/api/v2/version": VERSION, "/auth/token": answer, "/api/v2/dags": (200, JSON, b"{}")}
    with served(answers) as server, calling(server.url, ANN) as transport:
        error = failure(transport)
        assert (error.reason, error.throttled, error.retry) == (reason, throttled, True)
        answers["/auth/token"] = (201, JSON, b'{"access_token": "abc"}')
        assert transport.call(DAGS, 5).status == 200


def test_a_login_that_hangs_takes_no_longer_than_the_call():
    ended = threading.Event()

    def hang(method, path, headers, body):
        if path == "/auth/token":
            ended.wait(10)
        return VERSION

    with served(hang) as server, calling(server.url, ANN) as transport, ThreadPoolExecutor(3) as pool:

        def call(_):
            with pytest.raises(CallFailed) as caught:
                transport.call(DAGS, 0.2)
            return caught.value.reason

        assert list(pool.map(call, range(3))) == [Reason.UNREACHABLE] * 3
        ended.set()
