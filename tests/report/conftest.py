"""Reports to render: a builder with defaults, and a strategy of hostile ones.

Both are fixtures because test folders are no packages, so that tests cannot import from each other.
"""

import re
from datetime import datetime, timezone

import pytest
from hypothesis import strategies as st

from validator.finding import Status
from validator.reasons import Reason
from validator.report import Check, Report

STARTED = datetime(2026, 1, 31, 8, 0, 0, tzinfo=timezone.utc)
REPORTED = [status for status in Status if status is not Status.PENDING]


def _check(subject="etl_daily", status=Status.PASSED, **kwargs):
    area = kwargs.pop("area", "dags")
    values = {
        "id": f"{area}/{subject}",
        "area": area,
        "subject": subject,
        "status": status,
        "message": f"{subject} is as expected."
        if status is Status.PASSED
        else f"{subject} is not as expected.",
        "reason": None if status is Status.PASSED else Reason.DAG_MISSING,
    }
    return Check(**(values | kwargs))


def _report(*checks, verdict=Status.PASSED, **kwargs):
    values = {
        "verdict": verdict,
        "exit_code": {Status.PASSED: 0, Status.FAILED: 1}.get(verdict, 3),
        "summary": "All is as expected.",
        "environment": "analytics-prod",
        "airflow_version": "3.0.6",
        "gate_version": "0.1.0",
        "started_at": STARTED,
        "deployed_at": STARTED.replace(second=1),
        "arrived_at": STARTED.replace(minute=1, second=1),
        "assumptions": ("Every file reached every DAG processor within 60 s.",),
        "duration_s": 95.25,
        "calls": 42,
        "checks": checks or (_check(),),
    }
    return Report(**(values | kwargs))


_POISON = st.sampled_from([
    "::error::boo", " \t::set-output name=x::y", "##[add-path]/tmp", "#\x00#[x]", "##vso[task.complete]", "###[group]",
    "\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\x9d0;title\x9c", "\x07", "\x08", "\r", "\n", "\r\n", "\v", "\f", "\x1c",
    "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\u200f", "\u061c", "\ud800", "\udfff",
    "\ufffe", "\uffff", "\ufdd0", "]]>", "<!--", "&amp;", "<b>", "[bold red]", "[/]", ":smile:", "[link=http://x]",
    "\U0001f468\u200d\U0001f469", "\u4f60\u597d", "e\u0301", "\x00", "\U000e0041", "%0A::error::", "'", '"', "\\",
])  # fmt: skip
_TEXT = st.lists(_POISON | st.text(st.characters(exclude_categories=()), max_size=8), max_size=6).map("".join)
_DETAILS = st.dictionaries(
    _TEXT | st.just("needed"),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)


@st.composite
def _hostile_checks(draw):
    status = draw(st.sampled_from(REPORTED))
    details = draw(_DETAILS)
    if draw(st.booleans()):
        details["stack_trace"] = draw(_TEXT)
    if draw(st.booleans()):
        details["diff"] = draw(st.lists(_TEXT, max_size=4) | _TEXT | st.lists(st.none() | _TEXT, max_size=2))
    subject = draw(_TEXT)
    return Check(
        id=draw(_TEXT | st.just(f"dags/{subject}/paused")),
        area=draw(_TEXT | st.sampled_from(["dags", "health", "import errors"])),
        subject=subject,
        status=status,
        message=draw(_TEXT),
        reason=None if status is Status.PASSED else draw(st.sampled_from(Reason)),
        details=details,
        file=draw(st.none() | _TEXT),
        line=draw(st.none() | st.integers(1, 10**6)),
        advice=draw(_TEXT),
        first_seen_s=draw(st.floats(0, 1e7) | st.sampled_from([1e-9, float("nan"), float("inf")])),
    )


_TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(timezone.utc))  # noqa: DTZ001 - hypothesis wants naive bounds
_HOSTILE = st.builds(
    Report,
    verdict=st.sampled_from([Status.PASSED, Status.FAILED, Status.ERROR]),
    exit_code=st.sampled_from([0, 1, 3, 130, 143]),
    summary=_TEXT,
    environment=_TEXT,
    airflow_version=st.none() | _TEXT,
    gate_version=_TEXT,
    started_at=_TIMES,
    deployed_at=st.none() | _TIMES,
    arrived_at=st.none() | _TIMES,
    assumptions=st.lists(_TEXT, max_size=3).map(tuple),
    duration_s=st.floats(0, 1e7) | st.sampled_from([float("nan"), float("inf"), 1e-9]),
    calls=st.integers(0, 10**6),
    checks=st.lists(_hostile_checks(), min_size=1, max_size=6).map(tuple),
    request_ids=st.lists(_TEXT, max_size=2).map(tuple),
    next_steps=st.lists(_TEXT, max_size=2).map(tuple),
)


def _commands_in(output):
    """What GitHub's runner would obey: its parser, on every line separator that some reader knows."""
    lines = re.split("\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", output)
    return [line for line in lines if line.strip().startswith("::") or "##[" in line or "##vso[" in line]


@pytest.fixture(scope="session")
def check():
    return _check


@pytest.fixture(scope="session")
def report():
    return _report


@pytest.fixture(scope="session")
def hostile():
    return _HOSTILE


@pytest.fixture(scope="session")
def hostile_text():
    return _TEXT


@pytest.fixture(scope="session")
def commands_in():
    return _commands_in


@pytest.fixture(scope="session")
def many(check):
    """10,000 checks of every status, each third with a stack trace."""
    trace = "Traceback (most recent call last):\n" + '  File "/usr/local/airflow/dags/x.py", line 3\n' * 20
    return tuple(
        check(
            f"dag_{n}", REPORTED[n % 5], file=f"dags/{n}.py", details={"stack_trace": trace} if n % 3 else {}
        )
        for n in range(10_000)
    )
