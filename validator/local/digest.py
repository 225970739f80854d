"""What the local folder's files weigh: all of them, helpers and data included, as an upload would find them."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from typing import TYPE_CHECKING

from validator.airflow.models import DagFile
from validator.checks.folder import Folder
from validator.errors import UsageError
from validator.local.limit import Seen
from validator.s3.interface import LocalDigest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NEVER_DEPLOYED = ("**/.git", "**/.git/**", "**/__pycache__/**", "**/*.pyc", "**/.DS_Store")
"""Left out whatever else is."""
PART_SIZES = (8 << 20, 5 << 20)
"""Bytes a part, of an upload in parts: the AWS CLI's and boto3's, and that of the SDKs for Go and JavaScript."""

_CHUNK = 1 << 20
"""Bytes read at once; every part size is a multiple of it."""
_TOO_MUCH = (
    "Give the folder that is deployed, leave out whole folders that are not by --s3-exclude 'folder/**', and remove "
    "links that lead to the same folders again and again."
)


def digests(root: str, exclude: Sequence[str] = ()) -> tuple[LocalDigest, ...]:
    """Every regular file below `root`, by name. Links are followed, as `aws s3 sync` does; broken ones are no files.

    Args:
        root: the local folder.
        exclude: globs of names relative to it that are not deployed, besides `NEVER_DEPLOYED`. `*` stays within a
            folder, `**` crosses folders.

    Raises:
        UsageError: the folder, or something in it, cannot be read, more is in it than a walk may see, or nothing is:
            what was not looked at must not pass for the same.
    """
    skipped = _Globs((*NEVER_DEPLOYED, *exclude))
    try:
        found = tuple(_digest(path, name) for name, path in sorted(_files(root or ".", skipped)))
    except OSError as error:
        where = error.filename or root
        raise UsageError(
            f"the local folder cannot be read: {where}: {error.strerror or error}",
            advice="Give the folder that is deployed, and leave out what is not by --s3-exclude.",
        ) from error
    if not found:
        raise UsageError(
            f"there is no file in the local folder {root}",
            advice="Give the folder that is deployed, and check what --s3-exclude leaves out.",
        )
    return found


class _Globs:
    """What is left out."""

    def __init__(self, globs: Sequence[str]) -> None:
        self._files = globs
        # What lies in a folder that is left out as a whole need not be walked through.
        self._folders = [glob[: -len("/**")] for glob in globs if glob.endswith("/**")]
        self._folder = Folder(None, "")

    def file(self, name: str) -> bool:
        return self._folder.matches(DagFile(None, name, None), self._files)

    def folder(self, name: str) -> bool:
        return self._folder.matches(DagFile(None, name, None), self._folders)


def _files(root: str, skipped: _Globs) -> Iterator[tuple[str, str]]:
    """The name and path of each regular file."""
    above: tuple[tuple[int, int], ...] = ()
    seen = Seen(root, _TOO_MUCH)
    todo = [("", root, above)]
    while todo:
        folder, path, above = todo.pop()
        status = os.stat(path)  # noqa: PTH116 - a path of bytes that are no text is one, too
        itself = (status.st_dev, status.st_ino)
        if itself in above:  # a link to a folder that it lies in
            continue
        with os.scandir(path) as entries:
            for entry in entries:
                seen.one_more()
                name = f"{folder}/{entry.name}" if folder else entry.name
                kind = _kind(entry)
                if stat.S_ISDIR(kind) and not skipped.folder(name):
                    todo.append((name, entry.path, (*above, itself)))
                elif stat.S_ISREG(kind) and not skipped.file(name):
                    yield name, entry.path


def _kind(entry: os.DirEntry[str]) -> int:
    """The mode of what the entry leads to; 0: nothing is there."""
    try:
        return entry.stat().st_mode
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP):  # a broken link, or one that leads to itself
            return 0
        raise


def _digest(path: str, name: str) -> LocalDigest:
    whole = hashlib.md5(usedforsecurity=False)
    size = 0
    parts = [_Parts(part_size) for part_size in PART_SIZES]
    with open(path, "rb") as file:  # noqa: PTH123 - as above
        large = [one for one in parts if os.fstat(file.fileno()).st_size >= one.size]
        while chunk := file.read(_CHUNK):
            whole.update(chunk)
            size += len(chunk)
            for one in large:
                one.add(chunk)
    return LocalDigest(name, size, whole.hexdigest(), tuple(one.etag() for one in large))


class _Parts:
    """The ETag that S3 gives to what was uploaded in parts of one size: the MD5 of their MD5s, and how many they are."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._done: list[bytes] = []
        self._part = hashlib.md5(usedforsecurity=False)
        self._filled = 0

    def add(self, chunk: bytes) -> None:
        self._part.update(chunk)
        self._filled += len(chunk)
        if self._filled >= self.size:
            self._close()

    def etag(self) -> str:
        if self._filled:
            self._close()
        return f"{hashlib.md5(b''.join(self._done), usedforsecurity=False).hexdigest()}-{len(self._done)}"

    def _close(self) -> None:
        self._done.append(self._part.digest())
        self._part = hashlib.md5(usedforsecurity=False)
        self._filled = 0
