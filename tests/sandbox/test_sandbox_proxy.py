"""The proxy in front of a real Airflow: what passes, and what Airflow's silence becomes."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from validator.errors import CallFailed, UsageError
from validator.reasons import Reason
from validator.sandbox.proxy import AirflowProxy, read_options
from validator.transport.airflow_auth import Auth
from validator.transport.http import HttpTransport
from validator.transport.interface import Answer


class FakeTransport:
    def __init__(self, answer):
        self.answer = answer
        self.asked = []

    def call(self, request, timeout):
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_method_path_query_and_body_pass_and_so_does_the_answer():
    transport = FakeTransport(Answer(404, {"detail": None}, None))
    proxy = AirflowProxy(transport)
    assert proxy.call("PATCH", "/dags/a%20b", {"update_mask": "x"}, {"y": 1}) == (404, {"detail": None})
    (request,) = transport.asked
    assert (request.method, request.path, request.query, request.body) == (
        ("PATCH", "/dags/a%20b", {"update_mask": "x"}, {"y": 1})
    )


@pytest.mark.parametrize(
    ("reason", "status"),
    [(Reason.UNREACHABLE, 504), (Reason.BAD_RESPONSE, 502), (Reason.ACCESS_DENIED, 401)],
)
def test_no_answer_is_a_5xx_but_a_login_refused_is_a_401(reason, status):
    assert AirflowProxy(FakeTransport(CallFailed(reason, "gone"))).call("GET", "/dags", {}, None) == (
        (status, "gone")
    )


def test_nobody_there_is_a_5xx():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    transport = HttpTransport(f"http://127.0.0.1:{port}")
    status, message = AirflowProxy(transport).call("GET", "/dags", {}, None)
    assert (status, "refused" in str(message)) == (504, True)


def test_the_environment_tells_airflows_version_and_the_options_given():
    proxy = AirflowProxy(FakeTransport(Answer(200, {"version": "2.10.5"}, None)), {"core.x": "5"})
    assert proxy.environment() == {"AirflowVersion": "2.10.5", "AirflowConfigurationOptions": {"core.x": "5"}}
    silent = AirflowProxy(FakeTransport(Answer(503, "<html>", None)))
    assert silent.environment() == {"AirflowConfigurationOptions": {}}


def test_options_are_read_from_texts():
    assert read_options(("core.x=5", "a.b=c=d")) == {"core.x": "5", "a.b": "c=d"}
    for wrong in ("core.x", "=5", "x=5"):
        with pytest.raises(UsageError):
            read_options((wrong,))


@pytest.mark.parametrize(
    ("status", "content_type", "sent", "told"),
    [
        (204, "text/html; charset=utf-8", b"", (204, None)),  # Airflow 2, after the DELETE of a variable
        (204, "application/json", b"", (204, None)),
        (200, "application/json", b'{"a": [1]}', (200, {"a": [1]})),
        (200, "application/json", b"[1, 2]", (200, [1, 2])),
        (200, "text/plain", b"two words", (200, "two words")),
        (500, "text/html", b"<h1>Ooops!</h1>", (500, "<h1>Ooops!</h1>")),
        (
            409,
            "application/json",
            b'{"detail": {"reason": "unique"}}',
            (409, {"detail": {"reason": "unique"}}),
        ),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_every_kind_of_body_passes_for_every_method(method, status, content_type, sent, told):
    class Airflow(BaseHTTPRequestHandler):
        def do(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            version = self.path == "/api/v2/version"
            self.send_response(200 if version else status)
            self.send_header("Content-Type", "application/json" if version else content_type)
            body = b'{"version": "3.0.6"}' if version else sent
            if body:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do  # noqa: N815 - http.server's names

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Airflow) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            transport = HttpTransport(f"http://127.0.0.1:{server.server_port}", Auth(token="made-up-token"))
            body = None if method in ("GET", "DELETE") else {"x": 1}
            assert AirflowProxy(transport).call(method, "/anything/at%20all", {}, body) == told
            transport.close()
        finally:
            server.shutdown()
            thread.join()
