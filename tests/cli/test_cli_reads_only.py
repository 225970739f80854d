"""What SECURITY.md says of a gate without smoke runs: whatever it demands and finds, it only asks."""

from __future__ import annotations

import pytest

MANIFEST = """\
version: 1
environment: sandbox
dags:
  - {dag_id: etl, file: etl.py, paused: false, tags: [a], tasks: [extract]}
  - {pattern: "*", min: 1}
absent: [gone]
import_errors: {scope: all}
inventory: {unexpected: warn}
variables: [bucket]
connections: [warehouse]
pools: [{name: default_pool, min_slots: 1}]
warnings: fail
"""


@pytest.mark.parametrize("expected", ["", "  - missing\n"])
def test_without_smoke_every_call_is_a_get(gate, sandbox, world, tmp_path, expected):
    path = tmp_path / "manifest.yaml"
    path.write_text(MANIFEST.replace("absent:", f"{expected}absent:"), "utf-8")
    ended = gate("check", path, "--timeout", "1s", "--interval", "200ms", "--deployed-at", "none")
    assert ended.code in (0, 1, 3), ended.err
    asked = {call.path for call in sandbox.calls}
    assert {call.method for call in sandbox.calls} == {"GET"}
    assert len(asked) > 5
    assert not {call.operation for call in sandbox.calls} - {"InvokeRestApi", "GetEnvironment"}
