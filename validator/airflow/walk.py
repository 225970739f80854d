"""Reading a whole collection: page by page, in parallel, by rows received."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from validator.airflow.dialect import read_page
from validator.airflow.models import Unread, Walk, as_unread
from validator.errors import CallFailed
from validator.reasons import Reason
from validator.transport.interface import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from validator.airflow.models import T
    from validator.transport.caller import Caller

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

    def walk(
        self,
        query: Mapping[str, str | int | bool],
        read: Callable[[object], T],
        identity: Callable[[T], Hashable],
        deadline: float,
    ) -> Walk[T]:
        """All rows that answer `query`; what could not be read is told in the result.

        Rows of repeated walks add up: listed in any walk is listed, the latest row of an identity counts.

        Raises:
            CannotTell: no call can do better.
        """
        found: dict[Hashable, T] = {}
        result: Walk[T] = Walk()
        for _ in range(_WALKS_A_ROUND):
            result = self._once(query, read, identity, deadline)
            found.update((identity(row), row) for row in result.rows)
            if result.whole or result.unread is not None:
                break
        return Walk(tuple(found.values()), result.whole, result.unread, result.total)

    def _once(
        self,
        query: Mapping[str, str | int | bool],
        read: Callable[[object], T],
        identity: Callable[[T], Hashable],
        deadline: float,
    ) -> Walk[T]:
        pages = _Pages(self._caller, self._path, self._key, self._size, query, deadline)
        rows: list[Any] = []
        unread: Unread | None = None
        total = 0
        try:
            rows, total = pages.page(0, self._size.size)
            step = len(rows)
            if 0 < step < total:
                starts = range(step, total, step)
                segments = [(start, min(step, total - start)) for start in starts]
                for part, failed in self._all(pages, segments):
                    rows.extend(part)
                    unread = unread or failed
        except CallFailed as failed:
            unread = as_unread(failed)
        parsed, wrong = _parse(rows, read)
        unread = unread or wrong
        if unread is None:
            self._size.walked()
        steady = pages.totals == {total} and len({identity(row) for row in parsed}) == total
        return Walk(parsed, steady and unread is None, unread, total)

    def _all(self, pages: _Pages, segments: list[tuple[int, int]]) -> list[tuple[list[Any], Unread | None]]:
        if len(segments) == 1:
            return [pages.segment(*segments[0])]
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - small environments have one page

        pool = ThreadPoolExecutor(min(self._workers, len(segments)), thread_name_prefix="page")
        try:
            return [future.result() for future in [pool.submit(pages.segment, *part) for part in segments]]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _Pages:
    """The pages of one walk."""

    def __init__(  # noqa: PLR0913 - one walk's whole context, private to this module
        self,
        caller: Caller,
        path: str,
        key: str,
        size: PageSize,
        query: Mapping[str, str | int | bool],
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

    def segment(self, start: int, count: int) -> tuple[list[Any], Unread | None]:
        """The rows from `start` on, `count` of them unless the collection shrank; read by rows received."""
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


def _parse(rows: list[Any], read: Callable[[object], T]) -> tuple[tuple[T, ...], Unread | None]:
    parsed: list[T] = []
    wrong: Unread | None = None
    for row in rows:
        try:
            parsed.append(read(row))
        except CallFailed as failed:  # noqa: PERF203 - a row that cannot be read must not hide the others
            wrong = wrong or as_unread(failed)
    return tuple(parsed), wrong
