"""The calls for DAG runs held against the recorded answers of real servers, of every version that has them."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from scripted_airflow import AIRFLOW_2, AIRFLOW_3, DEADLINE, VERSIONS, recording, response, run_calls

from validator.airflow.runs import TaskInstance
from validator.errors import CallFailed
from validator.iso_time import parse_iso
from validator.reasons import Reason

LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)
FAILED_RUN = ("smoke_fail", "gate_fail")
WITH_ROLES = ("2.10.5", "3.0.6", "3.3.2")


def rows(version, name, key="dag_runs"):
    return recording(version, name)["response"][key]


@pytest.mark.parametrize("version", VERSIONS)
def test_runs_are_found_with_what_their_rows_tell(version):
    calls, airflow = run_calls(version, response(version, "dagruns_batch_states"))

    found = calls.find([FAILED_RUN], DEADLINE)

    (row,) = rows(version, "dagruns_batch_states")
    run = found[FAILED_RUN]
    assert (run.dag_id, run.run_id, run.state, run.run_type) == (*FAILED_RUN, "failed", "manual")
    assert run.made == parse_iso(row["queued_at" if version in AIRFLOW_3 else "logical_date"])
    assert (run.began, run.ended) == (parse_iso(row["start_date"]), parse_iso(row["end_date"]))
    assert run.made <= run.began <= run.ended
    (asked,) = airflow.asked
    assert (asked.method, asked.path) == ("POST", recording(version, "dagruns_batch")["path"][7:])
    assert asked.body == {
        "dag_ids": ["smoke_fail"],
        "order_by": "-id",
        "page_limit": 100,
        "page_offset": 0,
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_a_run_that_is_not_on_the_whole_list_is_not_found(version):
    calls, _ = run_calls(version, response(version, "dagruns_batch_unknown"))

    assert calls.find([("no_such", "gate")], DEADLINE) == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_run_of_another_dag_with_the_same_id_is_another_run(version):
    calls, _ = run_calls(version, response(version, "dagruns_batch_states"))

    assert calls.find([("smoke_ok", FAILED_RUN[1])], DEADLINE) == {}


@pytest.mark.parametrize("version", ["2.10.5", *AIRFLOW_3])
def test_the_runs_that_an_event_started_are_told_from_those_before_it(version):
    row = rows(version, "consumer_runs")[0]
    due = parse_iso(row["run_after" if version in AIRFLOW_3 else "logical_date"])
    calls, airflow = run_calls(version, (200, {"dag_runs": [row], "total_entries": 1}))

    (run,) = calls.of("consumer", due, DEADLINE)
    assert run.run_id == row["dag_run_id"]
    assert run.run_type in ("dataset_triggered", "asset_triggered")
    key = "run_after_gte" if version in AIRFLOW_3 else "execution_date_gte"
    assert parse_iso(airflow.asked[0].body[key]) == due
    assert calls.of("consumer", due.replace(year=2030), DEADLINE) == (), "also where the filter does nothing"


def test_before_events_there_were_no_runs_of_theirs():
    calls, _ = run_calls("2.4.3", response("2.4.3", "consumer_runs"))
    assert calls.of("consumer", LONG_AGO, DEADLINE) == ()


@pytest.mark.parametrize("version", ["2.10.5", *AIRFLOW_3])
def test_the_task_that_failed_is_told_with_its_state_and_try(version):
    calls, airflow = run_calls(version, response(version, "ti_batch"))

    told = calls.task_instances([FAILED_RUN], DEADLINE)

    (row,) = rows(version, "ti_batch", "task_instances")
    times = parse_iso(row["start_date"]), parse_iso(row["end_date"])
    assert told == {FAILED_RUN: (TaskInstance(*FAILED_RUN, "boom", "failed", 1, *times, -1),)}
    assert airflow.asked[0].path == recording(version, "ti_batch")["path"][7:]
    body = airflow.asked[0].body
    assert (body["dag_ids"], body["dag_run_ids"]) == (["smoke_fail"], ["gate_fail"])


def test_before_the_filter_by_run_task_instances_are_asked_for_by_date():
    runs, tasks = response("2.4.3", "dagruns_batch_states"), response("2.4.3", "ti_batch")
    calls, airflow = run_calls("2.4.3", lambda request: tasks if "task" in request.path else runs)

    told = calls.task_instances([FAILED_RUN, ("smoke_fail", "gone")], DEADLINE)

    assert [task.task_id for task in told[FAILED_RUN]] == ["boom"]
    assert told["smoke_fail", "gone"] == ()
    date = parse_iso(rows("2.4.3", "dagruns_batch_states")[0]["logical_date"])
    body = airflow.asked[-1].body
    assert "dag_run_ids" not in body, "a 400 there"
    assert {parse_iso(body["execution_date_gte"]), parse_iso(body["execution_date_lte"])} == {date}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_trigger_is_sent_as_its_version_takes_it(version):
    made = recording(version, "dagrun_post_runid")
    calls, airflow = run_calls(version, (made["status"], made["response"]))

    calls.trigger("smoke_ok", made["body"]["dag_run_id"], {"gate": True}, DEADLINE)

    (asked,) = airflow.asked
    assert (asked.method, asked.path, asked.body) == ("POST", made["path"][7:], made["body"])
    assert ("logical_date" in asked.body) == (version in AIRFLOW_3)
    calls.trigger("smoke_ok", made["body"]["dag_run_id"], None, DEADLINE)
    assert "conf" not in airflow.asked[1].body


REFUSALS = {
    "dagrun_post_conflict": Reason.BAD_RESPONSE,
    "dagrun_post_404": Reason.NOT_FOUND,
    "dagrun_post_stale_dag": Reason.NOT_FOUND,
    "dagrun_post_conf_bad": Reason.BAD_RESPONSE,
    "dagrun_post_badkey": Reason.BAD_RESPONSE,
    "role_viewer_trigger": Reason.ACCESS_DENIED,
    "role_public_trigger": Reason.ACCESS_DENIED,
}
HELD = [
    (version, name)
    for name in REFUSALS
    for version in VERSIONS
    if not (name == "role_public_trigger" and version != "2.10.5")
    and not (name == "role_viewer_trigger" and version == "2.4.3")
]


@pytest.mark.parametrize(("version", "name"), HELD)
def test_a_trigger_that_was_refused_says_so_with_airflows_status_and_is_not_repeated(version, name):
    status, body = response(version, name)
    calls, airflow = run_calls(version, (status, body))

    with pytest.raises(CallFailed) as caught:
        calls.trigger("smoke_ok", "gate", {}, DEADLINE)

    assert (caught.value.status, caught.value.reason) == (status, REFUSALS[name])
    assert len(airflow.asked) == 1


def test_a_trigger_that_ended_in_an_html_page_may_have_been_done_and_is_not_repeated():
    calls, airflow = run_calls("2.10.5", response("2.10.5", "dagrun_post_slash"))
    with pytest.raises(CallFailed, match="an HTML page") as caught:
        calls.trigger("smoke_ok", "gate", {}, DEADLINE)
    assert (caught.value.status, caught.value.reason, len(airflow.asked)) == (500, Reason.UNREACHABLE, 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_run_is_removed_at_the_path_that_real_servers_took(version):
    for name in ("dagrun_delete", "dagrun_delete_running"):
        told = recording(version, name)
        calls, airflow = run_calls(version, (told["status"], None))
        dag_id = "smoke_ok" if name == "dagrun_delete" else "smoke_paused"
        run_id = "gate__2026-01-01T00:00:00+00:00" if name == "dagrun_delete" else "gate_paused"
        assert calls.remove(dag_id, run_id, DEADLINE) is True
        assert (airflow.asked[0].method, airflow.asked[0].path) == ("DELETE", told["path"][7:])
    calls, _ = run_calls(version, response(version, "dagrun_delete_404"))
    assert calls.remove("smoke_ok", "gate", DEADLINE) is False


@pytest.mark.parametrize("version", WITH_ROLES)
@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("role_viewer_delete_run", lambda calls: calls.remove("smoke_paused", "gate", DEADLINE)),
        ("role_viewer_patch", lambda calls: calls.set_paused("smoke_paused", paused=True, deadline=DEADLINE)),
    ],
)
def test_a_role_that_may_not_is_told_as_that(version, name, call):
    calls, airflow = run_calls(version, response(version, name))
    with pytest.raises(CallFailed) as caught:
        call(calls)
    assert (caught.value.status, caught.value.reason, len(airflow.asked)) == (403, Reason.ACCESS_DENIED, 1)


def test_a_role_that_may_not_read_the_dag_learns_nothing_of_its_runs():
    calls, _ = run_calls("2.10.5", response("2.10.5", "role_restricted_dagruns_batch"))
    with pytest.raises(CallFailed) as caught:
        calls.find([("smoke_ok", "gate")], DEADLINE)
    assert caught.value.reason is Reason.ACCESS_DENIED


@pytest.mark.parametrize("version", VERSIONS)
def test_a_dag_is_paused_and_unpaused_as_real_servers_took_it(version):
    for name, paused in (("dag_patch_pause", True), ("dag_patch_unpause", False)):
        told = recording(version, name)
        calls, airflow = run_calls(version, (told["status"], told["response"]))
        calls.set_paused("smoke_paused", paused, DEADLINE)
        (asked,) = airflow.asked
        assert (asked.method, asked.path, asked.body) == ("PATCH", told["path"][7:], told["body"])
        with pytest.raises(CallFailed, match="does not say that it is so"):
            calls.set_paused("smoke_paused", not paused, DEADLINE)
        with pytest.raises(CallFailed, match="does not say that it is so"):
            calls.set_paused("smoke", paused, DEADLINE)


@pytest.mark.parametrize("version", VERSIONS)
def test_whether_a_dag_is_paused_is_read_off_its_own_row_of_the_list(version):
    row = {**recording(version, "dag_patch_pause")["response"]}
    listed = {"dags": [{**row, "dag_id": "xsmoke_paused", "is_paused": False}, row], "total_entries": 2}
    calls, airflow = run_calls(version, (200, listed))

    assert calls.is_paused("smoke_paused", DEADLINE) is True
    assert calls.is_paused("xsmoke_paused", DEADLINE) is False
    assert calls.is_paused("smoke", DEADLINE) is None
    assert airflow.asked[0].query["dag_id_pattern"] == "smoke_paused"
    active = "is_stale" if version in AIRFLOW_3 else "is_active"
    gone = {"dags": [{**row, active: version in AIRFLOW_3}], "total_entries": 1}
    assert run_calls(version, (200, gone))[0].is_paused("smoke_paused", DEADLINE) is None


def test_both_dialects_were_held():
    assert {*AIRFLOW_2, *AIRFLOW_3} == set(VERSIONS)
