"""Details held against the recorded answers of real servers; hostile ones are refused, and no secret ever comes through."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from validator.airflow.details import DetailReader, nothing_read
from validator.airflow.dialect import (
    AIRFLOW_2_DIALECT,
    AIRFLOW_3_DIALECT,
    dialect_of,
    parse_version,
    read_dag,
    read_page,
)
from validator.airflow.models import (
    Connection,
    Details,
    Observation,
    Pool,
    Task,
    Unread,
    Walk,
)
from validator.airflow.observe import Observer
from validator.checks.interface import Times, view_of
from validator.checks.registry import run_checks
from validator.conclude import conclude
from validator.decision import Verdict, decide
from validator.errors import CallFailed, CannotTell
from validator.expectations import Expectations
from validator.gate import Outcome
from validator.manifest.model import ExpectedConnection, ExpectedDag, ExpectedPool, Manifest
from validator.plan import Inquiry
from validator.reasons import Reason
from validator.report.console import render_plain, render_terminal
from validator.report.registry import FORMATS
from validator.rules import Rules
from validator.state import State

FOLDER = Path(__file__).parents[3] / "shared" / "recordings"
VERSIONS = ("2.4.3", "2.10.5", "3.0.6", "3.3.2")
AIRFLOW_3 = ("3.0.6", "3.3.2")
WITH_ROLES = ("2.10.5", "3.0.6", "3.3.2")
NOW = datetime(2026, 11, 22, 3, tzinfo=timezone.utc)


def recorded(version, name):
    told = json.loads((FOLDER / version / f"{name}.json").read_text(encoding="utf-8"))
    path = told["path"].removeprefix("/api/v1").removeprefix("/api/v2")
    return path, (told["status"], told["response"])


def replayed(memory, version, *names, **others):
    """A server that gives these recorded answers at their own paths, and a reader of it."""
    memory.airflow.routes = dict(recorded(version, name) for name in names)
    memory.airflow.routes |= others
    return DetailReader(memory.caller, workers=4)


def read(memory, version, inquiry, *names):
    return replayed(memory, version, *names).read(inquiry, parse_version(version), deadline=100.0)


# What real servers said.


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_tasks_are_read(memory, version):
    told = read(memory, version, Inquiry(tasks=("m_task",)), "tasks_ok").tasks["m_task"]

    names = ["t1"] if version == "2.4.3" else ["t1", "t2"]
    assert told == tuple(Task(name, "default_pool") for name in names)


@pytest.mark.parametrize("version", VERSIONS)
def test_tasks_of_an_unknown_dag_are_unread_and_not_none(memory, version):
    told = read(memory, version, Inquiry(tasks=("no_such",)), "tasks_404").tasks["no_such"]

    assert isinstance(told, Unread)
    assert (told.reason, told.status) == (Reason.NOT_FOUND, 404)


@pytest.mark.parametrize("version", AIRFLOW_3)
def test_a_recorded_source_is_read_as_it_is(memory, version):
    told = read(memory, version, Inquiry(sources={"m.py": "m_task"}), "dagSources_ok").sources

    assert told == {"m.py": recorded(version, "dagSources_ok")[1][1]["content"]}
    assert told["m.py"].startswith("import datetime as dt\n")


@pytest.mark.parametrize("version", AIRFLOW_3)
def test_a_source_of_an_unknown_dag_is_unread(memory, version):
    told = read(memory, version, Inquiry(sources={"m.py": "no_such"}), "dagSources_404").sources["m.py"]

    assert told.reason is Reason.NOT_FOUND


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_warnings_are_read(memory, version):
    told = read(memory, version, Inquiry(warnings=True), "dagWarnings").warnings

    assert told.whole
    rows = [(one.dag_id, one.kind) for one in told.rows]
    assert rows == ([("m_pool", "non-existent pool")] if version.startswith("2") else []), "3.x warns of none"
    assert all("no_such_pool" in one.message for one in told.rows)


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_pools_are_read(memory, version):
    told = read(memory, version, Inquiry(pools=True), "pools").pools

    assert (told.rows, told.whole) == ((Pool("default_pool", 128),), True)


@pytest.mark.parametrize("version", VERSIONS)
def test_of_recorded_connections_only_id_and_type_are_kept(memory, version):
    told = read(memory, version, Inquiry(connections=True), "connections").connections

    assert (told.rows, told.whole) == ((Connection("h1_conn", "http"),), True)


@pytest.mark.parametrize("version", VERSIONS)
def test_of_recorded_variables_only_their_existence_is_known(memory, version):
    wanted = Inquiry(variables=("h1_secret_password", "nope"))

    told = read(memory, version, wanted, "variable_secret", "variable_404").variables

    assert told == {"h1_secret_password": True, "nope": False}
    assert sorted(path for path, _ in memory.airflow.asked) == [
        "/variables/h1_secret_password",
        "/variables/nope",
    ], "never the list: on Airflow 2 it holds every value in clear"


@pytest.mark.parametrize("version", WITH_ROLES)
def test_a_viewers_connections_are_refused_and_not_missing(memory, version):
    told = read(memory, version, Inquiry(connections=True), "role_viewer_connections").connections

    assert (told.unread.reason, told.unread.status) == (Reason.ACCESS_DENIED, 403)
    assert not told.whole


@pytest.mark.parametrize("version", WITH_ROLES)
def test_a_viewers_variables_are_refused_and_not_missing(memory, version):
    """The list was recorded; one key is refused in the same way."""
    _, answer = recorded(version, "role_viewer_variables")
    reader = replayed(memory, version, **{"/variables/key": answer})

    told = reader.read(Inquiry(variables=("key",)), parse_version(version), 100.0).variables["key"]

    assert (told.reason, told.status) == (Reason.ACCESS_DENIED, 403)


def rows_of(version, name):
    """The rows of a recorded list of DAGs, or its one DAG."""
    body = recorded(version, name)[1][1]
    rows = read_page(body, "dags")[0] if "dags" in body else [body]
    dialect = dialect_of(parse_version(version))
    return [(row, read_dag(row, dialect).attributes) for row in rows]


@pytest.mark.parametrize("version", VERSIONS)
def test_sources_are_asked_for_by_a_files_token_on_airflow_2_and_by_dag_id_on_3(version):
    dialect = dialect_of(parse_version(version))
    key = "file_token" if version.startswith("2.") else "dag_id"
    body = recorded(version, "dags_limit1000")[1][1]

    rows = read_page(body, "dags")[0]

    assert rows
    assert all(read_dag(row, dialect).source_key == row[key] for row in rows)
    assert read_dag({**rows[0], key: rows[0]["dag_id"]}, dialect).source_key
    if key == "file_token":
        assert read_dag({**rows[0], key: None}, dialect).source_key is None


@pytest.mark.parametrize("version", VERSIONS)
def test_the_attributes_of_every_recorded_dag_are_told(version):
    for row, told in rows_of(version, "dags_limit1000"):
        assert set(told.tags) == {tag["name"] for tag in row["tags"]}
        assert list(told.owners) == row["owners"]
        assert told.max_active_runs == row["max_active_runs"]
        assert told.description == (row["description"] or "")


@pytest.mark.parametrize("dialect", [AIRFLOW_2_DIALECT, AIRFLOW_3_DIALECT], ids=["2", "3"])
def test_a_blank_before_a_second_owner_is_none_of_its_name(dialect):
    row = {
        "dag_id": "a",
        "is_active": True,
        "is_stale": False,
        "has_import_errors": False,
        "last_parsed_time": None,
        "owners": ["alice", " bob", " data eng"],  # Airflow 2.10.5 cuts `alice, bob, data eng` at the commas
    }

    assert read_dag(row, dialect).attributes.owners == ("alice", "bob", "data eng")


@pytest.mark.parametrize("version", VERSIONS)
def test_one_schedule_is_the_same_on_every_version(version):
    told = {row["dag_id"]: attributes.schedule for row, attributes in rows_of(version, "dags_limit1000")}

    assert told["gen_000"] == "0 0 * * *"
    assert told["PAT_X"] == "none"
    assert set(told.values()) == {"0 0 * * *", "none", "asset"}


@pytest.mark.parametrize("version", ["2.10.5", "3.0.6", "3.3.2"])
def test_a_dag_that_runs_hourly_is_told_so(version):
    ((_, told),) = rows_of(version, "dag_ok")

    assert (told.schedule, set(told.tags), told.description) == ("0 * * * *", {"mut", "v2"}, "v2")


@pytest.mark.parametrize("dialect", [AIRFLOW_2_DIALECT, AIRFLOW_3_DIALECT], ids=["2", "3"])
def test_attributes_that_are_not_there_or_of_another_type_are_not_told(dialect):
    row = {
        "dag_id": "a",
        "is_active": True,
        "is_stale": False,
        "has_import_errors": False,
        "last_parsed_time": None,
    }
    nonsense = {
        "tags": "v2", "owners": {"ann": 1}, "max_active_runs": "16", "description": 7,
        "schedule_interval": 7, "timetable_summary": ["@daily"],
    }  # fmt: skip
    other = {
        "tags": [{"label": "v2"}], "owners": ["ann", None], "max_active_runs": True, "description": ["x"],
        "schedule_interval": {"__type": "New"}, "timetable_summary": {"a": 1},
    }  # fmt: skip
    for told in (row, row | nonsense, row | other):
        attributes = read_dag(told, dialect).attributes
        assert vars(attributes) == dict.fromkeys(
            ("schedule", "tags", "owners", "max_active_runs", "description")
        )


# What no server should say.

TWO, THREE = parse_version("2.10.5"), parse_version("3.0.6")
ALL = Inquiry(
    tasks=("a",), sources={"a.py": "a"}, warnings=True, variables=("key",), connections=True, pools=True
)
BODIES = [None, "text", 7, True, [], {}, [{}], "<html>"]
BAD_TASKS = [
    *BODIES, {"tasks": None}, {"tasks": {}}, {"tasks": ["t"]}, {"tasks": [None]}, {"tasks": [{}]},
    {"tasks": [{"task_id": None}]}, {"tasks": [{"task_id": ""}]}, {"tasks": [{"task_id": ["t"]}]},
    {"tasks": [{"task_id": "t"}, {"task_id": 7}]},
]  # fmt: skip
BAD_SOURCES = [*BODIES, {"content": None}, {"content": ["x"]}, {"content": 7}, {"text": "x"}]
BAD_VARIABLES = [*BODIES, {"key": None}, {"key": "KEY"}, {"key": ["key"]}, {"value": "key"}]
BAD_CONNECTIONS = [{}, {"connection_id": None}, {"connection_id": ""}, {"conn_id": "x"}, "x", None]
BAD_POOLS = [
    {}, {"name": "p"}, {"slots": 4}, {"name": "", "slots": 4}, {"name": "p", "slots": "4"},
    {"name": "p", "slots": True}, {"name": "p", "slots": None}, {"name": "p", "slots": 4.0}, "p", None,
]  # fmt: skip
BAD_WARNINGS = [
    {}, {"dag_id": "a"}, {"dag_id": "a", "warning_type": "x"},
    {"dag_id": None, "warning_type": "x", "message": "m"}, {"dag_id": "a", "warning_type": 7, "message": "m"},
    {"dag_id": "a", "warning_type": "x", "message": None}, "a", None,
]  # fmt: skip


def answered(memory, path, body, inquiry, version=THREE, status=200):
    memory.airflow.routes = {path: (status, body)}
    return DetailReader(memory.caller, workers=2).read(inquiry, version, 100.0)


@pytest.mark.parametrize("body", BAD_TASKS)
def test_tasks_that_are_none_are_a_bad_response(memory, body):
    told = answered(memory, "/dags/a/tasks", body, Inquiry(tasks=("a",))).tasks["a"]

    assert isinstance(told, Unread)
    assert told.reason is Reason.BAD_RESPONSE


@pytest.mark.parametrize("body", BAD_SOURCES)
def test_a_source_that_is_none_is_a_bad_response(memory, body):
    told = answered(memory, "/dagSources/a", body, Inquiry(sources={"a.py": "a"})).sources["a.py"]

    assert isinstance(told, Unread)
    assert told.reason is Reason.BAD_RESPONSE


@pytest.mark.parametrize("body", BAD_VARIABLES)
def test_a_variable_that_is_none_is_a_bad_response_and_neither_there_nor_missing(memory, body):
    told = answered(memory, "/variables/key", body, Inquiry(variables=("key",))).variables["key"]

    assert isinstance(told, Unread)
    assert told.reason is Reason.BAD_RESPONSE


LISTS = [
    ("connections", "/connections", "connections", BAD_CONNECTIONS),
    ("pools", "/pools", "pools", BAD_POOLS),
    ("warnings", "/dagWarnings", "dag_warnings", BAD_WARNINGS),
]


@pytest.mark.parametrize(("kind", "path", "key", "row"), [(*one[:3], row) for one in LISTS for row in one[3]])
def test_a_row_that_is_none_spoils_its_list(memory, kind, path, key, row):
    walk = getattr(answered(memory, path, {key: [row], "total_entries": 1}, Inquiry(**{kind: True})), kind)

    assert walk.unread.reason is Reason.BAD_RESPONSE
    assert not walk.whole


@pytest.mark.parametrize(("kind", "path", "key", "_"), LISTS)
@pytest.mark.parametrize("body", [*BODIES, {"total_entries": 0}, {"rows": [], "total_entries": 0}])
def test_a_list_that_is_none_is_a_bad_response(memory, kind, path, key, _, body):
    walk = getattr(answered(memory, path, body, Inquiry(**{kind: True})), kind)

    assert walk.unread.reason is Reason.BAD_RESPONSE
    assert not walk.whole


@pytest.mark.parametrize(("kind", "path", "key", "_"), LISTS)
def test_a_list_shorter_than_its_total_is_not_whole(memory, kind, path, key, _):
    walk = getattr(answered(memory, path, {key: [], "total_entries": 3}, Inquiry(**{kind: True})), kind)

    assert not walk.whole


@pytest.mark.parametrize("status", [301, 400, 401, 403, 405, 409, 422, 429, 500, 503])
def test_only_404_says_that_a_variable_is_missing(memory, status):
    told = answered(memory, "/variables/key", {"key": "key"}, Inquiry(variables=("key",)), status=status)

    assert isinstance(told.variables["key"], Unread)
    assert told.variables["key"].status == status


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "tasks",
                    "task_id",
                    "pool",
                    "content",
                    "key",
                    "value",
                    "connections",
                    "connection_id",
                    "conn_type",
                    "pools",
                    "name",
                    "slots",
                    "dag_warnings",
                    "dag_id",
                    "message",
                    "warning_type",
                    "total_entries",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(json_values)
def test_no_json_at_all_raises_and_every_row_has_its_types(memory, body):
    paths = ["/dags/a/tasks", "/dagSources/a", "/variables/key", "/connections", "/pools", "/dagWarnings"]
    memory.airflow.routes = dict.fromkeys(paths, (200, body))

    told = DetailReader(memory.caller, workers=2).read(ALL, THREE, memory.clock.now() + 1.0)

    tasks, source = told.tasks["a"], told.sources["a.py"]
    assert isinstance(tasks, Unread) or all(isinstance(one.task_id, str) and one.task_id for one in tasks)
    assert isinstance(source, (Unread, str))
    assert told.variables["key"] is True or isinstance(told.variables["key"], Unread)
    assert all(isinstance(one.conn_id, str) for one in told.connections.rows)
    assert all(type(one.slots) is int for one in told.pools.rows)
    assert all(isinstance(one.dag_id, str) for one in told.warnings.rows)


# What is asked, and how.


def test_nothing_is_asked_for_that_nobody_wants(memory):
    told = answered(memory, "/pools", {}, Inquiry())

    assert told == Details()
    assert memory.airflow.asked == []
    assert not Inquiry()


@pytest.mark.parametrize("field", ["warnings", "connections", "pools"])
def test_an_inquiry_after_one_thing_is_one(field):
    assert Inquiry(**{field: True})


def test_ids_are_escaped_in_paths(memory):
    answered(memory, "/x", {}, Inquiry(tasks=("a b/ü",), sources={"a.py": "a.b~c"}))

    assert sorted(path for path, _ in memory.airflow.asked) == [
        "/dagSources/a.b~c",
        "/dags/a%20b%2F%C3%BC/tasks",
    ]


def test_a_key_with_a_slash_is_asked_for_as_it_is_on_airflow_3(memory):
    body = {"key": "team/key one", "value": "x"}

    told = answered(memory, "/variables/team/key%20one", body, Inquiry(variables=("team/key one",)))

    assert told.variables == {"team/key one": True}


def test_a_key_with_a_slash_cannot_be_asked_for_on_airflow_2(memory):
    told = answered(memory, "/variables/a/b", {"key": "a/b"}, Inquiry(variables=("a/b",)), TWO)

    assert isinstance(told.variables["a/b"], Unread)
    assert memory.airflow.asked == []


def test_long_lists_are_read_to_the_end(memory):
    rows = [{"name": f"p{n}", "slots": n} for n in range(230)]
    memory.airflow.routes = {
        "/pools": lambda query: (
            200,
            {"pools": rows[query["offset"] :][: query["limit"]], "total_entries": len(rows)},
        )
    }

    told = DetailReader(memory.caller, workers=2).read(Inquiry(pools=True), THREE, 100.0).pools

    assert told.whole
    assert len(told.rows) == 230


def test_one_that_fails_takes_no_other_with_it(memory):
    memory.airflow.routes = {
        "/dags/a/tasks": (200, {"tasks": [{"task_id": "t", "pool": "p"}]}),
        "/dags/b/tasks": CallFailed(Reason.PATH_TOO_LONG, "too long", retry=False),
    }

    told = DetailReader(memory.caller, workers=2).read(Inquiry(tasks=("a", "b")), THREE, 100.0).tasks

    assert told["a"] == (Task("t", "p"),)
    assert told["b"].reason is Reason.PATH_TOO_LONG


def observed():
    return Observation(NOW, NOW, THREE)


def test_what_no_call_can_mend_leaves_everything_unread_for_good(memory):
    denied = CannotTell(Reason.ACCESS_DENIED, "AWS refuses", advice="Allow it.")
    memory.airflow.routes = dict.fromkeys(
        ["/dags/a/tasks", "/dagSources/a", "/variables/key", "/connections", "/pools", "/dagWarnings"], denied
    )
    observer = Observer(memory.caller, memory.server, "probe")

    details = observer.inquire(ALL, observed(), 100.0).details

    unread = Unread(Reason.ACCESS_DENIED, "AWS refuses", heals=False, advice="Allow it.")
    assert details == nothing_read(ALL, unread)
    assert details.tasks == {"a": unread}
    assert details.connections == Walk(unread=unread)


def test_before_a_version_is_known_nothing_is_asked(memory):
    observer = Observer(memory.caller, memory.server, "probe")
    nothing = replace(observed(), version=None)

    assert observer.inquire(Inquiry(pools=True), nothing, 100.0) is nothing
    assert memory.airflow.asked == []


# Secrets: what Airflow tells of them is dropped where it is read.

SECRETS = ["s3cr3tvalue", "descr1ption-text", "p4ssw0rd", "t0k3n-in-extra", "l0gin-name", "secret-host"]
POISONED = {
    "connection_id": "db", "conn_type": "postgres", "password": "p4ssw0rd", "login": "l0gin-name", "host": "secret-host",
    "extra": '{"token": "t0k3n-in-extra"}', "schema": "s3cr3tvalue", "description": "s3cr3tvalue",
}  # fmt: skip
DEMANDS = Manifest(
    dags=(ExpectedDag("a"),),
    variables=("h1_secret_password", "gone", "odd", "broken"),
    connections=(ExpectedConnection("db", "postgres"), ExpectedConnection("h1_conn", "mysql")),
    pools=(ExpectedPool("default_pool"),),
)


def everything_said_of(details, version):
    """The observation, every finding, and every report in every format, as one text each."""
    seen = Observation(NOW, NOW, version, details=details, dags=Walk(whole=True), reads_all=True)
    view = view_of(DEMANDS, seen, Times(NOW, NOW, 60.0, 0.0, NOW))
    findings = run_checks(view)
    rules = Rules()
    state, decision = decide(State(answered=True, deployed_at=NOW), findings, 0.0, rules, last=True)
    assert isinstance(decision, Verdict)
    outcome = Outcome(decision.status, decision.findings, state, seen, 1.0, 600.0, view=view)
    report = conclude(
        Expectations(DEMANDS), rules, outcome, environment="e", started_at=NOW, calls=1, request_ids=()
    )
    return {
        "observation": repr(seen),
        "view": repr(view),
        "findings": repr(findings),
        "state": repr(state),
        "plain": render_plain(report, verbose=True),
        "terminal": render_terminal(report, verbose=True),
        **{one.name: one.render(report).decode() for one in FORMATS},
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_no_value_of_a_variable_and_no_secret_of_a_connection_is_said_anywhere(memory, version):
    reader = replayed(memory, version, "variable_secret", "connections", "pools")
    path, (status, body) = recorded(version, "connections")
    rows = [*body["connections"], POISONED]
    secret = recorded(version, "variable_secret")[1][1] | {"value": "s3cr3tvalue"}
    memory.airflow.routes |= {
        path: (status, {"connections": rows, "total_entries": len(rows)}),
        "/variables/h1_secret_password": (200, secret),
        "/variables/gone": (404, {"detail": "no such variable"}),
        "/variables/odd": (200, {"key": "other", "value": "s3cr3tvalue", "description": "descr1ption-text"}),
        "/variables/broken": (200, ["s3cr3tvalue"]),
    }
    inquiry = Inquiry(variables=DEMANDS.variables, connections=True, pools=True)

    details = reader.read(inquiry, parse_version(version), 100.0)

    assert details.variables["h1_secret_password"] is True
    assert len(details.connections.rows) == 2
    for where, text in everything_said_of(details, parse_version(version)).items():
        assert "h1_conn" in text, f"{where} does say what was asked for"
        assert not [secret for secret in SECRETS if secret in text], where


@pytest.mark.parametrize("spoilt", [{"connection_id": None}, {"connection_id": ["s3cr3tvalue"]}])
def test_a_connection_of_no_sensible_shape_is_refused_without_being_quoted(memory, spoilt):
    body = {"connections": [POISONED | spoilt], "total_entries": 1}

    details = answered(memory, "/connections", body, Inquiry(connections=True))

    assert details.connections.unread.reason is Reason.BAD_RESPONSE
    for where, text in everything_said_of(details, THREE).items():
        assert not [secret for secret in SECRETS if secret in text], where


@pytest.mark.parametrize(
    "body",
    [
        "s3cr3tvalue",
        {"connections": "s3cr3tvalue", "total_entries": 1},
        {"connections": [], "total_entries": "s3cr3tvalue"},
        ["s3cr3tvalue"],
    ],
)
def test_a_list_of_no_sensible_shape_is_refused_without_being_quoted(memory, body):
    details = answered(memory, "/connections", body, Inquiry(connections=True))

    assert details.connections.unread.reason is Reason.BAD_RESPONSE
    for where, text in everything_said_of(details, THREE).items():
        assert "s3cr3tvalue" not in text, where


def test_a_files_token_that_holds_half_of_a_character_can_be_asked_by(memory):
    told = answered(memory, "/dagSources/%ED%A0%80", {"content": "x"}, Inquiry(sources={"a.py": "\ud800"}))
    assert told.sources == {"a.py": "x"}
