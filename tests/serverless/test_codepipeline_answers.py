"""A job is answered exactly once, whatever happens, and nothing of its event reaches a log."""

from __future__ import annotations

import threading
import time

import pytest
from botocore.exceptions import ClientError

from validator import codepipeline
from validator.serverless import job as job_module
from validator.transport import caller
from validator.transport.interface import CALL_TIMEOUT, CONNECT_TIMEOUT

MANIFEST = {"version": 1, "dags": ["etl"]}
SECRETS = ("artifact-secret-key", "artifact-session-token", "hush-hush", "own-secret")
SUCCESS, FAILURE = "PutJobSuccessResult", "PutJobFailureResult"


@pytest.fixture
def hurried(clean):
    """Answers are repeated at once."""
    clean.setattr(job_module, "_WAITS", (0.01,) * 5)


@pytest.mark.parametrize(
    "faults",
    [
        [(400, "ThrottlingException")],
        [(500, "InternalFailure"), (503, "ServiceUnavailable")],
        ["reset", "reset"],
        ["late"],  # it was taken: the repetition is told InvalidJobStateException
    ],
    ids=["throttled", "5xx", "reset", "the answer to the answer was lost"],
)
def test_an_answer_that_did_not_get_through_is_given_again(pipeline, sandbox, once, aws, hurried, faults):
    aws.faults[SUCCESS] = list(faults)
    assert pipeline.once({**once, "manifest": MANIFEST}).variables["verdict"] == "passed"
    assert aws.attempts == [SUCCESS] * (len(faults) + 1)


def test_a_failures_answer_and_a_continuations_are_given_again_too(pipeline, sandbox, fast, aws, hurried):
    aws.faults[SUCCESS] = [(400, "ThrottlingException")]
    assert pipeline.once({**fast, "manifest": MANIFEST}).token is not None
    aws.faults[FAILURE] = [(500, "InternalFailure")]
    assert pipeline.once("{}").is_failure


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException"])
def test_an_answer_that_is_refused_ends_the_function_with_an_error_for_the_alarm(
    pipeline, sandbox, once, aws, context, code
):
    aws.faults[SUCCESS] = [(400, code), "..."]
    with pytest.raises(ClientError, match=code):
        pipeline.invoke(pipeline.event({**once, "manifest": MANIFEST}), context())
    assert aws.attempts == [SUCCESS]  # and no other verdict is tried in its place


def test_an_answer_that_never_gets_through_ends_the_function_with_an_error(
    pipeline, sandbox, once, aws, context, hurried
):
    aws.faults[SUCCESS] = [(500, "InternalFailure"), "..."]
    with pytest.raises(ClientError, match="InternalFailure"):
        pipeline.invoke(pipeline.event({**once, "manifest": MANIFEST}), context())
    assert aws.attempts == [SUCCESS] * 6


def test_a_job_that_is_answered_already_is_done(pipeline, sandbox, once, aws, context):
    event = pipeline.event({**once, "manifest": MANIFEST})
    first = pipeline.invoke(event, context())
    assert pipeline.invoke(event, context()) == first == {"job": "job-1", "answer": "success"}
    assert len(aws.answers) == 1
    assert aws.attempts == [SUCCESS] * 2


@pytest.mark.parametrize("event", [None, [], "x", 7, {}, {"id": None}, {"id": ""}, {"data": {}}])
def test_a_job_without_an_id_cannot_be_answered_which_is_an_error_of_the_function(aws, context, event):
    with pytest.raises(Exception, match="no CodePipeline job with an id"):
        codepipeline.handler({"CodePipeline.job": event}, context())
    assert aws.attempts == []


@pytest.fixture
def secretive(pipeline, once):
    """Parameters with a secret in them, beside the credentials that every job's event holds."""
    return {**once, "manifest": MANIFEST, "variables": {"PASSWORD": "hush-hush"}}


def _told(aws, capsys):
    said = capsys.readouterr()
    return said.out + said.err + "".join(str(one.body) for one in aws.answers)


@pytest.mark.parametrize("error", [RuntimeError, KeyError, MemoryError, RecursionError, TypeError])
def test_a_mistake_of_the_gates_own_is_answered_once_and_quotes_nothing(
    pipeline, aws, clean, capsys, secretive, error
):
    def visit(settings, progress, memory, seconds):
        raise error(f"{SECRETS} in its text")

    clean.setattr("validator.service.visit_environment", visit)
    kind, message = pipeline.once(secretive).failure
    assert kind == "SystemUnavailable"
    assert f"the gate itself failed ({error.__name__})" in message
    told = _told(aws, capsys)
    assert "in visit" in told  # where it happened
    assert [secret for secret in SECRETS if secret in told] == []


def test_a_mistake_of_the_gates_own_is_no_verdict_for_a_pipeline_that_goes_on(pipeline, clean, secretive):
    clean.setattr("validator.service.visit_environment", lambda *_: 1 / 0)
    told = pipeline.once({**secretive, "on_error": "succeed"})
    assert told.variables == {"verdict": "error"}


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"manifest": {"version": 2}},
        {"timeout": "300ms", "manifest": {"version": 1, "dags": ["no"]}},
        {"x": 1},
    ],
    ids=["green", "wrong manifest", "red", "unknown key"],
)
def test_nothing_of_an_event_that_is_secret_is_logged_or_answered(
    pipeline, sandbox, aws, capsys, secretive, wrong
):
    pipeline.run({**secretive, **wrong})
    told = _told(aws, capsys)
    assert told
    assert [secret for secret in SECRETS if secret in told] == []


def test_a_transport_that_hangs_is_answered_before_the_function_is_ended(
    pipeline, sandbox, aws, once, capsys
):
    answered = threading.Event()
    aws.watch = lambda environ: answered.set()
    sandbox.fault = lambda call: (
        None if answered.wait(8.0) else pytest.fail("it was not answered while it hung")
    )
    given = {**once, "manifest": MANIFEST, "timeout": "1m"}
    kind, message = pipeline.once(given, seconds=codepipeline.WATCHDOG + 1.2).failure
    assert answered.is_set()
    assert kind == "SystemUnavailable"
    assert "The function's timeout came before" in message
    assert "120 s or more" in message
    assert aws.attempts == [FAILURE]
    assert "The function's timeout" in capsys.readouterr().err


def test_what_comes_after_the_watchdogs_answer_is_no_error_of_the_function(
    pipeline, aws, secretive, clean, capsys
):
    def visit(settings, progress, memory, seconds):
        while not aws.answers:  # the watchdog's
            time.sleep(0.01)
        raise RuntimeError("hush-hush")

    clean.setattr("validator.service.visit_environment", visit)
    assert pipeline.once(secretive, seconds=2.0).failure[0] == "SystemUnavailable"
    assert aws.attempts == [FAILURE]
    said = capsys.readouterr().err
    assert "RuntimeError" in said
    assert "could not be answered" not in said


def test_a_watchdog_whose_answer_is_refused_says_so_in_the_log(
    pipeline, aws, secretive, clean, capsys, context
):
    said = []
    clean.setattr(codepipeline, "_log", said.append)

    def visit(settings, progress, memory, seconds):
        while not any("could not be answered" in line for line in said):  # by the watchdog
            time.sleep(0.01)
        raise RuntimeError("hush-hush")

    clean.setattr("validator.service.visit_environment", visit)
    aws.faults[FAILURE] = [(400, "AccessDeniedException"), "..."]
    with pytest.raises(ClientError, match="AccessDenied"):
        pipeline.invoke(pipeline.event(secretive), context(2.0))
    assert any("could not be answered: ClientError" in line for line in said)


@pytest.fixture
def red(once):
    """Parameters of a job that is red at once, writes reports, and goes on when the gate cannot tell."""
    missing = {"version": 1, "dags": ["no"]}
    return {**once, "timeout": "300ms", "on_error": "succeed", "manifest": missing, "reports": "s3://reports"}


def test_a_red_whose_reports_fail_by_a_mistake_of_the_gates_own_stays_red(
    pipeline, sandbox, red, clean, capsys
):
    clean.setattr("validator.serverless.written.write_reports", lambda *_: 1 / 0)
    kind, message = pipeline.once(red).failure
    assert kind == "JobFailed"
    assert "dag-missing" in message
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_green_whose_reports_fail_by_a_mistake_of_the_gates_own_is_none(
    pipeline, sandbox, red, once, clean
):
    clean.setattr("validator.serverless.written.write_reports", lambda *_: 1 / 0)
    told = pipeline.once({**red, **once, "manifest": MANIFEST})
    assert told.variables == {"verdict": "error"}


def test_a_red_whose_reports_hang_is_answered_as_red(pipeline, sandbox, red, clean, aws, capsys):
    answered = threading.Event()
    aws.watch = lambda environ: answered.set()
    clean.setattr("validator.serverless.written.write_reports", lambda *_: answered.wait(8.0) and {})
    clean.setattr(codepipeline, "WATCHDOG", 33.0)  # of a function with time for a look
    kind, message = pipeline.once(red, seconds=codepipeline.ROOM + 1.0).failure
    assert kind == "JobFailed"
    assert "dag-missing" in message
    assert aws.attempts == [FAILURE]
    assert "before the reports were written" in capsys.readouterr().err


def test_the_worst_invocation_of_a_job_stays_below_a_minute_and_within_the_function():
    # A round that began before the part was over still makes its calls, and the last of them may hang.
    of_a_round = caller.FINISH_WITHIN + CONNECT_TIMEOUT + CALL_TIMEOUT
    assert codepipeline.PART + of_a_round < 60
    assert of_a_round + codepipeline.WATCHDOG < codepipeline.ROOM


def test_a_slow_environment_does_not_make_an_invocation_longer_than_its_part_and_a_round(
    pipeline, sandbox, the_time, fast
):
    sandbox.fault = lambda call: the_time.sleep(9.0)
    given = {**fast, "manifest": MANIFEST, "settle": "200s", "interval": "10s"}
    del given["invocation"]
    assert pipeline.once(given).token is not None
    assert codepipeline.PART < the_time.now() < 60


def test_the_time_that_the_artifact_took_is_gone_from_the_part(pipeline, sandbox, the_time, once, clean):
    given = []

    def visit(settings, progress, memory, seconds):
        given.append(seconds)
        raise RuntimeError

    clean.setattr("validator.service.visit_environment", visit)
    read = codepipeline._read
    clean.setattr(codepipeline, "_read", lambda data: (the_time.sleep(0.2), read(data))[1])
    pipeline.once({**once, "manifest": MANIFEST})
    pipeline.once({**once, "manifest": MANIFEST, "invocation": "100ms"})
    pipeline.once({**once, "manifest": MANIFEST, "invocation": "15m"}, seconds=100.0)
    pipeline.once({**once, "manifest": MANIFEST}, seconds=10.0)
    assert given[0] == pytest.approx(codepipeline.PART - 0.2)
    assert given[1] == 0.0
    assert given[2] == pytest.approx(100.0 - codepipeline.ROOM)
    assert given[3] == 0.0
