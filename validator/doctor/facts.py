"""What was seen, before it is judged. Plain data: it holds no secret, and may hold foreign text."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from validator.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from validator.airflow.models import Component, Observation, Version
    from validator.transport.interface import EnvironmentFacts

_HALF_SECOND = timedelta(seconds=0.5)


@dataclass(frozen=True)
class Failure:
    """Something was asked, and gave nothing that can be used."""

    reason: Reason
    message: str
    advice: str = ""
    """What to do, where more can be said than for the reason as such."""
    status: int | None = None
    """Airflow's HTTP status, where it answered."""
    code: str = ""
    """AWS's error code, where AWS refused."""
    throttled: bool = False

    @property
    def silent(self) -> bool:
        """Nobody answered, as far as can be told."""
        return (
            self.reason is Reason.UNREACHABLE and self.status is None and not self.code and not self.throttled
        )


@dataclass(frozen=True)
class OddVersion:
    """Airflow answered, and told no version that the gate knows how to ask."""

    message: str


@dataclass(frozen=True)
class Tick:
    """One Date that a server told, and when it came, on this machine's clock."""

    date: datetime
    """UTC, whole seconds, cut off."""
    sent: datetime
    received: datetime

    @property
    def travel(self) -> timedelta:
        """How long the answer was under way, the question included."""
        return self.received - self.sent

    @property
    def skew(self) -> float:
        """Seconds that the server's clock is ahead of this machine's; half of the travel is taken into account."""
        return (self.date + _HALF_SECOND - (self.sent + self.travel / 2)).total_seconds()


@dataclass(frozen=True)
class Call:
    """One call of Airflow's API that was made."""

    path: str
    seconds: float
    answered: bool
    """With whatever status."""
    throttled: bool = False


@dataclass(frozen=True)
class Region:
    """Where AWS is called."""

    name: str | None
    """None: nowhere is one set."""
    told_by: str
    """What set it, for people; empty where nothing did."""
    partition: str = "aws"
    known: tuple[str, ...] = ()
    """The regions that have MWAA, as far as the AWS SDK at hand knows; empty: it does not say."""


@dataclass(frozen=True)
class Credentials:
    """The credentials that sign the calls; nothing of them is secret."""

    method: str
    """botocore's word, such as `env` or `sso`."""
    temporary: bool
    expires: datetime | None
    """UTC; None: never, or nobody tells."""
    renews: bool


@dataclass(frozen=True)
class Identity:
    """Who the credentials are, as STS tells it."""

    arn: str
    account: str


@dataclass(frozen=True)
class AwsFacts:
    """The way through AWS to one environment. None: not asked, since something before it failed."""

    now: datetime
    """UTC, on this machine's clock."""
    region: Region | Failure
    credentials: Credentials | Failure
    """A Failure with no code and the reason ACCESS_DENIED also where there are none."""
    identity: Identity | Failure | None = None
    environment: EnvironmentFacts | Failure | None = None
    invoked: Version | OddVersion | Failure | None = None
    """What the first InvokeRestApi call gave: Airflow's version."""
    environments: tuple[str, ...] | Failure | None = None
    """The names of those in the region; asked only where the one that was named is not found."""
    account: str | None = None
    """Twelve digits, by the identity or the role's ARN."""


@dataclass(frozen=True)
class UrlFacts:
    """The way to an Airflow by its URL."""

    url: str
    credentials: str
    """`nobody`, `a user with a password` or `a token`."""
    ca_bundle: str | None
    version: Version | OddVersion | Failure
    """What the first call gave."""
    listed: Failure | None = None
    """Why the DAG list, the first call that needs a login, gave nothing; None: it gave something, or was not asked."""


@dataclass(frozen=True)
class Wants:
    """What a manifest needs beyond what every gate does; nothing where none was given."""

    reads: frozenset[str] = frozenset()
    """Ids of the lines that must be ok: `reads-…`, with `reads-dags` for every DAG, and `environment`."""
    ignored: tuple[str, ...] = ()
    """Components that may be unhealthy."""


@dataclass(frozen=True)
class Probe:
    """Whether the role may read one thing."""

    allowed: bool | None
    """None: it could not be told."""
    seen: str = ""
    """What was seen, for people: of a denial, or of why nothing can be told."""
    advice: str = ""
    """What to do where nothing can be told."""
    limit: bool = False
    """It cannot be asked by anybody: nothing is wrong."""


@dataclass(frozen=True)
class AirflowFacts:
    """What one round of the gate and a few calls more saw of Airflow itself."""

    version: Version
    seen: Observation | Failure
    probes: Mapping[str, Probe] = field(default_factory=dict)
    """By the id of the line that tells it."""
    samples: tuple[Mapping[str, Component] | Failure, ...] = ()
    """Health, a few times in a row."""
    sampled: tuple[Call, ...] = ()
    """The calls that asked for it: the paced ones whose times are told."""
    all_calls: tuple[Call, ...] = ()
    """Every call of Airflow's API in this run, those included."""
    round_calls: int = 0
    """Calls that each round makes, as the one round made them, repetitions included."""
    round_seconds: float = 0.0
    """How long that round took."""
    health_at: datetime | None = None
    """The server's clock when the last sample was told; None: no answer had a Date."""
