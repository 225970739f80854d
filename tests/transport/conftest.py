"""An MWAA endpoint on loopback, and an environment in which nothing of the machine's own AWS is left."""

from __future__ import annotations

import os

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
    for name in list(os.environ):
        if name.upper().startswith("AWS_") or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DISABLE_HOST_PREFIX_INJECTION", "true")
    return monkeypatch


@pytest.fixture
def signed(aws):
    """Any credentials, and a region."""
    aws.setenv("AWS_ACCESS_KEY_ID", "AKIAOWN")
    aws.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    aws.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return aws


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
