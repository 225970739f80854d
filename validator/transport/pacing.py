"""One token bucket for all calls of a gate: everybody in the account shares about ten calls a second."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from validator.clock import Clock

_SLOWEST = 0.25
"""Calls a second: below this a gate would never see a whole round."""
_RECOVERY = 0.05
"""Part of the full rate that one unthrottled call gives back."""


class TokenBucket:
    """Thread-safe. Halves its rate when the service throttles, at most once a second, and recovers slowly."""

    def __init__(self, rate: float, clock: Clock) -> None:
        """Allow `rate` calls a second, and as many at once after a pause of a second."""
        self._full = rate
        self._rate = rate
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens = max(1.0, rate)
        self._filled_at = clock.now()
        self._halved_at: float | None = None

    @property
    def rate(self) -> float:
        """Calls a second, as of now."""
        return self._rate

    def take(self, deadline: float) -> bool:
        """Wait until a call may be made. Callers are served in the order in which they came.

        False, at once and without a turn: that would be after `deadline`, on the clock.
        """
        wait = self._reserve(deadline)
        if wait is None:
            return False
        self._clock.sleep(wait)
        return True

    def _reserve(self, deadline: float) -> float | None:
        with self._lock:
            now = self._clock.now()
            capacity = max(1.0, self._rate)
            self._tokens = min(capacity, self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
            wait = max(0.0, (1.0 - self._tokens) / self._rate)
            if now + wait > deadline:
                return None
            self._tokens -= 1.0
            return wait

    def throttled(self) -> None:
        """The service refused a call: go at half the rate from here."""
        with self._lock:
            now = self._clock.now()
            if self._halved_at is None or now - self._halved_at >= 1.0:
                self._rate = max(min(_SLOWEST, self._full), self._rate / 2)
                self._halved_at = now
                self._tokens = min(self._tokens, 0.0)

    def served(self) -> None:
        """A call went through: creep back to the full rate."""
        with self._lock:
            self._rate = min(self._full, self._rate + _RECOVERY * self._full)
