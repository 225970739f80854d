"""What an event's settings may be, and what is said of those that may not."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validator import codepipeline
from validator.errors import UsageError
from validator.manifest import GateOptions
from validator.rules import Deploy
from validator.serverless import buckets, job, parameters, token
from validator.serverless.answers import SHORT_LIMIT
from validator.serverless.parameters import Parameters, ParametersError, parse_parameters
from validator.settings import AUTO

DOCS = (Path(__file__).parents[2] / "docs" / "lambda.md").read_text("utf-8")
LEAST = {"manifest": "version: 1\ndags: [etl]\n"}
EVERYTHING = {
    "environment": "prod",
    "manifest": {"version": 1},
    "artifact": "Source",
    "dags_folder": "dags",
    "dags_prefix": "team",
    "verify_s3": True,
    "dags_s3": "s3://bucket/dags",
    "s3_exclude": ["*.md"],
    "timeout": "1h30m",
    "interval": "500ms",
    "sync": "0s",
    "settle": "30s",
    "grace": "1m",
    "stable_for": "90s",
    "fail_fast": False,
    "deployed_at": "2026-01-31T08:00:00Z",
    "max_tps": 2,
    "region": "eu-west-1",
    "role_arn": "arn:aws:iam::111122223333:role/gate",
    "variables": {"COMMIT": "abc"},
    "on_error": "succeed",
    "reports": "s3://reports/gate/",
    "token": "1.abc",
    "answer": "short",
    "invocation": "40s",
}


def test_every_setting_becomes_what_it_means():
    found = parse_parameters(EVERYTHING)
    assert found.reports is not None
    assert (found.reports.bucket, found.reports.path) == ("reports", "gate")
    assert found.gate == GateOptions(
        timeout=5400.0, interval=0.5, sync=0.0, settle=30.0, grace=60.0, stable_for=90.0, fail_fast=False
    )
    assert found.deployed_at == datetime(2026, 1, 31, 8, tzinfo=timezone.utc)
    assert (found.max_tps, found.invocation) == (2.0, 40.0)
    assert found.s3_exclude == ("*.md",)
    same = (
        "environment",
        "manifest",
        "artifact",
        "dags_folder",
        "dags_prefix",
        "verify_s3",
        "dags_s3",
        "region",
    )
    for name in (*same, "role_arn", "variables", "on_error", "token", "answer"):
        assert getattr(found, name) == EVERYTHING[name]


def test_what_is_not_given_is_as_with_the_command():
    assert parse_parameters(LEAST) == Parameters(manifest=LEAST["manifest"])
    assert parse_parameters(LEAST).deployed_at is Deploy.NOW
    assert parse_parameters(LEAST).gate == GateOptions()


def test_a_timeout_may_be_auto_and_a_deploy_time_a_number():
    assert parse_parameters({**LEAST, "timeout": "auto"}).timeout == AUTO
    moment = parse_parameters({**LEAST, "deployed_at": 1_769_846_400}).deployed_at
    assert moment == datetime(2026, 1, 31, 8, tzinfo=timezone.utc)
    assert parse_parameters({**LEAST, "deployed_at": "none"}).deployed_at is Deploy.NONE


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("environment", "", "it is empty, and must be text"),
        ("environment", None, "it is null, and must be text"),
        ("manifest", ["etl"], "it is a list, and must be text"),
        ("verify_s3", 1, "it is a number, and must be true or false"),
        ("s3_exclude", "*.md", "it is text, and must be a list of texts"),
        ("s3_exclude", [1], "it is a number, and must be text"),
        ("timeout", 600, "it is a number; write it like 90s"),
        ("timeout", "soon", "soon"),
        ("timeout", "-5s", "-5s"),
        ("interval", "50ms", "it must be at least 0.1s"),
        ("fail_fast", "true", "it is text, and must be true or false"),
        ("deployed_at", "yesterday", "neither now, none, an ISO time"),
        ("deployed_at", "2026-01-31T08:00:00", "names no time zone"),
        ("deployed_at", "2999-01-31T08:00:00Z", "lies in the future"),
        ("deployed_at", True, "it is true or false, and must be text"),
        ("deployed_at", float("nan"), "neither now, none"),
        ("max_tps", 0, "it must be from 0.1 to 1000"),
        ("max_tps", float("nan"), "it must be a number"),
        ("max_tps", True, "it must be a number"),
        ("max_tps", "5", "it must be a number"),
        ("variables", ["A"], "it is a list, and must be an object of texts"),
        ("variables", {"A B": "x"}, "'A B' can be no variable's name"),
        ("variables", {"A": 1}, "A is a number, and must be text"),
        ("on_error", "ignore", "it must be fail or succeed"),
        ("on_error", ["fail"], "it must be fail or succeed"),
        ("reports", "https://bucket", "https://bucket"),
        ("dags_s3", "bucket/dags", "bucket/dags"),
        ("answer", "full", "it must be report or short"),
        ("token", 1, "it is a number, and must be text"),
    ],
)
def test_a_value_of_another_kind_is_an_error_that_names_its_key(name, value, told):
    with pytest.raises(ParametersError) as error:
        parse_parameters({**LEAST, name: value})
    assert f"{name}: " in error.value.message
    assert told in error.value.message
    assert "docs/lambda.md" in error.value.advice


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"dags_prefix": "team"}, "dags_prefix says something of a folder"),
        ({"verify_s3": True}, "verify_s3 says something of a folder"),
        ({"dags_folder": "dags", "s3_exclude": ["x"]}, "s3_exclude does nothing without verify_s3"),
        ({"dags_folder": "dags", "dags_s3": "s3://bucket/dags"}, "dags_s3 does nothing without verify_s3"),
    ],
)
def test_settings_that_would_do_nothing_are_refused(more, told):
    with pytest.raises(ParametersError, match=told):
        parse_parameters({**LEAST, **more})


def test_nothing_that_is_expected_is_refused():
    with pytest.raises(ParametersError, match="nothing would be expected"):
        parse_parameters({"environment": "prod"})


def test_every_problem_is_told_at_once_and_of_very_many_how_many():
    with pytest.raises(ParametersError) as error:
        parse_parameters({f"key{number}": 1 for number in range(40)})
    assert error.value.message.count("is not known") == 10
    assert error.value.message.endswith("; and 30 more")


def test_a_key_that_is_not_known_is_named_with_what_may_be_meant_and_never_whole_if_it_is_long():
    with pytest.raises(ParametersError, match=r"'dag_folder' is not known \(is dags_folder meant\?\)"):
        parse_parameters({"dag_folder": "x"})
    with pytest.raises(ParametersError) as error:
        parse_parameters({"k" * 100_000: 1})
    assert len(error.value.message) < 600


_keys = st.text(max_size=10) | st.sampled_from(list(EVERYTHING))
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["1s", "none", "s3://bucket/x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=5),
    max_leaves=10,
)


@given(_json)
def test_whatever_is_given_is_parameters_or_an_error_with_advice(value):
    try:
        assert isinstance(parse_parameters(value), Parameters)
    except UsageError as error:
        assert error.message  # noqa: PT017 - either is right
        assert error.advice  # noqa: PT017 - the same


def test_the_documentation_has_every_key_and_no_other():
    table = DOCS.partition("## Settings")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    told = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert told == list(dict.fromkeys(told))
    assert sorted(told) == sorted(parameters._KEYS) == sorted(EVERYTHING)


def test_the_documentations_numbers_are_the_functions():
    assert f"`{codepipeline.PART:g}s` in a CodePipeline job" in DOCS
    assert f"after {codepipeline.PART:g} s" in DOCS
    assert f"all of the function's time but {codepipeline.ROOM:g} s" in DOCS
    assert f"{codepipeline.WATCHDOG:g} s before it a job is answered" in DOCS
    assert f"A token is at most {token.LIMIT:,} characters" in DOCS
    assert f"at most {SHORT_LIMIT:,} characters" in DOCS
    assert f"at most {job.MESSAGE_LIMIT:,} characters" in DOCS
    assert f"may have {buckets.MAX_ARTIFACT >> 20} MB" in DOCS
