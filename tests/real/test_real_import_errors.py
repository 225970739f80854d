"""Import errors that heal, or are somebody else's, on a real Airflow."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.airflow

BROKEN = '# airflow dag\nraise RuntimeError("broken on purpose")\n'
"""A file that Airflow parses, for its words, and cannot import."""


def test_helper_arrives_late(stage):
    gate = stage.start(f"dags: [{stage.id('dag')}]", "--sync", "14s", "--timeout", "120s")
    stage.put("dag.py", stage.dag("dag", before=f"from {stage.name}.helper import TASK", task="TASK"))
    stage.sleep(6)
    stage.put("helper.py", 'TASK = "task"\n')
    ended = gate.finish()

    assert ended.exit_code == 0
    assert '"task"' in stage.airflow.serialized(stage.id("dag"))


@pytest.mark.early
def test_helper_keeps_its_error_after_the_cure(stage):
    """Airflow 3.0 clears errors only for files that yield a DAG."""
    manifest = f"dags: [{stage.id('dag')}]\nimport_errors: {{scope: all, allow: {stage.allow_others()}}}"
    gate = stage.start(manifest, "--sync", "14s", "--timeout", "240s")
    stage.put("helper.py", BROKEN)
    stage.put("dag.py", stage.dag("dag", before=f"from {stage.name}.helper import TASK", task="TASK"))
    stage.sleep(6)
    stage.put("helper.py", '# airflow dag\nTASK = "task"\n')
    ended = gate.finish()

    assert ended.exit_code == 0
    stage.note(f"green after {ended.seconds:.1f} s, warnings {ended.reasons('warning') or 'none'}")


def test_another_teams_file_is_broken(stage):
    stage.put("dag.py", stage.dag("dag"))
    stage.put("other/team.py", BROKEN)
    stage.wait_for("dag")
    mine = stage.start(f"dags: [{stage.id('dag')}]", "--sync", "10s")
    everything = stage.start(
        f"dags: [{stage.id('dag')}]\nimport_errors: {{scope: all, allow: {stage.allow_others()}}}",
        *("--sync", "10s"),
    )

    ended = mine.finish()
    assert ended.exit_code == 0
    warnings = ended.checks(status="warning", reason="import-error")
    assert any(stage.is_file(warning["file"], "other/team.py") for warning in warnings)

    ended = everything.finish()
    assert ended.exit_code == 1
    assert ended.reasons("failed") == {"import-error"}
    assert "broken on purpose" in ended.one(status="failed")["details"]["stack_trace"]
