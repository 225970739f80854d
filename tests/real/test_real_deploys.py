"""Deploys that go well, on a real Airflow: green, and not before what runs is what was deployed."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest

pytestmark = pytest.mark.airflow

QUIET = 31
"""Seconds after which the next change of a DAG is serialized at once, and the one after it held back."""


def test_unchanged_dags(stage):
    stage.put("first.py", stage.dag("first"))
    stage.put("second.py", stage.dag("second"))
    stage.wait_for("first", "second")
    manifest = f"dags: [{stage.id('first')}, {stage.id('second')}]"
    past = datetime.now(timezone.utc) - timedelta(minutes=2)

    without_deploy = stage.start(manifest, "--deployed-at", "none")
    old_deploy = stage.start(manifest, "--deployed-at", past.isoformat())

    for gate in (without_deploy, old_deploy):
        ended = gate.finish()
        assert ended.exit_code == 0
        assert ended.reasons("failed") == set()
        assert ended.checks(area="dags", subject=stage.id("first"), status="passed")


def test_new_dag_arrives_during_the_wait(stage):
    gate = stage.start(f"dags: [{stage.id('dag')}]", "--sync", "8s")
    stage.sleep(6)
    stage.put("dag.py", stage.dag("dag"))
    ended = gate.finish()

    assert ended.exit_code == 0
    assert ended.seconds > 6
    assert '"task"' in stage.airflow.serialized(stage.id("dag"))


@pytest.mark.early
def test_green_waits_for_the_second_of_two_edits(stage):
    stage.put("dag.py", stage.dag("dag", task='"v1"'))

    _edit_twice(stage, lambda version: stage.put("dag.py", stage.dag("dag", task=f'"{version}"')))


@pytest.mark.early
def test_green_waits_for_an_edited_helper(stage):
    stage.put("helper.py", 'TASK = "v1"\n')
    stage.put("dag.py", stage.dag("dag", before=f"from {stage.name}.helper import TASK", task="TASK"))

    _edit_twice(stage, lambda version: stage.put("helper.py", f'TASK = "{version}"\n'))


def _edit_twice(stage, edit):
    """Edit ten seconds apart while the gate runs with its default settle time; v2, then v3 must be proven."""
    stage.wait_until(lambda: '"v1"' in stage.airflow.serialized(stage.id("dag")), "serialized form")
    stage.sleep(QUIET)
    first = edit("v2")
    gate = stage.start(f"dags: [{stage.id('dag')}]", "--sync", "12s", "--settle", "", "--timeout", "150s")
    stage.sleep(first + 10 - time.time())
    second = edit("v3")
    naive = serialized = 0.0
    while gate.is_running():
        if not naive and stage.airflow.last_parsed(stage.id("dag")) > second:
            naive = time.time() - second
        if not serialized and '"v3"' in stage.airflow.serialized(stage.id("dag")):
            serialized = time.time() - second
        stage.sleep(0.2)
    at_exit = stage.airflow.serialized(stage.id("dag"))
    green = time.time() - second
    ended = gate.finish()
    stage.note(
        f"after the second edit: parsed {naive:.1f} s, serialized {serialized:.1f} s, green {green:.1f} s"
    )

    assert ended.exit_code == 0
    assert '"v3"' in at_exit, "green came before the serialized DAG had the second edit"
    assert 0 < naive < green


@pytest.mark.alone
def test_250_dags(stage):
    dags = stage.dag("{number:03}").splitlines()
    loop = [*dags[:2], "for number in range(250):", *(f"    {line}" for line in dags[2:])]
    stage.put("dags.py", "\n".join(loop).replace('DAG("', 'DAG(f"') + "\n")
    try:
        ended = stage.check(f'dags: [{{pattern: "{stage.id("*")}", min: 250}}]', "--timeout", "180s")
    finally:
        stage.remove("dags.py")

    assert ended.exit_code == 0
    passed = {check["subject"] for check in ended.checks(area="dags", status="passed")}
    assert {stage.id(f"{number:03}") for number in range(250)} <= passed
    stage.note(f"green after {ended.seconds:.1f} s and {ended.report['calls']} calls")
