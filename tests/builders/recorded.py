"""The recordings of real servers, and how an answer is held against one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from validator.sandbox.rules import VERSIONS

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
"""A time of day as Airflow stamps it; one that a caller gave has no microseconds, and must come back as it was."""
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SUFFIX = re.compile(r"_[A-Za-z0-9]{8}$")
OWN = {"pid", "hostname", "duration", "rendered_fields", "statement", "message", "file_token"}
"""Keys whose values are a machine's own."""


def recording(version, name):
    path = RECORDINGS / version / f"{name}.json"
    assert path.parent.is_dir(), f"{path.parent} is missing: the contract cannot be checked"
    return json.loads(path.read_text()) if path.exists() else None


def cases(names):
    return [
        pytest.param(version, name, id=f"{version}-{name}")
        for version in VERSIONS
        for name in names.split()
        if (RECORDINGS / version / f"{name}.json").exists()
    ]


def names_of(version, *stems):
    return {path.stem for path in (RECORDINGS / version).glob("*.json") if path.stem.startswith(stems)}


def replay(simulation, recorded):
    path = recorded["path"].removeprefix("/api/v1").removeprefix("/api/v2")
    query = recorded["query"] or {}
    return simulation.call(recorded["method"], path, dict(query), recorded["body"])


def blurred(value, key=""):
    """A body without what differs from run to run; whether there is a value stays, and of which type."""
    if key in OWN:
        return None if value is None else "its own"
    if isinstance(value, dict):
        return {name: blurred(one, name) for name, one in value.items() if name != "__truncated__"}
    if isinstance(value, list):
        return [blurred(one) for one in value]
    if isinstance(value, str):
        value = UUID.sub("<uuid>", TIME.sub("<time>", value))
        return SUFFIX.sub("_<suffix>", value) if "<time>" in value else value
    return value
