"""The life of a simulated run: what the scheduler and the workers make of it, and who may do what."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validator.sandbox.api import ROLES, RUNNERS, Role
from validator.sandbox.files import DagFile, SimDag, SimTask, one_dag, tasks
from validator.sandbox.rules import VERSIONS
from validator.sandbox.runs import ENDED
from validator.sandbox.simulation import Simulation
from validator.sandbox.stock import Stock

AIRFLOW_2, AIRFLOW_3 = VERSIONS[:2], VERSIONS[2:]
LIST, TASKS = "/dags/~/dagRuns/list", "/dags/~/dagRuns/~/taskInstances/list"
URIS = ("s3://lake/orders", "s3://lake/customers")


def dag_of(*given, dag_id="a", paused=False, schedule=None, **fields):
    return one_dag(dag_id, tasks=tasks(*given), schedule=schedule, paused_upon_creation=paused, **fields)


def trigger(simulation, run_id="r1", dag_id="a", **more):
    body = {"dag_run_id": run_id, **more}
    if simulation.world.rules.major == 3:
        body["logical_date"] = None
    return simulation.call("POST", f"/dags/{dag_id}/dagRuns", {}, body)


def state(simulation, run_id="r1", dag_id="a"):
    return simulation.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}", {}, None)[1]["state"]


def states(simulation, run_id="r1", dag_id="a"):
    _, body = simulation.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", {}, None)
    return {row["task_id"]: (row["state"], row["try_number"]) for row in body["task_instances"]}


def send(simulation, uri=URIS[0], extra=None):
    assets = simulation.world.metadata.assets
    name = {"dataset_uri": uri} if simulation.world.rules.major == 2 else {"asset_id": assets[uri].id}
    noun = "datasets" if simulation.world.rules.major == 2 else "assets"
    body = name if extra is None else {**name, "extra": extra}
    return simulation.call("POST", f"/{noun}/events", {}, body)


def test_a_run_goes_from_queued_to_its_end_task_by_task(version, new_simulation):
    work = (SimTask("load", seconds=10.0), SimTask("check", seconds=10.0))
    simulation = new_simulation(version, {"a.py": dag_of(*work)})
    lab = simulation.lab
    assert trigger(simulation)[1]["state"] == "queued"
    assert states(simulation) == {"load": (None, 0), "check": (None, 0)}
    lab.pass_(5)
    assert (state(simulation), states(simulation)) == (
        "running",
        {"load": ("running", 1), "check": (None, 0)},
    )
    lab.pass_(10)
    assert states(simulation) == {"load": ("success", 1), "check": ("running", 1)}
    lab.pass_(15)
    assert (state(simulation), states(simulation)) == (
        "success",
        {"load": ("success", 1), "check": ("success", 1)},
    )


def test_a_failure_fails_what_follows_and_the_run(version, new_simulation):
    simulation = new_simulation(
        version, {"a.py": dag_of("first", SimTask("boom", outcome=("failed",)), "after")}
    )
    trigger(simulation)
    simulation.lab.pass_(20)
    empty = 0 if version == "2.4.3" else 1
    assert states(simulation) == {
        "first": ("success", empty),
        "boom": ("failed", 1),
        "after": ("upstream_failed", 0),
    }
    assert state(simulation) == "failed"


def test_a_skip_skips_what_follows_and_the_run_succeeds(version, new_simulation):
    simulation = new_simulation(version, {"a.py": dag_of(SimTask("skip", outcome=("skipped",)), "after")})
    trigger(simulation)
    simulation.lab.pass_(20)
    assert states(simulation) == {"skip": ("skipped", 1), "after": ("skipped", 0)}
    assert state(simulation) == "success"


def test_a_failed_try_is_followed_by_the_next_one_and_each_has_its_log(version, new_simulation):
    again = SimTask(
        "again", outcome=("failed", "success"), retries=2, retry_delay=30.0, log="hello\n::error::no"
    )
    simulation = new_simulation(version, {"a.py": dag_of(again)})
    trigger(simulation)
    simulation.lab.pass_(10)
    assert (states(simulation), state(simulation)) == ({"again": ("up_for_retry", 1)}, "running")
    logs = "/dags/a/dagRuns/r1/taskInstances/again/logs"
    assert simulation.call("GET", f"{logs}/2", {}, None)[0] == (200 if version in AIRFLOW_2 else 404)
    simulation.lab.pass_(40)
    assert (states(simulation), state(simulation)) == ({"again": ("success", 2)}, "success")
    for number in (1, 2):
        status, body = simulation.call("GET", f"{logs}/{number}", {}, None)
        assert status == 200
        assert "hello" in str(body["content"])
        assert ("Task failed" in str(body["content"])) is (number == 1)
        assert isinstance(body["content"], str if version in AIRFLOW_2 else list)
    assert simulation.call("GET", "/dags/a/dagRuns/r1/taskInstances/none/logs/1", {}, None)[0] == 404


def test_a_task_that_hangs_never_ends_its_run_and_a_delete_does(version, new_simulation):
    simulation = new_simulation(version, {"a.py": dag_of(SimTask("hang", outcome=("hangs",)))})
    trigger(simulation)
    simulation.lab.pass_(3600)
    assert (state(simulation), states(simulation)) == ("running", {"hang": ("running", 1)})
    assert simulation.call("DELETE", "/dags/a/dagRuns/r1", {}, None) == (204, None)
    assert simulation.call("DELETE", "/dags/a/dagRuns/r1", {}, None)[0] == 404
    simulation.lab.pass_(60)
    assert simulation.call("POST", TASKS, {}, {"dag_ids": ["a"]})[1]["task_instances"] == []


def test_a_run_of_a_paused_dag_waits_until_it_is_unpaused(version, new_simulation):
    simulation = new_simulation(version, {"a.py": dag_of("t", paused=True)})
    assert trigger(simulation)[0] == 200
    simulation.lab.pass_(3600)
    assert state(simulation) == "queued"
    status, body = simulation.call("PATCH", "/dags/a", {"update_mask": "is_paused"}, {"is_paused": False})
    assert (status, body["is_paused"]) == (200, False)
    simulation.lab.pass_(5)
    assert state(simulation) == "success"


def test_a_dead_scheduler_queues_and_its_next_life_runs(version, new_simulation):
    simulation = new_simulation(version, {"a.py": dag_of("t")})
    simulation.world.kill("scheduler")
    assert trigger(simulation)[0] == 200
    simulation.lab.pass_(600)
    assert state(simulation) == "queued"
    simulation.world.revive("scheduler")
    simulation.lab.pass_(5)
    assert state(simulation) == "success"


def test_a_worker_ends_its_task_without_a_scheduler_and_the_run_waits(version, new_simulation):
    simulation = new_simulation(version, {"a.py": dag_of(SimTask("t", seconds=10.0), "u")})
    trigger(simulation)
    simulation.lab.pass_(5)
    simulation.world.kill("scheduler")
    simulation.lab.pass_(60)
    assert (state(simulation), states(simulation)) == ("running", {"t": ("success", 1), "u": (None, 0)})


@pytest.mark.parametrize("most", [1, 2])
def test_runs_are_side_by_side_up_to_max_active_runs(version, new_simulation, most):
    simulation = new_simulation(version, {"a.py": dag_of(SimTask("t", seconds=20.0), max_active_runs=most)})
    for number in range(3):
        trigger(simulation, f"r{number}")
    simulation.lab.pass_(10)
    assert [state(simulation, f"r{number}") for number in range(3)].count("running") == most
    simulation.lab.pass_(90)
    assert {state(simulation, f"r{number}") for number in range(3)} == {"success"}


def test_a_task_waits_for_its_pool(version, new_simulation):
    files = {
        "a.py": dag_of(SimTask("t", pool="etl", seconds=20.0)),
        "b.py": dag_of(SimTask("t", pool="no", seconds=1.0), dag_id="b"),
    }
    simulation = new_simulation(version, files, stock=Stock(pools={"etl": 1}))
    for run_id in ("r1", "r2"):
        trigger(simulation, run_id)
    trigger(simulation, dag_id="b")
    simulation.lab.pass_(10)
    assert (states(simulation), states(simulation, "r2")) == ({"t": ("running", 1)}, {"t": (None, 0)})
    simulation.lab.pass_(100)
    assert (state(simulation, "r2"), state(simulation, dag_id="b")) == ("success", "running")


def test_an_event_starts_its_consumer_within_two_seconds(version, new_simulation):
    simulation = new_simulation(version, {"a.py": dag_of("t", schedule=URIS[:1])})
    status, event = send(simulation, extra={"file": "probe.csv"})
    if version == "2.4.3":
        assert status == 405
        return
    assert (status, event["extra"]) == (200, {"file": "probe.csv", "from_rest_api": True})
    simulation.lab.pass_(2)
    (run,) = simulation.call("POST", LIST, {}, {"dag_ids": ["a"]})[1]["dag_runs"]
    kind = "dataset_triggered" if version in AIRFLOW_2 else "asset_triggered"
    assert (run["run_type"], run["dag_run_id"].startswith(f"{kind}__"), run["conf"]) == (kind, True, {})
    noun = "datasets" if version in AIRFLOW_2 else "assets"
    (listed,) = simulation.call("GET", f"/{noun}/events", {}, None)[1][f"{noun[:-1]}_events"]
    (made,) = listed["created_dagruns"]
    assert made.get("dag_run_id", made.get("run_id")) == run["dag_run_id"]


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_a_paused_consumer_never_hears_of_an_event(version, new_simulation):
    simulation = new_simulation(version, {"a.py": dag_of("t", schedule=URIS[:1], paused=True)})
    assert send(simulation)[0] == 200
    simulation.world.pause("a", paused=False)
    simulation.lab.pass_(60)
    assert simulation.call("POST", LIST, {}, {})[1]["dag_runs"] == []


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_a_consumer_of_two_waits_for_both_and_a_producer_counts(version, new_simulation):
    producer = dag_of(SimTask("p", outlets=URIS[1:]), dag_id="producer")
    simulation = new_simulation(version, {"a.py": dag_of("t", schedule=URIS), "p.py": producer})
    send(simulation)
    simulation.lab.pass_(60)
    assert simulation.call("POST", LIST, {}, {"dag_ids": ["a"]})[1]["total_entries"] == 0
    trigger(simulation, dag_id="producer")
    simulation.lab.pass_(20)
    (run,) = simulation.call("POST", LIST, {}, {"dag_ids": ["a"]})[1]["dag_runs"]
    assert run["state"] == "success"


@pytest.mark.parametrize("role", [*ROLES, "team", "runners"])
def test_who_may_run_what(version, role, new_simulation):
    simulation = new_simulation(version, {"a.py": dag_of("t"), "b.py": dag_of("t", dag_id="b")})
    trigger(simulation, "there")
    trigger(simulation, "there", dag_id="b")
    simulation.role = Role(role, frozenset("a"), frozenset("a") if role == "runners" else frozenset())
    may_run, may_read = role in RUNNERS, role in ("Viewer", *RUNNERS)
    mine = role == "runners"
    assert (trigger(simulation)[0] == 200) is (may_run or mine)
    assert (trigger(simulation, dag_id="b")[0] == 200) is may_run
    assert (simulation.call("PATCH", "/dags/a", {}, {"is_paused": False})[0] == 200) is (may_run or mine)
    assert (simulation.call("DELETE", "/dags/a/dagRuns/r1", {}, None)[0] == 204) is (may_run or mine)
    assert (simulation.call("DELETE", "/dags/b/dagRuns/there", {}, None)[0] == 204) is may_run
    for dag_id, allowed in (("a", may_read or mine), ("b", may_read)):
        status = simulation.call("GET", f"/dags/{dag_id}/dagRuns/none", {}, None)[0]
        assert status == (404 if allowed else 403)
    status, body = simulation.call("POST", LIST, {}, {})
    assert status == (200 if may_read or mine else 403)
    if mine:
        assert {run["dag_id"] for run in body["dag_runs"]} == {"a"}
        asked = simulation.call("POST", TASKS, {}, {"dag_ids": ["a", "b"]})
        assert asked[0] == 403


@pytest.mark.parametrize("version", VERSIONS[1:])
@pytest.mark.parametrize("role", ROLES)
def test_who_may_send_events(version, role, new_simulation):
    simulation = new_simulation(version, {"a.py": dag_of("t", schedule=URIS[:1])}, role=role)
    allowed = RUNNERS if version in AIRFLOW_2 else ("Admin", "Op")
    assert send(simulation)[0] == (200 if role in allowed else 403)


def test_lists_come_in_pages_and_take_filters(version, new_simulation):
    simulation = new_simulation(version, {"a.py": dag_of("t"), "b.py": dag_of("t", dag_id="b")})
    for number in range(120):
        trigger(simulation, f"r{number:03}", "ab"[number % 2])
    status, body = simulation.call("POST", LIST, {}, {"page_limit": 110, "page_offset": 5})
    assert (status, body["total_entries"], len(body["dag_runs"])) == (200, 120, 110), "no cap here (measured)"
    assert body["dag_runs"][0]["dag_run_id"] == "r005"
    _, body = simulation.call(
        "POST", LIST, {}, {"order_by": "-dag_run_id", "page_limit": 1, "dag_ids": ["a"]}
    )
    assert [run["dag_run_id"] for run in body["dag_runs"]] == ["r118"]
    assert simulation.call("POST", LIST, {}, {"order_by": "nope"})[0] == 400
    assert simulation.call("POST", LIST, {}, {"page_limit": 0})[0] == (400 if version in AIRFLOW_2 else 200)
    assert simulation.call("POST", LIST, {}, {"page_limit": -1})[0] == (400 if version in AIRFLOW_2 else 422)
    assert (
        simulation.call("POST", LIST, {}, {"start_date_gte": "2026-01-01T00:00:00Z"})[1]["total_entries"] == 0
    )
    simulation.lab.pass_(30)
    for bound, count in (("2026-11-22T02:00:00Z", 120), ("2027-01-01T00:00:00Z", 0)):
        assert simulation.call("POST", LIST, {}, {"start_date_gte": bound})[1]["total_entries"] == count
    asked = {"dag_ids": ["a"], "dag_run_ids": ["r000"], "task_ids": ["t"], "state": ["success"]}
    status, body = simulation.call("POST", TASKS, {}, asked)
    assert (status, body.get("total_entries")) == ((400, None) if version == "2.4.3" else (200, 1))


def test_an_import_error_forbids_a_trigger(version, new_simulation):
    simulation = new_simulation(version, {"a.py": DagFile((SimDag("a"),))})
    simulation.world.put("a.py", DagFile((SimDag("a"),), error="ValueError: beside"), lags=0)
    simulation.lab.pass_(20)
    assert trigger(simulation)[0] == (400 if version in AIRFLOW_2 else 404)


def test_runs_move_no_parse(new_lab):
    one, other = (new_lab("3.0.6", {"a.py": dag_of("t")}, seed=3) for _ in range(2))
    trigger(Simulation(one.world, role=Role("Admin")))
    for lab in (one, other):
        lab.pass_(300)
    assert one.row("a").last_parsed == other.row("a").last_parsed


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("success", "failed", "skipped")),
            st.integers(0, 2),
            st.sampled_from((0.0, 1.0, 30.0)),
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(VERSIONS),
    st.integers(0, 99),
)
def test_no_run_succeeds_whose_task_failed_and_every_run_ends(new_lab, drawn, version, seed):
    work = [
        SimTask(f"t{number}", outcome=(outcome,), retries=retries, seconds=seconds, retry_delay=1.0)
        for number, (outcome, retries, seconds) in enumerate(drawn)
    ]
    lab = new_lab(version, {"a.py": dag_of(*work)}, seed=seed)
    simulation = Simulation(lab.world, role=Role("Admin"))
    trigger(simulation)
    lab.pass_(600)
    assert state(simulation) in ENDED
    ended = [one for one, _ in states(simulation).values()]
    assert (state(simulation) == "failed") is ("failed" in ended)
    assert set(ended) <= {"success", "failed", "skipped", "upstream_failed"}
