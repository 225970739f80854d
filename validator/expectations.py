"""What is expected in all: of the manifest, and of the local folder as the Airflow at hand reads it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from validator.airflow.dialect import AIRFLOW_3
from validator.airflow.models import Unread
from validator.local.model import Reading
from validator.manifest.model import ExpectedDag, Manifest
from validator.transport.interface import EnvironmentFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validator.airflow.models import Observation
    from validator.local.model import LocalFile, LocalFolder
    from validator.s3.interface import LocalDigest

_SYNTAX = "core.dag_ignore_file_syntax"
_SAFE_MODE = "core.dag_discovery_safe_mode"
_GUESS = Reading(glob=True, assets=True)


@dataclass(frozen=True)
class Wanted:
    """What one Airflow must show."""

    manifest: Manifest
    """With every DAG that the folder surely defines."""
    local: Mapping[str, LocalFile] = field(default_factory=dict)
    """The local files that this Airflow reads, by name relative to its DAGs folder."""
    sure: bool = True
    """Whether it is known which files it reads; False: they are taken by Airflow's defaults, and GetEnvironment may
    still tell otherwise."""
    hidden: Mapping[str, tuple[LocalFile, str]] = field(default_factory=dict)
    """Local files that make DAGs and that this Airflow does not read, each with the reason in words."""
    alone: frozenset[str] | None = None
    """DAG files that no other local file imports, by name relative to the local folder; None: S3's times tell nothing."""
    digests: tuple[LocalDigest, ...] = ()
    """Every local file, where S3 is asked about them."""


class Expectations:
    """The manifest and the folder. Which files count, and so what is expected, depends on the Airflow."""

    def __init__(self, manifest: Manifest, folder: LocalFolder | None = None) -> None:
        self._manifest = manifest
        self._folder = folder
        self._wanted: dict[Reading, Wanted] = {}

    @property
    def folder(self) -> LocalFolder | None:
        """The local folder; None: none was given."""
        return self._folder

    def of(self, seen: Observation | None) -> Wanted:
        """What the Airflow that `seen` shows must show; None, or no version yet: a newer Airflow's defaults."""
        if self._folder is None:
            return Wanted(self._manifest)
        reading = reading_of(seen) if seen is not None else _GUESS
        if reading not in self._wanted:
            from validator.local.select import dag_files, hidden  # noqa: PLC0415 - few checks have a folder

            unread = {
                self._folder.deployed_name(one.name): (one, why)
                for one, why in hidden(self._folder, reading)
                if one.certain or one.computes
            }
            files = {self._folder.deployed_name(one.name): one for one in dag_files(self._folder, reading)}
            manifest = _with_files(self._manifest, files)
            alone = self._alone(self._folder)
            self._wanted[reading] = Wanted(
                manifest, files, hidden=unread, alone=alone, digests=self._folder.digests
            )
        told = seen is not None and seen.version is not None and not isinstance(seen.environment, Unread)
        # Safe mode hides no file that surely defines a DAG: such a file mentions both words.
        return replace(self._wanted[reading], sure=told or not self._folder.ignores)

    @staticmethod
    def _alone(folder: LocalFolder) -> frozenset[str] | None:
        """The files that stand alone; None: S3's times tell nothing, or nobody asks for them."""
        if not folder.digests:
            return None
        from validator.local.imports import is_imported, stand_alone  # noqa: PLC0415 - few checks ask S3

        compared = {one.name for one in folder.digests}
        unknown = [file.name for file in folder.files if file.name not in compared]
        if unknown and is_imported(unknown, folder.files):  # when such a file came S3 is not asked
            return None
        return stand_alone(folder.files)


def reading_of(seen: Observation) -> Reading:
    """How the Airflow that `seen` shows picks its DAG files: its version's defaults, unless GetEnvironment says more."""
    if seen.version is None:
        return _GUESS
    airflow_3 = seen.version.major >= AIRFLOW_3
    told = seen.environment
    options = told.options if isinstance(told, EnvironmentFacts) else {}
    syntax = options.get(_SYNTAX, "").strip().lower()
    return Reading(
        glob=syntax == "glob" if syntax in ("glob", "regexp") else airflow_3,
        assets=airflow_3,
        safe_mode=options.get(_SAFE_MODE, "").strip().lower() not in ("false", "f", "0"),
    )


def _with_files(manifest: Manifest, files: Mapping[str, LocalFile]) -> Manifest:
    """The manifest with what the files surely define; what it says of a DAG itself goes before."""
    places: dict[str, str] = {}
    for name, file in files.items():
        for one in file.certain:
            places.setdefault(one.dag_id, name)
    dags = [
        replace(dag, file=places[dag.dag_id]) if dag.file is None and dag.dag_id in places else dag
        for dag in manifest.dags
    ]
    named = {dag.dag_id for dag in dags}
    named.update(manifest.absent)  # refused by the command line, unless the file may be one that is not read
    dags += [ExpectedDag(dag_id, file=name) for dag_id, name in places.items() if dag_id not in named]
    return replace(manifest, dags=tuple(dags))
