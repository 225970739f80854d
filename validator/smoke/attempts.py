"""The smoke runs of one gate: what each is called, and how far it has come. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING

from validator.finding import About, Finding, Status
from validator.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from validator.airflow.models import Unread
    from validator.airflow.runs import DagRun, TaskInstance
    from validator.manifest.smoke_model import SmokeRun

AREA = "smoke"
_DIGITS = 8


class Stage(Enum):
    """How far a smoke run has come."""

    NEW = "new"
    """Nothing was asked for."""
    UNSURE = "unsure"
    """It was asked for, and no answer said that it is there, or that it is not."""
    THERE = "there"
    """Airflow has the run, or the event that shall start one."""
    OVER = "over"
    """It is judged; only what is left behind matters now."""


@dataclass(frozen=True)
class Attempt:
    """One smoke run as it stands. Times are seconds since the gate's start, unless they are Airflow's own."""

    about: About
    wanted: SmokeRun
    run_id: str | None
    """Its own, by which it is found again; of an event's: None until Airflow has named it."""
    stage: Stage = Stage.NEW
    asked_at: float = 0.0
    """When it was first asked for."""
    tried_at: float = 0.0
    """When it was last asked for."""
    tries: int = 0
    """How often it was asked for."""
    late_until: float = 0.0
    """Until when a call for it whose answer was lost may still be carried out; 0: there was none."""
    event_at: datetime | None = None
    """Airflow's time of the event; None: there is none, or it is not known to be there."""
    run: DagRun | None = None
    """As Airflow last told it; None: it was not seen."""
    tasks: tuple[TaskInstance, ...] = ()
    """Of a run that is over, or was given up."""
    tasks_unread: Unread | None = None
    """Why those could not be read; None: they were, or were not asked for."""
    log: str | None = None
    """The end of the log of the first task that failed; None: it is not known."""
    unread: Unread | None = None
    """Why the last look told nothing of it; None: it did."""
    finding: Finding | None = None
    """The last word; None: there is none yet."""
    removed: bool = False
    """Nothing of it is left in Airflow that should not be."""

    @property
    def is_own(self) -> bool:
        """Whether the run is the gate's own, so that it may remove it."""
        return self.wanted.event is None

    @property
    def leaves_run(self) -> bool:
        """Whether a run may be in Airflow that must not stay there."""
        return self.run_id is not None and self._leaves

    @property
    def may_start_run(self) -> bool:
        """Whether an event was sent, and has not been seen to start the run that must not stay in Airflow then."""
        return self.run_id is None and self.event_at is not None and self._leaves

    @property
    def _leaves(self) -> bool:
        if self.tries == 0 or self.removed or self.wanted.keep == "always":
            return False
        failed = self.finding is not None and self.finding.status is Status.FAILED
        return not (self.wanted.keep == "on-failure" and failed)

    def ends(self, finding: Finding) -> Attempt:
        """The same with its last word."""
        return replace(self, stage=Stage.OVER, finding=finding)


def attempts_of(wanted: Sequence[SmokeRun], key: str) -> tuple[Attempt, ...]:
    """The smoke runs of a manifest, each with an id of its own; nothing has been asked for.

    Args:
        wanted: as the manifest has them; their order does not matter to their ids.
        key: what tells this gate's runs from another gate's. The same key gives the same ids, so that a gate that is
            started again finds its runs.
    """
    seen: dict[tuple[str, str], int] = {}
    named: dict[str, int] = {}
    attempts = []
    for one in wanted:
        told = json.dumps([one.dag_id, dict(one.conf)], sort_keys=True)
        count = seen[one.dag_id, told] = seen.get((one.dag_id, told), 0) + 1
        number = named[one.dag_id] = named.get(one.dag_id, 0) + 1
        suffix = f"/{number}" if number > 1 else ""
        about = About(f"smoke/{one.dag_id}{suffix}", AREA, one.dag_id)
        digest = sha256(f"{key}\n{told}\n{count}".encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
        # Short, and of characters that every version takes and no path must escape (AIRFLOW.md section 6).
        attempts.append(Attempt(about, one, f"g-{digest}" if one.event is None else None))
    return tuple(attempts)


def not_started(wanted: Sequence[SmokeRun]) -> tuple[Finding, ...]:
    """The findings where nothing was started, since something else is not green."""
    message = "Not run: a smoke run starts only when everything else is green."
    return tuple(
        one.about.finds(Status.SKIPPED, message, Reason.UNDECIDED) for one in attempts_of(wanted, "")
    )
