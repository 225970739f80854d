"""What a simulated DAGs folder holds: a small declared model of a file, not Python code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

SYNTAX_ERROR = (
    "Traceback (most recent call last):\n"
    '  File "<frozen importlib._bootstrap>", line 241, in _call_with_frames_removed\n'
    '  File "{path}", line 7\n'
    "    with DAG(\n"
    "            ^\n"
    "SyntaxError: '(' was never closed\n"
)
"""The trace of a file that is broken without a word of its own; `{path}` becomes the file's."""
DEFAULT_POOL = "default_pool"
"""The pool that every Airflow has, and that tasks are in unless they name another."""


OUTCOMES = ("success", "failed", "skipped", "hangs")
"""How a task's work may end; `hangs`: never."""


@dataclass(frozen=True)
class SimTask:
    """One task of a DAG."""

    task_id: str
    pool: str = DEFAULT_POOL
    downstream: tuple[str, ...] | None = None
    """The ids of the tasks that follow. None: the next one of the DAG's `tasks`, or nothing after the last."""
    outcome: tuple[str, ...] = ("success",)
    """How each try ends, each one of OUTCOMES; the last one stands for all further tries."""
    seconds: float = 0.0
    """How long a try takes."""
    retries: int = 0
    retry_delay: float = 300.0
    """Seconds until a failed try is followed by the next one."""
    outlets: tuple[str, ...] = ()
    """The URIs of the datasets (Airflow 3: assets) that its success updates."""
    log: str = ""
    """What each try writes in its log."""

    @property
    def is_empty(self) -> bool:
        """Whether there is no work: Airflow's scheduler ends an EmptyOperator itself, without a worker."""
        works = self.seconds or self.outlets or self.log
        return not works and set(self.outcome) == {"success"}

    @property
    def operator(self) -> str:
        """The class of its operator."""
        return "EmptyOperator" if self.is_empty else "BashOperator"

    def outcome_of(self, try_number: int) -> str:
        """How a try ends; the first one has number 1."""
        return self.outcome[min(try_number, len(self.outcome)) - 1]


def tasks(*given: str | SimTask) -> tuple[SimTask, ...]:
    """What SimDag's `tasks` takes: a chain of tasks, those given as a text in the default pool."""
    return tuple(one if isinstance(one, SimTask) else SimTask(one) for one in given)


@dataclass(frozen=True)
class SimDag:
    """One DAG as its file defines it. Two of the same fields are the same DAG."""

    dag_id: str
    version: str = "1"
    """What the tasks do, in one word: it changes the serialized DAG and nothing that a list shows."""
    tags: tuple[str, ...] = ()
    description: str | None = None
    schedule: str | tuple[str, ...] | None = "@daily"
    """A cron expression or preset; an interval as Airflow 3 writes it, such as `6:00:00` or `1 day, 0:00:00`;
    the URIs of the datasets (Airflow 3: assets) whose updates, one of each, start a run; `Dataset` or `Asset`:
    by some that are not simulated; None: only triggered. Time starts no runs here."""
    owners: tuple[str, ...] = ("airflow",)
    max_active_runs: int = 16
    max_active_tasks: int = 16
    paused_upon_creation: bool | None = None
    """None: as the environment's `dags_are_paused_at_creation` says."""
    tasks: tuple[SimTask, ...] = (SimTask("t1"),)

    @property
    def consumed(self) -> tuple[str, ...]:
        """The URIs that it is scheduled on."""
        return self.schedule if isinstance(self.schedule, tuple) else ()

    @property
    def uris(self) -> tuple[str, ...]:
        """All URIs that it names, in their order."""
        produced = (uri for task in self.tasks for uri in task.outlets)
        return tuple(dict.fromkeys((*self.consumed, *produced)))

    def upstream(self, task: SimTask) -> tuple[str, ...]:
        """The ids of the tasks that come right before one of this DAG's."""
        return tuple(one.task_id for one in self.tasks if task.task_id in self.downstream(one))

    def downstream(self, task: SimTask) -> tuple[str, ...]:
        """The ids of the tasks that follow one of this DAG's."""
        if task.downstream is not None:
            return task.downstream
        after = self.tasks.index(task) + 1
        return tuple(one.task_id for one in self.tasks[after : after + 1])


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
    source: str | None = None
    """The file's text, which no parse looks at. None: `source_of` makes one up from the other fields."""

    def broken(self, trace: str = SYNTAX_ERROR, *, beside: tuple[SimDag, ...] = ()) -> DagFile:
        """This file with an error, yielding only the DAGs `beside` it."""
        return replace(self, error=trace, dags=beside)


def one_dag(dag_id: str, **fields: object) -> DagFile:
    """A file with one DAG; `fields` are SimDag's."""
    return DagFile((SimDag(dag_id, **fields),))  # type: ignore[arg-type]  # checked by SimDag itself


def helper(*provides: str, version: str = "1", listed: bool = False) -> DagFile:
    """A file without DAGs that others import."""
    return DagFile(provides=provides, version=version, listed=listed)


def source_of(file: DagFile, path: str) -> str:
    """The text of a file, as it lies on a processor's disk and as `/dagSources` shows it.

    Where the file has no text of its own, equal files at the same path have the same, and unequal ones never.

    Args:
        file: what the file holds.
        path: relative to the DAGs folder.
    """
    if file.source is not None:
        return file.source
    lines = [f"# {path}", "from airflow import DAG", ""]
    for one in fields(file):
        value = getattr(file, one.name)
        if isinstance(value, Mapping):
            value = sorted(value.items())  # whose order says nothing
        lines.append(f"{one.name} = {value!r}")
    return "\n".join([*lines, ""])
