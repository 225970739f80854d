"""What the command leaves for GitHub Actions, and that nothing there can change how it ends."""

from __future__ import annotations

import errno
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest

from validator.gate import Interrupted
from validator.report.files import WriteError

SETTLED = (
    "--env", "sandbox", "--interval", "100ms", "--max-tps", "1000", "--sync", "0s", "--settle", "0s",
    "--deployed-at", "none", "--timeout", "300ms",
)  # fmt: skip
FILES = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")


@pytest.fixture
def github(clean, tmp_path):
    """The files of a step, and what they hold."""
    folder = tmp_path / "step"
    folder.mkdir()
    clean.setenv("GITHUB_ACTIONS", "true")
    clean.setenv("GITHUB_WORKSPACE", str(tmp_path))
    for name in FILES:
        (folder / name).touch()
        clean.setenv(name, str(folder / name))

    class Github:
        path = folder

        @property
        def outputs(self):
            text = (folder / "GITHUB_OUTPUT").read_text("utf-8")
            found = re.findall(
                r"^(\w+)<<(mwaa_gate_[0-9a-f]{32})\n(.*?)\n\2\n", text, re.MULTILINE | re.DOTALL
            )
            assert len({end for _, end, _ in found}) == len(found), "a delimiter of its own for each"
            return {name: value for name, _, value in found}

        @property
        def summary(self):
            return (folder / "GITHUB_STEP_SUMMARY").read_text("utf-8")

    return Github()


def commands(ended):
    return [
        line
        for line in (ended.out + ended.err).splitlines()
        if line.lstrip().startswith("::") or "##[" in line
    ]


def test_outside_of_github_nothing_is_told(gate, manifest, sandbox, github, clean):
    clean.setenv("GITHUB_ACTIONS", "false")
    ended = gate("check", manifest("version: 1\ndags: [etl, nowhere]\n"), *SETTLED)
    assert ended.code == 1
    assert commands(ended) == []
    assert (github.outputs, github.summary) == ({}, "")


def test_green_writes_outputs_and_a_summary_and_no_annotation(gate, manifest, sandbox, github, reports):
    ended = gate("check", manifest(), *SETTLED, *reports.options)
    assert ended.code == 0, ended.out
    assert commands(ended) == []
    told = github.outputs
    assert (told["verdict"], told["failed"]) == ("passed", "0")
    assert Path(told["junit"]).is_absolute(), "a later step may run elsewhere"
    assert Path(told["junit"]).samefile("r.xml")
    assert Path(told["report"]).samefile("r.json")
    assert github.summary.startswith("\n## ✅ PASSED")


def test_what_was_there_before_stays(gate, manifest, sandbox, github):
    for name in FILES:
        (github.path / name).write_text("mine=1")
    assert gate("check", manifest(), *SETTLED).code == 0
    assert (github.path / "GITHUB_OUTPUT").read_text().startswith("mine=1\nverdict<<")
    assert github.summary.startswith("mine=1\n## ✅")


def test_a_full_summary_is_left_alone_and_it_says_so(gate, manifest, sandbox, github):
    (github.path / "GITHUB_STEP_SUMMARY").write_bytes(b"x" * 1_000_000)
    ended = gate("check", manifest(), *SETTLED)
    assert ended.code == 0
    assert "the job summary is full" in ended.err
    assert len(github.summary) == 1_000_000
    assert github.outputs["verdict"] == "passed"


@pytest.mark.parametrize("there", ["unset", "empty", "missing", "folder", "/dev/full", "nul"])
@pytest.mark.parametrize(
    ("text", "code"), [("version: 1\ndags: [etl]\n", 0), ("version: 1\ndags: [nowhere]\n", 1)]
)
def test_files_that_cannot_be_written_are_a_note_and_change_nothing(
    gate, manifest, sandbox, github, clean, there, text, code
):
    paths = {"empty": "", "missing": "no/such/file", "folder": str(github.path), "/dev/full": "/dev/full"}
    for name in FILES:
        if there == "nul":
            clean.setitem(__import__("os").environ._data, name.encode(), b"a\0b")
        elif there == "unset":
            clean.delenv(name)
        else:
            clean.setenv(name, paths[there])
    ended = gate("check", manifest(text), *SETTLED)
    assert ended.code == code
    assert "Traceback" not in ended.err
    noted = re.findall(r"^mwaa-gate: note: .*(GITHUB_\w+)", ended.err, re.MULTILINE)
    assert sorted(set(noted)) == ([] if there in ("unset", "empty") else sorted(FILES))
    assert len(commands(ended)) == code
    assert not Path("no").exists()


def test_a_report_that_cannot_be_written_makes_green_no_green(gate, manifest, sandbox, github, monkeypatch):
    def fail(path, data):
        raise WriteError("cannot write r.xml: no space left on device")

    monkeypatch.setattr("validator.report.files.write_atomically", fail)
    ended = gate("check", manifest(), *SETTLED, "--junit", "r.xml")
    assert ended.code == 3
    assert github.outputs["verdict"] == "error"
    assert "junit" not in github.outputs
    second, first = commands(ended)
    assert first.startswith(
        "::error title=mwaa-gate%3A cannot tell::Everything that is expected was seen to hold, but"
    )
    assert second == "::error title=mwaa-gate::cannot write r.xml: no space left on device"


def test_half_an_output_is_taken_back(gate, manifest, sandbox, github, monkeypatch):
    """GitHub's runner refuses a file that ends in the middle of an output, and the step is red whatever the gate said."""
    for name in FILES:
        (github.path / name).write_text("before", encoding="utf-8")
    real = Path.open

    def on_a_full_disk(path, mode="r", **options):
        file = real(path, mode, **options)
        return FullDisk(file) if path.name in FILES and mode == "r+b" else file

    monkeypatch.setattr(Path, "open", on_a_full_disk)
    ended = gate("check", manifest(), *SETTLED)

    assert ended.code == 0
    assert "GITHUB_OUTPUT names could not be written: No space left on device" in ended.err
    assert [(github.path / name).read_text("utf-8") for name in FILES] == ["before", "before"]


class FullDisk:
    """A file that takes ten bytes more."""

    def __init__(self, file):
        self.file, self.room = file, 10

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, data):
        if not self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken, self.room = self.file.write(data[: self.room]), 0
        return taken


def test_a_file_is_named_only_where_the_local_folder_has_it(gate, manifest, sandbox, github, tmp_path):
    # Airflow says of its DAG `etl.py`; that there is one in the workspace, too, says nothing.
    Path("etl.py").write_text("")
    ended = gate("check", manifest("version: 1\ndags: [{dag_id: etl, file: other.py}]\n"), *SETTLED)
    assert ended.code == 1
    assert commands(ended)
    assert not [line for line in commands(ended) if "file=" in line]


def test_a_file_beside_the_local_folder_is_none_of_it(gate, manifest, sandbox, github, tmp_path):
    """Airflow's `etl.py` is not the workspace's, where the folder of DAG files has none of that name."""
    Path("etl.py").write_text("")
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "other.py").write_text("from airflow import DAG\nwith DAG('other'):\n    pass\n")
    path = manifest("version: 1\ninventory: {unexpected: fail}\n")
    ended = gate("check", path, "--dags-folder", dags, *SETTLED)
    assert ended.code == 1
    (line,) = [line for line in commands(ended) if "unexpected-dag" in line and "etl" in line]
    assert "file=" not in line


def test_a_folder_outside_of_the_workspace_is_named_by_nothing(gate, sandbox, github, clean, tmp_path):
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "new.py").write_text("from airflow import DAG\nwith DAG('new'):\n    pass\n")
    (tmp_path / "workspace").mkdir()
    clean.setenv("GITHUB_WORKSPACE", str(tmp_path / "workspace"))
    ended = gate("check", "--dags-folder", dags, *SETTLED)
    assert ended.code == 1
    assert not [line for line in commands(ended) if "file=" in line]
    clean.setenv("GITHUB_WORKSPACE", str(tmp_path))
    ended = gate("check", "--dags-folder", dags, *SETTLED)
    assert [line for line in commands(ended) if "file=dags/new.py,line=2" in line]


def test_a_wrong_manifest_is_told_at_its_first_line_with_every_problem(gate, manifest, github):
    ended = gate("check", manifest("version: 1\ndags: [a, a]\nnonsense: 1\n"), "--env", "sandbox")
    assert ended.code == 2
    (line,) = commands(ended)
    assert line.startswith("::error file=manifest.yaml,line=2,title=mwaa-gate%3A wrong manifest::")
    assert line.count("%0Aline ") == 2
    assert github.outputs == {"verdict": "error"}
    assert "Nothing was checked" in github.summary


@pytest.mark.parametrize(
    "arguments",
    [
        ["--timeout", "##[error]x"], ["--timeout", "a\n::error::x"], ["--no-such\n::error::x"], ["--fail-fas##[x]t"],
        ["--env", "::error::x"], ["--deployed-at", "\u2028::error::x"], ["a", "b\n::error::x"], ["--junit", "a\n::x::/b"],
    ],
)  # fmt: skip
def test_a_hostile_command_line_is_one_error_of_ours(gate, manifest, github, arguments):
    ended = gate("check", manifest(), *arguments)
    assert ended.code == 2
    assert ended.out.count("\n") == 1
    (line,) = commands(ended)
    assert line.startswith("::error title=mwaa-gate%3A wrong input::")
    assert github.outputs == {"verdict": "error"}


def test_a_mistake_of_the_gate_is_told_as_one(gate, manifest, github, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("::error::secret")

    monkeypatch.setattr("validator.service.check_environment", fail)
    with pytest.raises(ZeroDivisionError):
        gate("check", manifest(), *SETTLED)
    assert github.outputs == {"verdict": "error"}
    assert "a mistake in mwaa-gate" in github.summary


def test_an_interruption_before_the_first_call_is_told(gate, manifest, github, monkeypatch):
    def interrupt(*_):
        raise Interrupted(signal.SIGTERM)

    monkeypatch.setattr("validator.service.check_environment", interrupt)
    ended = gate("check", manifest(), *SETTLED)
    assert ended.code == 143
    assert commands(ended) == [
        "::error title=mwaa-gate%3A interrupted::The gate was interrupted before it had looked at anything."
    ]
    assert github.outputs == {"verdict": "error"}


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["--version"], ["schema"]])
def test_what_checks_nothing_tells_nothing(gate, github, arguments):
    assert commands(gate(*arguments)) == []
    assert (github.outputs, github.summary) == ({}, "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_gate_says_so(child, manifest, sandbox, github, number, code):
    asked = threading.Event()
    sandbox.fault = lambda call: asked.set() if call.path == "/dags" else None
    waiting = [*SETTLED[:-1], "60s"]
    running = child("check", manifest("version: 1\ndags: [etl, not_yet]\n"), *waiting)
    assert asked.wait(60)
    time.sleep(0.3)
    ended = running.signal(number)
    assert ended.code == code, ended.err
    assert github.outputs["verdict"] == "error"
    assert f"Interrupted by {number.name}" in github.summary
    assert any(f"Interrupted by {number.name}" in line for line in commands(ended))
