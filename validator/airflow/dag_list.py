"""The list of DAGs: all of it, or only what is asked for where that takes fewer calls. DESIGN section 6.

`dag_id_pattern` finds substrings, with `_` for any character and in any case: the ids are compared exactly here. From 3.2 on
`a|b|c` finds what has one of them, before that nothing (AIRFLOW.md section 3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from validator.airflow.dialect import AIRFLOW_3, dialect_of, read_dag
from validator.airflow.models import Walk, as_unread
from validator.airflow.side_by_side import side_by_side
from validator.airflow.walk import Collection, PageSize, parse_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from validator.airflow.models import Dag, Version
    from validator.airflow.walk import Head
    from validator.transport.caller import Caller

_ROWS_A_PAGE = 500
"""Asked for at first. Airflow 3.0 gives as many as asked, the others cut to their cap, mostly 100."""
SMALLEST_PAGE = 100
"""Every version gives so many."""
_OR_SINCE = (AIRFLOW_3, 2)
_IDS_A_SEARCH = 50
"""With substrings of others among them the hits still fit one page, as a rule."""
_SEARCH_LENGTH = 3000
"""Characters: it goes into a URL. One of 10.8 kB was taken by a real server, but a proxy may be stricter."""
_PLAIN_ID = re.compile(r"[\w.-]+")
"""An id with other characters might mean something else in a search."""
_NOT_TAKEN = (400, 404, 405, 414, 422, 431)
"""Statuses that say that the search as such is not wanted, whatever else may work."""


class DagList:
    """The DAG list of one environment. Remembers page sizes, and whether searching it pays."""

    def __init__(self, caller: Caller, workers: int) -> None:
        """Read with `caller`, at most `workers` pages at once."""
        self._pages = Collection(caller, "/dags", "dags", PageSize(_ROWS_A_PAGE, SMALLEST_PAGE), workers)
        self._hits = Collection(caller, "/dags", "dags", PageSize(_ROWS_A_PAGE, 1), workers)
        self._workers = workers
        self._searching_pays = True
        self._known: Known | None = None

    def read(self, enough: frozenset[str] | None, version: Version, deadline: float) -> Walk[Dag]:
        """The list as far as it is needed; what could not be read is told in it.

        Args:
            enough: the ids that need to be known; None: all there are.
            version: of the Airflow that is asked.
            deadline: after it no call is repeated, on the gate's clock.

        Raises:
            CannotTell: no call can do better.
        """
        return self.finish(self.begin(enough, version, deadline), version, deadline)

    def begin(self, enough: frozenset[str] | None, version: Version, deadline: float) -> Begun:
        """The first call of `read`, if that takes one to know what the others are."""
        known, self._known = self._known, None
        if enough is None or not self._searching_pays:
            return Begun(self._pages.head({}, deadline))
        if known is not None and known.enough == enough:
            return Begun(None, known)
        head = self._pages.head({}, deadline)
        return Begun(head, _searches_after(head, enough, version))

    def finish(self, begun: Begun, version: Version, deadline: float) -> Walk[Dag]:
        """The other calls of `read`, several at once."""
        read = _reader(version)
        if begun.known is not None:
            named = self._search(begun.known, read, deadline)
            if named is not None:
                # The next round does without the first page, unless that has saved a search.
                every = searches_for(begun.known.enough, version) or []
                cheaper = len(every) <= len(begun.known.searches)
                self._known = replace(begun.known, rows=(), searches=every) if cheaper else None
                return named
        return self._pages.walk({}, read, dag_id_of, deadline, begun.head)

    def _search(self, known: Known, read: Callable[[object], Dag], deadline: float) -> Walk[Dag] | None:
        """What the list has of those that are enough. None: only the whole list is sure."""
        found = {row.dag_id: row for row in known.rows}
        answers = side_by_side(
            lambda ids: self._hits.head({"dag_id_pattern": "|".join(ids)}, deadline),
            known.searches,
            self._workers,
        )
        for ids, hits in zip(known.searches, answers, strict=True):
            if hits.failed is not None and hits.failed.status not in _NOT_TAKEN:
                return Walk(tuple(found.values()), unread=as_unread(hits.failed), total=known.total)
            if hits.failed is not None or hits.pages_left:  # half of all DAGs may have it in their ids
                self._searching_pays = False
                return None
            rows, wrong = parse_rows(hits.rows, read)
            # Nothing of several may also mean that this Airflow does not know the search for several.
            if wrong is not None or len(rows) != hits.total or (len(ids) > 1 and not rows):
                return None
            found.update((row.dag_id, row) for row in rows)
        return Walk(tuple(found.values()), total=known.total, named=known.enough)


@dataclass(frozen=True)
class Begun:
    """How far the list is read, and how to go on."""

    head: Head | None
    """Its first page; None: that is not needed."""
    known: Known | None = None
    """How to do with less than all of it; None: page by page."""

    @property
    def is_long(self) -> bool:
        """Whether it takes more calls."""
        return self.head is None or self.head.pages_left > 0


@dataclass(frozen=True)
class Known:
    """How to come by the DAGs that are enough with fewer calls than the whole list takes."""

    enough: frozenset[str]
    total: int
    """How long the whole list was."""
    rows: tuple[Dag, ...]
    """What is known of this round already."""
    searches: list[list[str]]
    """The ids to ask for, in a call each."""


def _searches_after(head: Head, enough: frozenset[str], version: Version) -> Known | None:
    """How to go on from the first page; None: page by page."""
    rows, wrong = parse_rows(head.rows, _reader(version))
    searches = searches_for(enough.difference(map(dag_id_of, rows)), version)
    if wrong is not None or searches is None or len(searches) >= head.pages_left:
        return None
    return Known(enough, head.total, rows, searches)


def _reader(version: Version) -> Callable[[object], Dag]:
    dialect = dialect_of(version)
    return lambda row: read_dag(row, dialect)


def searches_for(dag_ids: frozenset[str], version: Version) -> list[list[str]] | None:
    """The ids in as many groups as it takes searches to find them all; None: one of them cannot be searched for."""
    if not all(_PLAIN_ID.fullmatch(dag_id) for dag_id in dag_ids):
        return None
    groups: list[list[str]] = []
    room = 0
    for dag_id in sorted(dag_ids):
        room -= len(dag_id) + 1
        if (
            not groups
            or (version.major, version.minor) < _OR_SINCE
            or room < 0
            or len(groups[-1]) == _IDS_A_SEARCH
        ):
            groups.append([])
            room = _SEARCH_LENGTH - len(dag_id)
        groups[-1].append(dag_id)
    return groups


def dag_id_of(dag: Dag) -> str:
    """What tells one row from another."""
    return dag.dag_id
