"""A living environment, played against the decision: whatever happens in whatever order, each look is judged rightly.

Files are deployed, broken, healed and taken away, processors parse whenever they like, schedulers die, answers are missing.
Each look is judged by two gates at once, whose manifests differ in nothing but their order.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from oracle import dags_not_held, errors_not_allowed, not_absent, not_held, sick_of, unread_of
from played import DENIED, judged
from rounds import DEPLOYED, ROOT, UNREAD, component, dag, error, health, seen

from validator.airflow.models import Unread
from validator.decision import Verdict
from validator.finding import Status
from validator.manifest.model import ExpectedDag, ExpectedPattern, HealthRule, ImportErrorRule, Manifest
from validator.rules import Rules
from validator.state import State

IDS = ("a", "b", "ab", "old")
LATE = 150.0
"""Seconds after the deploy at which a parse is proof for sure."""


class File:
    """One DAG's file, as it lies on the processor's disk and as it was last parsed."""

    def __init__(self, *, parsed=-30.0):
        self.there, self.sound, self.path = True, True, None
        self.parsed, self.listed, self.broken, self.paused = parsed, True, False, False
        self.stamp, self.shown_path = None, None


class Life(RuleBasedStateMachine):
    """The environment, and gates that look at it."""

    @initialize(
        airflow=st.sampled_from(["2", "3.0", "3.3"]),
        dags=st.lists(st.sampled_from(IDS[:3]), unique=True, max_size=3),
        named=st.booleans(),
        patterns=st.lists(st.sampled_from(["a*", "?", "*"]), unique=True, max_size=2),
        absent=st.booleans(),
        scope=st.sampled_from(["mine", "mine", "all"]),
        require=st.booleans(),
        rules=st.builds(
            Rules,
            timeout=st.just(1e9),
            settle=st.sampled_from([0.0, 30.0]),
            grace=st.sampled_from([0.0, 60.0]),
            stable_for=st.sampled_from([0.0, 0.0, 25.0]),
            fail_fast=st.booleans(),
            deployed_at=st.just(DEPLOYED),
        ),
        began=st.sampled_from([0.0, LATE, LATE]),
    )
    def begin(self, airflow, dags, named, patterns, absent, scope, require, rules, began):
        self.airflow, self.rules, self.now, self.began = airflow, rules, began, began
        self.manifest = Manifest(
            dags=tuple(ExpectedDag(one, f"{one}.py" if named else None) for one in dags),
            patterns=tuple(ExpectedPattern(glob, 1) for glob in patterns),
            absent=("old",) if absent else (),
            import_errors=ImportErrorRule(scope, ()),
            health=HealthRule(require=("triggerer",) if require else ()),
        )
        self.other = replace(
            self.manifest, dags=self.manifest.dags[::-1], patterns=self.manifest.patterns[::-1]
        )
        self.files = {one: File(parsed=began - 5) for one in IDS if not (one == "old" and absent)}
        self.beats = dict.fromkeys(("scheduler", "triggerer", "dag_processor"))
        """When each died; None: it lives."""
        self.missing = set()
        self.state = self.state_of_other = State(deployed_at=DEPLOYED)
        self.seen, self.decision, self.finals, self.reds_seen, self.paths = None, None, {}, set(), {}

    # What happens

    @rule(seconds=st.sampled_from([0.5, 3.0, 10.0, 10.0, 31.0, 61.0, 125.0]))
    def pass_time(self, seconds):
        self.now += seconds

    @rule(one=st.sampled_from(IDS))
    def parse(self, one):
        file = self.files.get(one)
        if file is None or not file.there:
            return
        file.shown_path = file.path
        if file.sound:
            file.parsed, file.listed, file.broken, file.stamp = self.now, True, False, None
        else:
            file.broken, file.stamp = True, self.now

    @rule()
    def parse_all(self):
        for one in IDS:
            self.parse(one)

    @rule(one=st.sampled_from(IDS))
    def deploy(self, one):
        file = self.files.setdefault(one, File(parsed=None))
        file.there, file.sound = True, True
        if file.parsed is None:
            file.listed = False

    @rule(one=st.sampled_from(IDS))
    def break_file(self, one):
        if one in self.files:
            self.files[one].sound = False

    @rule(one=st.sampled_from(IDS))
    def heal(self, one):
        if one in self.files:
            self.files[one].sound = True

    @rule(one=st.sampled_from(IDS))
    def vanish(self, one):
        if one in self.files:
            self.files[one].there = False

    @rule()
    def sweep(self):
        """What is gone or broken is taken off the list, by and by."""
        for file in self.files.values():
            if not file.there:
                file.listed, file.stamp = False, None
            elif file.broken:
                file.listed = False

    @rule(one=st.sampled_from(IDS[:3]), path=st.sampled_from([None, None, "other.py"]))
    def move(self, one, path):
        if one in self.files:
            self.files[one].path = path

    @rule(name=st.sampled_from(["scheduler", "triggerer", "dag_processor"]))
    def kill(self, name):
        self.beats[name] = self.now

    @rule()
    def revive(self):
        self.beats = dict.fromkeys(self.beats)

    @rule(what=st.sampled_from(["health", "dags_unread", "errors_unread", "whole"]), denied=st.booleans())
    def throttle(self, what, denied):
        """The next look cannot read it."""
        self.missing.add((what, denied))

    # What is seen of it

    def observe(self):
        rows, errors = [], []
        for number, (one, file) in enumerate(sorted(self.files.items())):
            path = file.shown_path or f"{one}.py"
            if file.parsed is not None:
                rows.append(
                    dag(
                        one,
                        file.parsed,
                        path=path,
                        active=file.listed,
                        broken=file.broken,
                        airflow=self.airflow,
                    )
                )
            if file.stamp is not None:
                errors.append(error(path, file.stamp, number=number, airflow=self.airflow))
        told = {
            name: component(name, "unhealthy" if died <= self.now - 30 else "healthy", died)
            for name, died in self.beats.items()
            if died is not None
        }
        others = {
            "health": health(self.now, **told),
            "gone": {row.dag_id: row for row in rows if not row.active},
        }
        for what, denied in sorted(self.missing):
            others[what] = False if what == "whole" else (DENIED if denied else UNREAD)
        self.missing = set()
        shown = [row for row in rows if row.active or self.airflow == "2"]
        return seen(*shown, errors=errors, now=self.now, airflow=self.airflow, **others)

    @rule(last=st.sampled_from([False, False, False, True]))
    def look(self, last):
        self.seen = self.observe()
        at = self.now - self.began
        before = self.state = replace(self.state, answered=True)
        self.state, self.decision = judged(self.manifest, self.rules, before, self.seen, at, last=last)
        self.state_of_other = replace(self.state_of_other, answered=True)
        self.state_of_other, other = judged(
            self.other, self.rules, self.state_of_other, self.seen, at, last=last
        )
        assert verdict_of(other) == verdict_of(self.decision), "the order of entries has changed the verdict"
        assert dict(self.state_of_other.finals) == dict(self.state.finals)
        event(str(verdict_of(self.decision)))
        self.reds_seen |= reds_of(self.manifest, self.seen, self.rules)
        self.remember_paths()
        if verdict_of(self.decision) is Status.PASSED:
            for later in (0.1, 100.0, 1e5):
                _, again = judged(self.manifest, self.rules, before, self.seen, at + later, last=last)
                assert verdict_of(again) is Status.PASSED, "more time has turned green to red"

    @rule()
    def look_again_when_all_is_well(self):
        """So that green comes up often enough."""
        self.files = {one: file for one, file in self.files.items() if one not in self.manifest.absent}
        for one in (*self.files, *(one.dag_id for one in self.manifest.dags)):
            self.deploy(one)
        self.revive()
        self.missing = set()
        for seconds in (LATE, 65.0):
            self.now += seconds
            self.parse_all()
            self.look(last=False)

    def remember_paths(self):
        for row in self.seen.dags.rows:
            if row.active:
                self.paths.setdefault(row.dag_id, set()).add(row.file)
        self.reds_seen |= {one for one, paths in self.paths.items() if len(paths) > 1}

    # What must hold after each step

    @precondition(lambda self: self.decision is not None)
    @invariant()
    def green_hides_nothing(self):
        if verdict_of(self.decision) is Status.PASSED:
            assert not_held(self.manifest, self.seen, DEPLOYED, self.rules, ROOT) == []
            assert not self.state.finals

    @precondition(lambda self: self.decision is not None)
    @invariant()
    def a_final_red_stays_and_was_seen(self):
        finals = self.state.finals
        for name, before in self.finals.items():
            assert finals[name] == before, "a red that was final is another one, or gone"
        self.finals = dict(finals)
        for finding in finals.values():
            assert finding.status is Status.FAILED
            assert finding.subject in self.reds_seen, f"{finding.id} was never true of what was seen"

    @precondition(lambda self: isinstance(self.decision, Verdict))
    @invariant()
    def a_verdict_is_told_whole(self):
        told = {finding.id: finding for finding in self.decision.findings}
        assert len(told) == len(self.decision.findings)
        for name, finding in self.state.finals.items():
            assert told[name] == finding, "a final red is in the end what it was"
        words = {finding.status for finding in told.values()}
        assert Status.PENDING not in words
        assert (Status.FAILED in words) == (self.decision.status is Status.FAILED)
        assert (self.decision.status is Status.PASSED) == (not words & {Status.FAILED, Status.ERROR})


def verdict_of(decision):
    return decision.status if isinstance(decision, Verdict) else None


def reds_of(manifest, observation, rules):
    """Subjects that one observation shows not to hold, by the oracle; what it could not read shows nothing."""
    unread = unread_of(manifest, observation)
    bad = []
    if not isinstance(observation.health, Unread):
        bad += sick_of(manifest, observation)
    if "dags" not in unread:
        told = dags_not_held(manifest, observation, DEPLOYED, rules, ROOT)
        told += not_absent(manifest, observation, DEPLOYED, rules)
        told += errors_not_allowed(manifest, observation, DEPLOYED, rules, ROOT)
        bad += [text.partition(": ")[2] for text in told]
        by_pattern = {row.dag_id for row in observation.dags.rows if manifest.patterns}
        for dag_id in by_pattern:  # each match is an expectation of its own
            one = Manifest(dags=(ExpectedDag(dag_id),))
            bad += [dag_id] if dags_not_held(one, observation, DEPLOYED, rules, ROOT) else []
    return set(bad)


Life.TestCase.settings = settings(
    deadline=None,
    max_examples=150,
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
TestLife = Life.TestCase
