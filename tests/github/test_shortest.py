"""The shortest workflow of the README, its steps run: the copy by a stand-in of the AWS CLI, then the gate."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from validator.sandbox.files import one_dag

SHORTEST = yaml.safe_load((Path(__file__).parent / "fixtures/shortest.yml").read_text("utf-8"))
AWS = '#!/bin/sh\n[ "$1 $2 $4 $5" = "s3 sync s3://my-bucket/dags/ --delete" ] && cp -R "$3." "$BUCKET"\n'
QUICK = {"INTERVAL": "100ms", "SYNC": "0s", "SETTLE": "0s", "MAX_TPS": "1000", "TIMEOUT": "15s"}


@pytest.fixture
def deploy(action, sandbox, runner_model, tmp_path):
    """Runs the job's steps but those of others, and gives how the gate ended; its variables only make it quick."""
    sandbox.environment = "analytics-prod"
    runner = action.runner
    tools, bucket = tmp_path / "tools", tmp_path / "bucket"
    tools.mkdir()
    bucket.mkdir()
    (tools / "aws").write_text(AWS)
    (tools / "aws").chmod(0o755)
    runner.environ |= {"PATH": f"{tools}{os.pathsep}{runner.environ['PATH']}", "BUCKET": str(bucket)}
    runner.env = {f"MWAA_GATE_{name}": value for name, value in QUICK.items()}

    def run(parsed):
        (job,) = SHORTEST["jobs"].values()
        ran = None
        for step in job["steps"]:
            if "run" in step:
                copied = runner.shell(step, runner_model["expressions"]())
                assert copied.code == 0, copied.log
                assert (bucket / "etl.py").exists()
                sandbox.world.put("etl.py", parsed, lags=0)
            elif step["uses"] == "./":
                assert ran is None
                ran = action.run(**step["with"])
        return ran

    return run


def test_a_good_deploy_is_green(deploy, action):
    source = (action.runner.workspace / "dags/etl.py").read_text("utf-8")
    ran = deploy(replace(one_dag("etl"), source=source))
    assert ran.code == 0, ran.log
    assert ran.outputs["verdict"] == "passed"


def test_a_broken_file_is_red_at_the_line_that_its_stack_trace_names(deploy, action):
    path = action.runner.workspace / "dags/etl.py"
    path.write_text("from airflow import DAG\n\nimport nothing\n\nwith DAG('etl'):\n    pass\n")
    trace = (
        'Traceback (most recent call last):\n  File "/usr/local/airflow/dags/etl.py", line 3, in <module>\n'
        "    import nothing\nModuleNotFoundError: No module named 'nothing'\n"
    )
    ran = deploy(one_dag("etl").broken(trace))
    assert ran.code == 1, ran.log
    (error,) = [one for one in ran.errors if one.properties["title"].endswith("dag-import-error")]
    assert error.properties["file"] == "dags/etl.py"
    assert error.properties["line"] == "3"
    assert "No module named 'nothing'" in error.message
