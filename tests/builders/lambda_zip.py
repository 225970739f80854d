"""The Lambda function's zip, built by the command from a copy of the checkout."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys

RUNNING = f"{sys.version_info[0]}.{sys.version_info[1]}"
MACHINE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine())


def snapshot(root, target):
    """A copy of what a build reads: nobody edits it in the middle, and its files have another age."""
    unwanted = shutil.ignore_patterns("__pycache__")
    for name in ("deploy", "requirements", "validator"):
        shutil.copytree(root / name, target / name, ignore=unwanted, copy_function=shutil.copyfile)
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copyfile(root / name, target / name)
    return target


def build(root, output, python=RUNNING, architecture=MACHINE):
    """Run the build script of the checkout `root`."""
    arguments = ["--output", output, "--python", python, "--architecture", architecture]
    return subprocess.run(
        [sys.executable, root / "deploy" / "build_zip.py", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
