"""An Airflow of DAG runs in memory, whose calls go wrong by a script, and a phase of smoke runs in front of it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

from validator.airflow.models import Version
from validator.airflow.runs import DagRun, TaskInstance
from validator.errors import CallFailed
from validator.manifest import AssetEvent, RunExpectation, SmokeRun
from validator.reasons import Reason
from validator.smoke.attempts import attempts_of
from validator.smoke.phase import Phase

START = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
VERSION = Version("3.0.6", 3, 0)
DONE, LOST, CUT, LATE, THROTTLED, DENIED = "done", "lost", "cut", "late", "throttled", "denied"
"""What becomes of a call: carried out and answered; carried out, its answer lost; lost on its way; answered by nothing and
carried out some seconds later; refused for now; refused for good."""


class Clock:
    def __init__(self):
        self.time = 100.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += max(0.0, seconds)


@dataclass
class Life:
    """How runs of one DAG go: seconds in the queue, seconds running, the state in the end, and its tasks."""

    queued: float = 2.0
    running: float = 5.0
    state: str = "success"
    tasks: tuple = (("load", "success", 1),)


@dataclass
class Airflow:
    """`RunCalls` in memory. `script` says by the call's name what becomes of its calls in turn, and then all are done."""

    clock: Clock = field(default_factory=Clock)
    lives: dict = field(default_factory=dict)
    paused: set = field(default_factory=set)
    script: dict = field(default_factory=dict)
    consumers: dict = field(default_factory=dict)
    """The DAG that an event of a URI starts."""
    others: tuple = ()
    """DAGs that somebody else's event starts right after each of ours."""
    longest_id: int = 250
    kept_ids: int = 250

    def __post_init__(self):
        self.made = {}
        self.events = []
        self.started = {}
        self.asked = []
        self.late = []
        self.log = "Traceback\nboom"

    def _now(self):
        return START + timedelta(seconds=self.clock.now())

    def _call(self, name, act, *, read=False):
        self.clock.time += 0.05
        self.asked.append(name)
        for due in [one for one in self.late if one[0] <= self.clock.time]:
            self.late.remove(due)
            due[1]()
        fate = self.script.get(name, [])
        fate = fate.pop(0) if fate else DONE
        if callable(fate):
            fate()
            fate = DONE
        if fate == DONE:
            return act()
        if fate == LOST and not read:
            act()
        if fate == LATE and not read:
            self.late.append((self.clock.time + 8.0, lambda: self._quietly(act)))
        if fate == DENIED:
            raise CallFailed(Reason.ACCESS_DENIED, "Airflow refused", status=403, retry=False)
        raise CallFailed(Reason.UNREACHABLE, f"{name} got no answer", throttled=fate == THROTTLED)

    @staticmethod
    def _quietly(act):
        with contextlib.suppress(CallFailed):
            act()

    def _make(self, dag_id, run_id, run_type="manual"):
        if (dag_id, run_id) in self.made:
            raise CallFailed(Reason.BAD_RESPONSE, "it exists", status=409, retry=False)
        self.made[dag_id, run_id] = (self.clock.time, run_type)

    def _run(self, key):
        since, run_type = self.made[key]
        life = self.lives.get(key[0], Life())
        at = START + timedelta(seconds=since)
        age = self.clock.time - since
        state = "queued" if age < life.queued or key[0] in self.paused else "running"
        over = age >= life.queued + life.running and state != "queued"
        began = at + timedelta(seconds=life.queued) if state != "queued" else None
        ended = began + timedelta(seconds=life.running) if over else None
        return DagRun(*key, life.state if over else state, run_type, at, began, ended)

    # What RunCalls has

    def can_trigger(self, dag_id):
        return len(dag_id) <= self.longest_id

    can_pause = can_trigger

    def can_remove(self, dag_id, run_id):
        return len(dag_id) <= self.kept_ids

    def trigger(self, dag_id, run_id, conf, deadline):
        self._call("trigger", lambda: self._make(dag_id, run_id))

    def find(self, wanted, deadline, since=None):
        def told():
            runs = {key: self._run(key) for key in wanted if key in self.made}
            return {key: run for key, run in runs.items() if since is None or run.made >= since}

        return self._call("find", told, read=True)

    def of(self, dag_id, since, deadline):
        return self._call(
            "of",
            lambda: tuple(
                run for key in list(self.made) if key[0] == dag_id and (run := self._run(key)).made >= since
            ),
            read=True,
        )

    def task_instances(self, runs, deadline):
        def told():
            return {
                key: tuple(
                    TaskInstance(
                        key[0], key[1], task_id, state, tries, self._run(key).began, self._run(key).ended
                    )
                    for task_id, state, tries in self.lives.get(key[0], Life()).tasks
                )
                for key in runs
            }

        return self._call("task_instances", told, read=True)

    def remove(self, dag_id, run_id, deadline):
        return self._call("remove", lambda: self.made.pop((dag_id, run_id), None) is not None)

    def set_paused(self, dag_id, paused, deadline):
        self._call("set_paused", lambda: (self.paused.add if paused else self.paused.discard)(dag_id))

    def is_paused(self, dag_id, deadline):
        return self._call("is_paused", lambda: dag_id in self.paused, read=True)

    def send_event(self, uri, extra, deadline):
        def act():
            at = self._now()
            self.events.append((uri, dict(extra), at))
            for dag_id in (*self.others, *self.consumers.get(uri, ())):
                run_id = f"asset_triggered__{len(self.made)}"
                self._make(dag_id, run_id, "asset_triggered")
                if dag_id not in self.others:
                    self.started.setdefault((uri, at), set()).add((dag_id, run_id))
            return at

        return self._call("send_event", act)

    def event_since(self, uri, extra, since, deadline):
        return self._call(
            "event_since",
            lambda: next(
                (at for u, e, at in self.events if u == uri and e == dict(extra) and at >= since), None
            ),
            read=True,
        )

    def started_by(self, uri, at, deadline):
        return self._call("started_by", lambda: frozenset(self.started.get((uri, at), ())), read=True)

    def log_end(self, task, deadline, most=4000):
        return self._call("log_end", lambda: self.log, read=True)


def wants(dag_id="a", *, tasks=None, state="success", max_duration=None, uri=None, **others):
    """A smoke run of the manifest; `uri`: of an event."""
    event = AssetEvent(uri, {"file": "probe.csv"}) if uri else None
    expect = RunExpectation(state, tasks or {}, max_duration)
    usual = {"keep": "always"} if uri else {}
    return SmokeRun(dag_id, expect=expect, event=event, **{**usual, **others})


def phase_of(airflow, *wanted, key="key", not_before=None):
    """A phase in front of that Airflow; `told` holds what it told of each look."""
    told = []
    phase = Phase(
        list(attempts_of(wanted, key)),
        airflow,
        airflow.clock,
        airflow.clock.now(),
        airflow._now,
        lambda findings, elapsed: told.append((elapsed, findings)),
        not_before,
    )
    phase.told = told
    return phase


def played(airflow, *wanted, key="key", not_before=None):
    """The findings by id of smoke runs that were run to their end and cleaned up."""
    phase = phase_of(airflow, *wanted, key=key, not_before=not_before)
    phase.run(float("inf"))
    phase.clean()
    assert not airflow.late or airflow.clock.time, "time goes on"
    return {finding.id: finding for finding in phase.findings()}


def later(airflow, seconds=60.0):
    """The runs that are there once every late call was carried out."""
    airflow.clock.time += seconds
    for _, act in airflow.late:
        act()
    airflow.late.clear()
    return sorted(airflow.made)


def shorter(wanted, timeout):
    return replace(wanted, timeout=timeout)
