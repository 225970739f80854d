"""The fault catalogue: each fault by its name, on both dialects, and what the installed command must say of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from fault_oracle import CANNOT_TELL, FAILED, PASSED, complaints
from fault_run import play
from fault_schedule import DARK, KINDS, Pace, Schedule, Story, Told, Trouble, Upload

DIALECTS = ("2.10.5", "3.0.6")
FOR_EVER = 10**9
ONCE = ("restart", "forbidden", "not-found")
"""Faults that befall one call, or three would be another story."""


def upload(path, what, at=1.0, lags=(0.4,)):
    return Upload(path, what, at, lags)


CHANGES = Story("d0", "changes", "d0.py", "1", (upload("d0.py", "2"),))
APPEARS = Story("d1", "appears", "team/d1.py", "", (upload("team/d1.py", "2", lags=(0.2,)),))
HELPED = Story("d2", "helped", "d2.py", "import 1", (upload("d2.py", "import run 2", lags=(0.1,)),))
HELPER = ("lib2.py", "1", (upload("lib2.py", "run 2", 0.9, (0.5,)),))
HALF = Story("d2", "half", "d2.py", "import 1", (upload("d2.py", "import 2", lags=(0.05,)),))
HALF_HELPER = ("lib2.py", "1", (upload("lib2.py", "2", 0.9, (0.52,)),))
BROKEN = Story("d3", "broken", "d3.py", "1", (upload("d3.py", "broken"),))
DIES = Story("d3", "dies", "d3.py", "1", (upload("d3.py", "dies"),))
REVIVED = Story("d3", "revived", "d3.py", "1", (upload("d3.py", "dies", 0.5), upload("d3.py", "2")))
MOVES = Story("d3", "moves", "new_d3.py", "", (upload("new_d3.py", "2", 0.9), upload("d3.py", "gone")))
LEAVES = Story("d4", "leaves", "d4.py", "1", (upload("d4.py", "gone"),))
LINGERS = Story("d4", "lingers", "d4.py", "1", (upload("d4.py", "2"),))
CHURN = tuple((1.0 + 0.13 * n, f"{'aez'[n % 3]}_churn.py") for n in range(12))


def deploy(airflow, *more, **changes):
    """A deploy that comes out well, within what the gate assumes, with the faults and stories that are given."""
    usual = Schedule(
        seed=0,
        airflow=airflow,
        processors=1,
        pace=Pace(page_limit=4),
        told=Told(sync=0.5, exact=True),
        end=1.0,
        stories=(CHANGES, APPEARS, HELPED, *more),
        helpers=(HELPER,),
        fillers=9,
    )
    return replace(usual, **changes)


def ends(expected, **schedules):
    """Play schedules side by side: each must end with its exit code, and the oracle must have nothing to say."""
    with ThreadPoolExecutor(len(schedules)) as pool:
        runs = dict(zip(schedules, pool.map(play, schedules.values()), strict=True))
    for name, run in runs.items():
        # On a busy machine looks come late; once more shows whether it was that. A wrong green is none of it.
        if run.code != PASSED and (run.code != expected or complaints(schedules[name], run)):
            runs[name] = play(schedules[name])
    wrong = {name: complaints(schedules[name], run) for name, run in runs.items()}
    codes = {name: run.code for name, run in runs.items()}
    assert not any(wrong.values()), {name: (told, schedules[name]) for name, told in wrong.items() if told}
    assert codes == dict.fromkeys(schedules, expected), {
        n: run.report.get("summary") for n, run in runs.items()
    }
    return runs


def on_both(make, *more, **changes):
    return {f"airflow_{version}": make(version, *more, **changes) for version in DIALECTS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_that_passes_changes_nothing(kind):
    trouble = Trouble(kind, ".*", 3, 1 if kind in ONCE else 3, 0.6)

    runs = ends(PASSED, **on_both(deploy, troubles=(trouble,), answer_within=0.4))

    if kind != "restart":
        assert all(len(run.felt) == trouble.times for run in runs.values())


@pytest.mark.parametrize("kind", [*DARK, "expired"])
def test_a_fault_that_stays_is_cannot_tell(kind):
    told = Told(sync=0.5, exact=True, timeout=9.0)

    ends(CANNOT_TELL, **on_both(deploy, told=told, troubles=(Trouble(kind, ".*", 7, FOR_EVER),)))


@pytest.mark.parametrize("kind", ["throttled", "server-error", "cut-body", "wrong-types"])
def test_behind_a_fault_that_passes_a_broken_dag_is_red(kind):
    ends(FAILED, **on_both(deploy, BROKEN, troubles=(Trouble(kind, ".*", 3, 3),)))


@pytest.mark.parametrize("kind", ["restart", "reset", "wrong-types", "http-502", "late"])
@pytest.mark.parametrize("airflow", ["2.4.3", "2.10.5", "3.3.2"])
def test_in_the_middle_of_a_walk_of_pages_it_changes_nothing(airflow, kind):
    trouble = Trouble(kind, "/dags", 2, 1, 0.4)

    ends(PASSED, walk=deploy(airflow, LEAVES, troubles=(trouble,), jitter=0.05))


STORIES = {
    "dags come and go between the pages": (PASSED, {"churn": CHURN, "jitter": 0.1}, ()),
    "pages come out of order": (PASSED, {"fillers": 30, "jitter": 0.2}, ()),
    "a helper changes after its file": (PASSED, {"helpers": (HALF_HELPER,), "stories": (CHANGES, HALF)}, ()),
    "a file kills its parser, and a better one follows": (PASSED, {}, (REVIVED,)),
    "a file kills its parser": (FAILED, {"told": Told(sync=0.5, exact=True, timeout=7.0)}, (DIES,)),
    "a dag moves to another file": (PASSED, {}, (MOVES,)),
    "a dag leaves": (PASSED, {}, (LEAVES,)),
    "a dag that should leave stays": (FAILED, {}, (LINGERS,)),
    "the gate's clock is 15 minutes behind": (PASSED, {"skew": 900.0}, ()),
    "the gate's clock is 15 minutes ahead": (PASSED, {"skew": -900.0}, ()),
    "a broken dag, and clocks apart": (FAILED, {"skew": -900.0}, (BROKEN,)),
    "the environment is being updated, and then there": (PASSED, {"updating_until": 2.5}, ()),
    "the environment is being updated": (
        CANNOT_TELL,
        {"updating_until": float("inf"), "told": Told(sync=0.5, timeout=6.5)},
        (),
    ),
    "the scheduler is dead, and started again": (PASSED, {"dead": "scheduler", "revived_at": 2.0}, ()),
    "the scheduler is dead": (FAILED, {"dead": "scheduler", "told": Told(sync=0.5, timeout=7.0)}, ()),
    "the metadatabase is down for a while": (PASSED, {"dead": "metadatabase", "revived_at": 2.0}, ()),
    "what nobody demands cannot be read": (
        PASSED,
        {"troubles": (Trouble("cut-body", "/dagWarnings|/pools", 1, FOR_EVER),)},
        (),
    ),
    "the environment allows few calls": (PASSED, {"calls_per_second": 8.0}, ()),
    "the local folder is compared": (PASSED, {"told": Told(sync=0.5, folder=True)}, ()),
    "a dag run succeeds": (PASSED, {"smoke": "success"}, ()),
    "a dag run fails": (FAILED, {"smoke": "failed"}, ()),
}


@pytest.mark.parametrize("name", STORIES)
def test_it_ends_as_the_story_says(name):
    expected, changes, more = STORIES[name]
    changes = dict(changes)
    if "stories" not in changes:
        changes["stories"] = (CHANGES, APPEARS, HELPED, *more)

    ends(expected, **on_both(deploy, **changes))


@pytest.mark.parametrize("airflow", ["2.4.3", "2.10.5", "3.0.6", "3.3.2"])
def test_two_processors_with_lags_of_their_own(airflow):
    late, later = upload("d0.py", "2", lags=(0.05, 0.44)), upload("d1.py", "2", lags=(0.44, 0.0))
    stories = (replace(CHANGES, uploads=(late,)), Story("d1", "appears", "d1.py", "", (later,)))

    ends(PASSED, two=deploy(airflow, processors=2, stories=stories, helpers=()))


@pytest.mark.timeout(120)
def test_answers_up_to_the_services_ten_seconds_and_past_them():
    """In real time: the service itself gives up after ten seconds, the gate after fifteen."""
    told = Told(sync=0.5, timeout=60.0)
    slow = {
        "in nine seconds": Trouble("too-late", "/dags", 1, 1, 9.0),
        "past the ten of the service": Trouble("too-late", "/dags", 1, 1, 10.5),
        "past the fifteen of the gate": Trouble("late", "/importErrors", 1, 1, 16.0),
    }

    ends(
        PASSED,
        **{
            f"{name} {v}": deploy(v, told=told, troubles=(one,))
            for name, one in slow.items()
            for v in DIALECTS
        },
    )


@pytest.mark.timeout(120)
def test_an_answer_that_never_comes_ends_the_wait_a_calls_time_after_its_deadline():
    never = Trouble("late", "/dags", 1, FOR_EVER, 21.0)

    ends(CANNOT_TELL, **on_both(deploy, told=Told(sync=0.5, timeout=6.5), troubles=(never,)))
