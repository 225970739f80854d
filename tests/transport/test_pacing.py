"""The token bucket, on a clock that only the tests move."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validator.transport.pacing import TokenBucket

FAR = 1e9


class Clock:
    """Time that stands until it is moved; what was slept is kept, and moves nothing unless told to."""

    def __init__(self, *, moves=False):
        self.time = 0.0
        self.slept = []
        self.moves = moves

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.slept.append(seconds)
        if self.moves:
            self.time += seconds


def test_a_second_of_calls_goes_at_once_and_the_rest_in_step():
    clock = Clock()
    bucket = TokenBucket(5, clock)
    for _ in range(8):
        bucket.take(FAR)
    assert clock.slept == pytest.approx([0, 0, 0, 0, 0, 0.2, 0.4, 0.6])


@pytest.mark.parametrize("rate", [0.1, 0.5, 1, 5, 10, 1000])
def test_the_rate_holds_over_a_long_time(rate):
    clock = Clock(moves=True)
    bucket = TokenBucket(rate, clock)
    for _ in range(200):
        bucket.take(FAR)
    burst = max(1.0, rate)
    assert clock.time == pytest.approx(max(0.0, 200 - burst) / rate)


def test_a_pause_saves_up_no_more_than_a_second_of_calls():
    clock = Clock()
    bucket = TokenBucket(5, clock)
    clock.time = 3600
    for _ in range(7):
        bucket.take(FAR)
    assert clock.slept == pytest.approx([0, 0, 0, 0, 0, 0.2, 0.4])


@settings(deadline=None)
@given(st.floats(0.1, 100), st.lists(st.floats(0, 3), max_size=60))
def test_no_span_of_time_sees_more_calls_than_the_rate_and_one_burst(rate, pauses):
    clock = Clock(moves=True)
    bucket = TokenBucket(rate, clock)
    made = []
    for pause in pauses:
        clock.time += pause
        bucket.take(FAR)
        made.append(clock.time)
    for first in range(len(made)):
        for last in range(first, len(made)):
            allowed = max(1.0, rate) + rate * (made[last] - made[first])
            assert last - first + 1 <= allowed + 1e-6


def test_being_throttled_halves_the_rate_at_most_once_a_second():
    clock = Clock()
    bucket = TokenBucket(8, clock)
    for _ in range(10):  # eight pages under way are refused together
        bucket.throttled()
    assert bucket.rate == 4
    clock.time = 0.99
    bucket.throttled()
    assert bucket.rate == 4
    clock.time = 1.0
    bucket.throttled()
    assert bucket.rate == 2


def test_being_throttled_empties_the_bucket():
    clock = Clock()
    bucket = TokenBucket(8, clock)
    bucket.throttled()
    bucket.take(FAR)
    assert clock.slept == [0.25]


@pytest.mark.parametrize(("full", "slowest"), [(5, 0.25), (0.1, 0.1), (1000, 0.25)])
def test_the_rate_never_falls_to_where_nothing_would_be_seen(full, slowest):
    clock = Clock()
    bucket = TokenBucket(full, clock)
    for _ in range(50):
        bucket.throttled()
        clock.time += 1
    assert bucket.rate == slowest


def test_the_rate_recovers_to_the_full_one_and_not_beyond():
    clock = Clock()
    bucket = TokenBucket(8, clock)
    bucket.throttled()
    rates = []
    for _ in range(12):
        bucket.served()
        rates.append(bucket.rate)
    assert rates == sorted(rates)
    assert rates[0] < 5, "not in one step"
    assert rates[-1] == 8


@settings(deadline=None)
@given(st.lists(st.sampled_from(["served", "throttled", "second"]), max_size=100), st.floats(0.1, 1000))
def test_whatever_happens_the_rate_stays_within_its_bounds(events, full):
    clock = Clock()
    bucket = TokenBucket(full, clock)
    for event in events:
        if event == "second":
            clock.time += 1
        else:
            getattr(bucket, event)()
        assert min(0.25, full) <= bucket.rate <= full


def test_a_turn_that_would_come_too_late_is_not_waited_for_and_costs_nobody_anything():
    clock = Clock()
    bucket = TokenBucket(1, clock)
    assert bucket.take(10)
    assert bucket.take(10), "in a second"
    for _ in range(50):
        assert not bucket.take(1.5), "in two seconds"
    assert bucket.take(10)
    assert clock.slept == [0, 1, 2]


def test_many_threads_get_each_their_own_turn():
    turns = []
    lock = threading.Lock()

    class Noting(Clock):
        def sleep(self, seconds):
            with lock:
                turns.append(seconds)

    bucket = TokenBucket(10, Noting())
    start = threading.Barrier(20, timeout=10)

    def take():
        start.wait()
        bucket.take(FAR)

    threads = [threading.Thread(target=take) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(turns) == pytest.approx([0.0] * 10 + [step / 10 for step in range(1, 11)])


def test_calls_are_served_in_the_order_in_which_they_came():
    clock = Clock()
    bucket = TokenBucket(2, clock)
    for _ in range(30):
        bucket.take(FAR)
    assert clock.slept == sorted(clock.slept)
