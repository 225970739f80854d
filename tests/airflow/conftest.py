"""A server that exists only in memory, behind the real Caller and a clock that nobody waits for."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest

from validator.server_clock import ServerClock
from validator.transport.caller import Caller, RetryRule
from validator.transport.interface import NO_ADVICE, Answer
from validator.transport.pacing import TokenBucket

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"
START = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)


class FakeClock:
    """Time that passes only by sleeping."""

    def __init__(self):
        self.time = 0.0
        self.lock = threading.Lock()

    def now(self):
        return self.time

    def sleep(self, seconds):
        with self.lock:
            self.time += max(0.0, seconds)


class Airflow:
    """A transport: each path has an answer, or a function from the query to one."""

    where = "memory"
    longest_path = 64
    advice = NO_ADVICE

    def __init__(self, clock):
        self.clock = clock
        self.asked = []
        self.routes = {}
        self.facts = None
        self.facts_asked = 0
        self.dated = True
        self.lock = threading.Lock()

    def call(self, request):
        with self.lock:
            self.asked.append((request.path, dict(request.query)))
            told = self.routes.get(request.path, (404, {"detail": "no such thing"}))
            if callable(told):
                told = told(request.query)
        if isinstance(told, BaseException):
            raise told
        date = START + timedelta(seconds=self.clock.now()) if self.dated else None
        return Answer(*told, date=date)

    def environment(self):
        self.facts_asked += 1
        facts = self.facts(self.facts_asked) if callable(self.facts) else self.facts
        if isinstance(facts, BaseException):
            raise facts
        return facts

    def paths(self, path):
        return [query for asked, query in self.asked if asked == path]


@pytest.fixture(scope="session")
def recordings():
    assert RECORDINGS.is_dir(), f"{RECORDINGS} is missing: the contract cannot be checked"
    return RECORDINGS


@pytest.fixture
def memory():
    """The server, its clock, the server's clock as the gate knows it, and a caller without patience."""
    clock = FakeClock()
    airflow = Airflow(clock)
    server = ServerClock(clock)
    caller = Caller(airflow, TokenBucket(1000, clock), clock, server, lambda: 0.5, RetryRule(attempts=3))
    return SimpleNamespace(clock=clock, airflow=airflow, server=server, caller=caller)
