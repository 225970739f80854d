"""Does Airflow answer, and what does GetEnvironment tell?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.airflow.models import Unread
from validator.airflow.settings import DEAD
from validator.finding import About, Ripens, Status
from validator.reasons import Reason
from validator.transport.interface import EnvironmentFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validator.airflow.models import Component
    from validator.checks.interface import View
    from validator.finding import Finding

AREA = "environment"


def check(view: View) -> list[Finding]:
    """One finding on the answers as a whole, one on GetEnvironment, and one on each thing that it must tell."""
    settings = _settings(view)
    demands = [_demand(key, value, view) for key, value in view.manifest.mwaa.demands.items()]
    return [_answers(view), *([settings] if settings is not None else []), *demands]


_TOLD_AS = {
    "airflow_version": "airflow_version",
    "environment_class": "environment_class",
    "requirements_s3_object_version": "requirements_version",
    "plugins_s3_object_version": "plugins_version",
}
"""The fact that GetEnvironment tells for each key of the manifest's `mwaa` block."""


def _demand(key: str, value: str, view: View) -> Finding:
    """What the manifest's `mwaa` block demands, against what GetEnvironment tells."""
    about = About(f"environment/{key}", AREA, key)
    told = view.seen.environment_unread or view.seen.environment
    if told is None:
        return _demand_of_plain(about, key, value, view)
    if isinstance(told, Unread):
        advice = (
            "Allow airflow:GetEnvironment on the environment, or take `mwaa` off the manifest."
            if told.reason is Reason.ACCESS_DENIED
            else told.advice
        )
        message = f"GetEnvironment could not be read: {told.message}"
        denied = told.reason is Reason.ACCESS_DENIED
        return about.finds(Status.ERROR, message, told.reason, heals=told.heals and not denied, advice=advice)
    seen = getattr(told, _TOLD_AS[key])
    details = {"seen": seen, "expected": value}
    if seen == value:
        return about.finds(Status.PASSED, f"It is {value}.", None, details)
    return about.finds(
        Status.PENDING,
        f"The environment has {seen if seen is not None else 'none'}, and {value} is expected.",
        Reason.ENVIRONMENT_MISMATCH,
        details,
        # An update that was asked for a moment ago shows as UPDATING soon.
        ripens=Ripens(seconds=view.times.grace),
        had_its_turn=True,
    )


def _demand_of_plain(about: About, key: str, value: str, view: View) -> Finding:
    """The same against a plain Airflow, which tells its version and no more."""
    version = view.seen.version
    if key != "airflow_version" or version is None:
        message = "Not judged: this is no MWAA environment, and a plain Airflow does not tell it."
        return about.finds(Status.SKIPPED, message, Reason.UNDECIDED)
    details = {"seen": version.text, "expected": value}
    if version.text == value:
        return about.finds(Status.PASSED, f"It is {value}.", None, details)
    message = f"It is Airflow {version.text}, and {value} is expected."
    return about.finds(Status.FAILED, message, Reason.ENVIRONMENT_MISMATCH, details)


def _answers(view: View) -> Finding:
    """Whether everything that the gate needs could be read; the cause, once, where it could not."""
    seen = view.seen
    health = seen.health if isinstance(seen.health, Unread) else None
    parts = {
        "health": health,
        "the DAG list": seen.dags.unread,
        "the import errors": seen.import_errors.unread,
    }
    about = About("environment/answers", AREA, "Airflow")
    unread = [(name, part) for name, part in parts.items() if part is not None]
    if not unread:
        version = f" as version {seen.version.text}" if seen.version is not None else ""
        return about.finds(Status.PASSED, f"It answers{version}.")
    # The first that cannot heal is the cause; the others mostly follow from it.
    _, first = min(unread, key=lambda pair: pair[1].heals)
    names = [name for name, _ in unread]
    what = "nothing" if len(names) == len(parts) else f"all but {' and '.join(names)}"
    private = (
        isinstance(seen.environment, EnvironmentFacts) and seen.environment.webserver_access == "PRIVATE_ONLY"
    )
    sick = _sick(seen.health)
    hint = f" Health says: {', '.join(sick)}." if sick else ""
    hint += " Its web server is private: it can only be asked from inside its VPC." if private else ""
    return about.finds(
        Status.ERROR,
        f"{what[0].upper()}{what[1:]} could be read: {first.message}{hint}",
        first.reason,
        {"unread": {name: part.message for name, part in unread}},
        advice=first.advice,
        heals=all(part.heals for _, part in unread),
    )


def _sick(health: Mapping[str, Component] | Unread) -> list[str]:
    """What health says that may be the cause: a dead metadatabase answers every list with a 500."""
    if isinstance(health, Unread):
        return []
    sick = (one for one in health.values() if one.status not in (None, "healthy"))
    return [f"{one.name} {one.status}" for one in sick]


def _settings(view: View) -> Finding | None:
    """What GetEnvironment tells: optional, so that a denial is said and nothing more."""
    told = view.seen.environment
    if told is None:
        return None
    about = About("environment/settings", AREA, "settings")
    if isinstance(told, Unread):
        message = (
            f"Its settings could not be read, so that Airflow's defaults are assumed for them: {told.message}"
        )
        advice = "Allow airflow:GetEnvironment on the environment, so that the gate knows its scan intervals; or leave it."
        return about.finds(Status.SKIPPED, message, told.reason, advice=advice)
    version = f", Airflow {told.airflow_version}" if told.airflow_version else ""
    status, message, reason = _status(told.status, version)
    return about.finds(status, message, reason, {"status": told.status})


def _status(status: str | None, version: str) -> tuple[Status, str, Reason | None]:
    """What the environment's status means for the gate: whether it is there, comes, or is gone for good."""
    said = f"Its status is {status}{version}"
    if status in (None, "AVAILABLE"):
        return Status.PASSED, f"{said}.", None
    if status == "UPDATE_FAILED":
        message = f"{said}: its last update failed and was rolled back. It can be used as it was before."
        return Status.WARNING, message, Reason.ENVIRONMENT_NOT_AVAILABLE
    if status in DEAD:
        return Status.FAILED, f"{said}, and that does not heal by itself.", Reason.ENVIRONMENT_NOT_AVAILABLE
    message = f"{said}: what Airflow says while it changes is no proof of anything after."
    return Status.ERROR, message, Reason.ENVIRONMENT_NOT_AVAILABLE
