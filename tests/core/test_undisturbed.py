"""A signal that comes during work that it must not cut in two comes after it."""

import os
import signal

import pytest

from validator.undisturbed import undisturbed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_until_the_work_is_done(number):
    done = []
    before = signal.signal(number, lambda *_: done.append("signal"))
    try:
        with undisturbed():
            os.kill(os.getpid(), number)
            done.append("work")
        assert done == ["work", "signal"]
    finally:
        signal.signal(number, before)
