# ruff: noqa: INP001 - a script's part, no package
"""What an artefact really holds: its distributions, as their own metadata tells, and that every file is one of theirs."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path


class ContentsError(Exception):
    """What an artefact holds is not what its distributions say; the message names the file."""


class Files(Protocol):
    """The files of a folder, or of a zip."""

    names: frozenset[str]
    """Relative, with slashes."""

    def read(self, name: str) -> bytes:
        """The bytes of one of `names`."""
        ...


class Zipped:
    """The files of a zip: a wheel, or the Lambda function's."""

    def __init__(self, path: Path) -> None:
        """Read the names of the zip at `path`."""
        self._archive = zipfile.ZipFile(path)
        self.names = frozenset(name for name in self._archive.namelist() if not name.endswith("/"))

    def read(self, name: str) -> bytes:
        """The bytes of one of `names`."""
        return self._archive.read(name)


class Folder:
    """The files of a folder, such as an interpreter's site-packages; bytecode is none of them."""

    def __init__(self, root: Path) -> None:
        """Read the names below `root`."""
        self._root = root
        files = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc")
        self.names = frozenset(path.relative_to(root).as_posix() for path in files)

    def read(self, name: str) -> bytes:
        """The bytes of one of `names`."""
        return (self._root / name).read_bytes()


@dataclass(frozen=True)
class Distribution:
    """One installed distribution, or one that a metadata file tells of."""

    name: str
    """As in an index: in small letters, with hyphens."""
    version: str
    requires: tuple[str, ...]
    """Names of what it needs whatever its extras; some of them perhaps only on other machines."""
    expression: str | None
    """Its licence by SPDX; None: its metadata does not say so."""
    licence: str | None
    """What it says in its field `License`, if that is one line."""
    classifiers: tuple[str, ...]
    """The last words of its classifiers of licences."""
    files: frozenset[str]
    """What it brought, by its RECORD."""


def normal(name: str) -> str:
    """A distribution's name as indexes write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def described(metadata: str, files: frozenset[str] = frozenset()) -> Distribution:
    """The distribution that a METADATA or PKG-INFO file tells of."""
    told: Message = HeaderParser().parsestr(metadata)
    requires = set()
    for line in told.get_all("Requires-Dist") or ():
        requirement, _, marker = line.partition(";")
        if not re.search(r"\bextra\s*==", marker):
            requires.add(normal(re.split(r"[\s\[(<>=!~@]", requirement.strip(), maxsplit=1)[0]))
    field = (told["License"] or "").strip()
    classifiers = [line for line in told.get_all("Classifier") or () if line.startswith("License :: OSI ")]
    return Distribution(
        normal(told["Name"]),
        told["Version"],
        tuple(sorted(requires)),
        told["License-Expression"],
        field if field and "\n" not in field else None,
        tuple(line.rpartition(" :: ")[2] for line in classifiers),
        files,
    )


def distributions(files: Files, own: tuple[str, ...] = ()) -> list[Distribution]:
    """Every distribution in the top folder of `files`, in order of their names.

    Args:
        files: those of a wheel, a zip, or a site-packages folder.
        own: names, or folders that end with a slash, that belong to nobody's RECORD and may be there.

    Raises:
        ContentsError: a file is no distribution's, is not the one that its distribution recorded, or is missing.
    """
    found = []
    owned: set[str] = set()
    for name in sorted(files.names):
        if not re.fullmatch(r"[^/]+\.dist-info/METADATA", name):
            continue
        record = name.replace("METADATA", "RECORD")
        if record not in files.names:
            raise ContentsError(f"{record} is missing, so that nobody can tell which files are whose")
        recorded = frozenset(_recorded(files, record))
        owned |= recorded
        found.append(described(files.read(name).decode(), recorded))
    foreign = sorted(name for name in files.names - owned if not name.startswith(own))
    if foreign:
        more = f", and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise ContentsError(f"{foreign[0]} belongs to no distribution{more}")
    return sorted(found, key=lambda one: one.name)


def _recorded(files: Files, record: str) -> list[str]:
    """The files of one RECORD, each of which must be there as it was recorded."""
    names = []
    for name, digest, _ in csv.reader(files.read(record).decode().splitlines()):
        if name.startswith("../") or name.endswith(".pyc"):  # a script beside the folder; bytecode
            continue
        if name not in files.names:
            raise ContentsError(f"{name} is missing: {record} names it")
        if digest and digest != record_digest(files.read(name)):
            raise ContentsError(f"{name} is not the file that {record} names")
        names.append(name)
    return names


def record_digest(content: bytes) -> str:
    """A file's digest as a RECORD writes it."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return f"sha256={digest.rstrip(b'=').decode()}"
