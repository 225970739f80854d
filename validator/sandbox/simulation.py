"""The backend that is a simulated Airflow: a world, the dialect of its version, and who calls."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from validator.sandbox.api import Role
from validator.sandbox.api_v1 import ApiV1
from validator.sandbox.api_v2 import ApiV2
from validator.sandbox.web import WebCopies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validator.sandbox.api import Dialect
    from validator.sandbox.world import World

STATUSES = (
    *("AVAILABLE", "CREATING", "CREATING_SNAPSHOT", "CREATE_FAILED", "DELETED", "DELETING"),
    *("MAINTENANCE", "PENDING", "ROLLING_BACK", "UNAVAILABLE", "UPDATE_FAILED", "UPDATING"),
)
"""What an environment's status may be."""
_FACTS: Mapping[str, object] = {
    "EnvironmentClass": "mw1.small",
    "SourceBucketArn": "arn:aws:s3:::sandbox-bucket",
    "DagS3Path": "dags",
    "RequirementsS3Path": "requirements.txt",
    "RequirementsS3ObjectVersion": "requirements-1",
    "PluginsS3Path": "plugins.zip",
    "PluginsS3ObjectVersion": "plugins-1",
    "WebserverAccessMode": "PUBLIC_ONLY",
}
_LONG_AGO = 86_400.0
_OUTCOMES = {"AVAILABLE": "SUCCESS", "UPDATE_FAILED": "FAILED", "CREATE_FAILED": "FAILED"}


class Simulation:
    """Answers for a world, as far as the world's clock has come. Thread-safe.

    Args:
        world: what is simulated. While calls may come from other threads, change it under `lock`.
        role: who calls; may be replaced at any time.
        options: what GetEnvironment shall tell as AirflowConfigurationOptions.
        status: what GetEnvironment shall tell as the environment's status; may be replaced.
        facts: what else GetEnvironment shall tell, by the service's own names, instead of the sandbox's usual
            facts; one that is None is left out of the answer. May be changed at any time.
    """

    def __init__(
        self,
        world: World,
        *,
        role: Role | None = None,
        options: Mapping[str, str] | None = None,
        status: str = "AVAILABLE",
        facts: Mapping[str, object] | None = None,
    ) -> None:
        self.world = world
        self.role = role or Role()
        self.options = dict(options or {})
        self.status = status
        self.facts: dict[str, object] = {**_FACTS, **(facts or {})}
        self.lock = threading.RLock()
        self._web = WebCopies(world)
        self._updated = -_LONG_AGO

    def call(self, method: str, path: str, query: Mapping[str, object], body: object) -> tuple[int, object]:
        """Airflow's status and body."""
        with self.lock:
            self.world.advance()
            kind: type[Dialect] = ApiV1 if self.world.rules.major < 3 else ApiV2  # noqa: PLR2004 - Airflow 3
            return kind(self.world, self.role, self._web, body).answer(method, path, query)

    def become(self, status: str, *, at: float | None = None) -> None:
        """Let the environment's status change.

        Args:
            status: one of STATUSES.
            at: seconds since the world's start; None: now.

        Raises:
            ValueError: there is no such status, or that time is past.
        """
        if status not in STATUSES:
            raise ValueError(f"{status!r} is no status; there are {', '.join(STATUSES)}")

        def act() -> None:
            if self.status == "AVAILABLE":
                self._updated = self.world.elapsed  # what follows belongs to this update
            self.status = status

        self.world.at(at, act)

    def environment(self) -> Mapping[str, object]:
        """What GetEnvironment tells."""
        with self.lock:
            self.world.advance()
            last_update = {
                "Status": _OUTCOMES.get(self.status, "PENDING"),
                "CreatedAt": round(self.world.time(self._updated).timestamp(), 3),
                "Source": "sandbox",
            }
            return {
                "AirflowVersion": self.world.rules.airflow,
                "AirflowConfigurationOptions": self.options,
                "Status": self.status,
                "LastUpdate": last_update,
                **self.facts,
            }
