"""One exchange over HTTP: connections, TLS, proxies, redirects, and a body that has an end."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, ProxyError, SSLError
from urllib3.exceptions import TimeoutError as PoolTimeout

from validator.errors import CallFailed, UsageError
from validator.reasons import Reason
from validator.transport import redirects
from validator.transport.interface import CONNECT_TIMEOUT
from validator.transport.proxies import proxy_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from validator.transport.proxies import Proxy

MAX_BODY = 64 * 1024 * 1024
"""Bytes. The longest real list, 10,000 DAGs on one page of Airflow 3.0, is a sixth of it."""
_CHUNK = 256 * 1024
_LONGEST_CAUSE = 200
_PROXY_DEMANDS_LOGIN = 407
_NAME_A_CA = "--airflow-ca FILE names the certificates to trust"
_CERTIFICATE = {  # by OpenSSL's numbers of X509_V_ERR
    2: f"its authority is not known here ({_NAME_A_CA})",
    9: "it is not valid yet, or this machine's clock is wrong (no --airflow-ca helps against that)",
    10: "it has expired, or this machine's clock is wrong (no --airflow-ca helps against that)",
    18: f"it is self-signed ({_NAME_A_CA})",
    19: f"its authority is not known here ({_NAME_A_CA})",
    20: f"its authority is not known here ({_NAME_A_CA})",
    21: f"its authority is not known here ({_NAME_A_CA})",
    62: "it is for another host name (no --airflow-ca helps against that)",
    64: "it is for another address (no --airflow-ca helps against that)",
}


@dataclass(frozen=True)
class Reply:
    """What came back, whatever its status, but for redirects."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    content: bytes
    url: str
    """What gave it: another URL than was asked if redirects led there."""


class Wire:
    """Sends and receives. Thread-safe. It knows nothing of Airflow.

    Args:
        url: whom it will call, without credentials; messages begin with it.
        connections: how many connections are kept open.
        ca_bundle: a file of certificates to trust instead of the system's.

    Raises:
        UsageError: the file or a proxy's variable cannot be used.
    """

    def __init__(self, url: str, *, connections: int, ca_bundle: str | None) -> None:
        self._where = url
        self._connections = connections
        parts = urlsplit(url)
        # From http a redirect may lead to https on the same host.
        self._proxies = {each: proxy_for(each, parts.netloc) for each in {parts.scheme, "https"}}
        self._context = trust(ca_bundle) if ca_bundle or parts.scheme == "https" else None
        self._pools: dict[str, urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections that are open."""
        with self._lock:
            for pool in self._pools.values():
                pool.clear()

    def send(
        self, method: str, url: str, headers: Mapping[str, str], deadline: float, payload: bytes | None = None
    ) -> Reply:
        """What `url` answers, or what a redirect on its host leads to.

        Args:
            method: the HTTP method.
            url: absolute, and on the host that the wire was made for: `headers` may hold credentials.
            headers: what to send besides what HTTP demands.
            deadline: on time.monotonic().
            payload: the body.

        Raises:
            CallFailed: no whole answer in time, no HTTP, a body that is too long or compressed, a redirect elsewhere.
        """
        for _ in range(redirects.MOST + 1):
            reply = self._exchange(method, url, headers, deadline, payload)
            if not 300 <= reply.status < 400:  # noqa: PLR2004 - the HTTP class of redirects
                return reply
            url = redirects.follow(self._where, url, method, reply.status, reply.headers.get("Location"))
        raise redirects.too_many(self._where, reply.status)

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], deadline: float, payload: bytes | None
    ) -> Reply:
        scheme = urlsplit(url).scheme
        left = max(0.001, deadline - time.monotonic())
        try:
            response = self._pool(scheme).request(
                method,
                url,
                body=payload,
                headers=headers,
                timeout=urllib3.Timeout(connect=min(CONNECT_TIMEOUT, left), read=left),
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
        except HTTPError as error:
            raise self._unanswered(error, self._proxies[scheme]) from error
        try:
            content = self._read(response, deadline)
        except BaseException:
            response.close()  # half a body is still in the pipe
            raise
        response.release_conn()
        proxy = self._proxies[scheme]
        if response.status == _PROXY_DEMANDS_LOGIN and proxy is not None:
            raise self._by_proxy(proxy, "demands credentials (HTTP 407)", retry=False)
        return Reply(response.status, response.headers, content, url)

    def _pool(self, scheme: str) -> urllib3.PoolManager:
        with self._lock:
            if scheme not in self._pools:
                if scheme == "https" and self._context is None:
                    self._context = trust(None)
                self._pools[scheme] = self._made(self._proxies[scheme])
            return self._pools[scheme]

    def _made(self, proxy: Proxy | None) -> urllib3.PoolManager:
        if proxy is None:
            return urllib3.PoolManager(
                maxsize=self._connections, ssl_context=self._context, cert_reqs="CERT_REQUIRED"
            )
        return urllib3.ProxyManager(
            proxy.url,
            proxy_headers=dict(proxy.headers),
            proxy_ssl_context=self._context,
            maxsize=self._connections,
            ssl_context=self._context,
            cert_reqs="CERT_REQUIRED",
        )

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        """The whole body. A server that drips it does not get more than its time, one read's excepted."""
        coding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if coding not in ("", "identity"):  # nobody asked for it, and a small one can hold gigabytes
            raise self._bad("compressed its answer although it was asked not to", response.status)
        chunks: list[bytes] = []
        size = 0
        try:
            for chunk in _chunks(response):
                chunks.append(chunk)
                size += len(chunk)
                if size > MAX_BODY:
                    raise self._bad(f"answered more than {MAX_BODY // 1024 // 1024} MB", response.status)
                if time.monotonic() > deadline:
                    raise self._late(response.status)
        except PoolTimeout as error:
            raise self._late(response.status) from error
        except HTTPError as error:
            raise self._bad(f"cut its answer off after {size} bytes", response.status) from error
        return b"".join(chunks)

    def _bad(self, what: str, status: int | None = None) -> CallFailed:
        return CallFailed(Reason.BAD_RESPONSE, f"{self._where} {what}", status=status)

    def _late(self, status: int) -> CallFailed:
        return CallFailed(Reason.UNREACHABLE, f"{self._where} did not finish its answer", status=status)

    def _by_proxy(self, proxy: Proxy, what: str, *, retry: bool) -> CallFailed:
        message = f"{self._where} cannot be reached: the proxy {proxy.url} of {proxy.variable} {what}"
        return CallFailed(Reason.UNREACHABLE, message, retry=retry)

    def _unanswered(self, error: HTTPError, proxy: Proxy | None) -> CallFailed:
        if isinstance(error, ProxyError) and proxy is not None:
            demands = f"connection failed: {_PROXY_DEMANDS_LOGIN}" in str(error)
            what = (
                "demands credentials (HTTP 407)" if demands else f"does not let us through: {_cause(error)}"
            )
            return self._by_proxy(proxy, what, retry=not demands)
        if isinstance(error, SSLError):
            return self._untrusted(error)
        if isinstance(error, PoolTimeout) and not isinstance(error, NewConnectionError):
            return CallFailed(Reason.UNREACHABLE, f"{self._where} did not answer in time")
        if any(
            isinstance(one, http.client.HTTPException) and not isinstance(one, ConnectionError)
            for one in _chain(error)
        ):
            return self._bad("answered with what is no HTTP, or no sound one")
        return CallFailed(Reason.UNREACHABLE, f"{self._where} cannot be reached: {_cause(error)}")

    def _untrusted(self, error: SSLError) -> CallFailed:
        for one in _chain(error):
            if isinstance(one, ssl.SSLCertVerificationError):
                why = _CERTIFICATE.get(one.verify_code) or f"{one.verify_message} ({_NAME_A_CA})"
                return self._no_trust(f"its certificate is not accepted: {why}", retry=False)
            if isinstance(one, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
                return self._no_trust("it closed the connection while TLS was agreed on", retry=True)
            if isinstance(one, ssl.SSLError) and one.reason in (
                "WRONG_VERSION_NUMBER",
                "RECORD_LAYER_FAILURE",
            ):
                return self._no_trust("it speaks no TLS on this port (is it http:// there?)", retry=False)
        return self._no_trust(_cause(error), retry=False)

    def _no_trust(self, why: str, *, retry: bool) -> CallFailed:
        return CallFailed(Reason.UNREACHABLE, f"{self._where}: no trusted connection: {why}", retry=retry)


def trust(ca_bundle: str | None) -> ssl.SSLContext:
    """What verifies certificates and host names: against the system's authorities, or those in the file.

    Raises:
        UsageError: the file is missing, unreadable or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=ca_bundle)
    except ssl.SSLError:  # an OSError, too, and its words are OpenSSL's
        why = "holds no certificate that can be read: it must be PEM text (-----BEGIN CERTIFICATE-----)"
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = f"cannot be read: {getattr(error, 'strerror', None) or 'its path is no path'}"
    raise UsageError(
        f"The file {ca_bundle!r} of certificates to trust {why}",
        advice="Give --airflow-ca the certificate of the authority that signed the server's, as a PEM file.",
    )


def _chunks(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    read = getattr(response, "read1", response.read)  # urllib3 2.0 has no read1
    while chunk := read(_CHUNK, decode_content=False):
        yield chunk


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what lies behind it; urllib3 hands some on as an argument only."""
    seen: BaseException | None = error
    for _ in range(6):
        if seen is None:
            return
        yield seen
        inner = (one for one in seen.args if isinstance(one, BaseException))
        seen = seen.__cause__ or next(inner, None) or seen.__context__


def _cause(error: BaseException) -> str:
    """The operating system's own words where there are any: urllib3 puts object addresses before them."""
    words = ""
    for one in _chain(error):
        if isinstance(one, OSError):
            words = one.strerror or str(one)
    return words[:_LONGEST_CAUSE] or str(error).rpartition(": ")[2][:_LONGEST_CAUSE] or type(error).__name__
