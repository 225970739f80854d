"""The state machine's definition: valid by two readers, and its rules as they stand in it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
DEFINITION = HOUSE / "deploy" / "fleet.asl.json"
VALIDATOR = "asl-validator@4.0.0"
SUBSTITUTES = {
    "${Partition}": "aws",
    "${GateFunction}": "arn:aws:lambda:us-east-1:123456789012:function:gate",
}


def rendered():
    text = DEFINITION.read_text(encoding="utf-8")
    for name, value in SUBSTITUTES.items():
        text = text.replace(name, value)
    assert "${" not in text
    return json.loads(text)


def states_of(machine):
    """Every state by its name, those of the map included."""
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from states_of(state["ItemProcessor"])


STATES = dict(states_of(rendered()))


@pytest.fixture(scope="module")
def asl_validator():
    """The command of asl-validator, installed beside the other caches when it is not there yet."""
    home = HOUSE / ".cache" / "node" / VALIDATOR
    command = home / "node_modules" / ".bin" / "asl-validator"
    if not command.exists():
        npm = shutil.which("npm")
        home.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=home.parent))
        options = [
            "--no-save",
            "--no-package-lock",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
            fresh,
        ]
        done = npm and subprocess.run(
            [npm, "install", *options, VALIDATOR], capture_output=True, text=True, check=False
        )
        if not done or done.returncode:
            shutil.rmtree(fresh)
            problem = f"{VALIDATOR} cannot be installed: {done.stderr[-500:] if done else 'there is no npm'}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(problem)
        try:
            fresh.rename(home)
        except OSError:  # another worker was quicker
            shutil.rmtree(fresh)
    return command


def run_asl_validator(command, definition, tmp_path):
    path = tmp_path / "definition.json"
    path.write_text(json.dumps(definition), encoding="utf-8")
    return subprocess.run([command, "--json-path", path], capture_output=True, text=True, check=False)


def test_asl_validator_takes_the_definition(asl_validator, tmp_path):
    done = run_asl_validator(asl_validator, rendered(), tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr


def test_asl_validator_would_find_a_state_that_leads_nowhere(asl_validator, tmp_path):
    wrong = rendered()
    wrong["States"]["Begin"]["Next"] = "Nowhere"

    assert run_asl_validator(asl_validator, wrong, tmp_path).returncode != 0


def run_cfn_lint(definition, tmp_path):
    properties = {"RoleArn": "arn:aws:iam::123456789012:role/fleet", "Definition": definition}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    path = tmp_path / "machine.json"
    path.write_text(json.dumps({"Resources": {"Machine": machine}}), encoding="utf-8")
    command = [Path(sys.executable).parent / "cfn-lint", path]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_cfn_lint_takes_the_definition_within_a_template(tmp_path):
    done = run_cfn_lint(rendered(), tmp_path)

    assert (done.returncode, done.stdout) == (0, "")


def test_cfn_lint_would_find_a_state_of_no_type(tmp_path):
    wrong = rendered()
    del wrong["States"]["Each environment"]["ItemProcessor"]["States"]["Ask"]["Type"]

    assert run_cfn_lint(wrong, tmp_path).returncode != 0


def test_what_the_template_fills_in_is_all_that_the_definition_leaves_open():
    names = set(re.findall(r"\$\{(\w+)\}", DEFINITION.read_text(encoding="utf-8")))
    template = (HOUSE / "deploy" / "fleet.yaml").read_text(encoding="utf-8")
    block = template.partition("DefinitionSubstitutions:\n")[2].partition("\n\n")[0]

    assert names == set(re.findall(r"^ +(\w+):", block, re.MULTILINE)) == {name[2:-1] for name in SUBSTITUTES}


@pytest.mark.parametrize("name", [name for name, state in STATES.items() if state["Type"] == "Task"])
def test_a_call_of_the_function_that_fails_is_repeated_and_then_caught(name):
    task = STATES[name]

    assert task["Catch"][-1]["ErrorEquals"] == ["States.ALL"]
    assert task["Retry"][-1]["ErrorEquals"] == ["States.ALL"]
    for retrier in task["Retry"]:
        assert retrier["BackoffRate"] > 1
        assert 1 <= retrier["MaxAttempts"] <= 10
    assert task["TimeoutSeconds"] > 900  # Lambda's own limit comes first


def test_an_environment_never_fails_its_item():
    inner = dict(states_of(STATES["Each environment"]["ItemProcessor"]))

    assert not [name for name, state in inner.items() if state["Type"] == "Fail"]
    for name in ("No answer", "Too many rounds", "Not understood"):
        assert inner[name]["Parameters"]["verdict"] == "error"
        assert inner[name]["Parameters"]["exit_code"] == 3


def test_only_a_verdict_that_says_passed_succeeds():
    choice = STATES["How is the fleet?"]
    green = [one for one in choice["Choices"] if one["Next"] == "Green"]

    assert [name for name, state in STATES.items() if state["Type"] == "Succeed"] == ["Green"]
    assert {"Variable": "$.verdict", "StringEquals": "passed"} in green[0]["And"]
    assert STATES[choice["Default"]]["Type"] == "Fail"
    leads_to_green = [name for name, state in STATES.items() if '"Green"' in json.dumps(state)]
    assert leads_to_green == ["How is the fleet?"]


def test_concurrency_and_tolerance_come_from_the_input():
    each = STATES["Each environment"]

    assert each["MaxConcurrencyPath"] == "$.max_concurrency"
    assert each["ToleratedFailurePercentagePath"] == "$.tolerated_lost_percentage"
    assert each["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
