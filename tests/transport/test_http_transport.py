"""HttpTransport against servers that behave, and servers that do not, over real sockets."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest
from http_servers import JSON, VERSION, VERSION_2, calling, served, talking

from validator.errors import CallFailed, UsageError
from validator.reasons import Reason
from validator.transport.airflow_auth import NO_AUTH, Auth
from validator.transport.http import HttpTransport
from validator.transport.interface import Request


def call(answers, request=None, *, auth=NO_AUTH, base="", timeout=5.0):
    with served(answers) as server, calling(server.url + base, auth) as transport:
        return transport.call(request or Request("/dags"), timeout), server.asked


def failure(answers, request=None):
    with pytest.raises(CallFailed) as caught:
        call(answers, request)
    return caught.value


def test_v2_is_found_once_and_put_before_every_path():
    answers = {"/base/api/v2/version": VERSION, "/base/api/v2/dags": (200, JSON, b'{"dags": []}')}
    with served(answers) as server, calling(server.url + "/base/") as transport:
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
    with served(answers) as server, calling(server.url) as transport:
        assert transport.call(Request("/dags"), 5).status == 503
        answers["/api/v2/version"] = VERSION
        answers["/api/v2/dags"] = (200, {}, b"{}")
        assert transport.call(Request("/dags"), 5).status == 200


HTML = {"Content-Type": "text/html; charset=utf-8"}
STRANGERS = {
    "nothing but 404": ((404, HTML, b"<html>"), "an HTML page (HTTP 404)"),
    "a static site": ((200, HTML, b"<!doctype html><title>Welcome"), "an HTML page (HTTP 200)"),
    "a page without a type": ((200, {}, b"  <html>a portal"), "an HTML page (HTTP 200)"),
    "a JSON API": ((200, JSON, b'{"status": "ok"}'), "JSON without it (HTTP 200)"),
    "a JSON API with another version": ((200, JSON, b'{"version": "v1"}'), "JSON without it (HTTP 200)"),
    "a version that is no text": ((200, JSON, b'{"version": 3.0}'), "JSON without it (HTTP 200)"),
    "a version from a proxy's error": ((404, JSON, b'{"version": "3.0.6"}'), "JSON without it (HTTP 404)"),
    "a list": ((200, JSON, b"[]"), "JSON without it (HTTP 200)"),
    "text": ((200, {}, b"OK"), "text that is no JSON (HTTP 200)"),
    "half a body": ((200, JSON, b'{"version": "3.0'), "text that is no JSON (HTTP 200)"),
    "nested without end": ((200, JSON, b"[" * 100_000), "text that is no JSON (HTTP 200)"),
    "no content": ((204, {}, b""), "nothing (HTTP 204)"),
    "an empty answer": ((200, JSON, b""), "nothing (HTTP 200)"),
    "created": ((201, JSON, b'{"version": "3.0.6"}'), "JSON without it (HTTP 201)"),
}


@pytest.mark.parametrize(("answer", "kind"), STRANGERS.values(), ids=STRANGERS)
def test_what_is_no_airflow_is_a_bad_response_that_says_what_answered(answer, kind):
    with served(lambda *_: answer) as server, calling(server.url) as transport:
        with pytest.raises(CallFailed) as caught:
            transport.call(Request("/dags"), 5)
        assert caught.value.reason is Reason.BAD_RESPONSE
        assert caught.value.message == (
            f"{server.url} is no Airflow: /api/v2/version answered {kind} and /api/v1/version answered {kind}, where "
            "one would tell its version"
        )


def test_a_page_for_every_path_but_the_version_is_no_answer_of_the_api():
    error = failure({"/api/v2/version": VERSION, "/api/v2/dags": (200, HTML, b"<html>Sign in")})
    assert error.reason is Reason.BAD_RESPONSE
    assert "answered GET /dags with an HTML page (HTTP 200)" in error.message


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x15\x03\x01\x00\x02\x02P",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 200 + b"\r\n",
    ],
    ids=["ssh", "tls", "no number", "a long header", "many headers"],
)
def test_what_speaks_no_sound_http_is_a_bad_response(said):
    def talk(connection):
        connection.recv(1000)
        connection.sendall(said)

    with (
        talking(talk) as port,
        calling(f"http://127.0.0.1:{port}") as transport,
        pytest.raises(CallFailed) as caught,
    ):
        transport.call(Request("/dags"), 5)
    assert caught.value.reason is Reason.BAD_RESPONSE
    assert caught.value.message.endswith("answered with what is no HTTP, or no sound one")


def test_a_compressed_answer_that_nobody_asked_for_is_not_unpacked():
    bomb = gzip.compress(b"0" * 10_000_000)
    error = failure(
        {"/api/v2/version": VERSION, "/api/v2/dags": (200, {"Content-Encoding": "gzip"}, bomb)},
    )
    assert (error.reason, "compressed its answer" in error.message) == (Reason.BAD_RESPONSE, True)


@pytest.mark.parametrize(
    ("start", "seconds", "said"),
    [
        (b"", 0.1, "did not answer in time"),
        (b"HTTP/1.1 200 OK\r\n", 0.1, "did not answer in time"),
        (b"HTTP/1.1 200 OK\r\n\r\n", 0.5, "did not finish its answer"),
    ],
)
def test_an_answer_that_drips_does_not_get_more_than_its_time(start, seconds, said):
    ended = threading.Event()

    def talk(connection):
        connection.recv(1000)
        connection.sendall(start)
        while not ended.wait(0.02):
            connection.sendall(b"X")

    with talking(talk) as port, calling(f"http://127.0.0.1:{port}") as transport:
        began = time.monotonic()
        with pytest.raises(CallFailed) as caught:
            transport.call(Request("/dags"), seconds)
        ended.set()
    assert caught.value.reason is Reason.UNREACHABLE
    assert caught.value.message.endswith(said)
    assert time.monotonic() - began < 3


def test_the_api_is_learnt_once_however_many_ask():
    answers = {"/api/v2/version": VERSION, "/api/v2/dags": (200, JSON, b"{}")}
    with served(answers) as server, calling(server.url) as transport, ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: transport.call(Request("/dags"), 5).status, range(16)))
        assert statuses == [200] * 16
        assert [path for _, path, *_ in server.asked].count("/api/v2/version") == 1


def test_there_is_advice_for_each_reason_in_words_of_a_plain_url():
    advice = HttpTransport("http://127.0.0.1").advice
    assert set(advice) == {Reason.ACCESS_DENIED, Reason.NOT_FOUND, Reason.UNREACHABLE, Reason.BAD_RESPONSE}
    for text in advice.values():
        assert text.endswith(".")
        assert not any(word in text for word in ("IAM", "VPC ", "region", "CloudWatch", "InvokeRestApi"))


@pytest.mark.parametrize("status", [200, 204, 400, 403, 404, 422, 500, 503])
def test_every_status_is_an_answer(status):
    body = b"" if status == 204 else b'{"detail": null}'
    answer, _ = call({"/api/v2/version": VERSION, "/api/v2/dags": (status, {}, body)})
    assert (answer.status, answer.body) == (status, {"detail": None} if body else None)


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
        (NO_AUTH, None),
        (Auth(user="ann", password="s€cret"), "Basic YW5uOnPigqxjcmV0"),
        (Auth(token="t0k3n"), "Bearer t0k3n"),
    ],
)
def test_credentials_go_with_each_call_to_airflow_2_also_with_those_that_learn_the_version(auth, header):
    _, asked = call({"/api/v1/version": VERSION_2, "/api/v1/dags": (200, JSON, b"{}")}, auth=auth)
    assert [headers.get("Authorization") for _, _, headers, _ in asked] == [header] * 3


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host",
        "host:8080",
        "http://",
        "http://user:s3cret@host",
        "user:s3cret@host",
        "ftp://user:s3cret@host",
        "http://h/?a=b",
        "http://h/#a",
        "http://h/a b",
        "http://h/\x1b[31m",
        "http://h/\u202egpj",
        "http://h:99999",
        "http://h:0",
        "http://[::1",
    ],
)
def test_a_url_that_cannot_be_called_is_refused_without_its_secrets(url):
    with pytest.raises(UsageError) as caught:
        HttpTransport(url)
    assert "s3cret" not in caught.value.message + caught.value.advice


@pytest.mark.parametrize("suffix", ["/", "//", "/api/v2", "/api/v1/", "/home", "/home/"])
@pytest.mark.parametrize("base", ["", "/base", "/a/b"])
def test_what_a_browser_shows_at_the_end_of_the_url_does_no_harm(base, suffix):
    assert HttpTransport(f"http://host{base}{suffix}").where == f"http://host{base}"


def test_a_path_is_sent_as_it_is_however_long_with_what_it_escapes():
    path = f"/dags/{'d' * 250}%2Fa%20b%3Fc"
    answers = {"/api/v2/version": VERSION, f"/api/v2{path}": (200, JSON, b"{}")}
    query = {"tags": ["a b", "ü&c"], "paused": False}
    answer, asked = call(answers, Request(path, query))
    assert answer.status == 200
    assert asked[-1][1] == f"/api/v2{path}?tags=a+b&tags=%C3%BC%26c&paused=false"


@pytest.mark.parametrize("age", ["6", "86400", "9" * 5000])
@pytest.mark.parametrize("status", [200, 404])
def test_a_page_that_a_cache_has_kept_is_no_answer_and_may_be_newer_later(age, status):
    page = (status, {**JSON, "Age": age}, b'{"dags": []}')
    error = failure({"/api/v2/version": VERSION, "/api/v2/dags": page})
    assert (error.reason, error.retry) == (Reason.BAD_RESPONSE, True)
    assert f"has kept for {age[:9]} s" in error.message


@pytest.mark.parametrize("age", ["", "0", "5", "-1", "soon", "1e9"])
def test_an_age_that_says_nothing_of_a_cache_does_no_harm(age):
    page = (200, {**JSON, "Age": age}, b'{"dags": []}')
    answer, asked = call({"/api/v2/version": VERSION, "/api/v2/dags": page})
    assert answer.body == {"dags": []}
    assert all(headers["Cache-Control"] == "no-cache" for _, _, headers, _ in asked)


@pytest.mark.parametrize("body", [b"", b'{"dags": ['])
def test_a_body_cut_off_is_a_bad_response(body):
    error = failure({"/api/v2/version": VERSION, "/api/v2/dags": (200, {"Content-Length": "500"}, body)})
    assert (error.reason, error.retry) == (Reason.BAD_RESPONSE, True)


def test_a_body_without_end_is_a_bad_response(monkeypatch):
    monkeypatch.setattr("validator.transport.http_wire.MAX_BODY", 1000)
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
