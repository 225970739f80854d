"""What a lint can find: stable codes, each with its meaning.

The codes are part of the contract (JSON `code`): they may be added to, never renamed. The table in docs/lint.md is
compared with `MEANINGS` by a test.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Severity(str, Enum):
    """How bad a problem is."""

    ERROR = "error"
    """A check of this would be red, or the input cannot be used."""
    WARNING = "warning"
    """It may be, or somebody should look."""
    NOTE = "note"
    """Nothing is wrong; something could not be compared."""

    def __str__(self) -> str:
        """The word itself."""
        return self.value

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class Code(str, Enum):
    """A stable code."""

    MANIFEST_INVALID = "manifest-invalid"
    FOLDER_UNREADABLE = "folder-unreadable"
    FOLDER_EMPTY = "folder-empty"
    VARIABLE_UNSET = "variable-unset"
    DAG_UNDEFINED = "dag-undefined"
    DAG_HIDDEN = "dag-hidden"
    PATTERN_UNMATCHED = "pattern-unmatched"
    ABSENT_DEFINED = "absent-defined"
    FILE_MISSING = "file-missing"
    FILE_HIDDEN = "file-hidden"
    FILE_WRONG = "file-wrong"
    FILE_ELSEWHERE = "file-elsewhere"
    DEFINED_TWICE = "defined-twice"
    DAG_FILE_HIDDEN = "dag-file-hidden"
    IGNORE_PATTERN = "ignore-pattern"
    SYNTAX_ERROR = "syntax-error"
    FILE_UNCHECKED = "file-unchecked"
    ARCHIVE_UNREADABLE = "archive-unreadable"
    IDS_UNKNOWN = "ids-unknown"
    NO_DAGS = "no-dags"

    def __str__(self) -> str:
        """The code itself, as it stands in the output."""
        return self.value


class Meaning(NamedTuple):
    """What a code says."""

    worst: Severity
    """As bad as a problem with this code can be."""
    text: str
    """For people."""


MEANINGS: dict[Code, Meaning] = {
    Code.MANIFEST_INVALID: Meaning(
        Severity.ERROR, "The manifest cannot be used: `mwaa-gate check` would refuse it, too. Exit 2."
    ),
    Code.FOLDER_UNREADABLE: Meaning(
        Severity.ERROR, "The folder, or something in it, cannot be read. Exit 2."
    ),
    Code.FOLDER_EMPTY: Meaning(
        Severity.ERROR, "The folder holds neither a Python file nor an archive. Exit 2."
    ),
    Code.VARIABLE_UNSET: Meaning(
        Severity.WARNING,
        "The manifest takes an environment variable that is not set here. A warning where the folder would be compared with "
        "it, else a note.",
    ),
    Code.DAG_UNDEFINED: Meaning(
        Severity.ERROR,
        "No file surely defines an expected DAG. A warning while some file may: one whose ids are not known, one that lets "
        "another module make DAGs, or one outside of `--dags-prefix`; a note if `file:` names one whose ids are not known.",
    ),
    Code.DAG_HIDDEN: Meaning(
        Severity.ERROR,
        "An expected DAG is only defined in files that Airflow does not read. A warning while another file may define it, "
        "or import it.",
    ),
    Code.PATTERN_UNMATCHED: Meaning(
        Severity.ERROR,
        "Fewer DAGs match a pattern than `min` demands. A warning while some file may define more.",
    ),
    Code.ABSENT_DEFINED: Meaning(
        Severity.ERROR, "A DAG that must be gone is defined in a file that Airflow reads."
    ),
    Code.FILE_MISSING: Meaning(Severity.ERROR, "`file:` names a file that the folder does not hold."),
    Code.FILE_HIDDEN: Meaning(Severity.ERROR, "`file:` names a file that Airflow does not read."),
    Code.FILE_WRONG: Meaning(Severity.ERROR, "`file:` names a file that does not define the DAG."),
    Code.FILE_ELSEWHERE: Meaning(
        Severity.WARNING,
        "`file:` is outside of `--dags-prefix`: nothing was compared. A warning if the prefix seems to be missing.",
    ),
    Code.DEFINED_TWICE: Meaning(
        Severity.ERROR,
        "One id is defined twice, in one file or in two. Airflow takes either, without a word.",
    ),
    Code.DAG_FILE_HIDDEN: Meaning(
        Severity.WARNING,
        "A file makes DAGs, and `.airflowignore` or safe mode keeps Airflow from reading it.",
    ),
    Code.IGNORE_PATTERN: Meaning(
        Severity.ERROR,
        "A line of an `.airflowignore` is no pattern. An error where it is read as a glob, since Airflow then lists no file "
        "at all; a warning where it is read as a regular expression, since Airflow then passes over it.",
    ),
    Code.SYNTAX_ERROR: Meaning(Severity.ERROR, "A Python file, DAG file or helper, cannot be compiled."),
    Code.FILE_UNCHECKED: Meaning(
        Severity.WARNING, "A Python file is too large, or nested too deeply, to be looked into."
    ),
    Code.ARCHIVE_UNREADABLE: Meaning(
        Severity.ERROR, "An archive, or what is named like one, cannot be read as one."
    ),
    Code.IDS_UNKNOWN: Meaning(
        Severity.NOTE,
        "A file makes DAGs whose ids only running it would tell. They were compared with nothing.",
    ),
    Code.NO_DAGS: Meaning(
        Severity.ERROR,
        "No file that Airflow reads makes a DAG. A warning if a manifest was given, or if one lets another module make "
        "some.",
    ),
}
"""Each code's meaning, for people."""

UNUSABLE = frozenset({Code.MANIFEST_INVALID, Code.FOLDER_UNREADABLE, Code.FOLDER_EMPTY})
"""What makes the input unusable: exit 2."""
