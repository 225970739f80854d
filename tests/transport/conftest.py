"""An MWAA endpoint on loopback, and an environment in which nothing of the machine's own AWS is left."""

from __future__ import annotations

import bare_machine
import pytest

from validator.sandbox.server import Sandbox
from validator.transport.invoke_rest_api import connect


class Echo:
    """Answers what it is told to, and remembers what it was asked."""

    def __init__(self):
        self.answer = (200, {"dags": [], "total_entries": 0})
        self.asked = []
        self.facts = {"AirflowVersion": "3.0.6", "AirflowConfigurationOptions": {"core.x": "1"}}

    def call(self, method, path, query, body):
        self.asked.append((method, path, query, body))
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def environment(self):
        return self.facts


@pytest.fixture
def aws(monkeypatch, tmp_path):
    """No credentials, no region and no configuration file but what a test sets through this."""
    return bare_machine.bare_machine(monkeypatch, tmp_path)


@pytest.fixture
def signed(aws):
    """Any credentials, and a region."""
    return bare_machine.signed(aws)


@pytest.fixture
def backend():
    return Echo()


@pytest.fixture
def mwaa(backend, signed):
    """Starts an endpoint, and gives it with a transport to it."""
    started, transports = [], []

    def go(name="sandbox", connection=None, **options):
        sandbox = Sandbox(backend, **{"calls_per_second": 0, **options})
        sandbox.start()
        started.append(sandbox)
        signed.setenv("AWS_ENDPOINT_URL_MWAA", sandbox.url)
        transport = connect(name, **(connection or {}))
        transports.append(transport)
        return sandbox, transport

    yield go
    for one in [*(each._made for each in transports if each._made is not None), *started]:
        one.close()
