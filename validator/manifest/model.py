"""The manifest as the gate uses it: plain data, already checked."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from validator.manifest.smoke_model import SmokeRun


@dataclass(frozen=True)
class GateOptions:
    """The manifest's `gate:` block. All durations are seconds; None means not given."""

    timeout: float | None = None
    """None also stands for `auto`."""
    interval: float | None = None
    sync: float | None = None
    settle: float | None = None
    grace: float | None = None
    stable_for: float | None = None
    fail_fast: bool | None = None


@dataclass(frozen=True)
class HealthRule:
    """The manifest's `health:` block."""

    require: tuple[str, ...] = ()
    """Components that must run, beyond the default rule."""
    ignore: tuple[str, ...] = ()
    """Components that may be unhealthy."""
    max_heartbeat_age: float = 60.0
    """Seconds, on the server's clock."""


@dataclass(frozen=True)
class ExpectedDag:
    """One DAG that must be there, current and without an import error."""

    dag_id: str
    file: str | None = None
    """The DAG must come from this file, relative to the DAGs folder; None: from any one file."""
    paused: bool | None = None
    """None: either will do."""
    schedule: str | None = None
    """A cron expression, a preset, a duration, or what Airflow calls its timetable; `none`: only triggered.
    None: any will do."""
    tags: tuple[str, ...] = ()
    """At least these."""
    owners: tuple[str, ...] = ()
    """Exactly these, in any order; empty: any will do."""
    tasks: tuple[str, ...] | None = None
    """Exactly these, in any order; None: any will do."""
    max_active_runs: int | None = None
    """None: any will do."""
    description: str | None = None
    """Exactly this, and empty for none at all; None: any will do."""


@dataclass(frozen=True)
class ExpectedPattern:
    """A shell glob; every DAG that it matches is an expectation of its own."""

    pattern: str
    minimum: int = 1
    """So many of its matches must pass."""


@dataclass(frozen=True)
class ImportErrorRule:
    """The manifest's `import_errors:` block."""

    scope: str = "mine"
    """`mine`: only files of expected DAGs are judged. `all`: every import error is red."""
    allow: tuple[str, ...] = ()
    """Globs of files, relative to the DAGs folder, that may be broken; never hides an expected DAG's own file."""


@dataclass(frozen=True)
class InventoryRule:
    """The manifest's `inventory:` block."""

    unexpected: str = "ignore"
    """What a DAG is that nobody expects: `ignore`, `warn` or `fail`."""
    allow: tuple[str, ...] = ()
    """Shell globs of DAG ids that may be there all the same."""


@dataclass(frozen=True)
class ExpectedConnection:
    """A connection that must be in Airflow's metadata database."""

    conn_id: str
    conn_type: str | None = None
    """None: any will do."""


@dataclass(frozen=True)
class ExpectedPool:
    """A pool that must be there."""

    name: str
    min_slots: int | None = None
    """At least so many slots; -1, which is without limit, is more than any. None: any number will do."""


@dataclass(frozen=True)
class EnvironmentRule:
    """The manifest's `mwaa:` block: what GetEnvironment must say. None: anything will do."""

    airflow_version: str | None = None
    environment_class: str | None = None
    requirements_s3_object_version: str | None = None
    plugins_s3_object_version: str | None = None

    @property
    def demands(self) -> dict[str, str]:
        """What is demanded, by the manifest's key."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Manifest:
    """All that is expected of an environment."""

    environment: str | None = None
    region: str | None = None
    gate: GateOptions = field(default_factory=GateOptions)
    health: HealthRule = field(default_factory=HealthRule)
    dags: tuple[ExpectedDag, ...] = ()
    patterns: tuple[ExpectedPattern, ...] = ()
    absent: tuple[str, ...] = ()
    import_errors: ImportErrorRule = field(default_factory=ImportErrorRule)
    inventory: InventoryRule = field(default_factory=InventoryRule)
    variables: tuple[str, ...] = ()
    """Keys of variables that must exist; their values are nobody's business."""
    connections: tuple[ExpectedConnection, ...] = ()
    pools: tuple[ExpectedPool, ...] = ()
    warnings: str = "warn"
    """What Airflow's own warnings of expected DAGs are: `ignore`, `warn` or `fail`."""
    mwaa: EnvironmentRule = field(default_factory=EnvironmentRule)
    smoke: tuple[SmokeRun, ...] = ()
    """DAG runs that must succeed once all else is green. The loader adds each one's DAG to `dags`, if it is not there."""

    @property
    def expects_nothing(self) -> bool:
        """Whether a gate with this manifest alone would check nothing beyond its default rules."""
        return not (
            self.dags
            or self.patterns
            or self.absent
            or self.health.require
            or self.import_errors.scope == "all"
            or self.inventory.unexpected == "fail"
            or self.variables
            or self.connections
            or self.pools
            or self.mwaa.demands
            or self.smoke
        )


def with_runs(dags: Iterable[ExpectedDag], smoke: Iterable[SmokeRun]) -> tuple[ExpectedDag, ...]:
    """The expected DAGs, and behind them the DAGs that only `smoke` names: a run of an old version proves nothing."""
    expected = {dag.dag_id: dag for dag in dags}
    for run in smoke:
        expected.setdefault(run.dag_id, ExpectedDag(run.dag_id))
    return tuple(expected.values())
