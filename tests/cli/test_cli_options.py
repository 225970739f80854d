"""What is given on the command line, in environment variables and in the manifest, and which of them counts."""

from __future__ import annotations

import importlib
from datetime import datetime, timezone
from pathlib import Path

import click
import pytest

from validator import __version__
from validator.cli.options import PREFIX
from validator.report.registry import FORMATS
from validator.rules import Deploy
from validator.settings import DEFAULT_MAX_TPS

check_module = importlib.import_module("validator.cli.check")
OPTIONS = [param for param in check_module.check.params if isinstance(param, click.Option)]
VALUES = {
    "environment": ("prod", lambda s, f, o: s.target.name == "prod"),
    "region": ("eu-west-1", lambda s, f, o: s.target.region == "eu-west-1"),
    "profile": ("team", lambda s, f, o: s.target.profile == "team"),
    "role_arn": (
        "arn:aws:iam::123456789012:role/x",
        lambda s, f, o: str(s.target.role_arn).endswith("role/x"),
    ),
    "airflow_url": ("http://127.0.0.1:1/base/", lambda s, f, o: s.target.name == "http://127.0.0.1:1/base/"),
    "airflow_credentials": ("credentials.yaml", lambda s, f, o: s.target.http.auth.token == "hidden"),
    "airflow_ca": ("ca.pem", lambda s, f, o: s.target.http.ca_bundle == "ca.pem"),
    "timeout": ("7m", lambda s, f, o: s.rules.timeout == 420),
    "interval": ("7s", lambda s, f, o: s.rules.interval == 7),
    "sync": ("8s", lambda s, f, o: s.rules.sync == 8),
    "settle": ("9s", lambda s, f, o: s.rules.settle == 9),
    "grace": ("11s", lambda s, f, o: s.rules.grace == 11),
    "stable_for": ("12s", lambda s, f, o: s.rules.stable_for == 12),
    "deployed_at": ("none", lambda s, f, o: s.rules.deployed_at is Deploy.NONE),
    "fail_fast": ("false", lambda s, f, o: s.rules.fail_fast is False),
    "max_tps": ("2.5", lambda s, f, o: s.max_tps == 2.5),
    "dags_folder": ("dags", lambda s, f, o: s.folder is not None and s.folder.root == "dags"),
    "dags_prefix": ("team_a", lambda s, f, o: s.folder.prefix == "team_a"),
    "verify_s3": ("1", lambda s, f, o: len(s.folder.digests) == 1),
    "dags_s3": ("s3://bucket/dags", lambda s, f, o: s.dags_s3 == "s3://bucket/dags"),
    "s3_exclude": ("*.md **/*.csv", lambda s, f, o: o["s3_exclude"] == ("*.md", "**/*.csv")),
    "run_key": ("build-7", lambda s, f, o: s.run_key == "build-7"),
    "quiet": ("1", lambda s, f, o: o["quiet"]),
    "verbose": ("1", lambda s, f, o: o["verbose"]),
    "no_color": ("1", lambda s, f, o: o["no_color"]),
    **{
        f"file_{one.name}": (f"out.{one.name}", lambda s, f, o, one=one: f.get(one.name) == f"out.{one.name}")
        for one in FORMATS
    },
}


AIRFLOW = {"MWAA_GATE_AIRFLOW_URL": "http://127.0.0.1:1"}
NEEDS = {
    "airflow_credentials": AIRFLOW,
    "airflow_ca": AIRFLOW,
    "dags_prefix": {"MWAA_GATE_DAGS_FOLDER": "dags"},
    "verify_s3": {"MWAA_GATE_DAGS_FOLDER": "dags"},
    "dags_s3": {"MWAA_GATE_DAGS_FOLDER": "dags", "MWAA_GATE_VERIFY_S3": "1"},
    "s3_exclude": {"MWAA_GATE_DAGS_FOLDER": "dags", "MWAA_GATE_VERIFY_S3": "1"},
}
"""What an option says something about, and means nothing without."""


@pytest.fixture
def settled(gate, monkeypatch, manifest):
    """Runs `check` up to the moment at which the gate would start; settings, files and options."""
    seen = []
    monkeypatch.setattr(check_module, "run", lambda *all_of_it: seen.append(all_of_it) or 0)

    Path("credentials.yaml").write_text("token: hidden\n", "utf-8")
    Path("dags").mkdir()
    Path("dags/etl.py").write_text("from airflow import DAG\nwith DAG('etl'):\n    pass\n", "utf-8")

    def go(*arguments, text="version: 1\nenvironment: from-manifest\ndags: [etl]\n"):
        ended = gate("check", manifest(text), *arguments)
        assert ended.code == 0, ended.err
        return seen[-1]

    return go


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_has_its_environment_variable(settled, clean, option):
    name = next(name for name in option.opts if name.startswith("--")).removeprefix("--")
    variable = f"{PREFIX}_{name.replace('-', '_').upper()}"
    variables = [option.envvar] if isinstance(option.envvar, str) else list(option.envvar)
    assert variable in variables
    if option.name not in VALUES:
        pytest.fail(f"--{name} is new: say in VALUES what its variable does")
    value, holds = VALUES[option.name]
    for other, given in NEEDS.get(option.name, {}).items():
        clean.setenv(other, given)
    assert not holds(*settled()), "it must make a difference"
    clean.setenv(variable, value)
    assert holds(*settled())


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_an_empty_environment_variable_is_none(settled, clean, option):
    before = settled()
    for variable in [option.envvar] if isinstance(option.envvar, str) else option.envvar:
        clean.setenv(variable, "")
    assert settled() == before


def test_the_manifest_itself_can_come_from_the_environment(gate, clean, manifest, monkeypatch):
    monkeypatch.setattr(check_module, "run", lambda *_: 0)
    clean.setenv("MWAA_GATE_MANIFEST", manifest("version: 1\nenvironment: a\ndags: [etl]\n"))
    assert gate("check").code == 0


def test_the_environment_is_the_one_that_is_given_nearest(settled, clean):
    assert settled()[0].target.name == "from-manifest"
    clean.setenv("MWAA_ENV_NAME", "from-mwaa")
    assert settled()[0].target.name == "from-mwaa"
    clean.setenv("MWAA_GATE_ENV", "from-variable")
    assert settled()[0].target.name == "from-variable"
    assert settled("--env", "from-option")[0].target.name == "from-option"


RULES = [
    ("timeout", 60.0),
    ("interval", 1.0),
    ("sync", 2.0),
    ("settle", 3.0),
    ("grace", 4.0),
    ("stable_for", 5.0),
]


@pytest.mark.parametrize(("name", "seconds"), RULES)
def test_an_option_goes_before_a_variable_and_that_before_the_manifest(settled, clean, name, seconds):
    text = f"version: 1\nenvironment: a\ndags: [etl]\ngate: {{{name}: {seconds}s}}\n"
    assert getattr(settled(text=text)[0].rules, name) == seconds
    clean.setenv(f"MWAA_GATE_{name.upper()}", "33s")
    assert getattr(settled(text=text)[0].rules, name) == 33
    assert getattr(settled(f"--{name.replace('_', '-')}", "44s", text=text)[0].rules, name) == 44


def test_auto_on_the_command_line_overrides_a_timeout_in_the_manifest(settled):
    text = "version: 1\nenvironment: a\ndags: [etl]\ngate: {timeout: 5m}\n"
    assert settled(text=text)[0].rules.timeout == 300
    assert settled("--timeout", "auto", text=text)[0].rules.timeout is None
    assert settled(text=text.replace("5m", "auto"))[0].rules.timeout is None


def test_zero_on_the_command_line_is_not_the_same_as_nothing(settled):
    text = "version: 1\nenvironment: a\ndags: [etl]\ngate: {sync: 90s, settle: 90s, grace: 90s, stable_for: 90s}\n"
    rules = settled("--sync=0s", "--settle=0s", "--grace=0s", "--stable-for=0s", text=text)[0].rules
    assert (rules.sync, rules.settle, rules.grace, rules.stable_for) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("manifest_says", "options", "expected"),
    [
        ("true", ["--no-fail-fast"], False),
        ("false", ["--fail-fast"], True),
        ("false", [], False),
        (None, [], True),
    ],
)
def test_fail_fast_is_what_was_said_nearest(settled, manifest_says, options, expected):
    text = "version: 1\nenvironment: a\ndags: [etl]\n" + (
        f"gate: {{fail_fast: {manifest_says}}}\n" if manifest_says else ""
    )
    assert settled(*options, text=text)[0].rules.fail_fast is expected


def test_without_anything_the_defaults_of_the_design_hold(settled):
    settings, files, _ = settled()
    rules = settings.rules
    assert (rules.timeout, rules.interval, rules.sync, rules.settle, rules.grace) == (None, 10, 60, 30, 60)
    assert (rules.stable_for, rules.fail_fast, rules.deployed_at) == (0, True, Deploy.NOW)
    assert (settings.max_tps, settings.target.region, settings.target.profile, settings.target.role_arn) == (
        DEFAULT_MAX_TPS,
        None,
        None,
        None,
    )
    assert files == {}


def test_the_region_of_the_manifest_counts_unless_one_is_given(settled):
    text = "version: 1\nenvironment: a\nregion: eu-west-3\ndags: [etl]\n"
    assert settled(text=text)[0].target.region == "eu-west-3"
    assert settled("--region", "us-west-2", text=text)[0].target.region == "us-west-2"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("now", Deploy.NOW),
        ("none", Deploy.NONE),
        ("2026-01-31T08:00:00Z", datetime(2026, 1, 31, 8, tzinfo=timezone.utc)),
        ("2026-01-31T08:00:00+02:00", datetime(2026, 1, 31, 6, tzinfo=timezone.utc)),
        ("1769846400", datetime(2026, 1, 31, 8, tzinfo=timezone.utc)),
        ("1769846400.5", datetime(2026, 1, 31, 8, 0, 0, 500_000, tzinfo=timezone.utc)),
        (" now ", Deploy.NOW),
    ],
)
def test_the_deploys_end_can_be_told_in_many_ways(settled, value, expected):
    assert settled(f"--deployed-at={value}")[0].rules.deployed_at == expected


def test_one_device_may_take_two_reports(settled):
    _, files, _ = settled("--json", "/dev/stdout", "--junit", "/dev/stdout")
    assert files == {"json": "/dev/stdout", "junit": "/dev/stdout"}


def test_the_version_is_told(gate):
    assert gate("--version").out == f"mwaa-gate {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["check", "--help"], ["schema", "-h"]])
def test_help_is_no_error(gate, arguments):
    ended = gate(*arguments)
    assert ended.code == 0
    assert ended.out.startswith("Usage: mwaa-gate")
    assert ended.err == ""


def test_the_help_of_check_names_every_option(gate):
    said = gate("check", "--help").out
    for option in OPTIONS:
        assert all(name in said for name in option.opts)
