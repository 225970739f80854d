"""`interruptible`: a signal raises once, is never lost, and only remembered once that is wanted."""

from __future__ import annotations

import signal
import time
import weakref
from contextlib import suppress

import pytest

from validator.cli.signals import interruptible
from validator.gate import Interrupted

SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


class Anything:
    """Something that can be referred to weakly."""


@SIGNALS
def test_a_signal_interrupts(number):
    with pytest.raises(Interrupted) as raised, interruptible():
        signal.raise_signal(number)

    assert raised.value.signal == number


def test_many_signals_interrupt_once_and_the_first_one_is_told():
    with interruptible() as signals:
        with pytest.raises(Interrupted):
            signal.raise_signal(signal.SIGTERM)
        for _ in range(20):
            signal.raise_signal(signal.SIGINT)

    assert signals.came == signal.SIGTERM


@SIGNALS
def test_once_held_a_signal_is_only_remembered_and_stays_so(number):
    with interruptible() as signals:
        signals.hold()
        signal.raise_signal(number)
    signal.raise_signal(signal.SIGINT)

    assert signals.came == number


def test_leaving_the_block_holds_signals_too():
    with interruptible() as signals:
        pass
    signal.raise_signal(signal.SIGTERM)

    assert signals.came == signal.SIGTERM


@SIGNALS
def test_what_somebody_takes_for_an_error_of_his_own_is_told_at_the_end_of_the_wait(number):
    with interruptible() as signals:
        with suppress(BaseException):
            signal.raise_signal(number)
        with pytest.raises(Interrupted) as raised:
            signals.hold()
        signals.hold()

    assert raised.value.signal == number


@SIGNALS
def test_what_python_throws_away_is_raised_again_soon_and_nothing_is_printed(number, capfd):
    """As in the callback by which an import ends: nothing can be raised there."""
    things = [Anything()]
    reference = weakref.ref(things[0], lambda _: signal.raise_signal(number))

    def loses_it():
        things.clear()
        end = time.monotonic() + 10
        while time.monotonic() < end:
            pass

    with pytest.raises(Interrupted) as raised, interruptible():
        loses_it()

    assert reference() is None
    assert raised.value.signal == number
    assert capfd.readouterr().err == ""
