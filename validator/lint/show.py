"""How a lint's result is shown: text, JSON, annotations. Pure; whatever is foreign in it is made inert."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from validator.lint.codes import Severity
from validator.report.github import Annotation, within_limit
from validator.report.json_report import dumped
from validator.report.sanitize import bounded, encodable, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from validator.lint.model import LookedAt, Problem, Result

SCHEMA = 1
"""Counts up when a reader of the old shape would misread the new one; new keys do not."""
_PATH = 500
"""Characters of a path in a line of text."""
_TEXT = 1_200
"""Characters of a message in a line of text."""
_JSON_TEXT = 10_000
_LEVELS = (Severity.ERROR, Severity.WARNING)
"""What GitHub is told: notes ask nobody for anything."""
_VERDICTS = {1: "Something is wrong", 2: "The input cannot be used"}


def text(result: Result) -> str:
    """The problems, a line each with the advice below it, and a last line that counts."""
    lines = []
    for problem in result.problems:
        place = one_line(problem.file, _PATH) + (f":{problem.line}" if problem.line else "")
        said = f"{place}: {problem.severity}: {one_line(problem.message, _TEXT)} [{problem.code}]"
        lines.append(one_line(said))  # once more: what was inert alone may not be so beside its neighbour
        if problem.advice:
            lines.append(f"  What to do: {one_line(problem.advice, _TEXT)}")
    return "\n".join([*lines, _last(result)]) + "\n"


def json_bytes(result: Result) -> bytes:
    """The same as one JSON object in ASCII; docs/lint.schema.json describes it."""
    looked = result.looked_at
    return dumped(
        {
            "schema": SCHEMA,
            "exit_code": result.exit_code,
            "counts": {str(severity): count for severity, count in result.counts.items()},
            "problems": [_problem(problem) for problem in result.problems],
            "looked_at": {
                "manifests": [_plain(path) for path in looked.manifests],
                "dags_folder": _plain(looked.folder),
                "dags_prefix": _plain(looked.prefix),
                "airflow": list(looked.versions),
                "files": looked.files,
                "dags": looked.dags,
                "files_with_unknown_ids": looked.unknown,
            },
        }
    )


def annotate(result: Result, locate: Callable[[str], str | None]) -> list[Annotation]:
    """What GitHub is to show, errors first, no more of a level than it takes.

    Args:
        result: the result.
        locate: the path in the workspace of a problem's file; None: it is not there.
    """
    shown = []
    for severity in _LEVELS:
        same = [_annotation(one, locate) for one in result.problems if one.severity is severity]
        shown += within_limit(same, "this step's log")
    return shown


def _annotation(problem: Problem, locate: Callable[[str], str | None]) -> Annotation:
    file = locate(problem.file)
    line = problem.line if file is not None else None
    lines = [one_line(problem.message, _TEXT)]
    if file is None:
        lines.append(f"at {one_line(problem.file, _PATH)}" + (f":{problem.line}" if problem.line else ""))
    if problem.advice:
        lines.append(f"What to do: {one_line(problem.advice, _TEXT)}")
    title = f"{problem.dag_id}: {problem.code}" if problem.dag_id else f"mwaa-gate: {problem.code}"
    return Annotation(str(problem.severity), title, tuple(lines), file, line)


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "code": str(problem.code),
        "severity": str(problem.severity),
        "file": _plain(problem.file),
        "line": problem.line,
        "message": _plain(problem.message),
        "advice": _plain(problem.advice),
        "dag_id": _plain(problem.dag_id),
    }


def _plain(value: str | None) -> str | None:
    return None if value is None else encodable(bounded(value, _JSON_TEXT))


def _last(result: Result) -> str:
    counts = result.counts
    calm = "Nothing is surely wrong" if counts[Severity.WARNING] else "Nothing is wrong"
    verdict = _VERDICTS.get(result.exit_code, calm if result.problems else "All is well")
    told = [_count(count, str(severity)) for severity, count in counts.items() if count]
    if told:
        verdict += f": {', '.join(told)}"
    return f"{verdict}. Looked at {_looked_at(result.looked_at)}."


def _looked_at(looked: LookedAt) -> str:
    parts = [_count(len(looked.manifests), "manifest")] if looked.manifests else []
    if looked.folder is not None:
        parts.append(f"{_count(looked.files, 'file')} of {one_line(looked.folder, _PATH)}")
    seen = " and ".join(parts)
    if not looked.versions:
        return seen
    versions = " and ".join(str(version) for version in looked.versions)
    dags = _count(looked.dags, "DAG")
    return (
        f"{seen}, as Airflow {versions} would read them: {dags} for certain, and "
        f"{_count(looked.unknown, 'file')} with DAGs whose ids are not known"
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
