"""What a manifest demands of DAGs and their surroundings beyond presence, on a real Airflow."""

from __future__ import annotations

import json
import time

import pytest
from gate import Sandbox

pytestmark = pytest.mark.airflow

QUIET = 31
"""Seconds after which the next change of a DAG is serialized at once, and the one after it held back."""
SECRET = "s3cr3t-do-not-show"
NO_POOL = "a_pool_that_nobody_made"
SCHEDULES = {
    "daily": ('"@daily"', ("@daily", "0 0 * * *"), "@hourly"),
    "weekly": ('"@weekly"', ("@weekly", "0 0 * * 0"), "0 0 * * 1"),
    "cron": ('"0  3 * * MON"', ("0 3 * * mon", "0 3 * * MON"), "0 3 * * TUE"),
    "hours": ("timedelta(hours=6)", ("6h", "6:00:00"), "6h1s"),
    "days": ("timedelta(days=1, hours=2)", ("26h", "1 day, 2:00:00"), "1d"),
    "months": ("relativedelta(months=1)", ("relativedelta(months=+1)",), "relativedelta(months=+2)"),
    "thirty_hours": ("relativedelta(hours=30)", ("relativedelta(days=+1, hours=+6)",), "30h"),
    "once": ('"@once"', ("@once",), "none"),
    "continuous": ('"@continuous", max_active_runs=1', ("@continuous",), "@once"),
    "assets": ('[Asset("s3://bucket/a"), Asset("s3://bucket/b")]', ("Asset", "Dataset"), "none"),
    "assets_or_time": ("ASSETS_OR_TIME", ("Asset or 0 3 * * *", "Dataset or 0 3 * * *"), "Asset"),
    "nothing": ("None", ("none", None), "@daily"),
    "cron_timetable": ('CronTriggerTimetable("0 3 * * *", timezone="UTC")', ("0 3 * * *",), "0 4 * * *"),
    "delta_timetable": ("DeltaDataIntervalTimetable(timedelta(hours=6))", ("6h",), "7h"),
    "events": ("EventsTimetable([pendulum.datetime(2030, 1, 1)])", ("1 events",), "2 events"),
}
"""By a word: the DAG's schedule, how a manifest may write it, and what it is not."""
TIMETABLES = """
from datetime import datetime, timedelta
import pendulum
from dateutil.relativedelta import relativedelta
from airflow.timetables.events import EventsTimetable
from airflow.timetables.interval import DeltaDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable
"""
ASSETS = """
from airflow.sdk import Asset
from airflow.timetables.assets import AssetOrTimeSchedule
ASSETS_OR_TIME = AssetOrTimeSchedule(
    timetable=CronTriggerTimetable("0 3 * * *", timezone="UTC"), assets=[Asset("s3://bucket/a")]
)
"""
DATASETS = """
from airflow.datasets import Dataset as Asset
from airflow.timetables.datasets import DatasetOrTimeSchedule
ASSETS_OR_TIME = DatasetOrTimeSchedule(
    timetable=CronTriggerTimetable("0 3 * * *", timezone="UTC"), datasets=[Asset("s3://bucket/a")]
)
"""
RIGHT = {
    "owners": {"owners": ["bob", "alice"]},
    "owners_in_one": {"owners": ["c", "b", "a"]},
    "marked": {"tags": ["z", "release:1"], "max_active_runs": 3, "description": "Loads the warehouse"},
    "plain": {"owners": ["airflow"], "max_active_runs": 16, "description": None},
}
WRONG = {
    "owners": {"owners": ["alice"]},
    "owners_in_one": {"owners": ["a", "b", "c", "d"]},
    "marked": {"tags": ["a", "release:2"], "max_active_runs": 4, "description": "loads the warehouse"},
    "plain": {"owners": ["bob"], "max_active_runs": 1, "description": "Loads the warehouse"},
}
"""Of DAGS, by a word."""
DAGS = """
with DAG("{name}_owners", schedule=None):
    EmptyOperator(task_id="a", owner="alice")
    EmptyOperator(task_id="b", owner="bob")
    EmptyOperator(task_id="c", owner="alice")
with DAG("{name}_owners_in_one", schedule=None):
    EmptyOperator(task_id="a", owner="a,b")
    EmptyOperator(task_id="b", owner="c")
with DAG("{name}_marked", schedule=None, tags=["z", "a", "release:1"], max_active_runs=3,
         description="Loads the warehouse"):
    EmptyOperator(task_id="a")
with DAG("{name}_plain", schedule=None):
    EmptyOperator(task_id="a")
"""


def test_schedules(stage):
    stage.put("dags.py", _every_schedule(stage))
    stage.wait_for(*SCHEDULES)
    right = [
        stage.start(
            _demands(stage, {word: {"schedule": way[which]} for word, (_, way, _) in SCHEDULES.items()})
        )
        for which in (0, -1)
    ]
    mistakes = {word: {"schedule": other} for word, (*_, other) in SCHEDULES.items()}
    wrong = stage.start(_demands(stage, mistakes))

    for gate in right:
        ended = gate.finish()
        assert ended.reasons("failed") == set()
        assert ended.exit_code == 0
    _is_mismatched(wrong.finish(), {f"dags/{stage.id(word)}/schedule" for word in SCHEDULES})


def test_attributes(stage):
    stage.put("dags.py", stage.imports + DAGS.format(name=stage.name))
    stage.wait_for(*RIGHT)
    right, wrong = stage.start(_demands(stage, RIGHT)), stage.start(_demands(stage, WRONG))

    ended = right.finish()
    assert ended.reasons("failed") == set()
    assert ended.exit_code == 0
    expected = {f"dags/{stage.id(word)}/{key}" for word, demands in WRONG.items() for key in demands}
    _is_mismatched(wrong.finish(), expected)


def test_release_marker(stage):
    stage.put("dag.py", stage.dag("dag", options='tags=["team", "release:old"]'))
    stage.wait_for("dag")
    manifest = _demands(stage, {"dag": {"tags": ["release:${SHA}"]}})
    never = stage.start(manifest, variables={"SHA": "never"})
    new = stage.start(manifest, "--sync", "16s", variables={"SHA": "new"})
    stage.sleep(6)
    assert new.is_running()
    edited = stage.put("dag.py", stage.dag("dag", options='tags=["team", "release:new"]'))

    ended = new.finish()
    assert ended.exit_code == 0
    assert ended.one(id=f"dags/{stage.id('dag')}/tags")["details"]["seen"] == ["release:new", "team"]
    assert stage.airflow.last_parsed(stage.id("dag")) > edited
    _is_mismatched(never.finish(), {f"dags/{stage.id('dag')}/tags"})


@pytest.mark.early
def test_tasks(stage):
    """The second edit is held back, and a web server keeps a copy of the old DAG: neither may be judged."""
    stage.put("dag.py", _with_tasks(stage, "a"))
    stage.wait_until(lambda: '"a"' in stage.airflow.serialized(stage.id("dag")), "serialized form")
    serialized = time.time()
    ended = stage.check(_demands(stage, {"dag": {"tasks": ["a"]}}))
    assert ended.exit_code == 0
    assert ended.one(id=f"dags/{stage.id('dag')}/tasks", status="passed")
    stage.sleep(serialized + QUIET - time.time())

    first = stage.put("dag.py", _with_tasks(stage, "a", "b"))
    usual = ("--sync", "12s", "--settle", "", "--timeout", "180s")
    of_before = stage.start(_demands(stage, {"dag": {"tasks": ["a"]}}), *usual)
    of_first = stage.start(_demands(stage, {"dag": {"tasks": ["b", "a"]}}), *usual)
    of_second = stage.start(_demands(stage, {"dag": {"tasks": ["c", "a", "b"]}}), *usual)
    stage.sleep(first + 10 - time.time())
    second, shown = stage.put("dag.py", _with_tasks(stage, "a", "b", "c")), 0.0
    while of_second.is_running():
        tasks = stage.airflow.call("GET", f"/dags/{stage.id('dag')}/tasks")["tasks"]  # the copy stays in use
        if not shown and len(tasks) == len("abc"):
            shown = time.time() - second
        stage.sleep(0.5)
    stage.note(f"after the second edit: shown by /tasks {shown:.1f} s, green {time.time() - second:.1f} s")

    ended = of_second.finish()
    assert ended.exit_code == 0
    assert ended.one(id=f"dags/{stage.id('dag')}/tasks")["details"]["seen"] == ["a", "b", "c"]
    for gate, too_many in ((of_before, ["b", "c"]), (of_first, ["c"])):
        ended = gate.finish()
        assert ended.exit_code == 1
        assert ended.reasons("failed") == {"dag-tasks-mismatch"}
        red = ended.one(reason="dag-tasks-mismatch")
        assert (red["details"]["missing"], red["details"]["unexpected"]) == ([], too_many)
        assert "'c'" in red["message"]


@pytest.mark.early
def test_inventory(stage):
    """One DAG too many; one whose file was just deleted, and one renamed away, which both take their time to go."""
    for word in ("mine", "stranger", "deleted", "renamed"):
        stage.put(f"{word}.py", stage.dag(word))
    stage.wait_for("mine", "stranger", "deleted", "renamed")
    stage.remove("deleted.py")
    stage.put("renamed.py", stage.dag("new"))
    rule = f"allow: {stage.allow_others_dags()}"
    mine, all_three = ["mine", "new"], ["mine", "new", "stranger"]
    fails = stage.start(f"{_ids(stage, mine)}\ninventory: {{unexpected: fail, {rule}}}", "--timeout", "240s")
    warns = stage.start(f"{_ids(stage, mine)}\ninventory: {{unexpected: warn, {rule}}}")
    waits = stage.start(
        f"{_ids(stage, all_three)}\ninventory: {{unexpected: fail, {rule}}}", "--timeout", "300s"
    )

    ended = warns.finish()
    assert ended.exit_code == 0
    assert stage.id("stranger") in {one["subject"] for one in ended.checks(reason="unexpected-dag")}
    ended = fails.finish()
    assert ended.exit_code == 1
    assert [red["subject"] for red in ended.checks(status="failed")] == [stage.id("stranger")]
    assert ended.one(status="failed")["reason"] == "unexpected-dag"
    ended = waits.finish()
    assert ended.exit_code == 0
    assert ended.checks(area="inventory", status="passed")
    stage.note(f"the deleted and the renamed DAG were gone after {ended.seconds:.1f} s")


def test_pool_that_does_not_exist(stage):
    """Airflow 3 warns of nothing, so that there the pools of the tasks are compared, where tasks are demanded."""
    stage.put("dag.py", stage.dag("dag", task=f'"task", pool="{NO_POOL}"'))
    stage.wait_for("dag")
    manifest = _demands(stage, {"dag": {"tasks": ["task"]}})
    warns = stage.start(manifest)
    fails = stage.start(f"{manifest}\nwarnings: fail")
    ignores = stage.start(f"{manifest}\nwarnings: ignore")
    bare = stage.start(f"{_ids(stage, ['dag'])}\nwarnings: fail")

    ended = warns.finish()
    assert ended.exit_code == 0
    assert NO_POOL in ended.one(status="warning", reason="dag-warning", subject=stage.id("dag"))["message"]
    _is_warned_of(fails.finish(), stage)
    ended = ignores.finish()
    assert ended.exit_code == 0
    assert ended.checks(area="warnings") == []
    if stage.airflow.is_3:  # nothing tells it there
        assert bare.finish().exit_code == 0
    else:
        _is_warned_of(bare.finish(), stage)


def test_resources(stage):
    """Nothing but their names, a connection's type and a pool's slots is ever shown."""
    variable, connection, pool = (stage.id(kind) for kind in ("variable", "connection", "pool"))
    stage.airflow.call("POST", "/variables", {"key": variable, "value": SECRET, "description": SECRET})
    secrets = dict.fromkeys(("host", "login", "password", "schema", "description"), SECRET)
    extra = json.dumps({"endpoint": SECRET, "token": SECRET})
    stage.airflow.call(
        "POST",
        "/connections",
        {"connection_id": connection, "conn_type": "postgres", **secrets, "extra": extra},
    )
    stage.airflow.call("POST", "/pools", {"name": pool, "slots": 4, "include_deferred": False})
    there = stage.start(
        f"variables: [{variable}]\n"
        f"connections: [{{conn_id: {connection}, conn_type: postgres}}]\n"
        f"pools: [default_pool, {{name: {pool}, min_slots: 4}}]",
        variables={"MWAA_GATE_VERBOSE": "1"},
    )
    lacking = stage.start(
        f"variables: [{variable}, {variable}_2]\n"
        f"connections: [{connection}, {connection}_2]\n"
        f"pools: [{pool}, {pool}_2]",
        *("--grace", "5s"),
    )
    other = stage.start(
        f"connections: [{{conn_id: {connection}, conn_type: mysql}}]\npools: [{{name: {pool}, min_slots: 5}}]",
        *("--grace", "5s"),
    )

    ended = there.finish()
    assert ended.exit_code == 0
    passed = {check["id"] for check in ended.checks(status="passed")}
    assert {f"variables/{variable}", f"connections/{connection}", f"pools/{pool}"} <= passed
    assert variable in ended.stdout
    _keeps_the_secret(ended)
    ended = lacking.finish()
    assert ended.exit_code == 1
    reds = {check["id"]: check["reason"] for check in ended.checks(status="failed")}
    assert reds == {
        f"variables/{variable}_2": "variable-missing",
        f"connections/{connection}_2": "connection-missing",
        f"pools/{pool}_2": "pool-missing",
    }
    _keeps_the_secret(ended)
    ended = other.finish()
    assert ended.exit_code == 1
    assert {check["id"] for check in ended.checks(status="failed")} == {
        f"connections/{connection}",
        f"pools/{pool}",
    }
    _keeps_the_secret(ended)


def test_viewer(stage):
    """A Viewer's word is enough for DAGs and pools, and says nothing of variables and connections."""
    stage.put("dag.py", stage.dag("dag"))
    stage.wait_for("dag")
    credentials = stage.airflow.viewer_credentials()
    sandbox = Sandbox(stage.airflow, stage.folder / "viewer", stage.children, credentials)
    demands = f"{_demands(stage, {'dag': {'tasks': ['task']}})}\npools: [default_pool]\nwarnings: fail"
    allowed = stage.start(demands, endpoint=sandbox.url)
    denied = stage.start(f"{demands}\nvariables: [a]\nconnections: [b]", endpoint=sandbox.url)

    ended = allowed.finish()
    assert ended.exit_code == 0
    assert not any("may not read every DAG" in text for text in ended.report["assumptions"])
    ended = denied.finish()
    assert ended.exit_code == 3
    assert {(one["area"], one["reason"]) for one in ended.checks(status="error") if one["area"] != "health"} == {
        ("variables", "access-denied"),
        ("connections", "access-denied"),
    }  # fmt: skip
    assert "/Op" in ended.stdout
    assert ended.seconds < 140, "it waited for its deadline"


def _every_schedule(stage):
    source = [stage.imports, TIMETABLES, ASSETS if stage.airflow.is_3 else DATASETS]
    for word, (schedule, *_) in SCHEDULES.items():
        source.append(f'with DAG("{stage.id(word)}", schedule={schedule}, start_date=datetime(2024, 1, 1)):')
        source.append('    EmptyOperator(task_id="task")')
    return "\n".join(source) + "\n"


def _with_tasks(stage, first, *others):
    return stage.dag("dag", task=f'"{first}"') + "".join(
        f'    EmptyOperator(task_id="{name}")\n' for name in others
    )


def _demands(stage, by_word):
    """A manifest's `dags`, with all that is demanded of each. JSON is YAML."""
    return "dags: " + json.dumps([{"dag_id": stage.id(word), **demands} for word, demands in by_word.items()])


def _ids(stage, words):
    return "dags: " + json.dumps([stage.id(word) for word in words])


def _is_mismatched(ended, ids):
    assert ended.exit_code == 1
    assert ended.reasons("failed") == {"dag-attribute-mismatch"}
    assert {red["id"] for red in ended.checks(reason="dag-attribute-mismatch", status="failed")} == ids
    assert ended.seconds < 140, "it waited for its deadline"


def _is_warned_of(ended, stage):
    assert ended.exit_code == 1
    assert ended.reasons("failed") == {"dag-warning"}
    assert NO_POOL in ended.one(status="failed", subject=stage.id("dag"))["message"]


def _keeps_the_secret(ended):
    for told in (ended.stdout, ended.stderr, ended.junit, json.dumps(ended.report)):
        assert told
        assert SECRET not in told
