"""How a call gets to Airflow and back: the one thing that differs between MWAA and a plain URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from validator.reasons import Reason


CONNECT_TIMEOUT = 5.0
"""Seconds to open a connection."""
CALL_TIMEOUT = 15.0
"""Seconds to wait for an answer: the service itself gives up after 10 (AWS.md section 1)."""
WHOLE_CALL = CONNECT_TIMEOUT + CALL_TIMEOUT
"""Seconds that a call of an AWS service may take in all, however its answer drips."""


@dataclass(frozen=True)
class Request:
    """One call of Airflow's REST API, as InvokeRestApi takes it: the path is without /api/v1 or /api/v2."""

    path: str
    """Starts with `/`; its segments are already percent-escaped."""
    query: Mapping[str, str | int | bool] = field(default_factory=dict)
    method: str = "GET"
    body: Mapping[str, object] | None = None


@dataclass(frozen=True)
class Answer:
    """What Airflow said, whatever its status."""

    status: int
    """Airflow's own HTTP status."""
    body: object
    """Parsed JSON, or text where it is no JSON; None when empty. Nothing about it is certain."""
    date: datetime | None
    """The server's clock (its Date header: whole seconds, cut off), UTC; None where there was none."""
    request_id: str | None = None


@dataclass(frozen=True)
class EnvironmentFacts:
    """What GetEnvironment tells, as far as the gate uses it. Every field may be unknown (None)."""

    status: str | None = None
    airflow_version: str | None = None
    webserver_access: str | None = None
    """PUBLIC_ONLY or PRIVATE_ONLY."""
    options: Mapping[str, str] = field(default_factory=dict)
    """AirflowConfigurationOptions, such as `core.min_serialized_dag_update_interval`."""
    date: datetime | None = None
    """The server's clock when it told this."""
    environment_class: str | None = None
    """Such as `mw1.small`."""
    requirements_version: str | None = None
    """RequirementsS3ObjectVersion."""
    plugins_version: str | None = None
    """PluginsS3ObjectVersion."""
    bucket_arn: str | None = None
    """SourceBucketArn."""
    dags_path: str | None = None
    """DagS3Path: the DAGs folder's path in the bucket."""


NO_ADVICE: Mapping[Reason, str] = MappingProxyType({})
"""Of a transport that is MWAA's, which `reasons.ADVICE` speaks of."""


class Transport(Protocol):
    """A way to call one environment's Airflow. Thread-safe."""

    where: str
    """What is called, for people and reports: the environment's name or the URL without credentials."""
    longest_path: int | None
    """Characters that a path may have; None: as many as it takes."""
    advice: Mapping[Reason, str]
    """What to do about a call that failed, by its reason, where `reasons.ADVICE` does not fit."""

    def call(self, request: Request) -> Answer:
        """One attempt, no retries of its own. No read waits longer than CALL_TIMEOUT for the next bytes.

        Raises:
            CallFailed: no usable answer; the same call may do better later, or not (`retry`).
            CannotTell: no call can do better: denied by AWS, unknown environment, no credentials, no region.
        """
        ...

    def environment(self) -> EnvironmentFacts | None:
        """What GetEnvironment tells; None where there is no such thing (a plain URL).

        Raises:
            CallFailed: denied (`retry` is False) or not answered.
            CannotTell: the environment does not exist, or no credentials or region are to be had.
        """
        ...
