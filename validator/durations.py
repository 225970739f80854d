"""Durations as people write them: `500ms`, `0.5s`, `90s`, `10m`, `1h30m`."""

from __future__ import annotations

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
PATTERN = r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h))+"
"""What a duration looks like; the manifest's schema uses it too."""
MAX_SECONDS = 86_400.0
"""A day: longer is a typing error, and no pipeline waits for it."""


def parse_duration(text: str) -> float:
    """The seconds that `text` stands for.

    Raises:
        ValueError: it is no duration, or longer than a day; the message says which.
    """
    if not re.fullmatch(PATTERN, text, re.ASCII):
        raise ValueError(f"{text!r} is not a duration; write it like 500ms, 90s, 10m or 1h30m")
    parts = re.findall(r"([0-9.]+)(ms|s|m|h)", text)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if seconds > MAX_SECONDS:
        raise ValueError(f"{text!r} is longer than a day")
    return seconds


def format_duration(seconds: float) -> str:
    """`seconds` for people: `0.4s`, `45s`, `5m10s`, `1h5m`."""
    if seconds < 10:  # noqa: PLR2004 - below ten seconds a tenth matters
        return f"{round(seconds, 1):g}s"
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m" if minutes else f"{hours}h"
    if minutes:
        return f"{minutes}m{secs}s" if secs else f"{minutes}m"
    return f"{secs}s"
