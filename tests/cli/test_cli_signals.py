"""Interrupted at any moment, the command ends soon, with whole reports that say so."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from validator.sandbox.server import Fault

WAITING = (
    "--env",
    "sandbox",
    "--interval",
    "100ms",
    "--timeout",
    "60s",
    "--max-tps",
    "1000",
    "--deployed-at",
    "none",
)
SIGNALS = pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])


def eventually(what, *, patience=60.0):
    end = time.monotonic() + patience
    while not what():
        assert time.monotonic() < end, "it never came so far"
        time.sleep(0.01)


def say_interrupted(reports, ended, number, code):
    told = reports.json
    assert ended.code == code, ended.err
    assert (told["exit_code"], told["verdict"]) == (code, "error")
    assert {check["status"] for check in told["checks"]} <= {"passed", "skipped", "warning", "error"}
    assert "undecided" in {check["reason"] for check in told["checks"]}
    cases = list(reports.junit.iter("testcase"))
    assert len(cases) == len(told["checks"]) + 1, (
        "one says that it was interrupted: skipped cases alone look green"
    )
    assert sum(1 for case in cases if case.find("error") is not None) == 1
    assert "Interrupted by " + number.name in ended.out
    assert "Traceback" not in ended.err
    assert "Exception" not in ended.err
    assert reports.left_over == []


@pytest.fixture
def missing(manifest):
    return manifest("version: 1\ndags: [etl, not_there_yet]\n")


@SIGNALS
def test_in_the_middle_of_a_wait(child, missing, sandbox, reports, number, code):
    gate = child("check", missing, *WAITING, "--interval", "30s", *reports.options)
    gate.until_it_says(b"not_there_yet")  # a round was judged, and the next is in 30 s
    say_interrupted(reports, gate.signal(number), number, code)
    assert "etl" in {check["subject"] for check in reports.json["checks"]}, "what was judged is told"


@SIGNALS
@pytest.mark.parametrize("path", ["/environments/sandbox", "/monitor/health", "/dags"])
def test_while_a_call_hangs(child, missing, sandbox, reports, number, code, path):
    hanging, release = threading.Event(), threading.Event()

    def hang(call):
        if call.path == path:
            hanging.set()
            release.wait(60)

    sandbox.fault = hang
    try:
        gate = child("check", missing, *WAITING, *reports.options)
        eventually(hanging.is_set)
        say_interrupted(reports, gate.signal(number), number, code)
    finally:
        release.set()


def test_while_pages_hang_in_threads(child, missing, sandbox, reports, world):
    def hang(call):
        if call.path == "/dags" and call.query.get("offset"):
            hanging.append(call)
            release.wait(60)
        if call.path == "/dags":
            start = int(call.query["offset"])
            row = {
                "is_stale": False,
                "is_paused": False,
                "has_import_errors": False,
                "last_parsed_time": None,
            }
            rows = [{"dag_id": f"d{n}", **row} for n in range(start, start + 100)]
            return Fault(airflow=(200, {"dags": rows, "total_entries": 800}))
        return None

    hanging, release = [], threading.Event()
    sandbox.fault = hang
    try:
        gate = child("check", missing, *WAITING, *reports.options)
        eventually(lambda: len(hanging) == 7)
        say_interrupted(reports, gate.signal(signal.SIGTERM), signal.SIGTERM, 143)
    finally:
        release.set()


def test_while_it_waits_for_its_turn(child, missing, sandbox, reports):
    gate = child("check", missing, *WAITING, "--max-tps", "0.1", *reports.options)
    eventually(lambda: sandbox.counts["GetEnvironment"] >= 1)
    time.sleep(0.2)
    say_interrupted(reports, gate.signal(signal.SIGTERM), signal.SIGTERM, 143)


def test_many_signals_are_as_one(child, missing, sandbox, reports):
    gate = child("check", missing, *WAITING, *reports.options)
    eventually(lambda: sandbox.counts["InvokeRestApi"] >= 5)
    for _ in range(20):
        gate.process.send_signal(signal.SIGTERM)
    say_interrupted(reports, gate.signal(signal.SIGTERM), signal.SIGTERM, 143)


@pytest.mark.parametrize("moment", [0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6])
def test_at_any_moment_of_the_start_there_is_no_traceback(child, missing, sandbox, reports, tmp_path, moment):
    gate = child("check", missing, *WAITING, *reports.options)
    time.sleep(moment)
    ended = gate.signal(signal.SIGTERM)
    assert ended.code in (143, -signal.SIGTERM), "before the gate runs the signal does what it always does"
    assert "Traceback" not in ended.err
    if ended.code == 143:
        say_interrupted(reports, ended, signal.SIGTERM, 143)
    else:
        assert not (tmp_path / "r.json").exists()


def test_with_the_progress_and_the_report_going_nowhere(child, missing, sandbox, reports):
    gate = child("check", missing, *WAITING, *reports.options, stdout=-3, stderr=-3)  # DEVNULL
    eventually(lambda: sandbox.counts["InvokeRestApi"] >= 5)
    ended = gate.signal(signal.SIGINT)
    assert ended.code == 130
    assert reports.json["exit_code"] == 130
