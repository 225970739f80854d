"""The Lambda function: CodePipeline jobs, and every other event. Contract: docs/lambda.md.

A wait is made in parts, each in an invocation of its own, with its memory in a token between them. An event is never
logged: a job's holds credentials.
"""

from __future__ import annotations

import math
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from validator.errors import EXIT_USAGE, GateError
from validator.finding import Status
from validator.serverless import answers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from validator.report.interface import Report
    from validator.serverless.artifact import Artifact
    from validator.serverless.job import Answer, Job
    from validator.serverless.parameters import Parameters

JOB_KEY = "CodePipeline.job"
PART = 33.0
"""Seconds of one part of a job's wait. A round that is under way then may take 25 more: an invocation stays below 60 s."""
ROOM = 35.0
"""Seconds of an invocation that are kept for a round under way, the reports and the answer."""
WATCHDOG = 6.0
"""Seconds before the function's own timeout at which a job is answered whatever happens."""


def handler(event: object, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own, which has no type
    """Answer one event; what Lambda calls."""
    invocation = _Invocation(context)
    if isinstance(event, dict) and JOB_KEY in event:
        return _job(event[JOB_KEY], invocation)
    if isinstance(event, dict) and "fleet" in event:
        from validator.serverless import fleet  # noqa: PLC0415 - only a fleet's first and last event need it

        return fleet.answer(event["fleet"])
    return _event(event, invocation)


class _Invocation:
    """The time that one invocation has."""

    def __init__(self, context: Any) -> None:  # noqa: ANN401 - the same
        self._began = time.monotonic()
        self._context = context

    @property
    def left(self) -> float:
        """Seconds until Lambda ends the function."""
        return float(self._context.get_remaining_time_in_millis()) / 1000

    def seconds(self, parameters: Parameters, usual: float) -> float:
        """How long the gate may wait: `usual` unless the parameters say otherwise, and never what there is not."""
        wanted = parameters.invocation if parameters.invocation is not None else usual
        gone_by = time.monotonic() - self._began
        return max(0.0, min(wanted - gone_by, self.left - ROOM))


@dataclass(frozen=True)
class _Undecided:
    """A part of a wait that ended before anything was decided."""

    environment: str
    token: str
    next_look: float
    """Seconds until the next look is due."""


def _event(event: object, invocation: _Invocation) -> dict[str, Any]:
    """Answer an event that is no job."""
    from validator.serverless.parameters import parse_parameters  # noqa: PLC0415 - at the first event, not at the import

    given = event.get("detail") if isinstance(event, dict) and "detail-type" in event else event
    named = given.get("environment") if isinstance(given, dict) else None
    environment = named if isinstance(named, str) else None
    try:
        parameters = parse_parameters(given)
        is_short = parameters.answer == "short"
        part = _part(parameters, None, parameters.token, invocation, PART if is_short else math.inf)
        if isinstance(part, _Undecided):
            return answers.pending(part.environment, part.token, part.next_look)
        return (answers.short if is_short else answers.done)(part, _written(part, parameters))
    except GateError as error:
        _log(answers.error_message(error))
        return answers.refused(error, environment)
    except Exception as error:  # noqa: BLE001 - an answer is owed, and a traceback is none
        return answers.refused(_unexpected(error), environment)


def _job(data: object, invocation: _Invocation) -> dict[str, Any]:
    """Answer a CodePipeline job: exactly once, whatever happens."""
    from validator.serverless.job import Answer, job_id  # noqa: PLC0415 - at the first event, not at the import
    from validator.transport.aws_session import AwsSession  # noqa: PLC0415 - the same

    answer = Answer(job_id(data), lambda: AwsSession().client("codepipeline"), time.sleep)
    with _Owed(answer, invocation) as owed:
        job, parameters = _read(data)
        owed.on_error = parameters.on_error
        artifact = _artifact(job, parameters)
        part = _part(parameters, artifact, job.token, invocation, PART)
        if isinstance(part, _Undecided):
            answer.goes_on(part.token)
        else:
            _conclude(part, parameters, answer, owed)
    return {"job": answer.job, "answer": answer.given}


def _conclude(report: Report, parameters: Parameters, answer: Answer, owed: _Owed) -> None:
    """Write the reports of a wait that is over, and answer its job."""
    if report.verdict is Status.FAILED:
        owed.red = answers.failure_message(report, {})
    written = _written(report, parameters)
    if report.verdict is Status.FAILED:
        answer.fails("JobFailed", answers.failure_message(report, written))
    elif report.verdict is Status.PASSED:
        answer.succeeds(report.summary, answers.variables(report, written))
    else:
        message = answers.failure_message(report, written)
        owed.cannot_tell(answers.failure_type(report), message, answers.variables(report, written))


class _Owed:
    """Sees to it that a job is answered: also on errors, and when the function is about to be ended."""

    def __init__(self, answer: Answer, invocation: _Invocation) -> None:
        self._answer = answer
        self.on_error = "fail"
        """What the job is told when the gate cannot tell."""
        self.red = ""
        """Why the gate is red; empty: it is not, or is not known to be. Whatever goes wrong then, it stays red."""
        self._watchdog = threading.Timer(max(1.0, invocation.left - WATCHDOG), self._too_late)
        self._watchdog.daemon = True

    def __enter__(self) -> Self:
        self._watchdog.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        self._watchdog.cancel()
        if error is None:
            return False
        if error is self._answer.refused:  # what failed is the answer itself: Lambda's alarm tells
            _log(f"The job could not be answered: {type(error).__name__}")
            return False
        known = error if isinstance(error, GateError) else _unexpected(error)
        message = answers.error_message(known)
        _log(message)
        if self._answer.given:  # the watchdog was quicker
            return True
        if known.exit_code == EXIT_USAGE:
            self._answer.fails("ConfigurationError", message)
        else:
            self.cannot_tell(answers.failure_type_of(known), message, {"verdict": str(Status.ERROR)})
        return True

    def cannot_tell(self, kind: str, message: str, variables: Mapping[str, str]) -> None:
        """Answer that nothing can be said: as a failure, or not, as the action wants it. What is red is answered so."""
        if self.red:
            self._answer.fails("JobFailed", self.red)
        elif self.on_error == "succeed":
            self._answer.succeeds(message, variables)
        else:
            self._answer.fails(kind, message)

    def _too_late(self) -> None:
        message = (
            "The function's timeout came before its part of the wait was over: nothing can be said of the environment.\n"
            "What to do: give the function a timeout of 120 s or more, and see in its log what took so long."
        )
        _log("The function's timeout came before the reports were written." if self.red else message)
        try:
            self.cannot_tell("SystemUnavailable", message, {"verdict": str(Status.ERROR)})
        except Exception as error:  # noqa: BLE001 - nobody waits for this thread: its log is all that there is
            _log(f"The job could not be answered: {type(error).__name__}")


def _read(data: object) -> tuple[Job, Parameters]:
    from validator.serverless.job import read_job  # noqa: PLC0415 - the same
    from validator.serverless.parameters import parse_parameters  # noqa: PLC0415 - the same

    job = read_job(data)
    return job, parse_parameters(job.user_parameters)


def _artifact(job: Job, parameters: Parameters) -> Artifact | None:
    """The job's input artifact, in memory; None: nothing of it is needed."""
    from validator.serverless.request import needs_artifact  # noqa: PLC0415 - the same

    if not needs_artifact(parameters) and parameters.artifact is None:
        return None
    from validator.serverless.artifact import Artifact  # noqa: PLC0415 - few jobs have one
    from validator.serverless.buckets import fetch  # noqa: PLC0415 - the same
    from validator.serverless.job import artifact_of  # noqa: PLC0415 - the same
    from validator.transport.aws_session import AwsSession  # noqa: PLC0415 - the same

    found = artifact_of(job, parameters.artifact)
    session = AwsSession(credentials=job.credentials)
    return Artifact.open(fetch(session, found.bucket, found.key, time.sleep), found.name)


def _part(
    parameters: Parameters,
    artifact: Artifact | None,
    token: str | None,
    invocation: _Invocation,
    usual: float,
) -> _Undecided | Report:
    """Make one part of the wait: the gate itself. It lasts `usual` seconds, unless something says otherwise."""
    from validator.report.console import show  # noqa: PLC0415 - at the first event, not at the import
    from validator.report.progress import progress_for  # noqa: PLC0415 - the same
    from validator.serverless.request import settings_of  # noqa: PLC0415 - the same
    from validator.service import Pending, visit_environment  # noqa: PLC0415 - the same

    settings = settings_of(parameters, artifact)
    memory = None
    if token is not None:
        from validator.serverless.token import unpack  # noqa: PLC0415 - not in the first part

        memory = unpack(token, settings)
    progress = progress_for(sys.stderr, quiet=False, no_color=True)
    # Only now: to read many DAG files takes a small function seconds.
    told = visit_environment(settings, progress, memory, invocation.seconds(parameters, usual))
    if isinstance(told, Pending):
        from validator.serverless.token import pack  # noqa: PLC0415 - not in the last part

        return _Undecided(settings.target.name, pack(told.memory, settings), told.next_look)
    show(told, sys.stdout, no_color=True)
    return told


def _written(report: Report, parameters: Parameters) -> Mapping[str, str]:
    """The reports' places in S3 by format, once they are written there."""
    if parameters.reports is None:
        return {}
    from validator.serverless.written import write_reports  # noqa: PLC0415 - few write any
    from validator.transport.aws_session import AwsSession  # noqa: PLC0415 - the same

    try:
        return write_reports(report, parameters.reports, AwsSession(), time.sleep)
    except Exception as error:
        if report.verdict is Status.PASSED:  # a green whose proof is nowhere to be read is none
            raise
        _log(answers.error_message(error if isinstance(error, GateError) else _unexpected(error)))
        return {}


def _unexpected(error: BaseException) -> GateError:
    """What stands for a mistake of the gate's own. Its place is logged, and not its text: that may quote the event."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    _log(f"mwaa-gate failed with {type(error).__name__} at\n{frames}")
    return answers.unexpected(type(error).__name__)


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - Lambda's log is what is printed
