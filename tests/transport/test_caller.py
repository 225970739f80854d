"""One retry policy: how often, how patiently, and never past the deadline."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validator.errors import CallFailed, CannotTell
from validator.reasons import Reason
from validator.server_clock import EPOCH, ServerClock
from validator.transport.caller import FINISH_WITHIN, Caller, RetryRule
from validator.transport.interface import NO_ADVICE, Answer, EnvironmentFacts, Request
from validator.transport.pacing import TokenBucket

NOW = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
OK = Answer(200, {}, None)
LOST = CallFailed(Reason.UNREACHABLE, "no answer")
THROTTLED = CallFailed(Reason.UNREACHABLE, "slow down", throttled=True)
HOPELESS = CallFailed(Reason.BAD_RESPONSE, "too long", retry=False)
ASK = Request("/dags")


class Clock:
    def __init__(self):
        self.time = 0.0
        self.slept = []

    def now(self):
        return self.time

    def sleep(self, seconds):
        if seconds > 0:
            self.slept.append(seconds)
            self.time += seconds


class Script:
    """A transport that answers from a list, the last entry for ever; a call takes `takes` seconds."""

    where = "memory"
    longest_path = 64
    advice = NO_ADVICE

    def __init__(self, clock, *answers, takes=0.0):
        self.clock = clock
        self.answers = list(answers)
        self.takes = takes
        self.began = []
        self.asked = []

    def call(self, request):
        self.began.append(self.clock.now())
        self.asked.append(request)
        self.clock.time += self.takes
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def environment(self):
        return self.call("environment")


def build(*answers, jitter=0.5, rule=None, rate=1000.0, takes=0.0):
    clock = Clock()
    script = Script(clock, *answers, takes=takes)
    bucket = TokenBucket(rate, clock)
    server = ServerClock(clock)
    return Caller(script, bucket, clock, server, lambda: jitter, rule), script, clock, bucket, server


def test_an_answer_at_once_is_the_answer():
    caller, _, clock, *_ = build(OK)
    assert caller.get(ASK, 10) is OK
    assert (caller.calls, clock.slept) == (1, [])


def test_what_may_heal_is_asked_again_and_then_given_up():
    caller, *_ = build(LOST)
    with pytest.raises(CallFailed, match="no answer"):
        caller.get(ASK, 1000)
    assert caller.calls == 4


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_what_heals_in_time_is_an_answer(failures):
    caller, *_ = build(*[LOST] * failures, OK)
    assert caller.get(ASK, 1000) is OK
    assert caller.calls == failures + 1


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_of_airflow_is_asked_again(status):
    caller, *_ = build(Answer(status, "<html>", None), OK)
    assert caller.get(ASK, 1000) is OK


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 422])
def test_a_refusal_of_airflow_is_final_at_once(status):
    caller, *_ = build(Answer(status, {"detail": "no"}, None))
    with pytest.raises(CallFailed) as caught:
        caller.get(ASK, 1000)
    assert (caller.calls, caught.value.status, caught.value.retry) == (1, status, False)


@pytest.mark.parametrize("error", [HOPELESS, CannotTell(Reason.ACCESS_DENIED, "denied")])
def test_what_cannot_heal_is_final_at_once(error):
    caller, _, clock, *_ = build(error)
    with pytest.raises(type(error)) as caught:
        caller.get(ASK, 1000)
    assert caught.value is error
    assert (caller.calls, clock.slept) == (1, [])


@pytest.mark.parametrize(("jitter", "factor"), [(0.0, 0.5), (0.5, 0.75), (0.999999, 1.0)])
def test_the_pauses_double_within_their_bounds(jitter, factor):
    caller, _, clock, *_ = build(LOST, jitter=jitter, rule=RetryRule(attempts=8))
    with pytest.raises(CallFailed):
        caller.get(ASK, 1000)
    assert clock.slept == pytest.approx([wait * factor for wait in (0.5, 1, 2, 4, 8, 8, 8)], rel=1e-3)


def test_no_pause_is_so_long_that_the_deadline_would_pass():
    caller, _, clock, *_ = build(LOST, jitter=0.999999)
    with pytest.raises(CallFailed, match="no answer"):
        caller.get(ASK, 1.2)
    assert caller.calls == 2, "the pause of one second would have ended after it"
    assert clock.time <= 1.2


def test_a_round_that_has_begun_may_finish_shortly_after_the_deadline():
    caller, _, clock, *_ = build(OK)
    clock.time = 10 + FINISH_WITHIN
    assert caller.get(ASK, 10) is OK


def test_nothing_is_repeated_after_the_deadline():
    caller, _, clock, *_ = build(LOST)
    clock.time = 10.5
    with pytest.raises(CallFailed, match="no answer"):
        caller.get(ASK, 10)
    assert caller.calls == 1


def test_no_call_begins_long_after_the_deadline():
    caller, script, clock, *_ = build(OK)
    clock.time = 10.5 + FINISH_WITHIN
    with pytest.raises(CallFailed, match="time was up") as caught:
        caller.get(ASK, 10)
    assert (script.began, caller.calls, caught.value.retry) == ([], 0, False)


def test_a_turn_after_the_deadline_is_not_waited_for():
    caller, script, clock, *_ = build(OK, rate=0.25)
    caller.get(ASK, 100)
    with pytest.raises(CallFailed, match="time was up"):
        caller.get(ASK, 2 - FINISH_WITHIN)
    assert clock.time == 0, "the turn would have come after four seconds"
    assert len(script.began) == 1
    assert caller.get(ASK, 4) is OK, "and nobody lost a turn"


answers = st.lists(
    st.sampled_from([LOST, THROTTLED, HOPELESS, OK, Answer(503, None, None), Answer(429, None, None)]),
    min_size=1,
    max_size=20,
)


@settings(deadline=None)
@given(answers, st.floats(0, 60), st.floats(0, 1, exclude_max=True), st.floats(0.1, 20), st.floats(0, 15))
def test_whatever_happens_no_call_begins_long_after_the_deadline(told, deadline, jitter, rate, takes):
    caller, script, clock, *_ = build(*told, jitter=jitter, rate=rate, takes=takes)
    for _ in range(3):
        with suppress(CallFailed):
            caller.get(ASK, deadline)
    assert all(began <= deadline + FINISH_WITHIN for began in script.began)
    assert clock.time <= deadline + FINISH_WITHIN + takes
    assert caller.calls == len(script.began)


def test_being_throttled_counts_as_no_attempt_but_slows_all_down():
    caller, script, _, bucket, _ = build(*[THROTTLED] * 9, OK, rate=8)
    assert caller.get(ASK, 1000) is OK
    assert caller.calls == 10
    assert bucket.rate < 8
    gaps = [after - before for before, after in zip(script.began, script.began[1:], strict=False)]
    assert gaps[-1] >= 4


def test_being_throttled_for_ever_ends_at_the_deadline():
    caller, _, clock, *_ = build(Answer(429, {"detail": "Too many requests"}, None))
    with pytest.raises(CallFailed, match="Too many requests") as caught:
        caller.get(ASK, 60)
    assert caught.value.throttled
    assert 40 < clock.time <= 60


def test_every_answer_gives_a_little_of_the_rate_back():
    caller, _, _, bucket, _ = build(THROTTLED, OK, rate=8)
    for _ in range(20):
        caller.get(ASK, 1000)
    assert bucket.rate == 8


def test_something_else_can_be_asked_after_a_failure():
    caller, script, *_ = build(LOST, THROTTLED, OK)
    smaller = lambda request, failed: Request(request.path, {"limit": request.query["limit"] // 2})  # noqa: E731 - short
    caller.get(Request("/dags", {"limit": 100}), 1000, smaller)
    assert [request.query["limit"] for request in script.asked] == [100, 50, 25]


def test_the_servers_clock_is_learnt_from_every_answer_also_from_refusals():
    for answer in (Answer(200, {}, NOW), Answer(404, {}, NOW), Answer(500, "", NOW)):
        caller, _, clock, _, server = build(answer, rule=RetryRule(attempts=1))
        assert server.now() == EPOCH
        with suppress(CallFailed):
            caller.get(ASK, 1000)
        assert server.now() == NOW
        clock.time += 5
        assert server.now() == NOW + timedelta(seconds=5)


def test_a_date_that_travelled_long_does_not_set_the_clock_back():
    clock = Clock()
    server = ServerClock(clock)
    server.see(NOW)
    clock.time = 10
    server.see(NOW + timedelta(seconds=3))
    server.see(None)
    assert server.now() == NOW + timedelta(seconds=10)
    server.see(NOW + timedelta(seconds=12))
    assert server.now() == NOW + timedelta(seconds=12)


def test_the_last_request_ids_are_kept_also_those_of_refusals():
    caller, *_ = build(*[Answer(404 if n % 2 else 200, {}, None, f"id-{n}") for n in range(15)], OK)
    for _ in range(16):
        with suppress(CallFailed):
            caller.get(ASK, 1000)
    assert caller.request_ids == tuple(f"id-{n}" for n in range(5, 15))


def test_what_is_sent_is_repeated_only_while_it_is_throttled():
    caller, script, *_ = build(THROTTLED, Answer(429, {}, None), OK)
    assert caller.send(Request("/dags/x/dagRuns", method="POST", body={}), 1000) is OK
    assert [request.method for request in script.asked] == ["POST"] * 3


@pytest.mark.parametrize(
    "failure", [LOST, HOPELESS, *(Answer(n, "", None) for n in (400, 403, 409, 500, 502, 503, 504))]
)
@pytest.mark.parametrize("throttled", [0, 2])
def test_what_was_sent_and_may_have_been_done_is_never_sent_again(failure, throttled):
    caller, _, clock, *_ = build(*[THROTTLED] * throttled, failure, OK)
    with pytest.raises(CallFailed) as caught:
        caller.send(ASK, 1000)
    assert (caller.calls, len(clock.slept)) == (throttled + 1, throttled)
    assert not caught.value.throttled
    assert caught.value.status == (failure.status if isinstance(failure, Answer) else None)


def test_what_is_throttled_until_the_deadline_was_surely_not_done():
    caller, _, clock, *_ = build(THROTTLED)
    with pytest.raises(CallFailed) as caught:
        caller.send(ASK, 60)
    assert caught.value.throttled
    assert clock.time <= 60


@pytest.mark.parametrize("failure", [LOST, THROTTLED])
def test_getenvironment_is_optional_and_never_repeated(failure):
    caller, *_ = build(failure)
    with pytest.raises(CallFailed):
        caller.environment(1000)
    assert caller.calls == 1


def test_getenvironment_tells_the_time_too():
    caller, *_, server = build(EnvironmentFacts(status="AVAILABLE", date=NOW))
    assert caller.environment(1000).status == "AVAILABLE"
    assert server.known
    caller, *_, server = build(None)
    assert caller.environment(1000) is None
    assert not server.known


def test_a_signal_in_the_middle_of_a_call_is_not_taken_for_its_failure():
    class Signal(BaseException):
        pass

    caller, *_ = build(Signal())
    with pytest.raises(Signal):
        caller.get(ASK, 1000)
    assert caller.calls == 1


def test_calls_from_many_threads_are_all_counted():
    caller, script, *_ = build(Answer(200, {}, NOW, "id"), rate=1000)
    threads = [threading.Thread(target=lambda: [caller.get(ASK, 1e9) for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert caller.calls == len(script.began) == 400
