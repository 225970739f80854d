"""Work that no signal may cut in two."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HELD = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """SIGINT and SIGTERM come afterwards. In a thread as ever: signals are the main thread's.

    A mask would not do: the kernel hands a process's signal to any thread that takes it, and Python then interrupts the
    main thread.
    """
    came: list[int] = []
    known = {number: signal.getsignal(number) for number in _HELD}
    before = {
        number: handler for number, handler in known.items() if handler is not None
    }  # None: not Python's
    try:
        with contextlib.suppress(ValueError):  # in a thread
            for number in before:
                signal.signal(number, lambda got, _: came.append(got))
        yield
    finally:
        with contextlib.suppress(ValueError):
            for number, handler in before.items():
                signal.signal(number, handler)
        for got in came:
            signal.raise_signal(got)
