"""A folder of DAG files, read; nothing in it is run."""

from __future__ import annotations

import io
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from validator.errors import UsageError
from validator.local.definitions import Found, read_definitions
from validator.local.limit import Effort, Seen
from validator.local.model import LocalFile, LocalFolder
from validator.local.select import IGNORE_FILE
from validator.local.tree import Disk

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator
    from pathlib import Path

    from validator.local.tree import Tree

MAX_SOURCE = 2 * 1024 * 1024
"""Bytes. A larger file is not read as Python here, and its text is not kept."""
MAX_MEMBERS = 1_000
"""So many Python files of one archive are looked into."""

_WORDS = ("airflow", "dag", "asset")
_CHUNK = 1024 * 1024
_TOO_MUCH = (
    "Name the folder that holds the DAG files and little else, and remove links that lead to the same folders "
    "again and again: Airflow walks through them all, each time that it looks for DAG files."
)


def read_folder(root: str | Path, prefix: str = "") -> LocalFolder:
    """The DAG files and ignore files at and below `root`, also those that the ignore files hide.

    Links to folders are followed, as Airflow does. A folder that two links lead to is there twice, since a
    copy of the tree, which is what S3 holds, has it twice; Airflow refuses to walk such a tree of links.

    Args:
        root: the folder.
        prefix: where its files lie in the environment's DAGs folder, such as `team_a`; empty: at its root.

    Raises:
        UsageError: the folder or something in it cannot be read, a link leads back to a folder that it is in,
            more is below it than a walk may see, or `prefix` leads out of the DAGs folder.
    """
    return read_tree(Disk(root), prefix)


def read_tree(tree: Tree, prefix: str = "", effort: Effort | None = None) -> LocalFolder:
    """What `read_folder` says, of any tree.

    Args:
        tree: the folder.
        prefix: the same as there.
        effort: what may be spent on it; None: what it takes.

    Raises:
        UsageError: the same as there, or it takes more than `effort` allows.
    """
    walk = _Walk(tree, Seen(tree.root, _TOO_MUCH), effort or Effort())
    walk.run()
    files = tuple(sorted(walk.files, key=lambda file: file.name))
    return LocalFolder(tree.root, _prefix(prefix), files, ignores=dict(sorted(walk.ignores.items())))


def _prefix(text: str) -> str:
    steps = [step for step in text.split("/") if step not in ("", ".")]
    if ".." in steps:
        raise UsageError(
            f"the prefix {text} leads out of the DAGs folder",
            advice="Give the folder below the environment's DAGs folder, such as team_a.",
        )
    return "/".join(steps)


@dataclass
class _Walk:
    """One walk over the folder, and what it found."""

    tree: Tree
    seen: Seen
    effort: Effort
    files: list[LocalFile] = field(default_factory=list)
    ignores: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        todo: list[tuple[str, frozenset[Hashable]]] = [("", frozenset())]
        found: list[str] = []  # read only once it is known that they are not too many
        while todo:
            name, above = todo.pop()
            with self._readable(name):
                folders, files = self._entries(name)
                identity = self.tree.identity(name)
            if identity in above:
                raise UsageError(
                    f"{self.tree.where(name)} is a link to a folder that it is in",
                    advice="Remove the link: Airflow follows it in circles and reads no file at all.",
                )
            todo += [(folder, above | {identity}) for folder in folders]
            found += files
        for file in found:
            self._take(file)

    def _entries(self, name: str) -> tuple[list[str], list[str]]:
        """The names of the folders and of the plain files in the folder `name`."""
        folders, files = [], []
        for entry in self.tree.entries(name):
            self.seen.one_more()
            path = f"{name}/{entry.name}" if name else entry.name
            try:
                if entry.is_dir():
                    folders.append(path)
                elif entry.is_file():  # neither a socket nor a link to nothing
                    files.append(path)
            except OSError:  # a link to itself
                continue
        return folders, files

    def _take(self, name: str) -> None:
        plain = PurePosixPath(name)
        if plain.name == IGNORE_FILE:
            parent = "" if "/" not in name else name.rpartition("/")[0]
            with self._readable(name), self.tree.open(name) as file:
                self.ignores[parent] = _ignore_text(file.read(), self.tree.where(name))
        elif plain.suffix == ".py":
            with self._readable(name), self.tree.open(name) as file:
                self.files.append(_python_file(file, name, self.tree.where(name), self.effort))
        else:
            self._take_archive(name)

    def _take_archive(self, name: str) -> None:
        try:
            file = self.tree.open(name)
        except OSError:  # Airflow passes over it, too
            return
        with file:
            if zipfile.is_zipfile(file):
                self.files.append(_archive(file, name, self.tree.where(name), self.effort))

    @contextmanager
    def _readable(self, name: str) -> Iterator[None]:
        """What the operating system refuses of `name` is a `UsageError`."""
        try:
            yield
        except FileNotFoundError as error:
            raise UsageError(
                f"{self.tree.where(name)}: there is no such folder or file", advice="Check the path."
            ) from error
        except NotADirectoryError as error:
            raise UsageError(
                f"{self.tree.where(name)} is not a folder", advice="Name the folder that holds the DAG files."
            ) from error
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            why = getattr(error, "strerror", None) or error
            raise UsageError(
                f"{self.tree.where(name)} cannot be read: {why}", advice="Check the path and its permissions."
            ) from error


def _ignore_text(data: bytes, where: str) -> str:
    try:
        return _universal(data.decode())
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{where} is not UTF-8: {error.reason} at byte {error.start}",
            advice="Save it as UTF-8: Airflow cannot list any DAG file while it is not.",
        ) from error


def _universal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _python_file(file: BinaryIO, name: str, where: str, effort: Effort) -> LocalFile:
    data = file.read(MAX_SOURCE + 1)
    words = _words(data)
    if len(data) > MAX_SOURCE:
        for chunk in _rest(file.read, data):
            words |= _words(chunk)
        size = file.seek(0, io.SEEK_END) / 1024 / 1024
        problem = f"is {size:,.0f} MB large, too large to be looked into"
        return LocalFile(name, computes=True, words=words, problem=problem)
    if b"PK\x05\x06" in data and zipfile.is_zipfile(file):
        # Airflow reads any archive, and this one, by its name, as Python.
        problem = "is a zip archive, which Airflow reads as Python for its name"
        return LocalFile(name, computes=True, archive=True, words=words, problem=problem)
    if words:
        effort.refuse_dense(data, where)
    found = read_definitions(data) if words else Found()
    return LocalFile(name, found.certain, found.computes, _text(data), words=words, problem=found.problem)


def _words(data: bytes) -> frozenset[str]:
    lowered = data.lower()
    return frozenset(word for word in _WORDS if word.encode() in lowered)


def _rest(read: Callable[[int], bytes], before: bytes) -> Iterator[bytes]:
    """What follows `before`, in pieces that overlap, so that no word is cut."""
    longest = max(map(len, _WORDS))
    tail = before[-longest:]
    while chunk := read(_CHUNK):
        yield tail + chunk
        tail = (tail + chunk)[-longest:]


def _text(data: bytes) -> str | None:
    try:
        return _universal(data.decode())
    except UnicodeDecodeError:
        return None


def _archive(file: BinaryIO, name: str, where: str, effort: Effort) -> LocalFile:
    """An archive: Airflow imports the Python files at its root."""
    try:
        with zipfile.ZipFile(file) as archive:
            computes = any(_defines(archive, member, where, effort) for member in _members(archive))
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - zipfile raises whatever its decoders do, and Airflow decides
        return LocalFile(name, computes=True, archive=True, problem=f"cannot be read as an archive: {error}")
    return LocalFile(name, computes=computes, archive=True)


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    found = [
        member
        for member in archive.infolist()
        if "/" not in member.filename and PurePosixPath(member.filename).suffix in (".py", ".pyc")
    ]
    return found[:MAX_MEMBERS]


def _defines(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str, effort: Effort) -> bool:
    """Whether a DAG is expected from this file of an archive."""
    data = effort.unpacked_start(archive, member, MAX_SOURCE + 1, where)
    words = _words(data)
    if "airflow" not in words or not words & {"dag", "asset"}:
        return False
    if member.filename.endswith(".pyc") or len(data) > MAX_SOURCE:
        return True
    effort.refuse_dense(data, f"{member.filename[:200]!r} in {where}")
    found = read_definitions(data)
    return bool(found.certain) or found.computes
