"""What a round of calls shows of the DAGs that run. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from validator.airflow.models import Unread
from validator.checks.folder import folder_of
from validator.draft.found import Doubt, Finder, Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from validator.airflow.models import Dag, DagFile, DagImportError, Observation
    from validator.checks.folder import Folder
    from validator.draft.found import Found

_NO_FOLDER = "cannot be told of an Airflow that does not say where its DAGs folder is"
_PATH_TOO_LONG = "cannot be asked for: MWAA takes paths of at most 64 characters"
_LIMITED = "the Airflow role that asked may not read every DAG"


def found_in_airflow(seen: Observation, gone: Sequence[Dag] = ()) -> Found:
    """The DAGs that are there and well.

    Args:
        seen: a round in which the lists were read whole; with the tasks of those DAGs whose tasks count.
        gone: the rows that the default listing leaves out.
    """
    errors = _Errors(seen.import_errors.rows)
    rows = [*seen.dags.rows, *gone]
    folder = folder_of([row.file for row in rows] + [error.file for error in seen.import_errors.rows])
    finder = Finder()
    doubtful: dict[str, str] = {}
    left: dict[str, list[str]] = {"broken": [], "never": [], "gone": []}
    for row in {
        row.dag_id: row for row in reversed(rows)
    }.values():  # a listed row goes before one that is gone
        if row.has_import_errors or errors.about(row.file):
            left["broken"].append(row.dag_id)
            doubtful[row.dag_id] = "its file has an import error"
        elif not row.active:
            left["gone"].append(row.dag_id)
        elif row.last_parsed is None:
            left["never"].append(row.dag_id)
            doubtful[row.dag_id] = "Airflow lists it and never parsed it"
        else:
            finder.take(row.dag_id, _values(row, folder, seen), {"file": _NO_FOLDER, "tasks": _PATH_TOO_LONG})
    names = {folder.name(error.file) for error in seen.import_errors.rows}
    notes = [
        Note("The Airflow role that asked may not read every DAG: there may be others.")
        if seen.reads_all is False
        else None,
        Note("Files with import errors:", tuple(sorted(names))),
        Note(
            "Not written, because their files have import errors:",
            tuple(sorted(left["broken"])),
            of_dags=True,
        ),
        Note("Not written, because Airflow never parsed them:", tuple(sorted(left["never"])), of_dags=True),
        Note(
            "Not written, because no file defines them any more:", tuple(sorted(left["gone"])), of_dags=True
        ),
    ]
    doubt = Doubt(
        ids=doubtful,
        files=dict.fromkeys(names, "its file has an import error"),
        unnamed=f"{min(names)} has an import error, and what it would define is not known" if names else "",
        everywhere=_LIMITED if seen.reads_all is False else "",
    )
    told = [note for note in notes if note is not None and (note.subjects or not note.text.endswith(":"))]
    return finder.found(told, doubt)


class _Errors:
    """Files, to be found by whichever of their names is told."""

    def __init__(self, rows: Iterable[Dag | DagImportError]) -> None:
        files = [row.file for row in rows]
        self._absolute = {file.absolute for file in files if file.absolute is not None}
        self._relative = {(file.bundle, file.relative) for file in files if file.relative is not None}
        self._any_bundle = {relative for _, relative in self._relative}
        self._no_bundle = {relative for bundle, relative in self._relative if bundle is None}

    def about(self, file: DagFile) -> bool:
        """Whether one of them is `file`, as `DagFile.same_as` judges it."""
        if file.absolute in self._absolute:
            return True
        if file.relative is None:
            return False
        if file.bundle is None:
            return file.relative in self._any_bundle
        return (file.bundle, file.relative) in self._relative or file.relative in self._no_bundle


def _values(row: Dag, folder: Folder, seen: Observation) -> dict[str, Any]:
    """What is known of a DAG, by attribute; its tasks only where they were asked for."""
    told = row.attributes
    certain = row.file.relative is not None or (row.file.absolute is not None and folder.root is not None)
    values: dict[str, Any] = {
        "file": folder.name(row.file) if certain else None,
        "paused": row.paused,
        "schedule": told.schedule,
        "tags": told.tags,
        "owners": told.owners,
        "max_active_runs": told.max_active_runs,
        "description": told.description,
    }
    if row.dag_id in seen.details.tasks:
        tasks = seen.details.tasks[row.dag_id]
        values["tasks"] = None if isinstance(tasks, Unread) else tuple(task.task_id for task in tasks)
    return values
