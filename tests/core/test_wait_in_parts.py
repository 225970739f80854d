"""A wait that goes on in other processes: what is forgotten makes it longer, and greener in one documented case only."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from oracle import not_held
from played import thorough, unhurried, waits
from rounds import DEPLOYED, ROOT, UNREAD, FakeClock, dag, no_warnings, seen, silent_progress

from validator.airflow.models import Task
from validator.checks.interface import SLOWEST_SYNC
from validator.checks.registry import run_checks
from validator.decision import Verdict, decide
from validator.expectations import Expectations
from validator.finding import Finding, Status
from validator.gate import Leg, begun, look, run
from validator.local.model import Definition, LocalFile, LocalFolder
from validator.manifest.model import ExpectedDag, ExpectedPattern, Manifest
from validator.memory import BITS, BUCKETS, FINALS, MARKS, leave
from validator.reasons import Reason
from validator.rules import Rules
from validator.serverless.token import LIMIT, BadToken, pack, unpack
from validator.service import Memory
from validator.settings import Settings
from validator.state import Mark, Places, Recalled, SourceTrack, Standing, State
from validator.target import Target

STARTED = datetime(2026, 1, 31, 8, 0, 0, 123456, tzinfo=timezone.utc)
PLAIN = Settings(Manifest(), Target("analytics-prod"))


def carried(state, view, now, rules, settings=PLAIN):
    """The state as another process finds it."""
    outcome = replace(begun(rules), state=leave(state, view, now, rules.grace), timeout=400.0)
    return unpack(pack(Memory(outcome, STARTED), settings), settings).outcome.state


def play(manifest, rules, rounds, cuts):
    """Each round's observation and decision; after a round that is cut another process goes on."""
    state = State(deployed_at=DEPLOYED)
    steps = []
    for number, ((now, observation), cut) in enumerate(zip(rounds, cuts, strict=False)):
        state = replace(state, answered=state.answered or observation.answered)
        state, view = look(Expectations(manifest), rules, state, observation, now)
        findings = run_checks(view)
        state, decision = decide(state, findings, now, rules, last=number == len(rounds) - 1)
        steps.append((observation, state, decision))
        if cut:
            state = carried(state, view, now, rules)
    return steps


def is_green(decision):
    return isinstance(decision, Verdict) and decision.status is Status.PASSED


cuts_ = st.lists(st.booleans(), min_size=4, max_size=4)


@thorough
@given(waits(), cuts_)
def test_a_green_of_the_last_part_holds_in_its_last_round(wait, cuts):
    manifest, rules, rounds = wait
    for observation, _, decision in play(manifest, rules, rounds, cuts):
        event("green" if is_green(decision) else "not green")
        if is_green(decision):
            assert not not_held(manifest, observation, DEPLOYED, rules, ROOT)


@thorough
@given(waits(), cuts_)
def test_what_was_finally_red_in_one_part_is_so_in_all_that_follow(wait, cuts):
    manifest, rules, rounds = wait
    reds = set()
    for _, state, decision in play(manifest, rules, rounds, cuts):
        if reds:
            assert state.first_final is not None
            assert not is_green(decision)
            assert state.finals
        if isinstance(decision, Verdict) and reds:
            assert decision.status is Status.FAILED
        reds |= set(state.finals)


@unhurried
@given(waits(), cuts_)
def test_a_wait_in_parts_is_green_no_earlier_than_in_one_piece(wait, cuts):
    """But for the DAG that two files define: red in one piece, and in parts only while it moves."""
    manifest, rules, rounds = wait
    whole = play(manifest, rules, rounds, [False] * len(rounds))
    parts = play(manifest, rules, rounds, cuts)
    for (_, state, one), (_, _, other) in zip(whole, parts, strict=True):
        if any(len(track.shown) > 1 for track in state.files.values()):
            return
        if is_green(other):
            assert is_green(one)


@unhurried
@given(waits(), cuts_)
def test_a_token_is_short_whatever_was_seen(wait, cuts):
    manifest, rules, rounds = wait
    for (_, state, _), (now, observation) in zip(play(manifest, rules, rounds, cuts), rounds, strict=True):
        _, view = look(Expectations(manifest), rules, state, observation, now)
        outcome = replace(begun(rules), state=leave(state, view, now, rules.grace))
        assert len(pack(Memory(outcome, STARTED), PLAIN)) <= 1_500


keys = st.binary(min_size=6, max_size=6)
moments = st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1)).map(  # noqa: DTZ001 - the zone follows
    lambda one: one.replace(tzinfo=timezone.utc)
)
spans = st.none() | st.floats(0, 86_400, width=32)
marks_ = st.builds(
    Mark,
    st.sampled_from(list(Status)),
    st.none() | st.sampled_from(list(Reason)),
    st.floats(0, 86_400, width=32),
    spans,
    st.integers(0, 65_535),
    moments,
)
recalled_ = st.builds(
    Recalled,
    st.dictionaries(keys, marks_, max_size=MARKS),
    st.dictionaries(keys, st.sampled_from(list(Reason)), max_size=FINALS),
    st.integers(0, 10_000),
    st.none()
    | st.builds(
        Places,
        st.tuples(*[st.integers(0, 2**24 - 1)] * BUCKETS),
        st.frozensets(st.integers(0, BUCKETS - 1)),
        st.floats(0, 86_400),
        st.frozensets(st.integers(0, BUCKETS - 1)),
        st.integers(0, 2**16 - 1),
    ),
    st.none()
    | st.builds(
        Standing,
        st.integers(0, 2**32 - 1),
        st.lists(st.booleans(), max_size=40).map(tuple) | st.just((True, False) * (BITS // 2)),
        moments,
        st.booleans(),
    ),
)
states_ = st.builds(
    State,
    deployed_at=moments,
    answered_at=st.floats(-60, 86_400),  # a later Date can move it back
    answered=st.booleans(),
    first_final=spans,
    green_since=spans,
    denied_rounds=st.integers(0, 255),
    cycle_over_at=moments,
    objects_held=st.booleans(),
    changed_at=spans,
    recalled=recalled_,
)


@unhurried
@given(states_, st.integers(0, 2**32 - 1), spans)
def test_a_token_gives_back_exactly_what_was_put_in_and_is_never_too_long(state, calls, took):
    outcome = replace(begun(Rules()), state=state, timeout=1234.5, timed=True, took=took or 0.0)
    memory = Memory(outcome, STARTED, calls, min(calls, 7))
    token = pack(memory, PLAIN)

    assert unpack(token, PLAIN) == memory
    assert len(token) <= 1_500 <= LIMIT


def full_token(settings=PLAIN):
    state = State(deployed_at=DEPLOYED, answered=True, recalled=Recalled(more_finals=1))
    return pack(Memory(replace(begun(Rules()), state=state), STARTED, 5), settings)


@given(st.data())
def test_a_token_that_was_changed_anywhere_is_refused(data):
    token = full_token()
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda one: one != token[place]))
    changed = token[:place] + other + token[place + 1 :]
    if place == len(token) - 1 and changed.isascii():
        return  # the last character holds bits that stand for nothing
    with pytest.raises(BadToken):
        unpack(changed, PLAIN)


@given(
    st.text(max_size=3000)
    | st.binary(max_size=1500).map(lambda one: "1." + one.hex())
    | st.integers()
    | st.none()
)
def test_anything_else_is_no_token(text):
    with pytest.raises(BadToken):
        unpack(text, PLAIN)


FOLDER = LocalFolder("dags", files=(LocalFile("a.py", (Definition("a", 1),), text="a"),))


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAIN, target=Target("other")),
        replace(PLAIN, target=Target("analytics-prod", "eu-west-1")),
        replace(PLAIN, manifest=Manifest(dags=(ExpectedDag("a"),))),
        replace(PLAIN, rules=Rules(sync=1.0)),
        replace(PLAIN, folder=FOLDER),
        replace(PLAIN, folder=replace(FOLDER, files=(replace(FOLDER.files[0], text="b"),))),
    ],
)
def test_a_token_belongs_to_one_waits_settings(other):
    with pytest.raises(BadToken, match="another wait"):
        unpack(full_token(), other)
    assert unpack(full_token(other), other)


class Airflow:
    """An observer whose rounds are given: each a function of the second at which it begins."""

    def __init__(self, clock, answer):
        self.clock = clock
        self.answer = answer
        self.asked = []

    def observe(self, plan, deadline):
        return self.answer(self.clock.elapsed)

    def inquire(self, inquiry, observation, deadline):
        self.asked.append(inquiry)
        return self.answer(self.clock.elapsed, inquiry)


def in_parts(answer, expectations, rules, *, seconds, gap, settings=PLAIN):
    """Play a whole wait in parts of so many seconds, with so many between; gives the last outcome, and what was asked."""
    clock = FakeClock()
    airflow = Airflow(clock, answer)
    before, legs = begun(rules), 0
    while True:
        gone_by = clock.elapsed
        leg = Leg(before, gone_by, gone_by + seconds)
        outcome = run(expectations, rules, airflow, clock, silent_progress(), "test", leg)
        legs += 1
        if outcome.next_look is None:
            return outcome, airflow, legs
        state = leave(outcome.state, outcome.view, outcome.elapsed, rules.grace)
        bare = replace(outcome, state=state, findings=(), seen=None, view=None, next_look=None)
        before = unpack(pack(Memory(bare, STARTED), settings), settings).outcome
        clock.time += gap


def plain(make):
    """An answer that only lists: what else is asked gets an empty list of warnings."""
    return lambda now, inquiry=None: make(now) if inquiry is None else no_warnings(inquiry, make(now))


def test_a_wait_in_parts_ends_green_like_one_in_one_piece():
    answer = plain(lambda now: seen(dag(parsed=now if now >= 95 else -50), now=now))
    rules = Rules(deployed_at=DEPLOYED)
    outcome, _, legs = in_parts(
        answer, Expectations(Manifest(dags=(ExpectedDag("a"),))), rules, seconds=38.0, gap=30.0
    )

    assert outcome.status is Status.PASSED
    assert outcome.elapsed < 140
    assert legs > 1


def test_a_wait_in_parts_is_red_at_its_deadline():
    answer = plain(lambda now: seen(dag(parsed=-50), now=now))
    rules = Rules(deployed_at=DEPLOYED, timeout=200.0)
    outcome, _, _ = in_parts(
        answer, Expectations(Manifest(dags=(ExpectedDag("a"),))), rules, seconds=38.0, gap=30.0
    )

    assert outcome.status is Status.FAILED
    assert 199 <= outcome.elapsed <= 231, "the part that comes next after the deadline has the last look"


def test_a_red_that_ripens_over_parts_is_final_no_later_than_in_one_piece():
    answer = plain(lambda now: seen(dag(parsed=now + 100, paused=True), now=now + 100))
    rules = Rules(deployed_at=DEPLOYED, grace=60.0)
    expected = Expectations(Manifest(dags=(ExpectedDag("a", paused=False),)))
    outcome, _, legs = in_parts(answer, expected, rules, seconds=15.0, gap=30.0)

    assert outcome.status is Status.FAILED
    assert outcome.elapsed <= 90
    assert legs > 1


def test_a_match_that_moved_between_two_parts_must_stay_where_it_is():
    """Matches share their groups: which of them moved is not known."""
    answer = plain(
        lambda now: seen(
            dag(parsed=now + 100, path="a.py" if now < 15 else "b.py"), dag("z", parsed=-9), now=now + 100
        )
    )
    rules = Rules(deployed_at=DEPLOYED, grace=60.0, stable_for=20.0)
    expected = Expectations(Manifest(patterns=(ExpectedPattern("a", 1),)))
    outcome, _, _ = in_parts(answer, expected, rules, seconds=12.0, gap=30.0)

    assert outcome.status is Status.PASSED
    assert outcome.elapsed >= 30 + 60


@pytest.mark.parametrize("half", [{"whole": False}, {"dags_unread": UNREAD}])
def test_a_dag_that_moved_between_two_parts_is_no_green_on_half_a_list_either(half):
    """A list that kept changing, or broke off, may still show every DAG that is expected by its id."""

    def answer(now):
        late = dag("late", parsed=now + 100 if now > 15 else -9)
        moves = dag(parsed=now + 100, path="a.py" if now < 15 else "b.py")
        return seen(moves, late, now=now + 100, **(half if now > 15 else {}))

    rules = Rules(deployed_at=DEPLOYED, grace=60.0, timeout=70.0)
    expected = Expectations(Manifest(dags=(ExpectedDag("a"), ExpectedDag("late"))))
    outcome, _, legs = in_parts(plain(answer), expected, rules, seconds=12.0, gap=30.0)

    assert outcome.status is not Status.PASSED
    assert legs > 1


def test_half_a_list_leaves_the_rest_to_be_compared():
    expected = Expectations(Manifest(dags=(ExpectedDag("a"), ExpectedDag("b"))))
    state, view = look(expected, Rules(), State(deployed_at=DEPLOYED), seen(dag(), dag("b")), 0.0)
    state = carried(state, view, 0.0, Rules())
    state, _ = look(expected, Rules(), state, seen(dag(), whole=False), 10.0)
    assert state.files["a"].moved_at is None
    state, _ = look(expected, Rules(), state, seen(dag(), dag("b", path="c.py")), 20.0)

    assert state.files["a"].moved_at is None
    assert state.files["b"].moved_at == 20.0


WHERE = {
    "gone in the first look of a part, and then elsewhere": [("a.py", True), (None, True), ("b.py", True)],
    "gone for long, and then elsewhere": [("a.py", True), *[(None, True)] * 9, ("b.py", True)],
    "elsewhere on half a list only": [("a.py", True), ("b.py", False), *[("a.py", True)] * 2],
}


@pytest.mark.parametrize("story", WHERE.values(), ids=WHERE)
@pytest.mark.parametrize("cut_after", [{0}, {0, 1}, {0, 1, 2}, {0, 9}, {9}])
def test_a_dag_is_missed_by_all_parts_that_follow(story, cut_after):
    """In one piece it must stay for the grace time wherever it comes back: nothing may be green sooner in parts."""
    nows = [10.0 * number for number in range(len(story))]
    rounds = [
        (
            now,
            seen(*([dag(path=path, parsed=100 + now)] if path else []), dag("z"), now=120 + now, whole=whole),
        )
        for now, (path, whole) in zip(nows, story, strict=True)
    ]
    manifest, rules = Manifest(dags=(ExpectedDag("a"),)), Rules(deployed_at=DEPLOYED, grace=60.0)
    steps = play(manifest, rules, rounds, [number in cut_after for number in range(len(rounds))])

    assert not is_green(steps[-1][2])


@pytest.mark.parametrize("count", [1, 20, BUCKETS])
def test_a_dag_that_is_in_another_file_than_a_new_parse_of_the_part_before_is_defined_twice(count):
    """Each part sees it in one file only; the DAGs that share nothing with another are told apart by their bucket."""

    def answer(now):
        others = [dag(f"d{number}", parsed=now + 100) for number in range(count - 1)]
        late = dag("late", parsed=now + 100 if now > 150 else -50)
        path = "a.py" if now < 15 else "b.py"
        return seen(dag(parsed=now + 100, path=path), *others, late, now=now + 100)

    ids = ["a", "late", *(f"d{number}" for number in range(count - 1))][:BUCKETS]
    expected = Expectations(Manifest(dags=tuple(map(ExpectedDag, ids))))
    outcome, _, legs = in_parts(plain(answer), expected, Rules(deployed_at=DEPLOYED), seconds=12.0, gap=30.0)

    assert legs > 1
    assert outcome.status is Status.FAILED
    red = next(finding for finding in outcome.findings if finding.id == "dags/a")
    assert (red.status, red.reason) == (Status.FAILED, Reason.DAG_WRONG_FILE)
    assert "b.py and, before, in another file" in red.message


def test_a_dag_that_moved_before_the_files_arrived_is_not_defined_twice():
    answer = plain(lambda now: seen(dag(parsed=now, path="a.py" if now < 15 else "b.py"), now=now))
    expected = Expectations(Manifest(dags=(ExpectedDag("a"),)))
    outcome, _, _ = in_parts(answer, expected, Rules(deployed_at=DEPLOYED), seconds=12.0, gap=30.0)

    assert outcome.status is Status.PASSED


def test_other_dags_that_come_and_go_do_not_make_one_defined_twice():
    def answer(now):
        others = [dag(f"o{int(now // 42)}{number}", parsed=now + 100) for number in range(30)]
        return seen(dag(parsed=now + 100), *others, now=now + 100)

    manifest = Manifest(dags=(ExpectedDag("a"),), patterns=(ExpectedPattern("o*", 1),))
    rules = Rules(deployed_at=DEPLOYED, timeout=200.0)
    outcome, _, _ = in_parts(plain(answer), Expectations(manifest), rules, seconds=12.0, gap=30.0)

    assert not [
        finding
        for finding in outcome.findings
        if finding.reason is Reason.DAG_WRONG_FILE
        and finding.status is Status.FAILED
        and "defines this id" in finding.message
    ]


def test_a_match_that_went_between_two_parts_is_waited_for():
    """In one piece it is missed for the grace time; here nobody knows its name."""

    def answer(now):
        rows = [dag("b", parsed=now + 100)] + ([dag("a", parsed=now + 100)] if now < 15 else [])
        return seen(*rows, now=now + 100)

    rules = Rules(deployed_at=DEPLOYED, grace=60.0, stable_for=20.0)
    expected = Expectations(Manifest(patterns=(ExpectedPattern("?", 1),)))
    outcome, _, _ = in_parts(plain(answer), expected, rules, seconds=12.0, gap=30.0)

    assert outcome.status is Status.PASSED
    assert outcome.elapsed >= 30 + 60


@pytest.mark.parametrize("count", [1, 40, 3_000])
def test_tasks_that_were_right_are_not_read_again_in_every_part(count):
    """But for two spot checks a round."""
    ids = [f"dag_{number}" for number in range(count)]

    def answer(now, inquiry=None):
        late = dag("late", parsed=now + 100 if now > 150 else -50)
        one = seen(*(dag(dag_id, parsed=now + 100) for dag_id in ids), late, now=now + 100, airflow="2")
        if inquiry is None:
            return one
        tasks = {dag_id: (Task("only", None),) for dag_id in inquiry.tasks}
        return no_warnings(inquiry, replace(one, details=replace(one.details, tasks=tasks)))

    manifest = Manifest(dags=(*(ExpectedDag(dag_id, tasks=("only",)) for dag_id in ids), ExpectedDag("late")))
    outcome, airflow, legs = in_parts(
        answer, Expectations(manifest), Rules(deployed_at=DEPLOYED), seconds=38.0, gap=30.0
    )

    assert outcome.status is Status.PASSED
    assert legs >= 2
    asked = [len(inquiry.tasks) for inquiry in airflow.asked]
    assert sum(asked) <= count * (1 if count <= BITS else 2) + 2 * len(asked)


def test_what_stood_is_forgotten_where_other_things_are_expected():
    """An upgrade between two parts, say, after which other files count."""
    view = look(
        Expectations(Manifest(dags=(ExpectedDag("a", tasks=("t",)),))),
        Rules(),
        State(deployed_at=DEPLOYED),
        seen(dag()),
        0,
    )[1]
    kept = {"dags/a/tasks": Finding("dags/a/tasks", "dags", "a", Status.PASSED, "Right.", keeps=True)}
    state = carried(State(deployed_at=DEPLOYED, kept=kept), view, 0.0, Rules())
    same, _ = look(Expectations(view.manifest), Rules(), state, seen(dag()), 30.0)
    other, _ = look(
        Expectations(Manifest(dags=(ExpectedDag("a", tasks=("t",)), ExpectedDag("b", tasks=("t",))))),
        Rules(),
        state,
        seen(dag(), dag("b")),
        30.0,
    )

    assert "dags/a/tasks" in same.kept
    assert not other.kept


@pytest.mark.parametrize("moved", [False, True])
def test_an_equal_source_counts_from_the_latest_of_all(moved):
    words = frozenset({"airflow", "dag"})
    files = tuple(LocalFile(f"{name}.py", (Definition(name, 1),), text="x", words=words) for name in "ab")
    expectations = Expectations(Manifest(), LocalFolder("dags", files=files))
    rules = Rules()
    _, view = look(expectations, rules, State(deployed_at=DEPLOYED), seen(dag(), dag("b")), 0.0)
    tracks = {
        "a.py": SourceTrack(0.0, equal_since=DEPLOYED + timedelta(seconds=70), held=True),
        "b.py": SourceTrack(0.0, equal_since=DEPLOYED + timedelta(seconds=80), held=True, moved=moved),
    }
    state = carried(State(deployed_at=DEPLOYED, sources=tracks), view, 0.0, rules)
    state, _ = look(expectations, rules, state, seen(dag(), dag("b")), 30.0)

    assert {track.equal_since for track in state.sources.values()} == {DEPLOYED + timedelta(seconds=80)}
    assert {track.held for track in state.sources.values()} == {not moved}, (
        "once one was another text at first, a later text that differs may be that one again: late, not another's"
    )


def test_a_text_is_there_for_long_by_its_own_first_look_only():
    """A first look so late needs no later parse. The latest of all looks stands for each, and must not say so of all."""
    words = frozenset({"airflow", "dag"})
    files = tuple(LocalFile(f"{name}.py", (Definition(name, 1),), text="x", words=words) for name in "ab")
    expectations = Expectations(Manifest(), LocalFolder("dags", files=files))
    rules = Rules(deployed_at=DEPLOYED)
    late = 60 + SLOWEST_SYNC.total_seconds()

    def current(first, second):
        tracks = {
            name: SourceTrack(0.0, equal_since=DEPLOYED + timedelta(seconds=since), held=True)
            for name, since in (("a.py", first), ("b.py", second))
        }
        rows = dag(parsed=late - 15), dag("b", parsed=late - 15)
        state = State(deployed_at=DEPLOYED, sources=tracks)
        state, view = look(expectations, rules, state, seen(*rows, now=late + 20), 0.0)
        yield {one for one in "ab" if view.is_current(view.listed[one])}
        state = carried(state, view, 0.0, rules)
        _, view = look(expectations, rules, state, seen(*rows, now=late + 40), 20.0)
        yield {one for one in "ab" if view.is_current(view.listed[one])}

    assert list(current(late - 1, late)) == [{"b"}, set()]
    assert list(current(late, late + 10)) == [{"a", "b"}] * 2
    assert list(current(late - 10, late - 1)) == [set()] * 2


def test_only_so_many_reds_are_remembered_by_name_and_the_others_are_counted():
    reds = {
        f"dags/d{n}": Finding(f"dags/d{n}", "dags", f"d{n}", Status.FAILED, "Red.", Reason.DAG_STALE)
        for n in range(40)
    }
    state = carried(State(deployed_at=DEPLOYED, finals=reds, first_final=1.0), None, 5.0, Rules())
    findings = [Finding("dags/d0", "dags", "d0", Status.PASSED, "Well.")]
    _, decision = decide(state, findings, 10.0, Rules(), last=False)

    assert decision.status is Status.FAILED
    by_id = {finding.id: finding for finding in decision.findings}
    assert "finally red in an earlier look (dag-stale)" in by_id["dags/d0"].message
    assert by_id["gate/earlier-looks"].message.startswith("Of what was finally red in an earlier look 39 ")


def test_reds_that_cannot_be_named_are_as_many_after_another_part():
    findings = [
        Finding(f"dags/d{n}", "dags", f"d{n}", Status.PENDING, "Red.", Reason.DAG_STALE) for n in range(40)
    ]
    reds = {one.id: replace(one, status=Status.FAILED) for one in findings}
    state, rules = State(deployed_at=DEPLOYED, finals=reds, first_final=1.0), Rules(fail_fast=False)
    for part in range(3):
        state = carried(state, None, 5.0 + part, rules)
        state, _ = decide(state, findings, 6.0 + part, rules, last=False)
        assert len(state.finals) == FINALS + 1
        assert state.finals["gate/earlier-looks"].details == {"count": 40 - FINALS}
