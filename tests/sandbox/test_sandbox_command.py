"""The sandbox command: its scenario files, its options, and its life as a process."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from itertools import count
from pathlib import Path

import boto3
import pytest

from validator.cli.sandbox import VERSIONS as CHOICES
from validator.cli.sandbox import sandbox
from validator.errors import UsageError
from validator.sandbox import scenario
from validator.sandbox.files import SimTask
from validator.sandbox.rules import VERSIONS
from validator.sandbox.serve import build_backend
from validator.sandbox.stock import SimConnection
from validator.transport.airflow_auth import Auth

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
START = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
OPTIONS = {"airflow": None, "scenario": None, "airflow_url": None, "airflow_config": (), "role": None}


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "scenario.yaml"
        path.write_text(text)
        return path

    return write


def test_the_documented_scenario_runs_as_it_says(written):
    text = re.search(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL).group(1)
    clock = [START]
    simulation = scenario.load(written(text), lambda: clock[0])
    world = simulation.world
    statuses = {}
    for second in range(1, 61):
        clock[0] = START + timedelta(seconds=second)
        statuses[second] = simulation.call("GET", "/dags", {}, None)[0]
        if second == 4:
            assert world.truth("etl_daily").dag.version == "1"
        if second == 9.0 + 5:
            assert world.truth("etl_daily").dag.version == "2"
        if second == 16:
            assert world.metadata.errors["simple.py"].trace == "SyntaxError: no"
            assert not world.metadata.dags["simple"].active
        if second == 27:
            assert not world.metadata.errors
            assert world.metadata.dags["simple"].active
        if second == 34:
            assert not world.alive("scheduler")
        if second == 30:
            assert world.stock.pools == {"etl": 4}
            assert simulation.environment()["Status"] == "AVAILABLE"
        if second == 35:
            assert world.metadata.dags["etl_daily"].active is False
    assert {second for second, status in statuses.items() if status == 503} == set(range(40, 45))
    assert {second for second, status in statuses.items() if status == 403} == set(range(55, 61))
    assert world.metadata.dags["simple"].paused
    assert world.stock.pools == {}
    assert world.stock.connections["api"].conn_type == "postgres"
    assert world.stock.variables == {"s3_bucket": "other", "api_password": "s3cr3t"}
    told = simulation.environment()
    assert (told["Status"], told["SourceBucketArn"]) == ("UPDATING", "arn:aws:s3:::my-bucket")
    assert told["PluginsS3ObjectVersion"] is None


def test_a_scenarios_parts_are_what_they_say(written):
    path = written("""
        role: Op
        files:
          a.py:
            source: "# mine"
            dags:
              - dag_id: a
                description: d
                owners: [me]
                schedule: "6:00:00"
                max_active_runs: 2
                tasks: [extract, {task_id: load, pool: etl, downstream: []}]
        connections: {api: {conn_type: http, port: 80, password: p, extra: {token: t}}}
        variables: {list: [1, 2], number: 3}
        environment: {class: mw1.large, options: {core.x: 5}, bucket: "arn:aws-cn:s3:::b"}
    """)
    simulation = scenario.load(path, lambda: START)
    world, told = simulation.world, simulation.environment()
    dag = world.metadata.dags["a"].dag
    assert (dag.description, dag.owners, dag.schedule, dag.max_active_runs) == ("d", ("me",), "6:00:00", 2)
    assert dag.tasks == (SimTask("extract"), SimTask("load", "etl", ()))
    assert simulation.call("GET", "/dagSources/a", {}, None)[1]["content"] == "# mine"
    assert world.stock.connections["api"] == SimConnection(
        "http", password="p", port=80, extra='{"token": "t"}'
    )
    assert world.stock.variables == {"list": "[1, 2]", "number": "3"}
    assert (told["EnvironmentClass"], told["SourceBucketArn"]) == ("mw1.large", "arn:aws-cn:s3:::b")
    assert told["AirflowConfigurationOptions"] == {"core.x": "5"}


def test_a_files_text_is_that_of_a_file_beside_the_scenario(written, tmp_path, monkeypatch):
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "a.py").write_bytes(b"# one\r\n# two\n")
    (tmp_path / "next.py").write_text("# next\n")
    path = written("""
        role: Op
        rules: {sync: 0s, min_file_process_interval: 1s}
        files: {a.py: {dags: [a], source_file: dags/a.py}}
        events: [{at: 5s, put: a.py, file: {dags: [a], source_file: next.py}}]
    """)
    monkeypatch.chdir("/")  # the path counts from the scenario
    clock = [START]
    simulation = scenario.load(path, lambda: clock[0])
    told = []
    for second in (1, 60):
        clock[0] = START + timedelta(seconds=second)
        told.append(simulation.call("GET", "/dagSources/a", {}, None)[1]["content"])

    assert told == ["# one\n# two\n", "# next\n"]


def test_a_file_of_another_encoding_cannot_be_a_source(written, tmp_path):
    (tmp_path / "a.py").write_bytes(b"\xff")

    with pytest.raises(UsageError, match=r"files\.a\.py\.source_file: .*a\.py cannot be read: .*utf-8"):
        scenario.load(written("files: {a.py: {source_file: a.py}}"), lambda: START)


def test_an_event_at_once_is_not_past_by_the_time_it_is_read(written):
    ticks = count()
    path = written("events: [{at: 0s, variable: v, value: x}, {at: 1ms, pool: p, value: 1}]")
    simulation = scenario.load(path, lambda: START + timedelta(seconds=next(ticks)))
    simulation.call("GET", "/dags", {}, None)
    assert simulation.world.stock.variables == {"v": "x"}
    assert simulation.world.stock.pools == {"p": 1}


def test_a_version_on_the_command_line_wins(written):
    path = written("airflow: 3.0.6")
    assert scenario.load(path, lambda: START, airflow="2.4.3").world.rules.airflow == "2.4.3"
    assert set(scenario.load(path, lambda: START).world.metadata.dags) == {
        "basic_bash_dag",
        "etl_daily",
        "reports_weekly",
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "no YAML"),
        ("[]", "the scenario: must be a mapping"),
        ("nope: 1", "no key 'nope'"),
        ("airflow: 9.9.9", "airflow: '9.9.9' is not simulated"),
        ("seed: x", "seed: must be"),
        ("rules: {nope: 1s}", "rules: has no key"),
        ("rules: {sync: [1s]}", "rules.sync: must be"),
        ("rules: {loop: soon}", "rules.loop: 'soon' is not a duration"),
        ("rules: {processors: 0}", "rules.processors: must be"),
        ("rules: {flapping: 3}", "rules.flapping: must be"),
        ("role: team", "role: 'team' is none of"),
        ("files: {a.py: {nope: 1}}", "files.a.py: has no key"),
        ("files: {a.py: [{tags: [x]}]}", "files.a.py.dags[0]: needs a dag_id"),
        ("files: {a.py: [{dag_id: a, tags: x}]}", "tags: must be a list"),
        ("rules: {loop: .nan}", "rules.loop: 'nan' is not a duration"),
        ("rules: {loop: .inf}", "rules.loop: 'inf' is not a duration"),
        ("rules: {loop: -1}", "rules.loop: '-1' is not a duration"),
        ("rules: {loop: 1.0e+9}", "rules.loop: '1000000000.0' is longer than a day"),
        ("rules: {loop: 100000h}", "rules.loop: '100000h' is longer than a day"),
        ("rules: {loop: 0}", "rules.loop: must be 10ms or longer"),
        ("rules: {sync: [1s, .inf]}", "rules.sync: 'inf' is not a duration"),
        ("rules: {processors: 1000000}", "rules.processors: must be a whole number from 1 to 100"),
        ("events: [{at: .inf, kill: scheduler}]", "events[0].at: 'inf' is not a duration"),
        ("a: 1\na: 2", "line 2: the key 'a' is there already, in line 1"),
        ("files:\n  x.py: {}\n  y.py: {}\n  x.py: {}", "line 4: the key 'x.py' is there already, in line 2"),
        ("events:\n  - {at: 1s, at: 2s}", "line 2: the key 'at' is there already"),
        ("seed: 2026-13-45", "no YAML"),
        ("[" * 5000, "nested too deeply"),
        ("files: {a.py: [{dag_id: a, max_active_runs: many}]}", "dags[0].max_active_runs: must be a whole"),
        ("files: {a.py: [{dag_id: a, description: [x]}]}", "dags[0].description: must be a text"),
        ("files: {a.py: [{dag_id: a, tasks: t}]}", "dags[0].tasks: must be a list"),
        ("files: {a.py: [{dag_id: a, tasks: [t, t]}]}", "tasks[1]: there is a task 't' already"),
        ("files: {a.py: [{dag_id: a, tasks: [{pool: p}]}]}", "tasks[0]: needs a task_id"),
        ("files: {a.py: {source: [x]}}", "files.a.py.source: must be a text"),
        ("files: {a.py: {source_file: [x]}}", "files.a.py.source_file: must be a text"),
        ("files: {a.py: {source_file: nowhere.py}}", "files.a.py.source_file: "),
        ("files: {a.py: {source_file: .}}", "files.a.py.source_file: "),
        ('files: {a.py: {source_file: "a\\0b"}}', "files.a.py.source_file: "),
        ("files: {a.py: {source: x, source_file: x}}", "files.a.py: has both source and source_file"),
        ("events: [{at: 1s, put: a.py, file: {source_file: no}}]", "events[0].file.source_file: "),
        ("files: {a.py: {listed: 1}}", "files.a.py.listed: must be true or false"),
        ("pools: {p: -2}", "pools.p: must be a whole number from -1"),
        ("pools: [p]", "pools: must be a mapping"),
        ("connections: {c: {host: h}}", "connections.c: needs a conn_type"),
        ("connections: {c: {conn_type: x, nope: 1}}", "connections.c: has no key 'nope'"),
        ("connections: {c: {conn_type: x, port: 70000}}", "connections.c.port: must be a whole number"),
        ("variables: {v: &loop [*loop]}", "variables.v: cannot be written as JSON"),
        ("variables: {v: null}", "variables.v: must be a text"),
        ("environment: {status: BUSY}", "environment.status: 'BUSY' is no status"),
        ("environment: {nope: 1}", "environment: has no key 'nope'"),
        ("environment: {options: {core.x: [1]}}", "environment.options.core.x: must be a text"),
        ("events: [{at: 1s, pool: p}]", "events[0]: has no `value`"),
        ("events: [{at: 1s, pool: p, value: x}]", "events[0].value: must be a whole number"),
        ("events: [{at: 1s, status: BUSY}]", "events[0].status: 'BUSY' is no status"),
        ("events: {}", "events: must be a list"),
        ("events: [{at: 1s}]", "events[0]: must do exactly one"),
        ("events: [{kill: scheduler}]", "events[0]: has no `at`"),
        ("events: [{at: 1s, kill: nobody}]", "events[0].kill: 'nobody' is no component"),
        ("events: [{at: 1s, kill: scheduler, lag: 1s}]", "no key 'lag'"),
        ("events: [{at: 1s, put: a.py}]", "events[0].file: must be a mapping"),
    ],
)
def test_a_scenario_that_cannot_be_used_says_where(written, text, told):
    with pytest.raises(UsageError) as caught:
        scenario.load(written(text), lambda: START)
    assert told in caught.value.message


def test_a_missing_scenario_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        scenario.load(tmp_path / "none.yaml", lambda: START)


@pytest.mark.parametrize("more", [{"airflow": "3.0.6"}, {"scenario": "x.yaml"}, {"role": "Op"}])
def test_a_real_airflow_takes_no_simulation(more):
    with pytest.raises(UsageError, match="takes no"):
        build_backend({**OPTIONS, "airflow_url": "http://127.0.0.1:1", **more})


def test_credentials_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("MWAA_GATE_AIRFLOW_TOKEN", "t0k3n")
    backend = build_backend({**OPTIONS, "airflow_url": "http://127.0.0.1:1"})
    assert backend._transport._auth == Auth(token="t0k3n")
    monkeypatch.setenv("MWAA_GATE_AIRFLOW_USER", "ann")
    with pytest.raises(UsageError):
        build_backend({**OPTIONS, "airflow_url": "http://127.0.0.1:1"})


@pytest.mark.parametrize("role", ["Public", "User", "Op"])
def test_the_caller_has_the_role_that_is_given(role):
    assert build_backend({**OPTIONS, "role": role}).role.name == role
    assert build_backend(OPTIONS).role.name == "Viewer"


def test_options_are_reported_by_get_environment():
    backend = build_backend({**OPTIONS, "airflow": "2.10.5", "airflow_config": ("core.x=5",)})
    facts = backend.environment()
    assert facts["AirflowVersion"] == "2.10.5"
    assert facts["AirflowConfigurationOptions"] == {"core.x": "5"}


def test_the_choices_are_the_versions_that_are_simulated():
    assert CHOICES == VERSIONS
    assert sandbox.name == "sandbox"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_a_signal_and_ends_with_0(number, monkeypatch):
    command = [sys.executable, "-m", "validator", "sandbox", "--airflow", "2.10.5", "--environment", "dev"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "0"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            greeting = "".join(iter(process.stdout.readline, "Ctrl-C ends it.\n"))
            url = re.search(r"http://127\.0\.0\.1:\d+", greeting).group()
            monkeypatch.setenv("AWS_DISABLE_HOST_PREFIX_INJECTION", "true")
            session = boto3.session.Session("any", "any", region_name="us-east-1")
            client = session.client("mwaa", endpoint_url=url)
            answer = client.invoke_rest_api(Name="dev", Path="/dags", Method="GET")
            client.close()
        finally:
            process.send_signal(number)
            _, complaints = process.communicate(timeout=20)
    assert answer["RestApiResponse"]["total_entries"] == 3
    assert f"export AWS_ENDPOINT_URL_MWAA={url}" in greeting
    assert "export AWS_DISABLE_HOST_PREFIX_INJECTION=true" in greeting
    assert (process.returncode, complaints) == (0, "")


def test_a_port_that_is_taken_is_a_usage_error():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(UsageError, match=f"Port {port}"):
            sandbox.main(["--port", str(port)], standalone_mode=False)
