"""Reading a whole collection: page by page, in parallel, by rows received."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from validator.airflow.dialect import read_page
from validator.airflow.models import Unread, Walk, as_unread
from validator.airflow.side_by_side import side_by_side
from validator.errors import CallFailed
from validator.reasons import Reason
from validator.transport.interface import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from validator.airflow.models import T
    from validator.transport.caller import Caller

    Query = Mapping[str, str | int | bool]

_WALKS_A_ROUND = 3
"""A walk whose total moved is repeated, at most twice: rows shift when a DAG comes or goes between pages."""


class PageSize:
    """How many rows to ask for at once. Thread-safe.

    Halved when the server could not give so many, which may also have been a restart: so it grows back, but the
    more patiently the more often growing failed.
    """

    def __init__(self, start: int, floor: int) -> None:
        """Ask for `start` rows at first, and never for less than `floor`."""
        self._start = start
        self._size = start
        self._floor = floor
        self._lock = threading.Lock()
        self._good_walks = 0
        """Since the last failure; -1: one failed in the walk at hand."""
        self._patience = 1
        self._grew = False

    @property
    def size(self) -> int:
        """Rows to ask for, as of now."""
        return self._size

    def halve(self, tried: int) -> None:
        """A page of `tried` rows timed out or was a server error: ask for less from here on.

        A shorter page, such as the last one, says nothing of the full ones.
        """
        with self._lock:
            if tried >= self._size:
                self._size = max(self._floor, min(self._size, tried // 2))
                self._patience *= 2 if self._grew else 1
                self._good_walks, self._grew = -1, False

    def walked(self) -> None:
        """A whole walk went well: after enough of these larger pages are tried again."""
        with self._lock:
            self._good_walks += 1
            if self._size < self._start and self._good_walks >= self._patience:
                self._size = min(self._start, self._size * 2)
                self._good_walks, self._grew = 0, True

    def half_of(self, tried: int) -> int:
        """Rows to ask for in place of `tried` that failed."""
        return min(tried, max(self._floor, tried // 2), self._size)


class Collection:
    """One paged collection of the API, such as /dags. Remembers the page size that works."""

    def __init__(self, caller: Caller, path: str, key: str, size: PageSize, workers: int) -> None:
        self._caller = caller
        self._path = path
        self._key = key
        self._size = size
        self._workers = workers

    def head(self, query: Query, deadline: float) -> Head:
        """The first page of all rows that answer `query`; that it could not be read is told in it.

        Raises:
            CannotTell: no call can do better.
        """
        pages = _Pages(self._caller, self._path, self._key, self._size, query, deadline)
        try:
            rows, total = pages.page(0, self._size.size)
        except CallFailed as failed:
            return Head(pages, failed=failed)
        return Head(pages, tuple(rows), total)

    def walk(
        self,
        query: Query,
        read: Callable[[object], T],
        identity: Callable[[T], Hashable],
        deadline: float,
        head: Head | None = None,
    ) -> Walk[T]:
        """All rows that answer `query`; what could not be read is told in the result.

        Rows of repeated walks add up: listed in any walk is listed, the latest row of an identity counts.
        `head` is the first page of `query`, where that was read already.

        Raises:
            CannotTell: no call can do better.
        """
        found: dict[Hashable, T] = {}
        result: Walk[T] = Walk()
        for _ in range(_WALKS_A_ROUND):
            result = self._once(head or self.head(query, deadline), read, identity)
            head = None
            found.update((identity(row), row) for row in result.rows)
            if result.whole or result.unread is not None:
                break
        return Walk(tuple(found.values()), result.whole, result.unread, result.total)

    def _once(self, head: Head, read: Callable[[object], T], identity: Callable[[T], Hashable]) -> Walk[T]:
        rows: list[Any] = list(head.rows)
        unread = as_unread(head.failed) if head.failed is not None else None
        try:
            step = len(rows)
            if head.pages_left:
                segments = [(start, min(step, head.total - start)) for start in range(step, head.total, step)]
                for part, failed in side_by_side(head.pages.segment, segments, self._workers):
                    rows.extend(part)
                    unread = unread or failed
        except CallFailed as failed:
            unread = as_unread(failed)
        parsed, wrong = parse_rows(rows, read)
        unread = unread or wrong
        if unread is None:
            self._size.walked()
        steady = head.pages.totals == {head.total} and len({identity(row) for row in parsed}) == head.total
        return Walk(parsed, steady and unread is None, unread, head.total)


@dataclass(frozen=True)
class Head:
    """The first page of a walk, and what goes on from there."""

    pages: _Pages
    rows: tuple[object, ...] = ()
    """As the server gave them."""
    total: int = 0
    """`total_entries`."""
    failed: CallFailed | None = None
    """Why it could not be read; None: it was."""

    @property
    def pages_left(self) -> int:
        """How many more calls the rest takes."""
        return max(0, math.ceil(self.total / len(self.rows)) - 1) if self.rows else 0


class _Pages:
    """The pages of one walk."""

    def __init__(  # noqa: PLR0913 - one walk's whole context, private to this module
        self,
        caller: Caller,
        path: str,
        key: str,
        size: PageSize,
        query: Query,
        deadline: float,
    ) -> None:
        self._caller = caller
        self._path = path
        self._key = key
        self._size = size
        self._query = query
        self._deadline = deadline
        self.totals: set[int] = set()

    def page(self, offset: int, limit: int) -> tuple[list[Any], int]:
        """One page's rows, and the collection's total.

        A page that the server cannot give is asked for again at half the size: it may have been too large.
        """
        asked = min(limit, self._size.size)
        request = Request(self._path, {**self._query, "limit": asked, "offset": offset})
        answer = self._caller.get(request, self._deadline, instead=self._smaller)
        rows, total = read_page(answer.body, self._key)
        self.totals.add(total)
        return rows, total

    def _smaller(self, request: Request, failed: CallFailed) -> Request:
        if failed.reason is not Reason.UNREACHABLE or failed.throttled:
            return request
        tried = int(request.query["limit"])
        self._size.halve(tried)
        return Request(request.path, {**request.query, "limit": self._size.half_of(tried)})

    def segment(self, segment: tuple[int, int]) -> tuple[list[Any], Unread | None]:
        """The rows from a start on, so many of them unless the collection shrank; read by rows received."""
        start, count = segment
        rows: list[Any] = []
        try:
            while len(rows) < count:
                part, _ = self.page(start + len(rows), count - len(rows))
                if not part:
                    break
                rows.extend(part)
        except CallFailed as failed:
            return rows, as_unread(failed)
        return rows, None


def parse_rows(rows: Iterable[object], read: Callable[[object], T]) -> tuple[tuple[T, ...], Unread | None]:
    """The rows that `read` could read, and why another could not be; None: all could."""
    parsed: list[T] = []
    wrong: Unread | None = None
    for row in rows:
        try:
            parsed.append(read(row))
        except CallFailed as failed:  # noqa: PERF203 - a row that cannot be read must not hide the others
            wrong = wrong or as_unread(failed)
    return tuple(parsed), wrong
