"""What a start loads: nothing that the command at hand does not need. Counted by modules, so that no clock can mislead."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from validator.sandbox.files import one_dag
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

VERSION = {"validator", "validator.__main__", "validator.cli", "validator.cli.main", "validator.errors"}
"""All of ours that `--version` loads."""
HANDLER = {
    "",
    ".codepipeline",
    ".errors",
    ".finding",
    ".reasons",
    ".report",
    ".report.explain",
    ".report.interface",
}
HANDLER |= {
    ".report.json_report",
    ".report.registry",
    ".report.sanitize",
    ".serverless",
    ".serverless.answers",
}
"""All of ours that Lambda loads before the first event."""
CHECK = {"botocore", "click", "dateutil", "jmespath", "jsonschema_rs", "six", "urllib3", "yaml"}
"""All of others that a check loads which goes through AWS, has a manifest, and writes no file."""
CHECK_IN_PART = {
    "validator.cli": {"check", "expected", "github", "main", "options", "parameters", "signals"},
    "validator.local": {"model"},
    "validator.report": {"console", "explain", "files", "interface", "next_steps", "progress", "registry",
                         "sanitize", "streams"},
    "validator.s3": set(),
    "validator.smoke": {"key"},
    "validator.transport": {"aws_errors", "aws_session", "caller", "interface", "invoke_rest_api", "pacing", "within"},
}  # fmt: skip
"""Of the rooms that such a check needs in part, that part."""
CHECK_NOTHING_OF = {"doctor", "draft", "lint", "sandbox", "serverless", "codepipeline"}
HEAVY = {"asyncio", "ctypes", "difflib", "multiprocessing", "sqlite3", "tomllib", "unittest"}
"""Parts of the standard library that cost milliseconds and that nothing of these needs."""


def loaded(code, **environ):
    """The names of all modules that are loaded once `code` has run."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys\n{code}\nprint('MODULES', *sys.modules)"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PATH": os.defpath, **environ},
    )
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1].split()
    assert last.pop(0) == "MODULES"
    # What setuptools, where it is installed, puts into every process.
    return {name for name in last if name != "_distutils_hack"}


def ours(modules):
    return {name for name in modules if name.partition(".")[0] == "validator"}


def others(modules):
    """The packages from elsewhere."""
    tops = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names)
    tops -= {"validator", "__main__", "sitecustomize", "usercustomize"}
    # PyYAML's own compiled parts; and certifi, which botocore takes where it is installed, as it is for the tests.
    return {name for name in tops if name not in ("_yaml", "certifi") and "cython" not in name}


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    """What a whole check of one round has loaded at its end."""
    manifest = tmp_path_factory.mktemp("check") / "manifest.yaml"
    manifest.write_text("version: 1\nenvironment: sandbox\ndags: [etl]\n", "utf-8")
    arguments = ["check", str(manifest), "--deployed-at", "none", "--settle", "0s", "--timeout", "60s"]
    with Sandbox(Simulation(World(files={"etl.py": one_dag("etl")})), calls_per_second=0) as sandbox:
        return loaded(
            f"from validator.__main__ import run\nassert run({arguments!r}) == 0",
            AWS_ENDPOINT_URL_MWAA=sandbox.url,
            AWS_DISABLE_HOST_PREFIX_INJECTION="true",
            AWS_EC2_METADATA_DISABLED="true",
            AWS_ACCESS_KEY_ID="any",
            AWS_SECRET_ACCESS_KEY="any",
            AWS_REGION="us-east-1",
        )


def test_the_version_loads_click_and_five_modules_of_ours():
    modules = loaded("from validator.__main__ import run\nassert run(['--version']) == 0")
    assert ours(modules) == VERSION
    assert others(modules) == {"click"}
    assert modules & HEAVY == set()


def test_lambdas_first_import_loads_little_of_ours_and_nothing_of_others():
    modules = loaded("import validator.codepipeline")
    assert ours(modules) <= {f"validator{name}" for name in HANDLER}
    assert others(modules) == set()
    assert modules & HEAVY == set()


def test_a_check_loads_nothing_of_others_but_what_it_calls_with_and_reads_with(check):
    assert others(check) == CHECK
    assert check & HEAVY == set()


def test_a_check_loads_no_room_that_it_does_not_enter(check):
    assert not {
        name for name in ours(check) if name.split(".")[1:2] and name.split(".")[1] in CHECK_NOTHING_OF
    }
    for room, part in CHECK_IN_PART.items():
        found = {name.removeprefix(f"{room}.") for name in check if name.startswith(f"{room}.")}
        assert found <= part, room


def test_the_lists_would_notice():
    modules = loaded("import validator.cli.check, validator.report.html, validator.local.scan, rich")
    assert "validator.report.html" in ours(modules)
    assert "html" not in CHECK_IN_PART["validator.report"]
    assert "rich" in others(modules)
