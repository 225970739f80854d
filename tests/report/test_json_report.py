from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strict_readers import SCHEMA, strictly

from validator.finding import Status
from validator.report import json_report

HOSTILE = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])

KEYS = [
    "schema", "verdict", "exit_code", "environment", "airflow_version", "gate_version", "started_at", "deployed_at",
    "arrived_at", "assumptions", "duration_s", "calls", "checks", "summary", "next_steps", "request_ids",
]  # fmt: skip
CHECK_KEYS = [
    "id", "area", "subject", "status", "reason", "message", "details", "file", "line", "first_seen_s",
]  # fmt: skip


@HOSTILE
@given(st.data())
def test_hostile_reports_are_strict_json_and_keep_the_schema(hostile, commands_in, data):
    report = data.draw(hostile)

    rendered = json_report.render(report)

    parsed = strictly(rendered)
    SCHEMA.validate(parsed)
    assert [check["status"] for check in parsed["checks"]] == [str(check.status) for check in report.checks]
    assert not commands_in(rendered.decode())


def test_keys_stand_in_the_documented_order(report, check):
    parsed = strictly(json_report.render(report(check(status=Status.FAILED), verdict=Status.FAILED)))

    assert list(parsed) == KEYS
    assert list(parsed["checks"][0]) == CHECK_KEYS


def test_values_are_what_the_report_says(report, check):
    red = check(
        "a",
        Status.FAILED,
        message="Gone: ##[x]",
        file="a.py",
        line=3,
        first_seen_s=1.23456,
        details={"needed": ["b"]},
    )
    parsed = strictly(json_report.render(report(red, verdict=Status.FAILED, request_ids=("r-1",))))

    assert parsed["started_at"] == "2026-01-31T08:00:00.000Z"
    assert parsed["request_ids"] == ["r-1"]
    assert parsed["checks"][0] == {
        "id": "dags/a", "area": "dags", "subject": "a", "status": "failed", "reason": "dag-missing",
        "message": "Gone: ##[x]", "details": {"needed": ["b"]}, "file": "a.py", "line": 3, "first_seen_s": 1.235,
    }  # fmt: skip


def test_a_diff_stays_a_list_with_every_character(report, check):
    diff = ["--- airflow", "+::error::##[x]\x1b[31m\u2028y\t\ufffe"]
    red = check("a.py", Status.FAILED, details={"diff": diff})

    rendered = json_report.render(report(red, verdict=Status.FAILED))

    assert strictly(rendered)["checks"][0]["details"] == {"diff": diff}


def test_times_in_other_zones_become_utc(report):
    east = datetime(2026, 1, 31, 10, tzinfo=timezone(timedelta(hours=2)))

    assert strictly(json_report.render(report(started_at=east)))["started_at"] == "2026-01-31T08:00:00.000Z"


@pytest.mark.parametrize(
    "details",
    [
        {"stack_trace": "x" * 3_000_000},
        {"suspects": [f"file_{n}" for n in range(100_000)]},
        {"suspects": {f"file_{n}": n for n in range(100_000)}},
        {"text": "x" * 3_000_000},
        {"number": 10**5000},
        {"set": {1}, "when": datetime(2026, 1, 1, tzinfo=timezone.utc), 3: "a number as key"},
    ],
)
def test_sizes_are_bounded_and_nothing_raises(report, check, details):
    rendered = json_report.render(report(check(status=Status.FAILED, details=details)))

    SCHEMA.validate(strictly(rendered))
    assert len(rendered) < 100_000


def test_endless_nesting_ends(report, check):
    endless = {}
    endless["again"] = endless

    assert b"nested too deeply" in json_report.render(report(check(details=endless)))
