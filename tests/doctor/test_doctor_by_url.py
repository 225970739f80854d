"""The doctor of a plain Airflow: over real HTTP, with each kind of credentials."""

from __future__ import annotations

import json
import re
import threading
from datetime import datetime, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest

from validator.doctor import ask_airflow, examine
from validator.doctor.examine import Case
from validator.doctor.model import ORDER, Status
from validator.sandbox.api import Role
from validator.sandbox.simulation import Simulation
from validator.target import Http, Target
from validator.transport.airflow_auth import Auth

TOKEN = Auth(token="the-token-of-a-viewer")
AWS_ONLY = {"credentials", "region", "caller", "environment", "web-server", "invoke-rest-api"}


class Airflow:
    """A simulated Airflow as a plain web server that demands a token; what it is asked is in `asked`."""

    def __init__(self, simulation):
        self.dates = True
        self.version = None
        self.asked = []
        prefix = "/api/v2" if simulation.world.rules.major > 2 else "/api/v1"
        airflow = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def serve(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                airflow.asked.append(f"{self.command} {self.path}")
                parts = urlsplit(self.path)
                public = parts.path.endswith(("/version", "/health"))
                if not parts.path.startswith(prefix + "/"):
                    status, body = 404, {"error": "API route not found"}
                elif not public and self.headers.get("Authorization") != f"Bearer {TOKEN.token}":
                    status, body = 401, {"detail": f"Not authenticated: {self.headers.get('Authorization')}"}
                else:
                    path = parts.path.removeprefix(prefix)
                    status, body = simulation.call(self.command, path, dict(parse_qsl(parts.query)), None)
                if airflow.version is not None and parts.path == f"{prefix}/version":
                    body = {"version": airflow.version}
                data = json.dumps(body).encode()
                self.send_response_only(status)
                if airflow.dates:
                    self.send_header("Date", format_datetime(datetime.now(timezone.utc), usegmt=True))
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = serve  # noqa: N815 - http.server's names

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def airflow(machine, world):
    started = []

    def go(version="3.0.6", **options):
        started.append(Airflow(Simulation(world(version), **options)))
        return started[-1]

    yield go
    for one in started:
        one.close()


def look(url, auth=TOKEN):
    told = examine.examine(Case(Target(url, http=Http(auth)), 1000.0))
    assert {line.id for line in told.lines} == set(ORDER) - AWS_ONLY
    return told, {line.id: line for line in told.lines}


@pytest.mark.parametrize("version", ["2.10.5", "3.0.6"])
def test_all_is_ok_and_only_looked_at(airflow, version):
    server = airflow(version)
    told, lines = look(server.url)
    assert {line.status for line in told.lines} == {Status.OK}, told.lines
    assert lines["login"].message == "Airflow takes a token."
    assert lines["role"].details["role"] == "Viewer or User"
    assert lines["scan-interval"].message.endswith("since nobody tells what is set.")
    assert all(call.startswith("GET ") for call in server.asked)


@pytest.mark.parametrize("version", ["2.10.5", "3.0.6"])
@pytest.mark.parametrize(
    ("auth", "said"),
    [(Auth(), "No credentials are given"), (Auth(token="another-token"), "Called by a token")],
)
def test_a_refused_login_is_the_one_cause_and_shows_no_token(airflow, version, auth, said):
    told, lines = look(airflow(version).url, auth)
    assert lines["login"].status is Status.PROBLEM
    assert said in lines["login"].message
    assert told.first(Status.PROBLEM) is lines["login"]
    assert told.exit_code == 1
    assert "another-token" not in repr(told)


def test_a_role_that_may_read_nothing_is_no_bad_login(airflow):
    _, lines = look(airflow("2.10.5", role=Role("Public")).url)
    assert lines["login"].status is Status.OK
    assert lines["role"].status is Status.PROBLEM


def test_nobody_there_is_one_problem(machine):
    machine.setattr(ask_airflow, "_CALL", 0.2)
    told, lines = look("http://127.0.0.1:9")
    assert [line.id for line in told.lines if line.status is Status.PROBLEM] == ["url"]
    assert lines["health"].details["because"] == "url"


def test_an_airflow_that_the_gate_does_not_know_takes_no_login_for_granted(airflow):
    server = airflow()
    server.version = "4.0.0"
    _, lines = look(server.url)
    assert lines["url"].status is Status.OK
    assert lines["version"].status is Status.PROBLEM
    assert lines["login"].details["because"] == "version"


def test_answers_without_a_date_are_told(airflow):
    server = airflow()
    server.dates = False
    _, lines = look(server.url)
    assert lines["clock"].status is Status.PROBLEM
    assert re.search("Date header", lines["clock"].message)
