"""Whole waits for hypothesis to play: a manifest, rules, and what each round sees; mostly well, with a few oddities."""

from dataclasses import replace
from functools import cache

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
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
"""A busy machine is no failure."""
thorough = settings(unhurried, max_examples=1200)
"""For the two properties that the gate stands on."""
FILES = [f"{dag_id}.py" for dag_id in ("a", "b", "ab", "old")]
DENIED = Unread(Reason.ACCESS_DENIED, "not allowed")
NEVER = Unread(Reason.ACCESS_DENIED, "never allowed", heals=False)

unreads = (UNREAD, DENIED, NEVER)


@cache
def _places(count):
    return st.sampled_from(range(count))


def _pick(draw, values):
    """One of these; what is well stands several times, so that green comes up at all.

    A strategy that hypothesis has not seen before costs it more than the draw does, so these share a few.
    """
    return values[draw(_places(len(values)))]


_ids = st.lists(st.sampled_from(["a", "b", "ab"]), unique=True, max_size=3)
_globs = st.lists(st.sampled_from(["a*", "?", "*"]), unique=True, max_size=2)


def _manifest(draw):
    """One or more expectations on a few ids."""
    dags = tuple(
        ExpectedDag(dag_id, _pick(draw, (None, None, f"{dag_id}.py")), _pick(draw, (None, None, False)))
        for dag_id in draw(_ids)
    )
    return Manifest(
        dags=dags,
        patterns=tuple(ExpectedPattern(glob, _pick(draw, (0, 1, 2))) for glob in draw(_globs)),
        absent=_pick(draw, ((), (), ("old",))),
        import_errors=ImportErrorRule(_pick(draw, ("mine", "all")), _pick(draw, ((), (), ("old.py",)))),
        health=HealthRule(
            require=_pick(draw, ((), (), ("triggerer",))),
            ignore=_pick(draw, ((), (), ("triggerer",), ("scheduler",))),
        ),
    )


def _row(draw, dag_id, now, airflow, *, odd):
    """One DAG: parsed just now and sound, unless it is odd; then in one way or another."""
    way = _pick(draw, ("parsed", "parsed", "path", "path", "active", "paused", "broken")) if odd else None
    parsed = (
        _pick(draw, (now - 3, 60.0, 89.9, 90.0, -50.0, None, now + 9, now + 11)) if way == "parsed" else now
    )
    return dag(
        dag_id,
        parsed,
        path=_pick(draw, FILES) if way == "path" else f"{dag_id}.py",
        active=way != "active",
        paused=_pick(draw, (True, None)) if way == "paused" else False,
        broken=way == "broken",
        airflow=airflow,
    )


def _sick_health(draw, now):
    """Everything well but one component, that may be in any state."""
    name = _pick(draw, ("metadatabase", "scheduler", "triggerer", "dag_processor", "new"))
    status = _pick(draw, ("healthy", "healthy", "unhealthy", None, "?"))
    beat = _pick(draw, (now - 2, now - 60, now - 61, now - 150, now + 9, now + 11, None))
    return health(now, **{name: _pick(draw, (None, *[component(name, status, beat)] * 3))})


_oddities = [
    st.sets(
        st.sampled_from(
            [
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
        ),
        max_size=most,
    )
    for most in (0, 1, 2)
]


def _observation(draw, now, airflow):
    """What one round may see: all is well, but for a few oddities."""
    odd = draw(_oddities[_pick(draw, (0, 1, 1, 2))])
    if "nothing" in odd:
        return nothing_seen(now, _pick(draw, unreads))
    listed, errors, others = ["a", "b", "ab"], [], {}
    if "listed" in odd:
        listed = _pick(draw, (["a"], ["a", "b", "ab", "old"], ["b", "ab"], []))
    if "errors" in odd:
        broken = _pick(draw, (["old.py"], ["a.py"], ["b.py", "x.py"], ["ab.py"]))
        stamps = [_pick(draw, (now, 60.0, 59.9, -10.0, None)) for _ in broken]
        errors = [
            error(path, stamp, number=number, airflow=airflow)
            for number, (path, stamp) in enumerate(zip(broken, stamps, strict=True))
        ]
    if "gone" in odd:
        row = dag("ab", now, active=False, broken=True, airflow=airflow)
        others["gone"] = _pick(draw, ({}, UNREAD, {"ab": row}))
    if "unread" in odd:
        others[_pick(draw, ("health", "dags_unread", "errors_unread"))] = _pick(draw, unreads)
    if "half" in odd:
        others[_pick(draw, ("whole", "errors_whole"))] = False
    if "role" in odd:
        others["reads_all"] = _pick(draw, (False, UNREAD))
    if "health" in odd:
        others.setdefault("health", _sick_health(draw, now))
    which = _pick(draw, listed) if "row" in odd and listed else None
    return seen(
        *[_row(draw, dag_id, now, airflow, odd=dag_id == which) for dag_id in listed],
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


_gaps = st.lists(st.sampled_from([0.5, 10.0, 61.0]), min_size=1, max_size=4)


@st.composite
def waits(draw):
    """A manifest, rules, and rounds at rising moments; the first may come long after the deploy."""
    airflow = _pick(draw, ("2", "3.0", "3.3"))
    late = _pick(draw, (0.0, 120.0, 120.0, 120.0))
    gaps = draw(_gaps)
    nows = [sum(gaps[:n]) for n in range(len(gaps))]
    rounds = [(now, _observation(draw, late + now, airflow)) for now in nows]
    return _manifest(draw), draw(rules_), rounds


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
