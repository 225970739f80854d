"""The way to a plain Airflow URL: who calls, which API is there, and what becomes of its answers."""

from __future__ import annotations

import html
import json
import re
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from validator import __version__
from validator.errors import CallFailed, UsageError
from validator.reasons import Reason
from validator.transport.airflow_auth import NO_AUTH, PASSWORD, TOKEN, USER, bearer
from validator.transport.airflow_login import Login, denied
from validator.transport.http_wire import Wire
from validator.transport.interface import CALL_TIMEOUT, Answer
from validator.transport.within import within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from validator.transport.airflow_auth import Auth
    from validator.transport.http_wire import Reply
    from validator.transport.interface import EnvironmentFacts, Request

_V2, _V1 = "/api/v2", "/api/v1"
_PREFIXES = (_V2, _V1)
_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 200, 401, 403, 404
_LONGEST_NUMBER = 9
_OLDEST = 5
"""Seconds: a page that a cache has kept for longer shows an Airflow of the past, though its Date may agree with it."""
_SLACK = 0.5
"""Seconds after a call's time in which it may still say by itself why it has no answer."""

ADVICE: dict[Reason, str] = {
    Reason.ACCESS_DENIED: (
        f"Check {USER} and {PASSWORD}, or {TOKEN}, or the file of --airflow-credentials: that they are those of this "
        "Airflow and not expired. The user needs Airflow's Viewer role. Airflow 2 takes a password only with "
        "airflow.api.auth.backend.basic_auth among `[api] auth_backends`."
    ),
    Reason.NOT_FOUND: (
        "Check the Airflow URL: it must be Airflow's own, with its base path if it has one, such as https://host/base."
    ),
    Reason.UNREACHABLE: (
        "Check the Airflow URL's host and port, that its web server (Airflow 3: API server) runs, and the network path: "
        "VPN, firewall, HTTPS_PROXY, HTTP_PROXY and NO_PROXY. --airflow-ca names a certificate authority to trust."
    ),
    Reason.BAD_RESPONSE: (
        "Something answered that is not Airflow's API, or only half of it. Check the Airflow URL and its base path, and "
        "what stands in front: a login page, a proxy, a load balancer. If the URL is right, look at the web server's log."
    ),
}
"""What to do about each reason that a plain URL can give."""


@dataclass(frozen=True)
class _Api:
    """Where Airflow's API was found."""

    base: str
    prefix: str


class HttpTransport:
    """Calls one Airflow by its URL. Thread-safe; where its API is and which one is learnt at the first call.

    Args:
        base_url: such as `https://airflow.example.com/base`, without credentials. What a browser shows may stand
            at its end: a slash, `/home`, `/api/v1` or `/api/v2`.
        auth: who calls. On Airflow 3 a user and password are exchanged for a token.
        connections: how many connections are kept open.
        ca_bundle: a file of certificates to trust instead of the system's.
        now: seconds on a clock that never goes back, for the age of tokens.

    Raises:
        UsageError: the URL cannot be called, or the file or a proxy's variable cannot be used.
    """

    where: str
    """The URL; it has no credentials, so it may be shown."""
    longest_path: int | None = None
    """A plain URL has no limit."""
    advice: Mapping[Reason, str] = ADVICE
    """What to do about each reason that this way to Airflow can give."""

    def __init__(
        self,
        base_url: str,
        auth: Auth = NO_AUTH,
        *,
        connections: int = 8,
        ca_bundle: str | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.where = _checked(base_url)
        self._auth = auth
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # what is counted is then what is sent
            "Cache-Control": "no-cache",  # what is true now is asked, not what was
            "User-Agent": f"mwaa-gate/{__version__}",
        }
        self._wire = Wire(self.where, connections=connections, ca_bundle=ca_bundle)
        self._now = now
        self._api: _Api | None = None
        self._login: Login | None = None
        """Set with the API: on Airflow 3, unless a token was given."""
        self._learning = threading.Lock()

    def __repr__(self) -> str:
        return f"HttpTransport({self.where!r})"

    def call(self, request: Request, timeout: float = CALL_TIMEOUT) -> Answer:
        """One attempt, at most `timeout` seconds in all, after the API and, if need be, a token have been got.

        Every status but a redirect is an answer, also that of the call that learns the API. A token that was
        refused is renewed once, and the call repeated with the new one.

        Raises:
            CallFailed: unreachable, redirected elsewhere, cut off, too long, no Airflow, or nobody whom it knows.
        """
        deadline = time.monotonic() + timeout
        try:
            return within(timeout + _SLACK, lambda: self._call(request, deadline))
        except TimeoutError:
            raise CallFailed(Reason.UNREACHABLE, f"{self.where} did not answer in time") from None

    def environment(self) -> EnvironmentFacts | None:
        """None: there is no GetEnvironment behind a plain URL."""
        return None

    def close(self) -> None:
        """Close the pooled connections."""
        self._wire.close()

    def _call(self, request: Request, deadline: float) -> Answer:
        api = self._api or self._learn(deadline)
        if isinstance(api, Answer):
            return api
        reply = self._authorized(request, api, deadline)
        age = reply.headers.get("Age", "").strip()
        if re.fullmatch(r"[0-9]+", age) and (len(age) > _LONGEST_NUMBER or int(age) > _OLDEST):
            raise CallFailed(
                Reason.BAD_RESPONSE,
                f"{self.where} answered {request.method} {request.path} with a page that a cache in front of it has "
                f"kept for {age[:_LONGEST_NUMBER]} s (its Age header), which is not what Airflow says now",
                status=reply.status,
            )
        # Airflow 2 calls the nothing that follows a DELETE of a variable HTML.
        if 200 <= reply.status <= 299 and reply.content and _is_html(reply):  # noqa: PLR2004 - the HTTP class of success
            raise CallFailed(
                Reason.BAD_RESPONSE,
                f"{self.where} answered {request.method} {request.path} with an HTML page (HTTP {reply.status}): that "
                "is not Airflow's API, but perhaps a login page",
                status=reply.status,
            )
        return self._answer(reply)

    def _authorized(self, request: Request, api: _Api, deadline: float) -> Reply:
        """The reply, to a call with a token that is taken if there is one to be had."""
        login = self._login
        if login is None:
            reply = self._send(request, api, self._auth.header(), deadline)
        else:
            token = login.token(deadline)
            reply = self._send(request, api, bearer(token) if token else {}, deadline)
            if _is_unknown(reply) and (other := login.another(token, deadline)) is not None:
                reply = self._send(request, api, bearer(other), deadline)
        if reply.status == _FORBIDDEN and _is_unknown(reply):
            raise denied(f"Airflow did not take the token that came with {request.method} {request.path}")
        self._demand_credentials(reply.status)
        return reply

    def _demand_credentials(self, status: int) -> None:
        if status == _UNAUTHORIZED and self._auth.is_nobody:
            raise denied(f"{self.where} demands credentials, and none are given (HTTP 401)")

    def _learn(self, deadline: float) -> _Api | Answer:
        """Where the API is, or the answer that kept it from being learnt (a denial, a 5xx)."""
        if not self._learning.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise CallFailed(Reason.UNREACHABLE, f"{self.where} did not tell its API version in time")
        seen = []
        try:
            if self._api is not None:
                return self._api
            for prefix in _PREFIXES:
                path = f"{prefix}/version"
                headers = {**self._headers, **self._auth.header()}  # a proxy in front may demand them
                reply = self._wire.send("GET", self.where + path, headers, deadline)
                if reply.status >= 400 and reply.status != _NOT_FOUND:  # noqa: PLR2004 - the HTTP classes of errors
                    self._demand_credentials(reply.status)
                    return self._answer(reply)
                if _tells_version(reply):
                    return self._found(reply.url, prefix)
                seen.append(f"{path} answered {_kind(reply)}")
        finally:
            self._learning.release()
        raise CallFailed(
            Reason.BAD_RESPONSE,
            f"{self.where} is no Airflow: {' and '.join(seen)}, where one would tell its version",
            status=reply.status,
        )

    def _found(self, url: str, prefix: str) -> _Api:
        """The API that told its version at `url`, which redirects may have led to."""
        path = f"{prefix}/version"
        # The new place is kept: a redirect at every call would cost as many again, and send secrets before it.
        base = url.removesuffix(path) if url.endswith(path) else self.where
        if prefix == _V2 and self._auth.token is None:
            self._login = Login(self._auth, self._wire, f"{base}/auth/token", self._headers, self._now)
        self._api = _Api(base, prefix)
        return self._api

    def _send(self, request: Request, api: _Api, credentials: Mapping[str, str], deadline: float) -> Reply:
        url = api.base + api.prefix + request.path
        if request.query:
            url += ("&" if "?" in request.path else "?") + urlencode(list(_pairs(request.query)))
        headers = {**self._headers, **credentials}
        payload = None
        if request.body is not None:
            payload = json.dumps(request.body).encode()
            headers["Content-Type"] = "application/json"
        return self._wire.send(request.method, url, headers, deadline, payload)

    def _answer(self, reply: Reply) -> Answer:
        body = _parsed(reply.content)
        if reply.status >= 400:  # noqa: PLR2004 - error bodies are shown, and some servers echo what they got
            held = self._login.secrets if self._login is not None else ()
            body = _without((*self._auth.secrets, *held), body)
        return Answer(reply.status, body, _date(reply.headers.get("Date")))


def _checked(base_url: str) -> str:
    """`base_url` without a slash or a known page at its end, if it can be called. Shown only when harmless."""
    try:
        parts = urlsplit(base_url)
        port = parts.port
        parse_url(base_url)
    except (ValueError, LocationParseError):
        raise UsageError(
            "The Airflow URL cannot be read as a URL",  # unquoted: it may hold credentials
            advice="Write it like https://host/base or http://localhost:8080, with a port of up to 65535.",
        ) from None
    if "@" in base_url.partition("?")[0]:
        raise UsageError(
            "The Airflow URL holds credentials, and URLs are shown in logs",
            advice=f"Take them out of the URL, and set {USER} and {PASSWORD}.",
        )
    if parts.query or parts.fragment or not base_url.isprintable() or " " in base_url:
        raise UsageError(
            "The Airflow URL has a query, a fragment, blanks or control characters",
            advice="Cut it after the path.",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UsageError(f"{base_url!r} is no Airflow URL", advice="Write it like https://host/base.")
    path = parts.path.rstrip("/")
    for page in (*_PREFIXES, "/home"):
        path = path.removesuffix(page).rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _pairs(query: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in query.items():
        for one in value if isinstance(value, (list, tuple)) else (value,):
            yield name, str(one).lower() if isinstance(one, bool) else str(one)


def _is_unknown(reply: Reply) -> bool:
    """Whether Airflow did not know who called: a 401, or 3.0's 403 for a bad token. Other 403 are permissions."""
    if reply.status == _FORBIDDEN:
        told = _parsed(reply.content)
        detail = told.get("detail") if isinstance(told, dict) else None
        return isinstance(detail, str) and "jwt token" in detail.lower()
    return reply.status == _UNAUTHORIZED


def _tells_version(reply: Reply) -> bool:
    told = _parsed(reply.content)
    version = told.get("version") if isinstance(told, dict) else None
    return reply.status == _OK and isinstance(version, str) and re.match(r"\d+\.\d", version) is not None


def _is_html(reply: Reply) -> bool:
    return "html" in reply.headers.get("Content-Type", "").lower()


def _kind(reply: Reply) -> str:
    """What answered, without its words: they may hold anything."""
    if not reply.content:
        what = "nothing"
    elif _is_html(reply) or reply.content.lstrip().startswith(b"<"):
        what = "an HTML page"
    elif isinstance(_parsed(reply.content), str):
        what = "text that is no JSON"
    else:
        what = "JSON without it"
    return f"{what} (HTTP {reply.status})"


def _parsed(content: bytes) -> object:
    if not content:
        return None
    try:
        parsed: object = json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", "replace")
    return parsed


def _without(secrets: Iterable[str], body: object) -> object:
    r"""`body` with `***` for each secret, as it is or as JSON, HTML or a URL writes it.

    What was read is searched, not what was sent: JSON may write any character as `\u0041`, and `/` as `\/`.
    """
    if isinstance(body, str):
        return _blanked(secrets, body)
    try:
        text = json.dumps(body, ensure_ascii=False)
    except RecursionError:
        return "a body that is nested too deeply"
    return _parsed(_blanked(secrets, text).encode("utf-8", "replace"))


def _blanked(secrets: Iterable[str], text: str) -> str:
    for secret in secrets:
        in_json = (json.dumps(secret, ensure_ascii=plain)[1:-1] for plain in (True, False))
        in_url = (quote(secret), quote(secret, safe=""), quote_plus(secret))
        in_small = (re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), form) for form in in_url)
        forms = {secret, *in_json, *in_url, *in_small, html.escape(secret)}
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, "***")
    return text


def _date(header: str | None) -> datetime | None:
    if header is None:
        return None
    try:
        date = parsedate_to_datetime(header)
        return date.replace(tzinfo=timezone.utc) if date.tzinfo is None else date.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
