"""What makes a gate run the same one as another try of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from smoked import wants

from validator.local.model import LocalFile, LocalFolder
from validator.manifest import Manifest
from validator.s3.interface import LocalDigest
from validator.settings import Settings
from validator.smoke.key import key_of, key_of_ci
from validator.target import Target

GITHUB = {"GITHUB_RUN_ID": "1", "GITHUB_RUN_ATTEMPT": "1", "GITHUB_JOB": "deploy", "GITHUB_ACTION": "gate"}
PLAIN = Settings(Manifest(smoke=(wants(),)), Target("prod"), run_key="k")


def folder_of(text, root="dags", words=("dag", "airflow")):
    return LocalFolder(root, files=(LocalFile("a.py", text=text, words=frozenset(words)),))


@pytest.mark.parametrize("variable", GITHUB)
def test_in_github_actions_each_attempt_of_each_step_is_a_run_of_its_own(variable):
    assert key_of_ci(GITHUB) == key_of_ci(dict(GITHUB))
    assert key_of_ci({**GITHUB, variable: "other"}) != key_of_ci(GITHUB)


@pytest.mark.parametrize(
    "environ", [{"CODEBUILD_BUILD_ID": "x:1"}, {"CI_JOB_ID": "7"}, {"BUILD_TAG": "jenkins-7"}]
)
def test_other_pipelines_name_their_runs_too(environ):
    assert key_of_ci(environ)


@pytest.mark.parametrize("environ", [{}, {"GITHUB_RUN_ID": ""}, {"CI": "true"}])
def test_where_nothing_names_it_every_run_is_another(environ):
    assert key_of_ci(environ) == ""
    nameless = replace(PLAIN, run_key="")
    assert key_of(nameless, "one") != key_of(nameless, "two")


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAIN, run_key="other"),
        replace(PLAIN, target=Target("test")),
        replace(PLAIN, manifest=Manifest(smoke=(wants("b"),))),
        replace(PLAIN, folder=folder_of("a = 1")),
    ],
)
def test_another_gate_has_other_runs(other):
    assert key_of(PLAIN, "x") == key_of(PLAIN, "y")
    assert key_of(other, "x") != key_of(PLAIN, "x")


def test_a_gate_of_another_folder_has_other_runs_wherever_the_folder_lies():
    def key(folder):
        return key_of(replace(PLAIN, folder=folder), "x")

    assert key(folder_of("a = 1")) == key(folder_of("a = 1", "/elsewhere/dags", ("airflow", "dag")))
    assert key(folder_of("a = 1")) != key(folder_of("a = 2"))
    assert key(LocalFolder("dags")) != key(LocalFolder("dags", digests=(LocalDigest("a.sql", 1, "0"),)))
