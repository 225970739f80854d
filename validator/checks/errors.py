"""The import errors of one round, found by file."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from validator.airflow.models import DagFile, DagImportError
    from validator.checks.folder import Folder


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
        if not self.rows:
            return []
        near: list[DagImportError] = []
        if file.absolute is not None:
            near += self.by_absolute.get(file.absolute, ())
        if file.relative is not None:
            near += self.by_relative.get(file.relative, ())
        return [error for error in near if error.file.same_as(file)]


def errors_by_file(rows: Sequence[DagImportError], folder: Folder) -> Errors:
    """The index of `rows`."""
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
