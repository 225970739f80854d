"""Parameter types that more than one command uses."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING, cast

import click

from validator.deploy_time import parse_deployed_at
from validator.durations import format_duration, parse_duration
from validator.rules import Deploy
from validator.settings import AUTO

if TYPE_CHECKING:
    from validator.rules import DeployedAt


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
        try:
            return parse_deployed_at(str(value), datetime.now(timezone.utc))
        except ValueError as error:
            self.fail(str(error), param, ctx)
