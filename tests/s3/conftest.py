"""Somewhere to list: moto's S3, and a server that answers whatever a test wants; nothing of the machine's own AWS."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import bare_machine
import pytest

from validator.s3.listing import S3Witness
from validator.transport.aws_session import AwsSession


@pytest.fixture
def signed(monkeypatch, tmp_path):
    """Any credentials, a region, and no configuration file."""
    return bare_machine.signed(bare_machine.bare_machine(monkeypatch, tmp_path))


class Stand:
    """An S3 that answers (status, body, headers) as `answer` says, and remembers what it was asked."""

    def __init__(self):
        self.answer = lambda path, headers: (200, b"", {})
        self.asked = []
        stand = self

        class Handler(BaseHTTPRequestHandler):
            wbufsize = -1

            def do_GET(self):
                self.reply()

            def do_HEAD(self):
                self.reply()

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.reply()

            def reply(self):
                stand.asked.append(f"{self.command} {self.path}")
                status, body, headers = stand.answer(self.path, self.headers)
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def stand(signed):
    one = Stand()
    signed.setenv("AWS_ENDPOINT_URL_S3", one.url)
    yield one
    one.close()


@pytest.fixture
def witness(signed):
    """Makes witnesses, and closes their connections."""
    made = []

    def go(*session):
        made.append(S3Witness(AwsSession(*session)))
        return made[-1]

    yield go
    for one in made:
        if one._made is not None:
            one._made.close()
