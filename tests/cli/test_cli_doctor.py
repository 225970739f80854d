"""`mwaa-gate doctor` as a command: options, exit codes, text and JSON, signals."""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from pathlib import Path

import jsonschema_rs
import pytest

from validator.sandbox.api import Role

SCHEMA = jsonschema_rs.validator_for(
    json.loads((Path(__file__).parents[2] / "docs" / "doctor.schema.json").read_text("utf-8"))
)
NEVER = ("--max-tps", "1000")


@pytest.fixture(autouse=True)
def _no_sts(clean):
    clean.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")  # nobody listens


def lines_of(out):
    told = json.loads(out)
    assert not list(SCHEMA.iter_errors(told))
    return told, {line["id"]: line for line in told["lines"]}


def test_text_tells_a_line_each_and_only_reads(gate, sandbox):
    ended = gate("doctor", "--env", "sandbox", *NEVER)
    assert ended.code == 0
    assert ended.err == ""
    assert ended.out.startswith("mwaa-gate doctor: sandbox\n")
    assert re.search(r"^  ok       invoke-rest-api      Allowed", ended.out, re.MULTILINE)
    assert ended.out.endswith("1 warning, 0 problems, 0 skipped. Nothing keeps the gate from working.\n")
    assert "\x1b" not in ended.out
    assert {call.method for call in sandbox.calls} == {"GET"}
    assert {call.operation for call in sandbox.calls} == {"InvokeRestApi", "GetEnvironment"}


def test_json_is_the_same_for_machines(gate, sandbox):
    ended = gate("doctor", "--env", "sandbox", "--json", *NEVER)
    told, lines = lines_of(ended.out)
    assert (ended.code, told["exit_code"], told["target"]) == (0, 0, "sandbox")
    assert told["counts"] == {"ok": len(lines) - 1, "warning": 1, "problem": 0, "skipped": 0}
    assert lines["caller"]["status"] == "warning"


def test_a_problem_is_exit_1(gate, sandbox):
    ended = gate("doctor", "--env", "sandbx", "--json", *NEVER)
    told, lines = lines_of(ended.out)
    assert (ended.code, told["exit_code"]) == (1, 1)
    assert lines["environment"]["status"] == "problem"


def test_a_denied_get_environment_is_no_problem(gate, sandbox):
    sandbox.deny_get_environment = True
    ended = gate("doctor", "--env", "sandbox", "--json", *NEVER)
    _, lines = lines_of(ended.out)
    assert ended.code == 0
    assert lines["environment"]["status"] == "warning"
    assert "ACCOUNT:environment/sandbox" in lines["environment"]["advice"]


def test_a_manifest_names_the_environment_and_what_it_demands_is_looked_at(gate, sandbox, manifest):
    path = manifest(
        "version: 1\nenvironment: sandbox\nregion: eu-west-3\nvariables: [bucket]\ngate: {timeout: 1m}\n"
    )
    ended = gate("doctor", path, "--json", *NEVER)
    _, lines = lines_of(ended.out)
    assert ended.code == 1
    assert lines["region"]["details"]["told_by"] == "`region:` in the manifest"
    assert lines["reads-variables"]["status"] == "problem"
    assert lines["reads-connections"]["status"] == "ok"
    assert lines["timeout"]["status"] == "warning"
    sandbox.backend.role = Role("Op")
    assert gate("doctor", path, *NEVER).code == 0


@pytest.mark.parametrize(
    ("arguments", "variables", "told_by"),
    [
        (("--region", "eu-west-1"), {"MWAA_GATE_REGION": "eu-west-2"}, "--region"),
        ((), {"MWAA_GATE_REGION": "eu-west-2", "AWS_REGION": "eu-west-3"}, "MWAA_GATE_REGION"),
        ((), {"AWS_REGION": "eu-west-3"}, "AWS_REGION"),
        ((), {}, "AWS_DEFAULT_REGION"),
    ],
)
def test_the_region_says_what_set_it(gate, sandbox, clean, arguments, variables, told_by):
    for name, value in variables.items():
        clean.setenv(name, value)
    _, lines = lines_of(gate("doctor", "--env", "sandbox", "--json", *NEVER, *arguments).out)
    assert lines["region"]["details"]["told_by"] == told_by


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "no environment was named"),
        (("--env", "no name"), "cannot be the name"),
        (("--env", "a", "--airflow-url", "http://127.0.0.1:9"), "both"),
        (("--env", "a", "--role-arn", "gate"), "not the ARN"),
        (("--env", "a", "--max-tps", "nan"), "not a number"),
        (("missing.yaml",), "missing.yaml"),
        (("--env", "a", "--timeout", "5s"), "No such option"),
    ],
)
def test_a_wrong_command_line_is_exit_2_and_nothing_is_told(gate, arguments, said):
    ended = gate("doctor", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_while_a_call_hangs_it_ends_soon(child, sandbox, number, code):
    hanging, release = threading.Event(), threading.Event()

    def hang(call):
        hanging.set()
        release.wait(60)

    sandbox.fault = hang
    try:
        doctor = child("doctor", "--env", "sandbox")
        assert hanging.wait(60)
        time.sleep(0.1)
        ended = doctor.signal(number)
    finally:
        release.set()
    assert (ended.code, ended.out) == (code, "")
    assert "interrupted" in ended.err
    assert "Traceback" not in ended.err
