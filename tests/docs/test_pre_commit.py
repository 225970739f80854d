"""The hook for pre-commit: installed from a repository by pre-commit itself, as a user's configuration names it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HOOKS = ROOT / ".pre-commit-hooks.yaml"
PRE_COMMIT = Path(sys.executable).parent / "pre-commit"
SNIPPET = re.findall(
    r"<!-- hook -->\n```yaml\n(.*?)```", (ROOT / "docs" / "lint.md").read_text("utf-8"), re.DOTALL
)
DAG = "from airflow import DAG\n\nwith DAG({!r}):\n    pass\n"
INSTALLED_FROM = ("validator", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")


@pytest.fixture
def environment(tmp_path):
    """No configuration and no cache but its own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "PRE_COMMIT", "MWAA_", "VIRTUAL_ENV", "PYTHON"))
    }
    who = {
        f"GIT_{role}_{what}": "test@localhost"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    own = {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        "PRE_COMMIT_HOME": str(tmp_path / "cache"),
    }
    return kept | who | own


@pytest.fixture
def pre_commit(environment):
    """Runs pre-commit; its exit code and what it said."""
    if not PRE_COMMIT.exists():
        told = pytest.fail if os.environ.get("CI") else pytest.skip
        told("pre-commit is not installed: pip install '.[dev]'")

    def go(*arguments, folder=ROOT):
        ended = subprocess.run(
            [PRE_COMMIT, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        return ended.returncode, ended.stdout + ended.stderr

    return go


@pytest.fixture
def git(environment):
    def go(folder, *arguments):
        command = ["git", "-c", "init.defaultBranch=main", *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=True
        ).stdout

    return go


def test_the_hooks_are_what_pre_commit_takes(pre_commit):
    code, said = pre_commit("validate-manifest", str(HOOKS))
    assert code == 0, said
    assert "[WARNING]" not in said


def test_the_reference_shows_the_hook_that_there_is():
    (snippet,) = SNIPPET
    (hook,) = yaml.safe_load(HOOKS.read_text("utf-8"))
    assert [one["id"] for one in yaml.safe_load(snippet)["repos"][0]["hooks"]] == [hook["id"]]


def test_pre_commit_installs_the_hook_and_runs_it_at_every_commit(pre_commit, git, tmp_path):
    hook, user = tmp_path / "hook", tmp_path / "user"
    hook.mkdir()
    for name in INSTALLED_FROM:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, hook / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, hook / name)
    git(hook, "init", "-q")
    git(hook, "add", ".")
    git(hook, "commit", "-q", "-m", "hook")
    commit = git(hook, "rev-parse", "HEAD").strip()
    (user / "dags").mkdir(parents=True)
    config = SNIPPET[0].replace("https://github.com/OWNER/mwaa-gate", str(hook)).replace("COMMIT", commit)
    (user / ".pre-commit-config.yaml").write_text(config)
    (user / "gate.yaml").write_text(
        'version: 1\ndags: [etl, {dag_id: report, tags: ["release:${GIT_SHA}"]}]\n'
    )
    (user / "dags" / "etl.py").write_text(DAG.format("etl"))
    (user / "dags" / "report.py").write_text(DAG.format("report"))
    git(user, "init", "-q")
    git(user, "add", ".")

    code, said = pre_commit("run", folder=user)
    assert code == 0, said
    assert "Passed" in said
    git(user, "commit", "-q", "-m", "good")

    git(user, "rm", "-q", "dags/report.py")
    code, said = pre_commit("run", folder=user)
    assert code == 1, f"a commit that only deletes a file must be looked at, too: {said}"
    assert "gate.yaml:2: error: no file surely defines the DAG report [dag-undefined]" in said

    (user / "gate.yaml").write_text("version: 1\ndags: [etl]\nnonsense: 1\n")
    git(user, "add", ".")
    code, said = pre_commit("run", folder=user)
    assert code == 1, said
    assert "exit code: 2" in said
    assert "gate.yaml:3: error: unknown key 'nonsense'" in said
