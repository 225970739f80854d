"""Where in S3 the DAGs folder lies: as it was given, or as GetEnvironment tells. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from validator.airflow.models import Unread
from validator.errors import UsageError
from validator.reasons import Reason
from validator.s3.interface import Location

if TYPE_CHECKING:
    from validator.transport.interface import EnvironmentFacts

ADVICE = "Give --dags-s3 s3://BUCKET/PATH."

_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
"""S3's rule for buckets made since 2018; MWAA takes no other."""
_LONGEST_PATH = 1000
"""Bytes: a key has at most 1,024."""


def parse_location(text: str) -> Location:
    """The folder that an `s3://` URI names.

    Raises:
        UsageError: it is no such URI.
    """
    scheme, _, rest = text.partition("://")
    bucket, _, path = rest.partition("/")
    problem = f"it starts with {scheme}://" if rest and scheme != "s3" else "it does not start with s3://"
    if rest and scheme == "s3":
        problem = _problem(bucket, path.strip("/"))
    if problem:
        raise UsageError(
            f"{text!r} is not the URI of a folder in S3: {problem}",
            advice="Write it like s3://my-bucket/dags.",
        )
    return Location(bucket, path.strip("/"))


def location_of(
    given: str | None, facts: EnvironmentFacts | Unread | None, prefix: str = ""
) -> Location | Unread:
    """The local folder's place in S3, or why it is not known.

    Args:
        given: an `s3://` URI of the DAGs folder, which wins; None: as `facts` say.
        facts: what GetEnvironment told; None: there is no such thing here.
        prefix: where the local folder lies in the DAGs folder; empty: it is the DAGs folder.

    Raises:
        UsageError: `given` is no such URI.
    """
    if given is not None:
        return _below(parse_location(given), prefix)
    if facts is None:
        return Unread(
            Reason.NOT_FOUND, "nothing tells the bucket of the DAGs folder", heals=False, advice=ADVICE
        )
    if isinstance(facts, Unread):
        message = f"the bucket of the DAGs folder is not known: {facts.message}"
        advice = f"{ADVICE} Or allow airflow:GetEnvironment, which tells it."
        return Unread(facts.reason, message, heals=facts.heals, advice=advice)
    arn, path = facts.bucket_arn or "", (facts.dags_path or "").strip("/")
    match = re.fullmatch(rf"arn:aws[a-z-]*:s3:::({_BUCKET})", arn)
    if match is None or not path or _problem(match[1], path):
        message = f"GetEnvironment tells no DAGs folder that can be: bucket {arn!r}, path {facts.dags_path!r}"
        return Unread(Reason.BAD_RESPONSE, message, heals=False, advice=ADVICE)
    return _below(Location(match[1], path), prefix)


def _below(location: Location, prefix: str) -> Location:
    return Location(location.bucket, "/".join(part for part in (location.path, prefix.strip("/")) if part))


def _problem(bucket: str, path: str) -> str:
    """What is wrong with them; empty: nothing."""
    if not re.fullmatch(_BUCKET, bucket) or ".." in bucket:
        return f"{bucket!r} can be no bucket's name"
    if any(not segment or segment in (".", "..") for segment in path.split("/") if path):
        return f"the path {path!r} has an empty segment, or one that is . or .."
    if not path.isprintable() or len(path.encode(errors="replace")) > _LONGEST_PATH:
        return "its path has characters that do not print, or is too long"
    return ""
