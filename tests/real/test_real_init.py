"""A manifest drafted from a real Airflow holds there, and agrees with the one that is drafted from its files."""

from __future__ import annotations

import itertools
import os

import pytest
from gate import COMMAND, clean_environment

from validator.draft.found import holds
from validator.draft.write import demands
from validator.manifest import parse_manifest

pytestmark = pytest.mark.airflow

LONG = "x" * 60
"""Of an id that InvokeRestApi's path could not hold."""
SOURCE = """
from datetime import datetime, timedelta
START = datetime(2024, 1, 1)
with DAG("{name}_one", schedule="0  3 * * MON", tags=["b", "team:a", "null", "${{HOME}}"], max_active_runs=3,
         start_date=START, description="x: #y | ::error::\\n##[error]no \\N{{PILE OF POO}}"):
    EmptyOperator(task_id="a", owner="ann") >> EmptyOperator(task_id="b", owner="ann")
with DAG("{name}_two", schedule=timedelta(days=1, hours=2), start_date=START, description=None):
    EmptyOperator(task_id="a", owner="bob")
with DAG("{name}_three", schedule=None, tags=[]):
    EmptyOperator(task_id="a")
with DAG("{name}_{long}", schedule="@weekly", start_date=START):
    EmptyOperator(task_id="a")
"""
_numbers = itertools.count()


def drafted(stage, *options, **variables):
    """What `mwaa-gate init` prints; it must end well."""
    folder = stage.folder / f"init-{next(_numbers)}"
    folder.mkdir(parents=True)
    command = [str(COMMAND), "init", *options, "--only", f"{stage.name}_*", "--with", "all"]
    process = stage.children.start(command, clean_environment(folder, variables), folder)
    code = process.wait(timeout=150)
    assert code == 0, (folder / "stderr").read_text()
    return (folder / "stdout").read_text(encoding="utf-8")


def dags_of(text):
    return {one.dag_id: one for one in parse_manifest(text.encode(), "drafted", os.environ).dags}


def below_comments(text):
    """The manifest itself: what stands above it names others' import errors, too."""
    return text.partition("version: 1\n")[2]


def body(text):
    """The manifest as a stage takes one: without its version."""
    return text.replace("version: 1\n", "")


@pytest.mark.early
def test_init(stage):
    stage.put_both("dags.py", stage.imports + SOURCE.format(name=stage.name, long=LONG))
    version = stage.airflow.version[0]
    local = ("--dags-folder", str(stage.local), "--dags-prefix", stage.name, "--airflow", version)
    by_files = drafted(stage, *local)  # while Airflow parses
    stage.wait_for("one", "two", "three", LONG)
    credentials = dict(stage.airflow.credentials)
    aws = {
        "AWS_ENDPOINT_URL_MWAA": stage.sandbox.url,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    by_aws = drafted(stage, "--env", "sandbox", **aws)
    by_url = drafted(stage, "--airflow-url", stage.airflow.url, **credentials)
    at_url = ("--env", "", "--airflow-url", stage.airflow.url)
    checks = [
        stage.start(body(by_aws)),
        stage.start(body(by_url), *at_url, variables=credentials),
        stage.start(body(by_files), *at_url, variables=credentials),
    ]

    assert by_aws.count(f"{stage.name}_") > 3
    seen, told = dags_of(by_url), dags_of(by_files)
    assert (
        set(seen)
        == set(told)
        == set(dags_of(by_aws))
        == {stage.id(word) for word in ("one", "two", "three", LONG)}
    )
    assert dags_of(by_aws)[stage.id(LONG)].tasks is None
    assert seen[stage.id(LONG)].tasks == ("a",)
    assert seen[stage.id("one")].tags == ("${HOME}", "b", "null", "team:a")
    for dag_id, one in told.items():
        known = demands(one)
        assert {"file", "schedule", "description", "tasks"} <= known.keys()
        in_airflow = {"file": stage.file("dags.py"), **demands(seen[dag_id])}
        assert {name for name, value in known.items() if not holds(name, value, in_airflow[name])} == set()
    for check in checks:
        ended = check.finish()
        assert ended.reasons("failed") == set()
        assert ended.exit_code == 0
    again = drafted(stage, "--airflow-url", stage.airflow.url, **credentials)
    assert below_comments(by_url) == below_comments(again)
