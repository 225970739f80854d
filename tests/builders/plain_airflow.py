"""A simulated Airflow as a plain web server on loopback: its API below a base path, and who may call it."""

from __future__ import annotations

import base64
import json
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

USER, PASSWORD, TOKEN = "viewer", "s3cret pass", "a.valid.token"
OPEN = ("/health", "/monitor/health", "/version")


class PlainAirflow:
    """Serves a backend's answers until closed; `demands` is None, `basic` (Airflow 2) or `token` (Airflow 3)."""

    def __init__(self, backend, *, major=3, base="", demands=None, now=None):
        self.asked = []
        self.demands = demands
        self._backend = backend
        self._base = base
        self._prefix = f"{base}/api/v{1 if major < 3 else 2}"
        self._now = now
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{base}"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method, target, headers, body):
        """Status and JSON body."""
        path = urlsplit(target).path
        self.asked.append((method, path))
        if path == f"{self._base}/auth/token" and self.demands == "token":
            good = method == "POST" and json.loads(body or b"{}") == {"username": USER, "password": PASSWORD}
            return (201, {"access_token": TOKEN}) if good else (401, {"detail": "Invalid credentials"})
        if not path.startswith(f"{self._prefix}/"):
            return 404, {"error": "API route not found"}
        inner = path.removeprefix(self._prefix)
        if inner not in OPEN and not self._knows(headers.get("Authorization", "")):
            return 401, {"detail": "Not authenticated"}
        return self._backend.call(method, inner, dict(parse_qsl(urlsplit(target).query)), None)

    def _knows(self, told):
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return (
            self.demands is None
            or told == {"basic": f"Basic {pair}", "token": f"Bearer {TOKEN}"}[self.demands]
        )

    def _handler(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def handle_one(self):
                length = int(self.headers.get("Content-Length") or 0)
                status, told = server.answer(self.command, self.path, self.headers, self.rfile.read(length))
                data = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = handle_one  # noqa: N815 - http.server's own names

            def date_time_string(self, timestamp=None):
                now = server._now
                return (
                    formatdate(now().timestamp(), usegmt=True) if now else super().date_time_string(timestamp)
                )

            def log_message(self, *_):
                pass

        return Handler
