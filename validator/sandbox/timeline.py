"""Events in the order of their times: the simulation's clock, moved only when asked."""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Timeline:
    """What happens when. Times are seconds since the world's start."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._running = False

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Do `action` at `when`; at once if that is now or past. Equal times keep the order of asking."""
        if when <= self.now:
            action()
        else:
            heapq.heappush(self._events, (when, next(self._order), action))

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do `action` in `seconds`, never at once: a loop of no length must not hold time still."""
        heapq.heappush(self._events, (self.now + max(seconds, 1e-6), next(self._order), action))

    def run(self, to: float) -> None:
        """Let everything happen up to and including `to`. Asked from within an event, it does nothing."""
        if self._running:
            return
        self._running = True
        try:
            while self._events and self._events[0][0] <= to:
                self.now, _, action = heapq.heappop(self._events)
                action()
            self.now = max(self.now, to)
        finally:
            self._running = False
