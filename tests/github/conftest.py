"""A model of GitHub's runner: it runs the steps of action.yml and of a workflow, and reads what they leave.

It knows the expressions that these files use and fails on any other; log lines are read as the runner's own parser
does, on every line separator that some reader knows.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
import yaml
from runner_log import commands_of, values_of

from validator.sandbox.files import one_dag
from validator.sandbox.rules import Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

ROOT = Path(__file__).parents[2]
FILES = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_LITERAL = re.compile(r"'([^']*)'")


@dataclass
class Ran:
    """How a step ended."""

    code: int
    log: str
    outputs: dict = field(default_factory=dict)
    summary: str = ""

    @property
    def commands(self):
        return commands_of(self.log)

    @property
    def errors(self):
        return [command for command in self.commands if command.name == "error"]


class Expressions:
    """`${{ a || b }}` over named values; anything that it does not know fails the test."""

    def __init__(self, **contexts):
        self.contexts = contexts

    def fill(self, text):
        return _EXPRESSION.sub(lambda match: self._value(match[1]), text)

    def _value(self, expression):
        value = ""
        for term in expression.split("||"):
            value = self._term(term.strip())
            if value:
                break
        return value

    def _term(self, term):
        if literal := _LITERAL.fullmatch(term):
            return literal[1]
        context, _, name = term.partition(".")
        assert re.fullmatch(r"[a-z]+", context), f"no such expression: {term}"
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name), f"no such expression: {term}"
        assert context in self.contexts, f"no such context: {term}"
        values = self.contexts[context]
        if context in ("steps", "env", "vars"):  # what was not set is empty, as on GitHub
            return values.get(name, "")
        assert name in values, f"nothing declares {term}"
        return values[name]


class Runner:
    """One job on one machine."""

    def __init__(self, folder, environ):
        self.folder = folder
        self.workspace = folder / "workspace"
        self.temp = folder / "temp"
        self.workspace.mkdir()
        self.temp.mkdir()
        self.environ = dict(environ)
        self.env = {}
        """The job's own variables."""
        self.groups = []
        """The process groups of the steps: what they leave running ends with the job."""

    def close(self):
        for group in self.groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    def shell(self, step, expressions, more=None):
        """Run a `shell: bash` step."""
        assert step.get("shell", "bash") == "bash"
        assert "${{" not in step["run"], "an expression in a script would be code"
        files = {name: self.temp / name.lower() for name in FILES}
        for path in files.values():
            path.write_bytes(b"")
        script = self.temp / "script.sh"
        script.write_text(step["run"], "utf-8")
        environ = self.environ | self.env | {
            "GITHUB_ACTIONS": "true",
            "CI": "true",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self.temp),
            **{name: str(path) for name, path in files.items()},
            **(more or {}),
        }  # fmt: skip
        for name, value in step.get("env", {}).items():
            environ[name] = expressions.fill(str(value))
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.workspace,
            env={name: value.replace("\0", "") for name, value in environ.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.groups.append(process.pid)
        log, _ = process.communicate(timeout=300)
        return Ran(
            process.returncode,
            log.decode(),
            values_of(files["GITHUB_OUTPUT"].read_text("utf-8")),
            files["GITHUB_STEP_SUMMARY"].read_text("utf-8"),
        )


class Action:
    """action.yml, run as the runner runs it."""

    def __init__(self, runner, installed=None, path=ROOT):
        self.runner = runner
        self.path = path
        """Where the runner has put the action's repository."""
        self.installed = installed
        """The outputs of the step `install`, where it need not run again."""
        self.text = yaml.safe_load((path / "action.yml").read_text("utf-8"))

    def step(self, name):
        return next(step for step in self.text["runs"]["steps"] if step["id"] == name)

    def run(self, **given):
        """All steps up to the first that fails; how that one, or the last, ended, with the action's own outputs."""
        declared = self.text["inputs"]
        given = {name.replace("_", "-"): value for name, value in given.items()}
        assert set(given) <= set(declared), "GitHub would only warn"
        inputs = {name: given.get(name, one["default"]) for name, one in declared.items()}
        outputs, log, ran = {}, "", None
        for step in self.text["runs"]["steps"]:
            if step["id"] == "install" and self.installed is not None:
                outputs |= {f"install.outputs.{name}": value for name, value in self.installed.items()}
                continue
            expressions = Expressions(inputs=inputs, steps=outputs, env=self.runner.env)
            ran = self.runner.shell(step, expressions, {"GITHUB_ACTION_PATH": str(self.path)})
            log += ran.log
            outputs |= {f"{step['id']}.outputs.{name}": value for name, value in ran.outputs.items()}
            if ran.code:
                break
        whole = Expressions(steps=outputs)
        told = {name: whole.fill(one["value"]) for name, one in self.text["outputs"].items()}
        return Ran(ran.code, log, told, ran.summary)


def _environ(folder):
    """This machine's variables without what a runner would not have."""
    drop = ("AWS_", "MWAA_", "GITHUB_", "PYTHON", "VIRTUAL_ENV", "COV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(drop)}
    return kept | {
        "AWS_CONFIG_FILE": str(folder / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_ENDPOINT_URL_MWAA": "http://127.0.0.1:9",  # nobody listens: no test may reach AWS
        "AWS_ACCESS_KEY_ID": "AKIAOWN",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


@pytest.fixture(scope="session")
def installation(tmp_path_factory, worker_id):
    """How the step `install` ended: it runs once for all workers."""
    base = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    kept = base / "github-action-install.json"
    with (base / "github-action-install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            folder = base / "github-action-install"
            folder.mkdir()
            action = Action(Runner(folder, _environ(folder)))
            ran = action.runner.shell(
                action.step("install"), Expressions(inputs={"python": sys.executable}), {"GITHUB_ACTION_PATH": str(ROOT)}
            )  # fmt: skip
            kept.write_text(json.dumps(vars(ran)), "utf-8")
        return Ran(**json.loads(kept.read_text("utf-8")))


@pytest.fixture
def runner(tmp_path):
    folder = tmp_path / "runner"
    folder.mkdir()
    one = Runner(folder, _environ(folder))
    yield one
    one.close()


@pytest.fixture
def action(runner, installation):
    """The action, installed, in a workspace with a manifest and a folder of DAG files."""
    assert installation.code == 0, installation.log
    runner.workspace.joinpath("manifest.yaml").write_text("version: 1\ndags: [etl]\n", "utf-8")
    dags = runner.workspace / "dags"
    dags.mkdir()
    dags.joinpath("etl.py").write_text(SOURCE, "utf-8")
    return Action(runner, installation.outputs)


SOURCE = 'from airflow import DAG\nwith DAG("etl"):\n    pass\n'


@pytest.fixture
def sandbox(runner):
    """An environment with the DAG `etl`, parsed for long, which the runner's variables point to."""
    rules = Rules(airflow="3.0.6", min_file_process_interval=0.2, loop=0.05, parse=(0.0, 0.01))
    files = {"etl.py": replace(one_dag("etl", paused_upon_creation=False), source=SOURCE)}
    world = World(rules, now=lambda: datetime.now(timezone.utc), files=files)
    with Sandbox(Simulation(world), calls_per_second=0) as endpoint:
        runner.environ["AWS_ENDPOINT_URL_MWAA"] = endpoint.url
        endpoint.world = world
        yield endpoint


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def runner_model():
    """The model's parts, to be tested themselves."""
    return {
        "commands": commands_of,
        "values": values_of,
        "expressions": Expressions,
        "action": Action,
        "runner": Runner,
    }
