"""A CodePipeline job: what its event holds, and the one answer that it is owed. Facts: AWS.md section 4."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from validator.errors import UsageError
from validator.report.sanitize import bounded, encodable
from validator.transport.aws_errors import code_of
from validator.transport.aws_session import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_codepipeline.literals import FailureTypeType
    from mypy_boto3_codepipeline.type_defs import ExecutionDetailsTypeDef, FailureDetailsTypeDef

MESSAGE_LIMIT = 5_000
"""Characters of a failure's message."""
SUMMARY_LIMIT = 2_048
"""Characters of a success's summary."""
VALUE_LIMIT = 500
"""Characters of an output variable: it is shown in one line."""

_ADVICE = "Configure a Lambda action of CodePipeline that invokes this function; docs/lambda.md says how."
_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each repetition of an answer: without one the pipeline hangs for 20 minutes."""
_ANSWERED = frozenset({"InvalidJobStateException", "JobNotFoundException"})
"""What CodePipeline says to a second answer."""
_HOPELESS = frozenset({"AccessDeniedException", "ValidationException"})


@dataclass(frozen=True)
class InputArtifact:
    """Where an input artifact lies."""

    name: str
    bucket: str
    key: str


@dataclass(frozen=True)
class Job:
    """A job's event, read."""

    id: str
    user_parameters: object
    """What the action's UserParameters hold, parsed."""
    artifacts: tuple[InputArtifact, ...]
    credentials: Credentials | None = field(default=None, repr=False)
    """They read the artifacts, and nothing else."""
    token: str | None = None
    """The continuation token that this function gave before; None: this is the job's first invocation."""


def job_id(data: object) -> str:
    """The id by which the job is answered.

    Raises:
        UsageError: it has none, so that nobody can be answered.
    """
    found = _at(data, "id")
    if not isinstance(found, str) or not found:
        raise UsageError("the event holds no CodePipeline job with an id", advice=_ADVICE)
    return found


def read_job(event: object) -> Job:
    """The job of an event's `CodePipeline.job`.

    Raises:
        UsageError: something of it is missing or cannot be used.
    """
    data = _at(event, "data")
    text = _at(data, "actionConfiguration", "configuration", "UserParameters")
    if not isinstance(text, str) or not text.strip():
        raise UsageError(
            "the action has no UserParameters",
            advice='Give it some, such as {"environment": "analytics-prod", "manifest": "manifests/prod.yaml"}.',
        )
    try:
        parameters = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" ({error})" if isinstance(error, json.JSONDecodeError) else ""
        raise UsageError(
            f"the action's UserParameters are no JSON{where}",
            advice="Write them as one JSON object, and mind the quotes where the pipeline itself is JSON or YAML.",
        ) from error
    token = _at(data, "continuationToken")
    return Job(
        job_id(event),
        parameters,
        tuple(_artifacts(_at(data, "inputArtifacts"))),
        _credentials(_at(data, "artifactCredentials")),
        token if isinstance(token, str) and token else None,
    )


def _at(data: object, *keys: str) -> object:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _artifacts(found: object) -> list[InputArtifact]:
    artifacts = []
    for one in found if isinstance(found, list) else []:
        place = _at(one, "location", "s3Location")
        values = (_at(one, "name"), _at(place, "bucketName"), _at(place, "objectKey"))
        if not all(isinstance(value, str) and value for value in values):
            raise UsageError("an input artifact of the job has no place in S3", advice=_ADVICE)
        artifacts.append(InputArtifact(*map(str, values)))
    return artifacts


def _credentials(found: object) -> Credentials | None:
    access, secret, token = (_at(found, key) for key in ("accessKeyId", "secretAccessKey", "sessionToken"))
    if not isinstance(access, str) or not isinstance(secret, str):
        return None
    return Credentials(access, secret, token if isinstance(token, str) else None)


def artifact_of(job: Job, name: str | None) -> InputArtifact:
    """The input artifact that is meant.

    Args:
        job: the job.
        name: its name; None: there is only one.

    Raises:
        UsageError: there is none, or it is not clear which one.
    """
    names = ", ".join(one.name for one in job.artifacts) or "none"
    if name is None:
        if len(job.artifacts) == 1:
            return job.artifacts[0]
        raise UsageError(
            f"the action has {len(job.artifacts)} input artifacts ({names})",
            advice="Give the action the artifact that holds the manifest and the DAGs folder; of several, name it under "
            "`artifact`.",
        )
    for one in job.artifacts:
        if one.name == name:
            return one
    raise UsageError(
        f"the action has no input artifact {name}; it has {names}", advice="Mend `artifact`, or the action."
    )


class Answer:
    """Answers one job, once. Thread-safe: a watchdog may be quicker."""

    def __init__(self, job: str, client: Callable[[], Any], sleep: Callable[[float], None]) -> None:
        """Take the job's id, what makes boto3's client of CodePipeline, and what waits between repetitions."""
        self.job = job
        """The job's id."""
        self._client = client
        self._sleep = sleep
        self._lock = threading.Lock()
        self.given = ""
        """`continues`, `success` or `failure`; empty: none yet."""
        self.refused: Exception | None = None
        """What came of the last answer that did not get through; None: nothing."""

    def goes_on(self, token: str) -> bool:
        """Nothing is decided: call again with `token`. Gives whether this was the job's answer."""
        return self._give(
            "continues", lambda client: client.put_job_success_result(jobId=self.job, continuationToken=token)
        )

    def succeeds(self, summary: str, variables: Mapping[str, str]) -> bool:
        """The action has succeeded. Gives whether this was the job's answer."""
        details: ExecutionDetailsTypeDef = {"summary": _fit(summary, SUMMARY_LIMIT), "percentComplete": 100}
        values = {name: _fit(value, VALUE_LIMIT) for name, value in variables.items()}
        return self._give(
            "success",
            lambda client: client.put_job_success_result(
                jobId=self.job, executionDetails=details, outputVariables=values
            ),
        )

    def fails(self, kind: str, message: str) -> bool:
        """The action has failed. Gives whether this was the job's answer.

        Args:
            kind: JobFailed, ConfigurationError, PermissionError, RevisionOutOfSync, RevisionUnavailable or
                SystemUnavailable.
            message: why, for people; it is cut to what CodePipeline takes.
        """
        details: FailureDetailsTypeDef = {
            "type": cast("FailureTypeType", kind),
            "message": _fit(message, MESSAGE_LIMIT),
        }
        return self._give(
            "failure", lambda client: client.put_job_failure_result(jobId=self.job, failureDetails=details)
        )

    def _give(self, what: str, call: Callable[[CodePipelineClient], object]) -> bool:
        with self._lock:
            if self.given:
                return False
            self._send(call)
            self.given = what
            return True

    def _send(self, call: Callable[[CodePipelineClient], object]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - heavy, needed only here

        waits = iter(_WAITS)
        while True:
            try:
                call(self._client())
            except ClientError as error:
                code, _, _ = code_of(error)
                if code in _ANSWERED:
                    return
                wait = None if code in _HOPELESS else next(waits, None)
                if wait is None:
                    self.refused = error
                    raise
            except BotoCoreError as error:
                wait = next(waits, None)
                if wait is None:
                    self.refused = error
                    raise
            else:
                return
            self._sleep(wait)


def _fit(text: str, limit: int) -> str:
    """`text` as CodePipeline takes it: something, and not too much, also where a character beyond 16 bits counts twice."""
    text = encodable(text.strip())
    if len(text.encode("utf-16-le")) // 2 > limit:
        text = bounded(re.sub("[\U00010000-\U0010ffff]", "\N{REPLACEMENT CHARACTER}", text), limit)
    return text or "(nothing to say)"
