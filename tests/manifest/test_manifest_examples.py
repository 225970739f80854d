"""Every example, good and bad, is a rule: a bad one begins with all the problems that it must be told."""

from pathlib import Path

import pytest
import yaml

from validator.errors import EXIT_USAGE, ManifestError
from validator.manifest import ExpectedDag, ExpectedPattern, load_manifest, nodes

HERE = Path(__file__).parent
STARTERS = HERE.parent.parent / "manifests"
GOOD = sorted((HERE / "good").glob("*.yaml"))
BAD = sorted((HERE / "bad").glob("*.yaml"))
MARK = "# problem: "
ENVIRON = {
    "SECRET": "hunter2 is secret",
    "EMPTY": "",
    "YAML": "[a, b]",
    "SAFE": "etl",
    "NUMBER": "3",
    "MWAA_ENV_NAME": "analytics-prod",
}


def expected_problems(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(MARK) for line in lines if line.startswith(MARK)]


def problems_of(path):
    with pytest.raises(ManifestError) as caught:
        load_manifest(path, ENVIRON)
    assert caught.value.exit_code == EXIT_USAGE
    assert caught.value.path == str(path)
    return list(caught.value.problems)


def test_there_are_examples():
    assert GOOD
    assert BAD


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_manifest_loads(path):
    load_manifest(path, ENVIRON)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_manifest_is_told_every_problem_with_its_line(path):
    assert problems_of(path) == expected_problems(path)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_the_parser_written_in_python_finds_the_same(path, monkeypatch):
    monkeypatch.setattr(nodes, "_LOADER", yaml.SafeLoader)
    told, expected = problems_of(path), expected_problems(path)
    if "not YAML" in expected[0]:  # the two parsers word these in their own ways
        assert "not YAML" in told[0]
    else:
        assert told == expected


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_no_problem_holds_control_characters_or_a_substituted_value(path):
    for problem in problems_of(path):
        assert problem.isprintable()
        assert "hunter2" not in problem
        assert len(problem) < 400


def test_every_key_reaches_the_model():
    manifest = load_manifest(HERE / "good" / "every-key.yaml", {})
    assert (manifest.environment, manifest.region) == ("analytics_prod-1", "us-gov-west-1")
    gate = manifest.gate
    assert (gate.timeout, gate.interval, gate.sync, gate.settle) == (5400, 0.1, 0, 0.5)
    assert (gate.grace, gate.stable_for, gate.fail_fast) == (90, 0, False)
    assert manifest.health.require == ("triggerer", "dag_processor")
    assert manifest.health.ignore == ("some_component",)
    assert manifest.health.max_heartbeat_age == 120
    assert manifest.dags == (
        ExpectedDag("bare.id-with_all"),
        ExpectedDag("etl", "a/b c/größe..py", paused=True),
    )
    assert manifest.patterns == (ExpectedPattern("*_[a-z]?[!0-9]", 20_000),)
    assert manifest.absent == ("old",)
    assert manifest.import_errors.scope == "all"
    assert manifest.import_errors.allow == ("legacy/**/*.py", "x.zip/y.py")


def test_the_plain_list_is_bare_ids():
    manifest = load_manifest(STARTERS / "plain-list.yaml", {})
    assert [dag.dag_id for dag in manifest.dags] == ["basic_bash_dag", "etl_daily", "etl_hourly", "20240101"]
    assert manifest.environment is None


def test_the_shared_environment_judges_one_teams_slice():
    manifest = load_manifest(STARTERS / "shared-environment.yaml", ENVIRON)
    assert manifest.environment == "analytics-prod"
    assert manifest.patterns == (ExpectedPattern("team_a_*", 3),)
    assert [dag.paused for dag in manifest.dags] == [False, True]
    assert all(dag.file for dag in manifest.dags)
    assert manifest.import_errors.scope == "mine"


def test_the_whole_environment_judges_every_file():
    manifest = load_manifest(STARTERS / "whole-environment.yaml", {})
    assert manifest.import_errors.scope == "all"
    assert manifest.health.require == ("triggerer",)
    assert manifest.absent == ("etl_daily_old",)
    assert manifest.gate.timeout == 900


def test_every_starter_names_the_schema_for_editors():
    starters = sorted(STARTERS.glob("*.yaml"))
    assert len(starters) >= 3
    for path in starters:
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first == "# yaml-language-server: $schema=mwaa-gate.schema.json"
