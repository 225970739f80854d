"""The sandbox command: its scenario files, its options, and its life as a process."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import boto3
import pytest

from validator.cli.sandbox import VERSIONS as CHOICES
from validator.cli.sandbox import sandbox
from validator.errors import UsageError
from validator.sandbox import scenario
from validator.sandbox.rules import VERSIONS
from validator.sandbox.serve import build_backend

DOCUMENT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
START = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
OPTIONS = {"airflow": None, "scenario": None, "airflow_url": None, "airflow_config": ()}


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
        if second == 35:
            assert world.metadata.dags["etl_daily"].active is False
    assert {second for second, status in statuses.items() if status == 503} == set(range(40, 45))
    assert {second for second, status in statuses.items() if status == 403} == set(range(55, 61))
    assert world.metadata.dags["simple"].paused


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


@pytest.mark.parametrize("more", [{"airflow": "3.0.6"}, {"scenario": "x.yaml"}])
def test_a_real_airflow_takes_no_simulation(more):
    with pytest.raises(UsageError, match="neither"):
        build_backend({**OPTIONS, "airflow_url": "http://127.0.0.1:1", **more})


def test_credentials_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("MWAA_GATE_AIRFLOW_TOKEN", "t0k3n")
    backend = build_backend({**OPTIONS, "airflow_url": "http://127.0.0.1:1"})
    assert backend._transport._headers["Authorization"] == "Bearer t0k3n"
    monkeypatch.setenv("MWAA_GATE_AIRFLOW_USER", "ann")
    with pytest.raises(UsageError):
        build_backend({**OPTIONS, "airflow_url": "http://127.0.0.1:1"})


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
