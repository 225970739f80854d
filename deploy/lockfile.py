# ruff: noqa: INP001 - a script's part, no package
"""What a lock file of `make lock` says: each package with its one version, its hashes and who asks for it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = "mwaa-gate"
"""The package that is locked for; in its own lock it has no entry."""
_PIN = re.compile(r"(?P<name>[a-z0-9]+(?:-[a-z0-9]+)*)==(?P<version>[^\s;]+)(?: ; (?P<marker>.+?))? \\")
_HASH = re.compile(r"    --hash=sha256:(?P<hash>[0-9a-f]{64})(?: \\)?")
_VIA = re.compile(r"    # via(?: (?P<one>\S.*))?|    #   (?P<more>\S.*)")
_ITSELF = f"{PROJECT} (pyproject.toml)"
"""How a lock calls what it is for; that of the build calls it nothing."""


class LockError(Exception):
    """A lock file is not what `make lock` writes; the message names the line."""


@dataclass(frozen=True)
class Locked:
    """One package of a lock file."""

    name: str
    """As in an index: in small letters, with hyphens."""
    version: str
    marker: str | None
    """Where it is installed, such as `python_full_version < '3.11'`; None: everywhere."""
    hashes: tuple[str, ...]
    """SHA-256, in hexadecimal and in order, of every file of this version that may be installed. Never empty."""
    wanted_by: tuple[str, ...]
    """Names of packages, and PROJECT for the package itself."""


def read_lock(path: Path) -> dict[str, Locked]:
    """The packages of a lock file by name.

    Raises:
        LockError: as for `entries`, or a package has two versions, on two kinds of machine.
    """
    found: dict[str, Locked] = {}
    for one in entries(path):
        if one.name in found:
            raise LockError(f"{path.name}: {one.name} stands there twice")
        found[one.name] = one
    return found


def entries(path: Path) -> list[Locked]:
    """The packages of a lock file, in its order.

    Raises:
        LockError: a line is none that `make lock` writes (no exact version, a URL, an option, such as an index),
            or a package has no hash.
    """
    found: list[Locked] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if pin := _PIN.fullmatch(line):
            found.append(Locked(pin["name"], pin["version"], pin["marker"], (), ()))
        elif found and (given := _HASH.fullmatch(line)):
            found[-1] = replace(found[-1], hashes=tuple(sorted((*found[-1].hashes, given["hash"]))))
        elif found and (via := _VIA.fullmatch(line)):
            asking = via["one"] or via["more"]
            if asking is not None and not asking.startswith("-c "):
                asking = PROJECT if asking == _ITSELF else asking
                found[-1] = replace(found[-1], wanted_by=(*found[-1].wanted_by, asking))
        else:
            raise LockError(f"{path.name}, line {number}: {line!r} is no exact version with its hashes")
    found = [one if one.wanted_by else replace(one, wanted_by=(PROJECT,)) for one in found]
    if bare := [one.name for one in found if not one.hashes]:
        raise LockError(f"{path.name}: {bare[0]} has no hash")
    return found
