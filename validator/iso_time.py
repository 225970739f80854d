"""ISO times, read the same by every Python: 3.10 knows no `Z`, and takes 3 or 6 decimals only."""

from __future__ import annotations

import re
from datetime import datetime, timezone

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,6}))?)?(Z|z|[+-]\d\d:?\d\d)?", re.ASCII
)


def parse_iso(text: str) -> datetime | None:
    """The time that `text` tells: in UTC, or naive where it names no zone. None: it tells none."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    day, clock, decimals, zone = match.groups()
    if zone is None:
        offset = ""
    elif zone in "Zz":
        offset = "+00:00"
    else:
        offset = zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
    fraction = f".{decimals:0<6}" if decimals else ""
    seconds = "" if clock is None or clock.count(":") > 1 else ":00"
    try:
        time = datetime.fromisoformat(f"{day}T{clock or '00:00'}{seconds}{fraction}{offset}")
        return time.astimezone(timezone.utc) if offset else time
    except (ValueError, OverflowError):  # the latter: its year is 0 or 10000 in UTC
        return None
