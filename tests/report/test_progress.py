import io
import re

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validator.finding import Finding, Status
from validator.reasons import Reason
from validator.report.progress import LiveProgress, NoProgress, PlainProgress, progress_for


def finding(subject, status=Status.PENDING, reason=Reason.DAG_STALE):
    return Finding(
        f"dags/{subject}", "dags", subject, status, "m", None if status is Status.PASSED else reason
    )


@pytest.fixture
def plain():
    stream = io.StringIO()
    progress = PlainProgress(stream)
    progress.lines = lambda: stream.getvalue().splitlines()
    return progress


def test_the_start_names_what_is_checked(plain):
    plain.started("analytics-prod", "The timeout is short.")

    assert plain.lines() == ["Checking analytics-prod", "Note: The timeout is short."]


def test_a_line_only_when_something_changes(plain):
    a, b = finding("a"), finding("b", Status.PASSED)
    plain.round([a, b], 1.0, 600.0)
    plain.round([a, b], 11.0, 600.0)
    plain.round([finding("a", reason=Reason.DAG_MISSING), b], 21.0, 600.0)
    plain.round([finding("a", Status.PASSED), b], 31.0, None)

    assert plain.lines() == [
        "[1s] 1 passed, 1 pending, 9m59s left: a pending (dag-stale)",
        "[21s] 1 passed, 1 pending, 9m39s left: a pending (dag-missing)",
        "[31s] 2 passed: a passed",
    ]


def test_a_heartbeat_every_minute(plain):
    for elapsed in range(0, 200, 10):
        plain.round([finding("a")], float(elapsed), None)

    assert [line.split("]")[0] for line in plain.lines()] == ["[0s", "[1m", "[2m", "[3m"]


def test_only_three_are_named(plain):
    plain.round([finding(f"d{n}") for n in range(10)], 1.0, None)

    assert plain.lines()[0].endswith(
        "d0 pending (dag-stale), d1 pending (dag-stale), d2 pending (dag-stale), and 7 more"
    )


def test_quiet_says_nothing_and_a_log_gets_plain_lines():
    assert isinstance(progress_for(io.StringIO(), quiet=True), NoProgress)
    assert isinstance(progress_for(io.StringIO(), environ={}), PlainProgress)
    assert isinstance(progress_for(None, environ={}), PlainProgress)


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


def test_a_terminal_gets_a_live_line_unless_colours_are_off():
    assert isinstance(progress_for(Terminal(), environ={"TERM": "xterm"}), LiveProgress)
    assert isinstance(progress_for(Terminal(), no_color=True, environ={"TERM": "xterm"}), PlainProgress)


def seen(terminal):
    screen = pyte.Screen(80, 24)
    pyte.Stream(screen).feed(terminal.getvalue().replace("\n", "\r\n"))
    return [line.rstrip() for line in screen.display if line.strip()]


def test_the_live_line_renews_itself_and_is_gone_in_the_end():
    terminal = Terminal()
    progress = LiveProgress(terminal, clock=lambda: 0.0)
    progress.started("analytics-prod")
    progress.round([finding("a")], 5.0, 600.0)
    progress.note("throttled")
    progress.round([finding("a"), finding("b")], 65.0, 600.0)
    during = seen(terminal)
    progress.finished()
    progress.finished()

    assert during[:2] == ["Checking analytics-prod", "Note: throttled"]
    assert during[2].startswith("[1m5s] 2 pending: a pending (dag-stale), b pending")
    assert len(during) == 3
    assert seen(terminal) == ["Checking analytics-prod", "Note: throttled"]


@pytest.mark.parametrize("make", [NoProgress, PlainProgress, LiveProgress])
@pytest.mark.parametrize("broken", ["closed", "full", "none"])
def test_a_broken_stderr_never_raises(make, broken):
    class Full(Terminal):
        def write(self, text):
            raise OSError(28, "No space left on device")

    stream = {"closed": Terminal(), "full": Full(), "none": None}[broken]
    if broken == "closed":
        stream.close()
    progress = make() if make is NoProgress else make(stream)

    progress.started("x", "y")
    progress.round([finding("a")], 1.0, 2.0)
    progress.note("z")
    progress.finished()


@settings(deadline=None)
@given(st.data())
def test_foreign_text_is_inert(hostile_text, commands_in, data):
    text = data.draw(hostile_text)
    stream = io.StringIO()
    progress = PlainProgress(stream)
    progress.started(text, text)
    progress.round([finding(text)], 1.0, None)
    progress.note(text)

    assert not commands_in(stream.getvalue())
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e]", stream.getvalue())
