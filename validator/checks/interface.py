"""What every check is given, and what it must give back."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

from validator.checks.folder import Folder, folder_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from validator.airflow.models import Dag, DagFile, DagImportError, Observation
    from validator.finding import Finding
    from validator.manifest.model import Manifest
    from validator.state import FileTrack


CLOCK_TOLERANCE = 10.0
"""Seconds by which a time of Airflow's may be ahead of its web server's clock."""


@dataclass(frozen=True)
class Times:
    """The moments that a round is judged by; all on the server's clock, UTC."""

    arrived_at: datetime
    """From here on a parse saw the new files."""
    fresh_after: datetime
    """From here on a parse is also what the scheduler runs: `arrived_at` + settle."""
    grace: float
    """Seconds for which a red that heals by itself may stand."""
    gate_now: float
    """Seconds since the gate's start."""
    settled_after: datetime | None
    """From here on a parse belongs to a second cycle after the files arrived; None: the first is not over."""


@dataclass(frozen=True)
class View:
    """One round, ready to be judged: the observation with its indexes. Built by `view_of`."""

    manifest: Manifest
    seen: Observation
    times: Times
    tracks: Mapping[str, FileTrack]
    """By DAG id: the files that expected DAGs were seen in."""
    listed: Mapping[str, Dag]
    """The DAGs that are there, by exact id."""
    gone: Mapping[str, Dag]
    """Rows of DAGs that are not there, as far as they were asked for."""
    matched: Sequence[str]
    """DAGs that only a pattern expects, sorted."""
    folder: Folder
    errors: Errors
    behind: Sequence[str]
    """Listed DAGs that Airflow has not parsed since the files arrived. A broken file's DAGs (2.x) do not
    count: nothing moves them."""
    cycle_is_settled: bool
    """Whether Airflow has parsed everything that it lists once more after the first cycle was over: only then
    has it surely looked at every file, also at those that yield no DAG. True where nothing sound is listed."""
    witnesses: int
    """How many listed DAGs, their files being sound, show that Airflow parses at all."""

    def files_of(self, dag_id: str, expected_file: str | None) -> list[DagFile]:
        """Every file that the DAG is known to come from, or should."""
        row = self.listed.get(dag_id) or self.gone.get(dag_id)
        files = []
        if row is not None:
            files.append(row.file)
        elif dag_id in self.tracks:
            files.append(self.tracks[dag_id].now)
        if expected_file is not None:
            files += [error.file for error in self.errors.by_name.get(posixpath.normpath(expected_file), ())]
        return files

    def errors_of(self, dag_id: str, expected_file: str | None) -> list[DagImportError]:
        """The import errors of the DAG's own files, the latest stamp first."""
        if not self.errors.rows:
            return []
        found = {e.error_id: e for file in self.files_of(dag_id, expected_file) for e in self.errors.of(file)}
        return sorted(found.values(), key=lambda e: (e.stamp is not None, e.stamp, e.error_id), reverse=True)

    @property
    def cycle_is_over(self) -> bool:
        """Whether Airflow has parsed everything that it lists since the files arrived."""
        return self.seen.dags.whole and not self.behind

    def stamped_after_arrival(self, error: DagImportError) -> bool:
        """Whether Airflow met the error when it parsed the new files."""
        return error.stamp is not None and self.times.arrived_at <= error.stamp <= self.stamps_allowed_until

    @property
    def stamps_allowed_until(self) -> datetime:
        """A time of Airflow's that is later than this comes from a clock that runs ahead, and proves nothing."""
        return self.seen.ended + timedelta(seconds=CLOCK_TOLERANCE)


@dataclass(frozen=True)
class Errors:
    """The import errors, found by file."""

    rows: Sequence[DagImportError]
    by_absolute: Mapping[str, Sequence[DagImportError]]
    by_relative: Mapping[str, Sequence[DagImportError]]
    by_name: Mapping[str, Sequence[DagImportError]]
    """By every name relative to the DAGs folder that the file may have."""

    def of(self, file: DagFile) -> list[DagImportError]:
        """The errors of exactly this file."""
        near: list[DagImportError] = []
        if file.absolute is not None:
            near += self.by_absolute.get(file.absolute, ())
        if file.relative is not None:
            near += self.by_relative.get(file.relative, ())
        return [error for error in near if error.file.same_as(file)]


class Check(Protocol):
    """A check: a pure function from one round to its findings. One module an area, one line in the registry."""

    def __call__(self, view: View) -> list[Finding]:
        """The findings; never raises on what Airflow said."""
        ...


def view_of(manifest: Manifest, seen: Observation, times: Times, tracks: Mapping[str, FileTrack]) -> View:
    """Make one round ready to be judged."""
    listed = {dag.dag_id: dag for dag in seen.dags.rows if dag.active}
    gone = seen.gone if isinstance(seen.gone, dict) else {}
    rows = seen.import_errors.rows
    files = (
        [dag.file for dag in listed.values()] + [dag.file for dag in gone.values()] + [e.file for e in rows]
    )
    folder = folder_of(files)
    sound = [dag for dag in listed.values() if not dag.has_import_errors]
    errors = _index(rows, folder)
    return View(
        manifest=manifest,
        seen=seen,
        times=times,
        tracks=tracks,
        listed=listed,
        gone=gone,
        matched=_matched(manifest, listed, gone, errors, _just_gone(listed, tracks, times)),
        folder=folder,
        errors=errors,
        behind=[dag.dag_id for dag in sound if not _since(dag, times.arrived_at)],
        cycle_is_settled=(
            seen.dags.whole
            and times.settled_after is not None
            and all(_since(dag, times.settled_after) for dag in sound)
        ),
        witnesses=len(sound),
    )


def _since(dag: Dag, moment: datetime) -> bool:
    return dag.last_parsed is not None and dag.last_parsed >= moment


def expected_by(manifest: Manifest, dag_ids: Iterable[str]) -> list[str]:
    """Those of `dag_ids` that the manifest expects, by id or by pattern, and does not want absent."""
    by_id = {dag.dag_id for dag in manifest.dags}
    globs = [pattern.pattern for pattern in manifest.patterns]
    absent = set(manifest.absent)
    return [
        dag_id
        for dag_id in dag_ids
        if dag_id in by_id or (dag_id not in absent and any(fnmatchcase(dag_id, glob) for glob in globs))
    ]


def _matched(
    manifest: Manifest,
    listed: Mapping[str, Dag],
    gone: Mapping[str, Dag],
    errors: Errors,
    just_gone: list[str],
) -> list[str]:
    """The DAGs that only a pattern expects: those listed, and those that went only just or by an import error."""
    if not manifest.patterns:
        return []
    by_id = {dag.dag_id for dag in manifest.dags}
    broken = [dag_id for dag_id, dag in gone.items() if dag.has_import_errors and errors.of(dag.file)]
    candidates = {*listed, *broken, *just_gone} - by_id
    return sorted(expected_by(manifest, candidates))


def _just_gone(listed: Mapping[str, Dag], tracks: Mapping[str, FileTrack], times: Times) -> list[str]:
    """DAGs that were listed until a moment ago: one that moves between files is off the list meanwhile."""
    since = times.gate_now - times.grace
    return [dag_id for dag_id, track in tracks.items() if dag_id not in listed and track.seen_at > since]


def _index(rows: Sequence[DagImportError], folder: Folder) -> Errors:
    by_absolute: dict[str, list[DagImportError]] = defaultdict(list)
    by_relative: dict[str, list[DagImportError]] = defaultdict(list)
    by_name: dict[str, list[DagImportError]] = defaultdict(list)
    for error in rows:
        for name in folder.names(error.file):
            by_name[name].append(error)
        if error.file.absolute is not None:
            by_absolute[error.file.absolute].append(error)
        if error.file.relative is not None:
            by_relative[error.file.relative].append(error)
    return Errors(rows, by_absolute, by_relative, by_name)
