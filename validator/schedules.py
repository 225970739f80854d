"""When a DAG runs, in one form: Airflow 2, Airflow 3 and people write the same schedule differently.

The forms that the API gives were measured on 2.10.5 and 3.0.6; `timetable.summary` is where they come from.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NONE = "none"
"""The form of no schedule: the DAG is only triggered."""
_PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
"""Airflow 3 shows the expression, Airflow 2 the preset."""
_CLOCK = re.compile(r"(?:(\d{1,6}) days?, )?(\d{1,2}):(\d\d):(\d\d)(?:\.(\d{6}))?")
"""How Python writes a timedelta, and Airflow 3 with it."""
_SPAN = re.compile(r"(?=\d)(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?")
"""How people write one."""
_DELTAS = ("years", "months", "days", "leapdays", "hours", "minutes", "seconds", "microseconds")
_MOMENTS = ("year", "month", "day", "weekday", "hour", "minute", "second", "microsecond")


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """The form of a schedule in words: of a manifest, of `timetable_summary`, of a CronExpression's value.

    Never raises; what it does not know is compared as text, without regard to case and spacing.
    """
    plain = " ".join(text.split()).lower()
    for name in ("dataset or ", "asset or "):
        if plain.startswith(name):
            return f"asset or {_of_one(plain[len(name) :])}"
    return _of_one(plain)


def _of_one(plain: str) -> str:
    if plain in ("", "none", "null"):
        return NONE
    if plain in _PRESETS:
        return _PRESETS[plain]
    if plain in ("dataset", "asset"):  # renamed in Airflow 3
        return "asset"
    if (clock := _CLOCK.fullmatch(plain)) is not None:
        days, hours, minutes, seconds, micro = (int(part or 0) for part in clock.groups())
        return _every(days, hours * 3600 + minutes * 60 + seconds, micro)
    if (span := _SPAN.fullmatch(plain)) is not None:
        days, hours, minutes, seconds = (int(part or 0) for part in span.groups())
        return _every(days, hours * 3600 + minutes * 60 + seconds, 0)
    return plain


def of_interval(told: Mapping[str, object]) -> str | None:
    """The form of Airflow 2's `schedule_interval` object; None: it is of no kind that is known."""
    kind = told.get("__type")
    if kind == "CronExpression":
        value = told.get("value")
        return canonical(value) if isinstance(value, str) else None
    if kind == "TimeDelta":
        parts = [told.get(key) for key in ("days", "seconds", "microseconds")]
        numbers = [part for part in parts if isinstance(part, int)]
        return _every(*numbers) if len(numbers) == len(parts) else None
    if kind == "RelativeDelta":
        deltas = {key: told.get(key) or 0 for key in _DELTAS}
        if not all(isinstance(value, int) for value in deltas.values()):
            return None
        given = [f"{key}={value:+d}" for key, value in deltas.items() if value]
        given += [f"{key}={told[key]}".lower() for key in _MOMENTS if told.get(key) is not None]
        return f"relativedelta({', '.join(given)})"
    return None


def _every(days: int, seconds: int, microseconds: int) -> str:
    total = days * 86400 + seconds
    return f"every {total}.{microseconds:06d} s" if microseconds else f"every {total} s"
