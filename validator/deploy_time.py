"""When a deploy ended, as people and pipelines write it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from validator.iso_time import parse_iso
from validator.rules import Deploy

if TYPE_CHECKING:
    from validator.rules import DeployedAt

FUTURE_ALLOWED = timedelta(seconds=60)
"""Clocks of a pipeline and of this machine may differ by so much."""
_FIRST_YEAR = 2020


def parse_deployed_at(text: str, now: datetime) -> DeployedAt:
    """What `text` says: `now`, `none`, an ISO time with a zone, or seconds since 1970.

    Args:
        text: as it was written.
        now: this machine's time.

    Raises:
        ValueError: it is none of these, or a time that can be no deploy's; the message says which.
    """
    text = text.strip()
    if text in ("now", "none"):
        return Deploy(text)
    time = _time(text)
    if time is None:
        raise ValueError(
            f"{text!r} is neither now, none, an ISO time such as 2026-01-31T08:00:00Z nor seconds since 1970."
        )
    if time.tzinfo is None:
        raise ValueError(f"{text} names no time zone; add Z for UTC, or an offset such as +01:00.")
    if time.year < _FIRST_YEAR:
        raise ValueError(
            f"{text} would be {time:%Y-%m-%d}, long before there was MWAA; write a date like 2026-01-31T08:00:00Z."
        )
    if time > now + FUTURE_ALLOWED:
        raise ValueError(f"{text} lies in the future; the deploy must have ended.")
    return time


def _time(text: str) -> datetime | None:
    try:
        if text.replace(".", "", 1).isdecimal() and text.isascii():
            return datetime.fromtimestamp(float(text), timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
    return parse_iso(text)
