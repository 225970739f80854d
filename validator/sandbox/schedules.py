"""How each version of the REST API shows a DAG's schedule."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PRESETS = {
    "@once": ("@once", "Once, as soon as possible"),
    "@continuous": ("@continuous", "As frequently as possible, but only one run at a time."),
    "@hourly": ("0 * * * *", "Every hour"),
    "@daily": ("0 0 * * *", "At 00:00"),
    "@weekly": ("0 0 * * 0", "At 00:00, only on Sunday"),
    "@monthly": ("0 0 1 * *", "At 00:00, on day 1 of the month"),
    "@quarterly": ("0 0 1 */3 *", "At 00:00, on day 1 of the month, every 3 months"),
    "@yearly": ("0 0 1 1 *", "At 00:00, on day 1 of the month, only in January"),
}
_INTERVAL = re.compile(r"(?:(\d{1,6}) days?, )?(\d{1,2}):(\d\d):(\d\d)", re.ASCII)
_BY_DATA = ("Dataset", "Asset")


@dataclass(frozen=True)
class Schedule:
    """A schedule in the words of both major versions."""

    interval: dict[str, object] | None
    """Airflow 2's `schedule_interval`."""
    summary: str | None
    """Airflow 3's `timetable_summary`."""
    described: str
    """`timetable_description`; empty where Airflow's own words for it were not recorded."""
    periodic: bool
    """Whether time alone starts runs."""


def schedule_of(text: str | tuple[str, ...] | None, major: int) -> Schedule:
    """How a SimDag's `schedule` is shown on Airflow 2 or 3."""
    if text is None:
        return Schedule(None, None, "Never, external triggers only", periodic=False)
    if isinstance(text, tuple) or text in _BY_DATA:
        word = _BY_DATA[major >= 3]  # noqa: PLR2004 - Airflow 3 renamed datasets
        return Schedule(_cron(word), word, f"Triggered by {word.lower()}s", periodic=False)
    interval = _INTERVAL.fullmatch(text)
    if interval:
        days, hours, minutes, seconds = (int(part or 0) for part in interval.groups())
        spread = {"days": days, "microseconds": 0, "seconds": hours * 3600 + minutes * 60 + seconds}
        return Schedule({"__type": "TimeDelta", **spread}, text, "", periodic=True)
    summary, described = _PRESETS.get(text, (text, ""))
    return Schedule(_cron(text), summary, described, periodic=True)


def _cron(value: str) -> dict[str, object]:
    return {"__type": "CronExpression", "value": value}
