"""Whole waits for hypothesis to play: a manifest, rules, and what each round sees; mostly well, with a few oddities."""

from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from rounds import DEPLOYED, UNREAD, component, dag, error, health, nothing_seen, seen

from validator.airflow.models import Unread
from validator.checks.registry import run_checks
from validator.decision import decide
from validator.expectations import Expectations
from validator.gate import look
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
