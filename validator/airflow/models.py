"""What Airflow says, typed. Field by field the same for Airflow 2 and 3; the dialects do the translating."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from validator.errors import CallFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from validator.errors import CannotTell
    from validator.reasons import Reason
    from validator.s3.interface import S3Object
    from validator.transport.interface import EnvironmentFacts

T = TypeVar("T")


@dataclass(frozen=True)
class Version:
    """Airflow's version, and with it the dialect that it speaks."""

    text: str
    major: int
    minor: int


@dataclass(frozen=True)
class Component:
    """One component of /health."""

    name: str
    status: str | None
    """None: it does not run, or never did."""
    heartbeat: datetime | None
    """None: it has none (metadatabase), or never sent one."""


@dataclass(frozen=True)
class DagFile:
    """Where a DAG, or an import error, comes from. Which fields are known differs by version."""

    absolute: str | None
    """`fileloc`, or an import error's absolute file name."""
    relative: str | None
    """Relative to the bundle (Airflow 3)."""
    bundle: str | None

    def same_as(self, other: DagFile) -> bool:
        """Whether both name one file; versions mix absolute and relative names (AIRFLOW.md section 3)."""
        if self.absolute is not None and other.absolute is not None:
            return self.absolute == other.absolute
        if self.relative is not None and other.relative is not None:
            bundles_fit = self.bundle is None or other.bundle is None or self.bundle == other.bundle
            return bundles_fit and self.relative == other.relative
        return False

    @property
    def name(self) -> str:
        """The shortest name that tells the file: relative where known."""
        return self.relative or self.absolute or "?"


@dataclass(frozen=True)
class Attributes:
    """What a row of /dags tells of a DAG beyond where it is. None: not told, or of no sensible type."""

    schedule: str | None = None
    """One form for both dialects, as `validator.schedules` makes it; `none`: only triggered."""
    tags: tuple[str, ...] | None = None
    owners: tuple[str, ...] | None = None
    max_active_runs: int | None = None
    description: str | None = None
    """Empty where the DAG has none."""


@dataclass(frozen=True)
class Dag:
    """One row of /dags."""

    dag_id: str
    active: bool
    """`is_active` (2.x) or not `is_stale` (3.x)."""
    paused: bool | None
    has_import_errors: bool
    """True also where the answer is not exactly false."""
    last_parsed: datetime | None
    """When its last parse was persisted; None: never."""
    file: DagFile
    attributes: Attributes = field(default_factory=Attributes)
    source_key: str | None = None
    """What /dagSources is asked by: the DAG's id (Airflow 3), or its file's token (2.x). None: not told."""


@dataclass(frozen=True)
class Task:
    """One row of /dags/{id}/tasks."""

    task_id: str
    pool: str | None
    """None: not told."""


@dataclass(frozen=True)
class DagWarning:
    """One row of /dagWarnings."""

    dag_id: str
    kind: str
    """Such as `non-existent pool`."""
    message: str


@dataclass(frozen=True)
class Connection:
    """One row of /connections; nothing else of it is kept."""

    conn_id: str
    conn_type: str | None
    """None: not told."""


@dataclass(frozen=True)
class Pool:
    """One row of /pools."""

    name: str
    slots: int
    """-1: without limit."""


@dataclass(frozen=True)
class DagImportError:
    """One row of /importErrors."""

    error_id: int
    file: DagFile
    stamp: datetime | None
    """Moves at every parse of a file that is still broken."""
    stack_trace: str


@dataclass(frozen=True)
class Unread:
    """Something that could not be read in this round."""

    reason: Reason
    message: str
    heals: bool = True
    """False: asking again cannot help."""
    advice: str = ""
    """What to do, where more can be said than for the reason as such."""
    status: int | None = None
    """Airflow's HTTP status, where it answered."""


def as_unread(failed: CallFailed | CannotTell) -> Unread:
    """The observation's word for what could not be read, for now or for good."""
    if isinstance(failed, CallFailed):
        return Unread(failed.reason, failed.message, advice=failed.advice, status=failed.status)
    return Unread(failed.reason, failed.message, heals=False, advice=failed.advice)


@dataclass(frozen=True)
class Walk(Generic[T]):
    """A collection, as far as it could be read."""

    rows: tuple[T, ...] = ()
    whole: bool = False
    """Every page was read and the total stayed the same: what is not among the rows is not there."""
    unread: Unread | None = None
    """Why some of it could not be read; None: all pages were."""
    total: int = 0
    """`total_entries` as last seen."""
    named: frozenset[str] = frozenset()
    """Ids that were asked for by name, where the list is long and so not `whole`: not among the rows is not there."""


@dataclass(frozen=True)
class Details:
    """What is asked for only once the lists are known, and only where somebody wants it.

    What was not asked for in this round is not among the keys, or None.
    """

    tasks: Mapping[str, tuple[Task, ...] | Unread] = field(default_factory=dict)
    """By DAG id."""
    sources: Mapping[str, str | Unread] = field(default_factory=dict)
    """Each file's text as Airflow stored it, by the file's name relative to the DAGs folder."""
    warnings: Walk[DagWarning] | None = None
    variables: Mapping[str, bool | Unread] = field(default_factory=dict)
    """Whether each exists, by key. Values are dropped where they are read."""
    connections: Walk[Connection] | None = None
    pools: Walk[Pool] | None = None


NOTHING_ASKED = Details()


@dataclass(frozen=True)
class Observation:
    """What one round of calls saw. Immutable.

    The version, the role and a settled environment are remembered from the round that found them out; everything
    else was asked for after `began`.
    """

    began: datetime
    """The server's clock when the round began; UTC. Meaningless if nothing answered."""
    ended: datetime
    """The server's clock when the round's last answer came; UTC."""
    version: Version | None = None
    """None: not known yet, and then nothing else is."""
    health: Mapping[str, Component] | Unread = field(default_factory=dict)
    dags: Walk[Dag] = field(default_factory=Walk)
    """The default listing: active DAGs, on 3.x those that are not stale."""
    gone: Mapping[str, Dag] | Unread | None = None
    """Rows of DAGs that the default listing leaves out; None: not asked for."""
    import_errors: Walk[DagImportError] = field(default_factory=Walk)
    reads_all: bool | Unread = False
    """Whether the role may read every DAG (404, not 403, for an id that cannot exist)."""
    environment: EnvironmentFacts | Unread | None = None
    """What GetEnvironment told; None: there is no such thing here."""
    environment_unread: Unread | None = None
    """Why GetEnvironment told nothing in this round, where it was asked; `environment` is then an older answer."""
    details: Details = NOTHING_ASKED
    """What was asked for once the lists were known."""
    objects: Mapping[str, S3Object] | Unread | None = None
    """What the DAGs folder holds in S3, by name relative to the local folder; None: nobody wants to know."""
    objects_in: str = ""
    """Where that is, as a URI."""
    longest_path: int | None = None
    """Characters of a path that can be asked for; None: as many as it takes."""
    health_at: datetime | None = None
    """The server's clock when health was told: a round of many pages ends long after. None: `ended`."""
    listed_at: datetime | None = None
    """The server's clock when the lists had been read: what only explains may take long after. None: `ended`."""

    @property
    def answered(self) -> bool:
        """Whether Airflow gave at least one sensible answer. Its version can be known without: AWS tells it too."""
        walks = (self.dags, self.import_errors)
        return self.version is not None and (
            not (isinstance(self.health, Unread) and isinstance(self.reads_all, Unread))
            or any(walk.rows or walk.unread is None for walk in walks)
        )
