"""The finished report, and what a format must be able to do with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from validator.finding import Status
    from validator.reasons import Reason


@dataclass(frozen=True)
class Check:
    """One expectation's last word. Texts may hold hostile characters: each format makes them safe for itself."""

    id: str
    area: str
    subject: str
    status: Status
    """Never `pending`."""
    message: str
    reason: Reason | None = None
    """None only when passed."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Evidence, JSON-able. `stack_trace` (a string) is shown in full by every format."""
    file: str | None = None
    """The file: a path on this machine where a local folder holds it, else relative to the DAGs folder where known."""
    line: int | None = None
    advice: str = ""
    """What to do, where more can be said than `reasons.ADVICE` does; empty: that is all."""
    first_seen_s: float = 0.0
    """Seconds from the gate's start at which this status and reason was first seen."""
    took_s: float | None = None
    """Seconds that what is judged took by Airflow's own times, such as a DAG run; None: it is nothing that takes time."""


@dataclass(frozen=True)
class Change:
    """A check stood differently from the look before."""

    at: float
    """Seconds from the gate's start of the look that saw it."""
    status: Status
    """Also `pending`."""
    reason: Reason | None
    parsed: bool
    """While pending: Airflow has parsed its file since the new ones arrived."""


@dataclass(frozen=True)
class Look:
    """One round."""

    at: float
    """Seconds from the gate's start at which it was judged."""
    calls: int
    """Made until then, from the gate's start."""
    repeats: int
    """Those of them that repeated one that had failed."""


@dataclass(frozen=True)
class Timeline:
    """The wait as it went, for pictures."""

    looks: tuple[Look, ...]
    """Never empty, in time's order."""
    changes: Mapping[str, tuple[Change, ...]]
    """By the check's id, in time's order; the first is how it stood when it was first seen."""
    before: Look | None = None
    """When another process had left the wait off, with the calls until then: what it saw is not known here. None: there was
    no other."""


@dataclass(frozen=True)
class Report:
    """What the gate has to say, complete. Every format is a function of this and of nothing else."""

    verdict: Status
    """`passed`, `failed`, or `error`: cannot tell."""
    exit_code: int
    summary: str
    """One sentence: the verdict and its first cause; says so when the gate was interrupted."""
    environment: str
    """The MWAA environment's name, or the Airflow URL without credentials."""
    airflow_version: str | None
    """None: never learnt."""
    gate_version: str
    started_at: datetime
    """UTC, on this machine's clock."""
    deployed_at: datetime | None
    """UTC, on the server's clock. None: a check without a deploy, or the server never answered."""
    arrived_at: datetime | None
    """deployed at + sync. None as for `deployed_at`."""
    assumptions: tuple[str, ...]
    """What the verdict rests on without proof, a sentence each."""
    duration_s: float
    calls: int
    """How many HTTP calls were made, retries included."""
    checks: tuple[Check, ...]
    """Never empty."""
    request_ids: tuple[str, ...] = ()
    """AWS request ids of the last calls, to be found again in CloudTrail."""
    timeline: Timeline | None = None
    """How the wait went; None: no round was judged."""
    next_steps: tuple[str, ...] = ()
    """What to do now, a sentence each, the most urgent first; empty when passed."""

    def count(self, status: Status) -> int:
        """How many checks ended with this status."""
        return sum(1 for check in self.checks if check.status is status)


class FileFormat(Protocol):
    """A report format that is written to a file: one module each, one line in the registry."""

    name: str
    """The option's name, as in `--junit`."""
    help: str
    """The option's help text."""

    def render(self, report: Report) -> bytes:
        """The whole file's content."""
        ...
