"""The action's bill of materials, beside what its first step really installs."""

import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

OF_THE_RUNNER = {"pip", "setuptools"}
"""What Python puts into each virtual environment."""


def test_it_names_all_that_is_installed_and_nothing_else(installation, root, tmp_path):
    path = tmp_path / "action.cdx.json"
    subprocess.run(
        [sys.executable, root / "deploy" / "sbom.py", "action", "--output", path], check=True, timeout=60
    )
    told = json.loads(path.read_text("utf-8"))
    named = {part["name"]: part["version"] for part in told["components"]}
    optional = {part["name"] for part in told["components"] if part["scope"] == "optional"}
    whole = told["metadata"]["component"]

    packages = next(Path(installation.outputs["folder"]).rglob("site-packages"))
    found = {
        re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower(): one.version
        for one in importlib.metadata.distributions(path=[str(packages)])
    }
    assert found.pop("mwaa-gate") == whole["version"]
    for name in OF_THE_RUNNER:
        found.pop(name, None)
    assert found == {
        name: version for name, version in named.items() if name in found or name not in optional
    }
