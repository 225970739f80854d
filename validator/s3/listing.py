"""What S3 holds, by ListObjectsV2: s3:ListBucket is all that it takes.

What botocore makes of answers that are none (measured with 1.44.5): a 200 without a body, or with XML that is
something else, is `{}` and no error, so an empty bucket must say that it is empty; XML that is cut off is an error
500 without a code of S3's. It follows a redirect to the bucket's own region, where S3 names that.
"""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, cast

from validator.errors import CallFailed
from validator.reasons import Reason
from validator.s3.interface import S3Object
from validator.transport.aws_errors import DENIED, code_of, explain_botocore, explain_refusal
from validator.transport.interface import WHOLE_CALL
from validator.transport.within import within

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from botocore.exceptions import ClientError

    from validator.s3.interface import Location
    from validator.transport.aws_session import AwsSession

MAX_PAGES = 500
"""Pages of 1,000 objects. No DAGs folder has so many, and a listing without an end must have one."""

_OPERATION = "ListObjectsV2"
_OTHER_REGION = frozenset(
    {"PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)


class _Client(Protocol):
    """botocore's client, as far as it is used here."""

    @property
    def meta(self) -> Any: ...  # noqa: ANN401 - botocore's own

    def list_objects_v2(self, **arguments: str) -> Mapping[str, Any]: ...


class S3Witness:
    """A Witness over one session. Thread-safe. Each page is asked for once: retrying is the caller's."""

    def __init__(self, session: AwsSession) -> None:
        """Take the session: a client is made only once a call is about to be."""
        self._session = session
        self._made: _Client | None = None
        self._lock = threading.Lock()

    @property
    def _client(self) -> _Client:
        with self._lock:
            if self._made is None:
                self._made = cast("_Client", self._session.client("s3", connections=1))
            return self._made

    def objects(self, location: Location) -> Mapping[str, S3Object]:
        """Every object below `location`; see `Witness.objects`. Keys that end in `/` stand for folders: left out."""
        # With the slash: `dags` must not bring the objects of `dags-old`.
        prefix = f"{location.path}/" if location.path else ""
        found: dict[str, S3Object] = {}
        tokens: set[str] = set()
        token = ""
        for _ in range(MAX_PAGES):
            response = self._ask(location, prefix, token)
            rows = _rows(response, location, prefix)
            found.update((key, one) for key, one in rows if key and not key.endswith("/"))
            if not response["IsTruncated"]:
                return found
            token = response.get("NextContinuationToken", "")
            if not isinstance(token, str) or not token or token in tokens:
                raise _bad(location, "it says that there is more, and not how to get it")
            tokens.add(token)
        raise CallFailed(
            Reason.BAD_RESPONSE,
            f"{location} holds more than {MAX_PAGES * 1000:,} objects, and no DAGs folder does",
            retry=False,
        )

    def _ask(self, location: Location, prefix: str, token: str) -> Mapping[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - heavy, needed only here

        arguments = {"Bucket": location.bucket, "Prefix": prefix}
        if token:
            arguments["ContinuationToken"] = token
        client = self._client
        try:
            return within(WHOLE_CALL, lambda: client.list_objects_v2(**arguments))
        except TimeoutError as error:
            raise CallFailed(Reason.UNREACHABLE, f"{_OPERATION} gave {error}") from error
        except ClientError as error:
            self._explain(location, error)
        except BotoCoreError as error:
            raise explain_botocore(_OPERATION, error) from error
        except Exception as error:  # botocore's parsers stumble over numbers and dates that are none
            raise _bad(location, f"{type(error).__name__}: {error}") from error

    def _explain(self, location: Location, error: ClientError) -> NoReturn:
        """Raise what an AWS error means for the gate."""
        refusal = explain_refusal(_OPERATION, (_OPERATION, "HeadBucket"), error)
        if refusal is not None:
            raise refusal from error
        code, message, status = code_of(error)
        bucket = location.bucket
        if code in DENIED or status == 403:  # noqa: PLR2004 - HTTP's Forbidden
            arn = f"arn:{self._client.meta.partition}:s3:::{bucket}"
            below = f" for the prefix {location.path}/" if location.path else ""
            raise CallFailed(
                Reason.ACCESS_DENIED, f"AWS denied s3:ListBucket on {arn}{below}: {message}", retry=False
            ) from error
        if code == "NoSuchBucket":
            raise CallFailed(
                Reason.NOT_FOUND, f"there is no bucket {bucket}: {message}", retry=False
            ) from error
        if code in _OTHER_REGION:
            raise CallFailed(
                Reason.NOT_FOUND,
                f"the bucket {bucket} is in another region than {self._client.meta.region_name}, and S3 did not "
                f"say in which: {message}",
                retry=False,
            ) from error
        if code == "500":
            raise _bad(
                location, f"a body that was cut off, or an error without a name ({message})"
            ) from error
        if status >= 500:  # noqa: PLR2004 - HTTP's server errors
            raise CallFailed(Reason.UNREACHABLE, f"{_OPERATION} failed with {code}: {message}") from error
        raise CallFailed(Reason.BAD_RESPONSE, f"{_OPERATION} was refused with {code}: {message}") from error


def _rows(response: Mapping[str, Any], location: Location, prefix: str) -> Iterable[tuple[str, S3Object]]:
    """A page's objects, by key relative to the prefix; all that S3 promises of a page was there."""
    rows = response.get("Contents", [])
    if type(response.get("IsTruncated")) is not bool or type(response.get("KeyCount")) is not int:
        raise _bad(
            location, "it holds no IsTruncated or KeyCount: it was cut off or comes from something else"
        )
    if not isinstance(rows, list) or response["KeyCount"] != len(rows):
        raise _bad(location, f"it says {response['KeyCount']} objects and holds another number")
    for row in rows:
        key, size, etag, modified = (row.get(name) for name in ("Key", "Size", "ETag", "LastModified"))
        if not (isinstance(key, str) and key.startswith(prefix)):
            raise _bad(location, f"it holds the key {key!r}, which nobody asked for")
        if type(size) is not int or not isinstance(etag, str) or not isinstance(modified, datetime):
            raise _bad(location, f"the object {key!r} has no size, ETag or LastModified")
        yield key[len(prefix) :], S3Object(size, etag.strip('"'), modified.astimezone(timezone.utc))


def _bad(location: Location, problem: str) -> CallFailed:
    return CallFailed(
        Reason.BAD_RESPONSE, f"{_OPERATION} of {location} gave nothing that can be read: {problem}"
    )
