"""What a folder of DAG files surely defines, without being run. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from validator.draft.found import ATTRIBUTES, Doubt, Finder, Note
from validator.draft.write import NothingToWrite
from validator.local.model import Reading
from validator.local.select import dag_files, hidden
from validator.local.stated import stated_by

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validator.draft.found import Found
    from validator.local.model import LocalFile, LocalFolder
    from validator.local.stated import Stated

READINGS = {2: Reading(glob=False, assets=False), 3: Reading(glob=True, assets=True)}
"""How an Airflow of that major version picks its DAG files, where nobody set it otherwise."""
_MOST_SHOWN = 10
_NOT_IN_FILES = "is not in the files"
_COMPUTED = "cannot be known without running its file"


def found_in_files(folder: LocalFolder, airflow: int | None = None) -> Found:
    """The DAGs that the files surely define, with what they state of them.

    Args:
        folder: the files.
        airflow: 2 or 3, the major version that must read a file for it to count; None: both must.

    Raises:
        NothingToWrite: two of the files define the same DAG.
    """
    readings = [reading for major, reading in READINGS.items() if airflow in (None, major)]
    read_by = [{file.name for file in dag_files(folder, reading)} for reading in readings]
    read = [file for file in folder.files if all(file.name in names for names in read_by)]
    _refuse_twins(folder, read)
    finder = Finder()
    for file in read:
        stated = _stated(file, airflow)
        for dag_id in dict.fromkeys(one.dag_id for one in file.certain):
            values = _values(folder.deployed_name(file.name), stated.get(dag_id))
            finder.take(dag_id, values, {**dict.fromkeys(ATTRIBUTES, _COMPUTED), "paused": _NOT_IN_FILES})
    partly = [
        file
        for file in folder.files
        if not all(file.name in names for names in read_by)
        and any(file.name in names for names in read_by)
        and _makes_dags(file)
    ]
    unsure = {folder.deployed_name(file.name): _why_unsure(folder, file) for file in read if file.computes}
    names = [folder.deployed_name(file.name) for file in partly]
    doubtful = {name: f"one Airflow reads {name} and another does not" for name in names}
    reasons = [*unsure.values(), *doubtful.values()]
    doubt = Doubt(
        files={**dict.fromkeys(unsure, "only running its file tells its DAGs"), **doubtful},
        unnamed=reasons[0] if reasons else "",
        below=folder.prefix,
    )
    notes = [Note(f"{why}: name them here, or by a pattern.") for why in unsure.values()]
    return finder.found([*notes, *_unread(folder, readings, partly, read_by)], doubt)


def _refuse_twins(folder: LocalFolder, read: list[LocalFile]) -> None:
    places: dict[str, dict[str, str]] = defaultdict(dict)
    for file in read:
        for one in file.certain:
            path = folder.path(folder.deployed_name(file.name)) or file.name
            places[one.dag_id].setdefault(file.name, f"{path}, line {one.line}")
    twins = [
        f"{dag_id}: {' and '.join(where.values())}"
        for dag_id, where in sorted(places.items())
        if len(where) > 1
    ]
    if twins:
        more = f"; and {len(twins) - _MOST_SHOWN:,} more" if len(twins) > _MOST_SHOWN else ""
        raise NothingToWrite(
            f"two files define the same DAG, and Airflow takes them in turns: {'; '.join(twins[:_MOST_SHOWN])}{more}",
            advice="Keep one of each: such a DAG is never surely the one that was deployed. Nothing was written.",
        )


def _stated(file: LocalFile, airflow: int | None) -> Mapping[str, Stated]:
    return {} if file.text is None else stated_by(file.text, airflow)


def _values(name: str, stated: Stated | None) -> dict[str, Any]:
    """What is known of a DAG, by attribute; None: it is not."""
    known = {} if stated is None else vars(stated)
    return {**{one: known.get(one) for one in ATTRIBUTES}, "file": name}


def _makes_dags(file: LocalFile) -> bool:
    return bool(file.certain) or file.computes


def _why_unsure(folder: LocalFolder, file: LocalFile) -> str:
    name = folder.deployed_name(file.name)
    if file.problem:
        return f"{name} {file.problem}, so that its DAGs are not known"
    return f"{name} makes DAGs whose ids only running it tells"


def _unread(
    folder: LocalFolder, readings: list[Reading], partly: list[LocalFile], read_by: list[set[str]]
) -> list[Note]:
    """The notes of files that make DAGs and do not count."""
    nobody = {
        folder.deployed_name(file.name): why
        for file, why in hidden(folder, readings[0])
        if _makes_dags(file) and not any(file.name in names for names in read_by)
    }
    notes = []
    if nobody:
        subjects = tuple(f"{name}: {why}" for name, why in nobody.items())
        notes.append(Note("Not written, because Airflow does not read these files:", subjects))
    for major, reading in zip(READINGS, read_by, strict=False):
        only = tuple(folder.deployed_name(file.name) for file in partly if file.name in reading)
        if only:
            notes.append(Note(f"Not written, because only Airflow {major} reads these files; --airflow "
                              f"{major} says that it is the one:", only))  # fmt: skip
    return notes
