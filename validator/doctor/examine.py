"""One examination, start to end: ask, judge, put in order. It looks only, and takes a minute at most."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from validator.airflow.models import Observation, Unread, Version
from validator.asking import ask_through
from validator.clock import SystemClock
from validator.doctor.ask_airflow import ask_airflow, ask_version
from validator.doctor.attempt import Patience
from validator.doctor.facts import Failure, OddVersion, UrlFacts, Wants
from validator.doctor.judge_airflow import judge_airflow
from validator.doctor.judge_time import judge_clock, judge_time
from validator.doctor.judge_url import NOBODY, judge_url, judge_version
from validator.doctor.model import (
    GROUPS,
    ORDER,
    WAY,
    Diagnosis,
    Line,
    last_problem,
    problem,
    sentence,
    skipped,
)
from validator.doctor.watched import Means, Ticks, Watched
from validator.reasons import ADVICE, Reason
from validator.rules import Rules
from validator.target import reach

if TYPE_CHECKING:
    from collections.abc import Callable

    from validator.clock import Clock
    from validator.doctor.facts import AirflowFacts
    from validator.target import Target
    from validator.transport.airflow_auth import Auth
    from validator.transport.aws_session import AwsSession

WHOLE_RUN = 55.0
"""Seconds that a whole run may take, however much hangs."""
_UNAUTHORIZED = 401
_FORBIDDEN = 403


@dataclass(frozen=True)
class Case:
    """What is to be looked at."""

    target: Target
    max_tps: float
    rules: Rules = field(default_factory=Rules)
    """Those that a gate would have: its sync, its timeout."""
    wants: Wants = field(default_factory=Wants)
    region_by: str = "--region"
    """What gave the target's region, for people."""


def examine(case: Case, clock: Clock | None = None, wall: Callable[[], datetime] | None = None) -> Diagnosis:
    """Look at all that the gate needs, and tell it a line each. Never raises for what it finds.

    Args:
        case: what is to be looked at.
        clock: None: the machine's own.
        wall: this machine's time, UTC; None: its own.

    Raises:
        UsageError: the name can be no environment's, the role no role's, or the URL cannot be called.
    """
    clock = clock or SystemClock()
    ticks = Ticks(wall or _utc_now)
    patience = Patience(WHOLE_RUN, clock)
    http = case.target.http
    session = _session(case.target) if http is None else None
    watched = Watched(reach(case.target, session), clock, ticks)
    means = Means(watched, ask_through(watched, case.max_tps, clock), patience, ticks)
    if session is not None:
        way, version, airflow = _through_aws(case, session, means)
    else:
        way, version, airflow = _by_url(case, means)
    cause = last_problem(way)
    way.append(judge_clock(ticks.best, cause, signed=session is not None))
    way.append(_version(version, airflow, cause))
    if airflow is not None:
        rest = [*judge_airflow(airflow, case.wants), *judge_time(airflow, case.rules, case.max_tps)]
    else:
        rest = [
            skipped(each, cause or "version") for name, ids in GROUPS.items() if name != WAY for each in ids
        ]
    return Diagnosis(case.target.name, tuple(sorted([*way, *rest], key=lambda line: ORDER[line.id])))


def _through_aws(
    case: Case, session: AwsSession, means: Means
) -> tuple[list[Line], Version | OddVersion | Failure | None, AirflowFacts | None]:
    from validator.doctor.ask_aws import ask_aws  # noqa: PLC0415 - only where AWS is called
    from validator.doctor.judge_aws import judge_aws  # noqa: PLC0415 - the same

    facts = ask_aws(case.target, case.region_by, session, means)
    airflow = ask_airflow(facts.invoked, means) if isinstance(facts.invoked, Version) else None
    return judge_aws(facts, case.target.name, case.wants), facts.invoked, airflow


def _by_url(
    case: Case, means: Means
) -> tuple[list[Line], Version | OddVersion | Failure | None, AirflowFacts | None]:
    http = case.target.http
    assert http is not None  # noqa: S101 - the caller looked
    means.patience.hide(http.auth.secrets)
    version = means.patience.ask(lambda: ask_version(means.asking))
    airflow = ask_airflow(version, means) if isinstance(version, Version) else None
    facts = UrlFacts(
        case.target.name, _credentials(http.auth), http.ca_bundle, version, _login_failure(airflow)
    )
    return judge_url(facts), version, airflow


def _login_failure(airflow: AirflowFacts | None) -> Failure | None:
    """Why the list of DAGs was not given, where it is for the login: a role that may not read it answers 403, too."""
    if airflow is None or isinstance(airflow.seen, Failure):
        return None
    unread = airflow.seen.dags.unread
    if not isinstance(unread, Unread):
        return None
    bad_token = unread.status == _FORBIDDEN and airflow.version.major > 2  # noqa: PLR2004 - Airflow 2
    if unread.status == _UNAUTHORIZED or bad_token:
        return Failure(unread.reason, unread.message, unread.advice, unread.status)
    return None


def _version(
    told: Version | OddVersion | Failure | None, airflow: AirflowFacts | None, cause: str | None
) -> Line:
    if isinstance(told, Version):
        seen = airflow.seen if airflow is not None else None
        return judge_version(told, seen.version if isinstance(seen, Observation) else None)
    if isinstance(told, OddVersion):
        return problem("version", sentence(told.message), ADVICE[Reason.BAD_RESPONSE])
    return skipped("version", cause or "invoke-rest-api")


def _session(target: Target) -> AwsSession:
    from validator.transport.aws_session import AwsSession  # noqa: PLC0415 - only where AWS is called

    return AwsSession(target.region, target.profile, target.role_arn)


def _credentials(auth: Auth) -> str:
    if auth.is_nobody:
        return NOBODY
    return "a token" if auth.token is not None else "a user with a password"


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)
