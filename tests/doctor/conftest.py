"""An AWS on loopback that the doctor can ask: STS, the list of environments, and a simulated Airflow behind MWAA."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from bare_machine import bare_machine, signed

from validator.sandbox.files import one_dag
from validator.sandbox.rules import Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

ACCOUNT = "123456789012"
ARN = f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy/ci"
_IDENTITY = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>{ARN}</Arn><UserId>AROA:ci</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult>
<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"""


class Aws:
    """STS and MWAA in one server; what it is asked is in `asked`, as `Operation METHOD /path`."""

    def __init__(self, simulation):
        self.simulation = simulation
        self.sandbox = Sandbox(simulation, calls_per_second=0)
        self.environments = ["sandbox"]
        self.refusals = {}
        """By operation: the status, the code and the message that AWS answers."""
        self.silent = set()
        """Operations that are never answered."""
        self.ahead = timedelta()
        """How far the server's clock is ahead."""
        self.asked = []
        self._over = threading.Event()
        aws = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def serve(self):
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, body = aws.answer(self.command, self.path, raw)
                date = format_datetime(datetime.now(timezone.utc) + aws.ahead, usegmt=True)
                self.send_response_only(status)
                for name, value in {"Date": date, "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815 - http.server's names

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                """A client that went away is no news."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, method, path, raw):
        operation, airflow = self._operation(method, path, raw)
        self.asked.append(f"{operation} {airflow}".strip())
        if operation in self.silent or airflow in self.silent:
            self._over.wait(30)
        if operation in self.refusals:
            status, code, message = self.refusals[operation]
            if operation.startswith("sts:"):
                text = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
                return status, {"Content-Type": "text/xml"}, text.encode()
            return status, {"x-amzn-ErrorType": code}, json.dumps({"message": message}).encode()
        if operation == "sts:GetCallerIdentity":
            return 200, {"Content-Type": "text/xml"}, _IDENTITY.encode()
        if operation == "ListEnvironments":
            return 200, {}, json.dumps({"Environments": self.environments}).encode()
        reply, _ = self.sandbox.answer(method, path, raw)
        return reply.status, reply.headers, reply.body

    def _operation(self, method, path, raw):
        if path == "/":
            return f"sts:{parse_qs(raw.decode())['Action'][0]}", ""
        if path.startswith("/restapi/"):
            call = json.loads(raw)
            return "InvokeRestApi", f"{call['Method']} {call['Path']}"
        if path.partition("?")[0] == "/environments":
            return "ListEnvironments", ""
        return ("GetEnvironment" if method == "GET" else f"{method} {path}"), ""

    def close(self):
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.sandbox.close()


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Nothing of the machine's own AWS; any credentials and a region, but no network."""
    bare_machine(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody listens: no test may reach AWS
    return signed(monkeypatch, "AKIAIOSFODNN7EXAMPLE", "a-secret-key")


@pytest.fixture
def world():
    """A simulated Airflow in which every DAG is parsed for long."""
    ahead = [0.0]

    def now():
        return datetime.now(timezone.utc) + timedelta(seconds=ahead[0])

    def make(version="3.0.6", files=None):
        rules = Rules(airflow=version, min_file_process_interval=0.5, loop=0.05, parse=(0.0, 0.01))
        return World(rules, now=now, files=files or {"etl.py": one_dag("etl", paused_upon_creation=False)})

    return make


@pytest.fixture
def aws(machine, world):
    """Starts an AWS whose environment `sandbox` is the given simulation, or a usual one."""
    started = []

    def go(simulation=None, version="3.0.6", **options):
        started.append(Aws(simulation or Simulation(world(version), **options)))
        machine.setenv("AWS_ENDPOINT_URL", started[-1].url)
        return started[-1]

    yield go
    for one in started:
        one.close()
