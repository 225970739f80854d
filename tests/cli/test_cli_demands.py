"""Every demand that a manifest can make, once held and once not, by the whole command over real boto3 and HTTP."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from validator.sandbox.api import Role
from validator.sandbox.files import DagFile, SimTask, one_dag, tasks
from validator.sandbox.rules import Rules
from validator.sandbox.server import Fault
from validator.sandbox.stock import SimConnection, Stock
from validator.sandbox.world import World

VERSIONS = ("2.10.5", "3.0.6", "3.3.2")
SETTLED = (
    *("--env", "sandbox", "--interval", "100ms", "--max-tps", "1000", "--deployed-at", "none"),
    *("--grace", "200ms", "--timeout", "10s"),
)
"""Without a deploy there is nothing to wait for."""
SECRETS = ("hidden-Vdefault", "hidden-Vpassword", "hidden-Cpassword", "hidden-Cextra", "hidden-Clogin")
TRUTH = """
    file: etl/daily.py
    paused: false
    schedule: "0 3 * * *"
    tags: ["team:data"]
    owners: [ops, data-eng]
    tasks: [load, extract]
    max_active_runs: 2
    description: Loads the warehouse
"""
EVERYTHING = f"""
version: 1
health: {{require: [triggerer], ignore: [webserver], max_heartbeat_age: 1m}}
dags:
  - simple
  - dag_id: etl{TRUTH}
  - {{pattern: "team_*", min: 2}}
absent: [long_gone]
import_errors: {{scope: all, allow: ["legacy/*.py"]}}
inventory: {{unexpected: fail, allow: ["other_*"]}}
variables: [s3_bucket, api_password]
connections: [api, {{conn_id: warehouse, conn_type: postgres}}]
pools: [default_pool, {{name: etl, min_slots: 4}}]
warnings: fail
mwaa: {{airflow_version: "AIRFLOW", environment_class: mw1.small,
       requirements_s3_object_version: requirements-1, plugins_s3_object_version: plugins-1}}
"""


@pytest.fixture
def airflow(request):
    return getattr(request, "param", "3.0.6")


def files():
    daily = one_dag(
        "etl",
        schedule="0 3 * * *",
        tags=("team:data", "release:7"),
        owners=("data-eng", "ops"),
        description="Loads the warehouse",
        max_active_runs=2,
        paused_upon_creation=False,
        tasks=tasks("extract", SimTask("load", pool="etl")),
    )
    team = {f"team/{name}.py": one_dag(f"team_{name}") for name in ("a", "b")}
    broken = {"legacy/old.py": DagFile().broken()}
    return {
        "etl/daily.py": daily,
        "simple.py": one_dag("simple"),
        "o.py": one_dag("other_o"),
        **team,
        **broken,
    }


@pytest.fixture
def world(airflow):
    """An environment that holds something of everything; every file is parsed five times a second."""
    ahead = [0.0]

    def now():
        return datetime.now(timezone.utc) + timedelta(seconds=ahead[0])

    stock = Stock(
        pools={"etl": 4},
        variables={"s3_bucket": SECRETS[0], "api_password": SECRETS[1]},
        connections={
            "warehouse": SimConnection("postgres", password=SECRETS[2], login=SECRETS[4]),
            "api": SimConnection("http", extra=json.dumps({"region": SECRETS[3], "token": SECRETS[3]})),
        },
    )
    rules = Rules(airflow=airflow, min_file_process_interval=0.2, dir_list_interval=0.3, loop=0.05)
    rules = Rules(**{**vars(rules), "parse": (0.0, 0.01), "parsers": 8})
    one = World(rules, now=now, files=files(), stock=stock)
    one.push_on = lambda seconds: ahead.__setitem__(0, ahead[0] + seconds)
    one.clock = now
    return one


@pytest.fixture
def operator(sandbox):
    """The caller has Airflow's role Op."""
    sandbox.backend.role = Role("Op")
    return sandbox


def reds_of(reports):
    return {(check["id"], check["reason"]) for check in reports.json["checks"] if check["status"] == "failed"}


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
def test_every_demand_at_once_is_green_where_it_holds(gate, manifest, operator, reports, airflow):
    ended = gate("check", manifest(EVERYTHING.replace("AIRFLOW", airflow)), *SETTLED, *reports.options)
    assert ended.code == 0, ended.out
    told = {check["id"]: check["status"] for check in reports.json["checks"]}
    demanded = {f"dags/etl/{name}" for name in TRUTH.split() if name.endswith(":")}
    demanded = {name.removesuffix(":") for name in demanded if name != "dags/etl/team:"}
    demanded |= {
        "dags/etl",
        "dags/simple",
        "dags/team_a",
        "dags/team_b",
        "absent/long_gone",
        "inventory",
    }
    demanded |= {"variables/s3_bucket", "variables/api_password", "connections/api", "connections/warehouse"}
    demanded |= {"pools/default_pool", "pools/etl", "warnings"}
    assert demanded <= told.keys()
    assert {name: told[name] for name in demanded} == dict.fromkeys(demanded, "passed")
    assert {name for name, status in told.items() if status not in ("passed", "skipped")} == set()


BASE = "version: 1\ndags: [simple]\n"
ONE = "version: 1\ndags:\n  - {{dag_id: etl, {}}}\n"
REDS = {
    "dag_id": ("version: 1\ndags: [etl, nowhere]\n", "dags/nowhere", "dag-missing"),
    "file": (ONE.format("file: etl/other.py"), "dags/etl/file", "dag-wrong-file"),
    "paused": (ONE.format("paused: true"), "dags/etl/paused", "dag-paused"),
    "schedule": (ONE.format('schedule: "0 4 * * *"'), "dags/etl/schedule", "dag-attribute-mismatch"),
    "no schedule": (ONE.format("schedule: none"), "dags/etl/schedule", "dag-attribute-mismatch"),
    "tags": (ONE.format('tags: ["team:data", "release:8"]'), "dags/etl/tags", "dag-attribute-mismatch"),
    "owners": (ONE.format("owners: [ops]"), "dags/etl/owners", "dag-attribute-mismatch"),
    "tasks": (ONE.format("tasks: [extract, load, more]"), "dags/etl/tasks", "dag-tasks-mismatch"),
    "fewer tasks": (ONE.format("tasks: [extract]"), "dags/etl/tasks", "dag-tasks-mismatch"),
    "max_active_runs": (
        ONE.format("max_active_runs: 3"),
        "dags/etl/max_active_runs",
        "dag-attribute-mismatch",
    ),
    "description": (ONE.format("description: x"), "dags/etl/description", "dag-attribute-mismatch"),
    "no description": (ONE.format("description: "), "dags/etl/description", "dag-attribute-mismatch"),
    "min": ('version: 1\ndags: [{pattern: "team_*", min: 3}]\n', "patterns/team_*", "dag-missing"),
    "absent": ("version: 1\nabsent: [etl]\n", "absent/etl", "dag-not-absent"),
    "import_errors": (
        f"{BASE}import_errors: {{scope: all}}\n",
        "import-errors/1:legacy/old.py",
        "import-error",
    ),
    "inventory": (
        f"{BASE}inventory: {{unexpected: fail, allow: [o*, t*]}}\n",
        "inventory/etl",
        "unexpected-dag",
    ),
    "variables": (f"{BASE}variables: [s3_bucket, none]\n", "variables/none", "variable-missing"),
    "connections": (f"{BASE}connections: [api, none]\n", "connections/none", "connection-missing"),
    "conn_type": (
        f"{BASE}connections: [{{conn_id: api, conn_type: mysql}}]\n",
        "connections/api",
        "connection-missing",
    ),
    "pools": (f"{BASE}pools: [none]\n", "pools/none", "pool-missing"),
    "min_slots": (f"{BASE}pools: [{{name: etl, min_slots: 5}}]\n", "pools/etl", "pool-missing"),
    "airflow_version": (
        f'{BASE}mwaa: {{airflow_version: "2.9.2"}}\n',
        "environment/airflow_version",
        "environment-mismatch",
    ),
    "environment_class": (
        f"{BASE}mwaa: {{environment_class: mw1.large}}\n",
        "environment/environment_class",
        "environment-mismatch",
    ),
    "requirements": (
        f"{BASE}mwaa: {{requirements_s3_object_version: other}}\n",
        "environment/requirements_s3_object_version",
        "environment-mismatch",
    ),
    "plugins": (
        f"{BASE}mwaa: {{plugins_s3_object_version: other}}\n",
        "environment/plugins_s3_object_version",
        "environment-mismatch",
    ),
}


@pytest.mark.parametrize(
    ("airflow", "key"),
    [(VERSIONS[number % 3], key) for number, key in enumerate(REDS)],
    indirect=["airflow"],
)
def test_one_demand_that_does_not_hold_is_red_for_its_own_reason(gate, manifest, operator, reports, key):
    text, name, reason = REDS[key]
    timeout = ("--timeout", "800ms", "--interval", "400ms") if key in ("dag_id", "min") else ()
    ended = gate("check", manifest(text), *SETTLED, *timeout, *reports.options)
    assert ended.code == 1, ended.out
    assert reds_of(reports) == {(name, reason)}
    assert reason in {failure.get("type") for failure in reports.junit.iter("failure")}
    assert reason in ended.out


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
def test_what_is_wrong_is_told_all_at_once(gate, manifest, operator, reports, world, airflow):
    text = """
version: 1
dags:
  - dag_id: etl
    paused: true
    schedule: "@daily"
    tags: [nobody]
    owners: [nobody]
    tasks: [nothing]
    max_active_runs: 9
    description: other
    file: other.py
variables: [none]
connections: [none]
pools: [none]
"""
    ended = gate("check", manifest(text), *SETTLED, "--no-fail-fast", *reports.options)
    assert ended.code == 1, ended.out
    parts = ("file", "paused", "schedule", "tags", "owners", "tasks", "max_active_runs", "description")
    wanted = {f"dags/etl/{part}" for part in parts} | {"variables/none", "connections/none", "pools/none"}
    assert {name for name, _ in reds_of(reports)} == wanted


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
@pytest.mark.parametrize(("rule", "code"), [("ignore", 0), ("warn", 0), ("fail", 1)])
def test_a_pool_that_is_missing_is_judged_as_warnings_say(
    gate, manifest, operator, reports, world, airflow, rule, code
):
    with operator.backend.lock:
        world.set_pool("etl", None)
    world.push_on(1)
    text = f"version: 1\ndags: [{{dag_id: etl, tasks: [extract, load]}}]\nwarnings: {rule}\n"
    ended = gate("check", manifest(text), *SETTLED, *reports.options)
    assert ended.code == code, ended.out
    told = {check["status"] for check in reports.json["checks"] if check["reason"] == "dag-warning"}
    assert told == {"ignore": set(), "warn": {"warning"}, "fail": {"failed"}}[rule]


@pytest.mark.parametrize(
    ("rule", "code", "reason"),
    [
        ("{require: [triggerer]}", 1, "component-unhealthy"),
        ("{ignore: [triggerer]}", 0, None),
        ("{require: [nothing]}", 1, "component-missing"),
    ],
)
def test_a_component_that_is_dead_is_judged_as_health_says(
    gate, manifest, sandbox, reports, world, rule, code, reason
):
    with sandbox.backend.lock:
        world.kill("triggerer")
    world.push_on(200)
    ended = gate(
        "check",
        manifest(f"{BASE}health: {rule}\n"),
        *SETTLED,
        "--timeout",
        "700ms",
        "--interval",
        "400ms",
        *reports.options,
    )
    assert ended.code == code, ended.out
    assert reason is None or reason in {name for _, name in reds_of(reports)}


def test_a_heartbeat_that_is_older_than_demanded_is_not_green(gate, manifest, sandbox, reports, world):
    with sandbox.backend.lock:
        world.kill("scheduler")
    world.push_on(10)  # it is still called healthy
    text = f"{BASE}health: {{max_heartbeat_age: AGE}}\n"
    assert gate("check", manifest(text.replace("AGE", "1m")), *SETTLED).code == 0
    ended = gate(
        "check",
        manifest(text.replace("AGE", "2s")),
        *SETTLED,
        "--timeout",
        "500ms",
        "--interval",
        "400ms",
        *reports.options,
    )
    assert ended.code == 1
    assert {reason for _, reason in reds_of(reports)} == {"heartbeat-old"}


FAST = ("--env", "sandbox", "--max-tps", "1000")
QUICK = "timeout: 900ms, interval: 300ms, sync: 0s, settle: 0s, grace: 0s"


@pytest.mark.parametrize(
    ("rules", "code", "reason"),
    [
        ("", 0, None),
        (", stable_for: 300ms", 0, None),
        (", stable_for: 1m", 1, "undecided"),
        (", sync: 1h", 1, "dag-stale"),
        (", settle: 1h", 1, "dag-stale"),
    ],
)
def test_the_gates_own_times_are_taken_from_the_manifest(
    gate, manifest, sandbox, reports, world, rules, code, reason
):
    at = str((world.clock() - timedelta(milliseconds=300)).timestamp())
    block = QUICK
    for rule in filter(None, rules.split(", ")):
        block = ", ".join(
            [one for one in block.split(", ") if one.split(":")[0] != rule.split(":")[0]] + [rule]
        )
    text = f"{BASE}gate: {{{block}}}\n"
    ended = gate("check", manifest(text), *FAST, "--deployed-at", at, *reports.options)
    assert ended.code == code, ended.out
    assert {name for _, name in reds_of(reports)} == ({reason} if reason else set())
    assert reports.json["duration_s"] < 3


def test_without_fail_fast_a_final_red_waits_for_the_time_to_be_up(gate, manifest, sandbox, reports, world):
    at = str((world.clock() - timedelta(milliseconds=300)).timestamp())
    text = "version: 1\ndags: [simple, {dag_id: etl, file: wrong.py}]\ngate: {fail_fast: FAST, settle: 1h}\n"
    took = {}
    for fast in ("true", "false"):
        times = (*("--deployed-at", at, "--sync", "0s", "--timeout", "1500ms"), *reports.options)
        assert gate("check", manifest(text.replace("FAST", fast)), *SETTLED, *times).code == 1
        took[fast] = reports.json["duration_s"]
    assert took["true"] < took["false"]
    assert took["false"] > 1.2


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
@pytest.mark.parametrize("demand", ["variables: [s3_bucket]", "connections: [api]"])
def test_a_viewer_cannot_tell_of_variables_and_connections_and_is_told_of_the_role_op(
    gate, manifest, sandbox, reports, airflow, demand
):
    sandbox.backend.role = Role("Viewer")
    ended = gate("check", manifest(f"{BASE}{demand}\n"), *SETTLED, *reports.options)
    assert ended.code == 3, ended.out
    (error,) = [check for check in reports.json["checks"] if check["status"] == "error"]
    assert error["reason"] == "access-denied"
    assert "role/ENVIRONMENT/Op" in ended.out
    assert reports.json["duration_s"] < 5, "a denial is final after three rounds"


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
def test_a_viewer_may_read_all_the_rest(gate, manifest, sandbox, airflow):
    sandbox.backend.role = Role("Viewer")
    text = EVERYTHING.replace("AIRFLOW", airflow)
    text = "\n".join(line for line in text.splitlines() if not line.startswith(("variables", "connections")))
    ended = gate("check", manifest(text), *SETTLED)
    assert ended.code == 0, ended.out


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
@pytest.mark.parametrize(
    "demand", ["inventory: {unexpected: fail}", "import_errors: {scope: all}", "absent: [long_gone]"]
)
def test_a_role_that_sees_not_every_dag_cannot_tell_of_those_it_does_not_see(
    gate, manifest, sandbox, reports, airflow, demand
):
    sandbox.backend.role = Role("team", readable=frozenset({"simple"}))
    ended = gate("check", manifest(f"{BASE}{demand}\n"), *SETTLED, *reports.options)
    assert ended.code == 3, ended.out
    assert {c["reason"] for c in reports.json["checks"] if c["status"] == "error"} == {"limited-role"}


def test_a_role_that_sees_not_every_dag_is_enough_for_those_it_sees(gate, manifest, sandbox):
    sandbox.backend.role = Role("team", readable=frozenset({"simple"}))
    text = f"{BASE}inventory: {{unexpected: warn}}\n"
    ended = gate("check", manifest(text), *SETTLED)
    assert ended.code == 0, ended.out


@pytest.mark.parametrize("status", ["UPDATING", "PENDING"])
def test_demands_of_an_environment_that_is_not_available_cannot_tell(
    gate, manifest, operator, reports, status
):
    operator.backend.status = status
    text = EVERYTHING.replace("AIRFLOW", "3.0.6")
    ended = gate(
        "check", manifest(text), *SETTLED, "--timeout", "500ms", "--interval", "400ms", *reports.options
    )
    assert ended.code == 3, ended.out
    assert "environment-not-available" in {check["reason"] for check in reports.json["checks"]}


def test_what_getenvironment_must_say_cannot_be_told_where_it_is_denied(gate, manifest, sandbox, reports):
    sandbox.deny_get_environment = True
    text = f"{BASE}mwaa: {{environment_class: mw1.small}}\n"
    ended = gate("check", manifest(text), *SETTLED, "--timeout", "1s", *reports.options)
    assert ended.code == 3, ended.out
    assert "airflow:GetEnvironment" in ended.out


def at_path(start, fault):
    return lambda call: fault if call.path.startswith(start) else None


ROW = {"conn_type": "x", "password": SECRETS[2], "login": SECRETS[4], "extra": f'{{"a": "{SECRETS[3]}"}}'}
ODD = {
    "good": None,
    "a variable of another shape": at_path("/variables", Fault(airflow=(200, {"value": SECRETS[0]}))),
    "a list for a variable": at_path("/variables", Fault(airflow=(200, [{"value": SECRETS[0]}]))),
    "a text for a variable": at_path("/variables", Fault(airflow=(200, SECRETS[0]))),
    "another key": at_path("/variables", Fault(airflow=(200, {"key": "x", "value": SECRETS[0]}))),
    "a key that is none": at_path("/variables", Fault(airflow=(200, {"key": {"x": SECRETS[0]}}))),
    "a row without an id": at_path(
        "/connections", Fault(airflow=(200, {"connections": [ROW], "total_entries": 1}))
    ),
    "a type that is none": at_path(
        "/connections",
        Fault(
            airflow=(
                200,
                {
                    "connections": [{**ROW, "connection_id": "api", "conn_type": {"p": SECRETS[2]}}],
                    "total_entries": 1,
                },
            )
        ),
    ),
    "no total": at_path("/connections", Fault(airflow=(200, {"connections": [ROW]}))),
    "a total that is none": at_path(
        "/connections", Fault(airflow=(200, {"connections": [], "total_entries": ROW}))
    ),
    "a list for connections": at_path("/connections", Fault(airflow=(200, [ROW]))),
    "rows that are none": at_path(
        "/connections", Fault(airflow=(200, {"connections": [SECRETS[2]], "total_entries": 1}))
    ),
}


@pytest.mark.parametrize(
    ("airflow", "odd"),
    [(VERSIONS[number % 2], odd) for number, odd in enumerate(ODD.values())],
    indirect=["airflow"],
)
def test_no_secret_reaches_an_output_a_report_or_a_log(
    gate, manifest, operator, reports, caplog, tmp_path, airflow, odd
):
    caplog.set_level("DEBUG", "validator")
    operator.fault = odd
    text = "version: 1\nvariables: [s3_bucket, api_password, none]\nconnections: [api, warehouse, none]\n"
    ended = gate(
        "check", manifest(text), *SETTLED, "--timeout", "600ms", "--interval", "400ms", "-v", *reports.options
    )
    assert ended.code in (1, 3), ended.out
    said = ended.out + ended.err + caplog.text
    said += "".join(path.read_text() for path in tmp_path.iterdir() if path.name.startswith("r."))
    assert not [secret for secret in SECRETS if secret in said]


@pytest.mark.parametrize("airflow", ["2.10.5", "3.3.2"], indirect=True)
def test_the_installed_command_tells_no_secret_either(child, manifest, operator, reports, airflow):
    text = "version: 1\nvariables: [s3_bucket, api_password]\nconnections: [api, warehouse]\n"
    ended = child("check", manifest(text), *SETTLED, "-v", *reports.options).end()
    assert ended.code == 0, ended.out
    said = ended.out + ended.err + json.dumps(reports.json)
    assert not [secret for secret in SECRETS if secret in said]


@pytest.mark.parametrize("airflow", ["3.0.6", "3.3.2"], indirect=True)
def test_a_pool_that_is_made_while_the_gate_looks_is_seen(gate, manifest, operator, world):
    with operator.backend.lock:
        world.set_pool("etl", None)
    looks = []

    def make_it_at_the_second_look(call):
        looks.append(call.path)
        if call.path == "/pools" and looks.count("/pools") == 2:
            world.set_pool("etl", 4)

    operator.fault = make_it_at_the_second_look
    text = "version: 1\ndags: [{dag_id: etl, tasks: [extract, load]}]\nwarnings: fail\n"
    ended = gate("check", manifest(text), *SETTLED, "--no-fail-fast", "--interval", "100ms")
    assert looks.count("/pools") == 2
    assert ended.code == 0, ended.out


@pytest.mark.parametrize(
    "trouble", [Fault(airflow=(200, {"pools": 1})), Fault(airflow=(403, {"detail": "no"}))]
)
def test_pools_that_cannot_be_read_are_never_green_where_warnings_fail(
    gate, manifest, operator, reports, trouble
):
    operator.fault = lambda call: trouble if call.path == "/pools" else None
    text = "version: 1\ndags: [{dag_id: etl, tasks: [extract, load]}]\nwarnings: RULE\n"
    timeout = ("--timeout", "700ms", "--interval", "400ms")
    assert gate("check", manifest(text.replace("RULE", "fail")), *SETTLED, *timeout).code == 3
    assert gate("check", manifest(text.replace("RULE", "warn")), *SETTLED, *timeout).code == 0
