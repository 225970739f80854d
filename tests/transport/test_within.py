"""No call takes longer than it may, however its answer drips."""

from __future__ import annotations

import socket
import threading

import pytest

from validator.errors import CallFailed
from validator.reasons import Reason
from validator.transport import invoke_rest_api
from validator.transport.interface import Request
from validator.transport.invoke_rest_api import connect
from validator.transport.within import within

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"


def test_what_a_call_gives_in_time_is_given():
    assert within(10, lambda: 5) == 5
    assert within(10, lambda: None) is None


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), TimeoutError("its own")])
def test_what_a_call_raises_is_raised(error):
    def call():
        raise error

    with pytest.raises(type(error)) as raised:
        within(10, call)
    assert raised.value is error


def test_a_call_that_takes_too_long_is_left_alone():
    done = threading.Event()
    with pytest.raises(TimeoutError, match=r"no whole answer within 0\.1 s"):
        within(0.1, done.wait)
    done.set()


@pytest.fixture
def dripping(signed):
    """An endpoint that sends one byte after the other of an answer that never ends; each resets botocore's own timeout."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            while not ended.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    try:
                        connection.recv(65536)
                        connection.sendall(HEAD)
                        while not ended.wait(0.02):
                            connection.sendall(b" ")
                    except OSError:
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        signed.setenv("AWS_ENDPOINT_URL_MWAA", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield signed
        ended.set()
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_an_answer_of_mwaa_that_drips_is_unreachable_and_asked_again(dripping):
    dripping.setattr(invoke_rest_api, "WHOLE_CALL", 0.3)
    transport = connect("analytics-prod")
    with pytest.raises(CallFailed, match=r"InvokeRestApi gave no whole answer within 0\.3 s") as failed:
        transport.call(Request("/dags"))
    assert failed.value.reason is Reason.UNREACHABLE
    assert failed.value.retry
