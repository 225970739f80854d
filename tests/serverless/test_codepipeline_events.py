"""Events that are no jobs: a state machine's, EventBridge's, a person's, and nonsense."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from validator.codepipeline import handler
from validator.sandbox.server import Fault
from validator.sandbox.wire import AwsError

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text("utf-8"))
MANIFEST = {"version": 1, "dags": ["etl"]}
SHORT = {
    "state", "environment", "verdict", "exit_code", "summary", "reasons", "counts", "airflow_version", "duration_s",
    "reports",
}  # fmt: skip
REFUSED = {"state", "environment", "verdict", "exit_code", "summary", "reasons", "reports"}


@pytest.fixture
def machine(the_time, context):
    """Every answer to an event and to what follows from it, as a state machine asks."""

    def go(event, most=40):
        answers = [handler(event, context())]
        while answers[-1]["state"] == "pending":
            assert len(answers) < most, "it does not end"
            the_time.sleep(0.1)
            answers.append(handler({**event, "token": answers[-1]["token"]}, context()))
        return answers

    return go


def test_a_state_machine_gets_tokens_until_there_is_a_short_verdict(sandbox, fast, machine):
    *before, last = machine({**fast, "manifest": MANIFEST, "answer": "short"})
    assert before
    for one in before:
        assert one.keys() == {"state", "token", "wait_s", "environment"}
        assert len(one["token"]) <= 2_048
        assert one["wait_s"] >= 1
        assert one["environment"] == "sandbox"
    assert last.keys() == SHORT
    assert (last["state"], last["verdict"], last["exit_code"]) == ("done", "passed", 0)
    assert last["counts"].keys() == {"passed"}
    assert last["reasons"] == []
    assert last["duration_s"] > 0.45


def test_a_red_says_in_short_what_is_wrong(sandbox, fast, machine):
    given = {**fast, "manifest": {"version": 1, "dags": ["gone"]}, "timeout": "800ms", "answer": "short"}
    last = machine(given)[-1]
    assert (last["verdict"], last["exit_code"]) == ("failed", 1)
    assert any(reason.startswith("gone: dag-missing: ") for reason in last["reasons"])
    assert len(json.dumps(last)) <= 1_500


def test_a_plain_invocation_waits_to_the_end_and_gives_the_json_report(sandbox, fast, aws, context):
    del fast["invocation"]
    answer = handler({**fast, "manifest": MANIFEST, "reports": "s3://reports/x"}, context())
    assert answer.pop("state") == "done"
    assert answer.pop("reports").keys() == {"json", "junit", "html"}
    jsonschema_rs.validator_for(SCHEMA).validate(answer)
    assert answer["verdict"] == "passed"
    assert answer == {**json.loads(aws.get("s3://reports/x/sandbox/report.json")), "checks": answer["checks"]}


def test_a_plain_invocation_never_waits_longer_than_the_function_has(sandbox, fast, context):
    del fast["invocation"]
    given = {**fast, "manifest": MANIFEST, "settle": "30s"}
    answer = handler(given, lambda_context(36.0))
    assert answer["state"] == "pending"  # there was one second for it


def lambda_context(seconds):
    class Context:
        def get_remaining_time_in_millis(self):
            return int(seconds * 1000)

    return Context()


def test_an_event_of_eventbridge_holds_its_settings_in_its_detail(sandbox, once, context):
    event = {
        "version": "0",
        "detail-type": "Scheduled",
        "source": "own",
        "detail": {**once, "manifest": MANIFEST},
    }
    assert handler(event, context())["verdict"] == "passed"


def test_what_cannot_be_told_is_an_answer(sandbox, once, context):
    sandbox.fault = lambda call: Fault(aws=AwsError("AccessDeniedException", "User: x is not authorized"))
    answer = handler({**once, "manifest": MANIFEST, "answer": "short"}, context())
    assert (answer["state"], answer["verdict"], answer["exit_code"]) == ("done", "error", 3)
    assert any("access-denied" in reason for reason in answer["reasons"])


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({"environment": "sandbox", "manifest": "gate.yaml"}, "manifest is a path in an artifact"),
        ({"environment": "sandbox", "dags_folder": "dags"}, "dags_folder is a path in an artifact"),
        ({"environment": "sandbox", "manifest": {"version": 1}}, "problem"),
        ({"environment": "sandbox", "manifest": MANIFEST, "token": "1.AAAA"}, "the token "),
        ({"environment": "sandbox", "manifest": MANIFEST, "answer": "long"}, "report or short"),
        ({"detail-type": "Scheduled"}, "they are null"),
        ({"detail-type": "Scheduled", "detail": "x"}, "they are text"),
        ({"Records": []}, "'Records' is not known"),
        ({"codepipeline.job": {}}, "'codepipeline.job' is not known"),
        (None, "they are null"),
    ],
)
def test_an_event_that_cannot_be_used_is_answered_with_what_is_wrong(clean, context, event, told):
    answer = handler(event, context())
    assert answer.keys() == REFUSED
    assert (answer["state"], answer["verdict"], answer["exit_code"]) == ("done", "error", 2)
    assert told in answer["summary"] + "".join(answer["reasons"])
    assert answer["reasons"][-1].startswith("What to do: ")


def test_a_mistake_of_the_gates_own_is_an_answer_too(clean, context, once, capsys):
    clean.setattr("validator.service.visit_environment", lambda *_: {}["hush-hush"])
    answer = handler({**once, "manifest": MANIFEST}, context())
    assert (answer["verdict"], answer["exit_code"]) == ("error", 3)
    assert "the gate itself failed (KeyError)" in answer["summary"]
    assert "hush-hush" not in capsys.readouterr().err.replace('{}["hush-hush"]', "")


def test_a_green_whose_reports_cannot_be_written_is_none(sandbox, once, aws, context):
    aws.faults["PUT"] = [(403, "AccessDenied"), "..."]
    answer = handler({**once, "manifest": MANIFEST, "reports": "s3://reports"}, context())
    assert (answer["verdict"], answer["exit_code"]) == ("error", 3)
    assert "s3:PutObject" in answer["summary"]


def test_warm_invocations_leave_no_threads_behind(sandbox, once, context, pipeline):
    def ours():
        """But those that serve the endpoints of this process, which end in their own time."""
        return {one for one in threading.enumerate() if "process_request_thread" not in one.name}

    handler({**once, "manifest": MANIFEST}, context())
    before = ours()
    for _ in range(4):
        handler({**once, "manifest": MANIFEST}, context())
        pipeline.once({**once, "manifest": MANIFEST})
    for one in ours() - before:  # a watchdog that was called off is just going
        one.join(10)
    assert ours() <= before


_keys = st.sampled_from([
    "environment", "manifest", "artifact", "dags_folder", "dags_prefix", "verify_s3", "dags_s3", "s3_exclude", "timeout",
    "interval", "sync", "settle", "grace", "stable_for", "fail_fast", "deployed_at", "max_tps", "region", "role_arn",
    "variables", "on_error", "reports", "token", "answer", "invocation", "detail", "detail-type", "id", "data",
    "actionConfiguration", "configuration", "UserParameters", "inputArtifacts", "artifactCredentials", "name",
    "continuationToken", "location", "s3Location", "bucketName", "objectKey", "version", "dags",
])  # fmt: skip
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
    | st.sampled_from(
        ["sandbox", "1s", "none", "now", "auto", "s3://b/k", "version: 1\ndags: [etl]\n", "{}"]
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | _keys, inner, max_size=6)
    ),
    max_leaves=12,
)


def nonsense(examples):
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )


@nonsense(150)
@given(event=_json)
@example(event={"detail-type": None})
@example(event={"deployed_at": float("inf"), "manifest": "version: 1\ndags: [etl]\n"})
def test_no_event_that_is_no_job_ever_raises_and_each_answer_is_json(clean, context, event):
    clean.setattr("validator.service.visit_environment", _nobody)
    answer = handler(event, context())
    assert answer["state"] == "done"
    assert answer["verdict"] == "error"
    assert len(json.dumps(answer, allow_nan=False)) <= 1_500
    json.dumps(answer, ensure_ascii=False).encode()  # what newer runtimes do


@nonsense(60)
@given(data=_json, more=_json, parameters=_json)
def test_every_job_with_an_id_is_answered_exactly_once(pipeline, clean, context, data, more, parameters):
    clean.setattr("validator.service.visit_environment", _nobody)
    clean.setattr("validator.serverless.buckets._WAITS", ())
    pipeline.jobs += 1
    configuration = {"UserParameters": json.dumps(parameters)}
    if isinstance(data, dict):
        data = {**data, "actionConfiguration": {"configuration": configuration}, "inputArtifacts": [more]}
    before = len(pipeline.aws.answers)
    handler({"CodePipeline.job": {"id": f"nonsense-{pipeline.jobs}", "data": data}}, context())
    assert len(pipeline.aws.answers) == before + 1
    assert pipeline.aws.answers[-1].is_failure


def _nobody(*_):
    raise AssertionError("an environment was asked, which only good parameters may do")
