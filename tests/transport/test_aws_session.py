"""One session for all clients of a run."""

from __future__ import annotations

import threading

import pytest
from moto.server import ThreadedMotoServer

from validator.errors import CannotTell, UsageError
from validator.transport.aws_session import AwsSession
from validator.transport.interface import Request
from validator.transport.invoke_rest_api import connect

ROLE = "arn:aws:iam::123456789012:role/gate"


@pytest.fixture(scope="module")
def moto_server():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_nothing_is_looked_for_before_the_first_client(aws):
    session = AwsSession(profile="not there")
    with pytest.raises(CannotTell, match="not there"):
        session.client("s3")


def test_a_role_that_can_be_none_is_a_wrong_input():
    with pytest.raises(UsageError, match="role"):
        AwsSession(role_arn="gate")


def test_clients_of_one_session_act_as_the_same_role_assumed_once(signed, moto_server):
    signed.setenv("AWS_ENDPOINT_URL", moto_server)
    session = AwsSession("eu-west-1", role_arn=ROLE)
    one, other = session.client("s3"), session.client("mwaa")
    keys = {client._get_credentials().get_frozen_credentials().access_key for client in (one, other)}
    assert len(keys) == 1
    assert keys.pop().startswith("ASIA")
    assert one.meta.region_name == other.meta.region_name == "eu-west-1"
    one.close()
    other.close()


def test_clients_may_be_made_at_the_same_time(signed):
    session = AwsSession()
    clients = []
    start = threading.Barrier(4, timeout=10)

    def make():
        start.wait()
        clients.append(session.client("s3"))

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len({id(client._get_credentials()) for client in clients}) == 1
    for client in clients:
        client.close()


def test_a_transport_takes_the_session_of_others(mwaa, signed):
    session = AwsSession("ap-south-1")
    sandbox, transport = mwaa(connection={"session": session, "region": "eu-west-1"})
    assert transport.call(Request("/dags")).status == 200
    assert transport._client.meta.region_name == "ap-south-1"
    assert len(sandbox.calls) == 1


def test_a_transport_of_a_shared_session_checks_its_name():
    with pytest.raises(UsageError, match="cannot be the name"):
        connect("../x", session=AwsSession())
