"""Random schedules of deploys and faults, each by the installed command: 500, or as many as MWAA_GATE_SCHEDULES says.

A failure names the seed; `python tests/faults/soak.py --seed N` plays that schedule again and tells all of it.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from fault_oracle import complaints
from fault_run import play
from fault_schedule import GOOD, VERSIONS, schedule_of

SCHEDULES = int(os.environ.get("MWAA_GATE_SCHEDULES", "500"))
FIRST = int(os.environ.get("MWAA_GATE_FIRST_SCHEDULE", "0"))
A_BATCH = 25
AT_ONCE = 6
"""Gates side by side in each of the test processes: they mostly wait."""


NEVER = ("wrong green", "a traceback", "exit code 0")
"""No machine is so busy that it makes one of these."""


def told_of(seed):
    schedule = schedule_of(seed)
    wrong = complaints(schedule, play(schedule))
    if wrong and not any(one.startswith(NEVER) or "left against" in one for one in wrong):
        wrong = complaints(
            schedule, play(schedule)
        )  # on a busy machine looks come late; once more shows whether it was that
    return f"python tests/faults/soak.py --seed {seed}: {'; '.join(wrong)}\n  {schedule}" if wrong else None


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(FIRST, FIRST + SCHEDULES, A_BATCH))
def test_no_schedule_is_wrongly_green_or_red_or_late_or_ends_in_a_traceback(first):
    seeds = range(first, min(first + A_BATCH, FIRST + SCHEDULES))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        wrong = [told for told in pool.map(told_of, seeds) if told]

    assert not wrong, "\n".join(wrong)


def test_the_schedules_are_what_they_claim():
    """They can be repeated, cover every version and fate, and most keep to what the gate assumes."""
    some = [schedule_of(seed) for seed in range(500)]

    assert some == [schedule_of(seed) for seed in range(500)]
    assert {one.airflow for one in some} == set(VERSIONS)
    assert set(GOOD) <= {story.fate for one in some for story in one.stories}
    assert 0.9 < sum(one.within for one in some) / len(some) < 1
    edge = [one for one in some if one.within and one.overdue > -0.01]
    assert len(edge) > 100, "many arrive only just in time"
    assert sum(bool(one.bad) for one in some) > 75
    assert sum(one.dark for one in some) > 40
    assert sum(one.processors == 2 for one in some) > 100
    assert sum(bool(one.smoke) for one in some) >= 5
    assert sum(one.told.folder for one in some) > 50
    assert sum(abs(one.skew) > 60 for one in some) > 100
