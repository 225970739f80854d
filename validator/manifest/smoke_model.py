"""What the manifest's `smoke:` list says: the DAG runs that the gate starts, and what is expected of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class RunExpectation:
    """How a DAG run must end."""

    state: str = "success"
    """`success` or `failed`."""
    tasks: Mapping[str, str] = field(default_factory=dict, hash=False)
    """By task id, the state in which each must end: `success`, `failed`, `skipped`, `upstream_failed` or `removed`.
    Of a task that is not named any will do."""
    max_duration: float | None = None
    """Seconds that the run may take, at most the timeout; None: any duration will do."""


@dataclass(frozen=True)
class AssetEvent:
    """An event of an asset, which Airflow 2 calls a dataset."""

    uri: str
    """The asset's, exactly."""
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    """A JSON object that the event brings. It may hold secrets, so that no repr shows it."""


@dataclass(frozen=True)
class SmokeRun:
    """A DAG run that must come to its end as expected: one that the gate triggers, or one that its event starts."""

    dag_id: str
    """The DAG that runs; with an event, its consumer."""
    conf: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    """A JSON object that the triggered run gets; empty with an event. It may hold secrets, so that no repr shows it."""
    timeout: float = 300.0
    """Seconds from the trigger or the event to the run's end."""
    unpause: bool = False
    """Whether a paused DAG is unpaused for the run, and paused again after it."""
    keep: str = "on-failure"
    """When the run stays in Airflow: `always`, `on-failure` or `never`. With an event a manifest that does not say gets
    `always`: that run is Airflow's own."""
    expect: RunExpectation = field(default_factory=RunExpectation)
    event: AssetEvent | None = None
    """The event to send instead of triggering the DAG; None: the DAG is triggered."""
