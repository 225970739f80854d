"""A signal outside of the wait: while the command is still imported, and while its reports are written."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

WAITING = ("--env", "sandbox", "--interval", "100ms", "--max-tps", "1000", "--deployed-at", "none")
SIGNALS = pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])


@SIGNALS
@pytest.mark.parametrize("count", [1, 2])
def test_a_signal_while_reports_are_written_is_told_by_all_of_them(
    gate, manifest, sandbox, reports, clean, tmp_path, number, code, count
):
    """Who asked for the end before the end must not be told green; what was told already is told anew."""
    from validator.report import files  # noqa: PLC0415 - to be replaced

    written, left = files.write_atomically, [count]

    def signalled(path, data):
        written(path, data)
        left[0] -= 1
        if left[0] == 0:
            signal.raise_signal(number)

    clean.setattr(files, "write_atomically", signalled)
    clean.setenv("GITHUB_ACTIONS", "true")
    clean.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    (tmp_path / "outputs").touch()

    ended = gate("check", manifest(), *WAITING, *reports.options)

    assert ended.code == code
    assert (reports.json["exit_code"], reports.json["verdict"]) == (code, "error")
    assert f"Interrupted by {number.name} while the reports were written" in reports.json["summary"]
    assert {check["status"] for check in reports.json["checks"]} == {"passed"}, "what was seen stays"
    assert len(list(reports.junit.iter("error"))) == 1
    assert f"exit {code}" in ended.out
    told = (tmp_path / "outputs").read_text()
    assert told.rindex("\nerror\n") > told.rindex("\npassed\n"), "of an output the last value counts"


def test_a_red_stays_one_when_a_signal_comes_while_it_is_written(gate, manifest, sandbox, reports, clean):
    from validator.report import files  # noqa: PLC0415 - to be replaced

    written = files.write_atomically

    def signalled(path, data):
        signal.raise_signal(signal.SIGTERM)
        written(path, data)

    clean.setattr(files, "write_atomically", signalled)

    ended = gate(
        "check", manifest("version: 1\npools: [nowhere]\n"), *WAITING, *reports.options, "--timeout", "2s"
    )

    assert ended.code == reports.json["exit_code"] == 1


def test_an_interrupt_while_it_is_still_being_imported_leaves_no_stack_trace():
    """Python's own answer to ^C would be one."""
    script = """
import signal, sys
class Finder:
    def find_spec(name, *_):
        if name == "click": signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Finder)
import validator.__main__
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, b"", b"")


def test_an_interrupt_that_comes_before_the_first_step_is_one():
    script = """
import signal
import validator.__main__ as command
command.run = lambda _: signal.raise_signal(signal.SIGINT)
command.main()
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")


def test_once_imported_an_interrupt_is_what_it_was_before():
    script = "import signal, validator.__main__; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)

    assert ended.stdout == b"True\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_path_is_tried_leaves_no_trial_behind(tmp_path, number):
    """Nobody catches SIGTERM yet: it ends the process at once."""
    script = f"""
import os, signal, sys
from validator.report.files import check_writable
made = os.open
def signalled(*given):
    number = made(*given)
    os.kill(os.getpid(), {int(number)})
    return number
os.open = signalled
check_writable({str(tmp_path / "r.json")!r})
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)

    assert ended.returncode == -number
    assert list(tmp_path.iterdir()) == []
