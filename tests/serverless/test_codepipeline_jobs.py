"""Whole CodePipeline jobs, over as many invocations as they take, on a simulated Airflow."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pytest

from validator.sandbox.files import one_dag
from validator.sandbox.server import Fault
from validator.sandbox.wire import AwsError

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text("utf-8"))
MANIFEST = {"gate.yaml": "version: 1\ndags: [etl]\n"}
DENIED = Fault(aws=AwsError("AccessDeniedException", "User: x is not authorized to perform: it"))


def test_a_green_job_takes_several_invocations_and_gives_output_variables(pipeline, sandbox, fast):
    *before, last = pipeline.run({**fast, "manifest": "gate.yaml"}, pipeline.artifact(MANIFEST))
    assert len(before) >= 1
    assert all(one.body.keys() == {"jobId", "continuationToken"} for one in before)
    assert last.variables["verdict"] == "passed"
    assert last.variables["failed"] == "0"
    assert int(last.variables["passed"]) > 0
    assert last.variables["environment"] == "sandbox"
    assert last.variables["airflow_version"] == "3.0.6"
    assert last.variables["summary"] == last.summary
    assert last.body["executionDetails"]["percentComplete"] == 100


def test_no_job_is_green_before_its_dag_is_parsed_after_the_deploy(pipeline, sandbox, world, fast):
    world.kill("dag_processor")
    *_, last = pipeline.run({**fast, "manifest": "gate.yaml", "timeout": "1s"}, pipeline.artifact(MANIFEST))
    kind, message = last.failure
    assert kind == "JobFailed"
    assert "dag-stale" in message


def test_an_import_error_is_red_with_the_traces_line_and_reports(pipeline, sandbox, world, aws, fast):
    world.damage("etl.py", lags=0)
    given = {**fast, "manifest": "gate.yaml", "reports": "s3://reports/nightly/gate"}
    *before, last = pipeline.run(given, pipeline.artifact(MANIFEST))
    kind, message = last.failure
    assert kind == "JobFailed"
    assert "dag-import-error" in message
    assert "etl.py:7" in message
    assert "SyntaxError: '(' was never closed" in message
    folder = "s3://reports/nightly/gate/sandbox"
    for name in ("report.json", "junit.xml", "report.html"):
        assert f"{folder}/{name}" in message
    report = json.loads(aws.get(f"{folder}/report.json"))
    jsonschema_rs.validator_for(SCHEMA).validate(report)
    assert report["verdict"] == "failed"
    assert before
    assert report["duration_s"] > 0.45  # of the whole wait, and not of its last part
    assert ET.fromstring(aws.get(f"{folder}/junit.xml")).find(".//failure") is not None  # noqa: S314 - our own
    assert b"was never closed" in aws.get(f"{folder}/report.html")
    types = {
        name: aws.s3.head_object(Bucket="reports", Key=f"nightly/gate/sandbox/{name}")["ContentType"]
        for name in ("report.json", "junit.xml", "report.html")
    }
    assert types == {
        "report.json": "application/json",
        "junit.xml": "application/xml",
        "report.html": "text/html; charset=utf-8",
    }


def test_reports_of_a_green_job_are_output_variables(pipeline, sandbox, aws, once):
    given = {**once, "manifest": {"version": 1, "dags": ["etl"]}, "reports": "s3://reports"}
    told = pipeline.once(given)
    assert told.variables["report_json"] == "s3://reports/sandbox/report.json"
    assert json.loads(aws.get(told.variables["report_json"]))["verdict"] == "passed"
    assert sorted(aws.keys("reports")) == ["sandbox/junit.xml", "sandbox/report.html", "sandbox/report.json"]


def test_a_dag_that_turns_up_only_in_a_later_continuation_is_waited_for(pipeline, sandbox, world, fast):
    def between(number):
        if number == 3:
            world.put("late.py", one_dag("late"), lags=0)

    artifact = pipeline.artifact({"gate.yaml": "version: 1\ndags: [etl, late]\n"})
    answers = pipeline.run({**fast, "manifest": "gate.yaml"}, artifact, between=between)
    assert len(answers) >= 4
    assert answers[-1].variables["verdict"] == "passed"


def test_tasks_that_a_part_has_read_are_right_in_the_parts_after_it(pipeline, sandbox, fast):
    manifest = "version: 1\ndags: [{dag_id: etl, tasks: [t1]}]\n"
    given = {**fast, "manifest": "gate.yaml", "stable_for": "1500ms"}
    answers = pipeline.run(given, pipeline.artifact({"gate.yaml": manifest}))
    assert len(answers) >= 3
    assert answers[-1].variables["verdict"] == "passed"
    assert any(call.path.endswith("/etl/tasks") for call in sandbox.calls)


def test_other_tasks_than_expected_are_red(pipeline, sandbox, fast):
    manifest = {"version": 1, "dags": [{"dag_id": "etl", "tasks": ["t2"]}]}
    *before, last = pipeline.run({**fast, "manifest": manifest})
    assert before
    assert last.failure[0] == "JobFailed"
    assert "dag-tasks-mismatch" in last.failure[1]


def test_the_artifacts_sources_are_compared_over_continuations(pipeline, sandbox, world, fast, source):
    given = {**fast, "dags_folder": "dags", "stable_for": "1s"}
    answers = pipeline.run(given, pipeline.artifact({"dags/etl.py": source}))
    assert len(answers) >= 3
    assert answers[-1].variables["verdict"] == "passed"
    assert any(call.path.startswith("/dagSources/") for call in sandbox.calls)


def test_a_source_that_is_not_the_artifacts_is_red(pipeline, sandbox, world, fast, source):
    given = {**fast, "dags_folder": "dags", "timeout": "3s"}
    other = source.replace("DAG(", "DAG(dag_id=")
    *before, last = pipeline.run(given, pipeline.artifact({"dags/etl.py": other}))
    assert before
    assert last.failure[0] == "JobFailed"
    assert "dag-source-mismatch" in last.failure[1]


def test_a_source_that_was_ours_in_an_earlier_continuation_and_is_not_now_is_superseded(
    pipeline, sandbox, world, fast, source
):
    def between(number):
        if number == 5:
            given["invocation"] = "20s"  # two parses tell, and each part begins anew
            other = source.replace("DAG(", "DAG(dag_id=")
            world.put("etl.py", replace(one_dag("etl", version="2"), source=other), lags=0)

    given = {**fast, "dags_folder": "dags", "stable_for": "30s"}
    *_, last = pipeline.run(given, pipeline.artifact({"dags/etl.py": source}), between=between)
    kind, message = last.failure
    assert kind == "RevisionOutOfSync"
    assert "superseded" in message


def test_a_deploy_that_never_came_to_s3_is_red_before_any_waiting(pipeline, sandbox, aws, fast, source):
    given = {**fast, "dags_folder": "dags", "verify_s3": True, "dags_s3": "s3://dags/dags"}
    artifact = pipeline.artifact({"dags/etl.py": source, "dags/helper.py": "X = 1\n"})
    aws.put("dags", "dags/etl.py", source.encode())
    kind, message = pipeline.once(given, artifact).failure
    assert kind == "JobFailed"
    assert "object-missing" in message
    assert "helper.py" in message


def test_a_deploy_that_is_in_s3_and_in_airflow_is_green(pipeline, sandbox, world, aws, fast, source):
    aws.put("dags", "dags/etl.py", source.encode())
    given = {**fast, "dags_folder": "dags", "verify_s3": True, "dags_s3": "s3://dags/dags"}
    *before, last = pipeline.run(given, pipeline.artifact({"dags/etl.py": source}))
    assert before
    assert last.variables["verdict"] == "passed"


def test_a_denied_environment_cannot_be_judged(pipeline, sandbox, fast):
    sandbox.fault = lambda call: DENIED
    kind, message = pipeline.once({**fast, "manifest": {"version": 1, "dags": ["etl"]}}).failure
    assert kind == "PermissionError"
    assert "airflow:InvokeRestApi" in message
    assert "What to do: " in message


def test_on_error_succeed_lets_a_pipeline_go_on_that_was_told_nothing(pipeline, sandbox, fast):
    sandbox.fault = lambda call: DENIED
    told = pipeline.once({**fast, "manifest": {"version": 1, "dags": ["etl"]}, "on_error": "succeed"})
    assert told.variables["verdict"] == "error"
    assert "airflow:InvokeRestApi" in told.summary


def test_on_error_succeed_lets_no_red_pass(pipeline, sandbox, once):
    given = {**once, "timeout": "300ms", "on_error": "succeed", "manifest": {"version": 1, "dags": ["no"]}}
    assert pipeline.run(given)[-1].failure[0] == "JobFailed"


@pytest.mark.parametrize(
    ("code", "kind"),
    [("ResourceNotFoundException", "ConfigurationError"), ("ExpiredTokenException", "PermissionError")],
)
def test_what_keeps_the_gate_from_telling_is_the_failures_type(pipeline, sandbox, fast, code, kind):
    sandbox.fault = lambda call: Fault(aws=AwsError(code, "it says"))
    assert pipeline.once({**fast, "manifest": {"version": 1, "dags": ["etl"]}}).failure[0] == kind


def test_an_environment_that_never_answers_is_unavailable(pipeline, sandbox, fast):
    sandbox.fault = lambda call: Fault(aws=AwsError("InternalServerException", "it says"))
    given = {**fast, "timeout": "1s", "manifest": {"version": 1, "dags": ["etl"]}}
    assert pipeline.run(given)[-1].failure[0] == "SystemUnavailable"


def test_variables_are_filled_in_and_the_functions_own_environment_is_not(pipeline, sandbox, once, clean):
    clean.setenv("DAG", "etl")
    given = {**once, "manifest": "gate.yaml"}
    artifact = pipeline.artifact({"gate.yaml": "version: 1\ndags: ['${DAG}']\n"})
    kind, message = pipeline.once(given, artifact).failure
    assert kind == "ConfigurationError"
    assert "DAG" in message
    told = pipeline.once({**given, "variables": {"DAG": "etl"}}, artifact)
    assert told.variables["verdict"] == "passed"
