"""Deploys that go wrong, on a real Airflow: red, with the right reason and the evidence."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.airflow

BROKEN = 'raise RuntimeError("broken on purpose")'
BROKEN_LINE = 3
"""Where `stage.dag(before=…)` has it."""


def test_existing_file_breaks(stage):
    stage.put("dag.py", stage.dag("dag"))
    stage.wait_for("dag")
    stage.put("dag.py", stage.dag("dag", before=BROKEN))
    ended = stage.check(f"dags: [{stage.id('dag')}]", "--timeout", "300s")

    assert ended.exit_code == 1
    assert ended.reasons("failed") == {"dag-import-error"}
    red = ended.one(reason="dag-import-error", subject=stage.id("dag"))
    assert "broken on purpose" in red["details"]["stack_trace"]
    assert stage.is_file(red["file"], "dag.py")
    assert red["line"] == BROKEN_LINE
    assert ended.seconds < 60
    stage.note(f"red after {ended.seconds:.1f} s")


def test_new_file_is_broken(stage):
    stage.put("dag.py", stage.dag("dag", before=BROKEN))
    named = stage.start(
        f"dags: [{{dag_id: {stage.id('dag')}, file: {stage.file('dag.py')}}}]", "--timeout", "300s"
    )
    bare = stage.start(f"dags: [{stage.id('dag')}]", "--timeout", "40s")

    ended = named.finish()
    assert ended.exit_code == 1
    red = ended.one(reason="dag-import-error", status="failed")
    assert "broken on purpose" in red["details"]["stack_trace"]
    assert stage.is_file(red["file"], "dag.py")
    assert red["line"] == BROKEN_LINE
    assert ended.seconds < 60

    ended = bare.finish()
    assert ended.exit_code == 1
    red = ended.one(reason="dag-missing", status="failed", subject=stage.id("dag"))
    assert stage.file("dag.py") in str(red["details"]["suspects"])
    assert ended.seconds > 35


@pytest.mark.early
def test_dag_renamed_away(stage):
    stage.put("dag.py", stage.dag("old"))
    stage.wait_for("old")
    stage.put("dag.py", stage.dag("new"))
    expected = stage.start(f"dags: [{stage.id('old')}]", "--timeout", "50s")
    absent = stage.start(f"dags: [{stage.id('new')}]\nabsent: [{stage.id('old')}]", "--timeout", "240s")

    ended = expected.finish()
    assert ended.exit_code == 1
    assert ended.one(status="failed", subject=stage.id("old"))
    assert ended.reasons("failed") <= {"dag-stale", "dag-missing", "dag-inactive"}
    stage.note(f"the old id is red after {ended.seconds:.1f} s: {ended.reasons('failed')}")

    ended = absent.finish()
    assert ended.exit_code == 0
    assert ended.checks(area="absent", subject=stage.id("old"), status="passed")
    stage.note(f"the old id is absent after {ended.seconds:.1f} s")


def test_deleted_file(stage):
    stage.put("dag.py", stage.dag("dag"))
    stage.wait_for("dag")
    stage.remove("dag.py")
    ended = stage.check(f"dags: [{stage.id('dag')}]", "--timeout", "40s")

    assert ended.exit_code == 1
    assert ended.one(status="failed", subject=stage.id("dag"))
    assert ended.reasons("failed") <= {"dag-missing", "dag-inactive"}


def test_one_id_in_two_files(stage):
    """The right one parses slowly, so that the wrong one shows for a while: of two that are parsed in the same instant,
    only the later ever shows.
    """
    stage.put("wrong.py", stage.dag("dag"))
    stage.wait_for("dag")
    stage.put("right.py", stage.dag("dag", before="import time\ntime.sleep(4)"))
    named = f"dags: [{{dag_id: {stage.id('dag')}, file: {stage.file('right.py')}}}]"
    try:
        ended = stage.check(named, "--sync", "20s", "--grace", "10s")
    finally:
        stage.remove("wrong.py")

    assert ended.exit_code == 1
    assert ended.reasons("failed") == {"dag-wrong-file"}
    assert "wrong.py" in str(ended.one(reason="dag-wrong-file"))


def test_paused_dag(stage):
    stage.put("dag.py", stage.dag("dag"))  # Airflow pauses a new DAG
    manifest = f"dags: [{{dag_id: {stage.id('dag')}, paused: false}}]"
    ended = stage.check(manifest, "--grace", "5s", "--timeout", "120s")

    assert ended.exit_code == 1
    assert ended.reasons("failed") == {"dag-paused"}
    assert ended.seconds < 100
