"""Reading a whole collection page by page, from servers with every habit that was measured."""

from __future__ import annotations

import math
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validator.airflow.walk import Collection, PageSize, as_unread
from validator.errors import CallFailed, CannotTell
from validator.reasons import Reason
from validator.server_clock import ServerClock
from validator.transport.caller import FINISH_WITHIN, Caller, RetryRule
from validator.transport.interface import NO_ADVICE, Answer
from validator.transport.pacing import TokenBucket

DEADLINE = 1000.0


class Clock:
    time = 0.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds


class Server:
    """A list of numbers, paged; `cap` is the most it gives at once, `trouble` is asked before every answer."""

    where = "memory"
    longest_path = 64
    advice = NO_ADVICE

    def __init__(self, count, cap=None, trouble=None):
        self.rows = list(range(count))
        self.cap = cap
        self.trouble = trouble
        self.pages = []
        self.lock = threading.Lock()

    def call(self, request):
        with self.lock:
            number = len(self.pages)
            limit, offset = request.query["limit"], request.query["offset"]
            self.pages.append((offset, limit))
            told = self.trouble(self, number, offset, limit) if self.trouble else None
            if isinstance(told, BaseException):
                raise told
            if told is not None:
                return Answer(*told, None)
            given = min(limit, self.cap or limit)
            rows = self.rows[offset : offset + given]
            return Answer(200, {"dags": rows, "total_entries": len(self.rows)}, None)

    def environment(self):
        return None


def walk(server, size=None, *, workers=8, attempts=3, read=lambda row: row, query=None):
    clock = Clock()
    caller = Caller(
        server,
        TokenBucket(10_000, clock),
        clock,
        ServerClock(clock),
        lambda: 0.5,
        RetryRule(attempts=attempts),
    )
    collection = Collection(caller, "/dags", "dags", size or PageSize(500, 100), workers)
    return collection.walk(query or {}, read, lambda row: row, DEADLINE)


@pytest.mark.parametrize("cap", [None, 100, 50, 7])
@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 99, 100, 101, 499, 500, 501, 1000, 1234])
def test_every_row_is_read_with_as_few_calls_as_the_cap_allows(cap, count):
    server = Server(count, cap)
    result = walk(server)
    assert sorted(result.rows) == server.rows
    assert (result.whole, result.unread, result.total) == (True, None, count)
    page = min(cap or 500, 500)
    assert len(server.pages) == max(1, math.ceil(count / page))


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(1, 120), st.integers(1, 600), st.integers(1, 6))
def test_any_size_cap_and_number_of_workers_gives_the_same_rows_in_the_fewest_calls(
    count, cap, size, workers
):
    server = Server(count, cap)
    result = walk(server, PageSize(size, 1), workers=workers)
    assert result.rows == tuple(range(count)), "in the order of the list, whichever page came first"
    assert result.whole
    assert len(server.pages) == max(1, math.ceil(count / min(cap, size)))


def test_pages_that_come_in_any_order_give_the_same_rows():
    waiting = threading.Barrier(3, timeout=10)

    class Reordered(Server):
        def call(self, request):
            answer = super().call(request)
            if request.query["offset"]:
                waiting.wait()  # none is answered before all three are asked for
            return answer

    server = Reordered(400, 100)
    assert walk(server, workers=3).rows == tuple(range(400))


def test_a_query_is_sent_with_every_page():
    seen = []

    class Noting(Server):
        def call(self, request):
            seen.append(
                {key: value for key, value in request.query.items() if key not in ("limit", "offset")}
            )
            return super().call(request)

    walk(Noting(250, 100), query={"only_active": False, "dag_id_pattern": "a"})
    assert seen == [{"only_active": False, "dag_id_pattern": "a"}] * 3


def test_a_total_that_moves_once_costs_one_more_walk():
    def grow(server, number, offset, limit):
        if number == 1:
            server.rows.append(250)

    server = Server(250, 100, grow)
    result = walk(server, workers=1)
    assert result.whole
    assert set(result.rows) == set(range(251))
    assert len(server.pages) == 6


def test_a_total_that_moves_for_ever_is_walked_three_times_and_is_not_whole():
    def grow(server, number, offset, limit):
        server.rows.append(len(server.rows))

    server = Server(250, 100, grow)
    result = walk(server, workers=1)
    assert not result.whole
    assert result.unread is None, "nothing failed"
    assert sum(1 for offset, _ in server.pages if offset == 0) == 3
    assert set(range(250)) <= set(result.rows)


def test_what_any_walk_listed_is_listed():
    walks = []

    def shift(server, number, offset, limit):
        if offset == 0:
            walks.append(number)
            # Every walk sees another list: no two totals of a walk are the same.
            server.rows = [f"walk {len(walks)}", *range(200)]
        else:
            server.rows.append("late")

    result = walk(Server(0, 100, shift), workers=1)
    assert {"walk 1", "walk 2", "walk 3"} <= set(result.rows)
    assert not result.whole


def test_the_latest_row_of_an_identity_counts():
    walks = []

    def trouble(server, number, offset, limit):
        if offset == 0:
            walks.append(number)
        total = 3 if len(walks) == 1 and offset else 2
        rows = [(offset, len(walks))]
        return 200, {"dags": rows, "total_entries": total}

    server = Server(2, 1, trouble)
    clock = Clock()
    caller = Caller(server, TokenBucket(1000, clock), clock, ServerClock(clock), lambda: 0.5)
    collection = Collection(caller, "/dags", "dags", PageSize(1, 1), 1)
    result = collection.walk({}, lambda row: row, lambda row: row[0], DEADLINE)
    assert result.rows == ((0, 2), (1, 2))
    assert result.whole


def test_rows_that_two_pages_share_hide_another_so_the_walk_is_not_whole():
    def shift(server, number, offset, limit):
        if offset:  # a row was added before this page: its first row was on the page before
            return 200, {
                "dags": server.rows[offset - 1 : offset - 1 + limit],
                "total_entries": len(server.rows),
            }
        return None

    server = Server(150, 100, shift)
    result = walk(server)
    assert not result.whole
    assert result.unread is None
    assert len(result.rows) == len(set(result.rows)) == 149
    assert len(server.pages) == 6


def test_an_empty_page_in_the_middle_ends_that_part_and_nothing_is_called_absent():
    server = Server(
        400,
        100,
        lambda s, n, offset, limit: (200, {"dags": [], "total_entries": 400}) if offset == 200 else None,
    )
    result = walk(server)
    assert not result.whole
    assert set(result.rows) == set(range(400)) - set(range(200, 300))
    assert len(server.pages) == 12


def test_an_empty_first_page_of_a_list_that_has_rows_is_not_whole():
    server = Server(5, trouble=lambda *_: (200, {"dags": [], "total_entries": 5}))
    result = walk(server)
    assert (result.rows, result.whole, len(server.pages)) == ((), False, 3)


def test_a_list_that_shrinks_while_it_is_read_ends():
    def shrink(server, number, offset, limit):
        if number == 0:
            answer = 200, {"dags": server.rows[:100], "total_entries": 300}
            server.rows = server.rows[:120]
            return answer
        return None

    result = walk(Server(300, 100, shrink), workers=1)
    assert result.whole
    assert set(range(120)) <= set(result.rows)


def test_a_page_of_short_pages_is_read_by_rows_received():
    server = Server(
        200,
        trouble=lambda s, n, offset, limit: (
            200,
            {"dags": s.rows[offset : offset + (60 if offset == 0 else 25)][:limit], "total_entries": 200},
        ),
    )
    result = walk(server, workers=1)
    assert result.whole
    assert result.rows == tuple(range(200))


@pytest.mark.parametrize(
    "trouble", [(500, "<html>"), (504, None), CallFailed(Reason.UNREACHABLE, "read timeout")]
)
def test_a_page_that_is_too_much_is_halved_down_to_what_works(trouble):
    size = PageSize(500, 100)
    server = Server(600, trouble=lambda s, n, offset, limit: trouble if limit > 250 else None)
    result = walk(server, size)
    assert result.whole
    assert server.pages[:2] == [(0, 500), (0, 250)]
    assert size.size == 250, "it is remembered"
    assert len(server.pages) == 1 + math.ceil(600 / 250)


def test_the_page_never_gets_smaller_than_the_floor():
    size = PageSize(500, 100)
    server = Server(600, trouble=lambda *_: (500, None))
    for _ in range(5):
        result = walk(server, size, attempts=4)
        assert not result.whole
        assert result.unread.reason is Reason.UNREACHABLE
    assert {limit for _, limit in server.pages} == {500, 250, 125, 100}
    assert size.size == 100


def test_a_short_last_page_that_fails_does_not_make_all_pages_tiny():
    failing = [True]

    def trouble(server, number, offset, limit):
        if offset == 300 and failing:
            failing.clear()
            return 500, None
        return None

    size = PageSize(100, 1)
    server = Server(303, 100, trouble)
    assert walk(server, size).whole
    assert size.size >= 50
    assert len(server.pages) <= 7


@pytest.mark.parametrize("answer", [CallFailed(Reason.UNREACHABLE, "slow down", throttled=True), (429, None)])
def test_being_throttled_says_nothing_of_the_page(answer):
    size = PageSize(500, 100)
    server = Server(600, trouble=lambda s, n, offset, limit: answer if n < 3 else None)
    assert walk(server, size).whole
    assert size.size == 500


@pytest.mark.parametrize(
    "answer", [(404, None), (403, None), (200, {}), (200, "<html>"), (200, {"dags": 5, "total_entries": 1})]
)
def test_a_page_that_is_refused_or_no_page_is_unread_and_the_others_count(answer):
    server = Server(300, 100, lambda s, n, offset, limit: answer if offset == 100 else None)
    size = PageSize(500, 100)
    result = walk(server, size)
    assert not result.whole
    assert result.unread is not None
    assert result.unread.heals
    assert set(result.rows) == set(range(100)) | set(range(200, 300))
    assert size.size == 500
    assert result.total == 300


def test_one_row_that_cannot_be_read_does_not_hide_the_others():
    def read(row):
        if row == 5:
            raise CallFailed(Reason.BAD_RESPONSE, "row five")
        return row

    result = walk(Server(10), read=read)
    assert set(result.rows) == set(range(10)) - {5}
    assert not result.whole
    assert result.unread == as_unread(CallFailed(Reason.BAD_RESPONSE, "row five"))


@pytest.mark.parametrize("at", [0, 100, 400])
def test_what_no_call_can_mend_ends_the_walk(at):
    denied = CannotTell(Reason.ACCESS_DENIED, "denied")
    server = Server(500, 100, lambda s, n, offset, limit: denied if offset == at else None)
    with pytest.raises(CannotTell):
        walk(server)


def test_no_page_is_asked_for_after_the_deadline():
    server = Server(1000, 100)
    clock = Clock()
    clock.time = DEADLINE + FINISH_WITHIN + 1
    caller = Caller(server, TokenBucket(100, clock), clock, ServerClock(clock), lambda: 0.5)
    result = Collection(caller, "/dags", "dags", PageSize(100, 1), 4).walk(
        {}, lambda r: r, lambda r: r, DEADLINE
    )
    assert (result.whole, result.rows, server.pages) == (False, (), [])
    assert "time was up" in result.unread.message


def test_pages_grow_back_after_a_restart_of_the_server():
    size = PageSize(100, 1)
    walk(Server(60, trouble=lambda server, number, offset, limit: (503, None)), size, attempts=5)
    small = size.size
    server = Server(60)
    for _ in range(10):
        walk(server, size)
    assert small < 10
    assert size.size == 100


def test_pages_that_are_always_too_large_are_tried_ever_more_seldom():
    size = PageSize(500, 1)
    tried = []

    def too_large(server, number, offset, limit):
        tried.append(limit)
        return (504, None) if limit > 100 else None

    for _ in range(64):
        walk(Server(50, trouble=too_large), size)
    assert sum(1 for limit in tried if limit > 100) < 15
