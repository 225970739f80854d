"""Rounds to judge: builders of what Airflow said, with everything as it should be unless told otherwise.

A second counts from the end of the deploy, on the server's clock: with a sync of 60 s and a settle of 30 s the files
arrived at 60 and a parse at 90 or later is proof. A round is seen at 120 and shows parses at 100.
"""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

from validator.airflow.models import (
    Attributes,
    Component,
    Dag,
    DagFile,
    DagImportError,
    Details,
    Observation,
    Unread,
    Version,
    Walk,
)
from validator.checks.interface import Times, view_of
from validator.checks.registry import run_checks
from validator.manifest.model import ExpectedDag, ExpectedPattern, HealthRule, ImportErrorRule, Manifest
from validator.reasons import Reason
from validator.state import State

DEPLOYED = datetime(2026, 1, 31, 8, 0, 0, tzinfo=timezone.utc)
ROOT = "/usr/local/airflow/dags"
TRACE = (
    "Traceback (most recent call last):\n"
    f'  File "{ROOT}/a.py", line 7, in <module>\n'
    "    import nothing\n"
    "ModuleNotFoundError: No module named 'nothing'\n"
)
UNREAD = Unread(Reason.UNREACHABLE, "it did not answer")
AIRFLOW = {"2": Version("2.10.5", 2, 10), "3.0": Version("3.0.6", 3, 0), "3.3": Version("3.3.2", 3, 3)}


def at(seconds):
    """So many seconds after the deploy; None stays None."""
    return None if seconds is None else DEPLOYED + timedelta(seconds=seconds)


def dag_file(path, airflow="3.0", root=ROOT, bundle="dags-folder"):
    """A DAG's file as that Airflow names it."""
    return (
        DagFile(f"{root}/{path}", None, None) if airflow == "2" else DagFile(f"{root}/{path}", path, bundle)
    )


def error_file(path, airflow="3.0", root=ROOT, bundle="dags-folder"):
    """An import error's file as that Airflow names it: absolute up to 3.0, relative since."""
    if airflow == "2":
        return DagFile(f"{root}/{path}", None, None)
    return DagFile(f"{root}/{path}", None, bundle) if airflow == "3.0" else DagFile(None, path, bundle)


def dag(
    dag_id="a",
    parsed=100,
    *,
    path=None,
    active=True,
    paused=False,
    broken=False,
    airflow="3.0",
    file=None,
    **attributes,
):
    """A row of /dags: from `<dag_id>.py` unless told otherwise."""
    file = file or dag_file(path or f"{dag_id}.py", airflow)
    source_key = f"token-of-{file.name}" if airflow == "2" else dag_id
    return Dag(dag_id, active, paused, broken, at(parsed), file, Attributes(**attributes), source_key)


def error(path="a.py", stamp=100, *, number=1, trace=TRACE, airflow="3.0", file=None):
    """A row of /importErrors."""
    return DagImportError(number, file or error_file(path, airflow), at(stamp), trace)


def component(name, status="healthy", heartbeat=118):
    """A component of /health whose heartbeat is two seconds old when the round is seen."""
    return Component(name, status, None if name == "metadatabase" else at(heartbeat))


def health(now=120, **others):
    """/health as seen at `now`: all four are well, except what is given; None leaves one out."""
    names = ("metadatabase", "scheduler", "triggerer", "dag_processor")
    told = {name: component(name, heartbeat=now - 2) for name in names} | others
    return {name: one for name, one in told.items() if one is not None}


def seen(
    *dags,
    errors=(),
    now=120,
    took=0,
    airflow="3.0",
    whole=True,
    dags_unread=None,
    errors_whole=True,
    errors_unread=None,
    **others,
):
    """A round that began at `now` and saw these DAGs and import errors."""
    values = {
        "began": at(now),
        "ended": at(now + took),
        "version": AIRFLOW[airflow],
        "health": health(now + took),
        "dags": Walk(dags, whole and dags_unread is None, dags_unread, len(dags)),
        "import_errors": Walk(
            tuple(errors), errors_whole and errors_unread is None, errors_unread, len(errors)
        ),
        "reads_all": True,
        "details": Details(warnings=Walk(whole=True)),
        "longest_path": 64,
    }
    return Observation(**(values | others))


def no_warnings(inquiry, round_):
    """The round after an inquiry that found no warnings, and asked for nothing else."""
    return replace(round_, details=Details(warnings=Walk(whole=True))) if inquiry.warnings else round_


def nothing_seen(now=120, unread=UNREAD):
    """A round in which nothing answered."""
    walk = Walk(unread=unread)
    return Observation(at(now), at(now), None, unread, walk, None, walk, unread)


def manifest(*dags, patterns=(), absent=(), scope="mine", allow=(), **health_rule):
    """What is expected: ids or ExpectedDags; patterns as globs, or globs with their minimum."""
    return Manifest(
        dags=tuple(ExpectedDag(one) if isinstance(one, str) else one for one in dags),
        patterns=tuple(
            ExpectedPattern(one) if isinstance(one, str) else ExpectedPattern(*one) for one in patterns
        ),
        absent=tuple(absent),
        import_errors=ImportErrorRule(scope, tuple(allow)),
        health=HealthRule(**health_rule),
    )


def times(arrived=60, fresh=90, grace=60.0, gate_now=120.0, settled=None, **others):
    return Times(at(arrived), at(fresh), grace, gate_now, at(fresh if settled is None else settled), **others)


def view(expected, observation, tracks=None, state=None, **given):
    of_the_folder = {
        name: given.pop(name) for name in ("local", "hidden", "digests", "files_are_sure") if name in given
    }
    state = state or State(files=tracks or {})
    return view_of(expected, observation, times(**given), state, **of_the_folder)


def judge(expected, observation, tracks=None, **given):
    """The findings of all checks on one round, by id."""
    findings = run_checks(view(expected, observation, tracks, **given))
    by_id = {finding.id: finding for finding in findings}
    assert len(by_id) == len(findings), "a finding's id is unique"
    return by_id


def short(finding):
    """What a test of a finding mostly asks: status and reason as words."""
    return str(finding.status), str(finding.reason) if finding.reason is not None else None


class FakeClock:
    """A clock that only moves when somebody sleeps or works; what happens at a moment is scripted."""

    def __init__(self, start=1000.0):
        self.start = start
        self.time = start
        self.sleeps = []
        self.on_sleep = None

    def now(self):
        return self.time

    def sleep(self, seconds):
        if self.on_sleep is not None:
            self.on_sleep(self)
        self.sleeps.append(seconds)
        self.time += max(0.0, seconds)

    @property
    def elapsed(self):
        return self.time - self.start


def silent_progress():
    """A progress that remembers what it was told."""
    told = SimpleNamespace(notes=[], rounds=[], ended=0)

    def finished():
        told.ended += 1

    told.started = lambda where, note: None
    told.round = lambda findings, elapsed, deadline: told.rounds.append((tuple(findings), elapsed, deadline))
    told.note = told.notes.append
    told.finished = finished
    return told
