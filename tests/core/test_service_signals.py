"""A signal at any moment of a check leaves a whole report that says so."""

import pytest
from rounds import FakeClock, manifest

from validator.errors import CallFailed
from validator.gate import Interrupted
from validator.reasons import Reason
from validator.rules import Rules
from validator.service import check
from validator.settings import Settings
from validator.target import Target
from validator.transport.interface import NO_ADVICE

SIGTERM = 15


class Down:
    where = "down"
    longest_path = 64
    advice = NO_ADVICE

    def call(self, request):
        raise CallFailed(Reason.UNREACHABLE, "no answer")

    def environment(self):
        return None


class Progress:
    """Is interrupted in the middle of one of its own methods."""

    def __init__(self, at):
        self.at = at

    def _maybe(self, name):
        if name == self.at:
            self.at = None
            raise Interrupted(SIGTERM)

    def started(self, where, note):
        self._maybe("started")

    def round(self, findings, elapsed, deadline):
        self._maybe("round")

    def note(self, text):
        self._maybe("note")

    def finished(self):
        self._maybe("finished")


@pytest.mark.parametrize("moment", ["started", "round", "finished"])
def test_a_signal_at_any_moment_of_the_wait_gives_a_report(moment):
    settings = Settings(manifest("a"), Target("down"), rules=Rules(timeout=5.0))

    report = check(settings, Down(), Progress(moment), FakeClock())

    assert report.exit_code == 128 + SIGTERM
    assert "SIGTERM" in report.summary
    assert report.checks


def test_a_signal_as_the_verdict_is_reached_is_an_interruption_too():
    settings = Settings(manifest("a"), Target("down"), rules=Rules(timeout=5.0))

    def decided():
        raise Interrupted(SIGTERM)

    assert check(settings, Down(), Progress(None), FakeClock(), decided).exit_code == 128 + SIGTERM


def test_nothing_interrupts_once_the_wait_is_over():
    told = []
    settings = Settings(manifest("a"), Target("down"), rules=Rules(timeout=5.0))

    report = check(settings, Down(), Progress(None), FakeClock(), lambda: told.append("over"))

    assert (told, report.exit_code) == (["over"], 3)
