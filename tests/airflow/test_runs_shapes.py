"""Answers that are not what the API promises: each is a bad response, and none is a default or a traceback."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_airflow import DEADLINE, run_calls

from validator.airflow.runs import TaskInstance
from validator.errors import CallFailed
from validator.reasons import Reason

STAMP = "2026-11-22T02:00:00Z"
NOW = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
KEY = ("smoke", "g-1")
RUN = {
    "dag_id": "smoke",
    "dag_run_id": "g-1",
    "state": "queued",
    "run_type": "manual",
    "logical_date": STAMP,
    "run_after": STAMP,
    "queued_at": STAMP,
    "start_date": None,
    "end_date": None,
}
TASK = {
    "dag_id": "smoke",
    "dag_run_id": "g-1",
    "task_id": "load",
    "state": None,
    "try_number": 0,
    "map_index": -1,
    "start_date": None,
    "end_date": None,
}
INSTANCE = TaskInstance(*KEY, "load", "failed", 1, None, None)
ABSENT = object()
WRONG_TEXT = [ABSENT, None, "", 7, ["x"], {}]
WRONG_TIME = ["soon", "2026-11-22T02:00:00", 7, True, {}, ""]
WRONG_RUNS = [
    *[(key, wrong) for key in ("dag_id", "dag_run_id", "state") for wrong in WRONG_TEXT],
    *[(key, wrong) for key in ("start_date", "end_date") for wrong in (ABSENT, *WRONG_TIME)],
]
WRONG_TASKS = [
    *[(key, wrong) for key in ("dag_id", "dag_run_id", "task_id") for wrong in WRONG_TEXT],
    *[("state", wrong) for wrong in (ABSENT, "", 7, [])],
    *[("try_number", wrong) for wrong in (ABSENT, None, "1", 1.0, True, -1)],
    *[("map_index", wrong) for wrong in (ABSENT, None, "1", -2)],
    *[(key, wrong) for key in ("start_date", "end_date") for wrong in (ABSENT, *WRONG_TIME)],
]


def spoilt(row, key, wrong):
    return {k: v for k, v in {**row, key: wrong}.items() if v is not ABSENT}


def refused(call, *answers, version="3.0.6"):
    """The error of a call that gets these answers; and how often it asked."""
    calls, airflow = run_calls(version, *answers)
    with pytest.raises(CallFailed) as caught:
        call(calls)
    return caught.value, len(airflow.asked)


def listed(key, row):
    return 200, {key: [row], "total_entries": 1}


@pytest.mark.parametrize(("key", "wrong"), [*WRONG_RUNS, ("run_after", None), ("run_after", ABSENT)])
def test_a_run_that_lacks_what_counts_is_a_bad_response(key, wrong):
    row = spoilt(RUN, key, wrong)
    for call in (lambda calls: calls.find([KEY], DEADLINE), lambda calls: calls.of("smoke", NOW, DEADLINE)):
        assert refused(call, listed("dag_runs", row))[0].reason is Reason.BAD_RESPONSE
    failed, asked = refused(lambda calls: calls.trigger(*KEY, {}, DEADLINE), (200, row))
    assert (failed.reason, failed.status, asked) == (Reason.BAD_RESPONSE, None, 1)


@pytest.mark.parametrize("wrong", [None, ABSENT, *WRONG_TIME])
def test_a_run_of_airflow_2_has_a_logical_date(wrong):
    row = spoilt(RUN, "logical_date", wrong)
    failed, _ = refused(lambda c: c.find([KEY], DEADLINE), listed("dag_runs", row), version="2.10.5")
    assert failed.reason is Reason.BAD_RESPONSE


@pytest.mark.parametrize("wrong", [ABSENT, *WRONG_TIME])
def test_a_run_of_airflow_3_says_when_it_was_queued_or_that_it_does_not_know(wrong):
    row = spoilt(RUN, "queued_at", wrong)
    assert (
        refused(lambda c: c.find([KEY], DEADLINE), listed("dag_runs", row))[0].reason is Reason.BAD_RESPONSE
    )


@pytest.mark.parametrize(("key", "wrong"), WRONG_TASKS)
def test_a_task_instance_that_lacks_what_counts_is_a_bad_response(key, wrong):
    answer = listed("task_instances", spoilt(TASK, key, wrong))
    failed, _ = refused(lambda calls: calls.task_instances([KEY], DEADLINE), answer)
    assert failed.reason is Reason.BAD_RESPONSE


@pytest.mark.parametrize("answer", [{**RUN, "dag_id": "other"}, {**RUN, "dag_run_id": "g-2"}])
def test_the_answer_to_a_trigger_is_of_that_run(answer):
    failed, asked = refused(lambda calls: calls.trigger(*KEY, {}, DEADLINE), (200, answer))
    assert (failed.reason, asked) == (Reason.BAD_RESPONSE, 1)
    assert "is the run" in failed.message


EVERY_CALL = {
    "trigger": lambda calls: calls.trigger(*KEY, {}, DEADLINE),
    "find": lambda calls: calls.find([KEY], DEADLINE),
    "of": lambda calls: calls.of("smoke", NOW, DEADLINE),
    "task_instances": lambda calls: calls.task_instances([KEY], DEADLINE),
    "set_paused": lambda calls: calls.set_paused("smoke", paused=True, deadline=DEADLINE),
    "is_paused": lambda calls: calls.is_paused("smoke", DEADLINE),
    "send_event": lambda calls: calls.send_event("s3://lake", {}, DEADLINE),
    "event_since": lambda calls: calls.event_since("s3://lake", {}, NOW, DEADLINE),
    "started_by": lambda calls: calls.started_by("s3://lake", NOW, DEADLINE),
}
ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 3) | st.floats() | st.text(max_size=5) | st.just(STAMP),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from([*RUN, "dag_runs", "task_instances", "dags", "total_entries", "id", "uri"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("version", ["2.10.5", "3.0.6"])
@pytest.mark.parametrize("name", EVERY_CALL)
@pytest.mark.parametrize("body", [None, "", "<html>", [], {}, 7, {"dag_runs": {}, "total_entries": 0}])
def test_what_is_no_answer_is_never_a_good_one(version, name, body):
    assert refused(EVERY_CALL[name], (200, body), version=version)[0].reason is Reason.BAD_RESPONSE


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(EVERY_CALL)), ANSWERS, st.sampled_from(["2.10.5", "3.0.6"]))
def test_whatever_is_answered_there_is_no_traceback(name, body, version):
    calls, _ = run_calls(version, (200, body))
    with suppress(CallFailed):
        EVERY_CALL[name](calls)


@pytest.mark.parametrize("name", ["trigger", "send_event"])
@pytest.mark.parametrize("answer", [(502, "<html>"), (500, {"detail": {"reason": "x"}}), (200, {})])
def test_what_starts_something_is_asked_once_unless_it_was_throttled(name, answer):
    version = "2.10.5"
    assert refused(EVERY_CALL[name], answer, version=version)[1] == 1
    assert refused(EVERY_CALL[name], CallFailed(Reason.UNREACHABLE, "lost"), version=version)[1] == 1
    assert refused(EVERY_CALL[name], (429, {}), (429, {}), answer, version=version)[1] == 3


@pytest.mark.parametrize(
    "call",
    [
        lambda calls: calls.remove(*KEY, DEADLINE),
        lambda calls: calls.set_paused("smoke", paused=True, deadline=DEADLINE),
    ],
)
def test_what_can_be_done_twice_is_repeated(call):
    done = 200, {"dag_id": "smoke", "is_paused": True}
    calls, airflow = run_calls("3.0.6", CallFailed(Reason.UNREACHABLE, "lost"), (503, ""), done)
    call(calls)
    assert len(airflow.asked) == 3


def test_a_dag_that_does_not_say_whether_it_is_paused_is_a_bad_response():
    row = {"dag_id": "smoke", "is_stale": False, "has_import_errors": False, "last_parsed_time": STAMP}
    for wrong in ({}, {"is_paused": None}, {"is_paused": "no"}):
        failed, _ = refused(lambda c: c.is_paused("smoke", DEADLINE), listed("dags", {**row, **wrong}))
        assert failed.reason is Reason.BAD_RESPONSE


@pytest.mark.parametrize("wrong", ["true", 1, None, ABSENT, {}])
def test_a_switch_that_does_not_say_true_is_not_set(wrong):
    answer = 200, spoilt({"dag_id": "smoke"}, "is_paused", wrong)
    assert refused(EVERY_CALL["set_paused"], answer)[0].reason is Reason.BAD_RESPONSE


@pytest.mark.parametrize("status", [401, 403, 503])
def test_a_list_of_dags_that_cannot_be_read_is_not_taken_for_one_without_the_dag(status):
    failed, _ = refused(lambda calls: calls.is_paused("smoke", DEADLINE), (status, {}))
    assert failed.status == status


def test_a_list_of_dags_that_moves_is_not_taken_for_one_without_the_dag():
    failed, _ = refused(lambda c: c.is_paused("smoke", DEADLINE), (200, {"dags": [], "total_entries": 1}))
    assert failed.reason is Reason.BAD_RESPONSE


@pytest.mark.parametrize(
    ("fits", "free"),
    [
        (lambda calls, n: calls.can_trigger("d" * n), 64 - len("/dags//dagRuns")),
        (lambda calls, n: calls.can_pause("d" * n), 64 - len("/dags/")),
        (lambda calls, n: calls.can_remove("d" * (n - 10), "g-12345678"), 64 - len("/dags//dagRuns/")),
    ],
)
def test_whether_a_path_fits_is_told_before_anything_is_done(fits, free):
    calls, airflow = run_calls("3.0.6", (200, {}))
    assert (fits(calls, free), fits(calls, free + 1)) == (True, False)
    assert fits(run_calls("3.0.6", (200, {}), longest_path=None)[0], 5000)
    assert not airflow.asked


def test_a_path_is_as_long_as_it_is_when_escaped():
    calls, _ = run_calls("3.0.6", (200, {}))
    assert calls.can_pause("d" * 58)
    assert not calls.can_pause("d" * 57 + "é")
    calls, airflow = run_calls("3.0.6", (204, None), longest_path=None)
    assert calls.remove("a/b", "g:1+é", DEADLINE)
    assert airflow.asked[0].path == "/dags/a%2Fb/dagRuns/g%3A1%2B%C3%A9"
