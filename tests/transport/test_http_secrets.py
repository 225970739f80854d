"""No message, no repr and no log holds a secret, whatever a server answers, echoes and redirects to."""

from __future__ import annotations

import json
import logging
import re
import traceback
from urllib.parse import quote

import pytest
from http_servers import JSON, VERSION, VERSION_2, calling, served
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from validator.errors import CallFailed
from validator.transport.airflow_auth import Auth, basic
from validator.transport.caller import refused
from validator.transport.interface import Request

PASSWORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=3, max_size=20).map(
    lambda end: f"QzX{end}"
)
TOKENS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=3, max_size=20).map(
    lambda end: f"QzX{end}"
)
AUTHS = st.builds(Auth, user=st.just("ann"), password=PASSWORDS) | st.builds(Auth, token=TOKENS)
ISSUED = "QzXissued-token"


def json_echo(method, path, headers, body):
    return JSON, json.dumps({"detail": [{"input": body.decode(), "headers": headers}]}).encode()


def escaped_echo(method, path, headers, body):
    told = json.dumps({"detail": headers.get("Authorization", "") + body.decode()})
    return JSON, "".join(f"\\u{ord(one):04x}" if one.isalnum() else one for one in told).encode()


def slashes_echo(method, path, headers, body):
    content_type, told = json_echo(method, path, headers, body)
    return content_type, told.replace(b"/", b"\\/")


def wide_echo(method, path, headers, body):
    content_type, told = json_echo(method, path, headers, body)
    return content_type, told.decode().encode("utf-16")


def html_echo(method, path, headers, body):
    return {"Content-Type": "text/html"}, f"<html>{headers} {body.decode()}".encode()


def text_echo(method, path, headers, body):
    sent = headers.get("Authorization", "") + body.decode()
    small = re.sub("%..", lambda code: code[0].lower(), quote(sent, safe=""))
    return {}, f"{sent} {quote(sent)} {small}".encode()


def redirect_echo(method, path, headers, body):
    sent = quote(headers.get("Authorization", "") + body.decode())
    return {"Location": f"http://elsewhere.test/{sent}?{sent}"}, b""


def cut_off(method, path, headers, body):
    return {"Content-Length": "5000"}, body


ECHOES = [json_echo, escaped_echo, slashes_echo, wide_echo, html_echo, text_echo, redirect_echo, cut_off]


@pytest.fixture(scope="module")
def server():
    """A server that does at one of its paths what `behave` says, and is an Airflow elsewhere."""
    state = {}

    def answer(method, path, headers, body):
        path = path.partition("?")[0]
        if path.endswith(state["where"]):
            return (state["status"], *state["echo"](method, path, headers, body))
        if path == f"{state['prefix']}/version":
            return VERSION if state["prefix"] == "/api/v2" else VERSION_2
        if path == "/auth/token":
            return (201, JSON, json.dumps({"access_token": ISSUED}).encode())
        return (401, JSON, b"{}")

    with served(answer) as running:
        running.state = state
        yield running


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    auth=AUTHS,
    status=st.sampled_from([200, 201, 302, 308, 400, 401, 403, 404, 422, 429, 500]),
    where=st.sampled_from(["/version", "/auth/token", "/dags"]),
    prefix=st.sampled_from(["/api/v1", "/api/v2"]),
    echo=st.sampled_from(ECHOES),
)
def test_no_failure_shows_a_secret(server, caplog, auth, status, where, prefix, echo):
    assume(status not in (302, 308) or echo is redirect_echo)
    server.state.update(status=status, where=where, prefix=prefix, echo=echo)
    caplog.clear()
    with caplog.at_level(logging.DEBUG), calling(server.url, auth) as transport:
        request = Request("/dags")
        shown = [repr(transport), repr(auth), *map(str, vars(transport)), transport.where]
        try:
            failed = refused(request, transport.call(request, 5))
        except CallFailed as error:
            shown += traceback.format_exception(error)
            failed = error
        if failed is not None:
            shown += [failed.message, failed.advice, repr(failed)]
    shown.append(caplog.text)
    text = "\n".join(shown).replace(__file__, "")
    for secret in (*auth.secrets, ISSUED, basic("ann", "QzX")[:8]):
        for form in (secret, json.dumps(secret)[1:-1], quote(secret), quote(secret, safe="")):
            assert form not in text
