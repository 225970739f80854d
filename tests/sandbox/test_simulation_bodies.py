"""What bodies and updates each version takes and refuses: what no recording has was measured on real servers."""

from __future__ import annotations

import pytest

from validator.sandbox.files import SimTask, one_dag
from validator.sandbox.rules import VERSIONS
from validator.sandbox.stock import Stock

AIRFLOW_2, AIRFLOW_3 = VERSIONS[:2], VERSIONS[2:]
RUNS, LIST, TASKS = "/dags/a/dagRuns", "/dags/~/dagRuns/list", "/dags/~/dagRuns/~/taskInstances/list"
MISSING = "Missing data for required field."
REFUSED_2 = [
    ("POST", RUNS, {"dag_run_id": 5}, "5 is not of type 'string' - 'dag_run_id'"),
    ("POST", RUNS, {"dag_run_id": None}, "{'dag_run_id': ['Field may not be null.']}"),
    ("POST", RUNS, {"conf": None}, "None is not of type 'object' - 'conf'"),
    ("POST", RUNS, [1], "[1] is not of type 'object'"),
    ("POST", RUNS, {"state": "queued"}, "Property is read-only - 'state'"),
    ("POST", LIST, {"page_limit": 0}, "0 is less than the minimum of 1 - 'page_limit'"),
    ("POST", LIST, {"page_offset": -1}, "-1 is less than the minimum of 0 - 'page_offset'"),
    ("POST", LIST, {"dag_ids": "a"}, "'a' is not of type 'array' - 'dag_ids'"),
    ("POST", LIST, {"dag_run_ids": ["r"]}, "{'dag_run_ids': ['Unknown field.']}"),
    ("POST", LIST, {"dag_ids": [{}]}, "{} is not of type 'string' - 'dag_ids.0'"),
    ("POST", TASKS, {"dag_ids": [None]}, "None is not of type 'string' - 'dag_ids.0'"),
    ("POST", LIST, None, "Request body must not be empty"),
    ("POST", TASKS, {"order_by": "task_id"}, "{'order_by': ['Unknown field.']}"),
    ("PATCH", "/dags/a", {"is_paused": "true"}, "'true' is not of type 'boolean' - 'is_paused'"),
    ("POST", "/variables", {"key": "n"}, f"{{'value': ['{MISSING}']}}"),
    ("POST", "/variables", {"value": "n"}, f"{{'key': ['{MISSING}']}}"),
    ("POST", "/variables", {"key": "n", "value": 5}, "5 is not of type 'string' - 'value'"),
    ("POST", "/variables", {"key": "n", "value": "v", "zz": 1}, "{'zz': ['Unknown field.']}"),
    ("PATCH", "/variables/k", {}, f"{{'key': ['{MISSING}'], 'value': ['{MISSING}']}}"),
    (
        "PATCH",
        "/variables/k",
        {"key": "o", "value": "v"},
        "key from request body doesn't match uri parameter",
    ),
]
REFUSED_3 = [
    ("POST", RUNS, {"dag_run_id": 5, "logical_date": None}, "string_type", ["body", "dag_run_id"]),
    ("POST", RUNS, {"conf": None, "logical_date": None}, "dict_type", ["body", "conf"]),
    ("POST", RUNS, {"state": "queued", "logical_date": None}, "extra_forbidden", ["body", "state"]),
    ("POST", LIST, {"page_limit": -1}, "greater_than_equal", ["body", "page_limit"]),
    ("POST", LIST, {"dag_ids": "a"}, "list_type", ["body", "dag_ids"]),
    ("POST", LIST, {"dag_ids": [{}]}, "string_type", ["body", "dag_ids", 0]),
    ("POST", LIST, {"states": ["nope"]}, "enum", ["body", "states", 0]),
    ("POST", LIST, {"dag_run_ids": ["r"]}, "extra_forbidden", ["body", "dag_run_ids"]),
    ("POST", LIST, None, "missing", ["body"]),
    ("POST", TASKS, {"state": ["none"]}, "enum", ["body", "state", 0]),
    ("PATCH", "/dags/a", {"is_paused": None}, "bool_type", ["body", "is_paused"]),
    ("PATCH", "/dags/a", {}, "missing", ["body", "is_paused"]),
    ("POST", "/variables", {"key": "n"}, "missing", ["body", "value"]),
    ("POST", "/variables", {"key": "n", "value": "v", "zz": 1}, "extra_forbidden", ["body", "zz"]),
    ("PATCH", "/variables/k", {"value": "v"}, "missing", ["body", "key"]),
]


@pytest.fixture
def simulate(new_simulation):
    def go(version):
        work = (SimTask("t", seconds=1.0, log="::error::x\x1b[31m"),)
        stock = Stock(variables={"k": "v"}, descriptions={"k": "d"})
        files = {"a.py": one_dag("a", tasks=work, paused_upon_creation=False, schedule=None)}
        return new_simulation(version, files, stock=stock)

    return go


@pytest.mark.parametrize(("method", "path", "body", "detail"), REFUSED_2)
def test_airflow_2_refuses_a_body_in_words(simulate, method, path, body, detail):
    status, told = simulate("2.10.5").call(method, path, {}, body)
    assert (status, told["detail"]) == (400, detail)


@pytest.mark.parametrize("version", AIRFLOW_3)
@pytest.mark.parametrize(("method", "path", "body", "kind", "where"), REFUSED_3)
def test_airflow_3_refuses_a_body_with_a_list(simulate, version, method, path, body, kind, where):
    status, told = simulate(version).call(method, path, {}, body)
    (item,) = told["detail"]
    assert (status, item["type"], item["loc"]) == (422, kind, where)


@pytest.mark.parametrize(
    ("version", "status"), [("2.4.3", 200), ("2.10.5", 500), ("3.0.6", 400), ("3.3.2", 400)]
)
def test_a_run_id_with_a_blank(simulate, version, status):
    body = {"dag_run_id": "a b", **({} if version in AIRFLOW_2 else {"logical_date": None})}
    assert simulate(version).call("POST", RUNS, {}, body)[0] == status


def test_an_id_is_made_where_none_is_given_and_never_twice(version, simulate):
    simulation = simulate(version)
    body = {} if version in AIRFLOW_2 else {"logical_date": None, "dag_run_id": None}
    made = [simulation.call("POST", RUNS, {}, body) for _ in range(3)]
    assert [status for status, _ in made] == [200, 200, 200]
    ids = {run["dag_run_id"] for _, run in made}
    assert len(ids) == 3
    assert all(run_id.startswith("manual__2026-11-22T02:00:0") for run_id in ids)


def test_a_logical_date_is_given_once(version, simulate):
    simulation = simulate(version)
    told = [
        simulation.call(
            "POST", RUNS, {}, {"dag_run_id": f"r{number}", "logical_date": "2026-01-02T00:00:00Z"}
        )[0]
        for number in range(2)
    ]
    assert told == [200, 409]
    for bad in ("soon", "2026-01-03", "0001-01-01T00:00:00+14:00"):
        assert simulation.call("POST", RUNS, {}, {"dag_run_id": "r3", "logical_date": bad})[0] == 400


@pytest.mark.parametrize("version", AIRFLOW_2)
def test_an_id_of_airflows_own_that_somebody_has_taken_is_a_conflict(version, simulate):
    simulation = simulate(version)
    taken = {"dag_run_id": "manual__2026-01-02T00:00:00+00:00"}
    assert simulation.call("POST", RUNS, {}, taken)[0] == 200
    assert simulation.call("POST", RUNS, {}, {"logical_date": "2026-01-02T00:00:00Z"})[0] == 409


def test_null_in_a_filter_finds_tasks_without_a_state(version, simulate):
    simulation = simulate(version)
    simulation.call("POST", RUNS, {}, {} if version in AIRFLOW_2 else {"logical_date": None})
    found = [simulation.call("POST", TASKS, {}, {"state": [state]})[1] for state in (None, "running")]
    assert [one["total_entries"] for one in found] == [1, 0]


def masked(simulation, mask, **body):
    status, _ = simulation.call("PATCH", "/variables/k", {"update_mask": mask}, {"key": "k", **body})
    stock = simulation.world.stock
    return status, stock.variables["k"], stock.descriptions.get("k")


def test_an_update_without_a_mask_changes_what_was_sent(version, simulate):
    simulation = simulate(version)
    status, told = simulation.call("PATCH", "/variables/k", {}, {"key": "k", "value": "w"})
    assert (status, told["value"]) == (200, "w")
    assert simulation.world.stock.descriptions.get("k") == (None if version == "2.4.3" else "d")


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_a_mask_says_what_an_update_changes(version, simulate):
    assert masked(simulate(version), "description", value="w", description="e") == (200, "v", "e")
    both = masked(simulate(version), ["value", "description"], value="w", description="e")
    assert both == ((200, "w", "e") if version in AIRFLOW_3 else (200, "v", "e")), "2.10 takes the last one"


def test_the_value_in_a_mask_has_another_name_on_each_version(simulate):
    told = {
        (version, name): masked(simulate(version), name, value="w")[:2]
        for version in VERSIONS
        for name in ("value", "val", "value,description")
    }
    assert {key for key, (status, value) in told.items() if (status, value) == (200, "w")} == {
        ("2.4.3", "value"),
        ("2.4.3", "value,description"),
        ("2.10.5", "val"),
        ("3.0.6", "value"),
        ("3.3.2", "value"),
    }
    refused = {key for key, (status, _) in told.items() if status == 400}
    assert refused == {("2.4.3", "val"), ("2.10.5", "value"), ("2.10.5", "value,description")}


def test_an_update_of_what_is_missing(version, simulate):
    simulation = simulate(version)
    body = {"key": "new", "value": "w"}
    assert simulation.call("PATCH", "/variables/new", {}, body)[0] == (200 if version == "2.4.3" else 404)
    assert simulation.call("DELETE", "/variables/none", {}, None)[0] == 404
    assert simulation.call("PUT", "/variables/k", {}, body)[0] == 405


@pytest.mark.parametrize("version", AIRFLOW_3)
def test_airflow_3_keeps_pythons_text_of_any_value(version, simulate):
    simulation = simulate(version)
    for value, kept in ((5, "5"), ({"a": 1}, "{'a': 1}"), (None, "None")):
        assert simulation.call("POST", "/variables", {}, {"key": f"n{kept}", "value": value})[0] == 201
        assert simulation.world.stock.variables[f"n{kept}"] == kept


def test_a_variable_that_is_made_again_has_no_old_description(version, simulate):
    simulation = simulate(version)
    assert simulation.call("DELETE", "/variables/k", {}, None) == (204, None)
    simulation.call("POST", "/variables", {}, {"key": "k", "value": "w"})
    assert simulation.call("GET", "/variables/k", {}, None)[1]["description"] is None


def test_a_log_is_shaped_as_measured_and_comes_as_it_was_written(version, simulate):
    simulation = simulate(version)
    simulation.call(
        "POST", RUNS, {}, {"dag_run_id": "r", **({} if version in AIRFLOW_2 else {"logical_date": None})}
    )
    simulation.lab.pass_(20)
    logs = f"{RUNS}/r/taskInstances/t/logs"
    status, told = simulation.call("GET", f"{logs}/1", {}, None)
    assert (status, set(told)) == (200, {"content", "continuation_token"})
    if version in AIRFLOW_2:
        assert told["content"].startswith("[('")
        assert isinstance(told["continuation_token"], str)
        assert "::error::x\\x1b[31m" in told["content"], "as Python's text of a list"
        assert simulation.call("GET", f"{logs}/7", {}, None)[0] == 200
        assert "Try number 0 is invalid" in simulation.call("GET", f"{logs}/0", {}, None)[1]["content"]
    else:
        assert told["continuation_token"] is None
        assert "::error::x\x1b[31m" in [one["event"] for one in told["content"]]
        assert {simulation.call("GET", f"{logs}/{number}", {}, None)[0] for number in (0, 2, 7)} == {404}
