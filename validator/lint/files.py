"""What is wrong with a folder of DAG files by itself. Pure, but for the bytes that a caller gives."""

from __future__ import annotations

import ast
import warnings
from typing import TYPE_CHECKING

from validator.lint.codes import Code, Severity
from validator.lint.entries import unhide
from validator.lint.merge import Judged
from validator.lint.model import Problem
from validator.lint.view import READINGS, some
from validator.local.scan import MAX_SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from validator.lint.view import View
    from validator.local.model import LocalFile, LocalFolder

_MEND = "Mend it: what imports the file fails."
_NEWER = (
    " This is Python {}.{}: if the environment's is newer and takes it, run this command with that Python."
)
NEWEST_PYTHON = (3, 14)
"""The newest that an Airflow may run on: below it, what this Python cannot read may be right there."""


def judge_files(view: View, *, expects: bool) -> Iterator[Judged]:
    """What an Airflow's rules make of the files.

    Args:
        view: the folder as that Airflow reads it.
        expects: a manifest says what is expected of it.
    """
    yield from _twice(view)
    yield from _hidden(view)
    for line in view.ignore_problems:
        severity = Severity.ERROR if READINGS[view.version].glob else Severity.WARNING
        problem = Problem(
            Code.IGNORE_PATTERN,
            severity,
            f"{line.pattern} {line.text}",
            view.path(line.file),
            line.line,
            "Mend the line, or take it out.",
        )
        yield Judged(("ignore", line.file, str(line.line)), problem)
    for file in view.read.values():
        if file.archive and file.problem:
            yield Judged(("archive", file.name), _broken_archive(file, view.path(file.name)))
        elif file.computes and not file.problem:
            yield Judged(("unknown", file.name), _unknown(file, view.path(file.name)))
    if not view.defined and not view.unknown:
        severity = Severity.WARNING if expects or view.possible else Severity.ERROR
        message = "no file in it that Airflow reads makes a DAG"
        if view.possible:
            message += f" by itself; {some([view.path(name) for name in view.possible])} may let another module make some"
        problem = Problem(
            Code.NO_DAGS,
            severity,
            message,
            view.folder.root,
            advice="Give the folder that is deployed as the environment's DAGs folder, or as a part of it.",
        )
        yield Judged(("no-dags",), problem)


def judge_sources(
    folder: LocalFolder, read: Callable[[str], bytes], python: tuple[int, int]
) -> Iterator[Problem]:
    """The Python files of the folder that cannot be compiled, whether Airflow reads them or others import them.

    Args:
        folder: the folder.
        read: gives a file's bytes by its name in the folder, one more than `MAX_SOURCE` at most.
        python: this Python's version, major and minor.
    """
    for file in folder.files:
        if not file.archive:
            problem = _source(
                read(file.name), folder.path(folder.deployed_name(file.name)) or file.name, python
            )
            if problem is not None:
                yield problem


def _source(data: bytes, path: str, python: tuple[int, int]) -> Problem | None:
    if len(data) > MAX_SOURCE:
        message = f"is larger than {MAX_SOURCE >> 20} MB, too large to be looked into"
        return Problem(
            Code.FILE_UNCHECKED,
            Severity.WARNING,
            message,
            path,
            advice="Split it: Airflow reads it again and again.",
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in a file is not this program's business
            compile(data, "<file>", "exec", dont_inherit=True)
    except SyntaxError as error:
        newer = _NEWER.format(*python) if python < NEWEST_PYTHON and _may_be_new(error, data) else ""
        message = f"is not Python: {error.msg}"
        return Problem(
            Code.SYNTAX_ERROR, Severity.ERROR, message, path, error.lineno or None, f"{_MEND}{newer}"
        )
    except (RecursionError, MemoryError):
        message = "is nested too deeply to be looked into"
        return Problem(Code.FILE_UNCHECKED, Severity.WARNING, message, path, advice="Write it flatter.")
    except Exception as error:  # noqa: BLE001 - a file's own encoding may raise anything
        return Problem(
            Code.SYNTAX_ERROR,
            Severity.ERROR,
            f"cannot be read as Python: {error}",
            path,
            advice="Save it as UTF-8 text.",
        )
    return None


def _may_be_new(error: SyntaxError, data: bytes) -> bool:
    """Whether a newer Python may take what this one refuses: what it can parse and not compile stays wrong."""
    never = ("was never closed", "(unicode error)")
    if isinstance(error, IndentationError) or not error.lineno or any(one in error.msg for one in never):
        return False
    try:
        ast.parse(data)
    except SyntaxError:
        return True
    return False


def _twice(view: View) -> Iterator[Judged]:
    """Ids that are surely defined more than once."""
    for dag_id, places in view.defined.items():
        if len(places) > 1:
            where = some([f"{view.path(name)} (line {one.line})" for name, one in places])
            name, last = places[-1]
            message = (
                f"the DAG {dag_id} is defined in {where}: Airflow says nothing, and which of them runs changes from parse "
                "to parse"
            )
            advice = "Keep one of them, or give each its own id."
            problem = Problem(
                Code.DEFINED_TWICE, Severity.ERROR, message, view.path(name), last.line, advice, dag_id
            )
            yield Judged(("twice", dag_id), problem)


def _hidden(view: View) -> Iterator[Judged]:
    """Files that make DAGs and are not read."""
    for file, why in view.hidden.values():
        if not file.certain and (file.problem or not file.computes):
            continue
        ids = some([one.dag_id for one in file.certain]) if file.certain else "its DAGs"
        importers = view.importers(file.name)
        unless = (
            f", unless {some([view.path(name) for name in importers])} should import it" if importers else ""
        )
        message = f"Airflow does not read it, so that {ids} will not be there{unless}: {why}"
        line = file.certain[0].line if file.certain else None
        problem = Problem(
            Code.DAG_FILE_HIDDEN, Severity.WARNING, message, view.path(file.name), line, unhide(why)
        )
        yield Judged(("hidden", file.name), problem)


def _unknown(file: LocalFile, path: str) -> Problem:
    besides = f" besides {some([one.dag_id for one in file.certain])}" if file.certain else ""
    what = (
        "is an archive with DAGs"
        if file.archive
        else f"makes DAGs{besides} whose ids only running it would tell"
    )
    message = f"{what}: they were compared with nothing"
    return Problem(Code.IDS_UNKNOWN, Severity.NOTE, message, path)


def _broken_archive(file: LocalFile, path: str) -> Problem:
    advice = "Make the archive anew, and check that it is not only a pointer to a large file elsewhere."
    if file.name.endswith(".py"):
        advice = "Give it the suffix .zip."
    return Problem(Code.ARCHIVE_UNREADABLE, Severity.ERROR, file.problem, path, advice=advice)
