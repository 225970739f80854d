"""The whole command against a simulated Airflow, over real boto3 and HTTP."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import timedelta

import pytest

from validator.__main__ import main
from validator.sandbox.files import one_dag
from validator.sandbox.server import Fault
from validator.sandbox.wire import AwsError

FAST = ("--env", "sandbox", "--interval", "100ms", "--max-tps", "1000", "--sync", "0s", "--settle", "0s")
SETTLED = (*FAST, "--deployed-at", "none", "--timeout", "10s")


def cases_of(junit):
    return {(case.get("classname"), case.get("name")): case for case in junit.iter("testcase")}


def holds_together(reports, code, verdict):
    """Both reports are there, whole, and say the same."""
    told = reports.json
    assert (told["schema"], told["exit_code"], told["verdict"]) == (1, code, verdict)
    cases = cases_of(reports.junit)
    assert len(cases) == len(told["checks"]) >= 1
    marked = {
        kind: sum(1 for case in cases.values() if case.find(kind) is not None)
        for kind in ("failure", "error", "skipped")
    }
    statuses = [check["status"] for check in told["checks"]]
    assert marked == {
        "failure": statuses.count("failed"),
        "error": statuses.count("error"),
        "skipped": statuses.count("skipped"),
    }
    assert "pending" not in statuses
    assert reports.left_over == []
    return told


@pytest.mark.parametrize("airflow", ["2.10.5", "3.0.6", "3.3.2"])
def test_what_is_there_and_fresh_is_green(gate, manifest, sandbox, reports, world, airflow):
    object.__setattr__(world.rules, "airflow", airflow)
    ended = gate("check", manifest(), *SETTLED, *reports.options)
    assert ended.code == 0, ended.out
    told = holds_together(reports, 0, "passed")
    assert told["airflow_version"] == airflow
    assert told["calls"] == len(sandbox.calls)
    assert told["environment"] == "sandbox"
    assert "etl" in {check["subject"] for check in told["checks"]}
    assert "Traceback" not in ended.err


def test_a_parse_after_the_deploy_makes_it_green_and_none_before(gate, manifest, sandbox, reports):
    ended = gate("check", manifest(), *FAST, "--timeout", "20s", *reports.options)
    assert ended.code == 0, ended.out
    told = holds_together(reports, 0, "passed")
    (dag,) = [check for check in told["checks"] if check["id"] == "dags/etl"]
    assert dag["details"]["last_parsed_time"] >= told["deployed_at"][:19]


def test_a_dag_that_is_not_there_is_red_and_named(gate, manifest, sandbox, reports):
    text = "version: 1\ndags: [etl, nowhere_to_be_seen]\n"
    ended = gate(
        "check", manifest(text), *FAST, "--deployed-at", "none", "--timeout", "300ms", *reports.options
    )
    assert ended.code == 1
    told = holds_together(reports, 1, "failed")
    (red,) = [check for check in told["checks"] if check["status"] == "failed"]
    assert (red["subject"], red["reason"]) == ("nowhere_to_be_seen", "dag-missing")
    assert "nowhere_to_be_seen" in ended.out
    (failure,) = list(reports.junit.iter("failure"))
    assert failure.get("type") == "dag-missing"


def test_a_broken_dag_is_red_at_once_with_its_trace(gate, manifest, sandbox, reports, world):
    world.put("etl.py", one_dag("etl").broken(), lags=0)
    world.push_on(2)
    ended = gate(
        "check",
        manifest(),
        *FAST,
        "--deployed-at",
        str((world.clock() - timedelta(seconds=1)).timestamp()),
        "--timeout",
        "20s",
        *reports.options,
    )
    assert ended.code == 1, ended.out
    told = holds_together(reports, 1, "failed")
    assert "dag-import-error" in {check["reason"] for check in told["checks"]}
    assert "SyntaxError" in ended.out


def at_operation(name, fault):
    return lambda call: fault if call.operation == name else None


DENIED = Fault(aws=AwsError("AccessDeniedException", "User: arn:aws:iam::1:user/ci is not authorized"))


def test_a_denial_of_aws_cannot_tell_at_once(gate, manifest, sandbox, reports):
    sandbox.fault = lambda call: DENIED
    ended = gate("check", manifest(), *SETTLED, *reports.options)
    assert ended.code == 3
    told = holds_together(reports, 3, "error")
    assert "access-denied" in {check["reason"] for check in told["checks"]}
    assert "airflow:InvokeRestApi" in ended.out
    assert told["duration_s"] < 5


def test_a_denied_getenvironment_alone_is_no_reason_to_fail(gate, manifest, sandbox, reports):
    sandbox.fault = at_operation("GetEnvironment", DENIED)
    assert gate("check", manifest(), *SETTLED, *reports.options).code == 0
    told = holds_together(reports, 0, "passed")
    assert [check["status"] for check in told["checks"] if check["reason"] == "access-denied"] == ["skipped"]


def test_an_unknown_environment_cannot_tell_at_once(gate, manifest, sandbox, reports):
    ended = gate("check", manifest(), *SETTLED, "--env", "nowhere", *reports.options)
    assert ended.code == 3
    assert "not-found" in {check["reason"] for check in holds_together(reports, 3, "error")["checks"]}
    assert "nowhere" in ended.out


def test_expired_credentials_cannot_tell_at_once(gate, manifest, sandbox, reports):
    sandbox.fault = lambda call: Fault(aws=AwsError("ExpiredTokenException", "The security token is expired"))
    assert gate("check", manifest(), *SETTLED, *reports.options).code == 3
    assert "access-denied" in {check["reason"] for check in holds_together(reports, 3, "error")["checks"]}


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION"])
def test_without_credentials_or_region_it_cannot_tell_at_once(
    gate, manifest, sandbox, reports, clean, missing
):
    clean.delenv(missing)
    if missing == "AWS_ACCESS_KEY_ID":
        clean.delenv("AWS_SECRET_ACCESS_KEY")
    ended = gate("check", manifest(), *SETTLED, *reports.options)
    assert ended.code == 3
    assert holds_together(reports, 3, "error")["duration_s"] < 5
    assert ("--region" if "REGION" in missing else "--profile") in ended.out
    assert sandbox.calls == ()


TROUBLES = {
    "cut off": Fault(cut="body"),
    "cut connection": Fault(cut="connection"),
    "reset": Fault(reset=True),
    "throttled": Fault(aws=AwsError("ThrottlingException", "Rate exceeded")),
    "internal": Fault(aws=AwsError("InternalServerException", "oops")),
    "web server down": Fault(airflow=(503, "<html>restarting</html>")),
    "airflow refuses": Fault(airflow=(403, {"detail": "Forbidden"})),
    "nonsense": Fault(airflow=(200, {"dags": "none", "total_entries": 0})),
    "empty": Fault(airflow=(200, {})),
    "list": Fault(airflow=(200, [])),
    "not found": Fault(airflow=(404, {"error": "API route not found"})),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_when_every_answer_is_bad_it_cannot_tell(gate, manifest, sandbox, reports, trouble):
    sandbox.fault = lambda call: trouble
    ended = gate("check", manifest(), *FAST, "--deployed-at", "none", "--timeout", "300ms", *reports.options)
    assert ended.code == 3, ended.out
    told = holds_together(reports, 3, "error")
    assert not {"passed", "failed"} & {
        check["status"] for check in told["checks"] if check["area"] != "environment"
    }
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("path", ["/monitor/health", "/dags", "/importErrors"])
@pytest.mark.parametrize("trouble", ["cut off", "web server down", "empty"])
def test_one_bad_answer_of_every_round_is_never_green(gate, manifest, sandbox, reports, path, trouble):
    sandbox.fault = lambda call: TROUBLES[trouble] if call.path == path else None
    ended = gate("check", manifest(), *FAST, "--deployed-at", "none", "--timeout", "300ms", *reports.options)
    assert ended.code == 3, ended.out
    holds_together(reports, 3, "error")


def test_troubles_that_pass_do_not_matter(gate, manifest, sandbox, reports):
    faults = [TROUBLES[name] for name in ("reset", "web server down", "cut off")]
    sandbox.fault = lambda call: faults.pop() if faults else None
    assert (
        gate("check", manifest(), *FAST, "--deployed-at", "none", "--timeout", "30s", *reports.options).code
        == 0
    )
    holds_together(reports, 0, "passed")


def test_dead_components_are_never_green(gate, manifest, sandbox, reports, world):
    for component in ("scheduler", "dag_processor"):
        world.kill(component)
    world.push_on(200)
    ended = gate("check", manifest(), *FAST, "--deployed-at", "none", "--timeout", "300ms", *reports.options)
    assert ended.code == 1
    assert "component-unhealthy" in {
        check["reason"] for check in holds_together(reports, 1, "failed")["checks"]
    }


def test_the_installed_command_gives_the_same_verdict_and_its_report_on_stdout(
    child, manifest, sandbox, reports
):
    ended = child("check", manifest(), *SETTLED, *reports.options).end()
    assert ended.code == 0, ended.err
    holds_together(reports, 0, "passed")
    assert "sandbox" in ended.out
    assert not re.search(r"\x1b|\r", ended.out + ended.err)


def test_python_m_validator_is_the_command_too(clean, manifest, sandbox, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "validator", "check", manifest(), *SETTLED, "-q"],
        check=False,
        capture_output=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""


@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2), (0, 1, 2)])
def test_streams_that_are_closed_from_the_start_do_not_change_the_exit_code(
    clean, manifest, sandbox, reports, tmp_path, closed
):
    shut = " ".join(f"{number}>&-" for number in closed)
    command = "exec " + " ".join(
        map(str, [sys.executable, "-m", "validator", "check", manifest(), *SETTLED, *reports.options, shut])
    )
    done = subprocess.run(["sh", "-c", command], check=False, capture_output=True, timeout=120, cwd=tmp_path)
    assert b"Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr
    holds_together(reports, 0, "passed")


@pytest.mark.parametrize(
    ("text", "code", "times"),
    [
        ("version: 1\ndags: [etl]\n", 0, ("--timeout", "1m")),
        ("version: 1\ndags: [none]\n", 1, ("--timeout", "1s", "--interval", "1s")),
    ],
)
@pytest.mark.parametrize("unread", ["stdout", "stderr"])
def test_a_pipe_that_nobody_reads_does_not_change_the_exit_code(
    child, manifest, sandbox, reports, text, code, times, unread
):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = child("check", manifest(text), *SETTLED, *times, *reports.options, **{unread: writing}).end()
    finally:
        os.close(writing)
    assert ended.code == code
    assert "Traceback" not in ended.err
    holds_together(reports, code, "passed" if code == 0 else "failed")


def test_a_full_disk_for_stdout_does_not_change_the_exit_code(child, manifest, sandbox, reports):
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        ended = child("check", manifest(), *SETTLED, *reports.options, stdout=full).end()
    assert ended.code == 0
    assert "Traceback" not in ended.err


def test_a_report_that_can_no_longer_be_written_is_never_green(gate, manifest, sandbox, tmp_path):
    (tmp_path / "gone").mkdir()
    sandbox.fault = lambda call: (tmp_path / "gone").rmdir() if (tmp_path / "gone").exists() else None
    ended = gate("check", manifest(), *SETTLED, "--json", "r.json", "--junit", "gone/r.xml")
    assert ended.code == 3
    assert "gone/r.xml" in ended.err
    assert ended.out.startswith("CANNOT TELL")
    assert "A report is missing: " in ended.out
    other = json.loads((tmp_path / "r.json").read_text())
    assert (other["verdict"], other["exit_code"]) == ("error", 3), (
        "the one that was written calls it green as little"
    )


def test_a_mistake_of_the_gates_own_is_no_red(clean, manifest, sandbox, capfd, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr("validator.service.check_environment", fail)
    monkeypatch.setattr("sys.argv", ["mwaa-gate", "check", manifest(), *SETTLED])
    codes = []
    monkeypatch.setattr("os._exit", codes.append)
    main()
    assert codes == [3]
    said = capfd.readouterr().err
    assert "ZeroDivisionError: a mistake" in said, "for whoever mends it"
    assert "says nothing of the deploy" in said
