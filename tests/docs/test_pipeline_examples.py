"""docs/containers.md and docs/examples: files that their services read, and commands that do what is said."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

import validator
from validator.sandbox.files import one_dag
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
BUILDSPEC = yaml.safe_load((EXAMPLES / "buildspec.yml").read_text("utf-8"))
GITLAB = yaml.safe_load((EXAMPLES / ".gitlab-ci.yml").read_text("utf-8"))
JENKINSFILE = (EXAMPLES / "Jenkinsfile").read_text("utf-8")
JOB = GITLAB["mwaa-gate"]
SCRIPTS = {
    "buildspec.yml": BUILDSPEC["phases"]["build"]["commands"],
    ".gitlab-ci.yml": [*JOB["before_script"], *JOB["script"]],
    "Jenkinsfile": re.findall(r"\bscript: '([^']+)'", JENKINSFILE),
}
REPORTS = {
    "buildspec.yml": BUILDSPEC["reports"]["mwaa-gate"]["files"],
    ".gitlab-ci.yml": [JOB["artifacts"]["reports"]["junit"]],
    "Jenkinsfile": re.findall(r"testResults: '([^']+)'", JENKINSFILE),
}
TOLD = [(ROOT / "docs" / "containers.md"), EXAMPLES / ".gitlab-ci.yml", EXAMPLES / "Jenkinsfile"]


@pytest.fixture
def run(tmp_path):
    """Runs an example's commands one after the other, as its service does, in a folder with a manifest."""
    with Sandbox(Simulation(World(files={"etl.py": one_dag("etl")})), calls_per_second=0) as sandbox:

        def go(script, dag="etl", **more):
            (tmp_path / "manifest.yaml").write_text(f"version: 1\ndags: [{dag}]\n")
            variables = {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "AWS_ENDPOINT_URL_MWAA": sandbox.url,
                "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_ACCESS_KEY_ID": "any",
                "AWS_SECRET_ACCESS_KEY": "any",
                "AWS_REGION": "us-east-1",
                "AWS_ID_TOKEN": "s3cr3t-t0ken",
                "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
                "MWAA_ENV_NAME": "sandbox",
                "MWAA_GATE_DEPLOYED_AT": "none",
                "MWAA_GATE_INTERVAL": "1s",  # a whole round of the last three of these is enough, however long it takes
                "MWAA_GATE_SETTLE": "0s",
                "MWAA_GATE_MAX_TPS": "1000",
                "MWAA_GATE_TIMEOUT": "2s",
                **more,
            }
            command = "set -e\n" + "\n".join(script)
            return subprocess.run(
                ["sh", "-c", command],
                cwd=tmp_path,
                env=variables,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )

        yield go


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_examples_commands_are_green_when_all_holds_and_leave_the_report_that_is_shown(
    run, tmp_path, name
):
    done = run(SCRIPTS[name])
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = REPORTS[name]
    assert list(ET.parse(tmp_path / report).getroot().iter("testcase"))  # noqa: S314 - the gate's own
    assert (tmp_path / "gate.json").exists()
    assert "s3cr3t-t0ken" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize(
    ("dag", "more", "code"),
    [
        ("nowhere", {}, 1),
        ("'bad id: ['", {"MWAA_ENV_NAME": "", "MWAA_GATE_TIMEOUT": "never"}, 2),
        ("etl", {"AWS_ENDPOINT_URL_MWAA": "http://127.0.0.1:9"}, 3),
    ],
)
def test_an_examples_last_command_gives_the_gates_own_exit_code(run, name, dag, more, code):
    done = run(SCRIPTS[name], dag, **more)
    assert done.returncode == code, done.stdout + done.stderr


def test_the_identity_token_is_for_its_owners_eyes_alone(run, tmp_path):
    run(SCRIPTS[".gitlab-ci.yml"])
    assert (tmp_path / "token").read_text() == "s3cr3t-t0ken"
    assert (tmp_path / "token").stat().st_mode & 0o077 == 0


def test_gitlab_would_take_its_example():
    done = subprocess.run(
        [
            Path(sys.executable).parent / "check-jsonschema",
            "--builtin-schema",
            "vendor.gitlab-ci",
            EXAMPLES / ".gitlab-ci.yml",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_gitlabs_job_shows_reports_when_red_tries_cannot_tell_again_and_allows_no_failure():
    assert JOB["artifacts"]["when"] == "always"
    assert JOB["retry"] == {"max": 1, "exit_codes": 3}
    assert "allow_failure" not in JOB
    assert JOB["image"]["entrypoint"] == [""]


def test_codebuilds_file_has_only_what_its_reference_knows_and_its_report_is_junit():
    assert BUILDSPEC["version"] == 0.2
    assert set(BUILDSPEC) <= {
        "version",
        "run-as",
        "env",
        "proxy",
        "batch",
        "phases",
        "reports",
        "artifacts",
        "cache",
    }
    assert set(BUILDSPEC["phases"]) <= {"install", "pre_build", "build", "post_build"}
    assert all("on-failure" not in phase for phase in BUILDSPEC["phases"].values()), "CONTINUE would be green"
    (report,) = BUILDSPEC["reports"].values()
    assert report == {"files": ["gate.xml"], "file-format": "JUNITXML"}


def test_jenkins_fails_the_build_for_every_code_but_0_and_says_3_apart():
    bare = re.sub(r"//.*|'[^'\n]*'|\"[^\"\n]*\"", "", JENKINSFILE)
    for opening, closing in ("{}", "()"):
        assert bare.count(opening) == bare.count(closing) > 0
    assert re.search(r"if \(code == 3\) \{\s+error\(", JENKINSFILE)
    assert re.search(r"if \(code != 0\) \{\s+error\(", JENKINSFILE)
    assert "returnStatus: true" in JENKINSFILE


@pytest.mark.parametrize("path", TOLD, ids=lambda path: path.name)
def test_the_images_version_is_the_packages_wherever_it_is_named(path):
    versions = set(re.findall(r"\bmwaa-gate:([\w.]+)", path.read_text("utf-8")))
    assert versions == {validator.__version__}


def test_every_link_of_the_page_leads_to_something():
    page = ROOT / "docs" / "containers.md"
    targets = re.findall(r"\]\((?!http)([^)#]+)", page.read_text("utf-8"))
    assert targets
    for target in targets:
        assert (page.parent / target).exists(), target
