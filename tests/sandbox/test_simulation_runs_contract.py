"""Runs, task instances, events and variables: the simulated answers are the recorded ones."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from recorded import blurred, cases, names_of, recording, replay

from validator.sandbox.api import Role
from validator.sandbox.files import DagFile, SimDag, SimTask, one_dag, tasks
from validator.sandbox.rules import VERSIONS, Rules
from validator.sandbox.simulation import Simulation
from validator.sandbox.stock import Stock
from validator.sandbox.world import World

START = datetime(2026, 11, 22, 2, 0, 0, 123456, tzinfo=timezone.utc)
PLAYED = ["empty", "runid", "note", "logical", "exec_date", "slash", "fail", "paused", "conf_ok"]
"""The triggers of the recorded sessions, in their order; those that a version refused left nothing behind."""
POSTS = """
dagrun_post_404 dagrun_post_badkey dagrun_post_conf_bad dagrun_post_conf_ok dagrun_post_empty dagrun_post_exec_date
dagrun_post_fail dagrun_post_logical dagrun_post_logical_null dagrun_post_no_scheduler dagrun_post_nobody
dagrun_post_note dagrun_post_paused dagrun_post_runid dagrun_post_slash dagrun_post_stale_dag
"""
AFTER = """
dagrun_post_conflict dagrun_get dagrun_get_404 dagrun_get_failed dagrun_get_paused dagrun_get_unquoted dagrun_delete
dagrun_delete_running dagruns_batch dagruns_batch_badkey dagruns_batch_biglimit dagruns_batch_states
dagruns_batch_unknown dagruns_list dagruns_list_tilde ti_batch ti_list_failed ti_list_state ti_one
"""
ORDERED = "dagruns_batch_limit dagruns_order"
PATCHES = "dag_patch_pause dag_patch_unpause dag_patch_extra"
ASSETS = """
datasets dataset_one dataset_one_raw dataset_404 datasets_events_post datasets_events_post_bad
datasets_events_post_unknown assets asset_one asset_404 assets_by_uri assets_by_uri_none assets_list
assets_name_pattern assets_events_post assets_events_post_404 assets_events_post_uri
"""
EVENT_LISTS = "datasets_events_list assets_events_list"
NOT_SIMULATED = {"asset_queued", "assets_materialize"}
VARIABLES = "variables_post variables_post2"
ROLES = """
role_viewer_trigger role_viewer_delete_run role_viewer_patch role_public_trigger role_public_delete_run
role_public_patch role_public_dagruns_batch role_restricted_dagruns_batch
"""


@pytest.fixture
def simulate():
    """The servers that were recorded: what their DAGs folders held."""

    def go(version, role="Admin", readable=()):
        clock = [START]
        boom = SimTask("boom", outcome=("failed",), seconds=0.6)
        uri = "s3://bucket/key.csv"
        files = {
            "ok.py": one_dag("smoke_ok", schedule=None, paused_upon_creation=False),
            "fail.py": one_dag(
                "smoke_fail", schedule=None, paused_upon_creation=False, tasks=tasks("first", boom, "after")
            ),
            "paused.py": one_dag("smoke_paused", schedule=None),
            "conf.py": one_dag("smoke_conf", schedule=None, paused_upon_creation=False),
            "gone.py": DagFile((SimDag("gen_000"), SimDag("m_ghost"))),
            "producer.py": one_dag("producer", tasks=(SimTask("a", outlets=(uri,)),)),
            "consumer.py": one_dag("consumer", schedule=(uri,), paused_upon_creation=False),
        }
        rules = Rules(airflow=version, min_file_process_interval=5, dir_list_interval=5)
        world = World(rules, now=lambda: clock[0], files=files, stock=Stock())
        world.remove("gone.py", lags=0)
        simulation = Simulation(world, role=Role(role, frozenset(readable)))

        def wait(seconds):
            clock[0] += timedelta(seconds=seconds)
            world.advance()

        simulation.wait = wait
        wait(10)
        return simulation

    return go


@pytest.fixture
def played(simulate):
    """A server after the recorded session, its runs at their ends."""

    def go(version):
        simulation = simulate(version)
        for name in PLAYED:
            recorded = recording(version, f"dagrun_post_{name}")
            assert replay(simulation, recorded)[0] == recorded["status"], name
            simulation.wait(0.01)
        simulation.wait(60)
        return simulation

    return go


def same(answer, recorded):
    status, body = answer
    assert status == recorded["status"]
    if status == 204:
        assert body is None
    elif isinstance(recorded["response"], str):
        assert isinstance(body, str)
        assert body.lstrip().startswith("<")
    elif recorded["response"].get("__truncated__") or any(map(cut_short, recorded["response"].values())):
        (name,) = (key for key, one in recorded["response"].items() if isinstance(one, list))
        shown = len(recorded["response"][name])
        assert len(body[name]) == body["total_entries"]
        assert blurred({**body, name: body[name][:shown]}) == blurred(recorded["response"])
    else:
        assert blurred(body) == blurred(recorded["response"])


def cut_short(value):
    return value == "__truncated__"


@pytest.mark.parametrize(("version", "name"), cases(POSTS))
def test_a_trigger_is_answered_as_recorded(simulate, version, name):
    simulation = simulate(version)
    if name == "dagrun_post_no_scheduler":
        simulation.world.kill("scheduler")
    recorded = recording(version, name)
    same(replay(simulation, recorded), recorded)


@pytest.mark.parametrize(("version", "name"), cases(AFTER))
def test_runs_and_their_tasks_are_shown_as_recorded(played, version, name):
    recorded = recording(version, name)
    same(replay(played(version), recorded), recorded)


@pytest.mark.parametrize(("version", "name"), cases(ORDERED))
def test_an_ordered_list_is_shaped_as_recorded(played, version, name):
    recorded = recording(version, name)
    status, body = replay(played(version), recorded)
    assert (status, body["total_entries"]) == (200, recorded["response"]["total_entries"])
    (run,), (shown,) = body["dag_runs"], recorded["response"]["dag_runs"]
    assert set(run) == set(shown)
    assert set(body) == set(recorded["response"])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_run_that_was_deleted_is_gone_as_recorded(played, version):
    simulation = played(version)
    for name in ("dagrun_delete", "dagrun_delete_404"):
        recorded = recording(version, name)
        same(replay(simulation, recorded), recorded)


@pytest.mark.parametrize(("version", "name"), cases(PATCHES))
def test_a_dag_is_paused_as_recorded(simulate, version, name):
    simulation = simulate(version)
    recorded = recording(version, name)
    status, body = replay(simulation, recorded)
    assert status == recorded["status"]
    if status == 200:
        assert body["is_paused"] is recorded["response"]["is_paused"] is recorded["body"]["is_paused"]
        assert set(body) == set(recorded["response"])
        assert simulation.world.metadata.dags["smoke_paused"].paused is body["is_paused"]
    else:
        assert blurred(body) == blurred(recorded["response"])


@pytest.mark.parametrize(("version", "name"), cases(ASSETS))
def test_datasets_and_events_are_answered_as_recorded(simulate, version, name):
    recorded = recording(version, name)
    same(replay(simulate(version), recorded), recorded)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_events_consumer_runs_as_recorded(simulate, version):
    simulation = simulate(version)
    noun = "datasets" if version < "3" else "assets"
    assert replay(simulation, recording(version, f"{noun}_events_post"))[0] == (
        405 if version == "2.4.3" else 200
    )
    simulation.wait(2)
    recorded = recording(version, "consumer_runs")
    status, body = replay(simulation, recorded)
    assert status == 200
    assert blurred(body["dag_runs"]) == blurred(recorded["response"]["dag_runs"])
    assert set(body) == set(recorded["response"])


@pytest.mark.parametrize(("version", "name"), cases(EVENT_LISTS))
def test_events_are_listed_as_recorded(simulate, version, name):
    simulation = simulate(version)
    replay(simulation, recording(version, name.replace("list", "post")))
    recorded = recording(version, name)
    plural = name.replace("s_events_list", "_events")
    before = replay(simulation, recorded)[1]
    simulation.wait(2)
    shown, body = recorded["response"], replay(simulation, recorded)[1]
    for row in shown[plural]:  # some servers were asked before the consumer's run was made, others later
        made = [set(run) for run in row["created_dagruns"]]
        now = [set(run) for run in body[plural][0]["created_dagruns"]]
        assert now == made or not made
        row["created_dagruns"] = []
    assert blurred(before) == blurred(shown)


@pytest.mark.parametrize(("version", "name"), cases(VARIABLES))
def test_a_variable_is_created_as_recorded(simulate, version, name):
    recorded = recording(version, name)
    simulation = simulate(version)
    assert replay(simulation, recorded) == (recorded["status"], recorded["response"])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_variable_that_is_there_is_overwritten_or_refused_as_recorded(simulate, version):
    simulation = simulate(version)
    replay(simulation, recording(version, "variables_post2"))
    recorded = recording(version, "variables_post_dup")
    assert replay(simulation, recorded) == (recorded["status"], recorded["response"])
    assert recorded["status"] == (200 if version < "3" else 409)


@pytest.mark.parametrize(("version", "name"), cases(ROLES))
def test_a_role_is_refused_as_recorded(simulate, version, name):
    who = {"viewer": "Viewer", "public": "Public", "restricted": "team"}[name.split("_")[1]]
    recorded = recording(version, name)
    assert recorded["status"] == 403
    assert replay(simulate(version, who, {"smoke_ok"}), recorded) == (403, recorded["response"])


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_call_of_these_kinds_is_replayed(version):
    stems = ("dagrun_", "dagruns_", "ti_", "dag_patch", "dataset", "asset", "variables_post", "consumer_runs")
    everything = f"{POSTS} {AFTER} {ORDERED} {PATCHES} {ASSETS} {EVENT_LISTS} {VARIABLES}"
    replayed = set(everything.split()) | NOT_SIMULATED
    replayed |= {"dagrun_delete_404", "consumer_runs", "variables_post_dup"}
    assert names_of(version, *stems) <= replayed
