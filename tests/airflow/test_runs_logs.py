"""The end of a task's log, in the shapes that Airflow 2.10.5 and 3.0.6 gave it, and hostile ones."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_airflow import DEADLINE, run_calls

from validator.airflow.runs import TaskInstance
from validator.airflow.task_log import end_of_log
from validator.errors import CallFailed
from validator.reasons import Reason

TASK = TaskInstance("bad", "g-1", "boom", "failed", 2, None, None)
TEXT = (
    " INFO - ::group::Log message source details\n INFO - ::endgroup::\n"
    "[2026-11-22T14:21:26.978+0000] {logging_mixin.py:190} INFO - red ::error::hi \u202e é 😀 </script>\n"
    "[2026-11-22T14:21:26.979+0000] {taskinstance.py:3313} ERROR - Task failed with exception\n"
    "Traceback (most recent call last):\n"
    "ValueError: the table is \x1b[1m missing\n"
    "[2026-11-22T14:21:27.066+0000] {local_task_job_runner.py:266} INFO - Task exited with return code 1\n"
)
ERROR = {
    "timestamp": "2026-11-22T14:11:44.439814Z",
    "event": "Task failed with exception",
    "level": "error",
    "logger": "task",
    "error_detail": [
        {
            "exc_type": "ValueError",
            "exc_value": "the table is \x1b[1m missing",
            "exc_notes": [],
            "syntax_error": None,
            "is_cause": False,
            "frames": [
                {"filename": "/usr/local/airflow/task_runner.py", "lineno": 920, "name": "run"},
                {"filename": "/usr/local/airflow/dags/all.py", "lineno": 22, "name": "boom"},
            ],
            "is_group": False,
            "exceptions": [],
        }
    ],
}
EVENTS = [
    {"event": "::group::Log message source details", "sources": ["attempt=2.log"]},
    {"event": "::endgroup::"},
    {"timestamp": "2026-11-22T14:11:44.439160Z", "event": "\x1b[31mred\x1b[0m ::error::hi \u202e é 😀"},
    ERROR,
    {"timestamp": "2026-11-22T14:11:44.440660Z", "event": "##[error]x", "chan": "stdout"},
]
AS_LINES = [
    "::group::Log message source details",
    "::endgroup::",
    "\x1b[31mred\x1b[0m ::error::hi \u202e é 😀",
    "##[error]x",
    "Task failed with exception",
    '  File "/usr/local/airflow/task_runner.py", line 920, in run',
    '  File "/usr/local/airflow/dags/all.py", line 22, in boom',
    "ValueError: the table is \x1b[1m missing",
]


def json_of_airflow_2(*logs):
    return {"content": str([("vm", log) for log in logs]), "continuation_token": "x"}


@pytest.mark.parametrize("body", [TEXT, json_of_airflow_2(TEXT)])
def test_airflow_2_gives_its_log_as_text_or_as_json_around_pythons_words(body):
    calls, airflow = run_calls("2.10.5", (200, body))

    assert calls.log_end(TASK, DEADLINE) == TEXT.strip(), "hostile text is kept as it is"

    (asked,) = airflow.asked
    assert asked.path == "/dags/bad/dagRuns/g-1/taskInstances/boom/logs/2"
    assert asked.query == {"full_content": True}


def test_airflow_3_gives_its_log_as_events_and_the_exception_is_the_end_of_it():
    calls, _ = run_calls("3.0.6", (200, {"content": EVENTS, "continuation_token": None}))
    assert calls.log_end(TASK, DEADLINE) == "\n".join(AS_LINES)


def test_what_a_task_printed_does_not_push_its_exception_out():
    printed = [{"event": f"line {n} {'x' * 50}"} for n in range(2000)]
    told = end_of_log({"content": [ERROR, *printed]}, 400)
    assert told.endswith("ValueError: the table is \x1b[1m missing")
    assert "line 1999" in told


def test_a_cause_comes_before_what_it_caused_as_in_python():
    cause = {"exc_type": "KeyError", "exc_value": "'id'", "frames": []}
    error = {**ERROR, "error_detail": [*ERROR["error_detail"], {**cause, "is_cause": True}]}
    lines = end_of_log({"content": [error]}, 4000).split("\n")
    assert lines[1] == "KeyError: 'id'"
    assert lines[-1].startswith("ValueError")


def test_lines_that_airflow_3_could_not_parse_are_lines():
    assert end_of_log({"content": ["one", "two"]}, 4000) == "one\ntwo"


def test_the_end_of_a_long_log_begins_with_a_whole_line():
    assert end_of_log("first\nsecond\nthird", 12) == "third"
    assert end_of_log("first\nsecond\nthird", 18) == "first\nsecond\nthird"
    assert end_of_log("x" * 50, 12) == "x" * 12


@pytest.mark.parametrize(
    "body", ["", " \n", None, {"content": ""}, {"content": []}, {"content": "[('vm', '')]"}]
)
def test_an_empty_log_is_none(body):
    assert end_of_log(body, 4000) is None


@pytest.mark.parametrize("status", [403, 404])
def test_a_log_that_is_not_there_or_may_not_be_read_is_none(status):
    calls, airflow = run_calls("3.0.6", (status, {"detail": "TaskInstance not found"}))
    assert calls.log_end(TASK, DEADLINE) is None
    assert len(airflow.asked) == 1


def test_a_log_whose_path_is_too_long_or_of_no_try_is_not_asked_for():
    calls, airflow = run_calls("3.0.6", (200, {"content": ["x"]}))
    long = TaskInstance("bad", "g-1", "b" * 25, "failed", 1, None, None)
    assert calls.log_end(long, DEADLINE) is None
    assert calls.log_end(TaskInstance("bad", "g-1", "b", None, 0, None, None), DEADLINE) is None
    assert not airflow.asked
    assert run_calls("3.0.6", (200, {"content": ["x"]}), longest_path=None)[0].log_end(long, DEADLINE) == "x"


def test_a_mapped_task_has_a_log_of_its_own():
    calls, airflow = run_calls("3.0.6", (200, {"content": ["x"]}))
    calls.log_end(TaskInstance("bad", "g-1", "part", "failed", 1, None, None, 0), DEADLINE)
    assert airflow.asked[0].query == {"full_content": True, "map_index": 0}


@pytest.mark.parametrize(
    "body", [{}, [], 7, {"content": None}, {"content": 7}, {"content": [7]}, {"content": [{"event": 7}]}]
)
def test_what_is_no_log_is_a_bad_response(body):
    calls, _ = run_calls("3.0.6", (200, body))
    with pytest.raises(CallFailed) as caught:
        calls.log_end(TASK, DEADLINE)
    assert caught.value.reason is Reason.BAD_RESPONSE


@pytest.mark.parametrize("status", [401, 500])
def test_a_log_that_could_not_be_asked_for_is_told_as_that(status):
    calls, _ = run_calls("3.0.6", (status, "<html>"))
    with pytest.raises(CallFailed) as caught:
        calls.log_end(TASK, DEADLINE)
    assert caught.value.status == status


@pytest.mark.parametrize(
    "content",
    [
        "[" * 5000,
        "[(" * 5000,
        "[(" + "-" * 100_000 + "1)]",
        "[]" * 5000,
        "[('vm', 'cut off",
        "('vm', 'x')",
        "[('vm', 7)]",
        "[7]",
        "\x00",
        "__import__('os')",
    ],
)
def test_content_that_is_not_pythons_words_for_a_log_is_the_log(content):
    assert end_of_log({"content": content}, 200_000) == content.strip()


@pytest.mark.parametrize("detail", [{}, "x", 7, [7], [{}], [{"frames": 7}], [{"frames": [7, {}]}]])
def test_a_traceback_of_another_shape_leaves_the_line_itself(detail):
    told = end_of_log({"content": [{"event": "it failed", "error_detail": detail}]}, 4000)
    assert told.startswith("it failed")


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(), max_size=4), st.integers(1, 40))
def test_never_more_than_asked_for_and_always_the_end(logs, most):
    joined = "\n".join(logs).strip()
    for body in ({"content": [{"event": log} for log in logs]}, json_of_airflow_2(*logs)):
        told = end_of_log(body, most)
        if joined:
            assert len(told) <= most
            assert joined.endswith(told)
        else:
            assert told is None


def test_names_that_hold_half_of_a_character_can_be_asked_for():
    calls, airflow = run_calls("3.0.6", (404, {"detail": "no such task"}), longest_path=None)
    assert (
        calls.log_end(TaskInstance("a\ud800", "b\udfff", "\udc80", "failed", 1, None, None), DEADLINE) is None
    )
    assert airflow.asked[0].path == "/dags/a%ED%A0%80/dagRuns/b%ED%BF%BF/taskInstances/%ED%B2%80/logs/1"
