"""HttpTransport against servers that behave, and servers that do not, over real sockets."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from validator.errors import CallFailed, UsageError
from validator.reasons import Reason
from validator.transport.http import Auth, HttpTransport
from validator.transport.interface import Request

JSON = {"Content-Type": "application/json"}
VERSION = (200, JSON, b'{"version": "3.0.6"}')


@contextmanager
def airflow(answers):
    """A server that answers by path (without the query); what was asked is kept in `asked`."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def answer(self):
            length = int(self.headers.get("Content-Length", 0))
            asked.append((self.command, self.path, dict(self.headers), self.rfile.read(length)))
            status, headers, body = answers.get(self.path.partition("?")[0], (404, {}, b"<html>"))
            self.send_response_only(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
            if "Content-Length" in headers:
                self.close_connection = True

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - http.server's names

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    server.asked = asked
    server.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def calling(url, auth=None):
    transport = HttpTransport(url, auth) if auth else HttpTransport(url)
    try:
        yield transport
    finally:
        transport.close()


def call(answers, request=None, *, auth=None, base="", timeout=5.0):
    with airflow(answers) as server, calling(server.url + base, auth) as transport:
        return transport.call(request or Request("/dags"), timeout), server.asked


def failure(answers, request=None):
    with pytest.raises(CallFailed) as caught:
        call(answers, request)
    return caught.value


def test_v2_is_found_once_and_put_before_every_path():
    answers = {"/base/api/v2/version": VERSION, "/base/api/v2/dags": (200, JSON, b'{"dags": []}')}
    with airflow(answers) as server, calling(server.url + "/base/") as transport:
        for _ in range(2):
            answer = transport.call(Request("/dags", {"limit": 5, "exclude_stale": True}), 5)
            assert (answer.status, answer.body) == (200, {"dags": []})
        assert [path for _, path, *_ in server.asked] == [
            "/base/api/v2/version",
            "/base/api/v2/dags?limit=5&exclude_stale=true",
            "/base/api/v2/dags?limit=5&exclude_stale=true",
        ]


@pytest.mark.parametrize("body", [b"<!DOCTYPE html>", b'{"error": "API route not found"}'])
def test_a_404_for_v2_means_v1(body):
    answers = {
        "/api/v2/version": (404, {}, body),
        "/api/v1/version": VERSION,
        "/api/v1/dags": (200, {}, b"1"),
    }
    answer, asked = call(answers)
    assert answer.body == 1
    assert [path for _, path, *_ in asked] == ["/api/v2/version", "/api/v1/version", "/api/v1/dags"]


def test_a_denial_or_5xx_while_learning_is_an_answer_and_is_learnt_again():
    answers = {"/api/v2/version": (503, {}, b"<html>restarting")}
    with airflow(answers) as server, calling(server.url) as transport:
        assert transport.call(Request("/dags"), 5).status == 503
        answers["/api/v2/version"] = VERSION
        answers["/api/v2/dags"] = (200, {}, b"{}")
        assert transport.call(Request("/dags"), 5).status == 200


@pytest.mark.parametrize("answers", [{}, {"/api/v2/version": (200, {}, b"<html>a portal")}])
def test_what_is_no_airflow_is_a_bad_response(answers):
    assert failure(answers).reason is Reason.BAD_RESPONSE


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 422, 500, 503])
def test_every_status_is_an_answer(status):
    answer, _ = call({"/api/v2/version": VERSION, "/api/v2/dags": (status, {}, b'{"detail": null}')})
    assert (answer.status, answer.body) == (status, {"detail": None})


@pytest.mark.parametrize(
    ("content", "body"),
    [(b"", None), (b"<html>Ooops", "<html>Ooops"), (b'{"', '{"'), (b"\xff", "\ufffd")],
)
def test_a_body_that_is_no_json_is_text(content, body):
    answer, _ = call({"/api/v2/version": VERSION, "/api/v2/dags": (200, {}, content)})
    assert answer.body == body


def test_method_body_and_date():
    answers = {
        "/api/v2/version": VERSION,
        "/api/v2/dags/a": (200, {"Date": "Sun, 22 Nov 2026 02:00:00 GMT"}, b"{}"),
    }
    answer, asked = call(answers, Request("/dags/a", {"update_mask": "x"}, "PATCH", {"is_paused": True}))
    method, path, headers, content = asked[-1]
    assert (method, path) == ("PATCH", "/api/v2/dags/a?update_mask=x")
    assert json.loads(content) == {"is_paused": True}
    assert headers["Content-Type"] == "application/json"
    assert answer.date == datetime(2026, 11, 22, 2, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        (Auth(), None),
        (Auth(user="ann", password="s€cret"), "Basic YW5uOnPigqxjcmV0"),
        (Auth(token="t0k3n"), "Bearer t0k3n"),
    ],
)
def test_auth_is_sent_and_never_shown(auth, header):
    _, asked = call({"/api/v2/version": VERSION}, auth=auth)
    assert asked[-1][2].get("Authorization") == header
    assert "Auth()" in repr(auth)


@pytest.mark.parametrize("token", ["", "a b", "t0k3n\n", "t€k3n"])
def test_a_token_that_no_header_can_carry_is_refused_unshown(token):
    with pytest.raises(UsageError) as caught:
        Auth(token=token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host",
        "host:8080",
        "http://",
        "http://user:s3cret@host",
        "http://h/?a=b",
        "http://h:99999",
        "http://[::1",
    ],
)
def test_a_url_that_cannot_be_called_is_refused_without_its_secrets(url):
    with pytest.raises(UsageError) as caught:
        HttpTransport(url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["/", "/api/v2", "/api/v1/"])
def test_an_api_prefix_in_the_url_does_no_harm(suffix):
    assert HttpTransport(f"https://host/base{suffix}").where == "https://host/base"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status):
    error = failure({"/api/v2/version": (status, {"Location": "https://login.example.com/x?state=1"}, b"")})
    assert error.reason is Reason.BAD_RESPONSE
    assert "login.example.com" in error.message
    assert "state" not in error.message


@pytest.mark.parametrize("body", [b"", b'{"dags": ['])
def test_a_body_cut_off_is_a_bad_response(body):
    error = failure({"/api/v2/version": VERSION, "/api/v2/dags": (200, {"Content-Length": "500"}, body)})
    assert (error.reason, error.retry) == (Reason.BAD_RESPONSE, True)


def test_a_body_without_end_is_a_bad_response(monkeypatch):
    monkeypatch.setattr("validator.transport.http.MAX_BODY", 1000)
    error = failure({"/api/v2/version": VERSION, "/api/v2/dags": (200, {}, b"x" * 5000)})
    assert error.reason is Reason.BAD_RESPONSE


def test_nobody_there_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with calling(f"http://127.0.0.1:{port}") as transport, pytest.raises(CallFailed) as caught:
        transport.call(Request("/dags"), 5)
    assert (caught.value.reason, caught.value.retry) == (Reason.UNREACHABLE, True)
    assert "refused" in caught.value.message


def test_a_server_that_never_answers_is_unreachable():
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with calling(url) as transport, pytest.raises(CallFailed) as caught:
            transport.call(Request("/dags"), 0.05)
    assert (caught.value.reason, caught.value.retry) == (Reason.UNREACHABLE, True)


def test_there_are_no_environment_facts_behind_a_url():
    assert HttpTransport("http://127.0.0.1").environment() is None
