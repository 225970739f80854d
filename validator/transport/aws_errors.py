"""What AWS's and botocore's own failures mean for the gate. Facts: AWS.md section 1."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from validator.errors import CallFailed, CannotTell, GateError
from validator.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from botocore.exceptions import BotoCoreError, ClientError

DENIED = frozenset({"AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "NotAuthorized"})
"""Codes that say: these credentials are good, and not allowed to do this."""

_RUN_IT = "Run the profile's credential_process by hand: it has to end with 0 and to print AWS's JSON."
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


@contextmanager
def explaining() -> Iterator[None]:
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
        return unsendable()  # its words are the header: the token, or the signature and the key's id
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


def unsendable() -> CannotTell:
    """The refusal of credentials that no header can carry."""
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
