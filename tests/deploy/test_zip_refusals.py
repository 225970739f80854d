"""When there is no zip: what is too large, not what was locked, or not to be had."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "deploy"))  # scripts are no package

import build_zip  # noqa: E402 - after the path

LOCK = """\
one==1.0 \\
    --hash=sha256:11
    # via mwaa-gate (pyproject.toml)
two-more==2.0 ; sys_platform == 'linux' \\
    --hash=sha256:22 \\
    --hash=sha256:23
"""


@pytest.fixture
def nothing_installed(monkeypatch):
    """The dependencies are as good as empty: no index is asked."""

    def install(lock, folder, python, architecture):
        (folder / "botocore" / "data" / "mwaa").mkdir(parents=True)

    monkeypatch.setattr(build_zip, "_install", install)


@pytest.mark.parametrize("limit", ["MAX_ZIPPED", "MAX_UNZIPPED"])
def test_a_zip_that_lambda_would_refuse_is_none(nothing_installed, monkeypatch, tmp_path, capsys, limit):
    monkeypatch.setattr(build_zip, limit, 100_000)
    path = tmp_path / "dist" / "gate.zip"
    assert build_zip.main(["--output", str(path)]) == 1
    told = capsys.readouterr().err
    assert "Lambda takes at most" in told
    assert "0.1 MB" in told
    assert not path.exists()


def test_one_that_was_there_before_stays_when_the_new_one_fails(nothing_installed, monkeypatch, tmp_path):
    monkeypatch.setattr(build_zip, "MAX_ZIPPED", 1)
    path = tmp_path / "gate.zip"
    path.write_bytes(b"before")
    assert build_zip.main(["--output", str(path)]) == 1
    assert path.read_bytes() == b"before"


def test_a_file_that_is_not_what_was_locked_is_refused(monkeypatch, tmp_path, capsys):
    lock = tmp_path / "lock.txt"
    lock.write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr(build_zip, "LOCK", lock)
    monkeypatch.setattr(build_zip, "LEFT_OUT", ())
    assert build_zip.main(["--output", str(tmp_path / "gate.zip")]) == 1
    told = capsys.readouterr().err
    assert "the dependencies cannot be installed for Python 3.13, x86_64" in told
    assert "DO NOT MATCH THE HASHES" in told
    assert not (tmp_path / "gate.zip").exists()


def test_what_is_left_out_goes_with_its_hashes_and_nothing_else():
    assert build_zip.needed(LOCK, ("one",)) == "".join(LOCK.splitlines(keepends=True)[3:])
    assert build_zip.needed(LOCK, ("two-more",)) == "".join(LOCK.splitlines(keepends=True)[:3])
    assert build_zip.needed(LOCK, ()) == LOCK


def test_leaving_out_what_is_not_locked_is_a_mistake():
    with pytest.raises(build_zip.BuildError, match=r"three is not in the lock file: take it off LEFT_OUT"):
        build_zip.needed(LOCK, ("one", "three"))


@pytest.mark.parametrize("arguments", [["--python", "3"], ["--python", "2.7"], ["--architecture", "mips"]])
def test_a_runtime_that_there_is_not_is_a_wrong_command_line(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        build_zip.main(arguments)
    assert arguments[1] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("python", "oldest_only"), [("3.10", True), ("3.11", True), ("3.12", False), ("3.13", False)]
)
def test_only_the_newer_runtimes_take_wheels_for_a_newer_c_library(python, oldest_only):
    assert (build_zip._platforms(python, "arm64") == ["manylinux2014_aarch64"]) is oldest_only
