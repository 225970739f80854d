"""A local folder beside what a real Airflow shows of its deployed copy."""

from __future__ import annotations

import shutil
import time

import pytest

pytestmark = pytest.mark.airflow

BROKEN_LINE = 3
"""Where `stage.dag(before=…)` has it."""
BROKEN = "import a_module_that_nobody_has"
DEADLINE = ("--timeout", "60s", "--interval", "3s")
"""A red at the deadline takes all of it; less, and on a busy machine nothing is decided by then."""
"""Of what is red only then; the last look must come within three intervals of it, however slow Airflow is."""
LONG = "x" * 60
"""Of an id that is too long for the API's path to a source."""


def test_folder_alone(stage):
    """No manifest: what the files define is there, under their names from the DAGs folder or below a prefix."""
    stage.put_both("dag.py", stage.dag("dag"))
    stage.put_both("deep/loop.py", _loop(stage, 3))
    stage.put_both("long.py", stage.dag(LONG))
    stage.wait_for("dag", "made_2", LONG)
    top = stage.start("", "--dags-folder", str(stage.local.parent))
    below = stage.start("", *_folder(stage))

    for gate in (top, below):
        ended = gate.finish()
        assert ended.exit_code == 0
        assert ended.reasons("failed") == set()
        for word, name in (("dag", "dag.py"), (LONG, "long.py")):
            assert ended.one(id=f"dags/{stage.id(word)}", status="passed")["file"] == str(stage.local / name)
        loop = ended.one(id=f"files/{stage.file('deep/loop.py')}", status="passed")
        assert loop["details"]["dags"] == [stage.id(f"made_{number}") for number in range(3)]
        sources = {check["id"]: (check["status"], check["reason"]) for check in ended.checks(area="sources")}
        if stage.airflow.is_3:
            assert sources == {
                f"sources/{stage.file('dag.py')}": ("passed", None),
                f"sources/{stage.file('deep/loop.py')}": ("passed", None),
                f"sources/{stage.file('long.py')}": ("skipped", "path-too-long"),
            }
        else:
            assert sources == {"sources": ("skipped", "path-too-long")}


@pytest.mark.early
def test_helper_that_looks_like_a_dag_file(stage):
    """Airflow parses it, too, and only two whole cycles tell that it has no error."""
    stage.put_both("helper.py", '# for airflow, for a dag\nTASK = "task"\n')
    stage.put_both("dag.py", stage.dag("dag", before=f"from {stage.name}.helper import TASK", task="TASK"))
    stage.wait_for("dag")
    ended = stage.check("", *_folder(stage), "--timeout", "300s")

    assert ended.exit_code == 0
    assert ended.one(id=f"files/{stage.file('helper.py')}", status="passed")
    assert ended.checks(subject=stage.file("helper.py"), area="sources") == []
    stage.note(f"green after {ended.seconds:.1f} s")


@pytest.mark.early
def test_ignored_files(stage):
    """Each syntax means something else by the other's line."""
    line = "hidden_*.py" if stage.airflow.is_3 else "hidden_.*"
    stage.put_both(".airflowignore", f"{line}\n")
    stage.put_both("hidden_broken.py", stage.dag("hidden_broken", before=BROKEN))
    stage.put_both("hidden_sound.py", stage.dag("hidden_sound"))
    stage.put_both("dag.py", stage.dag("dag"))
    stage.wait_for("dag")
    bare = stage.folder / "bare"
    shutil.copytree(stage.local, bare, ignore=shutil.ignore_patterns(".airflowignore"))
    with_it = stage.start("", *_folder(stage))
    without = stage.start("", "--dags-folder", str(bare), "--dags-prefix", stage.name, *DEADLINE)

    ended = with_it.finish()
    assert ended.exit_code == 0
    hidden = {check["subject"]: check for check in ended.checks() if "hidden" in check["id"]}
    assert set(hidden) == {stage.file("hidden_broken.py"), stage.file("hidden_sound.py")}
    for check in hidden.values():
        assert check["status"] == "skipped"
        assert ".airflowignore" in check["message"]
    ended = without.finish()
    assert ended.exit_code == 1
    for word in ("hidden_broken", "hidden_sound"):
        red = ended.one(id=f"dags/{stage.id(word)}", status="failed")
        assert red["reason"] == "dag-missing"
        assert red["file"] == str(bare / f"{word}.py")
        assert red["line"] == BROKEN_LINE + 1


def test_deployed_copy_comes_late(stage):
    """On Airflow 3 later than the sync: only the source tells."""
    stage.put("dag.py", stage.dag("dag", task='"old"'))
    stage.wait_until(lambda: '"old"' in stage.airflow.serialized(stage.id("dag")), "serialized form")
    stage.put_local("dag.py", stage.dag("dag", task='"new"'))
    sync = "1s" if stage.airflow.is_3 else "20s"
    gate = stage.start("", *_folder(stage), "--sync", sync, "--settle", "", "--timeout", "180s")
    stage.sleep(14)
    assert gate.is_running()
    deployed = stage.put("dag.py", stage.dag("dag", task='"new"'))
    ended = gate.finish()
    at_exit = stage.airflow.serialized(stage.id("dag"))
    stage.note(f"green {time.time() - deployed:.1f} s after the deploy")

    assert ended.exit_code == 0
    assert '"new"' in at_exit
    assert stage.airflow.last_parsed(stage.id("dag")) > deployed + (30 if stage.airflow.is_3 else 0)


@pytest.mark.early
@pytest.mark.airflow_3
def test_deployed_copy_never_comes(stage):
    stage.put("dag.py", stage.dag("dag", task='"old"'))
    stage.wait_for("dag")
    stage.put_local("dag.py", stage.dag("dag", task='"new"'))
    ended = stage.check("", *_folder(stage), *DEADLINE)

    assert ended.exit_code == 1
    assert ended.reasons("failed") == {"dag-source-mismatch", "dag-stale"}
    red = ended.one(status="failed", reason="dag-source-mismatch")
    assert red["file"] == str(stage.local / "dag.py")
    assert red["line"] == 5
    diff = red["details"]["diff"]
    assert '-    EmptyOperator(task_id="old")' in diff
    assert '+    EmptyOperator(task_id="new")' in diff
    assert f"{stage.local / 'dag.py'}" in ended.stdout
    assert ended.seconds > 20


def test_file_breaks_during_the_wait(stage):
    stage.put("dag.py", stage.dag("dag"))
    stage.wait_for("dag")
    stage.put_local("dag.py", stage.dag("dag", before=BROKEN))
    gate = stage.start("", *_folder(stage), "--sync", "12s", "--timeout", "300s")
    stage.sleep(5)
    stage.put("dag.py", stage.dag("dag", before=BROKEN))
    ended = gate.finish()

    assert ended.exit_code == 1
    assert ended.reasons("failed") == {"dag-import-error"}
    red = ended.one(status="failed", subject=stage.id("dag"))
    assert red["file"] == str(stage.local / "dag.py")
    assert red["line"] == BROKEN_LINE
    assert "a_module_that_nobody_has" in red["details"]["stack_trace"]
    assert ended.seconds < 140


@pytest.mark.early
def test_loop_that_makes_nothing(stage):
    stage.put_both("loop.py", _loop(stage, 0))
    stage.put_both("dag.py", stage.dag("dag"))
    stage.wait_for("dag")
    ended = stage.check("", *_folder(stage), *DEADLINE)

    assert ended.exit_code == 1
    assert ended.reasons("failed") == {"dag-missing"}
    red = ended.one(status="failed", area="files")
    assert red["subject"] == stage.file("loop.py")
    assert red["file"] == str(stage.local / "loop.py")


@pytest.mark.airflow_3
def test_somebody_else_deploys(stage):
    """The gate has seen its own text, and waits for a DAG that does not come."""
    stage.put_both("dag.py", stage.dag("dag", task='"ours"'))
    stage.wait_for("dag")
    gate = stage.start(f"dags: [{stage.id('missing')}]", *_folder(stage), "--timeout", "180s")
    stage.sleep(15)
    assert gate.is_running()
    stage.put("dag.py", stage.dag("dag", task='"theirs"'))
    ended = gate.finish()

    assert ended.exit_code == 3
    error = ended.one(status="error", area="sources")
    assert error["reason"] == "superseded"
    assert error["file"] == str(stage.local / "dag.py")
    assert '-    EmptyOperator(task_id="theirs")' in error["details"]["diff"]
    assert ended.seconds < 140


def _folder(stage):
    return ("--dags-folder", str(stage.local), "--dags-prefix", stage.name)


def _loop(stage, count):
    """A file whose DAGs' ids only running it tells."""
    lines = stage.dag("made_{number}").replace('DAG("', 'DAG(f"').splitlines()
    return (
        "\n".join([*lines[:2], f"for number in range({count}):", *(f"    {line}" for line in lines[3:])])
        + "\n"
    )
