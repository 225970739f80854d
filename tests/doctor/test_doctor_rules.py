"""The doctor's own house: judging is pure, asking is bounded, and nothing is told that was not seen."""

from __future__ import annotations

import ast
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import validator.doctor
from validator.clock import SystemClock
from validator.doctor.attempt import Patience
from validator.doctor.facts import Failure, Wants
from validator.doctor.wants import wants_of
from validator.doctor.watched import Ticks
from validator.errors import CallFailed
from validator.manifest import parse_manifest
from validator.reasons import Reason

HOUSE = Path(validator.doctor.__file__).parent
PURE = sorted([*HOUSE.glob("judge_*.py"), HOUSE / "facts.py", HOUSE / "model.py", HOUSE / "wants.py"])
NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


def imported(path):
    tree = ast.parse(path.read_text("utf-8"))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return names | {
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.stem)
def test_judging_asks_nothing_and_looks_at_no_clock(path):
    tree = ast.parse(path.read_text("utf-8"))
    calls = {
        ast.unparse(node.func).rpartition(".")[2] for node in ast.walk(tree) if isinstance(node, ast.Call)
    }
    assert not calls & {"now", "utcnow", "sleep", "call", "client", "open", "print"}
    world = {"os", "time", "random", "secrets", "socket", "threading", "urllib3", "botocore"}
    assert not {name.partition(".")[0] for name in imported(path)} & world
    asking = ("validator.asking", "validator.target", "validator.doctor.ask", "validator.doctor.watched")
    assert not [name for name in imported(path) if name.startswith((*asking, "validator.doctor.attempt"))]


def test_the_walk_above_sees_imports_and_files():
    assert len(PURE) == 7
    assert "botocore" not in imported(HOUSE / "judge_aws.py")
    assert "validator.doctor.attempt" in imported(HOUSE / "ask_aws.py")


def test_what_hangs_is_left_alone_when_its_time_is_up():
    over = threading.Event()
    patience = Patience(0.15, SystemClock())
    began = time.monotonic()
    told = patience.ask_all({"a": over.wait, "b": over.wait, "c": lambda: "said"})
    again = patience.ask(over.wait)
    assert time.monotonic() - began < 10, "it hangs for ever"
    over.set()
    assert told["c"] == "said"
    assert all(
        isinstance(one, Failure) and one.reason is Reason.UNREACHABLE for one in (told["a"], told["b"], again)
    )
    assert told["a"].silent
    assert patience.left == 0


def test_one_call_does_not_use_up_the_time_of_the_others():
    over = threading.Event()
    patience = Patience(60, SystemClock())
    assert isinstance(patience.ask(over.wait, 0.05), Failure)
    over.set()
    assert patience.ask(lambda: "said") == "said"


def test_a_mistake_of_a_library_is_a_failure_whose_own_words_are_not_told():
    def fail():
        raise KeyError("a-secret")

    told = Patience(5, SystemClock()).ask(fail)
    assert told == Failure(Reason.BAD_RESPONSE, "it gave nothing that can be read (KeyError)")


def test_secrets_are_hidden_in_what_a_server_says():
    def fail():
        raise CallFailed(Reason.BAD_RESPONSE, "you sent pass-word and ASIAABCDEFGHIJKLMNOP", status=400)

    patience = Patience(5, SystemClock())
    patience.hide(("pass-word", ""))
    assert patience.ask(fail).message == "you sent *** and ***"


def test_the_date_that_travelled_least_counts():
    times = iter([NOON + timedelta(seconds=5), NOON + timedelta(seconds=6)])
    ticks = Ticks(lambda: next(times))
    ticks.see(None, NOON)
    assert ticks.best is None
    ticks.see(NOON, NOON)
    ticks.see(NOON, NOON + timedelta(seconds=5))
    assert ticks.best.travel == timedelta(seconds=1)
    assert ticks.best.skew == -5


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("dags: [etl]", set()),
        ("dags: [{dag_id: etl, tasks: [a]}]", {"reads-tasks"}),
        ("variables: [a]", {"reads-variables"}),
        ("connections: [{conn_id: a}]", {"reads-connections"}),
        ("pools: [{name: a}]", {"reads-pools"}),
        ("absent: [old]", {"reads-dags"}),
        ("dags: [etl]\nimport_errors: {scope: all}", {"reads-dags"}),
        ("dags: [etl]\ninventory: {unexpected: fail}", {"reads-dags"}),
        ("mwaa: {airflow_version: 3.0.6}", {"environment"}),
    ],
)
def test_what_a_manifest_needs_to_read(text, reads):
    assert wants_of(parse_manifest(f"version: 1\n{text}\n".encode(), "m.yaml", {})) == Wants(frozenset(reads))
