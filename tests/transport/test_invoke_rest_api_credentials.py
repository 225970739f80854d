"""Who calls, and from where: credentials, regions, profiles and roles, as AWS's own tools find them."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from validator.errors import CallFailed, CannotTell, UsageError
from validator.reasons import Reason
from validator.transport.aws_session import AwsSession
from validator.transport.interface import Request
from validator.transport.invoke_rest_api import connect

ASK = Request("/dags")
ROLE = "arn:aws:iam::123456789012:role/gate"


@pytest.fixture(scope="module")
def sts():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def signatures(mwaa):
    """Starts an endpoint, and gives a transport and the headers of what it sends."""

    def go(**connection):
        _, transport = mwaa(connection=connection)
        seen = []
        transport._client.meta.events.register(
            "before-send.mwaa.*",
            lambda request, **_: seen.append({k: str(v) for k, v in request.headers.items()}),
        )
        return transport, seen

    return go


def signed_by(headers):
    raw = headers["Authorization"]
    return re.search(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/", raw).groups()


def both(transport):
    return (lambda: transport.call(ASK), transport.environment)


def test_credentials_and_region_of_the_environment_sign_the_calls(signatures):
    transport, seen = signatures()
    transport.call(ASK)
    transport.environment()
    assert [signed_by(headers) for headers in seen] == [("AKIAOWN", "us-east-1", "airflow")] * 2


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_region_comes_from_either_variable(signatures, signed, variable):
    signed.delenv("AWS_DEFAULT_REGION")
    signed.setenv(variable, "eu-central-1")
    transport, seen = signatures()
    transport.call(ASK)
    assert signed_by(seen[0])[1] == "eu-central-1"


def test_a_region_that_is_given_goes_before_the_environment(signatures):
    transport, seen = signatures(region="ap-south-1")
    transport.call(ASK)
    assert signed_by(seen[0])[1] == "ap-south-1"


def test_a_profile_brings_its_own_region_and_credentials(signatures, signed, tmp_path):
    signed.delenv("AWS_DEFAULT_REGION")
    (tmp_path / "config").write_text("[profile prod]\nregion = eu-west-2\n")
    (tmp_path / "credentials").write_text("[prod]\naws_access_key_id = AKIAPROD\naws_secret_access_key = x\n")
    transport, seen = signatures(profile="prod")
    transport.call(ASK)
    assert signed_by(seen[0])[:2] == ("AKIAPROD", "eu-west-2")


def test_nothing_is_looked_for_before_the_first_call(aws):
    transport = connect("sandbox", profile="not there")
    assert transport.where == "sandbox"


def test_without_a_region_nothing_can_be_told(signed):
    signed.delenv("AWS_DEFAULT_REGION")
    transport = connect("sandbox")
    for ask in both(transport):
        with pytest.raises(CannotTell, match="no AWS region") as caught:
            ask()
        assert caught.value.reason is Reason.NOT_FOUND
        assert "--region" in caught.value.advice
        assert "AWS_REGION" in caught.value.advice


@pytest.mark.parametrize("region", ["not a region", "us_east_1", "us-east-1/x", "../..", "a" * 100])
def test_a_region_that_cannot_be_one_ends_the_gate_at_once(signed, region):
    transport = connect("sandbox", region=region)
    for ask in both(transport):
        with pytest.raises(CannotTell) as caught:
            ask()
        assert "--region" in caught.value.advice


def test_without_credentials_nothing_can_be_told(aws, mwaa):
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    sandbox, transport = mwaa()
    for ask in both(transport):
        with pytest.raises(CannotTell, match="no usable AWS credentials") as caught:
            ask()
        assert caught.value.reason is Reason.ACCESS_DENIED
        assert "--profile" in caught.value.advice
    assert sandbox.calls == (), "nothing is sent unsigned"


def test_half_of_the_credentials_are_none(signed):
    signed.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CannotTell, match="no usable AWS credentials"):
        connect("sandbox").call(ASK)


def test_an_unknown_profile_ends_the_gate(aws):
    aws.setenv("AWS_DEFAULT_REGION", "us-east-1")
    transport = connect("sandbox", profile="nobody")
    for ask in both(transport):
        with pytest.raises(CannotTell, match="nobody") as caught:
            ask()
        assert caught.value.reason is Reason.ACCESS_DENIED


def test_a_configuration_file_that_cannot_be_read_ends_the_gate(signed, tmp_path):
    Path(tmp_path / "config").write_text("[profile broken\nthis is no ini file")
    with pytest.raises(CannotTell, match="config"):
        connect("sandbox", profile="broken").call(ASK)


def test_an_endpoint_that_is_no_address_ends_the_gate(signed):
    signed.setenv("AWS_ENDPOINT_URL_MWAA", "nonsense")
    for ask in both(connect("sandbox")):
        with pytest.raises(CannotTell, match="nonsense"):
            ask()


@pytest.mark.parametrize("name", ["../x", "", "a" * 81, "1a", "ä", "a b", "a/b", "a\n", "-a", "a.b", "٣"])
def test_a_name_that_no_environment_can_have_is_a_wrong_input(name):
    with pytest.raises(UsageError, match="cannot be the name") as caught:
        connect(name)
    assert "--env" in caught.value.advice


@pytest.mark.parametrize("name", ["a", "A-b_9", "a" * 80])
def test_a_name_that_an_environment_can_have_is_taken(name):
    assert connect(name).where == name


def test_a_role_is_assumed_and_its_credentials_sign_the_calls(signatures, signed, sts):
    signed.setenv("AWS_ENDPOINT_URL_STS", sts)
    transport, seen = signatures(role_arn=ROLE)
    transport.call(ASK)
    transport.environment()
    keys = {signed_by(headers)[0] for headers in seen}
    assert len(keys) == 1
    assert keys.pop().startswith("ASIA"), "temporary credentials, not the caller's own"
    assert all(headers.get("X-Amz-Security-Token") for headers in seen)


def test_a_role_of_another_region_is_assumed_there(signatures, signed, sts):
    signed.delenv("AWS_DEFAULT_REGION")
    signed.setenv("AWS_ENDPOINT_URL_STS", sts)
    transport, seen = signatures(role_arn=ROLE, region="eu-west-1")
    transport.call(ASK)
    assert signed_by(seen[0])[1] == "eu-west-1"


def test_a_role_without_credentials_to_assume_it_ends_the_gate(aws):
    aws.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with pytest.raises(CannotTell, match="no usable AWS credentials"):
        connect("sandbox", role_arn=ROLE).call(ASK)


@pytest.fixture
def denying_sts():
    """An STS that denies everything."""

    class Denying(BaseHTTPRequestHandler):
        def do_POST(self):
            error = b"<Error><Code>AccessDenied</Code><Message>not you</Message></Error>"
            body = b"<ErrorResponse>" + error + b"</ErrorResponse>"
            self.send_response(403)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Denying)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_role_that_may_not_be_assumed_is_told_as_such(mwaa, signed, denying_sts):
    sandbox, transport = mwaa(connection={"role_arn": ROLE})
    signed.setenv("AWS_ENDPOINT_URL_STS", denying_sts)
    for ask in both(transport):
        with pytest.raises(CannotTell, match=r"AssumeRole was refused.*not you") as caught:
            ask()
        assert caught.value.reason is Reason.ACCESS_DENIED
        assert "InvokeRestApi" not in caught.value.message, "nobody asked for it yet"
        assert "trust policy" in caught.value.advice
    assert sandbox.calls == ()


def test_an_sts_that_does_not_answer_is_no_denial_and_asked_again(mwaa, signed):
    _, transport = mwaa(connection={"role_arn": ROLE})
    signed.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    with pytest.raises(CallFailed) as failed:
        transport.call(ASK)
    assert failed.value.reason is Reason.UNREACHABLE
    assert failed.value.retry


@pytest.mark.parametrize(
    "role",
    ["gate", "arn:aws:iam::1:role/x", "arn:aws:s3:::bucket", "arn:aws:iam::123456789012:user/x", " " + ROLE],
)
def test_what_is_no_roles_arn_is_a_wrong_input(role):
    with pytest.raises(UsageError, match="role"):
        connect("sandbox", role_arn=role)


@pytest.mark.parametrize(
    "role",
    [ROLE, "arn:aws-cn:iam::123456789012:role/a/path/x", "arn:aws-us-gov:iam::123456789012:role/x+=,.@-_"],
)
def test_roles_of_every_partition_are_taken(role):
    assert connect("sandbox", role_arn=role).where == "sandbox"


def test_an_unreachable_sts_is_asked_again(signed, mwaa):
    sandbox, _ = mwaa()
    sandbox.close()
    signed.setenv("AWS_ENDPOINT_URL_STS", sandbox.url)
    with pytest.raises(CallFailed) as caught:
        connect("sandbox", role_arn=ROLE).call(ASK)
    assert (caught.value.reason, caught.value.retry) == (Reason.UNREACHABLE, True)


SECRET = "wJalrSECRET"


@pytest.mark.parametrize(
    ("profile", "said", "advice"),
    [
        (
            f"credential_process = sh -c 'echo {SECRET} >&2; echo {SECRET}; exit 3'",
            "credential_process failed",
            "by hand",
        ),
        (f"credential_process = echo '{{\"SecretAccessKey\": {SECRET}'", "no JSON", "by hand"),
        ("credential_process = echo '{\"Version\": 1}'", "Missing required key", "by hand"),
        ("credential_process = /nowhere/program", "/nowhere/program", "credential_process"),
        (
            "web_identity_token_file = /nowhere/token\nrole_arn = arn:aws:iam::123456789012:role/r",
            "/nowhere/token",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
        ),
        (
            "sso_start_url = https://127.0.0.1:9\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name = r",
            "SSO",
            "aws sso login",
        ),
    ],
)
def test_each_way_to_have_no_credentials_is_told_without_what_a_program_printed(
    aws, tmp_path, profile, said, advice
):
    aws.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        aws.delenv(name, raising=False)
    (tmp_path / "config").write_text(f"[profile odd]\nregion = us-east-1\n{profile}\n")
    for ask in both(connect("sandbox", profile="odd")):
        with pytest.raises(CannotTell) as caught:
            ask()
        assert caught.value.reason is Reason.ACCESS_DENIED
        assert said in caught.value.message
        assert advice in caught.value.advice
        assert SECRET not in f"{caught.value.message} {caught.value.advice}"


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"])
def test_a_credential_that_no_header_may_hold_is_not_shown(mwaa, aws, variable):
    sandbox, transport = mwaa()
    aws.setenv(variable, f"{SECRET}\nx")
    for ask in both(transport):
        with pytest.raises(CannotTell, match="line break") as caught:
            ask()
        assert caught.value.reason is Reason.ACCESS_DENIED
        assert SECRET not in caught.value.message
    assert sandbox.calls == ()


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_a_line_break_is_found_before_anything_is_signed(signed, variable):
    signed.setenv(variable, f"{SECRET}\r")
    with pytest.raises(CannotTell, match="line break") as caught:
        AwsSession().signer()
    assert SECRET not in caught.value.message


def test_a_password_in_an_endpoint_is_not_shown(signed):
    signed.setenv("AWS_ENDPOINT_URL_MWAA", f"http://ann:{SECRET}@127.0.0.1:9")
    signed.setenv("AWS_DISABLE_HOST_PREFIX_INJECTION", "true")
    for ask in both(connect("sandbox")):
        with pytest.raises(CallFailed, match=r"127\.0\.0\.1:9") as caught:
            ask()
        assert SECRET not in caught.value.message


@pytest.mark.parametrize(
    ("variable", "value"),
    [("AWS_RETRY_MODE", "patient"), ("AWS_ENDPOINT_URL_MWAA", "nonsense")],
)
def test_a_setting_that_is_none_is_not_called_an_answer(signed, variable, value):
    signed.setenv(variable, value)
    for ask in both(connect("sandbox")):
        with pytest.raises(CannotTell, match=value) as caught:
            ask()
        assert caught.value.reason is Reason.UNREACHABLE
        assert "AWS_* variables" in caught.value.advice
