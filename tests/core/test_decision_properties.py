"""What holds for every sequence of rounds: nothing that is wrong may look right, and every wait ends."""

from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from oracle import not_held, unread_of
from rounds import (
    DEPLOYED,
    ROOT,
    UNREAD,
    FakeClock,
    at,
    component,
    dag,
    error,
    health,
    no_warnings,
    nothing_seen,
    seen,
    silent_progress,
)

from validator.airflow.models import Unread
from validator.checks.registry import run_checks
from validator.decision import Verdict, decide
from validator.expectations import Expectations
from validator.finding import Status
from validator.gate import look, run
from validator.manifest.model import ExpectedDag, ExpectedPattern, HealthRule, ImportErrorRule, Manifest
from validator.reasons import Reason
from validator.rules import Rules
from validator.state import State

unhurried = settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
"""A busy machine is no failure."""
thorough = settings(unhurried, max_examples=800)
"""For the two properties that the gate stands on."""
IDS = ["a", "b", "ab", "old"]
FILES = [f"{dag_id}.py" for dag_id in IDS]
DENIED = Unread(Reason.ACCESS_DENIED, "not allowed")
NEVER = Unread(Reason.ACCESS_DENIED, "never allowed", heals=False)

mostly = st.sampled_from
"""A choice in which what is well stands several times, so that green comes up at all."""
unreads = st.sampled_from([UNREAD, DENIED, NEVER])


@st.composite
def manifests(draw):
    """One or more expectations on a few ids."""
    ids = draw(st.lists(st.sampled_from(["a", "b", "ab"]), unique=True, max_size=3))
    dags = tuple(
        ExpectedDag(dag_id, draw(mostly([None, None, f"{dag_id}.py"])), draw(mostly([None, None, False])))
        for dag_id in ids
    )
    patterns = draw(st.lists(st.sampled_from(["a*", "?", "*"]), unique=True, max_size=2))
    return Manifest(
        dags=dags,
        patterns=tuple(ExpectedPattern(glob, draw(st.integers(0, 2))) for glob in patterns),
        absent=draw(mostly([(), (), ("old",)])),
        import_errors=ImportErrorRule(draw(mostly(["mine", "all"])), draw(mostly([(), ("old.py",)]))),
        health=HealthRule(
            require=draw(mostly([(), ("triggerer",)])),
            ignore=draw(mostly([(), ("triggerer",), ("scheduler",)])),
        ),
    )


@st.composite
def rows(draw, dag_id, now, airflow, *, odd):
    """One DAG: parsed just now and sound, unless it is odd; then in one way or another."""
    way = (
        draw(st.sampled_from(["parsed", "parsed", "path", "path", "active", "paused", "broken"]))
        if odd
        else None
    )
    parsed = draw(st.sampled_from([now - 3, 60.0, 89.9, 90.0, -50.0, None, now + 9, now + 11]))
    return dag(
        dag_id,
        parsed if way == "parsed" else now,
        path=draw(st.sampled_from(FILES)) if way == "path" else f"{dag_id}.py",
        active=way != "active",
        paused=draw(st.sampled_from([True, None])) if way == "paused" else False,
        broken=way == "broken",
        airflow=airflow,
    )


@st.composite
def sick_healths(draw, now):
    """Everything well but one component, that may be in any state."""
    name = draw(st.sampled_from(["metadatabase", "scheduler", "triggerer", "dag_processor", "new"]))
    status = draw(st.sampled_from(["healthy", "healthy", "unhealthy", None, "?"]))
    beat = draw(st.sampled_from([now - 2, now - 60, now - 61, now - 150, now + 9, now + 11, None]))
    return health(now, **{name: draw(mostly([None, *[component(name, status, beat)] * 3]))})


ODDITIES = [
    *["row"] * 6,
    *["health"] * 2,
    "listed",
    "errors",
    "gone",
    "unread",
    "half",
    "role",
    "nothing",
    "took",
]


@st.composite
def observations(draw, now, airflow):
    """What one round may see: all is well, but for a few oddities."""
    odd = draw(st.sets(st.sampled_from(ODDITIES), max_size=draw(mostly([0, 1, 1, 2]))))
    if "nothing" in odd:
        return nothing_seen(now, draw(unreads))
    listed, errors, others = ["a", "b", "ab"], [], {}
    if "listed" in odd:
        listed = draw(st.sampled_from([["a"], ["a", "b", "ab", "old"], ["b", "ab"], []]))
    if "errors" in odd:
        broken = draw(st.sampled_from([["old.py"], ["a.py"], ["b.py", "x.py"], ["ab.py"]]))
        stamps = [draw(st.sampled_from([now, 60.0, 59.9, -10.0, None])) for _ in broken]
        errors = [
            error(path, stamp, number=number, airflow=airflow)
            for number, (path, stamp) in enumerate(zip(broken, stamps, strict=True))
        ]
    if "gone" in odd:
        row = dag("ab", now, active=False, broken=True, airflow=airflow)
        others["gone"] = draw(st.sampled_from([{}, UNREAD, {"ab": row}]))
    if "unread" in odd:
        others[draw(st.sampled_from(["health", "dags_unread", "errors_unread"]))] = draw(unreads)
    if "half" in odd:
        others[draw(st.sampled_from(["whole", "errors_whole"]))] = False
    if "role" in odd:
        others["reads_all"] = draw(st.sampled_from([False, UNREAD]))
    if "health" in odd:
        others.setdefault("health", draw(sick_healths(now)))
    which = draw(st.sampled_from(listed)) if "row" in odd and listed else None
    return seen(
        *[draw(rows(dag_id, now, airflow, odd=dag_id == which)) for dag_id in listed],
        errors=errors,
        now=now,
        took=2 if "took" in odd else 0,
        airflow=airflow,
        **others,
    )


rules_ = st.builds(
    Rules,
    timeout=st.just(400.0),
    interval=st.sampled_from([1.0, 10.0, 47.0]),
    settle=st.sampled_from([0.0, 30.0]),
    grace=st.sampled_from([0.0, 60.0]),
    stable_for=st.sampled_from([0.0, 0.0, 25.0]),
    fail_fast=st.booleans(),
    deployed_at=st.just(DEPLOYED),
)


@st.composite
def waits(draw):
    """A manifest, rules, and rounds at rising moments; the first may come long after the deploy."""
    airflow = draw(st.sampled_from(["2", "3.0", "3.3"]))
    late = draw(mostly([0.0, 120.0, 120.0, 120.0]))
    gaps = draw(st.lists(st.sampled_from([0.5, 10.0, 61.0]), min_size=1, max_size=4))
    nows = [sum(gaps[:n]) for n in range(len(gaps))]
    rounds = [(now, draw(observations(late + now, airflow))) for now in nows]
    return draw(manifests()), draw(rules_), rounds


class Played:
    """One wait, round after round, as the loop plays it; judged on each round but ended by none."""

    def __init__(self, manifest, rules, rounds):
        self.steps = []
        state = State(deployed_at=DEPLOYED)
        for number, (now, observation) in enumerate(rounds):
            state = replace(state, answered=state.answered or observation.answered)
            before, last = state, number == len(rounds) - 1
            state, decision = judged(manifest, rules, state, observation, now, last=last)
            self.steps.append((observation, before, state, decision, now))


def judged(manifest, rules, state, observation, now, *, last):
    state, view = look(Expectations(manifest), rules, state, observation, now)
    findings = run_checks(view)
    ids = [finding.id for finding in findings]
    assert len(set(ids)) == len(ids), "a finding's id is unique in a round"
    return decide(state, findings, now, rules, last=last)


def verdict_of(decision):
    return decision.status if isinstance(decision, Verdict) else None


def alternated(rounds, manifest, rules):
    """Expected DAGs that parses since the files arrived show in more than one file."""
    arrived = DEPLOYED + timedelta(seconds=rules.sync)
    found = set()
    for dag_id in {row.dag_id for _, one in rounds for row in one.dags.rows if row.active}:
        files = [
            row.file
            for _, one in rounds
            for row in one.dags.rows
            if row.active
            and row.dag_id == dag_id
            and row.last_parsed is not None
            and row.last_parsed >= arrived
        ]
        by_id = dag_id in {one.dag_id for one in manifest.dags}
        by_pattern = any(fnmatchcase(dag_id, one.pattern) for one in manifest.patterns)
        if len(set(files)) > 1 and (by_id or (by_pattern and dag_id not in manifest.absent)):
            found.add(dag_id)
    return found


@thorough
@given(waits())
def test_no_sequence_of_rounds_is_green_while_an_expectation_of_the_last_one_is_not_held(wait):
    manifest, rules, rounds = wait
    for number, (observation, _, _, decision, _) in enumerate(Played(manifest, rules, rounds).steps):
        wrong = not_held(manifest, observation, DEPLOYED, rules, ROOT)
        event(f"{verdict_of(decision)}, {'not held' if wrong else 'all held'}")
        if verdict_of(decision) is Status.PASSED:
            assert not wrong
            assert not alternated(rounds[: number + 1], manifest, rules)


@unhurried
@given(waits())
def test_what_holds_in_every_round_is_green_in_the_last(wait):
    """The other side: the gate may not be so careful that nothing is ever green."""
    manifest, rules, rounds = wait
    steps = Played(manifest, replace(rules, stable_for=0.0), rounds).steps
    if any(not_held(manifest, one, DEPLOYED, rules, ROOT) for _, one in rounds):
        return
    if manifest.absent or manifest.import_errors.scope == "all":
        return  # these need a second cycle of parses, which rounds at random rarely show
    if any(track.moved_at is not None for track in steps[-1][2].files.values()):
        return
    event("all held")
    assert verdict_of(steps[-1][3]) is Status.PASSED


@unhurried
@given(waits())
def test_nothing_is_green_while_something_needed_was_not_read(wait):
    manifest, rules, rounds = wait
    for observation, _, _, decision, _ in Played(manifest, rules, rounds).steps:
        if not observation.answered or unread_of(manifest, observation):
            assert verdict_of(decision) is not Status.PASSED
            if verdict_of(decision) is Status.FAILED:
                assert any(finding.status is Status.FAILED for finding in decision.findings)


@thorough
@given(waits())
def test_a_final_red_never_vanishes_and_nothing_is_green_after_it(wait):
    manifest, rules, rounds = wait
    finals = {}
    for _, _, state, decision, _ in Played(manifest, rules, rounds).steps:
        assert finals.items() <= dict(state.finals).items()
        finals = dict(state.finals)
        if finals:
            assert verdict_of(decision) in (None, Status.FAILED)
        if isinstance(decision, Verdict):
            reds = {finding.id for finding in decision.findings if finding.status is Status.FAILED}
            assert set(finals) <= reds


@unhurried
@given(waits())
def test_a_verdict_leaves_nothing_pending_and_fits_its_findings(wait):
    manifest, rules, rounds = wait
    for _, _, _, decision, _ in Played(manifest, rules, rounds).steps:
        if not isinstance(decision, Verdict):
            continue
        told = {finding.status for finding in decision.findings}
        event(str(decision.status))
        assert Status.PENDING not in told
        assert (Status.FAILED in told) == (decision.status is Status.FAILED)
        if decision.status is Status.ERROR:
            assert Status.ERROR in told
        if decision.status is Status.PASSED:
            assert Status.ERROR not in told
        assert all(
            finding.reason is not None for finding in decision.findings if finding.status is not Status.PASSED
        )


@unhurried
@given(waits(), st.randoms(use_true_random=False))
def test_the_order_of_the_manifest_changes_nothing(wait, random):
    manifest, rules, rounds = wait
    other = replace(
        manifest,
        dags=tuple(random.sample(manifest.dags, len(manifest.dags))),
        patterns=tuple(random.sample(manifest.patterns, len(manifest.patterns))),
    )
    for one, two in zip(
        Played(manifest, rules, rounds).steps, Played(other, rules, rounds).steps, strict=True
    ):
        assert verdict_of(one[3]) is verdict_of(two[3])
        assert dict(one[2].finals) == dict(two[2].finals)


@unhurried
@given(waits(), st.floats(0, 10_000), st.booleans())
def test_more_time_never_turns_green_to_red_on_the_same_round(wait, later, last):
    manifest, rules, rounds = wait
    for observation, before, _, decision, now in Played(manifest, rules, rounds).steps:
        if verdict_of(decision) is Status.PASSED:
            _, again = judged(manifest, rules, before, observation, now + later, last=last)
            assert verdict_of(again) is Status.PASSED


class Airflow:
    """Plays rounds on the loop's own clock, the last of them for ever; each takes some time."""

    def __init__(self, clock, rounds, took):
        self.clock, self.rounds, self.took, self.count = clock, rounds, took, 0

    def inquire(self, inquiry, seen, deadline):
        return no_warnings(inquiry, seen)

    def observe(self, plan, deadline):
        self.clock.time += self.took[self.count % len(self.took)]
        observation = self.rounds[min(self.count, len(self.rounds) - 1)][1]
        self.count += 1
        return observation


@unhurried
@given(waits(), st.lists(st.sampled_from([0.0, 0.1, 3.0, 20.0, 70.0]), min_size=1, max_size=4))
def test_every_wait_ends_by_the_deadline_and_one_round(wait, took):
    manifest, rules, rounds = wait
    clock = FakeClock()

    outcome = run(
        Expectations(manifest), rules, Airflow(clock, rounds, took), clock, silent_progress(), "test"
    )

    assert outcome.status in (Status.PASSED, Status.FAILED, Status.ERROR)
    assert sum(clock.sleeps) <= rules.timeout
    assert clock.elapsed <= rules.timeout + max(took)
    assert outcome.findings
    assert all(finding.status is not Status.PENDING for finding in outcome.findings)
    event(str(outcome.status))


def test_the_oracle_takes_a_round_in_which_all_is_well_for_green():
    manifest = Manifest(dags=(ExpectedDag("a", "a.py", paused=False),), absent=("old",))

    assert not_held(manifest, seen(dag()), DEPLOYED, Rules(), ROOT) == []
    assert not_held(manifest, seen(dag(parsed=89)), DEPLOYED, Rules(), ROOT) == ["dag: a"]
    assert at(0) == DEPLOYED
