"""One botocore session for all clients of a run, and what AWS's and botocore's own failures mean. Facts: AWS.md."""

from __future__ import annotations

import json
import os
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from validator import __version__
from validator.errors import CallFailed, CannotTell, GateError, UsageError
from validator.reasons import Reason
from validator.transport.interface import CALL_TIMEOUT, CONNECT_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from botocore.client import BaseClient
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.session import Session

DENIED = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "NotAuthorized"})
"""Codes that say: these credentials are good, and not allowed to do this."""

_RUN_IT = "Run the profile's credential_process by hand: it has to end with 0 and to print AWS's JSON."
_ROLE_PATTERN = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+"
_THROTTLED = frozenset(
    {"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
)
BAD_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "InvalidToken",
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


@dataclass(frozen=True)
class Credentials:
    """Credentials that somebody else gave for one purpose, as CodePipeline does for a job's artifacts."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Signer:
    """The credentials that sign the calls, as far as they are no secret; the secrets are there only to be hidden."""

    method: str
    """botocore's word for where they come from, such as `env`, `sso` or `assume-role`."""
    temporary: bool
    """They come with a session token."""
    expires: datetime | None
    """UTC; None: never, or nobody tells."""
    renews: bool
    """They are renewed before they expire."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must never be shown: the key's id, the key and the token."""


class AwsSession:
    """Region and credentials as for any AWS tool, shared by every client of a run. Thread-safe.

    Nothing is called, and no credentials are looked for, before the first client is made. The session is kept: a
    second client of the same one costs 6 ms instead of 60 (AWS.md section 8), and a role is assumed once.
    """

    def __init__(
        self,
        region: str | None = None,
        profile: str | None = None,
        role_arn: str | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        """Take what the caller was told.

        Args:
            region: None: as AWS's own configuration says.
            profile: a profile of AWS's configuration files; None: as usual.
            role_arn: a role to assume with the credentials found; it is renewed for as long as the gate waits.
            credentials: those to use; None: as AWS's own configuration says.

        Raises:
            UsageError: `role_arn` can be no role's.
        """
        if role_arn is not None and not re.fullmatch(_ROLE_PATTERN, role_arn, re.ASCII):
            raise UsageError(
                f"{role_arn!r} is not the ARN of an IAM role",
                advice="Write it like arn:aws:iam::123456789012:role/NAME.",
            )
        # botocore itself reads only AWS_DEFAULT_REGION; every other SDK, and most pipelines, mean AWS_REGION.
        self._region = region or os.environ.get("AWS_REGION") or None
        self._region_given = bool(region)
        self._profile = profile
        self._role_arn = role_arn
        self._credentials = credentials
        self._made: Session | None = None
        self._lock = threading.Lock()

    def client(self, service: str, connections: int = 10) -> BaseClient:
        """A new client of `service`, such as `mwaa`, with at most so many calls under way at once.

        Raises:
            CannotTell: no region, no credentials, an unknown profile, or a role that cannot be assumed.
        """
        # boto3 is botocore with resources and S3 transfers on top; without these the same client costs a fifth less.
        from botocore.config import Config  # noqa: PLC0415 - 0.2 s: only when a call is about to be made

        # Retries are the gate's own: botocore's are blind to Airflow's status and end after tens of milliseconds.
        config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=CALL_TIMEOUT,
            retries={"total_max_attempts": 1},
            max_pool_connections=connections,
            user_agent_extra=f"mwaa-gate/{__version__}",
        )
        with _explaining(), self._lock:  # making clients is not thread-safe, using them is
            session = self._session()
            client = session.create_client(service, config=config)
            credentials = session.get_credentials()
            if (
                credentials is not None
            ):  # now, and not in the time of a first call: a profile may ask a person
                credentials.get_frozen_credentials()
            return client

    def region(self) -> tuple[str | None, str]:
        """The region, and what sets it: `AWS_REGION` for one; empty where the caller gave it, or nothing does.

        Raises:
            CannotTell: an unknown profile, or a configuration file that cannot be read.
        """
        with _explaining(), self._lock:
            region = self._session().get_config_variable("region")
        if region is None or self._region_given:
            return region, ""
        if self._region is not None:
            return region, "AWS_REGION"
        by_variable = os.environ.get("AWS_DEFAULT_REGION") == region
        return region, "AWS_DEFAULT_REGION" if by_variable else "the profile in AWS's configuration file"

    def mwaa_regions(self, region: str) -> tuple[str, tuple[str, ...]]:
        """The partition of `region`, and its regions that have MWAA, as far as the AWS SDK knows: it may be old.

        A region that fits no partition gives `aws`, the usual one.

        Raises:
            CannotTell: `region` can be no region's name.
        """
        from botocore.exceptions import UnknownRegionError  # noqa: PLC0415 - heavy
        from botocore.utils import validate_region_name  # noqa: PLC0415 - the same

        with _explaining(), self._lock:
            validate_region_name(region)
            session = self._session()
            try:
                partition = session.get_partition_for_region(region)
            except UnknownRegionError:
                partition = "aws"
            return partition, tuple(session.get_available_regions("mwaa", partition))

    def signer(self) -> Signer | None:
        """The credentials that sign the calls; None: there are none.

        Raises:
            CannotTell: an unknown profile, credentials that are expired or that nothing could be signed with, or a role
                that cannot be assumed.
            CallFailed: what gives them did not answer.
        """
        from botocore.credentials import RefreshableCredentials  # noqa: PLC0415 - heavy

        with _explaining(), self._lock:
            found = self._session().get_credentials()
            if found is None:
                return None
            frozen = found.get_frozen_credentials()
        given = tuple(one for one in (frozen.access_key, frozen.secret_key, frozen.token) if one)
        if any("\n" in one or "\r" in one for one in given):
            raise _unsendable()
        renewable = isinstance(found, RefreshableCredentials)
        return Signer(
            method=found.method or "",
            temporary=frozen.token is not None,
            expires=getattr(found, "_expiry_time", None),  # there is no public way
            renews=renewable and found.method != "env",  # a process's own variables never change
            secrets=given,
        )

    def _session(self) -> Session:
        """The one session. Under the lock."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def _make(self) -> Session:
        from botocore import session as botocore_session  # noqa: PLC0415 - heavy

        session = botocore_session.Session(profile=self._profile)
        if self._region is not None:
            session.set_config_variable("region", self._region)
        if self._credentials is not None:
            given = self._credentials
            session.set_credentials(given.access_key, given.secret_key, given.token)
        if self._role_arn is not None:
            _assume(session, self._role_arn)
        return session


@contextmanager
def _explaining() -> Iterator[None]:
    """Tell what goes wrong while a session, a client or credentials are made."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - heavy
    from botocore.parsers import ResponseParserError  # noqa: PLC0415 - the same

    try:
        yield
    except BotoCoreError as error:
        explained = explain_botocore("the AWS client", error)
        if isinstance(explained, CallFailed) and explained.reason is Reason.BAD_RESPONSE:
            explained = _no_client(error)  # nobody was asked, so nobody answered badly
        raise explained from error
    except ClientError as error:
        refusal = explain_refusal("the AWS client", (), error)
        code, message, _ = code_of(error)
        problem = f"no AWS credentials: {error.operation_name} failed with {code}: {message}"
        raise refusal or CallFailed(Reason.UNREACHABLE, problem) from error
    except json.JSONDecodeError as error:
        raise CannotTell(
            Reason.ACCESS_DENIED,
            "no usable AWS credentials: what gives them, such as the profile's credential_process, printed no JSON "
            f"({error.msg})",
            advice=_RUN_IT,
        ) from error
    except ValueError as error:  # botocore's word for a malformed endpoint
        raise _no_client(error) from error
    except RuntimeError as error:  # and for variables that say themselves that they are past
        raise CannotTell(
            Reason.ACCESS_DENIED,
            f"no usable AWS credentials: {error}",
            advice="Renew the credentials: AWS_CREDENTIAL_EXPIRATION, or what gave them, says that they are expired.",
        ) from error
    except OSError as error:  # no such program for a profile, no such file of a token
        named = f" {error.filename}" if isinstance(error.filename, str) else ""
        raise CannotTell(
            Reason.ACCESS_DENIED,
            f"no usable AWS credentials: what gives them cannot be used:{named} {error.strerror or type(error).__name__}",
            advice="Look at credential_process of the profile and at AWS_WEB_IDENTITY_TOKEN_FILE: one of them names that "
            "file.",
        ) from error
    except EOFError as error:
        raise CannotTell(
            Reason.ACCESS_DENIED,
            "no usable AWS credentials: the profile asks for an MFA code, and nobody is there to type it",
            advice="Get a session with the code first (aws sts get-session-token), or use a profile without mfa_serial.",
        ) from error
    except ResponseParserError as error:
        raise CallFailed(
            Reason.BAD_RESPONSE,
            "what gives the AWS credentials answered with something that AWS does not say",
            advice="Look at proxies in between, and at the AWS_ENDPOINT_URL variables.",
        ) from error


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


def code_of(error: ClientError) -> tuple[str, str, int]:
    """An AWS error's code, message and HTTP status (0: unknown)."""
    told = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    # A signature that does not fit is told with all that was signed: the session token is among it.
    message = str(told.get("Message", "")).partition("The Canonical String")[0].strip()
    return str(told.get("Code", "")), message or "no message", status


def explain_refusal(operation: str, own: Collection[str], error: ClientError) -> GateError | None:
    """What an AWS error means whatever was called: throttled, or credentials that are none. None: it is another.

    Args:
        operation: what the gate wanted, for people.
        own: the names of the operations that the gate itself calls. botocore makes others for credentials, such as
            AssumeRole.
        error: what botocore raised.
    """
    code, message, status = code_of(error)
    if code in _THROTTLED or status == 429:  # noqa: PLR2004 - HTTP's Too Many Requests
        return CallFailed(
            Reason.UNREACHABLE,
            f"{operation} was throttled: {message}",
            throttled=True,
            advice="Look for who else calls at that moment, or lower --max-tps: everybody in an account shares about 10 "
            "calls of Airflow a second.",
        )
    if code in BAD_CREDENTIALS:
        return CannotTell(
            Reason.ACCESS_DENIED,
            f"AWS does not accept the credentials ({code}: {message})",
            advice="Renew the credentials, and check this machine's clock if the signature is called expired.",
        )
    if error.operation_name not in own and 400 <= status < 500:  # noqa: PLR2004 - HTTP's refusals
        return CannotTell(
            Reason.ACCESS_DENIED,
            f"no usable AWS credentials: {error.operation_name} was refused ({code}: {message})",
            advice="Check the role's ARN, that its trust policy names the caller, and that the caller may assume it.",
        )
    return None


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
        return _no_credentials(error)
    if isinstance(error, aws.InvalidRegionError):
        return CannotTell(
            Reason.NOT_FOUND,
            f"the AWS region can be none: {error}",
            advice="Give one such as us-east-1 by --region, `region:` in the manifest, or AWS_REGION.",
        )
    if isinstance(error, (aws.HTTPClientError, aws.ConnectionError)):
        return _no_answer(operation, error)
    return CallFailed(Reason.BAD_RESPONSE, f"{operation} gave nothing that can be read: {_masked(error)}")


def _no_answer(operation: str, error: BotoCoreError) -> GateError:
    """Nothing came back, or nothing could be sent."""
    from botocore import exceptions as aws  # noqa: PLC0415 - heavy, and loaded already when this runs

    said = f"{operation} got no answer: {_masked(error)}"
    if "Invalid header value" in said:
        return _unsendable()  # its words are the header: the token, or the signature and the key's id
    if isinstance(error, aws.SSLError):
        return CallFailed(
            Reason.UNREACHABLE,
            said,
            advice="Name a file with the certificate that vouches for a proxy in between by AWS_CA_BUNDLE, or ca_bundle of "
            "the profile; if one of them is set, check that the file exists and holds PEM certificates.",
        )
    return CallFailed(Reason.UNREACHABLE, said)


def _no_credentials(error: BotoCoreError) -> CannotTell:
    """No credentials, with what to do about the way in which there are none."""
    from botocore import exceptions as aws  # noqa: PLC0415 - heavy, and loaded already when this runs

    said = _masked(error)
    advice = (
        "Give credentials as for any AWS tool: an OIDC role in the pipeline, --profile, or AWS_* variables."
    )
    if isinstance(error, aws.ProfileNotFound):
        advice = (
            "Check --profile and AWS_PROFILE: `aws configure list-profiles` tells which profiles there are. A name with "
            'spaces is quoted in the file: [profile "a name"].'
        )
    elif isinstance(error, (aws.SSOError, aws.TokenRetrievalError)):
        advice = "Log in anew: `aws sso login`, with the same profile. A pipeline needs an OIDC role instead."
    elif isinstance(error, (aws.ConfigParseError, aws.ConfigNotFound)):
        advice = "Mend that file, or name another one by AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE."
    elif isinstance(error, aws.CredentialRetrievalError):
        told = str(error.kwargs.get("error_msg", ""))
        if error.kwargs.get("provider") == "custom-process":
            advice = _RUN_IT
            if not told.startswith(("Unsupported version", "Missing required key")):
                # Those are botocore's; all others are what a program printed that deals in secrets.
                said = "the profile's credential_process failed (what it printed is not shown: it may hold secrets)"
        # So is what a metadata service answered.
        said = re.sub(r"(container metadata): .*", r"\1", said, flags=re.DOTALL)
    return CannotTell(Reason.ACCESS_DENIED, f"no usable AWS credentials: {said}", advice=advice)


def _unsendable() -> CannotTell:
    return CannotTell(
        Reason.ACCESS_DENIED,
        "no usable AWS credentials: they hold a character that they cannot have, such as a line break",
        advice="Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN (or the profile's) anew, with no line "
        "break at the end of any: secrets that were pasted or read from a file often have one.",
    )


def _no_client(error: Exception) -> CannotTell:
    """A setting keeps a client from being made."""
    return CannotTell(
        Reason.UNREACHABLE,
        f"the AWS client cannot be made: {_masked(error)}",
        advice="Mend that setting: it is one of the AWS_* variables, such as AWS_ENDPOINT_URL, or of the profile in AWS's "
        "configuration file.",
    )


def _masked(error: Exception) -> str:
    """An error's words without a URL's user and password."""
    return re.sub(r"//[^/\s]*@", "//***@", str(error))
