"""Pools, connections, variables, roles, schedules and the environment's own facts, as they are and change."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from validator.sandbox.api import KEEPERS, ROLES, Role
from validator.sandbox.files import DagFile, SimDag, SimTask, one_dag, source_of
from validator.sandbox.rules import VERSIONS
from validator.sandbox.simulation import STATUSES, Simulation
from validator.sandbox.stock import SimConnection, Stock, masked, secret_like
from validator.sandbox.wire import environment_answer

AIRFLOW_2, AIRFLOW_3 = VERSIONS[:2], VERSIONS[2:]
SECRETS = ("s3cr3t-value", "s3cr3t-password", "s3cr3t-token")


def names(simulation, plural, key, **query):
    status, body = simulation.call("GET", f"/{plural}", query, None)
    return [row[key] for row in body[plural]] if status == 200 else status


def test_the_stock_changes_by_events(version, new_simulation):
    simulation = new_simulation(version, stock=Stock(pools={"etl": 4}))
    world, lab = simulation.world, simulation.lab
    world.set_pool("etl", 8, at=1)
    world.set_pool("more", 1, at=2)
    world.set_connection("db", SimConnection("postgres"), at=1)
    world.set_variable("bucket", "b", at=1)
    world.set_pool("etl", None, at=3)
    world.set_connection("db", None, at=3)
    world.set_variable("bucket", None, at=3)

    def listed():
        keys = {"pools": "name", "connections": "connection_id", "variables": "key"}
        return tuple(names(simulation, plural, key) for plural, key in keys.items())

    assert listed() == (["default_pool", "etl"], [], [])
    lab.pass_(2.5)
    assert listed() == (["default_pool", "etl", "more"], ["db"], ["bucket"])
    assert simulation.call("GET", "/pools/etl", {}, None)[1]["slots"] == 8
    lab.pass_(1)
    assert listed() == (["default_pool", "more"], [], [])
    assert simulation.call("GET", "/pools/default_pool", {}, None)[1]["slots"] == 128


def test_the_stock_comes_in_pages_as_the_lists_of_dags_do(version, new_simulation):
    variables = {f"v{number:03}": "x" for number in range(120)}
    simulation = new_simulation(version, stock=Stock(pools={"b": 7, "a": 10}, variables=variables))
    size = 100 if version in AIRFLOW_2 else 50
    assert len(names(simulation, "variables", "key")) == size
    longest = 120 if version == "3.0.6" else 100
    assert len(names(simulation, "variables", "key", limit=1000)) == longest
    assert names(simulation, "variables", "key", limit=2, offset=118) == ["v118", "v119"]
    assert names(simulation, "pools", "name", order_by="name") == ["a", "b", "default_pool"]
    assert names(simulation, "pools", "name", order_by="-slots") == ["default_pool", "a", "b"]
    assert names(simulation, "pools", "name", order_by="bogus") == 400
    found = names(simulation, "variables", "key", variable_key_pattern="v01_")
    assert found == ([f"v01{digit}" for digit in range(10)] if version in AIRFLOW_3 else 400)


def test_a_variables_key_may_hold_slashes(version, new_simulation):
    simulation = new_simulation(version, stock=Stock(variables={"team/a": "x"}))
    for path in ("/variables/team/a", "/variables/team%2Fa"):
        assert simulation.call("GET", path, {}, None)[1]["key"] == "team/a"
    assert simulation.call("GET", "/pools/team%2Fa", {}, None)[0] == 404


@pytest.mark.parametrize("role", [*ROLES, "team"])
def test_who_may_read_what(version, role, new_simulation):
    simulation = new_simulation(version, role=role, stock=Stock(variables={"v": "x"}))
    simulation.role = Role(role, frozenset({"a"}) if role == "team" else frozenset())
    kept = ("/variables", "/variables/v", "/variables/none", "/connections", "/connections/none")
    for path in kept:
        allowed = role in KEEPERS
        assert (simulation.call("GET", path, {}, None)[0] != 403) is allowed, path
    for path in ("/pools", "/pools/default_pool", "/dags/none/tasks"):
        allowed = role not in ("Public", "team")
        assert (simulation.call("GET", path, {}, None)[0] != 403) is allowed, path
    for path in ("/dags/a/tasks", "/dagWarnings", "/dagSources/a"):
        allowed = role != "Public"
        assert (simulation.call("GET", path, {}, None)[0] != 403) is allowed, path


@pytest.mark.parametrize("version", AIRFLOW_2)
def test_a_limited_role_reads_only_its_own_warnings_and_sources(version, new_simulation):
    bad = (SimTask("t", pool="none"),)
    shared = DagFile((SimDag("mine", tasks=bad), SimDag("theirs", tasks=bad)))
    simulation = new_simulation(version, {"shared.py": shared, "a.py": one_dag("a")})
    _, dag = simulation.call("GET", "/dags/mine", {}, None)
    simulation.role = Role("team", frozenset({"mine", "a"}))
    assert simulation.call("GET", "/dagWarnings", {}, None)[1]["total_entries"] == 1
    assert simulation.call("GET", "/dagWarnings", {"dag_id": "theirs"}, None)[0] == 403
    assert simulation.call("GET", f"/dagSources/{dag['file_token']}", {}, None)[0] == 403
    _, own = simulation.call("GET", "/dags/a", {}, None)
    _, body = simulation.call("GET", f"/dagSources/{own['file_token']}", {}, None)
    assert body == {"content": source_of(one_dag("a"), "a.py")}


PATHS = """
/version /health /monitor/health /dags /dags/a /dags/a/tasks /dags/a/tasks/t1 /dagSources/a /importErrors
/dagWarnings /pools /pools/default_pool /pools/s3cr3t /connections/none /variables/none /variables/ /nothing
"""


def test_a_secret_is_told_by_nothing_but_its_own_endpoints(version, new_simulation):
    value, password, token = SECRETS
    extra = json.dumps({"token": token, "region": "eu"})
    stock = Stock(
        connections={"db": SimConnection("http", password=password, extra=extra)},
        variables={"db_password": value, "json": json.dumps({"api_key": token})},
    )
    simulation = new_simulation(version, {"a.py": one_dag("a"), "b.py": one_dag("b").broken()}, stock=stock)
    told = [simulation.call("GET", path, {}, None) for path in PATHS.split()]
    told.append(json.loads(environment_answer("sandbox", simulation.environment()).body))
    assert not [secret for secret in SECRETS if secret in json.dumps(told)]
    shown = json.dumps([simulation.call("GET", f"/{one}", {}, None) for one in ("variables", "connections")])
    one = json.dumps(simulation.call("GET", "/connections/db", {}, None))
    assert (value in shown) is (version in AIRFLOW_2)
    assert password not in shown + one
    assert token not in one
    assert "eu" in one


def test_secrets_are_known_by_their_keys():
    assert secret_like("DB_PASSWORD")
    assert not secret_like("bucket")
    assert masked('{"a": [{"secret": 1, "b": 2}]}') == '{"a": [{"secret": "***", "b": 2}]}'
    assert masked("[1") == "[1"
    assert masked("12") == "12"


def test_get_environment_tells_what_it_was_given(new_simulation):
    lab = new_simulation("3.0.6").lab
    simulation = Simulation(
        lab.world,
        options={"core.x": "1"},
        facts={"EnvironmentClass": "mw1.large", "PluginsS3ObjectVersion": None},
    )
    told = json.loads(environment_answer("prod", simulation.environment()).body)["Environment"]
    assert told["Name"] == "prod"
    assert told["EnvironmentClass"] == "mw1.large"
    assert told["AirflowConfigurationOptions"] == {"core.x": "1"}
    assert told["RequirementsS3ObjectVersion"] == "requirements-1"
    assert "PluginsS3ObjectVersion" not in told
    assert told["SourceBucketArn"] == "arn:aws:s3:::sandbox-bucket"
    assert (told["DagS3Path"], told["WebserverAccessMode"]) == ("dags", "PUBLIC_ONLY")
    simulation.facts["RequirementsS3ObjectVersion"] = "new"
    assert simulation.environment()["RequirementsS3ObjectVersion"] == "new"


def test_an_environment_updates_at_a_time(new_simulation):
    simulation = new_simulation("3.0.6")
    lab = simulation.lab
    start = lab.clock
    simulation.become("UPDATING", at=10)
    simulation.become("AVAILABLE", at=20)
    seen = []
    for _ in range(3):
        told = simulation.environment()
        seen.append((told["Status"], told["LastUpdate"]["Status"], told["LastUpdate"]["CreatedAt"]))
        lab.clock += timedelta(seconds=10)
    began = start.timestamp() + 10
    assert seen == [
        ("AVAILABLE", "SUCCESS", start.timestamp() - 86_400),
        ("UPDATING", "PENDING", began),
        ("AVAILABLE", "SUCCESS", began),
    ]
    with pytest.raises(ValueError, match="no status"):
        simulation.become("BUSY")
    assert "UPDATE_FAILED" in STATUSES


@pytest.mark.parametrize(
    ("schedule", "two", "three", "described"),
    [
        (None, None, None, "Never, external triggers only"),
        ("@daily", {"__type": "CronExpression", "value": "@daily"}, "0 0 * * *", "At 00:00"),
        ("0 3 * * *", {"__type": "CronExpression", "value": "0 3 * * *"}, "0 3 * * *", ""),
        (
            "1 day, 6:00:05",
            {"__type": "TimeDelta", "days": 1, "microseconds": 0, "seconds": 21605},
            "1 day, 6:00:05",
            "",
        ),
        ("6:00:00", {"__type": "TimeDelta", "days": 0, "microseconds": 0, "seconds": 21600}, "6:00:00", ""),
        ("Asset", {"__type": "CronExpression", "value": "Dataset"}, "Asset", None),
        ("Dataset", {"__type": "CronExpression", "value": "Dataset"}, "Asset", None),
    ],
)
def test_a_schedule_in_the_words_of_each_version(version, schedule, two, three, described, new_simulation):
    simulation = new_simulation(version, {"a.py": one_dag("a", schedule=schedule)})
    _, dag = simulation.call("GET", "/dags/a", {}, None)
    assert dag["schedule_interval" if version in AIRFLOW_2 else "timetable_summary"] == (
        two if version in AIRFLOW_2 else three
    )
    by_data = "Triggered by datasets" if version in AIRFLOW_2 else "Triggered by assets"
    assert dag["timetable_description"] == (by_data if described is None else described)
