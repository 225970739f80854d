"""The way to a plain Airflow URL: HTTP with a pool of connections, no retries, no redirects."""

from __future__ import annotations

import base64
import json
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlencode, urlsplit

import urllib3
from urllib3.exceptions import (
    DecodeError,
    HTTPError,
    IncompleteRead,
    LocationParseError,
    NewConnectionError,
    ProtocolError,
    SSLError,
)
from urllib3.exceptions import (
    TimeoutError as PoolTimeout,
)

from validator import __version__
from validator.errors import CallFailed, UsageError
from validator.reasons import Reason
from validator.transport.interface import CALL_TIMEOUT, CONNECT_TIMEOUT, Answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from validator.transport.interface import EnvironmentFacts, Request

MAX_BODY = 64 * 1024 * 1024
"""Bytes. The longest real list, 10,000 DAGs on one page of Airflow 3.0, is a sixth of it."""
_CHUNK = 256 * 1024
_PREFIXES = ("/api/v2", "/api/v1")


@dataclass(frozen=True)
class Auth:
    """Who calls: nobody, a user with a password, or the bearer of a token. Secrets stay out of its repr."""

    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be sent here, since http.client would quote it in its message."""
        if self.token is not None and self.user is not None:
            raise UsageError("Both a user and a token are given for Airflow", advice="Give one of them.")
        if (self.user is None) != (self.password is None):
            raise UsageError("A user for Airflow needs a password, and a password a user")
        if self.user is not None and ":" in self.user:
            raise UsageError("A user's name cannot hold a colon (RFC 7617)")
        if self.token is not None and not all("!" <= char <= "~" for char in self.token):
            raise UsageError("The token for Airflow is empty or holds characters that no header can carry")
        if self.token == "":
            raise UsageError("The token for Airflow is empty")

    def header(self) -> dict[str, str]:
        """The Authorization header, or nothing."""
        if self.token is not None:
            return {"Authorization": f"Bearer {self.token}"}
        if self.user is not None:
            pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")
            return {"Authorization": f"Basic {pair}"}
        return {}


NO_AUTH = Auth()


class HttpTransport:
    """Calls one Airflow by its URL. Thread-safe; the API's version is learnt at the first call.

    Args:
        base_url: such as `https://airflow.example.com/base`, without `/api/v2` and without credentials.
        auth: who calls.
        connections: how many connections are kept open.
        ca_bundle: a file of certificates to trust instead of the system's.

    Raises:
        UsageError: the URL cannot be called.
    """

    where: str
    """The URL; it has no credentials, so it may be shown."""

    def __init__(
        self, base_url: str, auth: Auth = NO_AUTH, *, connections: int = 8, ca_bundle: str | None = None
    ) -> None:
        self.where = _checked(base_url)
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # what is counted is then what is sent
            "User-Agent": f"mwaa-gate/{__version__}",
            **auth.header(),
        }
        self._pool = urllib3.PoolManager(
            maxsize=connections, block=False, cert_reqs="CERT_REQUIRED", ca_certs=ca_bundle, retries=False
        )
        self._prefix: str | None = None
        self._learning = threading.Lock()

    def __repr__(self) -> str:
        return f"HttpTransport({self.where!r})"

    def call(self, request: Request, timeout: float = CALL_TIMEOUT) -> Answer:
        """One attempt, at most `timeout` seconds, after the API's version has been learnt.

        Every status but a redirect is an answer, also that of the call that learns the version.

        Raises:
            CallFailed: unreachable, redirected, cut off, over 64 MB, or no Airflow.
        """
        deadline = time.monotonic() + timeout
        prefix = self._prefix or self._learn(deadline)
        if isinstance(prefix, Answer):
            return prefix
        return self._send(
            request.method, prefix + request.path, deadline, query=request.query, body=request.body
        )

    def environment(self) -> EnvironmentFacts | None:
        """None: there is no GetEnvironment behind a plain URL."""
        return None

    def close(self) -> None:
        """Close the pooled connections."""
        self._pool.clear()

    def _learn(self, deadline: float) -> str | Answer:
        """The API's prefix, or the answer that kept it from being learnt (a denial, a 5xx)."""
        if not self._learning.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise CallFailed(Reason.UNREACHABLE, f"{self.where} did not tell its API version in time")
        try:
            if self._prefix is not None:
                return self._prefix
            for prefix in _PREFIXES:
                answer = self._send("GET", f"{prefix}/version", deadline)
                if answer.status not in (200, 404):
                    return answer
                if answer.status == 200 and isinstance(answer.body, dict) and "version" in answer.body:  # noqa: PLR2004 - the HTTP status
                    self._prefix = prefix
                    return prefix
        finally:
            self._learning.release()
        raise CallFailed(
            Reason.BAD_RESPONSE,
            f"{self.where} is no Airflow: neither /api/v2/version nor /api/v1/version tells a version there",
            status=answer.status,
        )

    def _send(
        self,
        method: str,
        path: str,
        deadline: float,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> Answer:
        url = self.where + path
        if query:
            pairs = list(_pairs(query))
            url += ("&" if "?" in path else "?") + urlencode(pairs)
        headers = dict(self._headers)
        payload = None
        if body is not None:
            payload = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        left = max(0.001, deadline - time.monotonic())
        try:
            response = self._pool.request(
                method,
                url,
                body=payload,
                headers=headers,
                timeout=urllib3.Timeout(connect=min(CONNECT_TIMEOUT, left), read=left),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except HTTPError as error:
            self._unreachable(error)
        try:
            content = self._read(response, deadline)
        except BaseException:
            response.close()  # half a body is still in the pipe
            raise
        response.release_conn()
        if 300 <= response.status < 400:  # noqa: PLR2004 - the HTTP class of redirects
            self._redirected(response.status, response.headers.get("Location", ""))
        return Answer(response.status, _parsed(content), _date(response.headers.get("Date")))

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        """The whole body. A server that drips it does not get more than its time, one read's excepted."""
        read = getattr(response, "read1", response.read)  # urllib3 1.26 has no read1
        chunks: list[bytes] = []
        size = 0
        try:
            while chunk := read(_CHUNK):
                chunks.append(chunk)
                size += len(chunk)
                if size > MAX_BODY:
                    raise CallFailed(
                        Reason.BAD_RESPONSE,
                        f"{self.where} answered more than {MAX_BODY // 1024 // 1024} MB",
                        status=response.status,
                    )
                if time.monotonic() > deadline:
                    raise CallFailed(
                        Reason.UNREACHABLE, f"{self.where} did not finish its answer", status=response.status
                    )
        except PoolTimeout as error:
            raise CallFailed(
                Reason.UNREACHABLE, f"{self.where} did not finish its answer", status=response.status
            ) from error
        except (ProtocolError, IncompleteRead, DecodeError) as error:
            raise CallFailed(
                Reason.BAD_RESPONSE,
                f"{self.where} cut its answer off after {size} bytes",
                status=response.status,
            ) from error
        return b"".join(chunks)

    def _unreachable(self, error: HTTPError) -> NoReturn:
        if isinstance(error, SSLError):
            raise CallFailed(
                Reason.UNREACHABLE, f"{self.where}: no trusted connection: {_cause(error)}", retry=False
            ) from error
        if isinstance(error, PoolTimeout) and not isinstance(error, NewConnectionError):
            raise CallFailed(Reason.UNREACHABLE, f"{self.where} did not answer in time") from error
        raise CallFailed(Reason.UNREACHABLE, f"{self.where} cannot be reached: {_cause(error)}") from error

    def _redirected(self, status: int, location: str) -> NoReturn:
        try:
            host = urlsplit(location).hostname
        except ValueError:
            host = None
        target = ascii(host)[1:-1] if host else "the same host"
        raise CallFailed(
            Reason.BAD_RESPONSE,
            f"{self.where} redirects to {target} (HTTP {status}); redirects are not followed, so give the "
            "URL of Airflow itself",
            status=status,
        )


def _checked(base_url: str) -> str:
    """`base_url` without a slash at its end, if it can be called. Shown only when harmless."""
    try:
        parts = urlsplit(base_url)
        port = parts.port
        urllib3.util.parse_url(base_url)
    except (ValueError, LocationParseError):
        raise UsageError("The Airflow URL cannot be read as a URL") from None
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            "The Airflow URL holds credentials, and URLs are shown in logs",
            advice="Take them out of the URL and give them in the environment variables for them.",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UsageError(f"{base_url!r} is no Airflow URL", advice="Write it like https://host/base.")
    if parts.query or parts.fragment or any(char.isspace() for char in base_url):
        raise UsageError("The Airflow URL has a query, a fragment or blanks", advice="Cut it after the path.")
    path = parts.path.rstrip("/")
    for prefix in _PREFIXES:
        path = path.removesuffix(prefix)
    return f"{parts.scheme}://{parts.netloc}{path}"


def _pairs(query: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in query.items():
        for one in value if isinstance(value, (list, tuple)) else (value,):
            yield name, str(one).lower() if isinstance(one, bool) else str(one)


def _parsed(content: bytes) -> object:
    if not content:
        return None
    try:
        parsed: object = json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", "replace")
    return parsed


def _date(header: str | None) -> datetime | None:
    if header is None:
        return None
    try:
        date = parsedate_to_datetime(header)
        return date.replace(tzinfo=timezone.utc) if date.tzinfo is None else date.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def _cause(error: BaseException) -> str:
    """The operating system's own words where there are any: urllib3 puts object addresses before them."""
    seen: BaseException | None = error
    for _ in range(5):
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        if seen is None:
            break
        seen = seen.__cause__ or seen.__context__
    return str(error).rpartition(": ")[2][:200] or type(error).__name__
