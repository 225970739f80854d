"""The worked example of docs/sandbox.md, pasted as it stands there."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text("utf-8")
SECTION = DOCUMENT.partition("## A local folder against it\n")[2].partition("\n## ")[0]
START, CHECK, EDIT, S3_SERVER, S3_CHECK = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)


@pytest.fixture
def shell(tmp_path):
    """Pastes commands into a shell: this `mwaa-gate`, another port, no settings of AWS."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MWAA_"))
    }
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }
    shells = []

    def paste(commands):
        one = subprocess.Popen(
            ["bash", "-c", commands.replace("8765", port)],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        shells.append(one)
        return one

    yield paste
    for one in shells:
        if one.poll() is None:
            os.killpg(one.pid, signal.SIGKILL)
        one.communicate()


def test_a_local_folder_is_green_and_after_an_edit_red(shell):
    sandbox = shell(START)
    for line in sandbox.stdout:
        if "Ctrl-C ends it" in line:
            break

    green = shell(CHECK)
    shown, _ = green.communicate(timeout=60)
    assert (green.returncode, "PASSED" in shown) == (0, True), shown

    exports = CHECK.rpartition("mwaa-gate check")[0]
    red = shell(exports + EDIT)
    shown, _ = red.communicate(timeout=60)
    assert red.returncode == 1, shown
    assert "dag-source-mismatch  etl.py: " in shown
    assert "at dags/etl.py:5\n" in shown
    assert "| +# edited\n" in shown


def test_the_example_with_s3_names_the_bucket_and_the_server_that_it_starts():
    port = re.search(r"moto_server -H 127\.0\.0\.1 -p (\d+)\n", S3_SERVER).group(1)

    assert f"AWS_ENDPOINT_URL_S3=http://127.0.0.1:{port}\n" in S3_CHECK
    assert "s3 mb s3://sandbox-bucket\n" in S3_CHECK
    assert "s3://sandbox-bucket/dags\n" in S3_CHECK
