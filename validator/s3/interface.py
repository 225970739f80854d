"""What is asked of S3, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True)
class Location:
    """A folder in a bucket."""

    bucket: str
    path: str
    """Without slashes at its ends; empty for the whole bucket."""

    def __str__(self) -> str:
        """The folder as a URI."""
        return f"s3://{self.bucket}/{self.path}" if self.path else f"s3://{self.bucket}"


@dataclass(frozen=True)
class S3Object:
    """One object, as a listing shows it."""

    size: int
    """Bytes."""
    etag: str
    """Without quotes. The MD5 of the content, unless it was uploaded in parts (then it has a dash) or is encrypted
    with a key of KMS or the customer's."""
    modified: datetime
    """LastModified, UTC, whole seconds: S3's own clock."""


@dataclass(frozen=True)
class LocalDigest:
    """One file of the local folder, helpers and data included."""

    name: str
    """Relative to the folder, with forward slashes."""
    size: int
    """Bytes."""
    md5: str
    """Of the content, in hex."""
    in_parts: tuple[str, ...] = ()
    """The ETags that S3 gives to it when it is uploaded in parts of the usual sizes; empty for what is smaller."""


class Witness(Protocol):
    """Lists what S3 holds. Thread-safe."""

    def objects(self, location: Location) -> Mapping[str, S3Object]:
        """Every object below `location`, by its key relative to it.

        Raises:
            CallFailed: no usable answer; asking again may help, or not (`retry`).
            CannotTell: no call can do better: no credentials or region.
        """
        ...
