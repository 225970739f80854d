"""Every file of a local folder, weighed as an upload would find it."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from validator.errors import UsageError
from validator.local.digest import digests


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def lay(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def found(root, *exclude):
    return [one.name for one in digests(str(root), exclude)]


@contextmanager
def without_roots_powers(root):
    """Root may read everything: it is somebody else here, who owns what is below `root`."""
    if os.geteuid() != 0:
        yield
        return
    nobody = 65534
    for path in (root, *root.rglob("*")):
        os.chown(path, nobody, -1)
    os.seteuid(nobody)
    try:
        yield
    finally:
        os.seteuid(0)


def test_every_file_is_found_with_its_size_and_md5(tmp_path):
    lay(tmp_path, "b.py", "a/deep/data.csv", ".airflowignore")
    assert [(one.name, one.size, one.md5, one.in_parts) for one in digests(str(tmp_path))] == [
        (name, len(name), md5(name.encode()), ()) for name in (".airflowignore", "a/deep/data.csv", "b.py")
    ]


def test_an_empty_file_is_one(tmp_path):
    (tmp_path / "__init__.py").touch()
    (one,) = digests(str(tmp_path))
    assert (one.size, one.md5) == (0, "d41d8cd98f00b204e9800998ecf8427e")


def test_what_nobody_deploys_is_left_out(tmp_path):
    lay(
        tmp_path,
        "a.py",
        ".git/config",
        "sub/.git",
        "__pycache__/a.pyc",
        "x/__pycache__/y.txt",
        "x/old.pyc",
        ".DS_Store",
        "x/.DS_Store",
        "x/.gitkeep",
    )
    assert found(tmp_path) == ["a.py", "x/.gitkeep"]


@pytest.mark.parametrize(
    ("glob", "left"),
    [
        ("tests/**", ["a.py", "x/b.md", "x/tests/c.py"]),
        ("**/tests/**", ["a.py", "x/b.md"]),
        ("*.py", ["tests/d.py", "x/b.md", "x/tests/c.py"]),
        ("**/*.py", ["x/b.md"]),
        ("x/*", ["a.py", "tests/d.py", "x/tests/c.py"]),
        ("?.py", ["tests/d.py", "x/b.md", "x/tests/c.py"]),
        ("nothing", ["a.py", "tests/d.py", "x/b.md", "x/tests/c.py"]),
    ],
)
def test_what_is_not_deployed_is_left_out_by_globs(tmp_path, glob, left):
    lay(tmp_path, "a.py", "tests/d.py", "x/b.md", "x/tests/c.py")
    assert found(tmp_path, glob) == left


def test_a_folder_that_is_left_out_is_not_walked_through(tmp_path):
    lay(tmp_path, "a.py")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "loop").symlink_to("loop")
    (tmp_path / "secret").chmod(0)
    try:
        assert found(tmp_path, "secret/**") == ["a.py"]
    finally:
        (tmp_path / "secret").chmod(0o700)


def test_links_are_followed_and_broken_ones_are_no_files(tmp_path):
    lay(tmp_path, "root/a.py", "shared/helper.py", "shared/deep/data.csv")
    (tmp_path / "root" / "lib").symlink_to("../shared")
    (tmp_path / "root" / "link.py").symlink_to("a.py")
    (tmp_path / "root" / "broken.py").symlink_to("nowhere")
    (tmp_path / "root" / "itself.py").symlink_to("itself.py")
    assert found(tmp_path / "root") == ["a.py", "lib/deep/data.csv", "lib/helper.py", "link.py"]


def test_a_link_to_a_folder_above_ends_the_walk_there(tmp_path):
    lay(tmp_path, "a.py", "x/b.py")
    (tmp_path / "x" / "up").symlink_to("..")
    assert found(tmp_path) == ["a.py", "x/b.py"]


@pytest.mark.timeout(60)
def test_links_that_double_what_lies_below_them_end_with_a_wrong_input(tmp_path, doubled):
    with pytest.raises(UsageError, match="more than 100,000 files and folders") as caught:
        digests(str(doubled(tmp_path, 18)))
    assert "--s3-exclude" in caught.value.advice


def test_what_is_left_out_as_a_whole_does_not_count(tmp_path, doubled):
    lay(tmp_path, "a.py")
    doubled(tmp_path / "links", 18)
    assert found(tmp_path, "links/**") == ["a.py"]


def test_a_pipe_is_no_file(tmp_path):
    lay(tmp_path, "a.py")
    os.mkfifo(tmp_path / "pipe")
    assert found(tmp_path) == ["a.py"]


def test_a_name_that_is_no_text_is_one_all_the_same(tmp_path):
    (tmp_path / os.fsdecode(b"\xff.py")).write_bytes(b"x")
    assert found(tmp_path) == [os.fsdecode(b"\xff.py")]


@pytest.mark.parametrize("glob", [(), ("**",)])
def test_a_folder_without_files_is_a_wrong_input(tmp_path, glob):
    if glob:
        lay(tmp_path, "a.py")
    with pytest.raises(UsageError, match="no file in the local folder") as caught:
        digests(str(tmp_path), glob)
    assert "--s3-exclude" in caught.value.advice


def test_what_is_no_folder_is_a_wrong_input(tmp_path):
    lay(tmp_path, "a.py")
    for path in ("a.py", "nowhere"):
        with pytest.raises(UsageError, match=f"cannot be read: .*{path}"):
            digests(str(tmp_path / path))


@pytest.mark.parametrize("name", ["x", "x/b.py"])
def test_what_cannot_be_read_is_a_wrong_input(tmp_path, monkeypatch, name):
    lay(tmp_path, "a.py", "x/b.py")
    monkeypatch.chdir(tmp_path)  # whose parents only its owner may walk through
    with without_roots_powers(tmp_path):
        assert found(".") == ["a.py", "x/b.py"]
        Path(name).chmod(0)
        try:
            with pytest.raises(UsageError, match=f"cannot be read: .*{name}: Permission denied"):
                digests(".")
        finally:
            Path(name).chmod(0o700)


def test_a_file_that_cannot_be_read_is_told_with_its_name(tmp_path, monkeypatch):
    lay(tmp_path, "a.py")

    def refuse(path, mode):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(UsageError, match=r"a\.py: Permission denied"):
        digests(str(tmp_path))


MIB = 1 << 20


@pytest.mark.parametrize("size", [5 * MIB - 1, 5 * MIB, 8 * MIB, 8 * MIB + 1, 16 * MIB, 17 * MIB + 3])
def test_a_large_file_has_the_etags_of_an_upload_in_parts(tmp_path, size):
    content = bytes(range(251)) * (size // 251 + 1)
    content = content[:size]
    (tmp_path / "data.bin").write_bytes(content)
    (one,) = digests(str(tmp_path))
    assert (one.size, one.md5) == (size, md5(content))
    expected = []
    for part in (8 * MIB, 5 * MIB):
        if size >= part:
            parts = [
                hashlib.md5(content[at : at + part], usedforsecurity=False).digest()
                for at in range(0, size, part)
            ]
            expected.append(f"{md5(b''.join(parts))}-{len(parts)}")
    assert list(one.in_parts) == expected
