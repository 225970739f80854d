"""Redirects: followed on the same host, with what was sent; never elsewhere, never in the clear, never for ever."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
from http_servers import JSON, VERSION, Certificate, calling, served, talking
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.util import parse_url

from validator.errors import CallFailed
from validator.reasons import Reason
from validator.transport import redirects
from validator.transport.airflow_auth import Auth
from validator.transport.interface import Request

OWN = Auth(token="s3cret-token")
DAGS = (200, JSON, b'{"dags": []}')


def to(location, status=302):
    return (status, {"Location": location}, b"")


def failure(answers, request=None):
    with served(answers) as server, calling(server.url, OWN) as transport:
        with pytest.raises(CallFailed) as caught:
            transport.call(request or Request("/dags"), 5)
        assert (caught.value.reason, caught.value.retry) == (Reason.BAD_RESPONSE, False)
        return caught.value.message, server


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_get_is_followed_on_the_same_host_with_its_credentials(status):
    answers = {"/api/v2/version": VERSION, "/api/v2/dags": to("/moved?page=1#top", status), "/moved": DAGS}
    with served(answers) as server, calling(server.url, OWN) as transport:
        assert transport.call(Request("/dags"), 5).body == {"dags": []}
        assert server.asked[-1][1] == "/moved?page=1"
        assert {headers["Authorization"] for _, _, headers, _ in server.asked} == {"Bearer s3cret-token"}


@pytest.mark.parametrize("status", [307, 308])
def test_a_post_is_repeated_whole_where_the_redirect_says_so(status):
    answers = {"/api/v2/version": VERSION, "/api/v2/dags": to("moved", status), "/api/v2/moved": DAGS}
    with served(answers) as server, calling(server.url) as transport:
        transport.call(Request("/dags", method="POST", body={"a": 1}), 5)
        assert [(method, path, body) for method, path, _, body in server.asked[1:]] == [
            ("POST", "/api/v2/dags", b'{"a": 1}'),
            ("POST", "/api/v2/moved", b'{"a": 1}'),
        ]


@pytest.mark.parametrize("status", [301, 302, 303])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_call_that_changes_something_is_not_turned_into_another(method, status):
    answers = {"/api/v2/version": VERSION, "/api/v2/dags": to("/moved", status), "/moved": DAGS}
    message, server = failure(answers, Request("/dags", method=method, body={}))
    assert f"redirects a {method} in a way that loses what is sent (HTTP {status})" in message
    assert all(path != "/moved" for _, path, *_ in server.asked)


@pytest.mark.parametrize("path", ["/api/v2/version", "/api/v2/dags"])
def test_another_host_gets_nothing_and_is_named_without_its_query(path):
    with served({}) as other:
        location = f"http://localhost:{other.port}/login?state=x1y2z3"
        message, _ = failure({"/api/v2/version": VERSION, path: to(location)})
        assert f"redirects to http://localhost:{other.port} (HTTP 302)" in message
        assert "login page" in message
        assert "x1y2z3" not in message
        assert other.asked == []


def test_another_port_is_another_host():
    with served({}) as other:
        message, _ = failure({"/api/v2/version": to(f"{other.url}/api/v2/version")})
        assert f"redirects to {other.url} " in message
        assert other.asked == []


@pytest.mark.parametrize("loop", [{"/a": "/a"}, {"/a": "/b", "/b": "/a"}])
def test_redirects_in_circles_end(loop):
    answers = {"/api/v2/version": to("/a"), **{path: to(location) for path, location in loop.items()}}
    message, server = failure(answers)
    assert "redirects in circles" in message
    assert len(server.asked) == redirects.MOST + 1


def test_as_many_redirects_as_are_allowed_are_followed():
    steps = {f"/{n}": to(f"/{n + 1}") for n in range(1, redirects.MOST)}
    answers = {"/api/v2/version": VERSION, "/api/v2/dags": to("/1"), **steps, f"/{redirects.MOST}": DAGS}
    with served(answers) as server, calling(server.url) as transport:
        assert transport.call(Request("/dags"), 5).status == 200


@pytest.mark.parametrize("status", [300, 302, 304, 305, 399])
def test_a_redirect_to_nowhere_is_a_bad_response(status):
    message, _ = failure({"/api/v2/version": (status, {}, b"")})
    assert f"HTTP {status}" in message


@pytest.mark.parametrize("auth", [OWN, Auth("ann", "s3cret-password")])
def test_another_base_path_is_adopted_with_the_version_for_calls_and_the_login(auth):
    answers = {
        "/old/api/v2/version": to("/new/base/api/v2/version"),
        "/new/base/api/v2/version": VERSION,
        "/new/base/api/v2/dags": DAGS,
        "/new/base/auth/token": (201, JSON, b'{"access_token": "abc"}'),
    }
    with served(answers) as server, calling(f"{server.url}/old", auth) as transport:
        for _ in range(2):
            assert transport.call(Request("/dags"), 5).status == 200
        login = ["/new/base/auth/token"] if auth.user else []
        assert [path for _, path, *_ in server.asked] == [
            "/old/api/v2/version",
            "/new/base/api/v2/version",
            *login,
            *["/new/base/api/v2/dags"] * 2,
        ]
        assert transport.where == f"{server.url}/old"


def test_a_version_told_elsewhere_than_an_api_is_no_new_base():
    answers = {"/api/v2/version": to("/versions/airflow"), "/versions/airflow": VERSION, "/api/v2/dags": DAGS}
    with served(answers) as server, calling(server.url) as transport:
        assert transport.call(Request("/dags"), 5).status == 200


def test_https_never_leads_to_http(tmp_path):
    authority = Certificate()
    tls = Certificate(["127.0.0.1"], authority).server_context(tmp_path)
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(authority.pem)
    location = []
    with (
        served(lambda *_: to(location[0])) as clear,
        served(lambda *_: to(location[0]), tls=tls) as server,
        calling(server.url, OWN, ca_bundle=str(bundle)) as transport,
    ):
        for target in (clear.url, server.url.replace("https:", "http:")):
            location[:] = [f"{target}/api/v2/version"]
            with pytest.raises(CallFailed) as caught:
                transport.call(Request("/dags"), 5)
            assert "redirects from https to http (HTTP 302)" in caught.value.message
        assert clear.asked == []
        assert len(server.asked) == 2


def test_https_on_the_same_port_is_adopted_so_that_credentials_go_in_the_clear_once(tmp_path):
    authority = Certificate()
    tls = Certificate(["127.0.0.1"], authority).server_context(tmp_path)
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(authority.pem)
    seen = []

    def talk(connection):
        is_tls = connection.recv(1, socket.MSG_PEEK) == b"\x16"
        own = connection.getsockname()[1]  # not known any more once TLS has taken the socket over
        stream = tls.wrap_socket(connection, server_side=True) if is_tls else connection
        path = stream.recv(4000).split()[1].decode()
        seen.append(("https" if is_tls else "http", path))
        location = f"https://127.0.0.1:{own}{path}"
        head = "200 OK" if is_tls else f"308 Permanent Redirect\r\nLocation: {location}"
        stream.sendall(f"HTTP/1.1 {head}\r\nContent-Length: 20\r\nConnection: close\r\n\r\n".encode())
        stream.sendall(b'{"version": "3.0.6"}')
        stream.close()

    with (
        talking(talk) as port,
        calling(f"http://127.0.0.1:{port}", OWN, ca_bundle=str(bundle)) as transport,
    ):
        for _ in range(2):
            assert transport.call(Request("/dags"), 5).status == 200
    assert seen == [
        ("http", "/api/v2/version"),
        ("https", "/api/v2/version"),
        *[("https", "/api/v2/dags")] * 2,
    ]


@pytest.mark.parametrize(
    ("asked", "location", "followed"),
    [
        ("http://h/a", "https://h/b", "https://h/b"),
        ("http://h:80/a", "https://h/b", "https://h/b"),
        ("http://h/a", "https://h:443/b?c=d", "https://h/b?c=d"),
        ("http://h:8080/a", "https://h:8080/b", "https://h:8080/b"),
        ("https://h/a", "https://H:443/b", "https://h/b"),
        ("https://h:443/a", "https://h/", "https://h:443/"),
        ("https://h/a", "//h/b", "https://h/b"),
        ("https://h/a/b", "../c", "https://h/c"),
        ("https://h/a", "https://h", "https://h/"),
        ("http://[::1]:8080/a", "https://[::1]:8080/b", "https://[::1]:8080/b"),
        ("https://h/a", "https://h//evil.example.com/b", "https://h//evil.example.com/b"),
    ],
)
def test_what_stays_on_the_host_is_followed(asked, location, followed):
    assert redirects.follow("Airflow", asked, "GET", 302, location) == followed


@pytest.mark.parametrize(
    ("asked", "location"),
    [
        ("https://h/a", "http://h/a"),
        ("https://h:8443/a", "http://h:8443/a"),
        ("http://h:8080/a", "https://h/a"),
        ("http://h/a", "https://h:8443/a"),
        ("http://h:443/a", "https://h/a"),
        ("https://h/a", "https://h.evil.example.com/a"),
        ("https://h/a", "https://evil.example.com:99999/a"),
        ("https://h/a", "//evil.example.com/a"),
        ("https://h/a", "https://h@evil.example.com/a"),
        ("https://h/a", "https://user@h/a"),
        ("https://h/a", "https://h:x/a"),
        ("https://h/a", "https://[h/a"),
        ("https://h/a", "javascript:alert(1)"),
        ("https://h/a", "file:///etc/passwd"),
        ("https://h/a", "https://h\\@evil.example.com/a"),
        ("https://h/a", ""),
        ("https://h/a", None),
    ],
)
def test_what_leaves_the_host_or_is_no_url_is_refused(asked, location):
    with pytest.raises(CallFailed) as caught:
        redirects.follow("Airflow", asked, "GET", 302, location)
    assert caught.value.reason is Reason.BAD_RESPONSE


@example("https://h\\@evil/")
@example("https://evil\r\n::error::x/")
@example("https://\x1b[31m/")
@example("//fl\u00fcge\u202e.test/")
@given(
    st.text(max_size=40)
    | st.lists(
        st.sampled_from(["http:", "https:", "//", "/", "h", "evil", "@", ":", "80", "\\", "?", "#", "["])
    ).map("".join)
)
def test_no_location_leads_away_from_the_host_or_into_a_log(location):
    try:
        followed = redirects.follow("Airflow", "https://h/base/x", "GET", 302, location)
    except CallFailed as refused:
        refusal = refused.message
    else:
        refusal = ""
        assert urlsplit(followed)[:2] == ("https", "h")
        assert parse_url(followed)[:4] == ("https", None, "h", None)
    assert refusal.isascii()
    assert refusal.isprintable()
