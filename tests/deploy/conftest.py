"""What is built takes seconds: it is built once, by whichever worker comes first."""

from __future__ import annotations

import fcntl
import re
import sys
from pathlib import Path

import pytest
from lambda_zip import MACHINE, build, snapshot

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "deploy"))  # scripts are no package


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id):
    """A folder that all workers share, and whose lock they take in turn while they make something in it."""
    base = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    folder = base / "deploy"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "checkout").exists():
            snapshot(ROOT, folder / "checkout")
    return folder


@pytest.fixture(scope="session")
def checkout(shared):
    return shared / "checkout"


@pytest.fixture(scope="session")
def built(shared, checkout):
    """The zip, as the command builds it; the folder for it is made."""
    if sys.platform != "linux" or MACHINE is None:
        pytest.skip("what runs in Lambda runs on Linux alone, on x86_64 and arm64")
    path = shared / "dist" / "gate.zip"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            done = build(checkout, path)
            assert done.returncode == 0, done.stderr
            assert re.search(r"gate\.zip: \d+\.\d MB, unzipped \d+\.\d MB\n$", done.stdout)
    return path
