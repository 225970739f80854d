"""What a lint can find: stable codes, each with its meaning.

The codes are part of the contract (JSON `code`): they may be added to, never renamed. The table in docs/lint.md is
compared with `MEANINGS` by a test.
"""

from __future__ import annotations

from enum import Enum


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


MEANINGS: dict[Code, str] = {
    Code.MANIFEST_INVALID: "The manifest cannot be used: `mwaa-gate check` would refuse it, too. Exit 2.",
    Code.FOLDER_UNREADABLE: "The folder, or something in it, cannot be read. Exit 2.",
    Code.FOLDER_EMPTY: "The folder holds neither a Python file nor an archive. Exit 2.",
    Code.VARIABLE_UNSET: (
        "The manifest takes an environment variable that is not set here. A note; a warning where it is in what would be "
        "compared with the folder."
    ),
    Code.DAG_UNDEFINED: (
        "No file defines an expected DAG. A warning while some file may: one whose ids are not known, or one outside of "
        "`--dags-prefix`; a note if `file:` names one whose ids are not known."
    ),
    Code.DAG_HIDDEN: (
        "An expected DAG is only defined in files that Airflow does not read. A warning while another file may define it."
    ),
    Code.PATTERN_UNMATCHED: (
        "Fewer DAGs match a pattern than `min` demands. A warning while some file may define more."
    ),
    Code.ABSENT_DEFINED: "A DAG that must be gone is defined in a file that Airflow reads.",
    Code.FILE_MISSING: "`file:` names a file that the folder does not hold.",
    Code.FILE_HIDDEN: "`file:` names a file that Airflow does not read.",
    Code.FILE_WRONG: "`file:` names a file that does not define the DAG.",
    Code.FILE_ELSEWHERE: (
        "`file:` is outside of `--dags-prefix`: nothing was compared. A warning if the prefix seems to be missing."
    ),
    Code.DEFINED_TWICE: "One id is defined twice, in one file or in two. Airflow takes either, without a word.",
    Code.DAG_FILE_HIDDEN: "A file makes DAGs, and `.airflowignore` or safe mode keeps Airflow from reading it.",
    Code.IGNORE_PATTERN: (
        "A line of an `.airflowignore` is no pattern. An error where it is read as globs, since Airflow then lists no file "
        "at all; a warning where it is read as regular expressions."
    ),
    Code.SYNTAX_ERROR: "A Python file, DAG file or helper, cannot be compiled.",
    Code.FILE_UNCHECKED: "A Python file is too large, or nested too deeply, to be looked into.",
    Code.ARCHIVE_UNREADABLE: "An archive, or what is named like one, cannot be read as one.",
    Code.IDS_UNKNOWN: "A file makes DAGs whose ids only running it would tell. They were compared with nothing.",
    Code.NO_DAGS: (
        "No file that Airflow reads makes a DAG. A warning if a manifest was given, which then was compared with nothing."
    ),
}
"""Each code's meaning, for people."""

UNUSABLE = frozenset({Code.MANIFEST_INVALID, Code.FOLDER_UNREADABLE, Code.FOLDER_EMPTY})
"""What makes the input unusable: exit 2."""
