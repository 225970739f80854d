"""The proxy in front of a real Airflow: what passes, and what Airflow's silence becomes."""

from __future__ import annotations

import socket

import pytest

from validator.errors import CallFailed, UsageError
from validator.reasons import Reason
from validator.sandbox.proxy import AirflowProxy, read_options
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
