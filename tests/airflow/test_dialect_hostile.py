"""Whatever JSON stands where an answer should be: it is read, or it is a bad response. Nothing else."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from validator.airflow.dialect import (
    AIRFLOW_2_DIALECT,
    AIRFLOW_3_DIALECT,
    parse_time,
    parse_version,
    read_dag,
    read_health,
    read_import_error,
    read_page,
    read_version,
)
from validator.errors import CallFailed
from validator.reasons import Reason
from validator.transport.caller import refused, told_by
from validator.transport.interface import Answer, Request

KEYS = [
    "dag_id", "is_active", "is_stale", "is_paused", "has_import_errors", "last_parsed_time", "fileloc", "version",
    "relative_fileloc", "bundle_name", "dags", "total_entries", "import_errors", "import_error_id", "timestamp",
    "filename", "stack_trace", "metadatabase", "scheduler", "status", "latest_scheduler_heartbeat", "detail", "error",
]  # fmt: skip
TIMES = [
    "2026-11-22T02:00:00Z",
    "2026-11-22T02:00:00.123+00:00",
    "2026-11-22",
    "0001-01-01T00:00:00+14:00",
    "",
]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([*TIMES, "3.0.6", "2.4", "9.9"])
)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from(KEYS), inner, max_size=8)
    ),
    max_leaves=20,
)
objects = st.dictionaries(st.sampled_from(KEYS), json_values, max_size=12)
READERS = [
    read_version,
    read_health,
    read_import_error,
    lambda body: read_page(body, "dags"),
    lambda row: read_dag(row, AIRFLOW_2_DIALECT),
    lambda row: read_dag(row, AIRFLOW_3_DIALECT),
]
DAG = {
    "dag_id": "a",
    "is_active": True,
    "is_stale": False,
    "has_import_errors": False,
    "last_parsed_time": None,
}
ERROR = {"import_error_id": 1, "timestamp": TIMES[0], "filename": "a.py", "stack_trace": "x"}


REFUSED = object()


def attempt(read, body):
    """What was read, or REFUSED; anything but a bad response fails the test."""
    try:
        return read(body)
    except CallFailed as failed:
        if failed.reason is Reason.BAD_RESPONSE and failed.message:
            return REFUSED
        raise


@settings(deadline=None)
@given(json_values | objects)
@example({**DAG, "last_parsed_time": "0001-01-01T00:00:00+14:00"})
@example({**DAG, "last_parsed_time": "9999-12-31T23:59:59-14:00"})
@example({**DAG, "fileloc": "/a\0b.py"})
@example({"version": "\u0663.\u0660.\u0666"})
def test_any_json_is_read_or_is_a_bad_response(body):
    for read in READERS:
        attempt(read, body)


@settings(deadline=None)
@given(st.sampled_from([DAG, ERROR]), st.sampled_from(KEYS), json_values)
def test_a_row_with_one_wrong_field_is_read_or_refused(row, key, value):
    for read in READERS:
        attempt(read, {**row, key: value})


@settings(deadline=None)
@given(json_values)
def test_a_dag_is_active_and_clean_only_if_it_says_exactly_so(value):
    dag = attempt(lambda row: read_dag(row, AIRFLOW_2_DIALECT), {**DAG, "is_active": value})
    assert dag.active is (value is True)
    dag = attempt(lambda row: read_dag(row, AIRFLOW_3_DIALECT), {**DAG, "is_stale": value})
    assert dag.active is (value is False)
    dag = attempt(lambda row: read_dag(row, AIRFLOW_3_DIALECT), {**DAG, "has_import_errors": value})
    assert dag.has_import_errors is (value is not False)


@settings(deadline=None)
@given(json_values, st.integers(300, 599))
def test_any_error_body_is_told_in_one_short_text(body, status):
    failed = refused(Request("/dags"), Answer(status, body, None))
    assert isinstance(failed, CallFailed)
    assert len(told_by(body)) <= 300


def test_an_error_body_nested_without_end_is_told_too():
    body = "at the bottom"
    for _ in range(5000):
        body = {"detail": body}
    assert len(told_by(body)) <= 300
    listed = []
    for _ in range(200_000):
        listed = [listed]
    assert len(told_by({"detail": listed})) <= 300


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_a_success_is_not_refused(status):
    assert refused(Request("/dags"), Answer(status, {"detail": "x"}, None)) is None


@pytest.mark.parametrize(
    ("status", "reason", "retry", "throttled"),
    [
        (100, Reason.BAD_RESPONSE, False, False),
        (304, Reason.BAD_RESPONSE, False, False),
        (400, Reason.BAD_RESPONSE, False, False),
        (401, Reason.ACCESS_DENIED, False, False),
        (403, Reason.ACCESS_DENIED, False, False),
        (404, Reason.NOT_FOUND, False, False),
        (422, Reason.BAD_RESPONSE, False, False),
        (429, Reason.UNREACHABLE, True, True),
        (500, Reason.UNREACHABLE, True, False),
        (504, Reason.UNREACHABLE, True, False),
        (0, Reason.BAD_RESPONSE, False, False),
        (-1, Reason.BAD_RESPONSE, False, False),
    ],
)
def test_a_status_has_its_reason(status, reason, retry, throttled):
    failed = refused(Request("/dags"), Answer(status, None, None))
    assert (failed.reason, failed.retry, failed.throttled) == (reason, retry, throttled)


@pytest.mark.parametrize("key", ["dag_id", "is_stale", "has_import_errors", "last_parsed_time"])
def test_a_dag_that_lacks_what_the_verdict_needs_is_refused(key):
    row = {name: value for name, value in DAG.items() if name != key}
    with pytest.raises(CallFailed, match=key):
        read_dag(row, AIRFLOW_3_DIALECT)


@pytest.mark.parametrize("total", [None, -1, True, "3", 1.0])
def test_a_total_that_is_no_count_is_refused(total):
    with pytest.raises(CallFailed, match="total_entries"):
        read_page({"dags": [], "total_entries": total}, "dags")


@pytest.mark.parametrize("status", [True, 0, ["healthy"], {"a": 1}])
def test_a_status_that_is_no_word_is_refused(status):
    health = {"metadatabase": {"status": status}, "scheduler": {"status": "healthy"}}
    with pytest.raises(CallFailed, match="not a word"):
        read_health(health)


@pytest.mark.parametrize("missing", ["metadatabase", "scheduler"])
def test_a_health_answer_without_the_scheduler_or_the_database_is_none(missing):
    health = {"metadatabase": {"status": "healthy"}, "scheduler": {"status": "healthy"}}
    del health[missing]
    with pytest.raises(CallFailed, match=missing):
        read_health(health)


@pytest.mark.parametrize("time", ["2026-11-22T02:00:00", "yesterday", 5, True, "", "2026-11-22T02:00:00ZZ"])
def test_a_time_without_a_zone_is_no_time(time):
    with pytest.raises(CallFailed, match="not a time with a zone"):
        parse_time(time, "x")


@pytest.mark.parametrize("version", ["1.10.15", "4.0.0", "three", "", None, 3, "3", "v3.0"])
def test_a_version_whose_api_is_unknown_is_refused(version):
    with pytest.raises(CallFailed):
        parse_version(version)
