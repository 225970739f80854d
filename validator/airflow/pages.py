"""Reading a list page by page, one after the other, only as far as need be: it may hold years of DAG runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from validator.airflow.dialect import bad
from validator.errors import CallFailed
from validator.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable

    from validator.airflow.models import Walk

_R = TypeVar("_R")

ROWS_A_PAGE = 100
"""Every version gives so many; Airflow 2 and 3.1 give no more (AIRFLOW.md section 2)."""
_READINGS = 3
"""Rows shift when some are deleted between two pages: the list is then read again, at most twice."""


def read_list(  # noqa: PLR0913 - what a list is, and how far it is read
    what: str,
    page: Callable[[int], tuple[list[Any], int]],
    read: Callable[[object], _R],
    identity: Callable[[_R], Hashable],
    *,
    most_pages: int,
    enough: Callable[[Collection[_R]], bool] = lambda _: False,
) -> tuple[_R, ...]:
    """The rows of a list, in its order, up to the end or until they are `enough`.

    What is not among them when the end was reached is not on the list: its total stayed the same, and so many
    rows were read.

    Args:
        what: names the list in messages.
        page: the rows from an offset on, and the list's total.
        read: one row. It raises CallFailed for one that cannot be read.
        identity: what two rows share that are the same.
        most_pages: how many may be read.
        enough: whether the rows read so far are all that is wanted.

    Raises:
        CallFailed: a page or a row cannot be read, the list is longer than `most_pages`, or it never kept still.
    """
    for _ in range(_READINGS):
        found: dict[Hashable, _R] = {}
        totals: set[int] = set()
        offset, over = 0, False
        for _ in range(most_pages):
            rows, total = page(offset)
            totals.add(total)
            offset += len(rows)
            found.update((identity(row), row) for row in map(read, rows))
            if enough(found.values()):
                return tuple(found.values())
            over = not rows or offset >= total
            if over:
                break
        if not over:
            raise CallFailed(
                Reason.BAD_RESPONSE,
                f"{what}: {total} rows, and the first {offset} of them did not settle it",
                retry=False,
                advice="Delete old rows (airflow db clean), or use a DAG that has fewer DAG runs.",
            )
        if totals == {len(found)}:
            return tuple(found.values())
    raise bad(f"{what} did not keep still: rows came and went in each of {_READINGS} readings")


def prove_whole(walk: Walk[_R], what: str) -> None:
    """Nothing, if what is not among the rows of `walk` is not there.

    Raises:
        CallFailed: it may be.
    """
    if walk.unread is not None:
        unread = walk.unread
        raise CallFailed(
            unread.reason, unread.message, status=unread.status, retry=unread.heals, advice=unread.advice
        )
    if not walk.whole:
        raise bad(f"{what} did not keep still while they were read")
