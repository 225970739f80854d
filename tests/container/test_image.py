"""The image, really built and really run: what it does for a pipeline, and what is in it."""

from __future__ import annotations

import errno
import json
import re
import shlex
import stat
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import validator

pytestmark = pytest.mark.container

ROOT = Path(__file__).parents[2]
OTHER = "54321:54321"
"""Whom the mounted folder belongs to."""
FAST = (
    "--env",
    "sandbox",
    "--max-tps",
    "1000",
    "--interval",
    "1s",
    "--sync",
    "0s",
    "--settle",
    "0s",
    "--deployed-at",
    "none",
)
REPORTS = ("--junit", "gate.xml", "--json", "gate.json")


def junit(workspace):
    return ET.parse(workspace / "gate.xml").getroot()  # noqa: S314 - the gate's own report


@pytest.fixture
def check(image, workspace, variables):
    def go(*arguments, manifest="manifest.yaml", user=OTHER, timeout="20s", more=None):
        return image.run(
            "check",
            manifest,
            *FAST,
            "--timeout",
            timeout,
            *arguments,
            workspace=workspace,
            user=user,
            environment={**variables, **(more or {})},
        )

    return go


def test_its_entry_point_is_the_command_and_it_is_on_path_for_those_who_empty_it(image, workspace):
    assert image.config["Entrypoint"] == ["mwaa-gate"]
    for entrypoint in (None, [], ["sh", "-c", 'exec "$0" "$@"']):
        arguments = ("--version",) if entrypoint is None else ("mwaa-gate", "--version")
        ended = image.run(*arguments, entrypoint=entrypoint, workspace=workspace)
        assert (ended.code, ended.out) == (0, f"mwaa-gate {validator.__version__}\n"), ended.err


def test_without_a_command_it_shows_its_help(image, workspace):
    ended = image.run(workspace=workspace)
    assert ended.code == 0
    assert ended.out.startswith("Usage: mwaa-gate")


def test_its_user_is_a_number_that_is_not_root_and_that_is_who_it_runs_as(image, workspace):
    user, _, group = image.config["User"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    who = "import os; print(os.getuid(), os.getgid(), os.getgroups())"
    ended = image.run("python", "-c", who, entrypoint=[], workspace=workspace)
    assert ended.out.split(maxsplit=2) == [user, group, "[]\n"]


def test_nothing_but_the_mounted_folder_can_be_written_to_in_these_tests_not_even_by_root(image, workspace):
    trial = """
for path in ("/x", "/tmp/x", "/opt/mwaa-gate/x", "/workspace/x"):
    try:
        open(path, "w").close()
        print(path)
    except OSError as error:
        print(error.errno)
"""
    ended = image.run("python", "-c", trial, entrypoint=[], workspace=workspace, user="0:0")
    assert ended.out.split() == [*[str(errno.EROFS)] * 3, "/workspace/x"]


def test_what_holds_is_green_and_its_reports_are_in_the_mounted_folder(check, workspace):
    ended = check(*REPORTS)
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.startswith("PASSED: sandbox")
    cases = list(junit(workspace).iter("testcase"))
    assert cases
    assert not [case for case in cases if case.find("failure") is not None]
    assert json.loads((workspace / "gate.json").read_text())["verdict"] == "passed"
    owner = (workspace / "gate.xml").stat()
    assert f"{owner.st_uid}:{owner.st_gid}" == OTHER


def test_what_does_not_hold_is_red_with_its_reports(check, workspace):
    (workspace / "more.yaml").write_text("version: 1\ndags: [etl, nowhere]\n")
    ended = check(*REPORTS, manifest="more.yaml", timeout="2s")
    assert ended.code == 1, ended.out + ended.err
    failures = list(junit(workspace).iter("failure"))
    assert [failure.get("type") for failure in failures] == ["dag-missing"]


def test_a_wrong_manifest_is_2_and_says_which_line(check, workspace):
    (workspace / "wrong.yaml").write_text("version: 1\ndogs: [etl]\n")
    ended = check(manifest="wrong.yaml")
    assert ended.code == 2
    assert "line 2: unknown key 'dogs'" in ended.err


def test_nobody_there_is_3(check, workspace):
    gone = {"AWS_ENDPOINT_URL_MWAA": "http://127.0.0.1:9"}
    ended = check(*REPORTS, timeout="2s", more=gone)
    assert ended.code == 3, ended.out + ended.err
    assert json.loads((workspace / "gate.json").read_text())["verdict"] == "error"


def test_a_folder_that_the_user_may_not_write_to_is_told_before_anything_is_called(check, sandbox):
    ended = check(*REPORTS, user=None)
    assert ended.code == 2
    assert "cannot write gate.xml" in ended.err
    assert sandbox.calls == ()


def test_sigterm_to_process_1_ends_it_with_143_and_whole_reports(image, workspace, variables, sandbox):
    (workspace / "more.yaml").write_text("version: 1\ndags: [etl, nowhere]\n")
    arguments = ("check", "more.yaml", *FAST, "--timeout", "10m", *REPORTS)
    started = image.start(*arguments, workspace=workspace, user=OTHER, environment=variables)
    with started.watched() as running:
        until = time.monotonic() + 20
        while not sandbox.calls and time.monotonic() < until:
            time.sleep(0.05)
        ended = running.stop()
    assert ended.code == 143, ended.out + ended.err
    told = json.loads((workspace / "gate.json").read_text())
    assert (told["verdict"], told["exit_code"]) == ("error", 143)
    assert list(junit(workspace).iter("testcase"))
    assert sorted(path.name for path in workspace.iterdir() if "tmp" in path.name) == []


def test_the_demo_runs_in_it(image, workspace):
    ended = image.run("demo", workspace=workspace, user=OTHER, timeout=120)
    assert ended.code == 0, ended.out + ended.err
    assert (workspace / "mwaa-gate-demo" / "green.xml").exists()


def test_its_labels_say_what_it_is_and_which_version(image):
    labels = image.config["Labels"]
    assert labels["org.opencontainers.image.title"] == "mwaa-gate"
    assert labels["org.opencontainers.image.version"] == validator.__version__
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def added(image, base):
    """What the image has and its base has not, relative to the root."""
    before = {path.relative_to(base.root) for path in base.root.rglob("*")}
    return [path for path in image.root.rglob("*") if path.relative_to(image.root) not in before]


def test_the_dockerfile_adds_the_gate_and_nothing_else(image, base):
    paths = added(image, base)
    tops = {path.relative_to(image.root).parts[:2] for path in paths}
    assert tops == {("opt",), ("opt", "mwaa-gate"), ("workspace",)}
    names = {path.name for path in paths}
    assert not names & {"tests", ".git", ".aws", "pip.conf", "pip", "hatchling", "credentials", ".env"}
    packages = next((image.root / "opt/mwaa-gate/lib").glob("python*/site-packages"))
    assert (packages / "validator" / "__main__.py").exists()
    size = sum(path.lstat().st_size for path in paths if not path.is_dir() or path.is_symlink())
    print(f"the Dockerfile adds {size / 1e6:.1f} MB")  # noqa: T201 - to read with -s
    assert size < 80e6


def test_the_package_in_it_is_whole_with_what_is_no_python(image):
    def files(folder):
        found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
        return {str(path) for path in found if "__pycache__" not in path.parts}

    packages = next((image.root / "opt/mwaa-gate/lib").glob("python*/site-packages"))
    assert files(packages / "validator") == files(ROOT / "validator")


def test_nothing_of_what_the_build_was_given_to_fetch_packages_is_in_it(image, base, pip_conf):
    given = re.findall(rb"\S+://\S+", pip_conf.read_bytes())
    for path in added(image, base):
        assert path.name not in {"pip.conf", ".netrc", "requirements"}
        if path.is_file() and not path.is_symlink() and ".dist-info" in str(path):
            content = path.read_bytes()
            assert not [url for url in given if url in content], path
    assert set(image.environment) == {"PATH", "PYTHONDONTWRITEBYTECODE"}


def test_its_user_owns_nothing_and_may_write_to_nothing_that_the_dockerfile_adds(image, base):
    writable = []
    for path in added(image, base):
        state = path.lstat()
        assert (state.st_uid, state.st_gid) == (0, 0), path
        if not stat.S_ISLNK(state.st_mode) and state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            writable.append(path)
    assert writable == []


def test_every_module_has_bytecode_that_its_source_is_not_compared_with(image):
    packages = next((image.root / "opt/mwaa-gate/lib").glob("python*/site-packages"))
    for name in ("validator/gate.py", "botocore/session.py"):
        source = packages / name
        (cached,) = (source.parent / "__pycache__").glob(f"{source.stem}.cpython-*.pyc")
        assert int.from_bytes(cached.read_bytes()[4:8], "little") == 1, "hash-based, unchecked"


def test_a_version_that_is_not_the_packages_stops_the_build(store, pip_conf):
    with pytest.raises(AssertionError, match=r"VERSION=9\.9\.9 is not the package's: mwaa-gate"):
        store.build(
            Path(__file__).parents[2], "localhost/wrong", config=pip_conf, arguments={"VERSION": "9.9.9"}
        )


def documented():
    """The options and the arguments of the `docker run` in the documentation."""
    page = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"```sh\n(docker run .*?)\n```", page, re.DOTALL)
    words = shlex.split(command.replace("\\\n", " "))
    at = next(place for place, word in enumerate(words) if word.startswith("mwaa-gate:"))
    return words[2:at], words[at + 1 :]


def test_the_documented_command_works_as_it_is_written(image, workspace, variables):
    options, arguments = documented()
    assert options[:4] == ["--rm", "--read-only", "--user", "$(id -u):$(id -g)"]
    assert f"$PWD:{image.config['WorkingDir']}" in options
    named = [options[place + 1] for place, word in enumerate(options) if word == "--env"]
    assert {"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} == set(named)
    arguments[arguments.index("analytics-prod")] = "sandbox"
    quick = {"MWAA_GATE_DEPLOYED_AT": "none", "MWAA_GATE_SETTLE": "0s", "MWAA_GATE_INTERVAL": "100ms"}
    ended = image.run(*arguments, workspace=workspace, user=OTHER, environment={**variables, **quick})
    assert ended.code == 0, ended.out + ended.err
    assert list(junit(workspace).iter("testcase"))
    assert (workspace / "gate.json").exists()
