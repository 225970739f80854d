"""The gate in front of a real Airflow itself: its URL, its own ways of logging in, nothing of MWAA."""

from __future__ import annotations

import os
import time

import pytest

pytestmark = pytest.mark.airflow

LONG = "x" * 180
"""Of an id that InvokeRestApi's path could not hold."""


def by_url(stage, manifest, *options, **credentials):
    """Start the gate on the Airflow's own URL, as its administrator unless told otherwise."""
    given = {
        **dict(zip(options[::2], options[1::2], strict=True)),
        "--env": "",
        "--airflow-url": stage.airflow.url,
    }
    who = credentials or dict(stage.airflow.credentials)
    return stage.start(manifest, *(word for pair in given.items() for word in pair), variables=who)


def test_by_its_url(stage):
    """Also on Airflow 2 the local files are compared, whatever the length of their DAGs' ids."""
    for word in ("dag", LONG):
        stage.put_both(f"{word}.py", stage.dag(word))
    stage.wait_for("dag", LONG)
    whole = by_url(stage, "", "--dags-folder", str(stage.local), "--dags-prefix", stage.name)
    demands = f'dags: [{{dag_id: {stage.id(LONG)}, tasks: [task]}}]\nmwaa: {{airflow_version: "{stage.airflow.version}"}}\n'
    long = by_url(stage, demands)

    ended = whole.finish()
    assert ended.exit_code == 0
    assert ended.report["environment"] == stage.airflow.url
    compared = {check["subject"]: check["status"] for check in ended.checks(area="sources")}
    assert compared == {stage.file("dag.py"): "passed", stage.file(f"{LONG}.py"): "passed"}
    ended = long.finish()
    assert ended.exit_code == 0
    assert ended.one(id=f"dags/{stage.id(LONG)}/tasks", status="passed")
    assert ended.one(id="environment/airflow_version", status="passed")


def test_other_bytes_by_its_url(stage):
    """What was deployed is not what lies here: red with what differs, on both versions."""
    stage.put_both("dag.py", stage.dag("dag"))
    stage.put_local("dag.py", stage.dag("dag", task='"another"'))
    stage.wait_for("dag")
    short = ("--timeout", "25s", "--interval", "3s")
    ended = by_url(stage, "", "--dags-folder", str(stage.local), "--dags-prefix", stage.name, *short).finish()

    assert ended.exit_code == 1
    red = ended.one(id=f"sources/{stage.file('dag.py')}", status="failed", reason="dag-source-mismatch")
    assert '"another"' in "".join(red["details"]["diff"])


def test_older_time_by_its_url(stage):
    """Airflow 2 does not store the text anew of a file whose time went back: the advice says so."""
    if stage.airflow.is_3:
        return
    stage.put("dag.py", stage.dag("dag"))
    stage.wait_for("dag")
    stage.sleep(2)
    began = stage.put_both("dag.py", stage.dag("dag", options='tags=["new"]'))
    path = stage.airflow.dags / stage.file("dag.py")
    os.utime(path, (began - 86_400, began - 86_400))
    stage.wait_for("dag", after=time.time())
    short = ("--timeout", "25s", "--interval", "3s")
    ended = by_url(stage, "", "--dags-folder", str(stage.local), "--dags-prefix", stage.name, *short).finish()

    assert ended.one(id=f"sources/{stage.file('dag.py')}", status="failed", reason="dag-source-mismatch")
    assert "touch the file" in " ".join(ended.stdout.split())


def test_nobody_by_its_url(stage):
    """Without credentials, and with wrong ones, it cannot tell, and says what to set."""
    stage.put("dag.py", stage.dag("dag"))
    stage.wait_for("dag")
    demands = f"dags: [{stage.id('dag')}]\n"
    wrong = {"MWAA_GATE_AIRFLOW_USER": "gate", "MWAA_GATE_AIRFLOW_PASSWORD": "quite wrong"}
    nobody = by_url(stage, demands, MWAA_GATE_QUIET="1")
    somebody = by_url(stage, demands, **wrong)

    for ended in (nobody.finish(), somebody.finish()):
        assert ended.exit_code == 3
        assert "access-denied" in ended.reasons("error")
        assert "MWAA_GATE_AIRFLOW_USER" in ended.stdout
        assert "quite wrong" not in ended.stdout + ended.stderr + ended.junit


def test_token_by_its_url(stage):
    """A bearer token that was made elsewhere, where there are any; it lives long enough for a green."""
    if not stage.airflow.is_3:
        return
    stage.put("dag.py", stage.dag("dag"))
    stage.wait_for("dag")
    token = stage.airflow.token()
    ended = by_url(
        stage, f"dags: [{stage.id('dag')}]\n", "--settle", "1s", MWAA_GATE_AIRFLOW_TOKEN=token
    ).finish()

    assert ended.exit_code == 0
    assert token not in ended.stdout + ended.stderr + ended.junit
