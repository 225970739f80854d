"""One time for the gate in this process and for the Airflow that it asks: it goes on only where somebody waits.

However slow the machine, a wait then sees the same rounds at the same moments; and none takes longer than its calls.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

_WALL_CLOCKS = (
    "validator.service.datetime",
    "validator.cli.parameters.datetime",
    "validator.doctor.examine.datetime",
    "validator.serverless.parameters.datetime",
)
"""Where the gate asks what time it is."""


class RealTime:
    """The machine's own: for commands that are processes of their own."""

    now = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)

    @staticmethod
    def utc():
        return datetime.now(timezone.utc)


class TurnedTime:
    """A clock and a calendar that stand still until somebody sleeps. Thread-safe."""

    def __init__(self):
        self._began = datetime.now(timezone.utc)  # botocore signs with the machine's time
        self._gone = 0.0
        self._lock = threading.Lock()

    def now(self):
        with self._lock:
            return self._gone

    def sleep(self, seconds):
        with self._lock:
            self._gone += max(0.0, seconds)

    def utc(self):
        return self._began + timedelta(seconds=self.now())

    def govern(self, monkeypatch):
        """Let the gate in this process go by this time."""
        govern(monkeypatch, lambda: self)


def govern(monkeypatch, current):
    """Let every gate in this process go by the time that `current` gives in the thread that begins its wait."""
    monkeypatch.setattr("validator.clock.SystemClock.__new__", lambda *_: current())
    calls = SimpleNamespace(monotonic=lambda: current().now(), sleep=lambda seconds: current().sleep(seconds))
    monkeypatch.setattr("validator.codepipeline.time", calls)

    class Calendar(datetime):
        @classmethod
        def now(cls, tz=None):
            return current().utc().astimezone(tz)

    for name in _WALL_CLOCKS:
        monkeypatch.setattr(name, Calendar)
