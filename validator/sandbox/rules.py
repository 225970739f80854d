"""The intervals and habits of a simulated environment. All times are seconds."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

VERSIONS = ("2.4.3", "2.10.5", "3.0.6", "3.3.2")
"""The versions whose answers were recorded."""


@dataclass(frozen=True)
class Rules:
    """How the environment is set up. The defaults are Airflow's and MWAA's own."""

    airflow: str = "3.0.6"
    """One of VERSIONS."""
    sync: tuple[float, float] = (5.0, 30.0)
    """Least and most time from S3 to a processor; drawn for each file, put and processor."""
    min_file_process_interval: float = 30.0
    dir_list_interval: float = 300.0
    """Airflow 3's `refresh_interval`."""
    min_serialized_dag_update_interval: float = 30.0
    min_serialized_dag_fetch_interval: float = 10.0
    """How long the web server shows its own copy of a serialized DAG before it looks for a newer one."""
    stale_dag_threshold: float = 50.0
    parsing_cleanup_interval: float = 60.0
    parse: tuple[float, float] = (0.1, 0.5)
    """Least and most time that a parse takes."""
    loop: float = 1.0
    """How often an idle processor looks at its queue."""
    scheduler_loop: float = 0.5
    """How often the scheduler looks for what it can start."""
    start: tuple[float, float] = (0.1, 1.0)
    """Least and most time from a task's queue to its worker."""
    heartbeat: float = 5.0
    health_threshold: float = 25.0
    """A heartbeat older than this is `unhealthy` (measured: 19 to 29 s after a crash)."""
    processors: int = 1
    """DAG processors, each with its own copy of the files and its own loop."""
    parsers: int = 2
    """Files that one processor parses at once."""
    standalone_processor: bool | None = None
    """Whether the DAG processor is a component of its own; None: on Airflow 3 only. MWAA has one on both."""
    keep_mtime: bool = False
    """The sync keeps S3's LastModified as mtime, instead of the time of arrival."""
    paused_at_creation: bool = True
    flapping: bool = False
    """Airflow 3.0.6's habit: the DAG processor is `unhealthy` now and then while alive."""
    page_limit: int = 100
    """Airflow's `maximum_page_limit`: rows of a page, whatever is asked for. 3.0.6 does not obey it."""
    dags_folder: str = "/usr/local/airflow/dags"

    @property
    def major(self) -> int:
        """2 or 3."""
        return int(self.airflow.partition(".")[0])

    @property
    def standalone(self) -> bool:
        """Whether the DAG processor is a component of its own."""
        return self.major >= 3 if self.standalone_processor is None else self.standalone_processor  # noqa: PLR2004 - Airflow 3

    def scaled(self, factor: float) -> Rules:
        """The same environment with every time multiplied by `factor`, in the same order of events."""
        changes: dict[str, object] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if isinstance(value, float):
                changes[one.name] = value * factor
            elif isinstance(value, tuple):
                changes[one.name] = tuple(part * factor for part in value)
        return replace(self, **changes)  # type: ignore[arg-type]  # each value is of its field's type
