"""What a folder of files is to whom reads it: a tree of names, on disk or elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator


class Entry(Protocol):
    """One name in a folder; `os.DirEntry` is one. What is neither a folder nor a file is something to leave alone."""

    @property
    def name(self) -> str:
        """Its last step, without the folder."""

    def is_dir(self) -> bool:
        """Whether it is a folder, or a link to one.

        Raises:
            OSError: what it leads to cannot be looked at.
        """

    def is_file(self) -> bool:
        """Whether it is a plain file, or a link to one.

        Raises:
            OSError: the same.
        """


class Tree(Protocol):
    """A folder that is only read. Names are relative to it, with forward slashes; the empty one is the folder itself.

    Every method may raise `OSError` for what cannot be read, and `UsageError` for what must not be used.
    """

    @property
    def root(self) -> str:
        """The folder as it was given, for people."""

    @property
    def described(self) -> str:
        """The folder within a sentence, for people."""

    def where(self, name: str) -> str:
        """Where `name` lies, for people."""

    def entries(self, name: str) -> Iterator[Entry]:
        """What lies in the folder `name`, in no order."""

    def identity(self, name: str) -> Hashable:
        """The same for every name by which links lead to the same folder."""

    def open(self, name: str) -> BinaryIO:
        """The file's bytes: a stream that can seek, which the caller closes."""


class Disk:
    """A folder of this machine; links are followed.

    Args:
        root: the folder.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = str(root)
        self.described = f"the local folder {root}"
        self._shown = Path(root)
        # Joined as text, since a name of bytes that are no text is one, too, and a Path for each costs time.
        self._path = os.fspath(root) or "."

    def where(self, name: str) -> str:
        """The path of `name`."""
        return str(self._shown / name)

    def entries(self, name: str) -> Iterator[Entry]:
        """What lies in the folder `name`, in the operating system's order."""
        with os.scandir(self._at(name)) as entries:
            yield from entries

    def identity(self, name: str) -> tuple[int, int]:
        """The device and inode of what `name` leads to."""
        status = os.stat(self._at(name))  # noqa: PTH116 - as above
        return status.st_dev, status.st_ino

    def open(self, name: str) -> BinaryIO:
        """The file, opened."""
        return open(self._at(name), "rb")  # noqa: PTH123 - as above; the caller closes it

    def _at(self, name: str) -> str:
        return os.path.join(self._path, name) if name else self._path  # noqa: PTH118 - as above
