"""MWAA's wire format: what InvokeRestApi and GetEnvironment send and answer. Pure: no sockets, no clock."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PATH = 64
"""Characters of an InvokeRestApi Path, by the service's model."""
MAX_ANSWER = 6 * 1024 * 1024
"""Bytes of an answer, by the service's documentation."""
METHODS = ("GET", "PUT", "POST", "PATCH", "DELETE")
ACCOUNT = "123456789012"
"""The account of the samples in AWS's documentation."""

_STATUS = {
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "InternalServerException": 500,
    "ResourceNotFoundException": 404,
    "RestApiClientException": 400,
    "RestApiServerException": 400,
    "ThrottlingException": 429,
    "TooManyRequestsException": 429,
    "UnrecognizedClientException": 403,
    "ValidationException": 400,
}


class AwsError(Exception):
    """An answer that is AWS's own error. A backend may raise it.

    Args:
        code: the exception's name, such as `ThrottlingException`.
        message: what boto3 shows.
        status: the HTTP status; by default the code's usual one.
    """

    def __init__(self, code: str, message: str = "", *, status: int | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status or _STATUS.get(code, 400)


@dataclass(frozen=True)
class Call:
    """What one InvokeRestApi asks of Airflow."""

    method: str
    path: str
    """Without `/api/v1` or `/api/v2`; percent-escaped as the caller sent it."""
    query: Mapping[str, object] = field(default_factory=dict)
    body: object = None


@dataclass(frozen=True)
class Reply:
    """One HTTP answer, before the headers that every answer has (Date, Content-Length, request id)."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def read_call(raw: bytes) -> Call:
    """The call that an InvokeRestApi request's body holds.

    Raises:
        AwsError: ValidationException or SerializationException, as the service would answer.
    """
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        raise AwsError("SerializationException", "The request's body is no JSON") from None
    if not isinstance(document, dict):
        raise AwsError("SerializationException", "The request's body is no JSON object")
    path, method = document.get("Path"), document.get("Method")
    query, body = document.get("QueryParameters"), document.get("Body")
    if not isinstance(path, str) or not 1 <= len(path) <= MAX_PATH:
        raise AwsError(
            "ValidationException",
            "1 validation error detected: Value at 'path' failed to satisfy constraint: Member must have "
            f"length between 1 and {MAX_PATH}",
        )
    if method not in METHODS:
        raise AwsError(
            "ValidationException",
            "1 validation error detected: Value at 'method' failed to satisfy constraint: Member must "
            f"satisfy enum value set: [{', '.join(METHODS)}]",
        )
    if query is not None and not isinstance(query, dict):
        raise AwsError("ValidationException", "QueryParameters must be a JSON object")
    return Call(method, path, query or {}, body)


def airflow_answer(status: int, body: object) -> Reply:
    """Airflow's answer as InvokeRestApi gives it: a 4xx and a 5xx become exceptions of their own."""
    wrapped: dict[str, object] = {"RestApiStatusCode": status}
    if body is not None:
        wrapped["RestApiResponse"] = body
    if 200 <= status < 300:  # noqa: PLR2004 - the HTTP class of success
        reply = _json(200, wrapped)
        if len(reply.body) > MAX_ANSWER:
            return airflow_answer(500, "The response is larger than 6 MB")
        return reply
    code = "RestApiClientException" if status < 500 else "RestApiServerException"  # noqa: PLR2004 - HTTP's classes
    return _json(_STATUS[code], wrapped, code)


def aws_error(error: AwsError) -> Reply:
    """AWS's own error."""
    key = (
        "Message" if error.code == "AccessDeniedException" else "message"
    )  # as the service's model spells it
    return _json(error.status, {key: error.message}, error.code)


def environment_answer(name: str, facts: Mapping[str, object]) -> Reply:
    """GetEnvironment's answer: `facts` over what every sandbox has. One that is None is left out."""
    region = "us-east-1"
    environment = {
        "Name": name,
        "Arn": f"arn:aws:airflow:{region}:{ACCOUNT}:environment/{name}",
        "Status": "AVAILABLE",
        "AirflowConfigurationOptions": {},
        "DagS3Path": "dags",
        "EnvironmentClass": "mw1.small",
        "ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{name}",
        "LastUpdate": {"Status": "SUCCESS", "CreatedAt": 1_767_225_600, "Source": "sandbox"},
        "Schedulers": 2,
        "SourceBucketArn": f"arn:aws:s3:::{name}-bucket",
        "WebserverAccessMode": "PUBLIC_ONLY",
        **facts,
    }
    told = {fact: value for fact, value in environment.items() if value is not None}
    return _json(200, {"Environment": told})


def _json(status: int, document: object, code: str | None = None) -> Reply:
    headers = {"Content-Type": "application/json"}
    if code is not None:
        headers["x-amzn-ErrorType"] = code
    return Reply(status, json.dumps(document).encode(), headers)
