"""A signal that comes during work that it must not cut in two comes after it."""

import os
import signal
import threading
import time

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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_another_thread_that_would_take_it_changes_nothing(number):
    done = []
    over = threading.Event()
    other = threading.Thread(target=over.wait)
    before = signal.signal(number, lambda *_: done.append("signal"))
    other.start()
    try:
        with undisturbed():
            signal.pthread_kill(other.ident, number)
            for _ in range(1000):
                time.sleep(0)
            done.append("work")
        assert done == ["work", "signal"]
    finally:
        over.set()
        other.join()
        signal.signal(number, before)


def test_afterwards_signals_are_whose_they_were():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(ZeroDivisionError), undisturbed():
        1 / 0  # noqa: B018 - it raises
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_in_a_thread_the_work_is_done_as_ever():
    done = []

    def work():
        with undisturbed():
            done.append("work")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["work"]
