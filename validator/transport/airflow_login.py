"""A token of Airflow 3 in exchange for a user and a password, or for nothing where everybody is an admin.

Measured on 3.0.6: POST /auth/token answers 201 `{"access_token"}`, 401 for a wrong password, and 422 with the
whole body, password included, in its `detail` for another shape; so nothing that a login answers is ever quoted.
GET /auth/token gives a token to anybody with `[core] simple_auth_manager_all_admins`; without it, it is a 403,
and a 404 with the FAB auth manager. A token that expired is a 401, one that is wrong a 403.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

from validator.errors import CallFailed
from validator.reasons import Reason
from validator.transport.airflow_auth import is_token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from validator.transport.airflow_auth import Auth
    from validator.transport.http_wire import Reply, Wire

RENEW_AFTER = 10.0
"""Seconds between two logins: a token that is younger and refused again would only be refused once more."""
_UNAUTHORIZED = 401
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


class Login:
    """Gets a token, keeps it, and gets another one when it is refused. Thread-safe.

    Args:
        auth: a user with a password, or nobody.
        wire: how the login is sent.
        url: of /auth/token.
        headers: what goes with every call.
        now: seconds on a clock that never goes back.
    """

    def __init__(
        self, auth: Auth, wire: Wire, url: str, headers: Mapping[str, str], now: Callable[[], float]
    ) -> None:
        self._auth = auth
        self._wire = wire
        self._url = url
        self._headers = dict(headers)
        self._now = now
        self._lock = threading.Lock()
        self._token: str | None = None
        self._denial: str | None = None
        self._tried: float | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The token, if there is one."""
        return (self._token,) if self._token is not None else ()

    def token(self, deadline: float) -> str | None:
        """The token to call with; None for nobody, as long as Airflow has not demanded one.

        Raises:
            CallFailed: the login was refused or not answered.
        """
        if self._token is None and not self._auth.is_nobody:
            return self.another(None, deadline)
        return self._token

    def another(self, refused: str | None, deadline: float) -> str | None:
        """A token other than `refused`; None if the last login is so young that a new one would be no better.

        Raises:
            CallFailed: the login was refused or not answered.
        """
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise CallFailed(Reason.UNREACHABLE, f"{self._url} did not answer in time")
        try:
            if self._token != refused:
                return self._token
            if self._tried is not None and self._now() - self._tried < RENEW_AFTER:
                if self._denial is not None:
                    raise denied(self._denial)
                return None
            self._denial = None
            self._token = self._fetch(deadline)
            self._tried = self._now()
            return self._token
        finally:
            self._lock.release()

    def _fetch(self, deadline: float) -> str:
        if self._auth.is_nobody:
            reply = self._wire.send("GET", self._url, self._headers, deadline)
        else:
            who = {"username": self._auth.user, "password": self._auth.password}
            headers = {**self._headers, "Content-Type": "application/json"}
            reply = self._wire.send("POST", self._url, headers, deadline, json.dumps(who).encode())
        token = _token_in(reply)
        if token is not None:
            return token
        failed = self._refusal(reply.status)
        if not failed.retry:  # the same for all who wait, and no second try at once: accounts get locked
            self._denial = failed.message
            self._tried = self._now()
        raise failed

    def _refusal(self, status: int) -> CallFailed:
        if status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR:
            throttled = status == _TOO_MANY_REQUESTS
            what = f"the login at {self._url} was answered with HTTP {status}"
            return CallFailed(Reason.UNREACHABLE, what, throttled=throttled)
        if self._auth.is_nobody:
            return denied(
                f"Airflow demands credentials, none are given, and {self._url} gives no token without any"
            )
        if status == _UNAUTHORIZED:
            return denied(f"{self._url} refused the user and password that are given (HTTP 401)")
        return denied(
            f"{self._url} gives no token for a user and password (HTTP {status}): the Airflow URL lacks its base path, or "
            "this Airflow's auth manager does not exchange them, or something in front of it answered; if the URL is "
            "right, give a token instead"
        )


def denied(message: str) -> CallFailed:
    """Airflow does not know who calls: a 401, never a 403 or 404, which tell of what was asked for."""
    return CallFailed(Reason.ACCESS_DENIED, message, status=_UNAUTHORIZED, retry=False)


def _token_in(reply: Reply) -> str | None:
    """The token of a login that worked; None if it did not, or if what it gave is none that a header can carry."""
    if reply.status not in (200, 201):
        return None
    try:
        told = json.loads(reply.content)
    except (ValueError, RecursionError):
        return None
    token = told.get("access_token") if isinstance(told, dict) else None
    return token if is_token(token) else None
