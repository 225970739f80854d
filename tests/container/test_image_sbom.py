"""The image's bill of materials, made of the image that was really built."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.container

ROOT = Path(__file__).parents[2]
BASE = f"docker.io/library/python:3.13-slim-bookworm@sha256:{'ab' * 32}"


def test_it_names_what_is_in_the_image_and_nothing_else(image, tmp_path):
    path = tmp_path / "image.cdx.json"
    subprocess.run(
        [sys.executable, ROOT / "deploy" / "sbom.py", "image", image.root, "--base", BASE, "--output", path],
        check=True,
        timeout=60,
    )
    told = json.loads(path.read_text("utf-8"))
    named = {part["name"]: part["version"] for part in told["components"] if part["type"] == "library"}
    packages = next((image.root / "opt/mwaa-gate/lib").glob("python*/site-packages"))
    found = {
        re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower(): one.version
        for one in importlib.metadata.distributions(path=[str(packages)])
    }
    assert found.pop("mwaa-gate") == told["metadata"]["component"]["version"]
    assert found == named
    assert [part["name"] for part in told["components"] if part["type"] == "container"] == [
        "docker.io/library/python"
    ]
