"""Lists of DAG runs and task instances: read page by page, and what is not found is proven not to be there."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_airflow import AIRFLOW_3, DEADLINE, VERSIONS, run_calls

from validator.errors import CallFailed
from validator.reasons import Reason

NOW = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
LATER = NOW + timedelta(minutes=1)


def run_row(run_id, dag_id="smoke", at=NOW, **told):
    stamp = at.isoformat()
    times = {"logical_date": stamp, "run_after": stamp, "queued_at": stamp}
    row = {"dag_id": dag_id, "dag_run_id": run_id, "state": "running", "run_type": "manual", **times}
    return {**row, "start_date": stamp, "end_date": None, **told}


def task_row(task_id, run_id="g-1", dag_id="smoke", **told):
    row = {"dag_id": dag_id, "dag_run_id": run_id, "task_id": task_id, "state": "success", "map_index": -1}
    return {**row, "try_number": 1, "start_date": None, "end_date": None, **told}


def paged(rows, cap, key="dag_runs"):
    """A server that gives `cap` rows at most. `rows` is looked at anew at each page."""

    def answer(request):
        offset = request.body["page_offset"]
        return 200, {key: list(rows[offset : offset + cap]), "total_entries": len(rows)}

    return answer


@pytest.mark.parametrize("version", VERSIONS)
def test_the_list_is_read_until_all_that_is_wanted_was_seen(version):
    rows = [run_row(f"g-{n}") for n in range(30)]
    calls, airflow = run_calls(version, paged(rows, 5))

    found = calls.find([("smoke", "g-1"), ("smoke", "g-7")], DEADLINE)

    assert sorted(found) == [("smoke", "g-1"), ("smoke", "g-7")]
    assert [request.body["page_offset"] for request in airflow.asked] == [0, 5]


def test_what_is_not_there_is_proven_by_the_whole_list():
    calls, airflow = run_calls("3.0.6", paged([run_row(f"g-{n}") for n in range(30)], 5))

    assert calls.find([("smoke", "g-1"), ("smoke", "none")], DEADLINE).keys() == {("smoke", "g-1")}
    assert len(airflow.asked) == 6


def test_a_list_that_is_too_long_to_be_read_is_no_proof():
    calls, airflow = run_calls("2.10.5", paged([run_row(f"g-{n}") for n in range(51)], 5))

    with pytest.raises(CallFailed, match="51 rows, and the first 50 of them did not settle it") as caught:
        calls.find([("smoke", "none")], DEADLINE)

    assert (caught.value.retry, len(airflow.asked)) == (False, 10)
    assert "airflow db clean" in caught.value.advice
    assert calls.find([("smoke", "g-49")], DEADLINE)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_time_before_which_it_was_not_triggered_narrows_the_search(version):
    calls, airflow = run_calls(version, paged([], 5))

    assert calls.find([("smoke", "g-1")], DEADLINE, since=NOW) == {}

    key = "run_after_gte" if version in AIRFLOW_3 else "execution_date_gte"
    assert airflow.asked[0].body[key] == NOW.isoformat()


def test_nothing_wanted_is_nothing_asked():
    calls, airflow = run_calls(
        "2.10.5", (500, "<html>")
    )  # an empty filter would be every DAG of the environment
    assert (calls.find([], DEADLINE), calls.task_instances([], DEADLINE), airflow.asked) == ({}, {}, [])


def test_an_empty_page_before_the_end_ends_no_list():
    calls, airflow = run_calls("3.0.6", (200, {"dag_runs": [], "total_entries": 7}))
    with pytest.raises(CallFailed, match="did not keep still") as caught:
        calls.find([("smoke", "g-1")], DEADLINE)
    assert (caught.value.reason, len(airflow.asked)) == (Reason.BAD_RESPONSE, 3)


def test_a_run_that_slipped_between_two_pages_is_found_in_the_next_reading():
    rows = [run_row(f"g-{n}") for n in range(10)]
    pages = paged(rows, 5)

    def answer(request):
        told = pages(request)
        if len(airflow.asked) == 1:  # the newest is deleted: what came sixth comes fifth now
            del rows[0]
        return told

    calls, airflow = run_calls("3.0.6", answer)
    assert calls.find([("smoke", "g-5")], DEADLINE)


@settings(deadline=None, max_examples=150)
@given(st.data(), st.integers(0, 12), st.integers(1, 4))
def test_a_run_that_is_there_all_the_time_is_never_said_to_be_missing(data, count, cap):
    rows = [run_row(f"old-{n}") for n in range(count)]
    rows.insert(data.draw(st.integers(0, count)), run_row("mine"))
    pages = paged(rows, cap)

    def answer(request):
        told = pages(request)
        for change in data.draw(st.lists(st.integers(0, 13), max_size=2)):
            if change == 13:
                rows.insert(0, run_row(f"new-{len(airflow.asked)}-{len(rows)}"))
            elif change < len(rows) and rows[change]["dag_run_id"] != "mine":
                del rows[change]
        return told

    calls, airflow = run_calls("3.0.6", answer)
    with suppress(CallFailed):  # it did not keep still, or is too long: and nothing is claimed
        assert ("smoke", "mine") in calls.find([("smoke", "mine")], DEADLINE)


def test_a_scheduled_run_of_airflow_2_does_not_tell_when_it_was_made():
    row = run_row("scheduled__x", run_type="scheduled")
    assert run_calls("2.10.5", paged([row], 5))[0].of("smoke", NOW, DEADLINE)[0].made is None
    assert run_calls("3.0.6", paged([row], 5))[0].of("smoke", NOW, DEADLINE)[0].made == NOW


def test_the_runs_since_are_those_of_this_dag_the_oldest_first():
    rows = [run_row("early", at=NOW - timedelta(microseconds=1)), run_row("a"), run_row("b", at=LATER)]
    calls, airflow = run_calls("3.0.6", paged([*rows, run_row("c", dag_id="other")], 5))

    assert [run.run_id for run in calls.of("smoke", NOW, DEADLINE)] == ["a", "b"]
    assert airflow.asked[0].body["order_by"] == "id"


def test_a_queued_run_of_airflow_3_was_made_when_it_was_queued():
    row = run_row("g-1", queued_at=LATER.isoformat(), start_date=None, state="queued")
    run = run_calls("3.0.6", paged([row], 5))[0].find([("smoke", "g-1")], DEADLINE)["smoke", "g-1"]
    assert (run.made, run.began, run.ended) == (LATER, None, None)
    row["queued_at"] = None
    run = run_calls("3.0.6", paged([row], 5))[0].find([("smoke", "g-1")], DEADLINE)["smoke", "g-1"]
    assert run.made == NOW


def test_task_instances_of_other_runs_are_left_out_and_those_without_any_are_empty():
    rows = [
        task_row("late", start_date=LATER.isoformat()),
        task_row("never", state=None, try_number=0),
        task_row("part", map_index=1, start_date=NOW.isoformat()),
        task_row("part", map_index=0, start_date=NOW.isoformat()),
        task_row("x", run_id="other"),
        task_row("y", dag_id="other"),
    ]
    calls, _ = run_calls("2.10.5", paged(rows, 2, "task_instances"))

    told = calls.task_instances([("smoke", "g-1"), ("smoke", "g-2")], DEADLINE)

    names = [(task.task_id, task.map_index, task.state) for task in told["smoke", "g-1"]]
    assert names == [
        ("part", 0, "success"),
        ("part", 1, "success"),
        ("late", -1, "success"),
        ("never", -1, None),
    ]
    assert told["smoke", "g-2"] == ()


def test_a_server_that_knows_no_pages_gives_all_at_once():
    """As 2.4.3 does with task instances, whatever the limit."""
    tasks = [task_row(f"t{n:03}") for n in range(250)]

    def answer(request):
        if "taskInstances" in request.path:
            return 200, {"task_instances": tasks, "total_entries": 250}
        return 200, {"dag_runs": [run_row("g-1")], "total_entries": 1}

    calls, airflow = run_calls("2.4.3", answer)
    assert len(calls.task_instances([("smoke", "g-1")], DEADLINE)["smoke", "g-1"]) == 250
    assert len(airflow.asked) == 2


def test_a_list_that_cannot_be_read_is_asked_for_again_and_then_told():
    calls, airflow = run_calls("3.0.6", (503, "<html>"), paged([run_row("g-1")], 5))
    assert calls.find([("smoke", "g-1")], DEADLINE)
    calls, airflow = run_calls("3.0.6", (503, "<html>"))
    with pytest.raises(CallFailed) as caught:
        calls.find([("smoke", "g-1")], DEADLINE)
    assert (caught.value.status, len(airflow.asked)) == (503, 3)
