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
    # None: it is not Python's, which could not give it back.
    before = {one: handler for one in _HELD if (handler := signal.getsignal(one)) is not None}
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
