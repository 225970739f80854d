"""What a lint says: problems, and what was looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from validator.errors import EXIT_FAILED, EXIT_PASSED, EXIT_USAGE
from validator.lint.codes import UNUSABLE, Severity

if TYPE_CHECKING:
    from validator.lint.codes import Code


@dataclass(frozen=True)
class Problem:
    """One thing that was found. Its texts may hold foreign ones: whoever prints them makes them inert."""

    code: Code
    severity: Severity
    message: str
    file: str
    """The path of the manifest, of the folder, or of a file in it, as this machine knows it."""
    line: int | None = None
    """1-based; None: it is about the whole file."""
    advice: str = ""
    dag_id: str | None = None
    """The DAG that it is about, as the manifest writes it; None: it is about none, or about many."""


@dataclass(frozen=True)
class LookedAt:
    """What a lint saw, so that nobody takes an empty look for a good one."""

    manifests: tuple[str, ...]
    """The paths of those that were given."""
    folder: str | None
    """The folder of DAG files; None: none was given."""
    prefix: str = ""
    """Where the folder lies in the environment's DAGs folder; empty: it is that folder."""
    versions: tuple[int, ...] = ()
    """The major versions of Airflow by whose rules the folder was read."""
    files: int = 0
    """Python files and archives in the folder."""
    dags: int = 0
    """DAGs that surely are defined in files that such an Airflow reads."""
    unknown: int = 0
    """Such files that make DAGs whose ids cannot be known."""


@dataclass(frozen=True)
class Result:
    """All that a lint has to say."""

    problems: tuple[Problem, ...]
    """By file and line."""
    looked_at: LookedAt
    strict: bool = False
    """A warning fails the lint, too."""

    @property
    def counts(self) -> dict[Severity, int]:
        """How many problems of each severity there are."""
        found = Counter(problem.severity for problem in self.problems)
        return {severity: found[severity] for severity in Severity}

    @property
    def exit_code(self) -> int:
        """2: the input cannot be used; 1: there is an error, or with `strict` a warning; else 0."""
        if any(problem.code in UNUSABLE for problem in self.problems):
            return EXIT_USAGE
        counts = self.counts
        bad = counts[Severity.ERROR] + (counts[Severity.WARNING] if self.strict else 0)
        return EXIT_FAILED if bad else EXIT_PASSED
