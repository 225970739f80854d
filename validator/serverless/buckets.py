"""Single objects in S3: the pipeline's artifact, and the reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, TypeVar, cast

from validator.errors import CallFailed, CannotTell, UsageError
from validator.reasons import Reason
from validator.transport.aws_errors import DENIED, code_of, explain_botocore, explain_refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.exceptions import ClientError
    from mypy_boto3_s3 import S3Client

    from validator.transport.aws_session import AwsSession

MAX_ARTIFACT = 128 * 1024 * 1024
"""Bytes: it is held in memory as a whole."""
_T = TypeVar("_T")
_WAITS = (0.5, 1.0, 2.0)
"""Seconds before each repetition."""
_GONE = frozenset({"NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404"})


def fetch(session: AwsSession, bucket: str, key: str, sleep: Callable[[float], None]) -> bytes:
    """The object's content.

    Raises:
        UsageError: it is larger than `MAX_ARTIFACT`.
        CannotTell: it is not there, or may not be read.
        CallFailed: S3 gave no usable answer.
    """
    place = f"s3://{bucket}/{key}"

    def attempt() -> bytes:
        client = cast("S3Client", session.client("s3"))
        with _Explained("s3:GetObject", place, "the job's own credentials, which CodePipeline gives"):
            response = client.get_object(Bucket=bucket, Key=key)
            size = response["ContentLength"]
            if size > MAX_ARTIFACT:
                raise UsageError(
                    f"the artifact {place} is {size / 2**20:,.0f} MB large, and {MAX_ARTIFACT / 2**20:,.0f} MB are the most "
                    "that is read",
                    advice="Give the gate an artifact of its own, with the manifest and the DAG files alone.",
                )
            data = response["Body"].read()
        if len(data) != size:
            raise CallFailed(Reason.BAD_RESPONSE, f"{place} was cut off: {len(data)} of {size} bytes came")
        return data

    return _patiently(attempt, sleep)


def store(  # noqa: PLR0913 - an object's parts
    session: AwsSession, bucket: str, key: str, data: bytes, content_type: str, sleep: Callable[[float], None]
) -> str:
    """Write the object, and give its URI.

    Raises:
        CannotTell: it may not be written, or there is no such bucket.
        CallFailed: S3 gave no usable answer.
    """
    place = f"s3://{bucket}/{key}"

    def attempt() -> str:
        client = cast("S3Client", session.client("s3"))
        with _Explained("s3:PutObject", place, "the function's role"):
            client.put_object(Bucket=bucket, Key=key, Body=data, ContentType=content_type)
        return place

    return _patiently(attempt, sleep)


class _Explained:
    """Turns what botocore raises into what it means."""

    def __init__(self, action: str, place: str, who: str) -> None:
        self._action = action
        self._place = place
        self._who = who

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Raise the meaning of an AWS error."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - heavy, needed only here

        if isinstance(error, ClientError):
            self._explain(error)
        if isinstance(error, BotoCoreError):
            raise explain_botocore(self._action, error) from error

    def _explain(self, error: ClientError) -> NoReturn:
        refusal = explain_refusal(self._action, (self._action.removeprefix("s3:"),), error)
        if refusal is not None:
            raise refusal from error
        code, message, status = code_of(error)
        if code in DENIED or status == 403:  # noqa: PLR2004 - HTTP's Forbidden
            raise CannotTell(
                Reason.ACCESS_DENIED,
                f"AWS denied {self._action} on {self._place}: {message}",
                advice=f"Allow {self._action} on it to {self._who}; and kms:Decrypt or kms:GenerateDataKey on the key, if "
                "the bucket is encrypted with one.",
            ) from error
        if code in _GONE:
            raise CannotTell(
                Reason.NOT_FOUND,
                f"there is no {self._place} ({code}: {message})",
                advice="Check the bucket and the path, and that no lifecycle rule has deleted the object.",
            ) from error
        problem = f"{self._action} on {self._place} failed with {code}: {message}"
        raise CallFailed(Reason.UNREACHABLE, problem, retry=status >= 500 or not status) from error  # noqa: PLR2004 - HTTP's


def _patiently(attempt: Callable[[], _T], sleep: Callable[[float], None]) -> _T:
    for wait in _WAITS:
        try:
            return attempt()
        except CallFailed as failed:  # noqa: PERF203 - each attempt may fail
            if not failed.retry:
                raise
            sleep(wait)
    return attempt()
