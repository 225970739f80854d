"""CodePipeline jobs that cannot be done: each is told why, of which kind it is, and what to do, in one invocation."""

from __future__ import annotations

import json

import pytest

from validator.serverless import token as token_module

GATE = "version: 1\ndags: [etl]\n"
MANIFEST = {"version": 1, "dags": ["etl"]}
DENIED = (403, "AccessDenied")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("", "the action has no UserParameters"),
        (" \n", "the action has no UserParameters"),
        ("{environment: sandbox}", "no JSON (Expecting property name"),
        ("[" * 1_000, "no JSON"),
        ('["sandbox"]', "they are a list"),
        ("null", "they are null"),
        ('{"environmnet": "sandbox", "manifest": "gate.yaml"}', "is environment meant?"),
        ('{"manifest": 3}', "manifest: it is a number, and must be text"),
        ('{"manifest": "gate.yaml", "interval": 10}', "interval: it is a number; write it like 90s"),
        ('{"manifest": "gate.yaml", "fail_fast": "no"}', "fail_fast: it is text, and must be true or false"),
        ('{"environment": "sandbox"}', "neither manifest nor dags_folder is given"),
        ('{"manifest": "gate.yaml", "reports": "bucket/x"}', "reports: "),
        (
            '{"environment": "sandbox", "manifest": "gate.yaml", "role_arn": "gate"}',
            "is not the ARN of an IAM role",
        ),
        ('{"manifest": "gate.yaml"}', "no environment was named"),
        ('{"environment": "a b", "manifest": "gate.yaml"}', "cannot be the name of an MWAA environment"),
        ('{"environment": "sandbox", "manifest": "other.yaml"}', "other.yaml' in the artifact Source"),
        ('{"environment": "sandbox", "manifest": "../gate.yaml"}', "no path in the artifact Source"),
        ('{"environment": "sandbox", "manifest": "bad.yaml"}', "unknown key 'dag'"),
        ('{"environment": "sandbox", "dags_folder": "dags"}', "dags' in the artifact Source"),
        ('{"environment": "sandbox", "dags_folder": "."}', "no file in it makes DAGs"),
        (
            '{"environment": "sandbox", "manifest": "gate.yaml", "artifact": "Other"}',
            "no input artifact Other",
        ),
    ],
)
def test_a_wrong_setting_is_a_configuration_error_that_says_what_to_do(pipeline, given, told):
    artifact = pipeline.artifact({"gate.yaml": GATE, "bad.yaml": "version: 1\ndag: [etl]\n"})
    kind, message = pipeline.once(given, artifact).failure
    assert kind == "ConfigurationError"
    assert told in message
    assert "What to do: " in message


def test_user_parameters_that_are_missing_or_no_text_are_a_configuration_error(pipeline, context):
    for given in ({}, {"UserParameters": None}, {"UserParameters": {"environment": "sandbox"}}):
        event = pipeline.event("{}")
        event["CodePipeline.job"]["data"]["actionConfiguration"]["configuration"] = given
        pipeline.invoke(event, context())
        assert pipeline.aws.answers[-1].failure[0] == "ConfigurationError"
        assert "no UserParameters" in pipeline.aws.answers[-1].failure[1]


@pytest.mark.parametrize(
    "given",
    [
        {"manifest": "gone.yaml"},
        {"manifest": "wrong.yaml"},
        {"manifest": {"version": 2}},
        {"dags_folder": "none"},
        {"manifest": MANIFEST, "environment": "../x"},
        {"manifest": MANIFEST, "token": "x"},
    ],
    ids=["no manifest", "wrong manifest", "wrong inline", "no folder", "no name of an environment", "token"],
)
def test_what_is_wrong_fails_also_where_a_gate_that_cannot_tell_would_not(pipeline, once, given):
    artifact = pipeline.artifact({"wrong.yaml": "version: 1\ndogs: [etl]\n"})
    job = {**once, "on_error": "succeed", **given}
    assert pipeline.once(job, artifact, token=job.get("token")).failure[0] == "ConfigurationError"


def test_all_that_is_wrong_with_the_settings_is_told_at_once(pipeline):
    _, message = pipeline.once({"manifest": 1, "interval": "soon", "max_tps": 0, "variables": []}).failure
    for name in ("manifest: ", "interval: ", "max_tps: ", "variables: "):
        assert name in message


def test_an_artifact_that_is_no_zip_is_a_configuration_error(pipeline, once):
    for data in (b"", b"PK\x03\x04 and no more", b"version: 1\n"):
        kind, message = pipeline.once({**once, "manifest": "gate.yaml"}, pipeline.artifact(data)).failure
        assert kind == "ConfigurationError"
        assert "the artifact Source" in message


def test_of_several_artifacts_one_has_to_be_named(pipeline, sandbox, once):
    given = {**once, "manifest": "gate.yaml"}
    one, other = pipeline.artifact({}, "One"), pipeline.artifact({"gate.yaml": GATE}, "Other")
    kind, message = pipeline.once(given, one, other).failure
    assert kind == "ConfigurationError"
    assert "2 input artifacts (One, Other)" in message
    assert pipeline.once({**given, "artifact": "Other"}, one, other).variables["verdict"] == "passed"


def test_a_path_needs_an_artifact_and_a_manifest_of_its_own_needs_none(pipeline, sandbox, once, aws):
    kind, message = pipeline.once({**once, "manifest": "gate.yaml"}).failure
    assert kind == "ConfigurationError"
    assert "0 input artifacts (none)" in message
    aws.faults["GET"] = [DENIED, "..."]
    artifact = pipeline.at("artifacts", "nowhere")
    assert pipeline.once({**once, "manifest": MANIFEST}, artifact).variables["verdict"] == "passed"


def test_a_bucket_that_denies_the_artifact_is_a_permission_error_that_names_what_to_allow(
    pipeline, aws, once
):
    artifact = pipeline.artifact({"gate.yaml": GATE})
    aws.faults["GET"] = [DENIED, "..."]
    kind, message = pipeline.once({**once, "manifest": "gate.yaml"}, artifact).failure
    assert kind == "PermissionError"
    assert "AWS denied s3:GetObject on s3://artifacts/pipeline/Source/" in message
    assert "Allow s3:GetObject" in message
    assert "kms:Decrypt" in message


def test_an_artifact_is_read_with_the_jobs_own_credentials(pipeline, aws, sandbox, once):
    seen = []
    artifact = pipeline.artifact({"gate.yaml": GATE})
    aws.watch = lambda environ: seen.append(environ.get("HTTP_AUTHORIZATION", ""))
    pipeline.once({**once, "manifest": "gate.yaml"}, artifact)
    own = [text.partition("Credential=")[2].partition("/")[0] for text in seen]
    assert own == ["AKIAARTIFACTKEY", "AKIAOWN"]  # S3, then CodePipeline
    assert all(text.startswith("AWS4-HMAC-SHA256 ") for text in seen)


@pytest.mark.parametrize("place", [("artifacts", "gone.zip"), ("no-such-bucket", "a.zip")])
def test_an_artifact_that_is_gone_is_a_configuration_error(pipeline, once, place):
    kind, message = pipeline.once({**once, "manifest": "gate.yaml"}, pipeline.at(*place)).failure
    assert kind == "ConfigurationError"
    assert f"there is no s3://{place[0]}/{place[1]}" in message
    assert "lifecycle rule" in message


def test_an_artifact_that_cannot_be_got_just_now_is_asked_for_again(pipeline, sandbox, aws, once, clean):
    clean.setattr("validator.serverless.buckets._WAITS", (0.01, 0.01, 0.01))
    artifact = pipeline.artifact({"gate.yaml": GATE})
    aws.faults["GET"] = [(503, "SlowDown"), "reset"]
    assert pipeline.once({**once, "manifest": "gate.yaml"}, artifact).variables["verdict"] == "passed"


def test_an_artifact_that_cannot_be_got_at_all_is_no_verdict(pipeline, aws, once, clean):
    clean.setattr("validator.serverless.buckets._WAITS", (0.01, 0.01))
    artifact = pipeline.artifact({"gate.yaml": GATE})
    aws.faults["GET"] = [(500, "InternalError"), "..."]
    kind, message = pipeline.once({**once, "manifest": "gate.yaml"}, artifact).failure
    assert kind == "SystemUnavailable"
    assert "s3:GetObject" in message


def test_without_its_reports_a_green_is_none(pipeline, sandbox, aws, once):
    aws.faults["PUT"] = [DENIED, "..."]
    given = {**once, "manifest": MANIFEST, "reports": "s3://reports/gate"}
    kind, message = pipeline.once(given).failure
    assert kind == "PermissionError"
    assert "s3:PutObject on s3://reports/gate/sandbox/" in message
    told = pipeline.once({**given, "on_error": "succeed"})
    assert told.variables["verdict"] == "error"


def test_a_red_stays_red_without_its_reports(pipeline, sandbox, aws, once, capsys):
    aws.faults["PUT"] = [DENIED, "..."]
    given = {**once, "timeout": "200ms", "manifest": {"version": 1, "dags": ["gone"]}}
    kind, message = pipeline.run({**given, "reports": "s3://reports/gate"})[-1].failure
    assert kind == "JobFailed"
    assert "dag-missing" in message
    assert "s3://reports" not in message
    assert "AWS denied s3:PutObject" in capsys.readouterr().err


@pytest.fixture
def token(pipeline, sandbox, fast):
    """The token of a job's first invocation, whose parameters are `fast`."""
    fast |= {"manifest": MANIFEST, "settle": "30s"}
    return pipeline.once(fast).token


def _flipped(text):
    middle = len(text) // 2
    return text[:middle] + ("A" if text[middle] != "A" else "B") + text[middle + 1 :]


@pytest.mark.parametrize(
    "change",
    [_flipped, lambda text: text[:-4], lambda text: text + "A" * 4, lambda text: "2" + text[1:], lambda _: "x" * 2_048],
    ids=["one character", "cut", "longer", "another format", "none at all"],
)  # fmt: skip
def test_a_token_that_was_changed_is_a_configuration_error(pipeline, token, fast, change):
    kind, message = pipeline.once(fast, token=change(token)).failure
    assert kind == "ConfigurationError"
    assert message.startswith("the token ")
    assert "start the gate anew" in message


@pytest.mark.parametrize(
    "change",
    [
        {"manifest": {"version": 1, "dags": ["etl", "other"]}},
        {"environment": "other"},
        {"sync": "1s"},
        {"timeout": "1h"},
        {"region": "eu-west-1"},
        {"deployed_at": "none"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_token_of_another_wait_is_a_configuration_error(pipeline, token, fast, change):
    kind, message = pipeline.once({**fast, **change}, token=token).failure
    assert kind == "ConfigurationError"
    assert "belongs to another wait" in message


def test_a_token_of_another_artifact_is_a_configuration_error(pipeline, sandbox, fast, source):
    given = {**fast, "dags_folder": "dags", "settle": "30s"}
    token = pipeline.once(given, pipeline.artifact({"dags/etl.py": source})).token
    changed = pipeline.artifact({"dags/etl.py": source + "# edited\n"})
    assert "belongs to another wait" in pipeline.once(given, changed, token=token).failure[1]


def test_a_token_of_another_version_of_the_gate_is_a_configuration_error(pipeline, token, fast, clean):
    clean.setattr(token_module, "__version__", "99.0.0")
    kind, message = pipeline.once(fast, token=token).failure
    assert kind == "ConfigurationError"
    assert "the same version of the function" in message


def test_a_token_does_not_depend_on_how_long_an_invocation_may_take(pipeline, token, fast):
    told = pipeline.once({**fast, "invocation": "700ms"}, token=token)
    assert not told.is_failure


def test_a_manifest_as_an_object_says_the_same_as_one_in_yaml(pipeline, sandbox, world, once):
    text = "nightly \U0001f680 \x85\u2028 \x7f ${$} 'q' \"d\" \\ tab\t"
    dag = {"dag_id": "etl", "description": text.replace("${", "$${")}
    given = {**once, "timeout": "300ms", "manifest": {"version": 1, "dags": [dag]}}
    kind, message = pipeline.run(given)[-1].failure
    assert kind == "JobFailed"  # it was read, and is not what the DAG says
    assert "dag-attribute-mismatch" in message
    assert json.dumps(text)[:10] in message or "nightly \U0001f680" in message
