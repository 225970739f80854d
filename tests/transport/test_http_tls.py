"""TLS: every certificate is verified, and a message says what is wrong with it and which option helps."""

from __future__ import annotations

import ssl

import pytest
from http_servers import JSON, VERSION, Certificate, calling, served, talking

from validator.errors import CallFailed, UsageError
from validator.reasons import Reason
from validator.transport.airflow_auth import Auth
from validator.transport.http import HttpTransport
from validator.transport.interface import Request

ANSWERS = {"/api/v2/version": VERSION, "/api/v2/dags": (200, JSON, b'{"dags": []}')}
HERE = ["127.0.0.1"]


@pytest.fixture(scope="module")
def authority():
    return Certificate()


@pytest.fixture(scope="module")
def bundle(authority, tmp_path_factory):
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    path.write_bytes(b"# the authority of the tests\n" + authority.pem)
    return str(path)


def call(certificate, folder, ca_bundle):
    with (
        served(ANSWERS, tls=certificate.server_context(folder)) as server,
        calling(server.url, Auth(token="s3cret-token"), ca_bundle=ca_bundle) as transport,
    ):
        return transport.call(Request("/dags"), 5)


def refusal(certificate, folder, ca_bundle):
    with served(ANSWERS, tls=certificate.server_context(folder)) as server:
        with (
            calling(server.url, Auth(token="s3cret-token"), ca_bundle=ca_bundle) as transport,
            pytest.raises(CallFailed) as caught,
        ):
            transport.call(Request("/dags"), 5)
        assert server.asked == []
    assert (caught.value.reason, caught.value.retry) == (Reason.UNREACHABLE, False)
    assert caught.value.message.startswith(
        f"{server.url}: no trusted connection: its certificate is not accepted: "
    )
    assert "--airflow-ca" in caught.value.message
    return caught.value.message


def test_a_certificate_of_a_named_authority_is_accepted(authority, bundle, tmp_path):
    assert call(Certificate(HERE, authority), tmp_path, bundle).status == 200


def test_a_self_signed_certificate_is_accepted_when_it_is_named_itself(tmp_path):
    certificate = Certificate(HERE)
    path = tmp_path / "own.pem"
    path.write_bytes(certificate.pem)
    assert call(certificate, tmp_path, str(path)).status == 200


@pytest.mark.parametrize("named", [True, False])
def test_a_self_signed_certificate_is_refused(named, bundle, tmp_path):
    said = refusal(Certificate(HERE), tmp_path, bundle if named else None)
    assert "it is self-signed (--airflow-ca FILE names the certificates to trust)" in said


def test_a_certificate_of_an_unknown_authority_is_refused(bundle, tmp_path):
    assert "its authority is not known here" in refusal(Certificate(HERE, Certificate()), tmp_path, bundle)


@pytest.mark.parametrize(
    ("days", "said"),
    [((-9, -1), "it has expired"), ((1, 9), "it is not valid yet")],
    ids=["expired", "not yet"],
)
def test_a_certificate_out_of_its_time_is_refused(days, said, authority, bundle, tmp_path):
    assert said in refusal(Certificate(HERE, authority, days=days), tmp_path, bundle)


@pytest.mark.parametrize("names", [["airflow.example.com"], ["127.0.0.2"], ["localhost"], []])
def test_a_certificate_for_another_host_is_refused(names, authority, bundle, tmp_path):
    assert "it is for another" in refusal(Certificate(names, authority), tmp_path, bundle)


def test_a_wrong_host_name_is_told_from_a_wrong_address(authority, bundle, tmp_path):
    context = Certificate(HERE, authority).server_context(tmp_path)
    with (
        served(ANSWERS, tls=context) as server,
        calling(f"https://localhost:{server.port}", ca_bundle=bundle) as transport,
        pytest.raises(CallFailed) as caught,
    ):
        transport.call(Request("/dags"), 5)
    assert "it is for another host name" in caught.value.message


def test_a_server_without_tls_is_told_from_a_bad_certificate():
    with (
        served(ANSWERS) as server,
        calling(server.url.replace("http:", "https:")) as transport,
        pytest.raises(CallFailed) as caught,
    ):
        transport.call(Request("/dags"), 5)
    assert (caught.value.reason, caught.value.retry) == (Reason.UNREACHABLE, False)
    assert "speaks no TLS on this port" in caught.value.message


def test_a_connection_closed_in_the_middle_of_the_handshake_may_do_better_later():
    with (
        talking(lambda connection: connection.recv(1000)) as port,
        calling(f"https://127.0.0.1:{port}") as transport,
        pytest.raises(CallFailed) as caught,
    ):
        transport.call(Request("/dags"), 5)
    assert (caught.value.reason, caught.value.retry) == (Reason.UNREACHABLE, True)


def test_a_file_that_holds_no_certificate_is_refused_when_the_transport_is_made(authority, tmp_path):
    for name, content, said in [
        ("empty", b"", "holds no certificate"),
        ("text", b"not a certificate", "holds no certificate"),
        ("binary", authority.der, "holds no certificate"),
        ("key", authority.key_pem, "holds no certificate"),
        ("broken", authority.pem.replace(b"M", b"?"), "holds no certificate"),
        ("gone", None, "No such file"),
    ]:
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        for scheme in ("http", "https"):
            with pytest.raises(UsageError) as caught:
                HttpTransport(f"{scheme}://127.0.0.1", ca_bundle=str(path))
            assert repr(str(path)) in caught.value.message
            assert said in caught.value.message
            assert "--airflow-ca" in caught.value.advice


def test_a_folder_or_a_path_that_is_none_is_refused(tmp_path):
    for path in (str(tmp_path), "a\0b"):
        with pytest.raises(UsageError, match="certificates to trust"):
            HttpTransport("https://127.0.0.1", ca_bundle=path)


def test_nothing_switches_the_verification_off(monkeypatch, bundle):
    for name in ("PYTHONHTTPSVERIFY", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"):
        monkeypatch.setenv(name, "0")
    for ca_bundle in (None, bundle):
        context = HttpTransport("https://127.0.0.1", ca_bundle=ca_bundle)._wire._context
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
