"""A machine without an AWS, an Airflow or a proxy of its own: what a test may ask is what it starts itself."""

from __future__ import annotations

import os

import botocore.session
from botocore.loaders import Loader

_MODELS = Loader()


def bare_machine(monkeypatch, folder, *, forget=()):
    """Take the machine's settings away, and those that begin with `forget`; no file below `folder` is there yet.

    A process that asks AWS makes one session, which reads AWS's models; here all of a test process share what was read.
    """
    for name in list(os.environ):
        if name.upper().startswith(("AWS_", "MWAA_", *forget)) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DISABLE_HOST_PREFIX_INJECTION", "true")
    monkeypatch.setattr(botocore.session, "create_loader", lambda *_: _MODELS)
    return monkeypatch


def signed(monkeypatch, key="AKIAOWN", secret="own-secret"):  # noqa: S107 - it opens nothing
    """Give it any credentials, and a region."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return monkeypatch
