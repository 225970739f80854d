"""Airflow or AWS not there, on a real Airflow: red where a component is known dead, else cannot tell."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytestmark = pytest.mark.airflow


def test_wrong_environment_name(stage):
    ended = stage.check(f"dags: [{stage.id('dag')}]", environment="no-such-environment")

    assert ended.exit_code == 3
    assert ended.reasons("error") == {"not-found"}
    assert "no-such-environment" in ended.stdout
    assert "region" in ended.stdout
    assert ended.seconds < 20


def test_denied_access(stage):
    with _denying_endpoint() as url:
        ended = stage.check(f"dags: [{stage.id('dag')}]", endpoint=url)

    assert ended.exit_code == 3
    assert ended.reasons("error") == {"access-denied"}
    assert "airflow:InvokeRestApi" in ended.stdout
    assert ended.seconds < 20


@pytest.mark.alone
def test_web_server_restarts_in_the_middle(stage):
    stage.put("dag.py", stage.dag("dag"))
    stage.wait_for("dag")
    gate = stage.start(f"dags: [{stage.id('dag')}]", "--settle", "15s", "--timeout", "90s")
    stage.sleep(5)
    assert gate.is_running()
    stage.airflow.stop_web()
    stage.sleep(4)
    stage.airflow.start_web()
    ended = gate.finish()
    stage.note(f"green after {ended.seconds:.1f} s")

    assert ended.exit_code == 0
    assert ended.seconds > 15


@pytest.mark.alone
def test_web_server_stops_in_the_middle(stage):
    stage.put("dag.py", stage.dag("dag"))
    stage.wait_for("dag")
    gate = stage.start(f"dags: [{stage.id('dag')}]", "--settle", "15s", "--timeout", "30s")
    stage.sleep(5)
    assert gate.is_running()
    stage.airflow.stop_web()
    try:
        ended = gate.finish()
    finally:
        stage.airflow.start_web()
    stage.note(f"cannot tell after {ended.seconds:.1f} s, with a timeout of 30 s")

    assert ended.exit_code == 3
    assert ended.seconds < 50
    assert ended.reasons("error") <= {"unreachable", "bad-response"}
    assert ended.reasons("failed") == set()


@pytest.mark.alone
def test_z_scheduler_is_killed(stage):
    """The last one: nobody starts the scheduler again."""
    stage.put("dag.py", stage.dag("dag"))
    stage.wait_for("dag")
    stage.airflow.kill_scheduler()
    ended = stage.check(f"dags: [{stage.id('dag')}]", "--settle", "", "--timeout", "50s")

    assert ended.exit_code == 1
    stage.note(f"red after {ended.seconds:.1f} s, with a timeout of 50 s")
    assert ended.one(status="failed", area="health", subject="scheduler")["reason"] in {
        "component-unhealthy",
        "heartbeat-old",
    }
    assert "scheduler" in ended.stdout


@contextlib.contextmanager
def _denying_endpoint():
    """An AWS endpoint that refuses every call, as IAM does."""

    class Denying(BaseHTTPRequestHandler):
        wbufsize = -1

        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b'{"Message": "User: arn:aws:iam::123456789012:user/ci is not authorized to perform this"}'
            self.send_response(403)
            self.send_header("x-amzn-ErrorType", "AccessDeniedException")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - the name that http.server looks for

        def log_message(self, *args):
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Denying) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
