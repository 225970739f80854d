"""Several calls at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_Item = TypeVar("_Item")
_Got = TypeVar("_Got")
_Other = TypeVar("_Other")


def side_by_side(do: Callable[[_Item], _Got], items: Collection[_Item], workers: int) -> list[_Got]:
    """What `do` gives for each item, in their order, at most `workers` of them at a time.

    Raises:
        Exception: the first that `do` raised, in the items' order. Nothing more is begun then, and nobody waits for what
            is under way.
    """
    if len(items) <= 1:
        return [do(item) for item in items]
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - most checks ask for one thing at a time

    pool = ThreadPoolExecutor(min(workers, len(items)), thread_name_prefix="ask")
    try:
        return [future.result() for future in [pool.submit(do, item) for item in items]]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def both(one: Callable[[], _Got], other: Callable[[], _Other]) -> tuple[_Got, _Other]:
    """What the two give, at once.

    Raises:
        Exception: what one of them raised.
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - as above

    pool = ThreadPoolExecutor(1, thread_name_prefix="ask")
    try:
        beside = pool.submit(one)
        told = other()
        return beside.result(), told
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
