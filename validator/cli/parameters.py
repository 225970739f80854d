"""Parameter types that more than one command uses."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, cast

import click

from validator.durations import format_duration, parse_duration
from validator.iso_time import parse_iso
from validator.rules import Deploy
from validator.settings import AUTO

if TYPE_CHECKING:
    from validator.rules import DeployedAt

_FIRST_YEAR = 2020
FUTURE_ALLOWED = timedelta(seconds=60)
"""Clocks of a pipeline and of this machine may differ by so much."""


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic only in newer click
    """A duration such as `90s` or `1h30m`, as seconds."""

    name = "duration"

    def __init__(self, *, least: float = 0.0) -> None:
        """Take a duration of `least` seconds or more."""
        self._least = least

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002 - click's own signature
        """How the help shows it."""
        return "D"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        if isinstance(value, float):
            return value
        try:
            seconds = parse_duration(str(value))
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)
        if seconds < self._least:
            self.fail(f"it must be at least {format_duration(self._least)}.", param, ctx)
        return seconds


class Timeout(Duration):
    """A duration, or `auto`."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds, or AUTO."""
        return AUTO if value == "auto" else super().convert(value, param, ctx)


class Rate(click.FloatRange):
    """Calls a second."""

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002 - click's own signature
        """How the help shows it."""
        return "N"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """A number within the range: NaN compares with no bound, so that the range alone lets it pass."""
        number = float(super().convert(cast("float", value), param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


class DeployTime(click.ParamType):  # type: ignore[type-arg]  # the same
    """`now`, `none`, an ISO time with a zone, or seconds since 1970."""

    name = "deployed-at"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002 - click's own signature
        """How the help shows it."""
        return "T"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> DeployedAt:
        """The deploy's end."""
        if isinstance(value, (datetime, Deploy)):
            return value
        text = str(value).strip()
        if text in ("now", "none"):
            return Deploy(text)
        time = _time(text)
        if time is None:
            self.fail(
                f"{value!r} is neither now, none, an ISO time such as 2026-01-31T08:00:00Z nor seconds since 1970.",
                param,
                ctx,
            )
        if time.tzinfo is None:
            self.fail(f"{text} names no time zone; add Z for UTC, or an offset such as +01:00.", param, ctx)
        if time.year < _FIRST_YEAR:
            self.fail(
                f"{text} would be {time:%Y-%m-%d}, long before there was MWAA; write a date like 2026-01-31T08:00:00Z.",
                param,
                ctx,
            )
        if time > datetime.now(timezone.utc) + FUTURE_ALLOWED:
            self.fail(f"{text} lies in the future; the deploy must have ended.", param, ctx)
        return time


def _time(text: str) -> datetime | None:
    try:
        if text.replace(".", "", 1).isdecimal() and text.isascii():
            return datetime.fromtimestamp(float(text), timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
    return parse_iso(text)
