"""What a simulated DAGs folder holds: a small declared model of a file, not Python code."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SYNTAX_ERROR = (
    "Traceback (most recent call last):\n"
    '  File "<frozen importlib._bootstrap>", line 241, in _call_with_frames_removed\n'
    '  File "{path}", line 7\n'
    "    with DAG(\n"
    "            ^\n"
    "SyntaxError: '(' was never closed\n"
)
"""The trace of a file that is broken without a word of its own; `{path}` becomes the file's."""


@dataclass(frozen=True)
class SimDag:
    """One DAG as its file defines it. Two of the same fields are the same DAG."""

    dag_id: str
    version: str = "1"
    """What the tasks do, in one word: it changes the serialized DAG and nothing that a list shows."""
    tags: tuple[str, ...] = ()
    description: str | None = None
    schedule: str | None = "@daily"
    """A cron expression or preset; None: only triggered."""
    owners: tuple[str, ...] = ("airflow",)
    max_active_runs: int = 16
    max_active_tasks: int = 16
    paused_upon_creation: bool | None = None
    """None: as the environment's `dags_are_paused_at_creation` says."""


@dataclass(frozen=True)
class DagFile:
    """One file of the DAGs folder."""

    dags: tuple[SimDag, ...] = ()
    """What a parse yields; with an `error` too: the good DAGs beside a bad one."""
    error: str | None = None
    """The stack trace that a parse ends with; `{path}` becomes the file's."""
    imports: Mapping[str, str] = field(default_factory=dict)
    """Other files that it needs, each with a name that it takes from there (empty: any). One that is missing,
    broken or without the name breaks this file; one that changes changes its DAGs."""
    provides: tuple[str, ...] = ()
    """The names that other files may import from it."""
    version: str = "1"
    """Of a helper: changes the DAGs that import it."""
    listed: bool = True
    """Whether a directory listing counts it as a DAG file. False: .airflowignore hides it, or it does not
    mention both `dag` and `airflow` (most helpers)."""
    dies: bool = False
    """The process that parses it dies, or is killed at the time-out, and says nothing."""
    parse_seconds: float | None = None
    """How long a parse takes; None: as the world's rules draw it."""

    def broken(self, trace: str = SYNTAX_ERROR, *, beside: tuple[SimDag, ...] = ()) -> DagFile:
        """This file with an error, yielding only the DAGs `beside` it."""
        return replace(self, error=trace, dags=beside)


def one_dag(dag_id: str, **fields: object) -> DagFile:
    """A file with one DAG; `fields` are SimDag's."""
    return DagFile((SimDag(dag_id, **fields),))  # type: ignore[arg-type]  # checked by SimDag itself


def helper(*provides: str, version: str = "1", listed: bool = False) -> DagFile:
    """A file without DAGs that others import."""
    return DagFile(provides=provides, version=version, listed=listed)
