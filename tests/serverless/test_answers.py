"""What is told of a wait or of its end: in each length, whatever the report holds."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validator.errors import CallFailed, CannotTell, GateError, ManifestError, UsageError
from validator.finding import Status
from validator.reasons import Reason
from validator.report import Check, Report
from validator.serverless import answers

STARTED = datetime(2026, 1, 31, 8, tzinfo=timezone.utc)
WRITTEN = {
    "json": "s3://reports/x/prod/report.json",
    "junit": "s3://reports/x/prod/junit.xml",
    "html": "s3://reports/x/prod/report.html",
}
HOSTILE = "::error::x \x1b[31m \ud800 \u202e \U0001f680 ##[cmd]\r\n"


def check(subject="etl", status=Status.FAILED, reason=Reason.DAG_MISSING, **more):
    found = {"area": "dags", "message": "It is not listed.", **more}
    return Check(id=f"{found['area']}/{subject}", subject=subject, status=status, reason=reason, **found)


def report_of(*checks, verdict=Status.FAILED, **more):
    values = {
        "verdict": verdict,
        "exit_code": {Status.PASSED: 0, Status.FAILED: 1}.get(verdict, 3),
        "summary": "etl does not hold: dag-missing.",
        "environment": "prod",
        "airflow_version": "3.0.6",
        "gate_version": "0.1.0",
        "started_at": STARTED,
        "deployed_at": STARTED,
        "arrived_at": STARTED,
        "assumptions": (),
        "duration_s": 95.25,
        "calls": 4,
        "checks": checks,
        "next_steps": ("Mend it.",),
    }
    return Report(**(values | more))


def ok(subject):
    return check(subject, Status.PASSED, None, message="It is.")


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (Reason.ACCESS_DENIED, "PermissionError"),
        (Reason.LIMITED_ROLE, "PermissionError"),
        (Reason.NOT_FOUND, "ConfigurationError"),
        (Reason.SUPERSEDED, "RevisionOutOfSync"),
        (Reason.UNREACHABLE, "SystemUnavailable"),
        (Reason.BAD_RESPONSE, "SystemUnavailable"),
    ],
)
def test_the_first_reason_that_has_one_gives_the_failures_type(reason, kind):
    checks = [check("a", Status.ERROR, Reason.UNREACHABLE), check("b", Status.ERROR, reason)]
    assert answers.failure_type(report_of(*checks, verdict=Status.ERROR)) == kind
    assert answers.failure_type_of(CannotTell(reason, "it says")) == kind
    assert answers.failure_type_of(CallFailed(reason, "it says")) == kind


def test_a_red_is_a_failed_job_whatever_else_could_not_be_told():
    checks = [check(), check("b", Status.ERROR, Reason.ACCESS_DENIED)]
    assert answers.failure_type(report_of(*checks)) == "JobFailed"


def test_errors_without_a_reason_have_a_type_too():
    assert answers.failure_type_of(UsageError("wrong")) == "ConfigurationError"
    assert answers.failure_type_of(GateError("odd")) == "SystemUnavailable"
    assert answers.failure_type(report_of(verdict=Status.ERROR)) == "SystemUnavailable"


def test_a_failures_message_has_the_reasons_what_to_do_and_the_reports():
    red = check(
        "etl", Status.FAILED, Reason.DAG_IMPORT_ERROR, file="dags/etl.py", line=7, message="SyntaxError: no"
    )
    lines = answers.failure_message(report_of(red, ok("good")), WRITTEN).split("\n")
    assert lines[0] == "FAILED: etl does not hold: dag-missing."
    assert lines[1] == "etl (dags/etl.py:7): dag-import-error: SyntaxError: no"
    assert lines[2] == "What to do: Mend it."
    assert lines[3:] == [f"{name}: {place}" for name, place in WRITTEN.items()]


def test_of_many_reasons_ten_are_told_and_how_many_more_there_are():
    message = answers.failure_message(report_of(*[check(f"dag_{number}") for number in range(5_000)]), {})
    assert message.count("dag-missing: It is not listed.") == 10
    assert "... and 4990 more" in message
    assert len(message) < 5_000


def test_of_what_cannot_be_told_the_errors_are_named_and_not_the_reds():
    checks = [check("red"), check("denied", Status.ERROR, Reason.ACCESS_DENIED, message="AWS denied it.")]
    message = answers.failure_message(report_of(*checks, verdict=Status.ERROR), {})
    assert "denied: access-denied: AWS denied it." in message
    assert "red: " not in message


def test_an_errors_message_has_its_problems_and_its_advice():
    told = answers.error_message(
        ManifestError("gate.yaml", [f"line {n}: wrong" for n in range(1, 31)])
    ).split("\n")
    assert told[0] == "gate.yaml: 30 problems in the manifest"
    assert told[1:21] == [f"line {n}: wrong" for n in range(1, 21)]
    assert told[21].startswith("What to do: ")


def test_output_variables_are_texts_with_names_that_codepipeline_takes():
    report = report_of(
        ok("a"), ok("b"), check("w", Status.WARNING), verdict=Status.PASSED, airflow_version=None
    )
    found = answers.variables(report, WRITTEN)
    assert (found["verdict"], found["passed"], found["failed"], found["warnings"]) == (
        "passed",
        "2",
        "0",
        "1",
    )
    assert (found["airflow_version"], found["report_html"]) == ("unknown", WRITTEN["html"])
    assert all(re.fullmatch(r"[A-Za-z0-9@\-_]+", name) for name in found)


def test_a_pending_answer_waits_a_whole_second_at_least():
    assert answers.pending("prod", "1.abc", 0.2)["wait_s"] == 1
    assert answers.pending("prod", "1.abc", 9.6)["wait_s"] == 10


def test_a_report_that_is_too_large_for_an_answer_leaves_out_what_passed_and_says_so():
    checks = [check("red"), *[ok(f"dag_{number}") for number in range(25_000)]]
    answer = answers.done(report_of(*checks), WRITTEN)
    assert len(json.dumps(answer)) <= answers.REPORT_LIMIT + 1_000
    assert [one["subject"] for one in answer["checks"]] == ["red"]
    assert answer["checks_left_out"] == 25_000
    assert (answer["verdict"], answer["reports"]) == ("failed", WRITTEN)


def test_a_report_of_very_many_reds_keeps_its_verdict_in_an_answer():
    answer = answers.done(report_of(*[check(f"dag_{n}", message="x" * 2_000) for n in range(4_000)]), {})
    assert len(json.dumps(answer)) <= answers.REPORT_LIMIT + 1_000
    assert answer["verdict"] == "failed"
    assert answer["checks_left_out"] + len(answer["checks"]) == 4_000
    assert answer["checks"]


_texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=400) | st.just(HOSTILE * 20)


@pytest.mark.parametrize("character", ['"', "\\", "\0", "\ud800", "é", "#", "x"])
def test_an_answer_is_short_also_where_each_character_has_to_be_escaped(character):
    text = character * 5_000
    for error in (ManifestError(text, [text] * 9), GateError(text, advice=text)):
        answer = answers.refused(error, text)
        assert len(json.dumps(answer)) <= answers.SHORT_LIMIT
        assert answer["reasons"][-1].startswith("What to do: ")
    checks = [check(text, message=text)] * 9
    report = report_of(*checks, summary=text, environment=text, airflow_version=text)
    assert len(json.dumps(answers.short(report, {"json": text}))) <= answers.SHORT_LIMIT


@given(texts=st.lists(_texts, min_size=6, max_size=6), reds=st.integers(0, 30), reports=st.booleans())
def test_a_short_answer_is_short_whatever_is_in_it(texts, reds, reports):
    summary, environment, version, subject, message, place = texts
    checks = [check(f"{subject}{number}", message=message) for number in range(reds)]
    report = report_of(*checks, summary=summary, environment=environment, airflow_version=version)
    written = dict.fromkeys(WRITTEN, f"s3://{place * 3}") if reports else {}
    answer = answers.short(report, written)
    assert len(json.dumps(answer)) <= answers.SHORT_LIMIT
    assert (answer["state"], answer["verdict"], answer["exit_code"]) == ("done", "failed", 1)
    json.dumps(answer, ensure_ascii=False).encode()


@given(message=_texts, advice=_texts, problems=st.lists(_texts, max_size=9), environment=st.none() | _texts)
def test_a_refusal_is_short_too_and_ends_with_what_to_do(message, advice, problems, environment):
    for error in (ManifestError(message, problems), GateError(message, advice=f"Do {advice}")):
        answer = answers.refused(error, environment)
        assert len(json.dumps(answer)) <= answers.SHORT_LIMIT
        assert answer["reasons"][-1].startswith("What to do: ")
        assert answer["verdict"] == "error"
        json.dumps(answer, ensure_ascii=False).encode()


@given(_texts)
def test_what_goes_to_a_pipelines_console_is_inert(text):
    report = report_of(check(text, message=text), summary=text, next_steps=(text,))
    message = answers.failure_message(report, WRITTEN)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", message)
    assert "##[" not in message
    assert not any(line.lstrip().startswith("::") for line in message.split("\n"))
