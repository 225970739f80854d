"""The simulated answers held against those of real servers, recording by recording."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from recorded import RECORDINGS, cases, recording

from validator.sandbox.api import Role
from validator.sandbox.files import DagFile, SimDag, helper, one_dag
from validator.sandbox.rules import VERSIONS, Rules
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

START = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
GOOD = "version version_noauth health health_noauth health_wrong list_404_path err_405 err_405b err_trailing_slash"
LISTS = """
bogus_param_x default exclude_stale_false exclude_stale_true fields fields2 fields_bad has_import_errors_true
limit0 limit100 limit1000 limit_bad limit_neg offset250 offset_beyond offset_neg one only_active_false
only_active_true order_bogus order_dag_display_name order_dag_id order_desc_dag_id order_is_paused
order_last_parsed_time order_last_run_start_date order_last_run_state order_next_dagrun pattern_00 pattern_01
pattern_13 paused_false paused_true tags_and tags_csv tags_mode_all tags_smoke tags_two stale_included
"""
ERRORS = """
_filename_pattern _limit1000 _limit2 _offset _order_bogus _order_bundle_name _order_desc_import_error_id
_order_desc_timestamp _order_filename _order_import_error_id _order_timestamp
"""
NAMES = [
    *GOOD.split(),
    *(f"dags_{name}" for name in LISTS.split()),
    *(f"importErrors{name}" for name in ["", *ERRORS.split()]),
    *("dag_404", "dag_ok", "dag_broken_file", "dag_deleted_file", "dag_sibling_of_bad"),
    *("err_dagid_slash", "err_double_slash", "err_path_query", "health_triggerer_never_ran"),
]
DEAD = ["health_all_dead", "health_scheduler_triggerer_dead", "health_db_gone"]


@pytest.fixture
def simulate():
    def go(version, role=None):
        clock = [START]
        tags = ("mut", "v1", "smoke", "gen")
        files = {
            "p.py": DagFile((SimDag("PAT_X", schedule=None), SimDag("pat_x", schedule=None))),
            **{f"{name}.py": one_dag(name, tags=tags, description="v1") for name in ("m_task", "m_break")},
            "m_delete.py": one_dag("m_delete", schedule="@hourly"),
            "smoke_ok.py": one_dag("smoke_ok", tags=("smoke",), paused_upon_creation=False),
            "two_in_one.py": DagFile((SimDag("two_a"),), error="AirflowTimetableInvalid: [61 25 * * *]"),
            "m_newbroken.py": DagFile(error="Traceback (most recent call last):\nZeroDivisionError\n"),
            "h.py": helper(),
        }
        rules = Rules(airflow=version, min_file_process_interval=5, dir_list_interval=5)
        world = World(rules, now=lambda: clock[0], files=files)
        world.put("m_break.py", files["m_break.py"].broken(), lags=0)
        world.remove("m_delete.py", lags=0)
        clock[0] += timedelta(seconds=30)
        return Simulation(world, role=role), world, clock

    return go


def kinds(value, at=""):
    """Every key's path with the JSON type of what stands there; a list counts as its items."""
    if isinstance(value, dict):
        return {pair for key, one in value.items() for pair in kinds(one, f"{at}.{key}")} | {(at, "object")}
    if isinstance(value, list):
        return {pair for one in value for pair in kinds(one, f"{at}[]")} | {(at, "list")}
    return {(at, type(value).__name__)}


def replay(simulation, recorded):
    path = recorded["path"].removeprefix("/api/v1").removeprefix("/api/v2")
    return simulation.call(recorded["method"], path, recorded["query"] or {}, recorded["body"])


def known_kinds(version, name):
    """What any recording of the same list or object has shown."""
    plural = {"dags": "dags_*.json", "importErrors": "importErrors*.json"}
    known = set()
    for stem, pattern in plural.items():
        if name.startswith(stem):
            for path in (RECORDINGS / version).glob(pattern):
                known |= kinds(json.loads(path.read_text())["response"])
    if name.startswith(("dag_", "health")):
        for path in (RECORDINGS / version).glob("dag_*.json" if name.startswith("dag_") else "health*.json"):
            known |= kinds(json.loads(path.read_text())["response"])
    return known


@pytest.mark.parametrize("version", VERSIONS)
def test_the_recordings_are_there(version):
    assert recording(version, "version")["response"]["version"] == version


@pytest.mark.parametrize(("version", "name"), cases(" ".join(NAMES)))
def test_an_answer_is_of_the_recorded_status_and_shape(simulate, version, name):
    simulation, world, _ = simulate(version)
    if version == "3.3.2" and name in ("health_triggerer_never_ran", "health_noauth"):
        world.never_ran("triggerer")
    recorded = recording(version, name)
    status, body = replay(simulation, recorded)
    assert status == recorded["status"]
    if status >= 400:
        assert trimmed(body) == trimmed(recorded["response"])
        return
    if status == 308:
        assert "Redirecting" in body
        return
    if isinstance(body, dict) and isinstance(recorded["response"], dict):
        assert set(body) == set(recorded["response"]) - {"__truncated__"}
        for key in ("dags", "import_errors"):
            for row in body.get(key, []) if recorded["response"].get(key) else []:
                assert set(row) == set(recorded["response"][key][0])
    assert kinds(body) <= kinds(recorded["response"]) | known_kinds(version, name)
    if name.startswith("health"):
        assert kinds(body) == kinds(recorded["response"])
    if name in ("dag_sibling_of_bad", "dag_deleted_file", "dag_ok"):
        for flag in {"is_active", "is_stale", "has_import_errors", "is_paused"} & set(body):
            assert body[flag] == recorded["response"][flag]


def trimmed(body):
    """A body without the part of a validator's message that depends on the library's version."""
    if isinstance(body, dict) and isinstance(body.get("detail"), str):
        return {**body, "detail": body["detail"].partition("\n")[0]}
    return body


@pytest.mark.parametrize(("version", "name"), cases(" ".join(DEAD)))
def test_dead_components_look_as_recorded(simulate, version, name):
    simulation, world, clock = simulate(version)
    dead = ["scheduler", "triggerer"]
    if "all" in name:
        dead.append("dag_processor")
    for component in ["metadatabase"] if "db" in name else dead:
        world.kill(component)
    clock[0] += timedelta(seconds=40)
    recorded = recording(version, name)
    status, body = replay(simulation, recorded)
    assert status == recorded["status"] == 200
    assert kinds(body) == kinds(recorded["response"])
    assert {key: one["status"] for key, one in body.items()} == {
        key: one["status"] for key, one in recorded["response"].items()
    }


@pytest.mark.parametrize("version", ["2.4.3", "3.3.2"])
def test_a_lost_database_looks_as_recorded(simulate, version):
    simulation, world, _ = simulate(version)
    world.kill("metadatabase")
    recorded = recording(version, "err_500_dags_db_gone" if version == "2.4.3" else "err_500")
    status, body = simulation.call("GET", "/dags", {}, None)
    assert status == recorded["status"] == 500
    assert body == recorded["response"] if version == "3.3.2" else "<h1> Ooops! </h1>" in body
    assert simulation.call("GET", "/version", {}, None)[0] == 200


@pytest.mark.parametrize(
    "name",
    ["role_public_dags", "role_public_dag", "role_public_dag404", "role_public_importErrors"],
)
def test_the_public_role_is_refused_as_recorded(simulate, name):
    simulation, _, _ = simulate("2.10.5", Role("Public"))
    recorded = recording("2.10.5", name)
    assert replay(simulation, recorded) == (recorded["status"], recorded["response"])
    assert simulation.call("GET", "/health", {}, None)[0] == 200


@pytest.mark.parametrize("name", ["role_restricted_dag404", "role_restricted_dag_forbidden"])
def test_a_limited_role_cannot_tell_the_unknown_from_the_forbidden(simulate, name):
    simulation, _, _ = simulate("2.10.5", Role("team", frozenset({"smoke_ok"})))
    recorded = recording("2.10.5", name)
    assert replay(simulation, recorded) == (recorded["status"], recorded["response"])
    assert recorded["status"] == 403


@pytest.mark.parametrize("version", VERSIONS)
def test_a_limited_role_sees_its_own_dags_and_hides_the_rest(simulate, version):
    simulation, world, clock = simulate(version, Role("team", frozenset({"two_a", "m_task"})))
    two = DagFile((SimDag("two_a"), SimDag("two_b")), error="ValueError: no")
    world.put("two_in_one.py", two, lags=0)
    clock[0] += timedelta(seconds=10)
    shown = {"only_active": False} if version.startswith("2") else {"exclude_stale": False}
    _, dags = simulation.call("GET", "/dags", shown, None)
    assert [dag["dag_id"] for dag in dags["dags"]] == ["m_task", "two_a"]
    assert dags["total_entries"] == 2
    _, errors = simulation.call("GET", "/importErrors", {}, None)
    assert errors["total_entries"] == 1, "of three"
    expected = recording("2.10.5", "role_restricted_importErrors")["response"]["import_errors"][0]
    assert errors["import_errors"][0]["stack_trace"] == expected["stack_trace"]
    simulation.role = Role()
    _, errors = simulation.call("GET", "/importErrors", {}, None)
    assert errors["total_entries"] == 3
