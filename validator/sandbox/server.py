"""An MWAA endpoint on loopback, for any AWS SDK.

with Sandbox(backend) as sandbox:
    os.environ["AWS_ENDPOINT_URL_MWAA"] = sandbox.url
    os.environ["AWS_DISABLE_HOST_PREFIX_INJECTION"] = "true"
"""

from __future__ import annotations

import logging
import socket
import struct
import threading
import time
import uuid
from collections import Counter, deque
from contextlib import suppress
from datetime import datetime, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from validator.sandbox.faults import Fault, LoggedCall
from validator.sandbox.wire import (
    AwsError,
    Call,
    Reply,
    airflow_answer,
    aws_error,
    environment_answer,
    read_call,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Self

_LOG = logging.getLogger(__name__)
_MAX_REQUEST = 10 * 1024 * 1024
_KEPT_CALLS = 10_000


class Backend(Protocol):
    """What stands behind the endpoint. Called from many threads."""

    def call(self, method: str, path: str, query: Mapping[str, object], body: object) -> tuple[int, object]:
        """Airflow's status and body.

        Raises:
            AwsError: AWS itself answers, and Airflow is not asked.
        """
        ...

    def environment(self) -> Mapping[str, object]:
        """What GetEnvironment tells beyond a sandbox's own facts; `AirflowVersion` at least."""
        ...


class Sandbox:
    """The endpoint: serves from entering to leaving its context, or from `start` to `close`.

    Args:
        backend: what answers as Airflow.
        port: 0 for any free one.
        environment: the one environment that exists.
        calls_per_second: InvokeRestApi's limit, with bursts of the same size; 0 for none.
        deny_get_environment: GetEnvironment answers AccessDeniedException.
        fault: asked before each call of a known operation; may be replaced at any time.
        answer_within: seconds after which the service gives Airflow up.
        now: the clock of the Date header, the rate limit and the log; give the simulation's own.
    """

    def __init__(  # noqa: PLR0913 - an endpoint's options, by keyword only
        self,
        backend: Backend,
        *,
        port: int = 0,
        environment: str = "sandbox",
        calls_per_second: float = 10,
        deny_get_environment: bool = False,
        fault: Callable[[LoggedCall], Fault | None] | None = None,
        answer_within: float = 10.0,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self.backend = backend
        self.environment = environment
        self.deny_get_environment = deny_get_environment
        self.fault = fault
        self.answer_within = answer_within
        self.now = now
        self.counts: Counter[str] = Counter()
        """Calls so far, by operation, and by `error` where there was one."""
        self._calls: deque[LoggedCall] = deque(maxlen=_KEPT_CALLS)
        self._bucket = _Bucket(calls_per_second, now)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, name="sandbox", daemon=True
        )

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL_MWAA is set to."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def calls(self) -> tuple[LoggedCall, ...]:
        """The last 10,000 calls."""
        with self._lock:
            return tuple(self._calls)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def close(self) -> None:
        """Stop serving and close every connection."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def answer(self, http_method: str, target: str, raw: bytes) -> tuple[Reply, Fault]:
        """The answer to one HTTP request, and the fault that its sender still has to commit."""
        operation, name = _operation(http_method, target)
        call, refused = Call(http_method, target), None
        try:
            self._admit(operation, name)
            if operation == "InvokeRestApi":
                call = read_call(raw)
        except AwsError as error:
            refused = error
        entry = LoggedCall(operation, call.method, call.path, call.query, call.body, None, "", self.now())
        fault = (self.fault(entry) if self.fault and not refused else None) or Fault()
        status: int | None = None
        code = ""
        reply = Reply(200)
        try:
            if refused:
                raise refused
            done = self._ask(call) if fault.after and operation == "InvokeRestApi" else None
            if fault.delay:
                time.sleep(fault.delay)
            if fault.aws:
                raise fault.aws
            if fault.reset or fault.reply is not None:
                code, reply = "reset" if fault.reset else "raw", fault.reply or reply
            elif operation == "GetEnvironment":
                reply = environment_answer(name, self.backend.environment())
            else:
                status, body = fault.airflow or done or self._ask(call)
                reply = airflow_answer(status, body)
                code = reply.headers.get("x-amzn-ErrorType", "")
        except AwsError as error:
            code, reply = error.code, aws_error(error)
        self._record(entry, status, code)
        return reply, fault

    def _admit(self, operation: str, name: str) -> None:
        if operation not in ("InvokeRestApi", "GetEnvironment"):
            raise AwsError("UnknownOperationException", f"{operation} is not served here", status=404)
        if name != self.environment:
            raise AwsError("ResourceNotFoundException", f"Environment {name} could not be found.")
        if operation == "GetEnvironment" and self.deny_get_environment:
            raise AwsError(
                "AccessDeniedException",
                "User: arn:aws:sts::123456789012:assumed-role/sandbox is not authorized to perform: "
                f"airflow:GetEnvironment on resource: environment/{name}",
            )
        if operation == "InvokeRestApi" and not self._bucket.take():
            raise AwsError("ThrottlingException", "Rate exceeded")

    def _ask(self, call: Call) -> tuple[int, object]:
        """The backend's answer, or what the service says of one that fails or takes too long."""
        outcome: list[tuple[int, object] | AwsError] = []

        def ask() -> None:
            try:
                outcome.append(self.backend.call(call.method, call.path, call.query, call.body))
            except AwsError as error:
                outcome.append(error)
            except Exception:  # noqa: BLE001 - a backend's fault must reach the caller as the service's
                _LOG.exception("the backend failed at %s %s", call.method, call.path)
                outcome.append(AwsError("InternalServerException", "An internal error has occurred"))

        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        thread.join(self.answer_within)
        if not outcome:
            return 504, "The Airflow web server did not answer in time"
        if isinstance(outcome[0], AwsError):
            raise outcome[0]
        return outcome[0]

    def _record(self, entry: LoggedCall, status: int | None, error: str) -> None:
        values = {**vars(entry), "status": status, "error": error}
        with self._lock:
            self._calls.append(LoggedCall(**values))
            self.counts[entry.operation] += 1
            if error:
                self.counts[error] += 1


class _Bucket:
    """A token bucket: `rate` calls a second, and as many at once."""

    def __init__(self, rate: float, now: Callable[[], datetime]) -> None:
        self._rate = rate
        self._room = max(1.0, rate)
        self._tokens = self._room
        self._now = now
        self._filled_at = now()
        self._lock = threading.Lock()

    def take(self) -> bool:
        if not self._rate:
            return True
        with self._lock:
            now = self._now()
            gained = max(0.0, (now - self._filled_at).total_seconds()) * self._rate
            self._tokens = min(self._room, self._tokens + gained)
            self._filled_at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._open):  # a kept-alive client must not talk to a sandbox that is gone
            with suppress(OSError):  # the client may have gone by itself
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write an answer: else Nagle's algorithm costs 45 ms a call
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal() or int(length) > _MAX_REQUEST:
            self.close_connection = True
            self._send(aws_error(AwsError("ValidationException", "The request is too large")), Fault())
            return
        raw = self.rfile.read(int(length))
        reply, fault = self.server.sandbox.answer(self.command, self.path, raw)
        if fault.reset:
            self.close_connection = True
            # A linger of zero seconds makes the close a reset.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        self._send(reply, fault)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _send(self, reply: Reply, fault: Fault) -> None:
        body = reply.body
        half = body[: len(body) // 2]
        if fault.cut == "body":
            body = half
        headers = {
            "Date": format_datetime(self.server.sandbox.now().astimezone(timezone.utc), usegmt=True),
            "x-amzn-RequestId": str(uuid.uuid4()),
            "Content-Length": str(len(body)),
            **reply.headers,
        }
        self.send_response_only(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if fault.cut == "connection":
            body, self.close_connection = half, True
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Nothing: the sandbox keeps its own log."""


def _operation(method: str, target: str) -> tuple[str, str]:
    """The operation and the environment that an HTTP request names."""
    path = target.partition("?")[0]
    for verb, root, operation in (
        ("POST", "/restapi/", "InvokeRestApi"),
        ("GET", "/environments/", "GetEnvironment"),
    ):
        if method == verb and path.startswith(root) and "/" not in path[len(root) :]:
            return operation, unquote(path[len(root) :])
    return f"{method} {path}", ""
