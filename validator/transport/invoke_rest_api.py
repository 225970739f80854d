"""MWAA's InvokeRestApi through boto3: IAM only, audited in CloudTrail. Facts: AWS.md section 1."""

from __future__ import annotations

import os
import re
import threading
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, cast

from validator import __version__
from validator.errors import CallFailed, CannotTell, GateError, UsageError
from validator.reasons import ADVICE, Reason
from validator.transport.interface import CALL_TIMEOUT, CONNECT_TIMEOUT, Answer, EnvironmentFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.session import Session
    from mypy_boto3_mwaa import MWAAClient

    from validator.transport.interface import Request

MAX_PATH = 64
"""Characters of Path that InvokeRestApi takes; boto3 does not check it."""
NAME_PATTERN = r"[a-zA-Z][0-9a-zA-Z\-_]{0,79}"
"""What an environment may be called; boto3 does not check it."""

_ROLE_PATTERN = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+"
_OPERATIONS = ("InvokeRestApi", "GetEnvironment")
"""The gate's own calls. botocore makes others for credentials, such as AssumeRole."""
_AIRFLOW_ERRORS = frozenset({"RestApiClientException", "RestApiServerException"})
_THROTTLED = frozenset(
    {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
)
_BAD_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "InvalidAccessKeyId",
        "AuthFailure",
        "OptInRequired",
    }
)
_DENIED = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "NotAuthorized"})


class InvokeRestApi:
    """A Transport to one MWAA environment. Thread-safe, as boto3's clients are."""

    def __init__(self, name: str, make_client: Callable[[], MWAAClient]) -> None:
        """Take the environment's name, and what makes boto3's client: only once a call is about to be made."""
        self.where = name
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
                Reason.BAD_RESPONSE,
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
        )

    def _try(self, operation: str, call: Any, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:  # noqa: ANN401 - boto3's methods have a type each
        """The response, and whether it is an error that carries Airflow's own answer."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - heavy, needed only here

        try:
            return dict(call(**arguments)), False
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
        told = error.response.get("Error", {})
        code = str(told.get("Code", ""))
        message = str(told.get("Message", "")) or "no message"
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        where = f"environment {self.where} in {self._client.meta.region_name}"
        if code in _THROTTLED or status == 429:  # noqa: PLR2004 - HTTP's Too Many Requests
            raise CallFailed(
                Reason.UNREACHABLE, f"{operation} was throttled: {message}", throttled=True
            ) from error
        if code in _BAD_CREDENTIALS:
            raise CannotTell(
                Reason.ACCESS_DENIED,
                f"AWS does not accept the credentials ({code}: {message})",
                advice="Renew the credentials, and check this machine's clock if the signature is called expired.",
            ) from error
        if error.operation_name not in _OPERATIONS and 400 <= status < 500:  # noqa: PLR2004 - HTTP's refusals
            raise CannotTell(
                Reason.ACCESS_DENIED,
                f"no usable AWS credentials: {error.operation_name} was refused ({code}: {message})",
                advice="Check the role's ARN, that its trust policy names the caller, and that the caller may assume it.",
            ) from error
        if code in _DENIED or (status == 403 and code not in _AIRFLOW_ERRORS):  # noqa: PLR2004 - HTTP's Forbidden
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
        if status >= 500:  # noqa: PLR2004 - HTTP's server errors
            raise CallFailed(Reason.UNREACHABLE, f"{operation} failed with {code}: {message}") from error
        raise CallFailed(Reason.BAD_RESPONSE, f"{operation} was refused with {code}: {message}") from error


def explain_botocore(operation: str, error: BotoCoreError) -> GateError:
    """What a failure of botocore itself means for the gate: no credentials, no region, no connection."""
    from botocore import exceptions as aws  # noqa: PLC0415 - heavy, and loaded already when this runs

    if isinstance(error, aws.NoRegionError):
        return CannotTell(
            Reason.NOT_FOUND,
            "no AWS region is set",
            advice="Give --region, `region:` in the manifest, or AWS_REGION.",
        )
    credentials = (
        aws.NoCredentialsError,
        aws.PartialCredentialsError,
        aws.CredentialRetrievalError,
        aws.ProfileNotFound,
        aws.TokenRetrievalError,
        aws.SSOError,
        aws.InvalidConfigError,
        aws.ConfigNotFound,
        aws.ConfigParseError,
    )
    if isinstance(error, credentials):
        return CannotTell(
            Reason.ACCESS_DENIED,
            f"no usable AWS credentials: {error}",
            advice="Give credentials as for any AWS tool: an OIDC role in the pipeline, --profile, or AWS_* variables.",
        )
    if isinstance(error, aws.InvalidRegionError):
        return CannotTell(
            Reason.NOT_FOUND,
            f"the AWS region can be none: {error}",
            advice="Give one such as us-east-1 by --region, `region:` in the manifest, or AWS_REGION.",
        )
    if isinstance(error, (aws.HTTPClientError, aws.ConnectionError)):
        return CallFailed(Reason.UNREACHABLE, f"{operation} got no answer: {error}")
    return CallFailed(Reason.BAD_RESPONSE, f"{operation} gave nothing that can be read: {error}")


def connect(
    name: str,
    *,
    region: str | None = None,
    profile: str | None = None,
    role_arn: str | None = None,
    connections: int = 10,
) -> InvokeRestApi:
    """A transport to the environment `name`, with credentials and region as for any AWS tool.

    Args:
        name: the environment's name.
        region: None: as AWS's own configuration says.
        profile: a profile of AWS's configuration files; None: as usual.
        role_arn: a role to assume with the credentials found; it is renewed for as long as the gate waits.
        connections: how many calls may be under way at once.

    Nothing is called, and no credentials are looked for, before the first call.

    Raises:
        UsageError: `name` can be no environment's name, or `role_arn` no role's.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise UsageError(
            f"{name!r} cannot be the name of an MWAA environment",
            advice="A name starts with a letter and has up to 80 letters, digits, - and _; give it by --env, "
            "MWAA_ENV_NAME or `environment:` in the manifest.",
        )
    if role_arn is not None and not re.fullmatch(_ROLE_PATTERN, role_arn, re.ASCII):
        raise UsageError(
            f"{role_arn!r} is not the ARN of an IAM role",
            advice="Write it like arn:aws:iam::123456789012:role/NAME.",
        )
    # botocore itself reads only AWS_DEFAULT_REGION; every other SDK, and most pipelines, mean AWS_REGION.
    region = region or os.environ.get("AWS_REGION") or None
    return InvokeRestApi(name, partial(_make_client, region, profile, role_arn, connections))


def _make_client(
    region: str | None, profile: str | None, role_arn: str | None, connections: int
) -> MWAAClient:
    """boto3's client.

    Raises:
        CannotTell: no region, no credentials, an unknown profile, or a role that cannot be assumed.
    """
    # boto3 is botocore with resources and S3 transfers on top; without these the same client costs a fifth less.
    from botocore import session as botocore_session  # noqa: PLC0415 - 0.2 s: only when a call is about to be made
    from botocore.config import Config  # noqa: PLC0415 - the same
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - the same

    # Retries are the gate's own: botocore's are blind to Airflow's status and end after tens of milliseconds.
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=CALL_TIMEOUT,
        retries={"total_max_attempts": 1},
        max_pool_connections=connections,
        user_agent_extra=f"mwaa-gate/{__version__}",
    )
    try:
        session = botocore_session.Session(profile=profile)
        if region is not None:
            session.set_config_variable("region", region)
        if role_arn is not None:
            _assume(session, role_arn)
        client = cast("MWAAClient", session.create_client("mwaa", config=config))
    except BotoCoreError as error:
        raise explain_botocore("the AWS client", error) from error
    except ValueError as error:  # botocore's word for a malformed endpoint
        raise CannotTell(Reason.NOT_FOUND, f"the AWS client cannot be made: {error}") from error
    return client


def _assume(session: Session, role_arn: str) -> None:
    """Let the session act as `role_arn`, with credentials that renew themselves."""
    from botocore.credentials import (  # noqa: PLC0415 - heavy
        AssumeRoleCredentialFetcher,
        DeferredRefreshableCredentials,
    )
    from botocore.exceptions import NoCredentialsError  # noqa: PLC0415 - heavy

    source = session.get_credentials()
    if source is None:
        raise NoCredentialsError
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=session.create_client,
        source_credentials=source,
        role_arn=role_arn,
        extra_args={"RoleSessionName": "mwaa-gate"},
    )
    # The session knows roles only from profiles; this is how its own profile provider builds them.
    session._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]  # noqa: SLF001 - no public way
        refresh_using=fetcher.fetch_credentials, method="assume-role"
    )


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
