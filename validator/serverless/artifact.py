"""A pipeline's artifact: the manifest and the DAG files, read from a zip archive in memory. Nothing is written to disk."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from validator.errors import UsageError
from validator.local.digest import digest_tree
from validator.local.limit import Effort
from validator.local.scan import read_tree
from validator.serverless.archive import MAX_MEMBERS, Member, contents, read_directory, shown

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator, Mapping, Sequence

    from validator.local.model import LocalFolder
    from validator.s3.interface import LocalDigest

MAX_INFLATED = 256 << 20
"""Bytes that one reading of a folder inflates, one file at a time: a few seconds of a small function's CPU."""
MAX_UNPACKED = 64 << 20
"""Bytes of Python files that one reading unpacks from the archives in a folder: a hundred times what teams deploy so."""
MAX_TOKENS = 500_000
"""Words and signs of one Python file: 400 MB once it is parsed. It is 2 MB of code, or more of text."""

_TOLD = 8
"""So many names of a folder are told where one is missing."""
_COMPARED, _LONG = 1_000, 100
"""So many names of so many characters are compared with a missing one, since that takes time."""
_DRIVE = re.compile(r"[A-Za-z]:")

_Folders = dict[str, dict[str, "Member | None"]]
"""What lies in each folder: files, and None for a folder."""


@dataclass(frozen=True)
class Artifact:
    """A pipeline's artifact, whose list of files is known to be sound; the files are checked as they are read."""

    label: str
    """What it is called within a sentence."""
    _data: bytes = field(repr=False)
    _folders: _Folders = field(repr=False)

    @classmethod
    def open(cls, data: bytes, name: str) -> Artifact:
        """Read the list of an artifact's files; none is inflated.

        Args:
            data: the zip archive.
            name: the artifact's name in the pipeline, for messages.

        Raises:
            UsageError: it is no zip archive, is damaged or too large, or holds two files of one name, or a name that
                leads out of a folder.
        """
        label = f"the artifact {name}"
        return cls(label, data, _folders(read_directory(data, label), label))

    def read(self, path: str, limit: int) -> bytes:
        """One file, such as the manifest.

        Args:
            path: its path in the artifact.
            limit: the most bytes that it may be.

        Raises:
            UsageError: there is no such file, it is larger than `limit`, or it cannot be read.
        """
        name = self._path(path)
        parent, _, step = name.rpartition("/")
        found = self._folders.get(parent, {}).get(step)
        if found is None:
            if name in self._folders:
                raise UsageError(
                    f"{shown(path)} is a folder of {self.label}, and a file is needed",
                    advice=f"Give the path of the file. {self._told(name)}",
                )
            raise self._missing(name)
        _refuse_odd(found, self.label)
        if found.size > limit:
            raise UsageError(
                f"{shown(path)} in {self.label} is {found.size:,} bytes large, and at most {limit:,} are read",
                advice="Give the path of the file that is meant.",
            )
        return contents(self._data, found, self.label).getvalue()

    def folder(self, path: str, prefix: str) -> LocalFolder:
        """What `validator.local.scan.read_folder` says of a folder of the extracted artifact.

        Args:
            path: the folder's path in the artifact; empty or a dot: the whole artifact.
            prefix: where its files lie in the environment's DAGs folder; empty: at its root.

        Raises:
            UsageError: there is no such folder, it holds a link, or something in it cannot be read or is too large.
        """
        return read_tree(self._tree(path), prefix, Effort(MAX_UNPACKED, MAX_TOKENS))

    def digests(self, path: str, exclude: Sequence[str] = ()) -> tuple[LocalDigest, ...]:
        """What `validator.local.digest.digests` says of a folder of the extracted artifact.

        Args:
            path: the same as for `folder`.
            exclude: globs of names that are not deployed.

        Raises:
            UsageError: the same, or nothing is left in the folder.
        """
        return digest_tree(self._tree(path), exclude, "s3_exclude")

    def _tree(self, path: str) -> _Tree:
        name = self._path(path)
        if name not in self._folders:
            parent, _, step = name.rpartition("/")
            found = self._folders.get(parent, {}).get(step)
            if found is None:
                raise self._missing(name)
            _refuse_odd(found, self.label)
            raise UsageError(
                f"{shown(path)} is a file of {self.label}, and a folder is needed",
                advice="Give the folder that holds the DAG files.",
            )
        return _Tree(self.label, self._data, self._folders, name)

    def _path(self, path: str) -> str:
        """The plain form of a path that a person gave."""
        if (
            path.startswith("/")
            or "\\" in path
            or "\0" in path
            or _DRIVE.match(path)
            or ".." in path.split("/")
        ):
            raise UsageError(
                f"{shown(path)} is no path in {self.label}",
                advice="Give the path from the artifact's root with forward slashes and no `..`, such as dags.",
            )
        return "/".join(step for step in path.split("/") if step not in ("", "."))

    def _missing(self, name: str) -> UsageError:
        """What to say of a name that is not there, with what is."""
        folder = name
        while folder not in self._folders:
            folder = folder.rpartition("/")[0]
        wanted = name[len(folder) :].lstrip("/").split("/")[0]
        known = [step for step in islice(self._folders[folder], _COMPARED) if len(step) <= _LONG]
        near = difflib.get_close_matches(wanted[:_LONG], known, n=3)
        paths = [f"{folder}/{step}" if folder else step for step in near]
        last = name.rpartition("/")[2]
        paths += [path for path in self._places(last) if path not in paths]
        meant = f"Did you mean {' or '.join(map(shown, paths[:3]))}? " if paths else ""
        return UsageError(f"there is no {shown(name)} in {self.label}", advice=f"{meant}{self._told(folder)}")

    def _places(self, step: str) -> Iterator[str]:
        """Every path whose last step is this one."""
        for folder, entries in self._folders.items():
            if step in entries:
                yield f"{folder}/{step}" if folder else step

    def _told(self, folder: str) -> str:
        """What lies in a folder, as a sentence."""
        names = sorted(f"{step}/" if found is None else step for step, found in self._folders[folder].items())
        what = f"Its folder {shown(folder)}" if folder else "Its root"
        if not names:
            return f"{what} holds nothing."
        more = f" and {len(names) - _TOLD:,} more" if len(names) > _TOLD else ""
        return f"{what} holds {', '.join(map(shown, names[:_TOLD]))}{more}."


class _Entry(NamedTuple):
    """A name in a folder of the artifact."""

    name: str
    member: Member | None
    artifact: str

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self.member is None

    def is_file(self) -> bool:
        """Whether it is a file.

        Raises:
            UsageError: it is something else, or what it is called is not known.
        """
        if self.member is not None:
            _refuse_odd(self.member, self.artifact)
        return self.member is not None


class _Tree:
    """One folder of the artifact during one reading of it, which is bounded."""

    def __init__(
        self, artifact: str, data: bytes, folders: Mapping[str, Mapping[str, Member | None]], base: str
    ) -> None:
        self.root = base
        self.described = f"the folder {base} of {artifact}" if base else artifact
        self._artifact = artifact
        self._data = data
        self._folders = folders
        self._inflated = 0

    def where(self, name: str) -> str:
        return f"{self._at(name)} in {self._artifact}"

    def entries(self, name: str) -> Iterator[_Entry]:
        return (
            _Entry(step, member, self._artifact) for step, member in self._folders[self._at(name)].items()
        )

    def identity(self, name: str) -> str:
        return name  # there are no links

    def open(self, name: str) -> io.BytesIO:
        parent, _, step = self._at(name).rpartition("/")
        member = self._folders[parent][step]
        if member is None:
            raise IsADirectoryError(name)
        found = contents(self._data, member, self._artifact)
        self._inflated += member.size
        if self._inflated > MAX_INFLATED:
            raise UsageError(
                f"{self.described} inflates to more than {MAX_INFLATED >> 20} MB",
                advice="Keep large data elsewhere than beside the DAGs: Airflow looks at each file there.",
            )
        if found.getvalue().count(b"PK\x01\x02") > MAX_MEMBERS:  # as many as an archive would list there
            raise UsageError(
                f"{shown(member.name)} in {self._artifact} is an archive of more than {MAX_MEMBERS:,} files",
                advice="Take it out of the DAGs folder: Airflow looks at each file of an archive there.",
            )
        return found

    def _at(self, name: str) -> str:
        return "/".join(step for step in (self.root, name) if step)


def _folders(members: Sequence[Member], artifact: str) -> _Folders:
    """What lies in each folder of the artifact, by the folder's path.

    Raises:
        UsageError: a name leads elsewhere, is there twice, or means a file and a folder; or they are too many.
    """
    found: _Folders = {"": {}}
    count = 0
    for member in members:
        path = _plain(member.name, artifact)
        if member.name.endswith("/") or not path:
            _add_folder(found, path, artifact)
        else:
            parent, _, step = path.rpartition("/")
            _add_folder(found, parent, artifact)
            if step in found[parent]:
                raise _twice(path, artifact, both=found[parent][step] is None)
            found[parent][step] = member
            count += 1
        if count + len(found) > MAX_MEMBERS:
            raise UsageError(
                f"{artifact} holds more than {MAX_MEMBERS:,} files and folders",
                advice="Make an artifact of the manifest and the DAGs folder alone.",
            )
    return found


def _add_folder(found: _Folders, path: str, artifact: str) -> None:
    """Add a folder and those that it is in."""
    missing = []
    while path not in found:
        missing.append(path)
        path = path.rpartition("/")[0]
    for folder in reversed(missing):
        parent, _, step = folder.rpartition("/")
        if step in found[parent]:
            raise _twice(folder, artifact, both=True)
        found[parent][step] = None
        found[folder] = {}


def _plain(name: str, artifact: str) -> str:
    """A member's path without a slash at its end; empty: the artifact's root."""
    path = name.removesuffix("/")
    while path.startswith("./"):  # some programs begin each name so
        path = path[2:]
    if path == "." and name.endswith("/"):
        return ""
    if (
        "\\" in name
        or "\0" in name
        or _DRIVE.match(path)
        or any(step in ("", ".", "..") for step in path.split("/"))
    ):
        raise UsageError(
            f"{artifact} holds a file that is called {shown(name)}, which is no path inside of it",
            advice="Make the artifact with plain relative names and forward slashes, as zip and CodeBuild do.",
        )
    return path


def _twice(path: str, artifact: str, *, both: bool) -> UsageError:
    how = "as a file and as a folder" if both else "twice"
    return UsageError(
        f"{artifact} holds {shown(path)} {how}, so what is deployed is not known",
        advice="Make the artifact from an empty one: a build that adds to an old archive leaves both in it.",
    )


def _refuse_odd(member: Member, artifact: str) -> None:
    if member.odd:
        raise UsageError(
            f"{shown(member.name)} in {artifact} {member.odd}",
            advice="Put a plain file with a plain name in its place.",
        )
