"""All rules together: manifests, a folder, or both. Pure, but for the bytes that a caller gives."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from validator.lint.codes import Code, Severity
from validator.lint.entries import judge_entries
from validator.lint.files import judge_files, judge_sources
from validator.lint.merge import merged
from validator.lint.model import LookedAt, Problem, Result
from validator.lint.view import READINGS, View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from validator.errors import ManifestError, UsageError
    from validator.local.model import LocalFolder
    from validator.manifest.places import PlacedManifest

_LINE = re.compile(r"line ([0-9]+): ")
_COMPARED = re.compile(
    r"(?:dags\[\d+\](?:\.(?:dag_id|file|pattern|min))?|absent\[\d+\]|"
    r"smoke\[\d+\]\.(?:dag_id|expect_run_of)|mwaa\.airflow_version)"
)
"""What of a manifest is compared with the folder."""
_AIRFLOW_3 = 3


@dataclass(frozen=True)
class Given:
    """What a lint is to look at."""

    paths: tuple[str, ...] = ()
    """The manifests, as they were named."""
    manifests: tuple[PlacedManifest, ...] = ()
    """Those of them that can be used."""
    wrong: tuple[ManifestError, ...] = ()
    """What is wrong with the others."""
    root: str | None = None
    """The folder of DAG files, as it was named; None: none was."""
    folder: LocalFolder | None = None
    """The same, read; None: it could not be, or none was named."""
    unreadable: UsageError | None = None
    """Why it could not be."""
    read: Callable[[str], bytes] = field(default=lambda name: b"", compare=False)  # noqa: ARG005 - no folder, no files
    """Gives the bytes of a file of the folder, one more than the scan's limit at most."""
    version: int | None = None
    """Airflow's major version, if the command line names it."""


def lint(given: Given, *, python: tuple[int, int], strict: bool = False) -> Result:
    """Everything that is wrong with what was given.

    Args:
        given: the manifests and the folder.
        python: this Python's version, major and minor.
        strict: whether a warning fails the lint, too.
    """
    problems = [problem for error in given.wrong for problem in _invalid(error)]
    problems += [problem for manifest in given.manifests for problem in _unset(manifest, given)]
    if given.unreadable is not None:
        error = given.unreadable
        problems.append(
            Problem(
                Code.FOLDER_UNREADABLE, Severity.ERROR, error.message, given.root or "", advice=error.advice
            )
        )
    versions = _versions(given)
    views: dict[int, View] = {}
    if given.folder is not None and given.folder.files:
        views = {version: View(given.folder, version) for version in sorted(READINGS)}
        problems += _compared(given, given.folder, views, versions, python)
    elif given.folder is not None:
        problems.append(_empty(given.folder))
    shown = [views[version] for version in versions] if views else []
    looked_at = LookedAt(
        given.paths,
        given.root,
        given.folder.prefix if given.folder is not None else "",
        versions if views else (),
        len(given.folder.files) if given.folder is not None else 0,
        len({dag_id for view in shown for dag_id in view.defined}),
        len({name for view in shown for name in view.unknown}),
    )
    return Result(tuple(sorted(problems, key=_place)), looked_at, strict)


def _compared(
    given: Given,
    folder: LocalFolder,
    views: Mapping[int, View],
    versions: tuple[int, ...],
    python: tuple[int, int],
) -> Iterator[Problem]:
    yield from judge_sources(folder, given.read, python)
    yield from merged(
        {version: judge_files(views[version], expects=bool(given.paths)) for version in versions}
    )
    for manifest in given.manifests:
        own = _own_versions(manifest, given)
        yield from merged({version: judge_entries(manifest, views[version]) for version in own})


def _versions(given: Given) -> tuple[int, ...]:
    """The major versions by whose rules the folder is read: any that one of the manifests may mean."""
    if given.version is not None:
        return (given.version,)
    found = {version for manifest in given.manifests for version in _own_versions(manifest, given)}
    if given.wrong or not given.manifests:
        found.update(READINGS)
    return tuple(sorted(found))


def _own_versions(manifest: PlacedManifest, given: Given) -> tuple[int, ...]:
    """The major versions that a manifest may mean."""
    if given.version is not None:
        return (given.version,)
    told = manifest.airflow_version.value if manifest.airflow_version is not None else None
    if told is None:
        return tuple(sorted(READINGS))
    return (3 if int(told.partition(".")[0]) >= _AIRFLOW_3 else 2,)


def _invalid(error: ManifestError) -> Iterator[Problem]:
    """Each of a manifest's problems, whose texts begin with their line."""
    for text in error.problems:
        found = _LINE.match(text)
        line, said = (int(found[1]), text[found.end() :]) if found else (None, text)
        yield Problem(Code.MANIFEST_INVALID, Severity.ERROR, said, error.path, line)


def _unset(manifest: PlacedManifest, given: Given) -> Iterator[Problem]:
    for problem in manifest.unset:
        compared = given.root is not None and _COMPARED.fullmatch(problem.path)
        yield Problem(
            Code.VARIABLE_UNSET,
            Severity.WARNING if compared else Severity.NOTE,
            f"{problem.path}: the environment variable {problem.variable} is not set here, so that the value was not "
            f"{'compared with the folder' if compared else 'looked at'}",
            manifest.source,
            problem.line,
            "Set it to have the value looked at, or write $${ where ${ itself is meant.",
        )


def _empty(folder: LocalFolder) -> Problem:
    return Problem(
        Code.FOLDER_EMPTY,
        Severity.ERROR,
        "it holds neither a Python file nor an archive, so that there is nothing to look at",
        folder.root,
        advice="Give the folder that is deployed as the environment's DAGs folder, or as a part of it.",
    )


def _place(problem: Problem) -> tuple[str, int, int, str, str]:
    return problem.file, problem.line or 0, problem.severity.rank, problem.code, problem.message
