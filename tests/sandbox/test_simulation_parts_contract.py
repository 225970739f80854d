"""Tasks, sources, warnings, pools, connections and variables: the simulated answers are the recorded ones."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from recorded import cases, names_of, recording

from validator.sandbox.api import Role
from validator.sandbox.files import DagFile, SimDag, SimTask, one_dag, tasks
from validator.sandbox.rules import VERSIONS, Rules
from validator.sandbox.simulation import Simulation
from validator.sandbox.stock import SimConnection, Stock
from validator.sandbox.world import World

START = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
NAMES = """
tasks_ok tasks_404 tasks_broken_file tasks_deleted_file tasks_order tasks_stale_gen task_ok task_404
dagSources_bad_token dagSources_by_dag_id dagSources_404 dagSources_ok dagSources_broken_file dagSources_deleted
dagSources_version1 dagSources_version99 dagWarnings dagWarnings_bogus dagWarnings_dag dagWarnings_type
pools pool_404 connections connection_one connection_404 variables variable_404 variable_secret
"""
ROLES = """
role_public_tasks role_public_dagSources role_public_dagWarnings role_public_pools role_public_connections
role_public_variables role_viewer_connections role_viewer_variables role_restricted_dagWarnings
"""


def text_of(version, name):
    """The source that was on the recorded server's disk."""
    recorded = recording(version, name)
    return recorded["response"]["content"] if isinstance(recorded["response"], dict) else "gone"


@pytest.fixture
def simulate():
    """The servers that were recorded: what they were given, the same time after it."""

    def go(version, role=None):
        clock = [START]
        m_task = SimDag("m_task", tasks=tasks("t1") if version == "2.4.3" else tasks("t1", "t2"))
        files = {
            "m_task.py": DagFile((m_task,), source=text_of(version, "dagSources_ok")),
            "m_break.py": DagFile((SimDag("m_break"),), source=text_of(version, "dagSources_broken_file")),
            "m_delete.py": DagFile((SimDag("m_delete"),), source=text_of(version, "dagSources_deleted")),
            "m_pool.py": one_dag("m_pool", tasks=(SimTask("t1", pool="no_such_pool"),)),
            "gen.py": one_dag("gen_000", tasks=tasks("a", "b")),
        }
        conn = SimConnection("http", "h", "u", "s3cr3tpw", extra='{"token":"tok3n","region":"eu"}')
        stock = Stock(
            connections={"h1_conn": conn},
            variables={"h1_secret_password": "s3cr3tvalue", "plain": "visible"},
        )
        rules = Rules(airflow=version, min_file_process_interval=5, dir_list_interval=5)
        world = World(rules, now=lambda: clock[0], files=files, stock=stock)
        simulation = Simulation(world, role=role)
        simulation.call("GET", "/dags/m_delete/tasks", {}, None)  # 2.4.3's web server had seen it
        world.put("m_break.py", files["m_break.py"].broken(), lags=0)
        world.remove("m_delete.py", lags=0)
        world.put("gen.py", DagFile(), lags=0)
        # 2.4.3 was asked for the broken file while it was still listed, the others later
        clock[0] += timedelta(seconds=30 if version == "2.4.3" else 130)
        return simulation

    return go


def replay(simulation, recorded):
    path = recorded["path"].removeprefix("/api/v1").removeprefix("/api/v2")
    return simulation.call(recorded["method"], path, recorded["query"] or {}, recorded["body"])


def timeless(body):
    """A body without the times of its rows."""
    if isinstance(body, dict):
        return {key: timeless(one) for key, one in body.items() if key != "timestamp"}
    return [timeless(one) for one in body] if isinstance(body, list) else body


@pytest.mark.parametrize(("version", "name"), cases(NAMES))
def test_an_answer_is_the_recorded_one(simulate, version, name):
    recorded = recording(version, name)
    status, body = replay(simulate(version, Role("Admin")), recorded)
    assert status == recorded["status"]
    if isinstance(recorded["response"], str):
        assert body.lstrip().startswith("<")
        assert body == recorded["response"] or "<h1> Ooops! </h1>" in body
    else:
        assert timeless(body) == timeless(recorded["response"])


@pytest.mark.parametrize(("version", "name"), cases(ROLES))
def test_a_role_is_answered_as_recorded(simulate, version, name):
    role = {"public": Role("Public"), "viewer": Role("Viewer")}.get(name.split("_")[1])
    recorded = recording(version, name)
    answer = replay(simulate(version, role or Role("team", frozenset({"m_task"}))), recorded)
    assert answer == (recorded["status"], recorded["response"])


@pytest.mark.parametrize("version", VERSIONS[:2])
def test_a_warning_is_stamped_as_recorded(simulate, version):
    (recorded,) = recording(version, "dagWarnings")["response"]["dag_warnings"]
    (row,) = simulate(version).call("GET", "/dagWarnings", {}, None)[1]["dag_warnings"]
    told, shown = (datetime.fromisoformat(one["timestamp"]) for one in (recorded, row))
    assert (told.tzinfo, len(recorded["timestamp"])) == (shown.tzinfo, len(row["timestamp"]))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_endpoint_of_these_kinds_is_replayed(version):
    kinds = ("tasks_", "task_", "dagSources_", "dagWarnings", "pool", "connection", "variable")
    written = names_of(version, *kinds)
    replayed = {name for one, name in (case.values for case in cases(NAMES)) if one == version}
    others = {name for name in written if "_post" in name} | {"dagSources_v1_after_change"}  # runs, writing
    assert written - others == replayed
