"""An Airflow in memory that answers each request as a function says, behind the real Caller. Time is not waited for."""

from __future__ import annotations

import json
from pathlib import Path

from validator.airflow.dialect import parse_version
from validator.airflow.runs import RunCalls
from validator.server_clock import ServerClock
from validator.transport.caller import Caller, RetryRule
from validator.transport.interface import NO_ADVICE, Answer
from validator.transport.pacing import TokenBucket

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"
VERSIONS = ("2.4.3", "2.10.5", "3.0.6", "3.3.2")
AIRFLOW_2 = ("2.4.3", "2.10.5")
AIRFLOW_3 = ("3.0.6", "3.3.2")
DEADLINE = 100.0


def recording(version, name):
    """One recorded call: method, path, query, body, status and response."""
    return json.loads((RECORDINGS / version / f"{name}.json").read_text(encoding="utf-8"))


def response(version, name):
    """What a real server answered, as a status and a body."""
    told = recording(version, name)
    return told["status"], told["response"]


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += max(0.0, seconds)


class ScriptedAirflow:
    """A transport: `answer` takes the request and gives a status and a body, or raises."""

    where = "memory"
    advice = NO_ADVICE

    def __init__(self, answer, longest_path=64):
        self.answer = answer
        self.longest_path = longest_path
        self.asked = []

    def call(self, request):
        self.asked.append(request)
        told = self.answer(request)
        if isinstance(told, BaseException):
            raise told
        return Answer(*told, date=None)

    def environment(self):
        return None


def run_calls(version, *answers, longest_path=64):
    """`RunCalls` of an Airflow that gives these answers in turn, the last one for ever; and that Airflow.

    An answer is a status and a body, an error, or a function of the request to one of these.
    """
    left = list(answers)

    def answer(request):
        told = left.pop(0) if len(left) > 1 else left[0]
        return told(request) if callable(told) else told

    airflow = ScriptedAirflow(answer, longest_path)
    clock = Clock()
    bucket = TokenBucket(1000, clock)
    caller = Caller(airflow, bucket, clock, ServerClock(clock), lambda: 0.5, RetryRule(attempts=3))
    return RunCalls(caller, parse_version(version)), airflow
