"""The proxy on the way to a host, as HTTP_PROXY, HTTPS_PROXY and NO_PROXY name it."""

from __future__ import annotations

import ipaddress
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from validator.errors import UsageError
from validator.transport.airflow_auth import basic

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Proxy:
    """A proxy to send calls through."""

    url: str
    """Without credentials: it may be shown."""
    variable: str
    """The environment variable that named it."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What lets us in, if it demands that."""


def proxy_for(scheme: str, netloc: str) -> Proxy | None:
    """The proxy for calls of `scheme` to `netloc` (host, or host:port); None: straight.

    The variables are read as `urllib.request` reads them. Loopback is never asked for through a proxy, whatever
    NO_PROXY says: a proxy's own loopback is another machine, and would be told the credentials.

    Raises:
        UsageError: the variable names no proxy that can be used; its value is not quoted.
    """
    proxies = urllib.request.getproxies_environment()
    host = urlsplit(f"//{netloc}").hostname or ""
    if not proxies.get(scheme) or _is_loopback(host):
        return None
    bypass = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed: macOS, Windows
    if bypass(netloc, proxies) or bypass(host, proxies):
        return None
    return _read(proxies[scheme], f"{scheme.upper()}_PROXY")


def _is_loopback(host: str) -> bool:
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _read(value: str, variable: str) -> Proxy:
    advice = (
        "Write it like http://proxy.example.com:3128, with user:password@ before the host if it demands that."
    )
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, port = parts.hostname, parts.port
        headers = _let_in(unquote(parts.username or ""), unquote(parts.password or ""))
    except ValueError:  # also a text that is no UTF-8
        raise UsageError(f"{variable} cannot be read as the URL of a proxy", advice=advice) from None
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"{variable} names no http or https proxy", advice=advice)
    if not host.isascii() or not host.isprintable() or " " in host:
        raise UsageError(f"{variable} names a proxy whose host cannot be called", advice=advice)
    shown = f"[{host}]" if ":" in host else host
    return Proxy(
        f"{parts.scheme}://{shown}{f':{port}' if port is not None else ''}",
        variable,
        headers,
    )


def _let_in(user: str, password: str) -> dict[str, str]:
    return {"proxy-authorization": f"Basic {basic(user, password)}"} if user or password else {}
