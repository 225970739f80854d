"""SIGINT and SIGTERM: they end a wait, and are only remembered once it is over, so that what follows gets whole."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from validator.gate import Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN = 0.01
"""Seconds after which a signal is raised again where its exception was lost."""


class Signals:
    """What came while a command was at work."""

    def __init__(self) -> None:
        self.came: int | None = None
        """The number of the first one; None: none."""
        self._raises = True
        self._was_lost = False

    def hold(self) -> None:
        """From now on signals are only remembered.

        Raises:
            Interrupted: one came before, and something on the way took its exception for one of its own.
        """
        self._raises = False
        if self.came is not None and not self._was_lost:
            self._was_lost = True  # it is raised for it once
            raise Interrupted(self.came)

    def take(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signal module's own signature
        """A signal is here: the first one ends what is under way, unless that must get whole."""
        # Never SIG_IGN: Python prints of a signal that comes while its handler is replaced, as of an exception.
        self.came = number if self.came is None else self.came
        self._raise()

    def take_again(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the same
        """The exception of the first one was lost."""
        self._raise()

    def lost(self) -> None:
        """Python threw the exception away: in a destructor or a callback of its own nothing can be raised."""
        self._raises = True
        if hasattr(signal, "setitimer"):  # elsewhere `hold` tells of it
            signal.signal(signal.SIGALRM, self.take_again)
            signal.setitimer(signal.ITIMER_REAL, _AGAIN)

    def _raise(self) -> None:
        if self._raises and self.came is not None:
            self._raises = False
            raise Interrupted(self.came)


@contextmanager
def interruptible() -> Iterator[Signals]:
    """Let SIGINT and SIGTERM raise `Interrupted`, once, until `hold` is called or the block is left.

    They stay held for the rest of the process: what is left to do is to tell how it ended.
    """
    signals = Signals()
    before = sys.unraisablehook

    def unraisable(what: sys.UnraisableHookArgs) -> None:
        if isinstance(what.exc_value, Interrupted):
            signals.lost()
        else:
            before(what)

    sys.unraisablehook = unraisable
    for each in _SIGNALS:
        signal.signal(each, signals.take)
    try:
        yield signals
    finally:
        signals._raises = False  # noqa: SLF001 - of this module
        sys.unraisablehook = before
