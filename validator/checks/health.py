"""Is the environment alive? Only the body of /health counts, and in it only young heartbeats.

DESIGN section 5, "Health"; measured in AIRFLOW.md section 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from validator.airflow.dialect import AIRFLOW_3
from validator.airflow.models import Unread
from validator.checks.interface import CLOCK_TOLERANCE
from validator.durations import format_duration
from validator.finding import About, Ripens, Status
from validator.reasons import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from validator.airflow.models import Component
    from validator.checks.interface import View
    from validator.finding import Finding
    from validator.manifest.model import HealthRule

AREA = "health"
DEAD_AFTER = 120.0
"""Seconds: a heartbeat that has not moved for so long belongs to a dead component, not to a flapping one."""
CONTRADICTION = 600.0
"""Seconds: Airflow calls nothing healthy that was silent for so long; the clock that says so is wrong."""
_WITHOUT_HEARTBEAT = "metadatabase"


@dataclass(frozen=True)
class _Judge:
    """What the components of one round are judged by."""

    rule: HealthRule
    now: datetime
    grace: float
    mandatory: frozenset[str]
    required: frozenset[str]


def check(view: View) -> list[Finding]:
    """One finding for every component that must be healthy."""
    rule = view.manifest.health
    told = view.seen.health
    version = view.seen.version
    mandatory = {"metadatabase", "scheduler"}
    if version is not None and version.major >= AIRFLOW_3:
        mandatory.add("dag_processor")
    required = mandatory | set(rule.require)
    if isinstance(told, Unread):
        return [
            _about(name).finds(
                Status.ERROR,
                "Not judged: health could not be read.",
                told.reason,
                heals=told.heals,
                advice=told.advice,
            )
            for name in sorted(required)
        ]
    judge = _Judge(
        rule,
        view.seen.health_at or view.seen.ended,
        view.times.grace,
        frozenset(mandatory),
        frozenset(required),
    )
    names = sorted(required | {name for name, component in told.items() if component.status is not None})
    return [_component(name, told.get(name), judge) for name in names]


def _component(name: str, component: Component | None, judge: _Judge) -> Finding:
    if component is None or component.status is None:
        return _about(name).finds(
            Status.PENDING,
            f"The {name} does not run: Airflow reports no status for it, and it is required.",
            Reason.COMPONENT_MISSING,
            ripens=Ripens(seconds=DEAD_AFTER),
        )
    finding = _judged(name, component, judge)
    ignored = name in judge.rule.ignore and name not in judge.mandatory
    if ignored and finding.status is not Status.PASSED:
        return _about(name).finds(
            Status.WARNING, f"{finding.message} It is ignored, as health.ignore says.", finding.reason
        )
    return finding


def _judged(name: str, component: Component, judge: _Judge) -> Finding:  # noqa: PLR0911 - one for each cause
    heartbeat = component.heartbeat
    age = (judge.now - heartbeat).total_seconds() if heartbeat is not None else None
    details: dict[str, Any] = {"status": component.status}
    if heartbeat is not None and age is not None:
        details |= {"heartbeat": heartbeat.isoformat(), "heartbeat_age_s": round(age, 1)}
    if age is not None and age < -CLOCK_TOLERANCE:
        ahead = timedelta(seconds=round(-age))
        return _about(name).finds(
            Status.ERROR,
            f"The {name}'s heartbeat lies {ahead} in the future of the web server's clock: "
            "the environment's clocks disagree.",
            Reason.BAD_RESPONSE,
            details=details,
        )
    if component.status != "healthy":
        said = f"Airflow calls the {name} {component.status!r}"
        last = f", with its last heartbeat {format_duration(max(age, 0))} ago" if age is not None else ""
        idle = (
            " A triggerer that is scaled to zero stays unhealthy: if that is meant, add it to health.ignore."
            if name == "triggerer"
            else ""
        )
        return _about(name).finds(
            Status.PENDING,
            f"{said}{last}.{idle}",
            Reason.COMPONENT_UNHEALTHY,
            details,
            ripens=_ripens(age, judge),
            flaps=age is not None and age <= judge.rule.max_heartbeat_age,
        )
    if name == _WITHOUT_HEARTBEAT:
        return _about(name).finds(Status.PASSED, f"The {name} is healthy.")
    if age is None:
        return _about(name).finds(
            Status.PENDING,
            f"Airflow calls the {name} healthy but shows no heartbeat of it.",
            Reason.HEARTBEAT_OLD,
            details,
            ripens=Ripens(seconds=DEAD_AFTER),
        )
    if age > max(CONTRADICTION, judge.rule.max_heartbeat_age):
        return _about(name).finds(
            Status.ERROR,
            f"Airflow calls the {name} healthy, but by the Date of its answers its last heartbeat was "
            f"{format_duration(age)} ago: the clocks disagree, so nothing can be called new.",
            Reason.BAD_RESPONSE,
            details,
        )
    if age > judge.rule.max_heartbeat_age:
        return _about(name).finds(
            Status.PENDING,
            f"Airflow calls the {name} healthy, but its last heartbeat was {format_duration(age)} ago; at most "
            f"{format_duration(judge.rule.max_heartbeat_age)} is allowed.",
            Reason.HEARTBEAT_OLD,
            details,
            ripens=_ripens(age, judge),
        )
    return _about(name).finds(
        Status.PASSED,
        f"The {name} is healthy, its heartbeat {format_duration(max(age, 0))} old.",
        None,
        details,
    )


def _ripens(age: float | None, judge: _Judge) -> Ripens:
    """Final once the heartbeat has not moved for DEAD_AFTER and the red has stood for the grace time."""
    if age is None:
        return Ripens(seconds=DEAD_AFTER)
    dead_after = max(DEAD_AFTER, judge.rule.max_heartbeat_age)
    return Ripens(seconds=judge.grace if age >= dead_after else math.inf)


def _about(name: str) -> About:
    return About(f"health/{name}", AREA, name)
