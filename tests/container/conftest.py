"""The image, built once for all its tests, and a folder to mount into it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # its helpers are modules, not tests

from image_base import make_root
from image_engine import Store, pip_config

from validator.sandbox.files import one_dag
from validator.sandbox.rules import Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

ROOT = Path(__file__).parents[2]
BASE = "docker.io/library/python:3.13-slim-bookworm"
"""The name that the Dockerfile's FROM resolves to."""


def _need(condition, what):
    """Skip on a developer's machine what it lacks; a CI that skips it would be green without a look."""
    if condition:
        return
    if os.environ.get("CI"):
        pytest.fail(f"the image cannot be built here: {what}")
    pytest.skip(what)


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    _need(shutil.which("buildah"), "buildah is not installed (apt-get install buildah)")
    _need(os.geteuid() == 0, "building without a container engine needs root")
    folder = tmp_path_factory.mktemp("container")
    one = Store(folder / "store")
    base = folder / "base"
    base.mkdir()
    make_root(base)
    try:
        one.commit(base, BASE)
        yield one
    finally:
        one.remove()
        shutil.rmtree(base)


@pytest.fixture(scope="session")
def pip_conf(store):
    """Where RUN steps get packages from, as this machine does; mounted, so that nothing of it stays in an image."""
    path = store.folder / "pip.conf"
    path.write_text(pip_config(), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def image(store, pip_conf):
    store.build(ROOT, "localhost/mwaa-gate", config=pip_conf)
    return store.image("localhost/mwaa-gate")


@pytest.fixture(scope="session")
def base(store):
    """The base alone, to tell what the Dockerfile adds."""
    return store.image(BASE)


@pytest.fixture
def workspace(tmp_path):
    """A folder to mount, which belongs to somebody who is neither root nor the image's user."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    os.chown(folder, 54321, 54321)
    (folder / "manifest.yaml").write_text("version: 1\ndags: [etl]\n", encoding="utf-8")
    return folder


@pytest.fixture
def sandbox():
    rules = Rules(airflow="3.0.6", min_file_process_interval=0.2, loop=0.05, parse=(0.0, 0.01))
    with Sandbox(Simulation(World(rules, files={"etl.py": one_dag("etl")})), calls_per_second=0) as endpoint:
        yield endpoint


@pytest.fixture
def variables(sandbox):
    """What a pipeline's step has in its environment."""
    return {
        "AWS_ENDPOINT_URL_MWAA": sandbox.url,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
