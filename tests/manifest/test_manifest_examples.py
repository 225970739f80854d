"""Every example, good and bad, is a rule: a bad one begins with all the problems that it must be told."""

from pathlib import Path

import pytest
import yaml

from validator.errors import EXIT_USAGE, ManifestError
from validator.manifest import (
    EnvironmentRule,
    ExpectedConnection,
    ExpectedDag,
    ExpectedPattern,
    ExpectedPool,
    InventoryRule,
    Manifest,
    load_manifest,
    loader,
    nodes,
    parse_manifest,
)

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
    "GIT_SHA": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
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
def test_a_manifest_that_is_checked_piece_by_piece_has_the_same_problems(path, monkeypatch):
    monkeypatch.setattr(loader, "_PIECE", 1)
    assert problems_of(path) == expected_problems(path)


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
        ExpectedDag(
            "etl",
            file="a/b c/größe..py",
            paused=True,
            schedule="0 3 * * *",
            tags=("team:data", "tier 1", "größe, 中文"),
            owners=("data-eng", "Jane Doe"),
            tasks=("extract", "group.größe_1"),
            max_active_runs=1,
            description="two\nlines ",
        ),
    )
    assert manifest.patterns == (ExpectedPattern("*_[a-z]?[!0-9]", 20_000),)
    assert manifest.absent == ("old",)
    assert manifest.import_errors.scope == "all"
    assert manifest.import_errors.allow == ("legacy/**/*.py", "x.zip/y.py")
    assert manifest.inventory == InventoryRule("fail", ("airflow_monitoring", "tmp_*"))
    assert manifest.variables == ("s3_bucket", "with space/and:colon")
    assert manifest.connections == (
        ExpectedConnection("aws_default"),
        ExpectedConnection("warehouse", "postgres"),
        ExpectedConnection("a(b)#!"),
    )
    assert manifest.pools == (
        ExpectedPool("default_pool"),
        ExpectedPool("etl pool", 0),
        ExpectedPool("big", 2_147_483_647),
    )
    assert manifest.warnings == "fail"
    assert manifest.mwaa == EnvironmentRule(
        airflow_version="2.10.5",
        environment_class="mw1.2xlarge",
        requirements_s3_object_version="3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo",
        plugins_s3_object_version="null",
    )


def test_what_is_not_said_is_not_demanded():
    manifest = load_manifest(HERE / "good" / "one-id.yaml", {})
    assert manifest.dags == (ExpectedDag("etl_daily"),)
    assert manifest.inventory == InventoryRule("ignore")
    assert manifest.warnings == "warn"
    assert manifest.mwaa == EnvironmentRule()


def test_nothing_and_none_are_demands_of_their_own():
    dags = load_manifest(HERE / "good" / "no-schedule-no-description.yaml", {}).dags
    assert [dag.schedule for dag in dags] == ["none"] * 5
    assert [dag.description for dag in dags] == ["", "", "", "", None]
    assert [dag.tasks for dag in dags] == [None, None, None, None, ()]


def test_a_manifest_that_expects_nothing_will_do_where_something_else_expects_more():
    path = HERE / "bad" / "nothing-expected.yaml"
    manifest = load_manifest(path, {}, expects_more=True)
    assert manifest.dags == ()
    assert manifest.warnings == "fail"
    assert parse_manifest(b"version: 1", "manifest.yaml", {}, expects_more=True) == Manifest()


@pytest.mark.parametrize("name", ["only-a-comment", "a-list", "keys", "attributes"])
def test_where_something_else_expects_more_a_wrong_manifest_is_still_wrong(name):
    path = HERE / "bad" / f"{name}.yaml"
    with pytest.raises(ManifestError) as caught:
        load_manifest(path, ENVIRON, expects_more=True)
    assert list(caught.value.problems) == expected_problems(path)


def test_the_plain_list_is_bare_ids():
    manifest = load_manifest(STARTERS / "plain-list.yaml", {})
    assert [dag.dag_id for dag in manifest.dags] == ["basic_bash_dag", "etl_daily", "etl_hourly", "20240101"]
    assert manifest.environment is None


def test_the_shared_environment_judges_one_teams_slice():
    manifest = load_manifest(STARTERS / "shared-environment.yaml", ENVIRON)
    assert manifest.environment == "analytics-prod"
    assert manifest.patterns == (ExpectedPattern("team_a_*", 3),)
    assert [dag.paused for dag in manifest.dags] == [False, True]
    assert [dag.schedule for dag in manifest.dags] == ["0 3 * * *", "none"]
    assert manifest.dags[0].tasks == ("extract", "transform", "load")
    assert all(dag.file for dag in manifest.dags)
    assert manifest.import_errors.scope == "mine"
    assert manifest.inventory.unexpected == "ignore"
    assert manifest.pools == (ExpectedPool("team_a", 4),)


def test_the_whole_environment_judges_every_file_and_every_dag():
    manifest = load_manifest(STARTERS / "whole-environment.yaml", {})
    assert manifest.import_errors.scope == "all"
    assert manifest.inventory == InventoryRule("fail", ("tmp_*",))
    assert manifest.warnings == "fail"
    assert manifest.health.require == ("triggerer",)
    assert manifest.absent == ("etl_daily_old",)
    assert manifest.gate.timeout == 900
    assert ExpectedConnection("warehouse", "postgres") in manifest.connections
    assert manifest.mwaa == EnvironmentRule(airflow_version="2.10.5", environment_class="mw1.medium")


def test_the_release_marker_takes_the_commit_of_the_pipeline():
    manifest = load_manifest(STARTERS / "release-marker.yaml", ENVIRON)
    assert [dag.dag_id for dag in manifest.dags] == ["etl_daily", "etl_hourly"]
    assert {dag.tags for dag in manifest.dags} == {(f"release:{ENVIRON['GIT_SHA']}",)}
    with pytest.raises(ManifestError) as caught:
        load_manifest(STARTERS / "release-marker.yaml", {})
    assert "'GIT_SHA' is not set" in caught.value.problems[0]


def test_every_starter_names_the_schema_for_editors():
    starters = sorted(STARTERS.glob("*.yaml"))
    assert len(starters) >= 4
    for path in starters:
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert first == "# yaml-language-server: $schema=mwaa-gate.schema.json"
