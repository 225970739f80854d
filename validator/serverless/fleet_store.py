"""The objects in S3 that a fleet's run reads and writes: s3:GetObject and s3:PutObject are all that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from validator.clock import SystemClock
from validator.errors import CallFailed
from validator.reasons import Reason
from validator.transport.aws_session import AwsSession

if TYPE_CHECKING:
    from validator.clock import Clock
    from validator.s3.interface import Location


class Store(Protocol):
    """Objects by their location: bucket and key."""

    def read(self, where: Location, limit: int) -> bytes:
        """The whole object, of at most `limit` bytes.

        Raises:
            GateError: there is none, it is larger, or it cannot be read.
        """
        ...

    def write(self, where: Location, data: bytes, content_type: str) -> None:
        """Put the object there, whole.

        Raises:
            GateError: it could not be written.
        """
        ...


class S3Store:
    """A Store in S3, with the function's own credentials."""

    def __init__(self, session: AwsSession | None = None, clock: Clock | None = None) -> None:
        """Take the session, and the clock of the pauses before a call is repeated; None: the machine's own."""
        self._session = session or AwsSession()
        self._clock = clock or SystemClock()

    def read(self, where: Location, limit: int) -> bytes:
        """See `Store.read`."""
        from validator.serverless.buckets import fetch  # noqa: PLC0415 - heavy, needed only here

        data = fetch(self._session, where.bucket, where.path, self._clock.sleep)
        if len(data) > limit:
            problem = f"{where} has {len(data):,} bytes, and at most {limit:,} are read"
            raise CallFailed(Reason.BAD_RESPONSE, problem, retry=False)
        return data

    def write(self, where: Location, data: bytes, content_type: str) -> None:
        """See `Store.write`."""
        from validator.serverless.buckets import store  # noqa: PLC0415 - heavy, needed only here

        store(self._session, where.bucket, where.path, data, content_type, self._clock.sleep)
