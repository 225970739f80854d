"""A finding: one expectation, judged on one observation."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from validator.airflow.models import Unread
    from validator.reasons import Reason


class Status(str, Enum):
    """How an expectation stands. The first six are what checks say; reports never show `pending`."""

    PASSED = "passed"
    PENDING = "pending"
    """Not true yet, and may still become so."""
    FAILED = "failed"
    """Red, and final."""
    WARNING = "warning"
    """Worth knowing; never turns the verdict."""
    ERROR = "error"
    """Could not be seen in this round: neither good nor bad."""
    SKIPPED = "skipped"
    """Not judged, with the reason."""

    def __str__(self) -> str:
        """The word that reports use."""
        return self.value


@dataclass(frozen=True)
class Ripens:
    """When a pending finding becomes a final red: once all that is given here holds without a break."""

    polls: int = 1
    """In so many rounds in a row."""
    seconds: float = 0.0
    """For so long."""
    parse: datetime | None = None
    """The parse that shows it: final only when a later parse shows it too. None: parses do not matter."""


@dataclass(frozen=True)
class Finding:
    """One expectation, judged on one observation. Texts may hold hostile characters; reports make them safe."""

    id: str
    """Unique in a report and the same in every round, such as `dags/etl_daily/paused`."""
    area: str
    """The check's area, and the JUnit suite: `health`, `dags`, `absent`, `import errors`, `environment` …"""
    subject: str
    """What is judged: a component, a DAG id, a file."""
    status: Status
    message: str
    """One or two sentences: what was seen, what was expected."""
    reason: Reason | None = None
    """None only when passed."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Evidence, JSON-able: `stack_trace`, `last_parsed_time`, `needed`, `suspects` …"""
    file: str | None = None
    """The DAG file, relative to the DAGs folder where that is known."""
    line: int | None = None
    """1-based line in `file` that the stack trace names."""
    ripens: Ripens | None = None
    """For pending: when it becomes a final red; None: only the deadline decides."""
    had_its_turn: bool = False
    """For pending: False while Airflow has not yet looked at the new version of the subject, or a second
    look is due at once. After a first final red the gate waits, at most a minute, for all to have had theirs."""
    flaps: bool = False
    """For pending: it may be over at the next look, and seen once it breaks no `stable_for`."""
    advice: str = ""
    """What to do, where more can be said than `reasons.ADVICE` does; empty: that is all."""
    heals: bool = True
    """For error: False when asking again cannot help, such as AWS's own denial."""
    keeps: bool = False
    """It stands in the rounds to come without being asked for again: each call for it costs."""
    due: bool = False
    """For pending: nothing is missing but the gate's own next calls."""
    due_in: float = 0.0
    """Seconds until those calls may be made, where it is `due`."""
    ends: bool = False
    """For a red: nothing is worth waiting for any more, not even other reds."""
    took: float | None = None
    """Seconds that what is judged took by Airflow's own times; None: it is nothing that takes time."""


@dataclass(frozen=True)
class About:
    """What findings of one kind are about: the expectation's id, area and subject."""

    id: str
    area: str
    subject: str

    def finds(  # noqa: PLR0913 - a finding's parts
        self,
        status: Status,
        message: str,
        reason: Reason | None = None,
        details: Mapping[str, Any] | None = None,
        *,
        file: str | None = None,
        line: int | None = None,
        ripens: Ripens | None = None,
        had_its_turn: bool = False,
        flaps: bool = False,
        advice: str = "",
        heals: bool = True,
        keeps: bool = False,
        due: bool = False,
        due_in: float = 0.0,
        ends: bool = False,
        took: float | None = None,
    ) -> Finding:
        """The finding; see `Finding` for its parts."""
        return Finding(
            id=self.id,
            area=self.area,
            subject=self.subject,
            status=status,
            message=message,
            reason=reason,
            details=details or {},
            file=file,
            line=line,
            ripens=ripens,
            had_its_turn=had_its_turn,
            flaps=flaps,
            advice=advice,
            heals=heals,
            keeps=keeps,
            due=due,
            due_in=due_in,
            ends=ends,
            took=took,
        )

    def unread(self, unread: Unread, message: str = "", *, file: str | None = None) -> Finding:
        """The finding of an expectation that could not be seen; `message` stands in for the cause's own."""
        return self.finds(
            Status.ERROR,
            message or unread.message,
            unread.reason,
            file=file,
            heals=unread.heals,
            advice=unread.advice,
        )
