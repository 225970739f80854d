"""What holds for every sequence of rounds: nothing that is wrong may look right, and every wait ends."""

from dataclasses import replace
from datetime import timedelta
from fnmatch import fnmatchcase

from hypothesis import event, given
from hypothesis import strategies as st
from oracle import not_held, unread_of
from played import Played, judged, thorough, unhurried, waits
from rounds import (
    DEPLOYED,
    ROOT,
    FakeClock,
    at,
    dag,
    no_warnings,
    seen,
    silent_progress,
)

from validator.decision import Verdict
from validator.expectations import Expectations
from validator.finding import Status
from validator.gate import run
from validator.manifest.model import ExpectedDag, Manifest
from validator.reasons import Reason
from validator.rules import Rules


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
        if decision.status is Status.ERROR:  # something was not read, or nothing was decided
            undecided = any(finding.reason is Reason.UNDECIDED for finding in decision.findings)
            assert Status.ERROR in told or undecided
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
