"""Every line of what Airflow shows, of times and of pace, in each of its statuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validator.airflow.models import (
    Component,
    Dag,
    DagFile,
    DagImportError,
    Observation,
    Unread,
    Version,
    Walk,
)
from validator.doctor.facts import AirflowFacts, Call, Failure, Probe, Tick, Wants
from validator.doctor.judge_airflow import judge_airflow
from validator.doctor.judge_time import judge_clock, judge_time
from validator.doctor.judge_url import judge_version
from validator.doctor.model import AIRFLOW, GROUPS, READS, TIME, Status
from validator.reasons import Reason
from validator.rules import Rules
from validator.transport.interface import EnvironmentFacts

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
V2, V3 = Version("2.10.5", 2, 10), Version("3.0.6", 3, 0)
REFUSED = Unread(Reason.ACCESS_DENIED, "Airflow refused: 403", status=403)
LOST = Unread(Reason.UNREACHABLE, "it did not answer")
DOWN = Failure(Reason.UNREACHABLE, "it did not answer")
YES, NO, UNKNOWN = (
    Probe(allowed=True),
    Probe(allowed=False, seen="403"),
    Probe(None, "503", "Look at its log."),
)
VIEWER = {
    **dict.fromkeys(("reads-tasks", "reads-sources", "reads-pools", "reads-warnings"), YES),
    **dict.fromkeys(("reads-variables", "reads-connections"), NO),
}
OP = dict.fromkeys(VIEWER, YES)
CUSTOM = "a custom role"


def dag(dag_id, age=20.0, **more):
    parsed = NOW - timedelta(seconds=age)
    file = DagFile(f"/dags/{dag_id}.py", None, None)
    return Dag(
        dag_id,
        **{"active": True, "paused": False, "has_import_errors": False, "last_parsed": parsed, **more},
        file=file,
    )


def component(name, status="healthy", age=3.0):
    return Component(name, status, None if age is None else NOW - timedelta(seconds=age))


def healthy(**instead):
    names = ("scheduler", "dag_processor", "triggerer")
    every = {"metadatabase": component("metadatabase", age=None), **{name: component(name) for name in names}}
    return {**every, **instead}


SEEN = Observation(
    NOW,
    NOW,
    V3,
    dags=Walk((dag("etl"), dag("report")), whole=True, total=2),
    import_errors=Walk(whole=True),
    reads_all=True,
    environment=EnvironmentFacts("AVAILABLE", "3.0.6"),
)
PACED = (Call("/monitor/health", 0.2, answered=True),) * 5


def facts(*, seen=SEEN, probes=VIEWER, samples=None, version=V3, **more):
    samples = (healthy(),) if samples is None else samples
    usual = {"sampled": PACED, "all_calls": PACED, "round_calls": 3, "round_seconds": 0.5, "health_at": NOW}
    return AirflowFacts(version, seen, probes, samples, **{**usual, **more})


def told(wants=None, rules=None, **more):
    given_facts = facts(**more)
    lines = [*judge_airflow(given_facts, wants or Wants()), *judge_time(given_facts, rules or Rules(), 5.0)]
    assert sorted(line.id for line in lines) == sorted((*GROUPS[READS], *GROUPS[AIRFLOW], *GROUPS[TIME]))
    for line in lines:
        assert bool(line.advice) == (line.status in (Status.WARNING, Status.PROBLEM)), line
    return {line.id: line for line in lines}


def changed(**seen):
    return {"seen": replace(SEEN, **seen)}


def test_all_is_ok_for_a_viewer_of_a_healthy_airflow():
    assert {line.status for line in told().values()} == {Status.OK}


@pytest.mark.parametrize(
    ("more", "role"),
    [
        ({}, "Viewer or User"),
        ({"probes": OP}, "Op or Admin"),
        ({"probes": {**OP, "reads-variables": NO}}, CUSTOM),
        ({"probes": {**VIEWER, "reads-pools": NO}}, CUSTOM),
        (changed(reads_all=False), CUSTOM),
        (changed(import_errors=Walk(unread=REFUSED)), CUSTOM),
        (
            changed(dags=Walk(unread=REFUSED)) | {"probes": {}},
            "Public, or a custom role that may read no DAGs",
        ),
        ({"probes": {**VIEWER, "reads-sources": Probe(None, "too long", limit=True)}}, "Viewer or User"),
        ({"probes": {**VIEWER, "reads-variables": UNKNOWN}}, "Viewer or User"),
    ],
)
def test_the_roles_that_read_what_this_one_does(more, role):
    line = told(**more)["role"]
    if more.get("probes", {}).get("reads-variables") is UNKNOWN:
        assert line.status is Status.WARNING
        assert "cannot be told" in line.message
    else:
        assert line.details["role"] == role


ALLOWED = st.sampled_from([YES, NO, UNKNOWN, Probe(None, "too long", limit=True)])


@given(
    st.fixed_dictionaries(dict.fromkeys(VIEWER, ALLOWED)),
    st.sampled_from([True, False, LOST]),
    st.sampled_from([Walk(whole=True), Walk(unread=REFUSED), Walk(unread=LOST)]),
    st.sampled_from([SEEN.dags, Walk(unread=REFUSED), Walk(unread=LOST)]),
)
def test_a_role_that_reads_all_is_never_told_of_one_that_was_not_seen_to(probes, reads_all, errors, dags):
    lines = told(probes=probes, **changed(reads_all=reads_all, import_errors=errors, dags=dags))
    if lines["role"].details.get("role") in ("Viewer or User", "Op or Admin"):
        assert reads_all is True
        assert dags.unread is None
        assert NO not in [
            probes[each] for each in ("reads-tasks", "reads-sources", "reads-pools", "reads-warnings")
        ]
    for each, probe in probes.items():
        if lines[each].message == "Allowed.":
            assert probe.allowed


@pytest.mark.parametrize(
    ("id_", "more", "status"),
    [
        ("role", changed(dags=Walk(unread=LOST)), Status.SKIPPED),
        ("role", changed(dags=Walk(unread=REFUSED)), Status.PROBLEM),
        ("role", changed(reads_all=LOST), Status.WARNING),
        ("role", {"seen": DOWN}, Status.SKIPPED),
        ("reads-health", {"samples": (DOWN,)}, Status.PROBLEM),
        ("reads-health", {"samples": (healthy(), DOWN)}, Status.WARNING),
        ("reads-health", {"samples": ()}, Status.SKIPPED),
        ("reads-dags", changed(dags=Walk(unread=LOST)), Status.PROBLEM),
        ("reads-dags", changed(reads_all=False), Status.WARNING),
        (
            "reads-dags",
            changed(reads_all=False) | {"wants": Wants(frozenset({"reads-dags"}))},
            Status.PROBLEM,
        ),
        ("reads-dags", changed(reads_all=LOST), Status.WARNING),
        ("reads-dags", changed(dags=Walk(SEEN.dags.rows, whole=False, total=3)), Status.OK),
        ("reads-dags", {"seen": DOWN}, Status.PROBLEM),
        ("reads-import-errors", changed(import_errors=Walk(unread=REFUSED)), Status.PROBLEM),
        ("reads-import-errors", changed(reads_all=False), Status.WARNING),
        ("reads-import-errors", changed(reads_all=LOST), Status.WARNING),
        ("reads-tasks", {"probes": {**VIEWER, "reads-tasks": NO}}, Status.WARNING),
        ("reads-tasks", {"probes": {**VIEWER, "reads-tasks": UNKNOWN}}, Status.WARNING),
        ("reads-tasks", {"probes": {}}, Status.SKIPPED),
        (
            "reads-pools",
            {"probes": {**VIEWER, "reads-pools": UNKNOWN}, "wants": Wants(frozenset({"reads-pools"}))},
            Status.PROBLEM,
        ),
        (
            "reads-sources",
            {"probes": {**VIEWER, "reads-sources": Probe(None, "too long", limit=True)}},
            Status.OK,
        ),
        ("reads-variables", {}, Status.OK),
        ("reads-variables", {"wants": Wants(frozenset({"reads-variables"}))}, Status.PROBLEM),
        ("reads-connections", {"wants": Wants(frozenset({"reads-connections"}))}, Status.PROBLEM),
        ("import-errors", changed(import_errors=Walk(unread=LOST)), Status.SKIPPED),
        ("health", {"samples": (DOWN,)}, Status.SKIPPED),
    ],
)
def test_a_line_of_what_may_be_read(id_, more, status):
    assert told(**more)[id_].status is status


@pytest.mark.parametrize("more", [{"seen": DOWN}, changed(dags=Walk(unread=LOST))])
def test_a_list_that_does_not_come_is_not_blamed_on_the_way_there(more):
    advice = told(**more)["reads-dags"].advice
    assert "answered another call" in advice
    assert "spelling" not in advice


@pytest.mark.parametrize(
    ("assumed", "status"),
    [(None, Status.OK), (V3, Status.OK), (Version("3.1.0", 3, 1), Status.WARNING), (V2, Status.PROBLEM)],
)
def test_two_versions_of_one_airflow_are_told(assumed, status):
    line = judge_version(V3, assumed)
    assert line.status is status
    assert (assumed is not None and assumed.text in line.message) == (
        status is not Status.OK or assumed is V3
    )


def test_import_errors_are_not_called_hidden_where_nobody_knows():
    assert "hidden" not in told(**changed(reads_all=LOST))["reads-import-errors"].message


@pytest.mark.parametrize(
    ("samples", "version", "status"),
    [
        ((healthy(),), V3, Status.OK),
        ((healthy(dag_processor=component("dag_processor", "unhealthy")), healthy()), V3, Status.OK),
        ((healthy(dag_processor=component("dag_processor", "unhealthy")),), V3, Status.WARNING),
        ((healthy(dag_processor=component("dag_processor", None, None)),), V3, Status.PROBLEM),
        ((healthy(dag_processor=component("dag_processor", None, None)),), V2, Status.OK),
        ((healthy(triggerer=component("triggerer", None, None)),), V3, Status.OK),
        ((healthy(triggerer=component("triggerer", "unhealthy", 600)),), V3, Status.PROBLEM),
        ((healthy(scheduler=component("scheduler", "unhealthy", 90)),), V2, Status.PROBLEM),
        ((healthy(scheduler=component("scheduler", "healthy", 61)),), V2, Status.PROBLEM),
        ((healthy(scheduler=component("scheduler", "healthy", -30)),), V2, Status.PROBLEM),
        ((healthy(metadatabase=component("metadatabase", "unhealthy", None)),), V2, Status.PROBLEM),
        (({"scheduler": component("scheduler")},), V2, Status.PROBLEM),
    ],
)
def test_health(samples, version, status):
    assert told(samples=samples, version=version)["health"].status is status


def test_a_component_that_the_manifest_ignores_is_a_warning_and_one_that_must_run_is_not():
    dead = healthy(triggerer=component("triggerer", "unhealthy", 600))
    assert told(samples=(dead,), wants=Wants(ignored=("triggerer",)))["health"].status is Status.WARNING
    dead = healthy(scheduler=component("scheduler", "unhealthy", 600))
    assert told(samples=(dead,), wants=Wants(ignored=("scheduler",)))["health"].status is Status.PROBLEM


def test_import_errors_are_counted_and_the_first_files_named():
    errors = tuple(DagImportError(n, DagFile(None, f"f{n}.py", None), NOW, "") for n in range(7))
    line = told(**changed(import_errors=Walk(errors, whole=True, total=7)))["import-errors"]
    assert line.status is Status.WARNING
    assert line.message == "7 files have an import error: f0.py, f1.py, f2.py, f3.py, f4.py …."


def options(**set_):
    return changed(environment=EnvironmentFacts("AVAILABLE", "3.0.6", options=set_))


@pytest.mark.parametrize(
    ("more", "status", "said", "seconds"),
    [
        ({}, Status.OK, "the environment sets no dag_processor.refresh_interval", 300),
        (changed(environment=None), Status.OK, "nobody tells what is set", 300),
        (changed(environment=REFUSED), Status.OK, "nobody tells what is set", 300),
        (options(**{"dag_processor.refresh_interval": "60"}), Status.OK, "as the environment sets", 60),
        (options(**{"dag_processor.refresh_interval": " 60.0 "}), Status.OK, "as the environment sets", 60),
        (options(**{"dag_processor.refresh_interval": "often"}), Status.WARNING, "'often'", 300),
        (options(**{"dag_processor.refresh_interval": "-1"}), Status.WARNING, "'-1'", 300),
    ],
)
def test_the_scan_interval_says_where_it_comes_from(more, status, said, seconds):
    line = told(**more)["scan-interval"]
    assert line.status is status
    assert said in line.message
    assert line.details["scan_interval_s"] == seconds


def test_the_oldest_parse_is_named_and_one_that_is_stuck_is_a_warning():
    rows = (dag("etl", 5), dag("old", 3600), dag("broken", 9000, has_import_errors=True))
    line = told(**changed(dags=Walk(rows, whole=True, total=3)))["parse-cycle"]
    assert line.status is Status.WARNING
    assert line.details == {"oldest_parse_s": 3600.0, "dag_id": "old", "parse_cycle_s": 1800.0}
    assert told(**changed(dags=Walk(whole=True)))["parse-cycle"].status is Status.OK


def test_the_timeout_follows_from_the_intervals():
    line = told()["timeout"]
    assert line.details == {"timeout_s": 615.0, "span_s": 410.0, "auto": True}
    assert told(rules=Rules(timeout=409.0))["timeout"].status is Status.WARNING
    assert told(rules=Rules(timeout=411.0))["timeout"].status is Status.OK


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, Status.OK),
        ({"all_calls": (*PACED, Call("/dags", 0.1, answered=False, throttled=True))}, Status.WARNING),
        ({"sampled": (Call("/monitor/health", 9.0, answered=True),)}, Status.WARNING),
        ({"sampled": (Call("/monitor/health", 9.0, answered=False),)}, Status.SKIPPED),
    ],
)
def test_the_pace(more, status):
    assert told(**more)["pace"].status is status


def test_a_round_that_takes_longer_than_the_interval_is_a_warning():
    assert told(round_calls=50)["round"].status is Status.OK
    assert told(round_calls=51)["round"].status is Status.WARNING
    assert told(round_seconds=11.0)["round"].status is Status.WARNING


def tick(ahead, travel=0.0):
    """A Date that was cut off to the second, in the middle of its travel."""
    sent = NOW - timedelta(seconds=travel / 2)
    return Tick(NOW + timedelta(seconds=ahead - 0.5), sent, sent + timedelta(seconds=travel))


@pytest.mark.parametrize(
    ("ahead", "travel", "signed", "status"),
    [
        (0, 0, True, Status.OK),
        (60, 0, True, Status.OK),
        (62, 0, True, Status.WARNING),
        (-62, 0, True, Status.WARNING),
        (240, 0, True, Status.WARNING),
        (242, 0, True, Status.PROBLEM),
        (-242, 0, True, Status.PROBLEM),
        (242, 0, False, Status.WARNING),
        (64, 10, True, Status.OK),
        (67, 10, True, Status.WARNING),
    ],
)
def test_clocks_may_differ_by_a_minute_and_half_of_the_travel_is_no_difference(ahead, travel, signed, status):
    line = judge_clock(tick(ahead, travel), None, signed=signed)
    assert line.status is status
    assert line.details["skew_s"] == ahead
    assert ("behind the server's" in line.message) == (ahead > 0)


def test_answers_without_a_date_are_a_problem_and_no_answers_are_none():
    assert judge_clock(None, None, signed=True).status is Status.PROBLEM
    assert judge_clock(None, "caller", signed=True).status is Status.SKIPPED
