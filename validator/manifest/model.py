"""The manifest as the gate uses it: plain data, already checked."""

from __future__ import annotations

from dataclasses import dataclass, field


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
