"""Whatever befalls the command, at whatever moment: reports whole or absent, never a false 0, nothing left in Airflow.

MWAA_GATE_KILL_MOMENTS says how many moments (200), MWAA_GATE_KILL_SEED which, and MWAA_GATE_KILL_ONLY runs one of them.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from lives import live

MOMENTS = int(os.environ.get("MWAA_GATE_KILL_MOMENTS", "200"))
ONLY = os.environ.get("MWAA_GATE_KILL_ONLY")
BATCH = 10
SIDE_BY_SIDE = 3
"""Most of a life is waiting."""


def told(number, seed, life):
    again = f"MWAA_GATE_KILL_SEED={seed} MWAA_GATE_KILL_ONLY={number} python -m pytest -n 0 tests/kill"
    wrong = "\n  ".join(life.complaints)
    return f"\n{life.strike}\n  {wrong}\n  exit code {life.code}; again by: {again}\n{life.err[-3000:]}"


@pytest.mark.parametrize("first", [int(ONLY)] if ONLY else range(0, MOMENTS, BATCH))
def test_whatever_befalls_it_at_whatever_moment(first, seed, draw, tmp_path):
    numbers = [first] if ONLY else range(first, min(first + BATCH, MOMENTS))
    strikes = {number: draw(seed, number) for number in numbers}
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        lives = dict(
            zip(
                numbers,
                pool.map(lambda number: live(strikes[number], tmp_path / f"{number}"), numbers),
                strict=True,
            )
        )

    for number, life in lives.items():
        # On a busy machine a short timeout ends a red, or a green, as cannot tell: once more shows whether it was that.
        if (
            life.code == 3
            and all(one.startswith("exit code 3") for one in life.complaints)
            and life.complaints
        ):
            lives[number] = live(strikes[number], tmp_path / f"{number}-again")
    for number, life in lives.items():
        print(number, life.strike.kind, life.strike.event, life.was_hit, life.code, f"{life.took:.1f} s")  # noqa: T201 - shown by -rP
    bad = [told(number, seed, life) for number, life in lives.items() if life.complaints]
    assert not bad, "".join(bad)
