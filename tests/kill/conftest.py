"""Strikes, drawn at random from a seed."""

from __future__ import annotations

import os
from random import Random

import pytest
from aftermath import SIGNALS
from lives import Smoke, Strike, can_mount

SEED = os.environ.get("MWAA_GATE_KILL_SEED", "1")
KINDS = {
    "SIGINT": 6,
    "SIGTERM": 6,
    "SIGKILL": 5,
    "full disk": 3,
    "full tmpfs": 2,
    "read-only": 2,
    "no reader of stdout": 1,
    "no reader of stderr": 1,
    "no reader of both": 1,
    "closed stdout": 1,
    "closed stderr": 1,
    "closed both": 1,
    "/dev/full": 1,
}
"""What may befall a command, and how often."""


def _smoke(random):
    task = random.choice(["passes", "passes", "fails", "hangs"])
    return Smoke(task, random.choice(["never", "on-failure", "always"]), random.random() < 0.5)


def _moment(random, kind, smoke):
    """The event, its number or seconds, and how much later."""
    if kind.startswith(("closed", "/dev")):
        return "start", 0.0, 0.0
    event = random.choice(["time", "time", "call", "call", "call", "folder", "print"])
    late = random.choice([0.0, 0.0, 0.001, 0.01, 0.05])
    if event == "time":
        longest = random.choice([0.1, 0.6, 1.5])
        return event, round(random.uniform(0.005, longest), 4), 0.0
    if event == "call":
        return event, random.randint(1, 14 if smoke else 5), late
    return event, random.randint(1, 20 if event == "folder" else 4), 0.0


def drawn(seed, number):
    """The strike of that number."""
    random = Random(f"{seed}/{number}")  # noqa: S311 - to be drawn again
    kind = random.choices(list(KINDS), list(KINDS.values()))[0]
    truth = random.choice(["green", "green", "green", "red"])
    smoke = _smoke(random) if truth == "green" and random.random() < 0.6 else None
    event, at, late = _moment(random, kind, smoke)
    if truth == "red" and kind in SIGNALS and event in ("time", "call"):
        truth = "waits"
    return Strike(
        kind,
        event,
        at,
        airflow=random.choice(["2.10.5", "3.0.6"]),
        truth=truth,
        smoke=smoke,
        late=late,
        there=random.random() < 0.5,
        room=random.choice([0, 0, 100, 4096, 20_000]),
    )


@pytest.fixture(scope="session")
def seed():
    return SEED


@pytest.fixture(scope="session")
def draw(tmp_path_factory):
    """The strike of a seed and a number, as this machine can carry it out."""
    mounts = can_mount(tmp_path_factory.mktemp("mount"))

    def go(seed, number):
        strike = drawn(seed, number)
        if strike.kind == "full tmpfs" and not mounts:
            # Only root may mount, and not in every container: there a limit on every file is the full disk.
            return Strike(**(vars(strike) | {"kind": "full disk"}))
        return strike

    return go
