"""Programs written against boto3's invoke_rest_api, through the sandbox in front of a real Airflow."""

from __future__ import annotations

import contextlib

import pytest
from airflow_clients import Environment, use_events, use_runs, use_variables

pytestmark = pytest.mark.airflow

SECONDS = 120.0


def test_variables_by_invoke_rest_api(stage):
    with contextlib.closing(Environment(stage.sandbox.url)) as environment:
        use_variables(environment, f"{stage.name}_setting")


def test_runs_by_invoke_rest_api(stage):
    bash = stage.imports.replace("EmptyOperator", "BashOperator").replace("operators.empty", "operators.bash")
    options = "schedule=None, is_paused_upon_creation=False"
    chain = (
        '    first = BashOperator(task_id="first", bash_command="true")\n'
        '    boom = BashOperator(task_id="boom", bash_command="echo no; exit 3")\n'
        '    after = BashOperator(task_id="after", bash_command="true")\n'
        "    first >> boom >> after\n"
    )
    good, bad = "g", "b"  # short: /dags/{id}/dagRuns/{run} must fit 64 characters
    stage.put("good.py", stage.dag(good, options="is_paused_upon_creation=False"))
    stage.put("bad.py", f'{bash}\nwith DAG("{stage.id(bad)}", {options}):\n{chain}')
    stage.wait_for(good, bad)
    with contextlib.closing(Environment(stage.sandbox.url)) as environment:
        use_runs(environment, stage.id(good), stage.id(bad), SECONDS)


def test_events_by_invoke_rest_api(stage):
    word = "Asset" if stage.airflow.is_3 else "Dataset"
    where = "airflow.sdk" if stage.airflow.is_3 else "airflow.datasets"
    uri = f"s3://{stage.name}/orders"
    source = stage.dag(
        "consumer", before=f"from {where} import {word}", options="is_paused_upon_creation=False"
    )
    started = f'schedule=[{word}("{uri}")], start_date=datetime(2026, 1, 1)'
    source = source.replace("schedule=None", started).replace(
        "from airflow", "from datetime import datetime\nfrom airflow", 1
    )
    stage.put("consumer.py", source)
    stage.wait_for("consumer")
    with contextlib.closing(Environment(stage.sandbox.url)) as environment:
        use_events(environment, uri, stage.id("consumer"), SECONDS)
