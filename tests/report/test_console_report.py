import io
import os
import re
import subprocess
import sys

import pyte
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from validator.finding import Status
from validator.reasons import Reason
from validator.report import console
from validator.report.console import Files, render_plain, render_terminal, show

HOSTILE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

TRACE = """Traceback (most recent call last):
  File "/usr/local/airflow/dags/etl/daily.py", line 12, in <module>
    from helpers import load
ModuleNotFoundError: No module named 'helpers'
"""
GREEN = """\
PASSED: analytics-prod - 1 warning, 2 passed
  All is as expected.
  Airflow 3.0.6, took 1m35s, 42 calls, exit 0, mwaa-gate 0.1.0
  deployed at 2026-01-31T08:00:01Z, arrived at 2026-01-31T08:01:01Z

Warnings (1)
  import-error  legacy/old.py: legacy/old.py is not as expected.

Passed (2): 1 health, 1 dags (-v lists them)

What this rests on:
  - Every file reached every DAG processor within 60 s.

What to do now:
  Nothing has to be done. When there is time, look at 1 warning.
"""
RED = """\
FAILED: analytics-prod - 2 failed, 1 skipped, 1 passed
  etl_daily does not parse.
  Airflow 3.0.6, took 1m35s, 42 calls, exit 1, mwaa-gate 0.1.0
  deployed at 2026-01-31T08:00:01Z, arrived at 2026-01-31T08:01:01Z

Failed (2)
  dag-import-error  etl_daily: Airflow cannot import its file.
      at etl/daily.py:12
      last parsed time: 2026-01-31T08:01:09Z
      suspects: helpers.py, legacy/old.py
      | Traceback (most recent call last):
      |   File "/usr/local/airflow/dags/etl/daily.py", line 12, in <module>
      |     from helpers import load
      | ModuleNotFoundError: No module named 'helpers'
      What to do: Mend the line that the stack trace names, and deploy again.
  dag-import-error  etl_hourly: Airflow cannot import its file.
      at etl/daily.py:12
      the same stack trace as etl_daily above
      What to do: as for etl_daily above

Skipped (1): 1 undecided (-v lists them)

Passed (1): 1 health (-v lists them)

What this rests on:
  - Every file reached every DAG processor within 60 s.

What to do now:
  1. Mend etl/daily.py, line 12.
"""
CANNOT_TELL = """\
CANNOT TELL: analytics-prod - 1 error
  AWS denied the call.
  Airflow unknown, took 0.4s, 1 calls, exit 3, mwaa-gate 0.1.0
  AWS request ids: r-1, r-2

Could not be checked (1)
  not-found  environment: environment is not as expected.
      What to do: Check the environment's name, the region and the account of the credentials.

What to do now:
  1. Name another environment.
"""


@pytest.fixture
def red(report, check):
    broken = {
        "status": Status.FAILED,
        "reason": Reason.DAG_IMPORT_ERROR,
        "message": "Airflow cannot import its file.",
        "file": "etl/daily.py",
        "line": 12,
    }
    return report(
        check("scheduler", area="health"),
        check(
            "etl_daily",
            details={
                "last_parsed_time": "2026-01-31T08:01:09Z",
                "stack_trace": TRACE,
                "suspects": ["helpers.py", "legacy/old.py"],
                "nothing": None,
            },
            **broken,
        ),
        check("etl_hourly", details={"stack_trace": TRACE}, **broken),
        check("late", Status.SKIPPED, reason=Reason.UNDECIDED),
        verdict=Status.FAILED,
        summary="etl_daily does not parse.",
        next_steps=("Mend etl/daily.py, line 12.",),
    )


def test_green(report, check):
    green = report(
        check("scheduler", area="health"),
        check(),
        check("legacy/old.py", Status.WARNING, area="import errors", reason=Reason.IMPORT_ERROR),
    )
    assert render_plain(green) == GREEN


def test_red(red):
    assert render_plain(red) == RED


def test_cannot_tell(report, check):
    unknown = report(
        check("environment", Status.ERROR, reason=Reason.NOT_FOUND),
        verdict=Status.ERROR,
        summary="AWS denied the call.",
        airflow_version=None,
        deployed_at=None,
        arrived_at=None,
        assumptions=(),
        duration_s=0.4,
        calls=1,
        request_ids=("r-1", "r-2"),
        next_steps=("Name another environment.",),
    )
    assert render_plain(unknown) == CANNOT_TELL


def test_quiet_is_the_headline_and_a_line_a_red(red):
    assert render_plain(red, quiet=True).splitlines() == [
        "FAILED: analytics-prod - 2 failed, 1 skipped, 1 passed",
        "  etl_daily does not parse.",
        "  dag-import-error  etl_daily: Airflow cannot import its file.",
        "  dag-import-error  etl_hourly: Airflow cannot import its file.",
        "  What to do now: Mend etl/daily.py, line 12.",
    ]


def test_quiet_and_green_is_the_headline_alone(report):
    assert render_plain(report(), quiet=True).splitlines() == [
        "PASSED: analytics-prod - 1 passed",
        "  All is as expected.",
    ]


def test_quiet_says_how_much_more_there_is_to_do(report, check):
    red = report(check(status=Status.FAILED), verdict=Status.FAILED, next_steps=("First this.", "Then that."))

    last = render_plain(red, quiet=True).splitlines()[-1]

    assert last == "  What to do now: First this. (and 1 more: see a report without -q)"


ENDS = [
    (Status.PASSED, 0, "  Nothing: everything that is expected holds."),
    (Status.FAILED, 1, "  1. Mend what is red, deploy again, and run the gate again."),
    (
        Status.ERROR,
        3,
        "  1. Mend what kept the gate from seeing, and run it again: this one says nothing of the deploy.",
    ),
]


@pytest.mark.parametrize(("verdict", "code", "step"), ENDS, ids=lambda value: str(value)[:6])
def test_the_last_line_says_what_to_do_now_whatever_the_verdict(report, check, verdict, code, step):
    status = Status.PASSED if verdict is Status.PASSED else verdict
    ended = report(check(status=status), verdict=verdict, exit_code=code)

    assert render_plain(ended).splitlines()[-2:] == ["What to do now:", step]


def test_an_interrupted_gate_ends_with_its_own_step(report, check):
    step = "Run the gate again: an interrupted one says nothing of the deploy."
    ended = report(check(status=Status.SKIPPED), verdict=Status.ERROR, exit_code=130, next_steps=(step,))

    assert render_plain(ended).splitlines()[-1] == f"  1. {step}"
    assert render_plain(ended, quiet=True).splitlines()[-1] == f"  What to do now: {step}"


def test_the_files_that_were_written_are_named(report):
    written = render_plain(
        report(), files=Files({"junit": "gate.xml", "html": "out/ga\nte.html"})
    ).splitlines()

    start = written.index("Reports written:")
    assert written[start + 1 : start + 3] == ["  - junit: gate.xml", "  - html: out/ga te.html"]
    assert "Reports written:" not in render_plain(report())


@pytest.mark.parametrize("quiet", [True, False])
def test_a_report_that_is_missing_is_never_nothing_to_do(report, quiet):
    out = render_plain(report(), quiet=quiet, files=Files(troubles=["cannot write gate.xml: no space left"]))

    assert "A report is missing: cannot write gate.xml: no space left." in out.splitlines()[-1]
    assert "Nothing" not in out


def test_quiet_says_why_it_cannot_tell(report, check):
    unknown = report(check("a", Status.ERROR), verdict=Status.ERROR)

    assert "  dag-missing  a: " in render_plain(unknown, quiet=True)


def test_verbose_lists_what_passed_and_was_skipped(red):
    lines = render_plain(red, verbose=True).splitlines()

    assert "  passed  scheduler: scheduler is as expected." in lines
    assert "  undecided  late: late is not as expected." in lines


def test_many_reds_are_bounded(report, check):
    reds = [check(f"dag_{n}", Status.FAILED) for n in range(500)]

    out = render_plain(report(*reds, verdict=Status.FAILED))

    assert out.count("What to do:") == console.IN_FULL
    assert out.count("  dag-missing  dag_") == console.IN_FULL + console.BY_LINE
    assert "  ... and 280 more; see the JSON report\n" in out


def test_a_check_with_advice_of_its_own_gives_that(report, check):
    reds = [check("a", Status.FAILED, advice="Ask\n::error::team A."), check("b", Status.FAILED)]

    out = render_plain(report(*reds, verdict=Status.FAILED))

    assert "      What to do: Ask ::error::team A.\n" in out
    assert out.count("What to do: Check that the file reached") == 1


def test_warnings_are_collapsed_unless_verbose(report, check):
    warned = report(*[check(f"dag_{n}", Status.WARNING) for n in range(30)])

    assert "  ... and 20 more; -v lists them all\n" in render_plain(warned)
    assert render_plain(warned, verbose=True).count("  dag-missing  dag_") == 30


def test_a_diff_is_shown_line_by_line(report, check):
    lines = [
        "--- airflow",
        "+++ local",
        "@@ -1,2 +1,2 @@",
        " one",
        "-::error::x",
        "+##[x]\x1b[31m\u2028::error::y",
    ]
    red = check("a.py", Status.FAILED, details={"diff": lines, "other": ["p", "q"]}, file="a.py", line=2)

    shown = render_plain(report(red, verdict=Status.FAILED)).splitlines()

    start = shown.index("      at a.py:2")
    assert shown[start : start + 9] == [
        "      at a.py:2",
        "      other: p, q",
        "      | --- airflow",
        "      | +++ local",
        "      | @@ -1,2 +1,2 @@",
        "      |  one",
        "      | -::error::x",
        r"      | +# #[x]\x1b[31m\u2028::error::y",
        shown[start + 8],
    ]
    assert shown[start + 8].startswith("      What to do: ")


@pytest.mark.parametrize("diff", [[], (), None])
def test_an_empty_diff_is_not_spoken_of(report, check, diff):
    red = report(check("a.py", Status.FAILED, details={"diff": diff}), verdict=Status.FAILED)

    assert "diff" not in render_plain(red)
    assert "| " not in render_plain(red)


@pytest.mark.parametrize("mode", [{}, {"verbose": True}, {"quiet": True}])
@HOSTILE
@given(data=st.data())
def test_no_line_is_a_command_and_no_character_an_escape(hostile, commands_in, mode, data):
    out = render_plain(data.draw(hostile), **mode)

    assert not commands_in(out)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", out)
    out.encode()


@HOSTILE
@given(data=st.data())
def test_a_terminal_shows_the_same_words(hostile, data):
    report = data.draw(hostile)

    coloured = render_terminal(report, verbose=True)

    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render_plain(report, verbose=True)


@HOSTILE
@given(data=st.data())
def test_a_terminal_does_nothing_but_print(hostile, data):
    out = render_terminal(data.draw(hostile))
    screen = pyte.Screen(300, out.count("\n") * 20 + 1)
    screen.title = "untouched"
    stream = pyte.Stream(screen)

    stream.feed("mine\r\n" + out.replace("\n", "\r\n"))

    assert screen.title == "untouched"
    assert screen.display[0].rstrip() == "mine"
    assert screen.display[1].startswith(("PASSED: ", "FAILED: ", "CANNOT TELL: "))
    assert not screen.cursor.attrs.bold


def test_markup_is_text(report, check):
    out = render_terminal(report(check("[bold red]x[/] :smile:", Status.FAILED), verdict=Status.FAILED))

    assert "[bold red]x[/] :smile:" in out


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("environ", "no_color", "colour"),
    [
        ({"TERM": "xterm"}, False, True),
        ({"TERM": "xterm"}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, False, True),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_colours_only_where_they_are_wanted(report, environ, no_color, colour):
    terminal = Terminal()

    show(report(), terminal, environ=environ, no_color=no_color)

    assert ("\x1b[" in terminal.getvalue()) is colour


def test_a_log_gets_no_colours(report):
    log = io.StringIO()

    show(report(), log, environ={})

    assert log.getvalue() == render_plain(report())


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8", "utf-16", "shift_jis"])
def test_any_encoding_of_stdout_will_do(report, check, encoding):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)

    show(report(check("你好 🎉 naïve", Status.FAILED)), stream, environ={})

    assert "FAILED" in render_plain(report(verdict=Status.FAILED))
    assert "etl" in raw.getvalue().decode(encoding) or "na" in raw.getvalue().decode(encoding)


def test_no_stdout_is_no_error(report):
    closed = io.StringIO()
    closed.close()

    show(report(), closed, environ={})
    show(report(), None, environ={})


CODE = """
import sys
from datetime import datetime, timezone
from validator.finding import Status
from validator.report import Check, Report
from validator.report.console import show
now = datetime.now(timezone.utc)
checks = tuple(Check(f"a/{n}", "a", str(n), Status.PASSED, "x" * 500) for n in range(1000))
report = Report(Status.PASSED, 0, "s", "e", None, "0", now, None, None, (), 1.0, 1, checks)
show(report, sys.stdout, verbose=True)
sys.exit(7)
"""


def test_a_full_or_closed_stdout_does_not_change_the_exit_code():
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        assert subprocess.run([sys.executable, "-c", CODE], stdout=full, check=False).returncode == 7
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run([sys.executable, "-c", CODE], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (result.returncode, result.stderr) == (7, b"")
