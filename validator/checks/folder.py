"""The DAGs folder, as far as the API lets it be known, and the names of files in it."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from validator.airflow.models import DagFile
from validator.globs import glob_matches

if TYPE_CHECKING:
    from collections.abc import Iterable

KNOWN_FOLDERS = ("/usr/local/airflow/dags", "/opt/airflow/dags")
"""MWAA's folder, and the one of Airflow's own images."""
DAGS_FOLDER = "dags-folder"
"""What Airflow 3 calls the bundle that is the DAGs folder."""


@dataclass(frozen=True)
class Folder:
    """Airflow 3 names files relative to the folder itself. Airflow 2 never says where the folder is."""

    root: str | None
    """Absolute, without a slash at its end; None: unknown."""
    common: str
    """The deepest folder that holds every known file. An unknown root must be this or above it."""
    bundle: str | None = None
    """The bundle that is the DAGs folder (Airflow 3); None: unknown, and any is taken for it."""

    def names(self, file: DagFile) -> list[str]:
        """Every name relative to the DAGs folder that `file` may have; more than one only with an unknown root.

        A file of another bundle has its bundle's name before its own: `other:etl/daily.py`.
        """
        if file.relative is not None:
            other = None not in (file.bundle, self.bundle) and file.bundle != self.bundle
            return [f"{file.bundle}:{file.relative}" if other else file.relative]
        if file.absolute is None:
            return []
        if self.root is not None:
            return [_below(file.absolute, self.root) or file.absolute]
        names = []
        root = self.common
        while True:
            below = _below(file.absolute, root)
            if below is not None:
                names.append(below)
            if root in ("", "/"):
                return names
            root = posixpath.dirname(root)

    def name(self, file: DagFile) -> str:
        """The name of `file` for people: relative to the folder where that is certain."""
        certain = file.relative is not None or (file.absolute is not None and self.root is not None)
        return self.names(file)[0] if certain else file.name

    def located(self, file: DagFile) -> DagFile:
        """`file` with its absolute name too, where the folder is known."""
        if file.absolute is not None or file.relative is None or self.root is None:
            return file
        if None not in (file.bundle, self.bundle) and file.bundle != self.bundle:
            return file
        return DagFile(posixpath.join(self.root, file.relative), file.relative, file.bundle)

    def holds(self, file: DagFile, expected: str) -> bool:
        """Whether `file` is the one that a manifest calls `expected`."""
        return posixpath.normpath(expected) in self.names(file)

    def matches(self, file: DagFile, globs: Iterable[str]) -> bool:
        """Whether one of `globs` matches `file`. `*` stays within a folder, `**` crosses folders."""
        names = self.names(file)
        return any(glob_matches(glob, name) for glob in globs for name in names)


def folder_of(files: Iterable[DagFile]) -> Folder:
    """What the known files tell of the DAGs folder."""
    absolute: list[str] = []
    roots: dict[str | None, str] = {}
    for file in files:
        if file.absolute is None:
            continue
        absolute.append(file.absolute)
        if file.bundle in roots or file.relative is None:
            continue
        if file.absolute.endswith("/" + file.relative):
            roots[file.bundle] = file.absolute[: -len(file.relative) - 1]
    if roots:
        # Other bundles have folders of their own, Airflow's examples among them.
        bundle = DAGS_FOLDER if DAGS_FOLDER in roots else next(iter(roots))
        return Folder(roots[bundle], "", bundle)
    own = {parent for parent in map(posixpath.dirname, absolute) if "/site-packages/" not in parent}
    for known in KNOWN_FOLDERS:
        if own and all(parent == known or parent.startswith(known + "/") for parent in own):
            return Folder(known, known)
    return Folder(None, posixpath.commonpath(sorted(own)) if own else "/")


def _below(path: str, root: str) -> str | None:
    prefix = root.rstrip("/") + "/"
    return path[len(prefix) :] if path.startswith(prefix) and len(path) > len(prefix) else None
