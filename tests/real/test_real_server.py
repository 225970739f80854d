"""That the tests' Airflow is what the scenarios take it for; no gate is involved."""

from __future__ import annotations

import time

import pytest

pytestmark = pytest.mark.airflow


def test_server_serializes_what_is_put(stage):
    stage.put("dag.py", stage.dag("dag", task='"first"'))
    stage.wait_for("dag")

    assert '"first"' in stage.airflow.serialized(stage.id("dag"))

    edited = stage.put("dag.py", stage.dag("dag", task='"second"'))
    stage.wait_until(
        lambda: '"second"' in stage.airflow.serialized(stage.id("dag")), "second serialized form"
    )
    stage.note(f"serialized {time.time() - edited:.1f} s after the edit")

    assert stage.airflow.last_parsed(stage.id("dag")) > edited
