"""Wrong input of every kind: one message that says what to mend, exit code 2, and nothing is called."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest

NOW = datetime.now(timezone.utc)


@pytest.fixture
def refused(gate, sandbox):
    """Runs the command, which must refuse its input; what it said."""

    def go(*arguments):
        ended = gate(*arguments)
        assert ended.code == 2
        assert ended.out == ""
        assert "Traceback" not in ended.err
        heads = re.findall(r"^(?:Error|mwaa-gate): ", ended.err, re.MULTILINE)
        assert len(heads) == 1, f"not one message:\n{ended.err}"
        assert sandbox.calls == ()
        return ended.err

    return go


def test_no_manifest_at_all(refused):
    said = refused("check")
    assert "no manifest was given" in said
    assert "dags: [my_dag_id]" in said


@pytest.mark.parametrize("name", ["missing.yaml", "no/such/folder.yaml", "a\x1b[31mb.yaml", "x" * 300, "--"])
def test_a_manifest_that_is_not_there(refused, name):
    said = refused("check", "--env", "sandbox", "--", name)
    assert "\x1b" not in said
    assert "there is no such file" in said or "too long" in said


def test_a_manifest_that_is_a_directory(refused, tmp_path):
    assert "directory" in refused("check", tmp_path).lower()


def test_a_manifest_that_may_not_be_read(refused, tmp_path):
    assert "/proc" in refused("check", "/proc/self/mem")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"\0",
        b"version: 1\n",
        b"version: 2\ndags: [a]\n",
        b"dags: [a",
        b"!!python/object:os.system {}",
    ],
)
def test_a_manifest_that_holds_nothing_of_use(refused, tmp_path, content):
    (tmp_path / "m.yaml").write_bytes(content)
    said = refused("check", "m.yaml", "--env", "sandbox")
    assert "m.yaml" in said


def test_all_problems_of_a_manifest_are_one_message_with_a_line_each(refused, manifest):
    said = refused("check", manifest("version: 1\ndags: [a, a]\ngate: {timeout: soon}\nnonsense: 1\n"))
    assert "3 problems" in said
    assert {line[:8] for line in said.splitlines() if line.startswith("  line")} == {
        "  line 2",
        "  line 3",
        "  line 4",
    }


def test_no_environment_is_named(refused, manifest):
    said = refused("check", manifest())
    assert "no environment was named" in said
    assert "MWAA_ENV_NAME" in said


@pytest.mark.parametrize("name", ["../x", "a" * 81, "ä", "a b", "1a", "a/b", "-a", "a\x1b[31m", "::error::"])
def test_a_name_that_no_environment_can_have(refused, manifest, name):
    said = refused("check", manifest(), f"--env={name}")
    assert "cannot be the name of an MWAA environment" in said
    assert "\x1b" not in said
    assert not any(line.lstrip().startswith("::") for line in said.splitlines())


def test_an_empty_name_is_none(refused, manifest):
    assert "no environment was named" in refused("check", manifest(), "--env", "")


DURATIONS = ["--timeout", "--interval", "--sync", "--settle", "--grace", "--stable-for"]


@pytest.mark.parametrize("option", DURATIONS)
@pytest.mark.parametrize(
    "value", ["10", "1d", "-5s", "1e3s", "25h", "10 s", "nan", "inf", "s", "٣s", "auto!"]
)
def test_what_is_no_duration(refused, manifest, option, value):
    said = refused("check", manifest(), "--env", "sandbox", f"{option}={value}")
    assert f"'{option}'" in said
    assert "1h30m" in said or "longer than a day" in said


def test_an_interval_of_nothing(refused, manifest):
    assert "at least 0.1s" in refused("check", manifest(), "--env", "sandbox", "--interval", "0s")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("2026-01-31T08:00:00", "time zone"),
        ("2026-01-31", "time zone"),
        pytest.param(f"{NOW + timedelta(hours=5):%Y-%m-%dT%H:%M:%SZ}", "future", id="in five hours"),
        ("9999-12-31T23:59:59Z", "future"),
        pytest.param(str(int(NOW.timestamp()) + 18_000), "future", id="in 18,000 s"),
        ("1800000000000", "neither now"),
        ("yesterday", "neither now"),
        ("", "neither now"),
        ("NOW!", "neither now"),
        ("1e400", "neither now"),
        ("1" * 400, "neither now"),
        ("-1", "neither now"),
        ("NaN", "neither now"),
        ("inf", "neither now"),
        ("0x10", "neither now"),
        ("2026-13-01T00:00:00Z", "neither now"),
        ("2026-01-31T08:00:00ZZ", "neither now"),
        ("0001-01-01T00:00:00+14:00", "neither now"),
        ("9999-12-31T23:59:59-14:00", "neither now"),
        ("\x1b[31m", "neither now"),
    ],
)
def test_what_is_no_time_of_a_deploy(refused, manifest, value, words):
    said = refused("check", manifest(), "--env", "sandbox", f"--deployed-at={value}")
    assert "--deployed-at" in said
    assert words in said
    assert "\x1b" not in said


@pytest.mark.parametrize("value", ["0", "-1", "1001", "many", "nan", "NaN", "inf", "1e400", ""])
def test_what_is_no_number_of_calls_a_second(refused, manifest, value):
    assert "--max-tps" in refused("check", manifest(), "--env", "sandbox", f"--max-tps={value}")


@pytest.mark.parametrize("role", ["gate", "arn:aws:s3:::bucket"])
def test_what_is_no_role(refused, manifest, role):
    assert "ARN of an IAM role" in refused("check", manifest(), "--env", "sandbox", "--role-arn", role)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "--nonsense"], "--nonsense"),
        (["check", "m.yaml", "another.yaml"], "another.yaml"),
        (["check", "--timeout"], "--timeout"),
        (["chekc"], "chekc"),
        (["--nonsense"], "--nonsense"),
        (["check", "--fail-fast=maybe"], "--fail-fast"),
        (["schema", "x"], "x"),
    ],
)
def test_a_command_line_that_is_none(refused, arguments, words):
    assert words in refused(*arguments)


def test_no_command_at_all_shows_the_help(gate):
    ended = gate()
    assert ended.code == 2
    assert "Usage: mwaa-gate" in ended.out + ended.err
    assert "check" in ended.out + ended.err


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("missing/r.json", "Create missing"),
        (".", "directory"),
        ("folder/", "directory"),
        ("/proc/r.json", "cannot write"),
        ("a\0b", "cannot write"),
    ],
)
def test_a_report_that_cannot_be_written_is_found_out_before_anything_is_called(
    refused, manifest, tmp_path, path, words
):
    (tmp_path / "folder").mkdir()
    assert words in refused("check", manifest(), "--env", "sandbox", "--json", path)


@pytest.mark.parametrize("other", ["r.json", "./r.json", "folder/../r.json", "link"])
def test_two_reports_into_one_file(refused, manifest, tmp_path, other):
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "r.json")
    said = refused("check", manifest(), "--env", "sandbox", "--json", "r.json", "--junit", other)
    assert "--junit and --json name the same file" in said
    assert not (tmp_path / "r.json").exists()


def test_a_report_into_the_manifest_itself(refused, manifest):
    path = manifest()
    assert "the manifest and --json name the same file" in refused(
        "check", path, "--env", "sandbox", "--json", path
    )


def test_an_empty_environment_is_not_silently_the_manifests(refused, manifest):
    assert "no environment was named" in refused(
        "check", manifest("version: 1\nenvironment: sandbox\ndags: [etl]\n"), "--env", ""
    )


@pytest.mark.parametrize(
    "variable",
    [
        "MWAA_GATE_TIMEOUT",
        "MWAA_GATE_DEPLOYED_AT",
        "MWAA_GATE_MAX_TPS",
        "MWAA_GATE_FAIL_FAST",
        "MWAA_GATE_QUIET",
    ],
)
def test_nonsense_in_an_environment_variable_is_refused_too(refused, manifest, clean, variable):
    clean.setenv(variable, "nonsense")
    said = refused("check", manifest(), "--env", "sandbox")
    assert variable.removeprefix("MWAA_GATE_").lower().replace("_", "-") in said


def test_the_installed_command_refuses_with_the_same_code_and_words(child, manifest):
    ended = child("check", manifest(), "--env", "../x").end()
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("mwaa-gate: '../x' cannot be the name")
    assert "What to do: " in ended.err


@pytest.mark.parametrize("value", ["20261122", "0", "1", "1.5", "1999-12-31T00:00:00Z"])
def test_a_deploy_from_before_there_was_mwaa_is_a_typing_mistake(refused, manifest, value):
    assert "long before" in refused("check", manifest(), "--env", "sandbox", "--deployed-at", value)


@pytest.mark.parametrize("option", ["--json", "--junit"])
def test_a_report_without_a_name_is_not_silently_left_out(refused, manifest, option):
    assert "cannot write" in refused("check", manifest(), "--env", "sandbox", option, "")


def test_a_url_for_a_name_is_not_shown_but_told_where_it_belongs(gate, manifest):
    ended = gate("check", manifest(), "--env", "https://ann:hush@host")

    assert ended.code == 2
    assert "--airflow-url" in ended.err
    assert "hush" not in ended.err
