"""Tasks, sources and warnings as the world moves: what lags, what runs ahead, what the web server remembers."""

from __future__ import annotations

import pytest

from validator.sandbox.files import DagFile, SimTask, helper, one_dag, source_of, tasks
from validator.sandbox.rules import VERSIONS, Rules

AIRFLOW_2, AIRFLOW_3 = VERSIONS[:2], VERSIONS[2:]
CACHING = VERSIONS[:3]


def task_ids(simulation, dag_id="a"):
    status, body = simulation.call("GET", f"/dags/{dag_id}/tasks", {}, None)
    return [task["task_id"] for task in body["tasks"]] if status == 200 else status


def source(simulation, version, dag_id="a"):
    path = f"/dagSources/{dag_id}"
    if version in AIRFLOW_2:
        _, dag = simulation.call("GET", f"/dags/{dag_id}", {}, None)
        path = f"/dagSources/{dag['file_token']}"
    status, body = simulation.call("GET", path, {}, None)
    return body["content"] if status == 200 else status


def test_tasks_follow_the_serialized_dag_and_not_the_list(version, new_simulation):
    simulation = new_simulation(version, min_serialized_dag_fetch_interval=0.0)
    world, lab = simulation.world, simulation.lab
    world.put("a.py", one_dag("a", tags=("v2",), tasks=tasks("t1", "t2")), at=1)
    lab.until(lambda: lab.row("a").dag.tags == ("v2",), 10)
    lab.pass_(0.001)
    assert task_ids(simulation) == ["t1", "t2"], "the last write was long ago: in the same parse"
    world.put("a.py", one_dag("a", tags=("v3",), tasks=tasks("t1", "t2", "t3")))
    lab.until(lambda: lab.row("a").dag.tags == ("v3",), 10)
    assert task_ids(simulation) == ["t1", "t2"], "held back"
    lab.until(lambda: task_ids(simulation) == ["t1", "t2", "t3"])
    assert lab.world.elapsed > 30


@pytest.mark.parametrize("version", CACHING)
def test_a_copy_is_shown_for_ten_seconds(version, new_simulation):
    simulation = new_simulation(version)
    lab = simulation.lab
    lab.until(lambda: lab.world.elapsed >= 1)
    assert task_ids(simulation) == ["t1"], "fetched at 1 s"
    lab.world.put("a.py", one_dag("a", tasks=tasks("new")))
    waited = lab.until(lambda: lab.world.truth("a").dag.tasks == tasks("new"), 10)
    assert waited <= 6
    assert lab.until(lambda: task_ids(simulation) == ["new"]) + waited == 10.25
    lab.pass_(60)
    lab.world.put("a.py", one_dag("a", tasks=tasks("newer")))
    lab.until(lambda: lab.world.truth("a").dag.tasks == tasks("newer"), 10)
    assert task_ids(simulation) == ["newer"], "an old copy is looked at each time"


def test_what_was_not_asked_for_is_not_cached(version, new_simulation):
    simulation = new_simulation(version)
    lab = simulation.lab
    lab.world.put("a.py", one_dag("a", tasks=tasks("new")), at=1)
    lab.until(lambda: lab.world.truth("a").dag.tasks == tasks("new"), 10)
    assert task_ids(simulation) == ["new"]


def test_3_3_reads_the_database_at_each_call(new_simulation):
    simulation = new_simulation("3.3.2")
    lab = simulation.lab
    assert task_ids(simulation) == ["t1"]
    lab.world.put("a.py", one_dag("a", tasks=tasks("new")))
    lab.until(lambda: lab.world.truth("a").dag.tasks == tasks("new"), 10)
    assert task_ids(simulation) == ["new"]


@pytest.mark.parametrize("version", CACHING)
def test_a_restart_of_the_web_server_forgets_its_copies(version, new_simulation):
    simulation = new_simulation(version, min_serialized_dag_fetch_interval=3600.0)
    lab = simulation.lab
    assert task_ids(simulation) == ["t1"]
    lab.world.put("a.py", one_dag("a", tasks=tasks("new")))
    lab.pass_(60)
    assert task_ids(simulation) == ["t1"]
    lab.world.restart_webserver(1.0)
    lab.pass_(2)
    assert task_ids(simulation) == ["new"]


def test_the_fetch_interval_scales_with_the_others():
    assert Rules().scaled(0.5).min_serialized_dag_fetch_interval == 5.0


@pytest.mark.parametrize("asked_before", [True, False])
def test_the_tasks_of_a_deleted_dag(version, asked_before, new_simulation):
    simulation = new_simulation(version)
    lab = simulation.lab
    if asked_before:
        task_ids(simulation)
    lab.world.remove("a.py")
    lab.until(lambda: not lab.active("a"), 10)
    lab.pass_(30)
    kept = version in AIRFLOW_3 or (version == "2.4.3" and asked_before)
    assert task_ids(simulation) == (["t1"] if kept else 404)


def test_the_tasks_of_a_dag_that_its_file_lost(version, new_simulation):
    simulation = new_simulation(version)
    lab = simulation.lab
    lab.world.put("a.py", one_dag("renamed"))
    lab.pass_(20)
    assert task_ids(simulation) == ["t1"], "it is listed still"
    lab.until(lambda: not lab.active("a"))
    lab.pass_(11)
    assert task_ids(simulation) == (404 if version in AIRFLOW_2 else ["t1"])


def test_tasks_are_a_chain_unless_they_say_otherwise(version, new_simulation):
    fan = (SimTask("z", downstream=("b", "a")), SimTask("b", downstream=()), SimTask("a", pool="etl"))
    chained = one_dag("a", tasks=tasks("x", "y"), owners=("me",))
    simulation = new_simulation(version, {"a.py": chained, "f.py": one_dag("fan", tasks=fan)})
    _, chain = simulation.call("GET", "/dags/a/tasks", {}, None)
    assert [(task["downstream_task_ids"], task["owner"]) for task in chain["tasks"]] == [
        (["y"], "me"),
        ([], "me"),
    ]
    _, body = simulation.call("GET", "/dags/fan/tasks", {"order_by": "-task_id"}, None)
    shown = [(task["task_id"], task["downstream_task_ids"], task["pool"]) for task in body["tasks"]]
    assert shown == [
        ("z", ["a", "b"], "default_pool"),
        ("b", [], "default_pool"),
        ("a", [], "etl"),
    ]
    assert simulation.call("GET", "/dags/a/tasks/y", {}, None)[1] == chain["tasks"][1]


def test_a_source_is_read_when_a_parse_is_persisted_so_it_can_be_newer(version, new_simulation):
    old, slow, new = (one_dag("a", version=text) for text in ("old", "slow", "new"))
    slow = DagFile(slow.dags, parse_seconds=8.0)
    simulation = new_simulation(version, {"a.py": old})
    lab = simulation.lab
    assert source(simulation, version) == source_of(old, "a.py")
    lab.world.put("a.py", slow)
    lab.pass_(7)
    lab.world.put("a.py", new)
    lab.until(lambda: lab.row("a").dag.version == "slow", 20)
    assert source(simulation, version) == source_of(new, "a.py"), "ahead of the parse"


def test_the_source_of_a_broken_file_is_the_last_good_one(version, new_simulation):
    simulation = new_simulation(version, {"a.py": one_dag("a", version="good")})
    lab = simulation.lab
    lab.world.damage("a.py")
    lab.pass_(20)
    assert source(simulation, version) == source_of(one_dag("a", version="good"), "a.py")
    lab.world.remove("a.py")
    lab.pass_(10)
    assert (source(simulation, version) == 500) is (version in AIRFLOW_2)


def test_unequal_files_have_unequal_sources_and_equal_ones_the_same():
    files = [
        DagFile(),
        DagFile(version="2"),
        helper("a"),
        helper("a", "b"),
        one_dag("a"),
        one_dag("a", tasks=tasks("t2")),
        one_dag("a\n"),
        DagFile(imports={"a": "x", "b": "y"}),
        DagFile(imports={"a": "xb", "b": "y"}),
        one_dag("a").broken(),
        DagFile(source="mine"),
    ]
    assert len({source_of(file, "a.py") for file in files}) == len(files)
    same = DagFile(imports={"b": "y", "a": "x"})
    assert source_of(same, "a.py") == source_of(DagFile(imports={"a": "x", "b": "y"}), "a.py")
    assert source_of(DagFile(source="mine"), "a.py") == "mine"


@pytest.mark.parametrize("version", AIRFLOW_3)
def test_a_version_is_a_number(version, new_simulation):
    path, query = "/dagSources/a", {"version_number": "x"}
    assert new_simulation(version).call("GET", path, query, None)[0] == 422


def test_a_pool_that_does_not_exist_is_warned_of_until_a_parse_finds_it(version, new_simulation):
    simulation = new_simulation(version, {"a.py": one_dag("a", tasks=(SimTask("t", pool="etl"),))})
    lab = simulation.lab
    expected = [] if version in AIRFLOW_3 else ["a"]

    def rows():
        return simulation.call("GET", "/dagWarnings", {}, None)[1]["dag_warnings"]

    first = rows()
    assert [row["dag_id"] for row in first] == expected
    lab.pass_(20)
    assert rows() == first, "a parse does not stamp it anew"
    lab.world.set_pool("etl", 4)
    assert rows() == first, "no parse since"
    lab.pass_(10)
    assert rows() == []
    lab.world.set_pool("etl", None)
    lab.pass_(10)
    assert [row["dag_id"] for row in rows()] == expected
    lab.world.remove("a.py")
    lab.pass_(10)
    assert rows() == []


def test_warnings_come_in_pages(version, new_simulation):
    bad = (SimTask("t", pool="none"),)
    simulation = new_simulation(version, {f"{one}.py": one_dag(one, tasks=bad) for one in "abc"})

    def ask(**query):
        return simulation.call("GET", "/dagWarnings", query, None)

    if version in AIRFLOW_3:
        assert ask(limit=2) == (200, {"dag_warnings": [], "total_entries": 0})
        return
    status, body = ask(limit=2, offset=1, order_by="-dag_id")
    assert (status, body["total_entries"]) == (200, 3)
    assert [row["dag_id"] for row in body["dag_warnings"]] == ["b", "a"]
    assert ask(bogus=1)[0] == ask(order_by="bogus")[0] == 400
    assert ask(warning_type="other")[1]["total_entries"] == 0
