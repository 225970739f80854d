"""A transport that remembers how each call went: its time, its answer's Date, whether it was throttled."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from validator.doctor.attempt import refusal_behind
from validator.doctor.facts import Call, Tick
from validator.errors import CallFailed, GateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from validator.asking import Asking
    from validator.clock import Clock
    from validator.doctor.attempt import Patience
    from validator.transport.interface import Answer, EnvironmentFacts, Request, Transport


class Ticks:
    """The Dates of a run's answers. Thread-safe."""

    def __init__(self, wall: Callable[[], datetime]) -> None:
        """Take this machine's clock, UTC."""
        self._wall = wall
        self._lock = threading.Lock()
        self._all: list[Tick] = []

    def now(self) -> datetime:
        """This machine's time, UTC."""
        return self._wall()

    def see(self, date: datetime | None, sent: datetime) -> None:
        """An answer has just come to what was asked at `sent`."""
        if date is not None:
            with self._lock:
                self._all.append(Tick(date, sent, self._wall()))

    @property
    def best(self) -> Tick | None:
        """The one that was under way for the shortest time, and so says most; None: no answer had a Date."""
        with self._lock:
            return min(self._all, key=lambda tick: tick.travel, default=None)


class Watched:
    """A Transport in front of another one. GetEnvironment is asked once; everybody gets that answer."""

    def __init__(self, transport: Transport, clock: Clock, ticks: Ticks) -> None:
        self.where = transport.where
        self.longest_path = transport.longest_path
        self.advice = transport.advice
        self._transport = transport
        self._clock = clock
        self._ticks = ticks
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._environment: tuple[EnvironmentFacts | None, GateError | None] | None = None

    @property
    def calls(self) -> tuple[Call, ...]:
        """Those of Airflow's API, in the order in which they ended."""
        with self._lock:
            return tuple(self._calls)

    def call(self, request: Request) -> Answer:
        """See `Transport.call`."""
        began, sent = self._clock.now(), self._ticks.now()
        answered, throttled = False, False
        try:
            answer = self._transport.call(request)
        except GateError as error:
            throttled = isinstance(error, CallFailed) and error.throttled
            self._ticks.see(refusal_behind(error)[1], sent)
            raise
        else:
            answered = True
            throttled = answer.status == 429  # noqa: PLR2004 - HTTP's Too Many Requests
            self._ticks.see(answer.date, sent)
            return answer
        finally:
            call = Call(request.path, self._clock.now() - began, answered, throttled)
            with self._lock:
                self._calls.append(call)

    def environment(self) -> EnvironmentFacts | None:
        """See `Transport.environment`."""
        if self._environment is None:
            sent = self._ticks.now()
            try:
                facts = self._transport.environment()
            except GateError as error:
                self._ticks.see(refusal_behind(error)[1], sent)
                self._environment = (None, error)
            else:
                self._ticks.see(facts.date if facts is not None else None, sent)
                self._environment = (facts, None)
        told, failed = self._environment
        if failed is not None:
            raise failed
        return told


@dataclass(frozen=True)
class Means:
    """What one run asks with."""

    watched: Watched
    asking: Asking
    """Its calls go through `watched`."""
    patience: Patience
    ticks: Ticks
