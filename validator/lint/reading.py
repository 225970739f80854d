"""From paths to what a lint looks at. The only part of it that reads files."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from validator.errors import ManifestError, UsageError
from validator.lint.rules import Given
from validator.local.model import LocalFile
from validator.local.scan import MAX_SOURCE, read_tree
from validator.local.tree import Disk
from validator.manifest.places import load_places

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from validator.local.model import LocalFolder
    from validator.local.tree import Entry
    from validator.manifest.places import PlacedManifest

_NO_ARCHIVE = "is called a zip archive and cannot be read as one: Airflow passes over it without a word"


def read_given(
    paths: Sequence[str], root: str | None, prefix: str, environ: Mapping[str, str], version: int | None
) -> Given:
    """What is to be looked at, with what keeps parts of it from being read.

    Args:
        paths: the manifests.
        root: the folder of DAG files; None: there is none.
        prefix: where it lies in the environment's DAGs folder; empty: it is that folder.
        environ: the environment variables, for the manifests.
        version: Airflow's major version; None: the manifests tell, or it is not known.

    Raises:
        UsageError: a file that could be read before cannot be any more.
    """
    disk = _Disk(root or ".")
    folder: LocalFolder | None = None
    unreadable: UsageError | None = None
    if root is not None:
        try:
            folder = _with_broken_archives(read_tree(disk, prefix), disk.called_archives)
        except UsageError as error:
            unreadable = error
    # Of a folder that cannot be read nobody knows what it adds to what is expected.
    expects_more = unreadable is not None or (folder is not None and folder.makes_dags)
    named = tuple(dict.fromkeys(paths))
    loaded = [_load(path, environ, expects_more=expects_more) for path in named]
    return Given(
        named,
        tuple(one for one in loaded if not isinstance(one, ManifestError)),
        tuple(one for one in loaded if isinstance(one, ManifestError)),
        root,
        folder,
        unreadable,
        disk.start_of,
        version,
    )


def _load(path: str, environ: Mapping[str, str], *, expects_more: bool) -> PlacedManifest | ManifestError:
    try:
        return load_places(path, environ, expects_more=expects_more)
    except ManifestError as error:
        return error


class _Disk(Disk):
    """A folder of this machine that remembers which of its files are called archives."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.called_archives: list[str] = []

    def entries(self, name: str) -> Iterator[Entry]:
        """What lies in the folder `name`."""
        for entry in super().entries(name):
            with suppress(OSError):  # a link to itself: no file
                if entry.name.endswith(".zip") and entry.is_file():
                    self.called_archives.append(f"{name}/{entry.name}" if name else entry.name)
            yield entry

    def start_of(self, name: str) -> bytes:
        """The bytes of a file, one more than the scan's limit at most.

        Raises:
            UsageError: it cannot be read any more.
        """
        try:
            with self.open(name) as file:
                return file.read(MAX_SOURCE + 1)
        except OSError as error:
            raise UsageError(
                f"{self.where(name)} cannot be read: {error.strerror}",
                advice="It was there a moment ago: look again once nothing writes to the folder.",
            ) from error


def _with_broken_archives(folder: LocalFolder, called: Sequence[str]) -> LocalFolder:
    """The folder with the files that only their names make archives, which the scan passes over as Airflow does."""
    known = {file.name for file in folder.files}
    broken = [LocalFile(name, archive=True, problem=_NO_ARCHIVE) for name in called if name not in known]
    return replace(folder, files=tuple(sorted([*folder.files, *broken], key=lambda file: file.name)))
