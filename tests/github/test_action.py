"""action.yml, executed step by step against a simulated environment."""

import json
import os
import re
import shutil
import signal
import sys
import threading
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import click
import pytest
import yaml

from validator.cli.check import PREFIX, check
from validator.sandbox.files import one_dag
from validator.sandbox.server import Fault
from validator.sandbox.wire import AwsError

DENIED = Fault(aws=AwsError("AccessDeniedException", "User: arn:aws:iam::1:user/ci is not authorized"))
SETTLED = {
    "env": "sandbox", "deployed_at": "none", "timeout": "20s", "interval": "100ms", "sync": "0s", "settle": "0s",
    "max_tps": "1000",
}  # fmt: skip
WITHOUT_INPUT = {"profile", "quiet", "no-color"}
"""Options that no pipeline needs; their variables do."""
HOSTILE = (
    "\"; touch pwned; $(touch pwned) `touch pwned` ' ; touch pwned #\n"
    "touch pwned\n::error::injected\n##[error]injected ${{ github.token }} %0A::error::injected \x1b[2J\u2028::error::x"
)
ACTION = yaml.safe_load((Path(__file__).parents[2] / "action.yml").read_text("utf-8"))
OPTIONS = {
    next(name for name in option.opts if name.startswith("--")).removeprefix("--"): option
    for option in check.params
    if isinstance(option, click.Option)
}


def holds_reports(ran):
    told = json.loads(Path(ran.outputs["report"]).read_text("utf-8"))
    cases = list(ET.parse(ran.outputs["junit"]).getroot().iter("testcase"))  # noqa: S314 - the gate wrote it
    assert len(cases) >= len(told["checks"]) >= 1
    return told


# What it is made of


def test_every_option_that_people_set_is_an_input_and_every_input_one_of_them():
    inputs = set(ACTION["inputs"])
    assert inputs - {"manifest", "python"} == set(OPTIONS) - WITHOUT_INPUT


def test_every_input_reaches_the_option_of_its_name_and_goes_before_the_jobs_own_variable():
    (step,) = [step for step in ACTION["runs"]["steps"] if step["id"] == "check"]
    for name in set(ACTION["inputs"]) - {"python"}:
        variable = f"{PREFIX}_{name.replace('-', '_').upper()}"
        assert step["env"][variable] == f"${{{{ inputs.{name} || env.{variable} }}}}"


def test_every_input_is_empty_by_itself_and_described():
    for name, one in ACTION["inputs"].items():
        assert set(one) == {"description", "default"}, name
        assert one["default"] == ""
        assert one["description"].endswith((".", ")"))


def test_no_script_holds_an_expression():
    assert not [step for step in ACTION["runs"]["steps"] if "${{" in step.get("run", "")]
    assert all(step["shell"] == "bash" for step in ACTION["runs"]["steps"])


# How it ends


def test_green(action, sandbox):
    ran = action.run(manifest="manifest.yaml", **SETTLED)
    assert ran.code == 0, ran.log
    assert {name: ran.outputs[name] for name in ("verdict", "failed", "html", "markdown")} == {
        "verdict": "passed", "failed": "0", "html": "", "markdown": "",
    }  # fmt: skip
    told = holds_reports(ran)
    assert (
        int(ran.outputs["passed"]) == len([one for one in told["checks"] if one["status"] == "passed"]) >= 1
    )
    assert not Path(ran.outputs["report"]).is_relative_to(action.runner.workspace), "the checkout stays clean"
    assert sorted(path.name for path in action.runner.workspace.iterdir()) == ["dags", "manifest.yaml"]
    assert ran.errors == []
    assert ran.summary.lstrip().startswith("## ✅ PASSED: `sandbox`")


def test_red_at_the_line_that_defines_the_dag(action, sandbox):
    (action.runner.workspace / "dags/new.py").write_text(
        "from airflow import DAG\n\nwith DAG('new'):\n    pass\n"
    )
    ran = action.run(**SETTLED | {"dags_folder": "dags", "timeout": "1s", "interval": "1s"})
    assert ran.code == 1, ran.log
    assert (ran.outputs["verdict"], ran.outputs["failed"]) == ("failed", "1")
    holds_reports(ran)
    (error,) = ran.errors
    assert error.properties == {"file": "dags/new.py", "line": "3", "title": "new: dag-missing"}
    assert "What to do: " in error.message
    assert "## ❌ FAILED" in ran.summary


def test_red_in_a_broken_file_with_its_trace(action, sandbox):
    sandbox.world.put("etl.py", one_dag("etl").broken(), lags=0)
    ran = action.run(manifest="manifest.yaml", **SETTLED | {"deployed_at": "now", "timeout": "15s"})
    assert ran.code == 1, ran.log
    (error,) = ran.errors
    assert error.properties == {"title": "etl: dag-import-error"}, "Airflow's file is none of the workspace"
    assert "SyntaxError" in error.message
    assert "SyntaxError" in ran.summary


def test_cannot_tell_is_neither_and_accuses_no_file(action, sandbox):
    sandbox.fault = lambda call: DENIED
    ran = action.run(**SETTLED, dags_folder="dags")
    assert ran.code == 3, ran.log
    assert (ran.outputs["verdict"], ran.outputs["failed"]) == ("error", "0")
    holds_reports(ran)
    assert ran.errors
    for error in ran.errors:
        assert error.properties == {"title": "mwaa-gate: cannot tell (access-denied)"}
        assert "airflow:InvokeRestApi" in error.message
    assert "## ❔ CANNOT TELL" in ran.summary


def test_reports_go_where_the_inputs_say(action, sandbox):
    names = {"junit": "a b.xml", "json": "r.json", "html": "r.html", "markdown": "r.md"}
    ran = action.run(manifest="manifest.yaml", **SETTLED, **names)
    assert ran.code == 0, ran.log
    for name, path in names.items():
        told = ran.outputs["report" if name == "json" else name]
        assert told == str(action.runner.workspace / path)
        assert Path(told).stat().st_size


def test_a_variable_of_the_job_counts_where_its_input_is_empty_and_only_there(action, sandbox):
    action.runner.env = {"MWAA_GATE_TIMEOUT": "soon", "MWAA_ENV_NAME": "sandbox"}
    del (settled := dict(SETTLED))["timeout"]
    assert action.run(manifest="manifest.yaml", **settled).code == 2
    assert action.run(manifest="manifest.yaml", **settled, timeout="20s").code == 0
    assert action.run(manifest="manifest.yaml", **settled | {"env": ""}, timeout="20s").code == 0


def test_nothing_of_the_workspace_is_taken_for_a_module(action, sandbox):
    for name in ("validator", "yaml", "click", "pip", "venv", "json"):
        (action.runner.workspace / f"{name}.py").write_text("raise SystemExit('shadowed')\n")
    action.runner.environ["PYTHONPATH"] = str(action.runner.workspace)
    assert action.run(manifest="manifest.yaml", **SETTLED).code == 0


def test_a_cancelled_job_reaches_the_gate_and_the_reports_say_so(action, sandbox):
    asked = threading.Event()
    sandbox.fault = lambda call: asked.set() if call.path == "/dags" else None

    def cancel():
        asked.wait(60)
        time.sleep(0.3)
        os.kill(action.runner.groups[-1], signal.SIGINT)  # the shell's own id, as the runner does

    (action.runner.workspace / "manifest.yaml").write_text("version: 1\ndags: [etl, not_yet]\n")
    canceller = threading.Thread(target=cancel, daemon=True)
    canceller.start()
    ran = action.run(manifest="manifest.yaml", **SETTLED | {"timeout": "60s"})
    assert ran.code == 130, ran.log
    assert ran.outputs["verdict"] == "error"
    assert holds_reports(ran)["exit_code"] == 130
    assert "Interrupted by SIGINT" in ran.summary


# Wrong inputs

WRONG = [
    ("timeout", "soon", "--timeout"), ("timeout", " ", "--timeout"), ("interval", "0s", "--interval"),
    ("sync", "1", "--sync"), ("settle", "x", "--settle"), ("grace", "-1s", "--grace"), ("stable-for", "x", "--stable-for"),
    ("deployed-at", "yesterday", "--deployed-at"), ("fail-fast", "maybe", "--fail-fast"), ("max-tps", "nan", "--max-tps"),
    ("verify-s3", "perhaps", "--verify-s3"), ("verbose", "loud", "--verbose"), ("env", "a b", "MWAA environment"),
    ("manifest", "nowhere.yaml", "no such file"), ("dags-folder", "nowhere", "nowhere"),
    ("dags-prefix", "x", "--dags-folder"), ("dags-s3", "s3://b/d", "--dags-folder"), ("s3-exclude", "*", "--dags-folder"),
    ("junit", "no/such/folder.xml", "no/such/folder.xml"), ("json", "manifest.yaml", "--json"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "words"), WRONG)
def test_a_wrong_input_is_one_error_that_names_it(action, sandbox, name, value, words):
    ran = action.run(**{"manifest": "manifest.yaml", **SETTLED, name.replace("-", "_"): value})
    assert ran.code == 2, ran.log
    (error,) = ran.errors
    assert error.properties["title"].startswith("mwaa-gate: wrong ")
    assert words in error.message
    assert (ran.outputs["verdict"], ran.outputs["failed"], ran.outputs["junit"]) == ("error", "", "")
    assert "Nothing was checked" in ran.summary
    assert sandbox.calls == ()


def test_a_wrong_manifest_is_shown_at_its_line(action, sandbox):
    (action.runner.workspace / "manifest.yaml").write_text("version: 1\ndags: [etl]\nnonsense: 1\n")
    ran = action.run(manifest="manifest.yaml", **SETTLED)
    assert ran.code == 2
    (error,) = ran.errors
    assert error.properties == {"title": "mwaa-gate: wrong manifest", "file": "manifest.yaml", "line": "3"}
    assert "nonsense" in error.message


def test_no_input_at_all_says_what_is_missing(action, sandbox):
    ran = action.run()
    assert ran.code == 2
    (error,) = ran.errors
    assert "no manifest was given" in error.message
    assert ran.outputs["verdict"] == "error"


# Hostile values


@pytest.mark.parametrize("name", [*ACTION["inputs"]])
def test_no_input_is_ever_run_or_obeyed(action, sandbox, name):
    given = {"manifest": "manifest.yaml", **SETTLED, name.replace("-", "_"): HOSTILE}
    if name == "python":
        action.installed = None
    ran = action.run(**given)
    assert not list(action.runner.folder.rglob("pwned"))
    assert not Path("pwned").exists()
    assert all(command.name in ("error", "warning") for command in ran.commands), ran.log
    assert all(command.properties["title"].startswith("mwaa-gate") for command in ran.commands)
    assert not any("injected" in command.message.partition("\n")[0][:9] for command in ran.commands)
    assert "\x1b" not in ran.log
    harmless = ("s3-exclude", "junit", "json", "html", "markdown", "region", "role-arn", "run-key")
    if name not in (*harmless, "airflow-credentials", "airflow-ca"):  # which say nothing without a URL
        assert ran.code == 2, ran.log
        assert ran.outputs["verdict"] == "error"
    else:
        assert ran.outputs["verdict"] in ("error", "passed")


# The step that installs


def test_it_installs_this_version_with_what_is_locked(installation, root):
    assert installation.code == 0, installation.log
    assert installation.commands == []
    packages = next(Path(installation.outputs["folder"]).rglob("site-packages"))
    locked = re.findall(
        r"^([a-z0-9-]+)==([^ ]+)", (root / "requirements/runtime.txt").read_text(), re.MULTILINE
    )
    for name, version in locked:
        assert list(packages.glob(f"[{name[0].lower()}{name[0].upper()}]*-{version}.dist-info")), name
    assert (packages / "validator/__main__.py").read_bytes() == (root / "validator/__main__.py").read_bytes()


def installing(action, tmp_path, **environ):
    action.installed = None
    action.runner.environ |= environ
    return action


@pytest.fixture
def tools(tmp_path):
    """A PATH with all that the script needs but Python."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("bash", "mktemp", "env", "cat"):
        (folder / name).symlink_to(shutil.which(name))
    return folder


WINDOWS_PYTHON = """#!/bin/bash
"{python}" "$@" || exit
if [ "$3" = venv ]; then
  mv "$4/bin" "$4/Scripts"
  mv "$4/Scripts/python" "$4/Scripts/python.exe"
fi
"""
"""Makes virtual environments as they are on Windows."""


def test_paths_and_virtual_environments_of_windows_will_do(action, tools, sandbox, runner_model, root):
    runner = action.runner
    (tools / "python").write_text(WINDOWS_PYTHON.format(python=sys.executable))
    (tools / "python").chmod(0o755)
    windows = {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "RUNNER_TEMP": str(runner.temp).replace("/", "\\"),
        "GITHUB_ACTION_PATH": str(root).replace("/", "\\"),
        "PIP_NO_COMPILE": "1",  # half of what an installation costs
    }
    expressions = runner_model["expressions"](inputs={"python": "python"})
    ran = runner.shell(action.step("install"), expressions, windows)
    assert ran.code == 0, ran.log
    assert ran.outputs["python"].endswith("/venv/Scripts/python.exe")
    action.installed = ran.outputs
    assert action.run(manifest="manifest.yaml", **SETTLED).code == 0


def test_without_a_python_it_says_what_to_use(action, tools, tmp_path):
    ran = installing(action, tmp_path, PATH=str(tools)).run(manifest="manifest.yaml")
    assert ran.code == 3
    (error,) = ran.errors
    assert "no Python 3.10 or later" in error.message
    assert "actions/setup-python" in error.message
    assert ran.outputs["verdict"] == "error"


def test_an_old_python_is_none(action, tools, tmp_path):
    for name in ("python3", "python"):
        (tools / name).write_text("#!/bin/bash\nexit 1\n")
        (tools / name).chmod(0o755)
    ran = installing(action, tmp_path, PATH=str(tools)).run(manifest="manifest.yaml")
    assert (ran.code, len(ran.errors)) == (3, 1)
    ran = action.run(manifest="manifest.yaml", python="python3")
    assert ran.code == 2
    assert "The input python" in ran.errors[0].message


def test_without_an_index_it_says_that_it_could_not_be_installed(action, tmp_path):
    ran = installing(
        action, tmp_path, PIP_NO_INDEX="1", PIP_NO_CACHE_DIR="1", PIP_CONFIG_FILE=os.devnull
    ).run(manifest="manifest.yaml")
    assert ran.code == 3
    assert "could not be installed" in ran.errors[-1].message
    assert ran.outputs["verdict"] == "error"
