"""MWAA's InvokeRestApi through boto3: IAM only, audited in CloudTrail. Facts: AWS.md section 1."""

from __future__ import annotations

import re
import threading
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NoReturn, cast

from validator.errors import CallFailed, CannotTell, UsageError
from validator.reasons import ADVICE, Reason
from validator.transport.aws_errors import DENIED, code_of, explain_botocore, explain_refusal
from validator.transport.aws_session import AwsSession
from validator.transport.interface import NO_ADVICE, WHOLE_CALL, Answer, EnvironmentFacts
from validator.transport.within import within

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from botocore.exceptions import ClientError
    from mypy_boto3_mwaa import MWAAClient

    from validator.transport.interface import Request

MAX_PATH = 64
"""Characters of Path that InvokeRestApi takes; boto3 does not check it."""
NAME_PATTERN = r"[a-zA-Z][0-9a-zA-Z\-_]{0,79}"
"""What an environment may be called; boto3 does not check it."""

UPDATE = (
    "The environment is older than InvokeRestApi, which asks Airflow 2.4.3 and later: update it once (aws mwaa "
    "update-environment; with --airflow-version where its Airflow is older than that). That takes a while."
)
"""What to do about `Update your environment to use InvokeRestApi`."""
_OPERATIONS = ("InvokeRestApi", "GetEnvironment")
"""The gate's own calls. botocore makes others for credentials, such as AssumeRole."""
_AIRFLOW_ERRORS = frozenset({"RestApiClientException", "RestApiServerException"})


class InvokeRestApi:
    """A Transport to one MWAA environment. Thread-safe, as boto3's clients are."""

    def __init__(self, name: str, make_client: Callable[[], MWAAClient]) -> None:
        """Take the environment's name, and what makes boto3's client: only once a call is about to be made."""
        self.where = name
        self.longest_path: int | None = MAX_PATH
        self.advice = NO_ADVICE
        self._make_client = make_client
        self._made: MWAAClient | None = None
        self._lock = threading.Lock()

    @property
    def _client(self) -> MWAAClient:
        with self._lock:
            if self._made is None:
                self._made = self._make_client()
            return self._made

    def call(self, request: Request) -> Answer:
        """One InvokeRestApi call; see `Transport.call`."""
        if len(request.path) > MAX_PATH:
            raise CallFailed(
                Reason.PATH_TOO_LONG,
                f"the path {request.path} has {len(request.path)} characters, and InvokeRestApi takes {MAX_PATH}",
                retry=False,
            )
        arguments: dict[str, Any] = {"Name": self.where, "Path": request.path, "Method": request.method}
        if request.query:
            arguments["QueryParameters"] = {key: _scalar(value) for key, value in request.query.items()}
        if request.body is not None:
            arguments["Body"] = request.body
        response, failed = self._try("InvokeRestApi", self._client.invoke_rest_api, arguments)
        metadata = response.get("ResponseMetadata", {})
        status = response.get("RestApiStatusCode")
        if type(status) is not int:
            if failed:
                raise CallFailed(
                    Reason.UNREACHABLE,
                    f"Airflow's web server gave no answer to {request.method} {request.path}",
                )
            # A body that was cut off, or is no JSON, reaches boto3's callers as {} and no error.
            raise CallFailed(
                Reason.BAD_RESPONSE,
                f"InvokeRestApi's answer to {request.method} {request.path} holds no RestApiStatusCode: it was "
                "cut off or is not what the service promises",
            )
        return Answer(status, response.get("RestApiResponse"), _date(metadata), metadata.get("RequestId"))

    def environment(self) -> EnvironmentFacts:
        """One GetEnvironment call; see `Transport.environment`."""
        response, _ = self._try("GetEnvironment", self._client.get_environment, {"Name": self.where})
        found = response.get("Environment")
        if not isinstance(found, dict) or not found:
            raise CallFailed(
                Reason.BAD_RESPONSE, "GetEnvironment's answer holds no Environment: it was cut off"
            )
        options = found.get("AirflowConfigurationOptions")
        return EnvironmentFacts(
            status=_text(found.get("Status")),
            airflow_version=_text(found.get("AirflowVersion")),
            webserver_access=_text(found.get("WebserverAccessMode")),
            options={str(k): str(v) for k, v in options.items()} if isinstance(options, dict) else {},
            date=_date(response.get("ResponseMetadata", {})),
            environment_class=_text(found.get("EnvironmentClass")),
            requirements_version=_text(found.get("RequirementsS3ObjectVersion")),
            plugins_version=_text(found.get("PluginsS3ObjectVersion")),
            bucket_arn=_text(found.get("SourceBucketArn")),
            dags_path=_text(found.get("DagS3Path")),
        )

    def _try(self, operation: str, call: Any, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:  # noqa: ANN401 - boto3's methods have a type each
        """The response, and whether it is an error that carries Airflow's own answer."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - heavy, needed only here

        try:
            return dict(within(WHOLE_CALL, lambda: call(**arguments))), False
        except TimeoutError as error:
            raise CallFailed(Reason.UNREACHABLE, f"{operation} gave {error}") from error
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _AIRFLOW_ERRORS:
                return dict(error.response), True
            self._explain(operation, error)
        except BotoCoreError as error:
            raise explain_botocore(operation, error) from error
        except Exception as error:  # botocore's parsers stumble over JSON that is no object, or no text
            raise CallFailed(
                Reason.BAD_RESPONSE,
                f"{operation} gave nothing that can be read ({type(error).__name__}: {error})",
            ) from error

    def _explain(self, operation: str, error: ClientError) -> NoReturn:
        """Raise what an AWS error means for the gate."""
        refusal = explain_refusal(operation, _OPERATIONS, error)
        if refusal is not None:
            raise refusal from error
        code, message, status = code_of(error)
        where = f"environment {self.where} in {self._client.meta.region_name}"
        if code in DENIED or (status == 403 and code not in _AIRFLOW_ERRORS):  # noqa: PLR2004 - HTTP's Forbidden
            if operation == "GetEnvironment":
                raise CallFailed(
                    Reason.ACCESS_DENIED, f"AWS denied airflow:GetEnvironment: {message}", retry=False
                ) from error
            raise CannotTell(
                Reason.ACCESS_DENIED,
                f"AWS denied airflow:InvokeRestApi on {where}: {message}",
                advice=ADVICE[Reason.ACCESS_DENIED],
            ) from error
        if code == "ResourceNotFoundException":
            raise CannotTell(
                Reason.NOT_FOUND, f"there is no {where}: {message}", advice=ADVICE[Reason.NOT_FOUND]
            ) from error
        if code == "ValidationException":  # the same call is refused again
            raise CallFailed(
                Reason.BAD_RESPONSE,
                f"{operation} was refused with {code}: {message}",
                retry=False,
                advice=UPDATE if "update your environment" in message.lower() else "",
            ) from error
        if status >= 500:  # noqa: PLR2004 - HTTP's server errors
            raise CallFailed(Reason.UNREACHABLE, f"{operation} failed with {code}: {message}") from error
        raise CallFailed(Reason.BAD_RESPONSE, f"{operation} was refused with {code}: {message}") from error


def connect(  # noqa: PLR0913 - an environment, and how AWS is reached
    name: str,
    *,
    region: str | None = None,
    profile: str | None = None,
    role_arn: str | None = None,
    connections: int = 10,
    session: AwsSession | None = None,
) -> InvokeRestApi:
    """A transport to the environment `name`, with credentials and region as for any AWS tool.

    Args:
        name: the environment's name.
        region: None: as AWS's own configuration says.
        profile: a profile of AWS's configuration files; None: as usual.
        role_arn: a role to assume with the credentials found; it is renewed for as long as the gate waits.
        connections: how many calls may be under way at once.
        session: one to share with other clients; its own region, profile and role count then, not those given here.

    Nothing is called, and no credentials are looked for, before the first call.

    Raises:
        UsageError: `name` can be no environment's name, or `role_arn` no role's.
    """
    if "://" in name:
        raise UsageError(
            "A URL cannot be the name of an MWAA environment",  # unquoted: it may hold credentials
            advice="Give the URL of a plain Airflow by --airflow-url or MWAA_GATE_AIRFLOW_URL, without credentials.",
        )
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(
            f"{name!r} cannot be the name of an MWAA environment",
            advice="A name starts with a letter and has up to 80 letters, digits, - and _; give it by --env, "
            "MWAA_ENV_NAME or `environment:` in the manifest.",
        )
    made = session if session is not None else AwsSession(region, profile, role_arn)
    return InvokeRestApi(name, lambda: cast("MWAAClient", made.client("mwaa", connections)))


def _scalar(value: str | int | bool) -> str | int:  # noqa: FBT001 - a query parameter may be one
    """A query parameter as MWAA takes it: Airflow reads lower-case booleans."""
    return str(value).lower() if isinstance(value, bool) else value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _date(metadata: Mapping[str, Any]) -> datetime | None:
    headers = metadata.get("HTTPHeaders")
    text = headers.get("date") if isinstance(headers, dict) else None
    return parse_date(text)


def parse_date(text: object) -> datetime | None:
    """The time that a Date header tells, UTC; None where it tells none."""
    if not isinstance(text, str):
        return None
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo is not None else None
