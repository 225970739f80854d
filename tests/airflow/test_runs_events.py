"""Dataset and asset events: sent in the version's own words, and found again by exactly what they carry."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from scripted_airflow import AIRFLOW_3, DEADLINE, recording, response, run_calls

from validator.errors import CallFailed
from validator.iso_time import parse_iso
from validator.reasons import Reason

URI = "s3://bucket/key.csv"
NOW = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
STEP = timedelta(microseconds=1)
ASSET = {"id": 2, "uri": "s3://lake/orders"}


def uri_key(version):
    return "uri" if version in AIRFLOW_3 else "dataset_uri"


def event(event_id, version="3.0.6", **told):
    row = {
        "id": event_id,
        uri_key(version): URI,
        "extra": {"from_rest_api": True},
        "timestamp": NOW.isoformat(),
    }
    return {**row, **told}


def events(*rows, version="3.0.6", total=None):
    key = "asset_events" if version in AIRFLOW_3 else "dataset_events"
    return 200, {key: list(rows), "total_entries": len(rows) if total is None else total}


def test_a_dataset_event_is_sent_by_its_uri():
    told = recording("2.10.5", "datasets_events_post")
    calls, airflow = run_calls("2.10.5", (told["status"], told["response"]))

    assert calls.send_event(URI, {"gate": "1"}, DEADLINE) == parse_iso(told["response"]["timestamp"])

    (asked,) = airflow.asked
    assert (asked.method, asked.path, asked.body) == ("POST", told["path"][7:], told["body"])


@pytest.mark.parametrize("version", AIRFLOW_3)
def test_an_asset_event_is_sent_by_the_id_of_exactly_this_uri(version):
    told = recording(version, "assets_events_post")
    calls, airflow = run_calls(version, response(version, "assets_by_uri"), (200, told["response"]))

    assert calls.send_event(URI, {"gate": "1"}, DEADLINE) == parse_iso(told["response"]["timestamp"])

    look, send = airflow.asked
    assert (look.path, look.query["uri_pattern"]) == ("/assets", URI)
    assert (send.method, send.path, send.body) == ("POST", told["path"][7:], told["body"])


def test_an_asset_whose_uri_only_contains_this_one_is_another_asset():
    longer = {"id": 1, "uri": "s3://lake/orders-2"}
    listed = 200, {"assets": [longer, ASSET], "total_entries": 2}
    sent = 200, event(1, uri="s3://lake/orders")
    calls, airflow = run_calls("3.0.6", listed, sent)
    calls.send_event("s3://lake/orders", None, DEADLINE)
    assert airflow.asked[1].body == {"asset_id": 2, "extra": {}}, "without an extra 3.0.6 does not mark it"

    calls, airflow = run_calls("3.0.6", (200, {"assets": [longer], "total_entries": 1}))
    with pytest.raises(CallFailed, match=r"no active asset with the URI s3://lake/orders$") as caught:
        calls.send_event("s3://lake/orders", None, DEADLINE)
    assert (caught.value.reason, caught.value.retry, len(airflow.asked)) == (Reason.NOT_FOUND, False, 1)


@pytest.mark.parametrize(
    ("version", "name"), [("3.0.6", "assets_by_uri_none"), ("3.3.2", "assets_by_uri_none")]
)
def test_an_asset_that_nobody_names_is_not_found(version, name):
    calls, _ = run_calls(version, response(version, name))
    with pytest.raises(CallFailed) as caught:
        calls.send_event("s3://nope", None, DEADLINE)
    assert caught.value.reason is Reason.NOT_FOUND


def test_a_dataset_that_nobody_names_is_not_found():
    calls, _ = run_calls("2.10.5", response("2.10.5", "datasets_events_post_unknown"))
    with pytest.raises(CallFailed, match="s3://nope") as caught:
        calls.send_event("s3://nope", None, DEADLINE)
    assert (caught.value.reason, caught.value.status) == (Reason.NOT_FOUND, 404)


@pytest.mark.parametrize("listed", [{"assets": [], "total_entries": 1}, {"assets": [{}], "total_entries": 1}])
def test_assets_that_cannot_be_read_whole_prove_nothing(listed):
    calls, _ = run_calls("3.0.6", (200, listed))
    with pytest.raises(CallFailed) as caught:
        calls.send_event(URI, None, DEADLINE)
    assert caught.value.reason is Reason.BAD_RESPONSE


@pytest.mark.parametrize("version", ["2.4.3", "2.8.4"])
def test_before_2_9_it_is_said_and_nothing_is_asked(version):
    calls, airflow = run_calls(version, (405, {}))
    with pytest.raises(CallFailed) as caught:
        calls.send_event(URI, None, DEADLINE)
    said = f"Airflow {version} takes no events through its API: 2.9 and later do"
    assert (caught.value.message, caught.value.reason) == (said, Reason.NOT_FOUND)
    assert (caught.value.retry, airflow.asked) == (False, [])


def test_from_2_9_on_it_is_sent():
    calls, airflow = run_calls("2.9.2", response("2.10.5", "datasets_events_post"))
    assert calls.send_event(URI, {"gate": "1"}, DEADLINE)
    assert len(airflow.asked) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"timestamp": None},
        {"timestamp": "now"},
        {"id": "1"},
        {"dataset_uri": "s3://other"},
        {"dataset_uri": None},
        {"extra": []},
    ],
)
def test_an_answer_that_is_not_of_this_event_is_a_bad_response(wrong):
    calls, airflow = run_calls("2.10.5", (200, {**event(1, "2.10.5"), **wrong}))
    with pytest.raises(CallFailed) as caught:
        calls.send_event(URI, None, DEADLINE)
    assert (caught.value.reason, len(airflow.asked)) == (Reason.BAD_RESPONSE, 1)


@pytest.mark.parametrize(
    ("version", "name"),
    [("2.10.5", "datasets_events_list"), ("3.0.6", "assets_events_list"), ("3.3.2", "assets_events_list")],
)
def test_a_recorded_event_is_found_again_by_what_it_carries(version, name):
    told = recording(version, name)
    key = "asset_events" if version in AIRFLOW_3 else "dataset_events"
    stamp = parse_iso(told["response"][key][0]["timestamp"])
    calls, airflow = run_calls(version, (200, told["response"]))

    assert calls.event_since(URI, {"gate": "1"}, stamp, DEADLINE) == stamp
    assert calls.event_since(URI, {"gate": "1"}, stamp + STEP, DEADLINE) is None
    assert calls.event_since(URI, {"gate": "2"}, stamp, DEADLINE) is None
    assert calls.event_since(URI, None, stamp, DEADLINE) is None
    assert calls.event_since("s3://bucket", {"gate": "1"}, stamp, DEADLINE) is None

    asked = airflow.asked[0]
    assert (asked.path, asked.query["order_by"]) == (told["path"][7:], "-timestamp")
    assert ("timestamp_gte" in asked.query) == (version in AIRFLOW_3), "a 400 on Airflow 2"


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"token": "***", "files": ["a.csv", {"password": "***"}]}, True),
        ({"token": "***", "files": ["b.csv", {"password": "***"}]}, False),
        ({"token": "***", "files": ["a.csv"]}, False),
        ({"token": "***"}, False),
    ],
)
def test_what_airflow_3_masks_of_an_extra_may_be_anything(told, found):
    calls, _ = run_calls("3.0.6", events(event(1, extra={**told, "from_rest_api": True})))
    sent = {"token": "hush", "files": ["a.csv", {"password": "hush"}]}

    assert calls.event_since(URI, sent, NOW, DEADLINE) == (NOW if found else None)


def test_years_of_events_are_read_only_back_to_the_time_asked_for():
    old = event(1, "2.10.5", timestamp=(NOW - STEP).isoformat())
    calls, airflow = run_calls("2.10.5", events(event(2, "2.10.5"), old, version="2.10.5", total=90_000))
    assert calls.event_since(URI, {"x": 1}, NOW, DEADLINE) is None
    assert calls.event_since(URI, {}, NOW, DEADLINE) == NOW
    assert len(airflow.asked) == 2


def test_more_events_than_can_be_read_are_no_proof():
    def page(request):
        offset = request.query["offset"]
        return events(*[event(offset + n, extra={"n": offset + n}) for n in range(100)], total=5000)

    calls, airflow = run_calls("3.0.6", page)
    with pytest.raises(CallFailed, match="did not settle it"):
        calls.event_since(URI, {"x": 1}, NOW, DEADLINE)
    assert len(airflow.asked) == 10
    assert calls.event_since(URI, {"n": 205}, NOW, DEADLINE) == NOW


def test_what_an_event_carries_is_never_told():
    calls, _ = run_calls("2.10.5", (200, event(1, "2.10.5", extra="hunter2")))
    with pytest.raises(CallFailed) as caught:
        calls.send_event(URI, {"password": "hunter2"}, DEADLINE)
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize(("version", "named"), [("2.10.5", "dag_run_id"), ("3.0.6", "run_id")])
def test_the_runs_that_an_event_helped_to_start_are_those_of_this_event_only(version, named):
    def started(run_id):
        return [{"dag_id": "consumer", named: run_id}]

    rows = (
        event(4, version, created_dagruns=started("later"), timestamp=(NOW + STEP).isoformat()),
        event(3, version, created_dagruns=started("mine")),
        event(2, version, created_dagruns=started("other"), **{uri_key(version): "s3://other"}),
        event(1, version, created_dagruns=started("older"), timestamp=(NOW - STEP).isoformat()),
    )
    calls, _ = run_calls(version, events(*rows, version=version))

    assert calls.started_by(URI, NOW, DEADLINE) == {("consumer", "mine")}


def test_a_recorded_event_names_the_run_that_it_started():
    told = recording("2.10.5", "datasets_events_list")["response"]
    stamp = parse_iso(told["dataset_events"][0]["timestamp"])
    calls, _ = run_calls("2.10.5", (200, told))

    run_id = "dataset_triggered__2026-11-22T02:15:33.098881+00:00"
    assert calls.started_by(URI, stamp, DEADLINE) == {("consumer", run_id)}


@pytest.mark.parametrize("runs", [None, {}, [1], [{}], [{"dag_id": "consumer", "run_id": None}]])
def test_an_event_whose_runs_cannot_be_read_is_no_event_without_any(runs):
    calls, _ = run_calls("3.0.6", events(event(1, created_dagruns=runs)))
    with pytest.raises(CallFailed) as caught:
        calls.started_by(URI, NOW, DEADLINE)
    assert caught.value.reason is Reason.BAD_RESPONSE
