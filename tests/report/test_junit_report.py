import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Skipped
from strict_readers import valid

from validator.finding import Status
from validator.reasons import ADVICE, Reason
from validator.report import junit

HOSTILE = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])

KINDS = {Status.FAILED: Failure, Status.ERROR: Error, Status.SKIPPED: Skipped}


@HOSTILE
@given(st.data())
def test_hostile_reports_are_valid_and_readable(hostile, data):
    report = data.draw(hostile)

    rendered = junit.render(report)

    valid(rendered)
    parsed = JUnitXml.fromstring(rendered)
    cases = [case for suite in parsed for case in suite]
    for status, kind in KINDS.items():
        seen = sum(isinstance(result, kind) for case in cases for result in case.result)
        assert seen - report.count(status) in {0, 1 if len(cases) > len(report.checks) else 0}
    assert all(len(list(suite)) for suite in parsed)
    for suite in parsed:
        names = [case.name for case in suite]
        assert len(names) == len(set(names))


@HOSTILE
@given(st.data())
def test_printed_into_a_log_it_is_inert(hostile, commands_in, data):
    assert not commands_in(junit.render(data.draw(hostile)).decode())


def test_one_suite_an_area_and_one_case_a_check(report, check):
    document = valid(
        junit.render(
            report(
                check("a"), check("scheduler", area="health"), check("b"), check("b.py", area="import errors")
            )
        )
    )

    assert [suite.get("name") for suite in document] == ["dags", "health", "import errors"]
    assert document.xpath("//testcase/@classname") == [
        "analytics-prod.dags", "analytics-prod.dags", "analytics-prod.health", "analytics-prod.import errors",
    ]  # fmt: skip


def test_the_name_tells_what_is_judged_and_is_unique(report, check):
    document = valid(
        junit.render(
            report(
                check("a"),
                check("a", id="dags/a/paused"),
                check("a"),
                check("a"),
                check("team/a", id="x/team/a/tags"),
            )
        )
    )

    assert document.xpath("//testcase/@name") == ["a", "a: paused", "a (2)", "a (3)", "team/a: tags"]


def test_a_url_stays_readable_in_the_class_name(report):
    document = valid(junit.render(report(environment="http://10.0.0.1:8080/")))

    assert document.xpath("//testcase/@classname") == ["http://10.0.0.1:8080.dags"]


@pytest.mark.parametrize(
    ("status", "element"), [(Status.FAILED, "failure"), (Status.ERROR, "error"), (Status.SKIPPED, "skipped")]
)
def test_what_is_not_green_has_message_type_and_a_body(report, check, status, element):
    red = check(
        "a",
        status,
        reason=Reason.DAG_IMPORT_ERROR,
        message="It does not parse.",
        details={"stack_trace": "Traceback\n::error::x\nKeyError", "filename": "a.py"},
        file="etl/a.py",
        line=7,
        first_seen_s=0.00001,
    )
    case = valid(junit.render(report(red, verdict=Status.FAILED))).find(".//testcase")
    found = case.find(element)

    assert (case.get("file"), case.get("line"), case.get("time")) == ("etl/a.py", "7", "0.000")
    assert (found.get("message"), found.get("type")) == ("It does not parse.", "dag-import-error")
    assert found.text.split("\n") == [
        "It does not parse.",
        "at etl/a.py:7",
        "filename: a.py",
        "| Traceback",
        "| ::error::x",
        "| KeyError",
        "What to do: " + ADVICE[Reason.DAG_IMPORT_ERROR],
    ]


def test_a_diff_is_in_the_body_line_by_line(report, check):
    diff = ["--- airflow", "+++ local", "-::error::x", "+##[x]\x1b[2J\u2028y\ufffe"]
    red = check("a.py", Status.FAILED, details={"diff": diff}, advice="Mend it.")
    document = valid(junit.render(report(red, verdict=Status.FAILED)))

    assert document.find(".//failure").text.split("\n")[1:] == [
        "| --- airflow",
        "| +++ local",
        "| -::error::x",
        "| +# #[x]\\x1b[2J\\u2028y\ufffd",
        "What to do: Mend it.",
    ]


def test_the_diffs_of_thousands_of_files_are_cut(report, check):
    diff = ["+" + "x" * 199] * 30
    reds = [check(f"{n}.py", Status.FAILED, details={"diff": diff}) for n in range(10_000)]

    assert len(junit.render(report(*reds, verdict=Status.FAILED))) < 20_000_000


def test_a_warning_is_a_passed_case_with_its_text(report, check):
    document = valid(junit.render(report(check("a", Status.WARNING, message="Odd."))))
    case = document.find(".//testcase")

    assert [child.tag for child in case] == ["system-out"]
    assert case.findtext("system-out").startswith("warning: dag-missing: Odd.\n")


def test_properties_carry_what_the_verdict_is_and_rests_on(report):
    properties = valid(junit.render(report())).xpath("//property")

    assert {p.get("name"): p.get("value") for p in properties} == {
        "environment": "analytics-prod",
        "verdict": "passed",
        "exit_code": "0",
        "summary": "All is as expected.",
        "airflow_version": "3.0.6",
        "gate_version": "0.1.0",
        "started_at": "2026-01-31T08:00:00.000Z",
        "deployed_at": "2026-01-31T08:00:01.000Z",
        "arrived_at": "2026-01-31T08:01:01.000Z",
        "duration_s": "95.250",
        "calls": "42",
        "assumption.1": "Every file reached every DAG processor within 60 s.",
    }


@pytest.mark.parametrize("seconds", [0.0, 1e-9, 12.3456, 1e7, float("nan"), float("inf"), -1.0])
def test_times_are_plain_decimals(report, check, seconds):
    document = valid(junit.render(report(check(first_seen_s=seconds), duration_s=seconds)))

    assert all(re.fullmatch(r"\d+\.\d{3}", time) for time in document.xpath("//@time"))


@pytest.mark.parametrize("verdict", [Status.FAILED, Status.ERROR])
def test_no_reader_takes_an_interrupted_gate_for_green(report, check, verdict):
    interrupted = report(check("a", Status.SKIPPED), verdict=verdict, exit_code=130, summary="Interrupted.")
    parsed = JUnitXml.fromstring(junit.render(interrupted))

    assert parsed.failures + parsed.errors == 1
    assert "Interrupted." in junit.render(interrupted).decode()


def test_a_report_without_checks_has_a_red_case(report):
    empty = report(verdict=Status.ERROR)
    object.__setattr__(empty, "checks", ())

    assert JUnitXml.fromstring(junit.render(empty)).errors == 1


def test_a_trace_of_three_megabytes_is_cut(report, check):
    red = check("a", Status.FAILED, details={"stack_trace": "x" * 3_000_000})

    rendered = junit.render(report(red, verdict=Status.FAILED))

    assert len(rendered) < 30_000
    assert b"characters left out" in rendered
