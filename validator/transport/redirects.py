"""Which redirects are followed: those that stay on the host that was asked. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from validator.errors import CallFailed
from validator.reasons import Reason

if TYPE_CHECKING:
    from urllib.parse import SplitResult

MOST = 5
"""Redirects that are followed one after the other; more go in circles."""
_KEEP_METHOD = (307, 308)
_MAY_CHANGE_IT = (301, 302, 303)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LONGEST_HOST = 253


def follow(where: str, asked: str, method: str, status: int, location: str | None) -> str:
    """The URL to ask next, which has the host of `asked`: credentials may go there.

    Followed is what keeps the scheme, host and port, or goes from http to https on the same host, both on
    their default ports or both on the same one. A call that changes something is repeated on 307 and 308 only.

    Args:
        where: what messages call the server.
        asked: the URL that was asked; it holds no credentials.
        method: the HTTP method.
        status: the answer's, 3xx.
        location: its Location header, if it had one.

    Raises:
        CallFailed: it goes elsewhere, or is no redirect that can be followed.
    """
    if status not in (*_KEEP_METHOD, *_MAY_CHANGE_IT) or not location:
        raise _refusal(f"{where} answered with HTTP {status} and no place to look instead", status)
    before = urlsplit(asked)
    try:
        after = urlsplit(urljoin(asked, location))
        stays = _own_port(after) == _own_port(before) and _is_same_host(before, after)
    except ValueError:
        raise _refusal(f"{where} redirects to what is no URL (HTTP {status})", status) from None
    if not stays:
        raise _refusal(_elsewhere(where, before, after, status), status)
    if method != "GET" and status not in _KEEP_METHOD:
        raise _refusal(
            f"{where} redirects a {method} in a way that loses what is sent (HTTP {status}); give the URL that it "
            "redirects to",
            status,
        )
    # Put together anew from the host that was asked: no two readings of a strange URL can differ on it.
    host = before.netloc
    if before.scheme != after.scheme and before.port == _DEFAULT_PORTS["http"]:
        host = host.removesuffix(f":{before.port}")
    return f"{after.scheme}://{host}{after.path or '/'}{f'?{after.query}' if after.query else ''}"


def too_many(where: str, status: int) -> CallFailed:
    """The error for redirects that do not end."""
    return _refusal(f"{where} redirects in circles: {MOST} times, and then again (HTTP {status})", status)


def _is_same_host(before: SplitResult, after: SplitResult) -> bool:
    if after.hostname != before.hostname or after.username is not None or after.password is not None:
        return False
    return after.scheme == before.scheme or (before.scheme, after.scheme) == ("http", "https")


def _own_port(parts: SplitResult) -> int | None:
    return None if parts.port == _DEFAULT_PORTS.get(parts.scheme) else parts.port


def _elsewhere(where: str, before: SplitResult, after: SplitResult, status: int) -> str:
    if after.scheme not in _DEFAULT_PORTS or not after.hostname:
        return f"{where} redirects to what is no web address (HTTP {status})"
    if (before.scheme, after.scheme) == ("https", "http") and after.hostname == before.hostname:
        return f"{where} redirects from https to http (HTTP {status}), where credentials would travel in the clear"
    # ascii(): the host is the server's text, and a log may act on what it holds. The rest may hold secrets.
    host = ascii(after.hostname[:_LONGEST_HOST])[1:-1]
    port = f":{after.port}" if after.port is not None else ""
    return (
        f"{where} redirects to {after.scheme}://{host}{port} (HTTP {status}), and redirects are followed on the same "
        "host only: if Airflow is there, give that URL itself; if it is a login page, something in front of Airflow "
        "demands a login of its own"
    )


def _refusal(message: str, status: int) -> CallFailed:
    return CallFailed(Reason.BAD_RESPONSE, message, status=status, retry=False)
