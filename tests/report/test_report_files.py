import errno
import os
import stat
import subprocess
import sys

import pytest

from validator.errors import UsageError
from validator.report import files
from validator.report.files import WriteError, check_writable, correct, write_atomically


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_a_file_is_written_and_nothing_else(tmp_path):
    write_atomically(tmp_path / "r.xml", b"whole")

    assert (tmp_path / "r.xml").read_bytes() == b"whole"
    assert names(tmp_path) == ["r.xml"]


@pytest.mark.parametrize("links", [True, False])
def test_only_a_new_file_is_written_where_nothing_else_is_wanted(tmp_path, monkeypatch, links):
    def refuse(*args):
        raise OSError(95, "Operation not supported")

    if not links:
        monkeypatch.setattr(files.os, "link", refuse)
    write_atomically(tmp_path / "r.xml", b"first", only_new=True)
    with pytest.raises(UsageError, match=r"r\.xml is there by now"):
        write_atomically(tmp_path / "r.xml", b"second", only_new=True)

    assert (tmp_path / "r.xml").read_bytes() == b"first"
    assert names(tmp_path) == ["r.xml"]


@pytest.mark.parametrize(
    "interruption", [KeyboardInterrupt, SystemExit, OSError(28, "No space left on device")]
)
@pytest.mark.parametrize("step", ["write", "fsync", "chmod", "replace"])
def test_a_failure_in_the_middle_leaves_the_old_file_whole(tmp_path, monkeypatch, step, interruption):
    target = tmp_path / "r.xml"
    target.write_bytes(b"old")

    def fail(*args, **kwargs):
        raise interruption

    if step in {"write", "fsync"}:
        monkeypatch.setattr(files.os, step, fail)
    else:
        monkeypatch.setattr(files.Path, step, fail)
    expected = WriteError if isinstance(interruption, OSError) else interruption
    with pytest.raises(expected):
        write_atomically(target, b"new")
    monkeypatch.undo()

    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["r.xml"]


def test_short_writes_are_continued(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(files.os, "write", lambda number, data: write(number, data[:3]))

    write_atomically(tmp_path / "r.xml", b"0123456789")

    assert (tmp_path / "r.xml").read_bytes() == b"0123456789"


def test_the_umask_is_respected_and_an_existing_mode_is_kept(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "new", b"x")
    finally:
        os.umask(before)
    (tmp_path / "old").write_bytes(b"")
    (tmp_path / "old").chmod(0o604)
    write_atomically(tmp_path / "old", b"x")

    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o604


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")

    write_atomically(tmp_path / "link", b"x")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"x"


@pytest.fixture
def impossible(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    return {
        "missing folder": (tmp_path / "no" / "r.xml", "directory does not exist"),
        "parent is a file": (tmp_path / "file" / "r.xml", "Not a directory"),
        "a folder": (tmp_path / "folder", "is a directory"),
        "written like a folder": (f"{tmp_path}/new/", "names a directory"),
        "empty": ("", "names a directory"),
        "too long": (tmp_path / ("x" * 5000), "name too long"),
        "a loop": (tmp_path / "loop", "symbolic links"),
        "a null character": (f"{tmp_path}/a\0b", "null"),
        "read-only": ("/proc/r.xml", "/proc/r.xml"),
    }


@pytest.mark.parametrize(
    "case",
    ["missing folder", "parent is a file", "a folder", "written like a folder", "empty", "too long", "a loop",
     "a null character", "read-only"],
)  # fmt: skip
def test_what_cannot_be_written_is_told_at_the_start_and_at_the_end(impossible, case):
    path, message = impossible[case]

    with pytest.raises(UsageError, match=message) as usage:
        check_writable(path)
    with pytest.raises(WriteError, match=message):
        write_atomically(path, b"x")
    assert usage.value.advice


def test_a_full_disk_names_the_path_and_the_cause():
    with pytest.raises(WriteError, match="/dev/full: No space left"):
        write_atomically("/dev/full", b"x")


def test_the_check_at_the_start_leaves_nothing_behind(tmp_path):
    (tmp_path / "old").write_bytes(b"old")

    check_writable(tmp_path / "new")
    check_writable(tmp_path / "old")

    assert (tmp_path / "old").read_bytes() == b"old"
    assert names(tmp_path) == ["old"]


@pytest.mark.parametrize("path", ["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/fd/1"])
def test_devices_are_fine(path):
    check_writable(path)
    write_atomically(path, b"")


def test_stdout_that_is_a_file_is_not_cut_off(tmp_path):
    code = (
        "from validator.report.files import write_atomically as w\n"
        "print('before'); w('/dev/stdout', b'{}\\n'); print('after')"
    )
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", code], stdout=out, check=True)

    assert (tmp_path / "out").read_text() == "before\n{}\nafter\n"


def test_a_pipe_is_written_to(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE)

    check_writable(tmp_path / "pipe")
    write_atomically(tmp_path / "pipe", b"through")

    assert reader.communicate(timeout=10)[0] == b"through"


def test_a_report_that_is_not_true_any_more_is_corrected_where_it_lies(tmp_path):
    path = tmp_path / "r.json"
    path.write_bytes(b"green, and longer")
    before = path.stat().st_ino

    assert correct(path, b"not green")
    assert path.read_bytes() == b"not green"
    assert path.stat().st_ino == before


def test_or_taken_away_where_that_cannot_be(tmp_path, monkeypatch):
    def full(number, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "r.json"
    path.write_bytes(b"green")
    monkeypatch.setattr(os, "write", full)

    assert not correct(path, b"not green")
    assert not path.exists()


@pytest.mark.parametrize("path", ["/dev/null", "/dev/stdout", "a\0b", "no/such/folder/r.json"])
def test_what_is_no_regular_file_is_not_corrected(path):
    assert not correct(path, b"x")
