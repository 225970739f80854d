"""DAG runs on a real Airflow: what was deployed runs, or the gate says which task did not."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.airflow

IMPORTS_2 = """\
from datetime import datetime
from airflow import DAG
from airflow.datasets import Dataset as Asset
from airflow.operators.bash import BashOperator
"""
IMPORTS_3 = """\
from datetime import datetime
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Asset
"""
SHORT = ("--interval", "1s", "--settle", "1s", "--deployed-at", "none")


def source(stage, word, *commands, schedule="None", paused=False):
    """A DAG file with a task for each shell command, one after the other."""
    lines = [IMPORTS_3 if stage.airflow.is_3 else IMPORTS_2]
    lines.append(
        f'with DAG("{stage.id(word)}", schedule={schedule}, start_date=datetime(2024, 1, 1), catchup=False, '
        f"is_paused_upon_creation={paused}):"
    )
    lines += [
        f'    t{n} = BashOperator(task_id="t{n}", bash_command={json.dumps(c)})'
        for n, c in enumerate(commands)
    ]
    if len(commands) > 1:
        lines.append("    " + " >> ".join(f"t{n}" for n in range(len(commands))))
    return "\n".join(lines) + "\n"


def runs(stage, word):
    return [
        one["dag_run_id"] for one in stage.airflow.call("GET", f"/dags/{stage.id(word)}/dagRuns")["dag_runs"]
    ]


@pytest.mark.early
def test_smoke(stage):
    """One that succeeds, one that fails in its second task, one that hangs, a paused one, one that an event starts."""
    uri = f"s3://lake/{stage.name}/{stage.airflow.version}"
    stage.put("ok.py", source(stage, "ok", "echo {{ dag_run.conf['word'] }}", "true"))
    stage.put("bad.py", source(stage, "bad", "true", "echo no such table; exit 3", "true"))
    stage.put("hang.py", source(stage, "hang", "sleep 100"))
    stage.put("paused.py", source(stage, "paused", "true", paused=True))
    stage.put("woken.py", source(stage, "woken", "true", paused=True))
    stage.put("consumer.py", source(stage, "consumer", "true", schedule=f'[Asset("{uri}")]'))
    words = ("ok", "bad", "hang", "paused", "woken", "consumer")
    stage.wait_for(*words)
    manifest = f"""\
dags: [{", ".join(stage.id(word) for word in words)}]
smoke:
  - {{dag_id: {stage.id("ok")}, conf: {{word: hush-hush}}, expect: {{tasks: {{t0: success}}, max_duration: 4m}}}}
  - {{dag_id: {stage.id("bad")}}}
  - {{dag_id: {stage.id("hang")}, timeout: 50s, keep: never}}
  - {{dag_id: {stage.id("paused")}}}
  - {{dag_id: {stage.id("woken")}, unpause: true, keep: never}}
  - event: {{uri: "{uri}", extra: {{file: probe.csv}}}}
    expect_run_of: {stage.id("consumer")}
"""
    ended = stage.check(manifest, *SHORT)

    assert ended.exit_code == 1
    found = {check["subject"].removeprefix(f"{stage.name}_"): check for check in ended.checks(area="smoke")}
    assert {word: (check["status"], check["reason"]) for word, check in found.items()} == {
        "ok": ("passed", None),
        "bad": ("failed", "smoke-failed"),
        "hang": ("failed", "smoke-timeout"),
        "paused": ("failed", "smoke-failed"),
        "woken": ("passed", None),
        "consumer": ("passed", None),
    }
    assert "t1 failed in try" in found["bad"]["message"]
    assert "t2" not in found["bad"]["message"]
    assert "it is paused" in found["paused"]["message"]
    assert found["ok"]["details"]["duration_s"] > 0
    assert "triggered__" in found["consumer"]["details"]["run_id"]
    assert "hush-hush" not in ended.stdout + ended.stderr + ended.junit
    assert {word: len(runs(stage, word)) for word in words} == {
        "ok": 0,
        "bad": 1,
        "hang": 0,
        "paused": 0,
        "woken": 0,
        "consumer": 1,
    }
    rows = stage.airflow.call("GET", f"/dags?dag_id_pattern={stage.id('woken')}")["dags"]
    assert [row["is_paused"] for row in rows] == [True]
    stage.note(f"six smoke runs took {ended.seconds:.1f} s")


def test_smoke_by_url_twice(stage):
    """Straight at the Airflow's URL the log's end is read; another try of the same gate finds the same run."""
    stage.put("bad.py", source(stage, "bad", "echo no such table; exit 3"))
    stage.wait_for("bad")
    manifest = f"dags: [{stage.id('bad')}]\nsmoke: [{{dag_id: {stage.id('bad')}}}]\n"
    options = ("--env", "", "--airflow-url", stage.airflow.url, "--run-key", "build-7", *SHORT)
    tries = [stage.check(manifest, *options, variables=dict(stage.airflow.credentials)) for _ in range(2)]

    for ended in tries:
        assert ended.exit_code == 1
        red = ended.one(area="smoke", status="failed", reason="smoke-failed")
        assert "no such table" in red["details"]["stack_trace"] or "exit" in red["details"]["stack_trace"]
    assert len(runs(stage, "bad")) == 1
