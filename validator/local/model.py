"""What a local folder of DAG files says without being run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validator.s3.interface import LocalDigest


@dataclass(frozen=True)
class Definition:
    """A DAG that a file surely defines: a call at module level, unconditional, undecorated, with a literal id."""

    dag_id: str
    line: int
    """1-based."""


@dataclass(frozen=True)
class LocalFile:
    """One Python file or zip archive of the folder."""

    name: str
    """Relative to the folder, with forward slashes."""
    certain: tuple[Definition, ...] = ()
    """The DAGs that it surely defines, by line; one id may be there twice."""
    computes: bool = False
    """It also makes DAGs whose ids cannot be known without running it: at least one is expected."""
    text: str | None = None
    """Its text as Airflow stores it: UTF-8 with universal newlines. None: an archive, or not UTF-8."""
    archive: bool = False
    """A zip archive: its DAGs' files are `name/inner.py`."""
    words: frozenset[str] = frozenset()
    """Those of `airflow`, `dag` and `asset` that its bytes hold in any case: what safe mode looks for."""
    problem: str = ""
    """Why it could not be read as Python, for people; Airflow's own Python may be a newer one. Empty: it could."""


@dataclass(frozen=True)
class Reading:
    """How an Airflow picks its DAG files."""

    glob: bool
    """The syntax of .airflowignore: glob (Airflow 3's default), or regular expressions (Airflow 2's)."""
    assets: bool
    """Airflow 3: `asset` is as good as `dag` to safe mode."""
    safe_mode: bool = True
    """Only files that mention `airflow` and `dag` are read."""


@dataclass(frozen=True)
class LocalFolder:
    """A folder of DAG files, as it lies in the repository."""

    root: str
    """As it was given, for people: `root/name` is a path of this machine."""
    prefix: str = ""
    """Where it lies in the environment's DAGs folder: empty for the folder itself, else such as `team_a`."""
    files: tuple[LocalFile, ...] = ()
    """Every Python file and archive, by name; also those that Airflow will not read."""
    ignores: Mapping[str, str] = field(default_factory=dict)
    """The text of each .airflowignore, by its folder's name relative to the root; empty for the root's own."""
    digests: tuple[LocalDigest, ...] = ()
    """Every file, helpers and data included, where S3 shall be asked about them."""

    def fingerprint(self) -> str:
        """A digest of all that it holds, wherever it lies on this machine."""
        named = (self.prefix, sorted(self.ignores.items()), self.digests)
        found = sha256(repr(named).encode("utf-8", "surrogatepass"))
        for file in self.files:  # one after the other: together their texts may be large
            found.update(repr(replace(file, words=frozenset())).encode("utf-8", "surrogatepass"))
            found.update(repr(sorted(file.words)).encode())
        return found.hexdigest()

    @property
    def makes_dags(self) -> bool:
        """Whether any of its files makes a DAG."""
        return any(file.certain or file.computes for file in self.files)

    def deployed_name(self, name: str) -> str:
        """A file's name relative to the environment's DAGs folder."""
        return f"{self.prefix}/{name}" if self.prefix else name

    def path(self, deployed_name: str) -> str | None:
        """The path on this machine of a file of the environment's DAGs folder; None: it is not below the prefix."""
        name = deployed_name
        if self.prefix:
            if not name.startswith(self.prefix + "/"):
                return None
            name = name[len(self.prefix) + 1 :]
        return f"{self.root.rstrip('/') or '/'}/{name}" if self.root not in ("", ".") else name
