"""What the local folder's files weigh: all of them, helpers and data included, as an upload would find them."""

from __future__ import annotations

import errno
import hashlib
import io
from typing import TYPE_CHECKING

from validator.airflow.models import DagFile
from validator.checks.folder import Folder
from validator.errors import UsageError
from validator.local.limit import Seen
from validator.local.tree import Disk
from validator.s3.interface import LocalDigest

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from validator.local.tree import Entry, Tree

NEVER_DEPLOYED = ("**/.git", "**/.git/**", "**/__pycache__/**", "**/*.pyc", "**/.DS_Store")
"""Left out whatever else is."""
PART_SIZES = (8 << 20, 5 << 20)
"""Bytes a part, of an upload in parts: the AWS CLI's and boto3's, and that of the SDKs for Go and JavaScript."""

_CHUNK = 1 << 20
"""Bytes read at once; every part size is a multiple of it."""
_TOO_MUCH = (
    "Give the folder that is deployed, leave out whole folders that are not by {option} 'folder/**', and remove "
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
    return digest_tree(Disk(root), exclude)


def digest_tree(
    tree: Tree, exclude: Sequence[str] = (), option: str = "--s3-exclude"
) -> tuple[LocalDigest, ...]:
    """What `digests` says, of any tree.

    Args:
        tree: the folder.
        exclude: the same as there.
        option: what `exclude` is called where it is set, for people.

    Raises:
        UsageError: the same as there.
    """
    skipped = _Globs((*NEVER_DEPLOYED, *exclude))
    try:
        found = tuple(_digest(tree, name) for name in sorted(_files(tree, skipped, option)))
    except OSError as error:
        where = error.filename or tree.root
        raise UsageError(
            f"{tree.described} cannot be read: {where}: {error.strerror or error}",
            advice=f"Give the folder that is deployed, and leave out what is not by {option}.",
        ) from error
    if not found:
        raise UsageError(
            f"there is no file in {tree.described}",
            advice=f"Give the folder that is deployed, and check what {option} leaves out.",
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


def _files(tree: Tree, skipped: _Globs, option: str) -> Iterator[str]:
    """The name of each regular file."""
    above: tuple[Hashable, ...] = ()
    seen = Seen(tree.root, _TOO_MUCH.format(option=option))
    todo = [("", above)]
    while todo:
        folder, above = todo.pop()
        itself = tree.identity(folder)
        if itself in above:  # a link to a folder that it lies in
            continue
        for entry in tree.entries(folder):
            seen.one_more()
            name = f"{folder}/{entry.name}" if folder else entry.name
            is_folder, is_file = _kind(entry)
            if is_folder and not skipped.folder(name):
                todo.append((name, (*above, itself)))
            elif is_file and not skipped.file(name):
                yield name


def _kind(entry: Entry) -> tuple[bool, bool]:
    """Whether the entry leads to a folder, and whether to a file; neither: nothing is there, or something else."""
    try:
        is_folder = entry.is_dir()
        return is_folder, not is_folder and entry.is_file()
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link that leads to itself
            return False, False
        raise


def _digest(tree: Tree, name: str) -> LocalDigest:
    whole = hashlib.md5(usedforsecurity=False)
    size = 0
    parts = [_Parts(part_size) for part_size in PART_SIZES]
    with tree.open(name) as file:
        length = file.seek(0, io.SEEK_END)
        file.seek(0)
        large = [one for one in parts if length >= one.size]
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
