"""The simulated metadata database: what parses and listings leave behind, by the rules of each version.

The rules are those that AIRFLOW.md (sections 3, 4, 13, 14) has from real servers.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from validator.sandbox.files import DagFile, SimDag
    from validator.sandbox.rules import Rules
    from validator.sandbox.stock import Stock


@dataclass(frozen=True)
class Code:
    """One DAG with all that made it: what its bytes say."""

    path: str
    dag: SimDag
    helpers: tuple[tuple[str, DagFile], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What one parse found, in the bytes that it read when it started."""

    codes: tuple[Code, ...] = ()
    error: str | None = None
    died: bool = False
    seconds: float = 0.0


@dataclass
class DagRow:
    """A row of the dag table."""

    path: str
    dag: SimDag
    last_parsed: float
    paused: bool
    active: bool = True
    """Airflow 3: not is_stale."""
    has_import_errors: bool = False
    parse_seconds: float = 0.0


@dataclass
class ErrorRow:
    """A row of the import_error table."""

    id: int
    path: str
    trace: str
    stamped: float


@dataclass
class WarningRow:
    """A row of the dag_warning table: a DAG whose tasks name pools that do not exist. Airflow 2 only."""

    dag_id: str
    message: str
    stamped: float
    """When it was first seen; a later parse that sees it again does not move it."""


@dataclass(frozen=True)
class AssetRow:
    """A row of the dataset table (Airflow 3: asset)."""

    id: int
    uri: str
    created: float


@dataclass(frozen=True)
class Serialized:
    """A serialized DAG: what the scheduler runs."""

    code: Code
    written: float


class Metadata:
    """The tables. Times are seconds since the world's start."""

    def __init__(self, rules: Rules, stock: Stock) -> None:
        self._rules = rules
        self._stock = stock
        self._ids = itertools.count(1)
        self.up = True
        """While it is down nothing is written, and all reads but health fail."""
        self.dags: dict[str, DagRow] = {}
        self._ids_of: defaultdict[str, set[str]] = defaultdict(set)
        self.errors: dict[str, ErrorRow] = {}
        self.serialized: dict[str, Serialized] = {}
        self.warnings: dict[str, WarningRow] = {}
        """By DAG."""
        self.assets: dict[str, AssetRow] = {}
        """By URI. What no listed DAG names any more stays here, and is not shown."""
        self.sources: dict[str, tuple[DagFile, str]] = {}
        """What /dagSources shows: a file and its path, by DAG on Airflow 3 and by path on Airflow 2."""

    def persist(self, path: str, outcome: Outcome, now: float, disk: Mapping[str, DagFile]) -> None:
        """Write what a parse of `path` found.

        Args:
            path: the file.
            outcome: what its bytes said when the parse began.
            now: when it ends.
            disk: the processor's files by now. The source is read from there, and can be newer than the parse.
        """
        if outcome.died or not self.up:
            return
        for code in outcome.codes:
            self._write_dag(code, outcome.seconds, now)
            self._serialize(code, now)
            if path in disk:
                key = path if self._rules.major < 3 else code.dag.dag_id  # noqa: PLR2004 - Airflow 3
                self.sources[key] = (disk[path], path)
            if self._rules.major < 3:  # noqa: PLR2004 - Airflow 3 writes no such warnings (measured)
                self._warn(code.dag, now)
        mine = [self.dags[dag_id] for dag_id in self._ids_of[path]]
        if outcome.error is not None:
            known = self.errors.get(path)
            number = known.id if known else next(self._ids)
            self.errors[path] = ErrorRow(number, path, outcome.error, now)
            for row in mine:
                row.has_import_errors = True
                if self._rules.major >= 3:  # noqa: PLR2004 - Airflow 3
                    row.active = False  # also the good DAG beside a bad one
        elif outcome.codes or self._rules.major < 3:  # noqa: PLR2004 - Airflow 3 clears only files that yield a DAG
            self.errors.pop(path, None)
            for row in mine:
                row.has_import_errors = False

    def forget_missing(self, listed: Collection[str]) -> None:
        """A processor listed the folder: what is not in it is gone."""
        if not self.up:
            return
        for row in self.dags.values():
            if row.active and row.path not in listed:
                self._deactivate(row)
        for path in [path for path in self.errors if path not in listed]:
            del self.errors[path]
        if self._rules.major < 3:  # noqa: PLR2004 - Airflow 3 keeps a DAG's source
            for path in [path for path in self.sources if path not in listed]:
                del self.sources[path]

    def deactivate_stale(self, finished: Mapping[str, float]) -> None:
        """The clean-up: DAGs that their file's later parses did not yield any more.

        Args:
            finished: when the processor last finished each of its files.
        """
        if not self.up:
            return
        for row in self.dags.values():
            end = finished.get(row.path)
            if row.active and end is not None and row.last_parsed + self._rules.stale_dag_threshold < end:
                self._deactivate(row)

    def _deactivate(self, row: DagRow) -> None:
        row.active = False
        if self._rules.major < 3:  # noqa: PLR2004 - Airflow 2 deletes the serialized DAG and the warnings as well
            self.serialized.pop(row.dag.dag_id, None)
            self.warnings.pop(row.dag.dag_id, None)

    def _write_dag(self, code: Code, seconds: float, now: float) -> None:
        row = self.dags.get(code.dag.dag_id)
        if row is None:
            asked = code.dag.paused_upon_creation
            paused = self._rules.paused_at_creation if asked is None else asked
            row = self.dags[code.dag.dag_id] = DagRow(code.path, code.dag, now, paused)
        self._ids_of[row.path].discard(code.dag.dag_id)
        self._ids_of[code.path].add(code.dag.dag_id)
        row.path, row.dag, row.last_parsed, row.parse_seconds = code.path, code.dag, now, seconds
        row.active = True
        for uri in code.dag.uris:
            self.assets.setdefault(uri, AssetRow(len(self.assets) + 1, uri, now))

    def _serialize(self, code: Code, now: float) -> None:
        """Held back for a while after the last write; and a write only where something changed."""
        old = self.serialized.get(code.dag.dag_id)
        pause = self._rules.min_serialized_dag_update_interval
        if old is None or (now - old.written >= pause and old.code != code):
            self.serialized[code.dag.dag_id] = Serialized(code, now)

    def _warn(self, dag: SimDag, now: float) -> None:
        missing = sorted({task.pool for task in dag.tasks} - self._stock.pool_names)
        if not missing:
            self.warnings.pop(dag.dag_id, None)
            return
        message = f"Dag '{dag.dag_id}' references non-existent pools: {missing}"
        known = self.warnings.get(dag.dag_id)
        self.warnings[dag.dag_id] = WarningRow(dag.dag_id, message, known.stamped if known else now)
