"""Proxies: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, with credentials that are used and never shown."""

from __future__ import annotations

import base64
import contextlib
import os
import select
import socket
from http.server import BaseHTTPRequestHandler

import pytest
from http_servers import JSON, VERSION, Certificate, QuietServer, calling, running, served
from hypothesis import given
from hypothesis import strategies as st

from validator.errors import CallFailed, UsageError
from validator.reasons import Reason
from validator.transport.airflow_auth import Auth
from validator.transport.http import HttpTransport
from validator.transport.interface import Request
from validator.transport.proxies import _read, proxy_for

ANSWERS = {"/api/v2/version": VERSION, "/api/v2/dags": (200, JSON, b'{"dags": []}')}
HOST = "airflow.test"
"""A name that only the proxy knows."""
OWN = Auth(token="s3cret-token")


@contextlib.contextmanager
def proxy(target=0, *, login=None, refusal=None):
    """A proxy to HOST: its tunnels lead to the port `target` on loopback. What it was asked is in `asked`."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def anything(self):
            asked.append((self.command, self.path, dict(self.headers)))
            wanted = None if login is None else f"Basic {base64.b64encode(login.encode()).decode()}"
            if wanted is not None and self.headers.get("Proxy-Authorization") != wanted:
                return self.say(407)
            if refusal is not None:
                return self.say(refusal)
            if self.command == "CONNECT":
                with socket.create_connection(("127.0.0.1", target)) as server:
                    self.say(200)
                    pipe(self.connection, server)
                self.close_connection = True
                return None
            return self.say(*ANSWERS[self.path.removeprefix(f"http://{HOST}")])

        do_GET = do_CONNECT = anything  # noqa: N815 - http.server's names

        def say(self, status, headers=(), body=b""):
            self.send_response(status)
            for name, value in dict(headers).items():
                self.send_header(name, value)
            if self.command != "CONNECT" or status != 200:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *args):
            pass

    server = QuietServer(("127.0.0.1", 0), Handler)
    server.asked = asked
    server.place = f"127.0.0.1:{server.server_port}"
    with running(server):
        yield server


def pipe(one, other):
    while True:
        readable, _, _ = select.select([one, other], [], [], 5)
        for source in readable:
            data = source.recv(65536)
            if not data:
                return
            (other if source is one else one).sendall(data)
        if not readable:
            return


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """A server's TLS for the host's name, and the file of the authority that signed it."""
    folder = tmp_path_factory.mktemp("tls")
    authority = Certificate()
    bundle = folder / "ca.pem"
    bundle.write_bytes(authority.pem)
    return Certificate([HOST], authority).server_context(folder), str(bundle)


def failure(url, **options):
    with calling(url, OWN, **options) as transport, pytest.raises(CallFailed) as caught:
        transport.call(Request("/dags"), 5)
    assert caught.value.reason is Reason.UNREACHABLE
    assert "s3cret" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("login", [None, "ann:s3cret%€"])
def test_http_goes_through_http_proxy(environment, login):
    credentials = "ann:s3cret%25%E2%82%AC@" if login else ""
    with proxy(login=login) as between:
        environment.setenv("HTTP_PROXY", f"http://{credentials}{between.place}")
        with calling(f"http://{HOST}") as transport:
            assert transport.call(Request("/dags"), 5).status == 200
        assert [path for _, path, _ in between.asked] == [
            f"http://{HOST}/api/v2/version",
            f"http://{HOST}/api/v2/dags",
        ]


@pytest.mark.parametrize("login", [None, "ann:s3cret"])
def test_https_goes_through_a_tunnel_that_sees_no_credentials_of_airflow(environment, login, secure):
    context, bundle = secure
    credentials = f"{login}@" if login else ""
    with served(ANSWERS, tls=context) as server, proxy(server.port, login=login) as between:
        environment.setenv("https_proxy", f"{credentials}{between.place}")
        with calling(f"https://{HOST}", OWN, ca_bundle=bundle) as transport:
            assert transport.call(Request("/dags"), 5).status == 200
        assert [(method, path) for method, path, _ in between.asked] == [("CONNECT", f"{HOST}:443")]
        assert "s3cret-token" not in str(between.asked)
        assert server.asked[-1][2]["Authorization"] == "Bearer s3cret-token"
        assert "Proxy-Authorization" not in server.asked[-1][2]


def test_a_certificate_is_verified_behind_a_proxy_too(environment, secure):
    context, bundle = secure
    with served(ANSWERS, tls=context) as server, proxy(server.port) as between:
        environment.setenv("HTTPS_PROXY", between.place)
        assert "its authority is not known here" in failure(f"https://{HOST}").message
        assert "it is for another host name" in failure("https://other.test", ca_bundle=bundle).message
        assert server.asked == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_demands_credentials_is_told_so(environment, scheme):
    with proxy(login="ann:s3cret") as between:
        environment.setenv(f"{scheme.upper()}_PROXY", f"http://ann:s3cret-wrong@{between.place}")
        error = failure(f"{scheme}://{HOST}")
        assert error.message == (
            f"{scheme}://{HOST} cannot be reached: the proxy http://{between.place} of {scheme.upper()}_PROXY demands "
            "credentials (HTTP 407)"
        )
        assert error.retry is False


def test_a_proxy_that_refuses_the_tunnel_is_named(environment):
    with proxy(refusal=403) as between:
        environment.setenv("HTTPS_PROXY", f"http://ann:s3cret@{between.place}")
        error = failure(f"https://{HOST}")
        assert f"the proxy http://{between.place} of HTTPS_PROXY does not let us through" in error.message
        assert "403" in error.message
        assert error.retry is True


def test_a_proxy_that_is_not_there_is_named(environment):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for scheme in ("http", "https"):
        environment.setenv(f"{scheme}_proxy", f"ann:s3cret@127.0.0.1:{port}")
        message = failure(f"{scheme}://{HOST}").message
        assert f"the proxy http://127.0.0.1:{port} of {scheme.upper()}_PROXY" in message
        assert "refused" in message


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.9.9.9", "localhost", "api.localhost", "LOCALHOST.", "[::1]"]
)
def test_loopback_is_never_asked_for_through_a_proxy(environment, host):
    environment.setenv("http_proxy", "proxy.test")
    assert proxy_for("http", f"{host}:8080") is None


@pytest.mark.parametrize(
    ("no_proxy", "netloc"),
    [
        ("*", HOST),
        (HOST, f"{HOST}:8080"),
        (f"{HOST}:8080", f"{HOST}:8080"),
        (".test", HOST),
        ("test", f"{HOST}:8080"),
        ("a.b, airflow.test", HOST.upper()),
        ("fd00::1", "[fd00::1]:8080"),
        ("10.1.2.3", "10.1.2.3"),
    ],
)
def test_no_proxy_names_hosts_and_domains_to_ask_straight(environment, no_proxy, netloc):
    environment.setenv("HTTPS_PROXY", "proxy.test:3128")
    environment.setenv("NO_PROXY", no_proxy)
    assert proxy_for("https", netloc) is None
    if no_proxy != "*":
        assert proxy_for("https", "other.example.com").url == "http://proxy.test:3128"


def test_the_scheme_picks_the_variable_and_lower_case_wins(environment):
    environment.setenv("HTTP_PROXY", "one.test")
    environment.setenv("http_proxy", "https://two.test:99")
    assert proxy_for("http", HOST).url == "https://two.test:99"
    assert proxy_for("https", HOST) is None
    environment.setenv("http_proxy", "")
    assert proxy_for("http", HOST) is None


@pytest.mark.parametrize(
    "value",
    [
        "socks5://ann:s3cret@h:1080",
        "http://ann:s3cret@",
        "http://ann:s3cret@h:port",
        "http://ann:s3cret@[::1",
        "h:s3cret",
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_by_its_variable_unquoted(environment, value):
    environment.setenv("HTTPS_PROXY", value)
    for url in (f"https://{HOST}", f"http://{HOST}"):
        with pytest.raises(UsageError) as caught:
            HttpTransport(url)
        assert "HTTPS_PROXY" in caught.value.message
        assert "s3cret" not in f"{caught.value.message} {caught.value.advice}"
    assert HttpTransport("https://127.0.0.1").where == "https://127.0.0.1"


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(["", "http://", "https://", "x://"]),
)
def test_credentials_of_a_proxy_are_in_no_message_and_no_repr(text, scheme):
    try:
        found = _read(f"{scheme}ann:s3cret{text}@proxy.test:3128", "HTTP_PROXY")
    except UsageError as refused:
        shown = f"{refused.message} {refused.advice}"
    else:
        shown = f"{found!r} {found.url}"
    assert "s3cret" not in shown
