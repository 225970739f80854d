"""Smoke runs, started, watched and cleaned up, with every fault between a call and its answer."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smoked import CUT, DENIED, DONE, LATE, LOST, THROTTLED, Airflow, Life, later, phase_of, played, wants

from validator.errors import CallFailed, CannotTell
from validator.gate import Interrupted
from validator.reasons import Reason
from validator.smoke.attempts import attempts_of, not_started

FAILED = Life(
    state="failed", tasks=(("extract", "success", 1), ("load", "failed", 2), ("tell", "upstream_failed", 0))
)
FOREVER = Life(running=1e9, tasks=(("load", "running", 1),))


def one(airflow, *wanted, **others):
    found = played(airflow, *(wanted or (wants(),)), **others)
    return next(iter(found.values()))


def short(finding):
    return str(finding.status), finding.reason and str(finding.reason)


# How runs end


def test_a_run_that_succeeds_passes_with_its_real_duration_and_is_removed():
    airflow = Airflow()

    found = one(airflow, wants(keep="never", tasks={"load": "success"}, max_duration=10.0))

    assert short(found) == ("passed", None)
    assert found.took == 5.0
    assert found.details["state"] == "success"
    assert found.details["tasks"] == [{"task_id": "load", "state": "success", "try": 1, "duration_s": 5.0}]
    assert airflow.made == {}


@pytest.mark.parametrize(("keep", "ok", "bad"), [("always", 1, 1), ("on-failure", 0, 1), ("never", 0, 0)])
def test_a_run_stays_as_keep_says(keep, ok, bad):
    for life, stays in ((Life(), ok), (FAILED, bad), (FOREVER, bad)):
        airflow = Airflow(lives={"a": life})
        played(airflow, wants(keep=keep, timeout=30.0))
        assert len(airflow.made) == stays


def test_a_run_that_fails_is_red_and_names_the_task_its_try_and_the_end_of_its_log():
    found = one(Airflow(lives={"a": FAILED}))

    assert short(found) == ("failed", "smoke-failed")
    assert "load failed in try 2" in found.message
    assert "tell" not in found.message, "it only did not get its turn"
    assert found.details["stack_trace"] == "Traceback\nboom"


def test_a_log_that_cannot_be_read_changes_nothing_else():
    found = one(Airflow(lives={"a": FAILED}, script={"log_end": [CUT]}))

    assert short(found) == ("failed", "smoke-failed")
    assert "stack_trace" not in found.details


def test_a_run_that_must_fail_passes_where_it_does():
    assert short(one(Airflow(lives={"a": FAILED}), wants(state="failed"))) == ("passed", None)
    assert short(one(Airflow(), wants(state="failed"))) == ("failed", "smoke-failed")


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ({"load": "skipped"}, "task load is success, and skipped is expected"),
        ({"notify": "skipped"}, "it has no task notify"),
    ],
)
def test_tasks_must_end_as_expected(tasks, said):
    found = one(Airflow(), wants(tasks=tasks))

    assert short(found) == ("failed", "smoke-failed")
    assert said in found.message


def test_of_a_mapped_task_every_instance_must_end_so():
    life = Life(tasks=(("load", "success", 1), ("load", "skipped", 1)))

    assert short(one(Airflow(lives={"a": life}), wants(tasks={"load": "success"}))) == (
        "failed",
        "smoke-failed",
    )


def test_tasks_that_cannot_be_read_are_no_pass_where_they_matter():
    script = {"task_instances": [CUT] * 9}

    assert short(one(Airflow(script=dict(script)), wants(tasks={"load": "success"})))[0] == "error"
    assert short(one(Airflow(script=dict(script)))) == ("passed", None)


def test_a_run_that_takes_too_long_by_its_own_times_is_red():
    found = one(Airflow(), wants(max_duration=4.0))

    assert short(found) == ("failed", "smoke-failed")
    assert "at most 4s" in found.message


@pytest.mark.parametrize(
    ("life", "said"), [(FOREVER, "load is running (try 1)"), (Life(queued=1e9), "is queued")]
)
def test_a_run_that_does_not_end_in_time_is_a_timeout_that_says_where_it_stands(life, said):
    airflow = Airflow(lives={"a": life})

    found = one(airflow, wants(timeout=30.0))

    assert short(found) == ("failed", "smoke-timeout")
    assert said in found.message
    assert airflow.clock.time < 100 + 30 + 15


def test_runs_go_on_side_by_side():
    airflow = Airflow()

    found = played(airflow, *(wants(name) for name in "abcdefgh"))

    assert {short(each) for each in found.values()} == {("passed", None)}
    assert airflow.clock.time < 100 + 15
    assert airflow.asked.count("find") < 8, "one list tells of all"


# What is not started


def test_a_paused_dag_is_told_and_not_triggered():
    airflow = Airflow(paused={"a"})

    found = one(airflow)

    assert short(found) == ("failed", "smoke-failed")
    assert "paused" in found.message
    assert "unpause: true" in found.advice
    assert "trigger" not in airflow.asked


def test_a_dag_that_is_unpaused_for_its_run_is_paused_again():
    airflow = Airflow(paused={"a"})

    assert short(one(airflow, wants(unpause=True))) == ("passed", None)
    assert airflow.paused == {"a"}


def test_a_dag_that_was_not_paused_stays_so():
    airflow = Airflow()

    assert short(one(airflow, wants(unpause=True))) == ("passed", None)
    assert "set_paused" not in airflow.asked


@pytest.mark.parametrize(
    ("longest", "kept", "keep"), [(0, 250, "always"), (250, 0, "never"), (250, 0, "on-failure")]
)
def test_what_paths_cannot_hold_is_told_before_anything_is_done(longest, kept, keep):
    airflow = Airflow(longest_id=longest, kept_ids=kept)

    found = one(airflow, wants(keep=keep))

    assert short(found) == ("error", "path-too-long")
    assert not found.heals
    assert airflow.asked == []


def test_a_run_that_need_not_be_removed_needs_no_path_for_it():
    assert short(one(Airflow(kept_ids=0), wants(keep="always"))) == ("passed", None)


@pytest.mark.parametrize("keep", ["never", "on-failure"])
def test_an_event_whose_run_paths_could_not_remove_is_not_sent(keep):
    airflow = Airflow(consumers={"s3://x": ["a"]}, kept_ids=0)

    found = one(airflow, wants(uri="s3://x", keep=keep))

    assert short(found) == ("error", "path-too-long")
    assert "be removed again" in found.message
    assert "keep: always" in found.message
    assert (airflow.asked, airflow.events) == ([], [])
    assert short(one(airflow, wants(uri="s3://x", keep="always"))) == ("passed", None)


def test_a_denied_trigger_cannot_tell_and_names_the_role():
    airflow = Airflow(script={"trigger": [DENIED]})

    found = one(airflow)

    assert short(found) == ("error", "access-denied")
    assert "User" in found.advice
    assert "Op" in found.advice
    assert "remove" not in airflow.asked


def refusing(status, *, throttled=False):
    """A call of the script that is answered with that status, once."""

    def refuse():
        raise CallFailed(
            Reason.UNREACHABLE, f"it was answered with {status}", status=status, throttled=throttled
        )

    return refuse


@pytest.mark.parametrize("call", ["trigger", "is_paused", "set_paused", "send_event"])
def test_a_start_that_is_throttled_to_the_end_is_no_word_of_airflow_on_the_dag(call):
    fates = [refusing(429, throttled=True)] * 9
    airflow = Airflow(paused={"a"}, script={call: fates})
    uri = "s3://x" if call == "send_event" else None

    assert short(one(airflow, wants(unpause=True, uri=uri, timeout=60.0))) == ("error", "unreachable")
    assert airflow.made == {}
    assert airflow.paused == {"a"}


@pytest.mark.parametrize("call", ["trigger", "send_event"])
def test_a_start_that_is_throttled_for_a_while_is_made_again(call):
    airflow = Airflow(consumers={"s3://x": ["a"]}, script={call: [refusing(429, throttled=True)]})
    uri = "s3://x" if call == "send_event" else None

    assert short(one(airflow, wants(uri=uri, timeout=120.0))) == ("passed", None)


def test_where_something_else_is_not_green_none_starts():
    found = not_started([wants(), wants("b")])

    assert [(each.id, *short(each)) for each in found] == [
        ("smoke/a", "skipped", "undecided"),
        ("smoke/b", "skipped", "undecided"),
    ]


# The same gate, once more


def test_the_same_key_finds_the_run_that_is_there_and_makes_no_second_one():
    airflow = Airflow()
    first = phase_of(airflow, wants(keep="always"))
    first.run(ends_at=0.0)
    (made,) = airflow.made

    found = one(airflow, wants(keep="always"))

    assert short(found) == ("passed", None)
    assert list(airflow.made) == [made]


def test_another_key_makes_another_run():
    airflow = Airflow()
    played(airflow, wants(keep="always"), key="one")
    played(airflow, wants(keep="always"), key="two")

    assert len(airflow.made) == 2


def test_a_run_of_long_ago_under_the_same_id_proves_nothing_and_is_left_alone():
    airflow = Airflow()
    played(airflow, wants(keep="always"))
    airflow.clock.time += 7200

    found = one(airflow, wants(keep="never"))

    assert short(found) == ("error", "superseded")
    assert "--run-key" in found.advice
    assert len(airflow.made) == 1


@pytest.mark.parametrize(("seconds", "word"), [(-1.0, "passed"), (30.0, "error")])
def test_a_run_from_before_the_deploy_proves_nothing_of_it(seconds, word):
    airflow = Airflow()
    made_at = airflow._now()
    played(airflow, wants(keep="always"))
    airflow.clock.time += 60

    found = one(airflow, wants(keep="always"), not_before=made_at + timedelta(seconds=seconds))

    assert found.status == word


def test_ids_do_not_depend_on_the_order_of_entries_and_no_two_are_the_same():
    entries = [wants("a"), wants("b"), wants("a"), wants("a", conf={"x": 1})]

    ids = [each.run_id for each in attempts_of(entries, "key")]
    turned = {each.run_id for each in attempts_of(entries[::-1], "key")}

    assert len(set(ids)) == 4
    assert set(ids) == turned
    assert all(len(each) == 10 for each in ids)
    assert [each.about.id for each in attempts_of(entries, "key")] == [
        "smoke/a",
        "smoke/b",
        "smoke/a/2",
        "smoke/a/3",
    ]


def test_a_run_that_somebody_removes_cannot_tell():
    airflow = Airflow(lives={"a": FOREVER})
    airflow.script["find"] = [DONE, airflow.made.clear]

    assert short(one(airflow)) == ("error", "superseded")


# What a run is told


def test_a_log_that_prints_what_the_run_was_told_does_not_take_it_into_a_report():
    airflow = Airflow(lives={"a": FAILED})
    airflow.log = "password=hush-hush\nboom"

    found = one(airflow, wants(conf={"login": ["hush-hush"]}))

    assert found.details["stack_trace"] == "password=***\nboom"


@pytest.mark.parametrize("status", [400, 500, None])
@pytest.mark.parametrize("call", ["trigger", "send_event"])
def test_an_answer_that_quotes_what_was_sent_does_not_take_it_into_a_report(call, status):
    def quote():
        raise CallFailed(Reason.UNREACHABLE, "no good: file=probe.csv", status=status)

    uri = "s3://x" if call == "send_event" else None
    conf = {} if uri else {"file": "probe.csv"}
    found = one(Airflow(script={call: [quote] * 9}), wants(uri=uri, conf=conf, timeout=5.0))

    assert found.status in ("failed", "error")
    assert "probe.csv" not in repr(found)


def test_a_call_that_cannot_be_made_does_not_take_what_was_to_be_sent_into_a_report():
    def quote():
        raise CannotTell(Reason.BAD_RESPONSE, "no good: hush-hush")

    found = one(Airflow(script={"trigger": [quote]}), wants(conf={"login": "hush-hush"}))

    assert found.status == "error"
    assert "hush-hush" not in repr(found)


# Events


def test_an_event_starts_its_consumer():
    airflow = Airflow(consumers={"s3://lake/orders": ["a"]})

    found = one(airflow, wants(uri="s3://lake/orders"))

    assert short(found) == ("passed", None)
    assert found.details["run_id"].startswith("asset_triggered")
    assert len(airflow.events) == 1
    assert len(airflow.made) == 1, "the run is Airflow's own"


def test_an_event_that_starts_nothing_is_a_timeout():
    found = one(Airflow(), wants(uri="s3://lake/orders", timeout=20.0))

    assert short(found) == ("failed", "smoke-timeout")
    assert "No run of it was started by the event of s3://lake/orders" in found.message


@pytest.mark.parametrize("keep", ["always", "never"])
def test_a_run_that_another_event_started_is_no_proof_and_is_left_alone(keep):
    airflow = Airflow(others=("a",))

    found = one(airflow, wants(uri="s3://lake/orders", timeout=20.0, keep=keep))

    assert short(found) == ("failed", "smoke-timeout")
    assert len(airflow.made) == 1


@pytest.mark.parametrize("fate", [LOST, CUT])
def test_an_event_whose_answer_was_lost_is_looked_for_before_it_is_sent_again(fate):
    airflow = Airflow(consumers={"s3://x": ["a"]}, script={"send_event": [fate]})

    assert short(one(airflow, wants(uri="s3://x", timeout=120.0))) == ("passed", None)
    assert len(airflow.events) == 1


def interrupted_after(airflow, phase, call):
    """The finding of a phase that a signal ends right after that call was carried out, and that was cleaned up."""
    plain = airflow._call

    def signalled(name, act, *, read=False):
        if name == call:
            airflow._quietly(act)
            raise Interrupted(2)
        return plain(name, act, read=read)

    airflow._call = signalled
    with pytest.raises(Interrupted):
        phase.run(float("inf"))
    airflow._call = plain
    phase.clean()
    (found,) = phase.findings()
    return found


@pytest.mark.parametrize("call", ["send_event", "of", "started_by", "find"])
@pytest.mark.parametrize(("keep", "left"), [("never", 0), ("on-failure", 0), ("always", 1)])
def test_an_interrupted_event_leaves_its_run_only_as_keep_says(call, keep, left):
    airflow = Airflow(consumers={"s3://x": ["a"]})
    phase = phase_of(airflow, wants(uri="s3://x", keep=keep, timeout=60.0))

    interrupted_after(airflow, phase, call)

    assert len(airflow.made) == left


@pytest.mark.parametrize("keep", ["never", "always"])
def test_a_run_that_an_event_may_still_start_is_told_where_it_must_not_stay(keep):
    airflow = Airflow()
    phase = phase_of(airflow, wants(uri="s3://x", keep=keep, timeout=60.0))

    found = interrupted_after(airflow, phase, "of")

    assert ("may still start a run" in found.message) == (keep == "never")
    assert "None" not in found.message + found.advice
    assert airflow.clock.now() < 130.0, "nobody waits long for what may never be"


# Faults


@pytest.mark.parametrize("fate", [LOST, CUT, LATE, THROTTLED])
def test_a_trigger_that_goes_wrong_makes_one_run_and_leaves_none(fate):
    airflow = Airflow(script={"trigger": [fate]})

    found = one(airflow, wants(keep="never"))

    assert short(found) == ("passed", None)
    assert later(airflow) == []


def test_where_airflow_never_answers_it_cannot_tell():
    script = {name: [CUT] * 500 for name in ("trigger", "find", "remove")}

    found = one(Airflow(script=script), wants(keep="never", timeout=30.0))

    assert found.status == "error"
    assert "may still be in Airflow" in found.message


def test_a_green_whose_run_could_not_be_removed_is_a_warning():
    airflow = Airflow(script={"remove": [CUT] * 500})

    found = one(airflow, wants(keep="never"))

    assert found.status == "warning"
    assert "Delete the DAG run" in found.advice


def test_a_dag_that_could_not_be_paused_again_is_red():
    airflow = Airflow(paused={"a"}, script={"set_paused": [DONE, *[CUT] * 500]})

    found = one(airflow, wants(unpause=True))

    assert short(found) == ("failed", "smoke-failed")
    assert "by hand" in found.advice


FATES = st.lists(st.sampled_from([DONE, LOST, CUT, LATE, THROTTLED]), max_size=4)
CALLS = (
    "trigger",
    "find",
    "remove",
    "set_paused",
    "task_instances",
    "is_paused",
    "send_event",
    "of",
    "event_since",
    "started_by",
)
LIVES = st.sampled_from([Life(), FAILED, Life(queued=1e9), FOREVER, Life(queued=0.0, running=0.1)])


class Signal(Exception):
    pass


def interrupting(airflow, script, at):
    """The script with a signal at the call of that number, before or after it was done."""
    calls = [0]
    plain = airflow._call

    def call(name, act, *, read=False):
        calls[0] += 1
        if calls[0] == at:
            if not read and at % 2:
                airflow._quietly(act)
            raise Interrupted(2)
        return plain(name, act, read=read)

    return call, plain


@settings(max_examples=300, deadline=None)
@given(
    script=st.fixed_dictionaries(dict.fromkeys(CALLS, FATES)),
    life=LIVES,
    keep=st.sampled_from(["always", "on-failure", "never"]),
    unpause=st.booleans(),
    at=st.integers(0, 25),
)
def test_whatever_goes_wrong_nothing_is_left_against_keep_and_pauses_are_restored(
    script, life, keep, unpause, at
):
    airflow = Airflow(
        lives={"a": life}, paused={"a"} if unpause else set(), script={k: list(v) for k, v in script.items()}
    )
    phase = phase_of(airflow, wants(keep=keep, unpause=unpause, timeout=40.0))
    airflow._call, plain = interrupting(airflow, script, at)
    with contextlib.suppress(Interrupted):
        phase.run(float("inf"))
    airflow._call = plain
    phase.clean()
    (found,) = phase.findings()

    left = later(airflow)
    failed = found.status == "failed"
    if keep == "never" or (keep == "on-failure" and not failed):
        assert left == []
    assert len(left) <= 1, "one gate makes one run"
    assert airflow.paused == ({"a"} if unpause else set())
    if found.status == "passed":
        assert life.state == "success"
        assert life.running < 1e6
        assert at == 0 or at > 2


@settings(max_examples=150, deadline=None)
@given(script=st.fixed_dictionaries(dict.fromkeys(CALLS, FATES)), life=LIVES, starts=st.booleans())
def test_an_event_is_never_green_without_a_run_that_succeeded(script, life, starts):
    consumers = {"s3://x": ["a"]} if starts else {}
    airflow = Airflow(lives={"a": life}, consumers=consumers, script={k: list(v) for k, v in script.items()})

    found = one(airflow, wants(uri="s3://x", timeout=60.0))

    if found.status == "passed":
        assert starts
        assert life.state == "success"
