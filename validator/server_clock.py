"""The server's clock, known from the Date headers of its answers."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from validator.clock import Clock

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FIRST_YEAR, _LAST_YEAR = 2000, 2200
"""A Date outside of these comes from no clock."""
DATE_RESOLUTION = timedelta(seconds=1)
"""A Date header has whole seconds, cut off: the true time is up to this much later."""


class ServerClock:
    """Thread-safe. A Date header never runs ahead of the server, so the latest offset seen is the closest."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._offset: float | None = None

    def see(self, date: datetime | None) -> None:
        """Learn from one answer that has just arrived."""
        if date is None or not _FIRST_YEAR <= date.year <= _LAST_YEAR:
            return
        offset = date.timestamp() - self._clock.now()
        with self._lock:
            if self._offset is None or offset > self._offset:
                self._offset = offset

    @property
    def known(self) -> bool:
        """Whether any answer had a Date."""
        return self._offset is not None

    def now(self) -> datetime:
        """The server's time, at most a second and one answer's travel too early; UTC. EPOCH while unknown."""
        with self._lock:
            if self._offset is None:
                return EPOCH
            return EPOCH + timedelta(seconds=self._offset + self._clock.now())
