"""The lock files: every package at one version, with hashes, from nowhere in particular."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lockfile import LockError, entries, read_lock

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
DIGEST = "0" * 64
ONE = f"one==1.0 \\\n    --hash=sha256:{DIGEST}\n    # via mwaa-gate (pyproject.toml)\n"


def read(tmp_path, text):
    path = tmp_path / "lock.txt"
    path.write_text(text, "utf-8")
    return read_lock(path)


@pytest.mark.parametrize("path", sorted(REQUIREMENTS.glob("*.txt")), ids=lambda path: path.name)
def test_every_package_has_one_version_and_hashes_and_a_reason(path):
    lock = entries(path)
    names = {one.name for one in lock}
    assert names == set(re.findall(r"^([^\s#=]+)==", path.read_text("utf-8"), re.MULTILINE))
    assert len(lock) >= 5
    assert len({(one.name, one.marker) for one in lock}) == len(lock)
    for one in lock:
        assert one.hashes
        assert one.wanted_by
        assert set(one.wanted_by) <= {*names, "mwaa-gate"}
    assert not re.search(
        r"[\w.-]+://|^\s*-|@ ", path.read_text("utf-8").replace("    --hash=", ""), re.MULTILINE
    )


def test_what_is_released_is_locked_at_the_versions_that_the_tests_run_with():
    pinned = {(one.name, one.version, one.hashes) for one in entries(REQUIREMENTS / "dev.txt")}
    for one in read_lock(REQUIREMENTS / "runtime.txt").values():
        assert (one.name, one.version, one.hashes) in pinned


def test_a_lock_is_read_with_all_that_it_says(tmp_path):
    text = ONE + (
        f"two-more==2.0.post1 ; sys_platform == 'win32' \\\n    --hash=sha256:{'2' * 64} \\\n    --hash=sha256:{'1' * 64}\n"
        "    # via\n    #   -c requirements/dev.txt\n    #   mwaa-gate (pyproject.toml)\n    #   one\n"
    )
    lock = read(tmp_path, text)
    assert (lock["one"].marker, lock["one"].wanted_by) == (None, ("mwaa-gate",))
    two = lock["two-more"]
    assert (two.version, two.marker) == ("2.0.post1", "sys_platform == 'win32'")
    assert (two.hashes, two.wanted_by) == (("1" * 64, "2" * 64), ("mwaa-gate", "one"))


@pytest.mark.parametrize(
    "line",
    [
        "one>=1.0 \\",
        "one \\",
        "one==1.0",
        "one==1.* ; \\",
        "one @ https://example.org/one.whl \\",
        "https://example.org/one.whl",
        "git+https://example.org/one \\",
        "-e .",
        "-r other.txt",
        "--index-url https://example.org/simple",
        "--extra-index-url https://example.org/simple",
        "--trusted-host example.org",
        "--find-links wheels",
        "./one.whl",
        f"    --hash=md5:{DIGEST[:32]}",
        f"    --hash=sha256:{DIGEST[:-1]}",
        f"    --hash=sha256:{DIGEST} --index-url https://example.org/simple",
        "one==1.0 --pre \\",
    ],
)
@pytest.mark.parametrize("place", ["before", "after"])
def test_any_other_line_is_refused(tmp_path, line, place):
    with pytest.raises(LockError, match=r"lock.txt, line \d+: .* is no exact version with its hashes"):
        read(tmp_path, f"{line}\n{ONE}" if place == "before" else f"{ONE}{line}\n")


def test_a_package_without_hashes_or_twice_is_refused(tmp_path):
    with pytest.raises(LockError, match="two has no hash"):
        read(tmp_path, f"{ONE}two==1.0 \\\n    # via one\n")
    with pytest.raises(LockError, match="one stands there twice"):
        read(tmp_path, ONE + ONE)
