"""What every check is given, and what it must give back."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from validator.airflow.dialect import AIRFLOW_3
from validator.checks.errors import Errors, errors_by_file
from validator.checks.folder import Folder, folder_of
from validator.finding import Status
from validator.server_clock import DATE_RESOLUTION
from validator.state import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from validator.airflow.models import Dag, DagFile, DagImportError, Observation
    from validator.finding import Finding
    from validator.local.model import LocalFile
    from validator.manifest.model import Manifest
    from validator.s3.interface import LocalDigest
    from validator.state import FileTrack, Mark, SourceTrack


CLOCK_TOLERANCE = 10.0
"""Seconds by which a time of Airflow's may be ahead of its web server's clock."""


SLOWEST_SYNC = timedelta(minutes=10)
"""Files that were due so long ago have arrived, whatever the sync is like."""


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
    deploy: bool = True
    """Whether there was a deploy at all."""
    settle: float = 0.0
    """Seconds for which a parsed DAG may keep its old serialized form; 0 without a deploy."""
    served_for: float = 0.0
    """Seconds for which a web server may show its own copy of an older serialized DAG; 0 without a deploy."""
    told: datetime | None = None
    """When the deploy ended, where that was given as a time."""
    scan_interval: float = 0.0
    """Seconds until Airflow looks at the folder again, and sees new files and those that are gone."""
    arrivals: Mapping[str, datetime] = field(default_factory=dict)
    """Of files whose own arrival is known, by name relative to the DAGs folder; `arrived_at` for all others."""
    folder_arrived: datetime | None = None
    """When the newest of the local folder's files had arrived, as S3 tells; None: S3 does not."""
    recent: datetime | None = None
    """An older parse proves nothing, whenever the file arrived; None: no more is demanded."""


@dataclass(frozen=True)
class View:
    """One round, ready to be judged: the observation with its indexes. Built by `view_of`."""

    manifest: Manifest
    """With what the local folder adds to it."""
    seen: Observation
    times: Times
    local: Mapping[str, LocalFile]
    """The local files that this Airflow reads, by name relative to the DAGs folder; empty: no folder was given."""
    tracks: Mapping[str, FileTrack]
    """By DAG id: the files that expected DAGs were seen in."""
    sources: Mapping[str, SourceTrack]
    """By file name: how Airflow's texts of the local files compared so far."""
    marks: Mapping[str, Mark]
    """By finding id: how the findings stood in the round before."""
    kept: Mapping[str, Finding]
    """By finding id: findings that stand without being asked for again."""
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
    hidden: Mapping[str, tuple[LocalFile, str]]
    """Local files that make DAGs and that this Airflow does not read, each with the reason in words."""
    digests: Sequence[LocalDigest]
    """Every file of the local folder, where S3 is asked about them."""
    objects_held: bool
    """S3 held the whole folder in an earlier round."""
    files_are_sure: bool
    """Whether it is known which local files this Airflow reads."""
    yields: Mapping[str, Sequence[Dag]]
    """The listed DAGs of each local file, by the file's name relative to the DAGs folder."""
    unsettled_for: float
    """Seconds for which DAGs must still stay as they are: they were not as another process had left them. 0: none."""

    def local_name(self, file: DagFile) -> str | None:
        """The local file that `file` is, by its name relative to the DAGs folder; None: it is none of them."""
        return _local_name(file, self.folder, self.local)

    def may_come_from(self, file: DagFile) -> bool:
        """Whether `file` is a local one that makes DAGs whose ids only running it tells."""
        name = self.local_name(file)
        return name is not None and self.local[name].computes

    def arrived_at(self, file: DagFile) -> datetime:
        """From here on a parse of `file` saw its new bytes, and those of its helpers."""
        if not self.local:
            return self.times.arrived_at
        return self.times.arrivals.get(self.local_name(file) or "", self.times.arrived_at)

    def fresh_after(self, file: DagFile) -> datetime | None:
        """From here on a parse of `file` is also what the scheduler runs.

        None: Airflow's text of it is compared with the local file, and was not seen to be equal yet.
        """
        moment = self.times.fresh_after
        name = self.local_name(file) if self.local else None
        if name is not None and name in self.times.arrivals:
            moment = self.times.arrivals[name] + timedelta(seconds=self.times.settle)
            moment = max(moment, self.times.recent or moment)
        if name is None or not self.compares(name):
            return moment
        track = self.sources.get(name)
        if track is None or track.equal_since is None:
            return None
        # Nobody saw the bytes arrive, and they were due long ago: then the first look says nothing of a slow sync.
        long_there = not track.moved and track.equal_since >= self.arrived_at(file) + SLOWEST_SYNC
        if long_there or not self.times.deploy:
            return moment
        # The server's Date cuts the second off: the look may have been so much later.
        equal_since = track.equal_since + DATE_RESOLUTION
        return max(moment, equal_since + timedelta(seconds=self.times.settle))

    def compares(self, name: str) -> bool:
        """Whether Airflow can be asked for its text of a local file, and the local file has one to compare."""
        if not self.tells_sources or self.local[name].text is None:
            return False
        before = self.kept.get(f"sources/{name}")
        if before is None or before.status is not Status.SKIPPED:
            return True
        # Its DAG's id was too long to be asked for; another one of the file's may be shorter.
        asked = self.asked_of(name)
        return asked is not None and asked.dag_id != before.details.get("dag_id")

    def asked_of(self, name: str) -> Dag | None:
        """The DAG that a local file's text is asked by: the shortest id, since MWAA's paths are short. None: it has none."""
        return min(self.yields.get(name, ()), key=lambda row: (len(row.dag_id), row.dag_id), default=None)

    @property
    def tells_sources(self) -> bool:
        """Whether texts can be asked for: Airflow 2 wants its own token of a file, too long for MWAA's paths."""
        return self.seen.version is not None and not (
            self.is_airflow_2 and self.seen.longest_path is not None
        )

    @property
    def is_airflow_2(self) -> bool:
        """Whether its version is known, and below 3."""
        return self.seen.version is not None and self.seen.version.major < AIRFLOW_3

    @property
    def is_long_in_s3(self) -> bool:
        """Whether S3 has had every local file for so long that nothing new of them can come."""
        moment = self.times.folder_arrived
        return moment is not None and self.seen.began >= moment + SLOWEST_SYNC

    def is_current(self, row: Dag) -> bool:
        """Whether a listed DAG is surely the new version, and what the scheduler runs."""
        if row.last_parsed is None or row.has_import_errors or self.errors.of(row.file):
            return False
        fresh_after = self.fresh_after(row.file)
        return fresh_after is not None and fresh_after <= row.last_parsed <= self.stamps_allowed_until

    def held_for(self, dag_id: str) -> float:
        """Seconds for which a DAG's presence had been found right by the round before; 0: it was not."""
        mark = self.marks.get(f"dags/{dag_id}")
        return self.times.gate_now - mark.since if mark is not None and mark.status is Status.PASSED else 0.0

    @cached_property
    def all_is_current(self) -> bool:
        """Whether there are expected DAGs, and every one is listed and current."""
        wanted = [*(dag.dag_id for dag in self.manifest.dags), *self.matched]
        rows = [self.listed.get(dag_id) for dag_id in wanted]
        for name, file in self.local.items():
            if file.computes:  # one that is current shows that the file was parsed
                found = self.yields.get(name, ())
                rows.append(next((row for row in found if self.is_current(row)), None))
        return bool(rows) and all(row is not None and self.is_current(row) for row in rows)

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
        arrived_at = max(self.arrived_at(error.file), self.times.arrived_at)
        return error.stamp is not None and arrived_at <= error.stamp <= self.stamps_allowed_until

    @cached_property
    def stamps_allowed_until(self) -> datetime:
        """A time of Airflow's that is later than this comes from a clock that runs ahead, and proves nothing."""
        return self.seen.ended + timedelta(seconds=CLOCK_TOLERANCE)


class Check(Protocol):
    """A check: a pure function from one round to its findings. One module an area, one line in the registry."""

    def __call__(self, view: View) -> list[Finding]:
        """The findings; never raises on what Airflow said."""
        ...


def view_of(  # noqa: PLR0913 - the round, and all that it is judged by
    manifest: Manifest,
    seen: Observation,
    times: Times,
    state: State | None = None,
    local: Mapping[str, LocalFile] | None = None,
    hidden: Mapping[str, tuple[LocalFile, str]] | None = None,
    digests: Sequence[LocalDigest] = (),
    *,
    files_are_sure: bool = True,
) -> View:
    """Make one round ready to be judged.

    Args:
        manifest: what is expected, with what the local folder adds to it.
        seen: the round.
        times: the moments to judge it by.
        state: what is remembered of the rounds before; None: nothing.
        local: the local files that this Airflow reads, by name relative to the DAGs folder.
        hidden: local files that make DAGs and that it does not read, each with the reason in words.
        digests: every file of the local folder, where S3 is asked about them.
        files_are_sure: whether it is known which local files it reads.
    """
    state = state or State()
    local = local or {}
    listed = {dag.dag_id: dag for dag in seen.dags.rows if dag.active}
    gone = seen.gone if isinstance(seen.gone, dict) else {}
    rows = seen.import_errors.rows
    files = (
        [dag.file for dag in listed.values()] + [dag.file for dag in gone.values()] + [e.file for e in rows]
    )
    folder = folder_of(files)
    sound = [dag for dag in listed.values() if not dag.has_import_errors]
    errors = errors_by_file(rows, folder)
    return View(
        manifest=manifest,
        seen=seen,
        times=times,
        local=local,
        tracks=state.files,
        sources=state.sources,
        marks=state.marks,
        kept=state.kept,
        listed=listed,
        gone=gone,
        matched=_matched(manifest, listed, gone, errors, _just_gone(listed, state.files, times)),
        folder=folder,
        errors=errors,
        behind=[dag.dag_id for dag in sound if not _since(dag, times.arrived_at)],
        cycle_is_settled=(
            seen.dags.whole
            and times.settled_after is not None
            and all(_since(dag, times.settled_after) for dag in sound)
        ),
        witnesses=len(sound),
        hidden=hidden or {},
        digests=digests,
        files_are_sure=files_are_sure,
        objects_held=state.objects_held,
        yields=_yields(listed.values(), folder, local),
        unsettled_for=(
            max(0.0, state.changed_at + times.grace - times.gate_now) if state.changed_at is not None else 0.0
        ),
    )


def _local_name(file: DagFile, folder: Folder, local: Mapping[str, LocalFile]) -> str | None:
    if not local:
        return None
    for name in reversed(folder.names(file)):  # where the folder is unknown: the most that fits
        if name in local:
            return name
        archive, found, _ = name.partition(".zip/")
        if found and f"{archive}.zip" in local:
            return f"{archive}.zip"
    return None


def _yields(
    rows: Iterable[Dag], folder: Folder, local: Mapping[str, LocalFile]
) -> Mapping[str, Sequence[Dag]]:
    found: dict[str, list[Dag]] = defaultdict(list)
    for row in rows:
        name = _local_name(row.file, folder, local)
        if name is not None:
            found[name].append(row)
    return found


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
