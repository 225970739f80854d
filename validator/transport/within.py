"""A bound on how long a whole call may take. botocore bounds each read: an answer that drips never ends for it."""

from __future__ import annotations

import _thread
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_R = TypeVar("_R")


def within(seconds: float, call: Callable[[], _R]) -> _R:
    """What `call` gives or raises, if it does so in time.

    A call that does not is left alone, in a thread that keeps no process from ending; what comes of it is dropped.

    Raises:
        TimeoutError: it took longer than `seconds`.
    """
    done: SimpleQueue[tuple[_R | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            done.put((call(), None))
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            done.put((None, error))

    # threading.Thread would wait here until the thread runs, which costs a call half a millisecond.
    _thread.start_new_thread(run, ())
    try:
        result, error = done.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no whole answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # there was no error, so it is what the call gave
