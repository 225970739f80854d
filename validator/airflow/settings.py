"""What GetEnvironment tells, over the rounds: optional, so that it may never hold up what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.airflow.models import Unread, as_unread
from validator.errors import CallFailed
from validator.transport.interface import EnvironmentFacts

if TYPE_CHECKING:
    from validator.transport.caller import Caller

SETTLED = frozenset({"AVAILABLE", "UPDATE_FAILED", None})
"""Statuses of an environment that can be asked and stays as it is; one that failed to update was rolled back."""
DEAD = frozenset({"CREATE_FAILED", "UNAVAILABLE", "DELETING", "DELETED"})
"""Statuses of an environment that does not become available by itself."""
_FAILURES = 3
"""Rounds in a row without an answer after which it is asked no more."""


class EnvironmentSettings:
    """Asks once a round until the environment is available, the call is denied, or was in vain too often.

    Where something is demanded of it, it is asked in every round.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._done = False
        self._denied = False
        self._failures = 0
        self.told: EnvironmentFacts | Unread | None = None
        """The latest that is known; an answer once given is not forgotten for a failure. None: no such call."""
        self.unread: Unread | None = None
        """Why this round has no answer of its own, where each round needs one; None: it has."""

    def look(self, deadline: float, *, again: bool = False) -> None:
        """Ask, if there is something left to learn; or `again`, unless asking is in vain.

        Raises:
            CannotTell: the environment does not exist, or no credentials or region are to be had.
        """
        if self._denied or (self._done and not again):
            return
        try:
            self.told = facts = self._caller.environment(deadline)
        except CallFailed as failed:
            self._failures += 1
            self.unread = as_unread(failed)
            if not isinstance(self.told, EnvironmentFacts):
                self.told = self.unread
                self._denied = not failed.retry
                self._done = self._denied or self._failures >= _FAILURES
        else:
            self.unread = None
            self._failures = 0
            self._done = facts is None or facts.status in SETTLED

    @property
    def version(self) -> str | None:
        """AirflowVersion, where it was told."""
        return self.told.airflow_version if isinstance(self.told, EnvironmentFacts) else None
