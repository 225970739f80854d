"""The backend that is a simulated Airflow: a world, the dialect of its version, and who calls."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from validator.sandbox.api import Role
from validator.sandbox.api_v1 import ApiV1
from validator.sandbox.api_v2 import ApiV2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validator.sandbox.api import Dialect
    from validator.sandbox.world import World


class Simulation:
    """Answers for a world, as far as the world's clock has come. Thread-safe.

    Args:
        world: what is simulated. While calls may come from other threads, change it under `lock`.
        role: who calls; may be replaced at any time.
        options: what GetEnvironment shall tell as AirflowConfigurationOptions.
        status: what GetEnvironment shall tell as the environment's status; may be replaced.
    """

    def __init__(
        self,
        world: World,
        *,
        role: Role | None = None,
        options: Mapping[str, str] | None = None,
        status: str = "AVAILABLE",
    ) -> None:
        self.world = world
        self.role = role or Role()
        self.options = dict(options or {})
        self.status = status
        self.lock = threading.RLock()

    def call(self, method: str, path: str, query: Mapping[str, object], body: object) -> tuple[int, object]:  # noqa: ARG002 - no simulated endpoint takes a body yet
        """Airflow's status and body."""
        with self.lock:
            self.world.advance()
            kind: type[Dialect] = ApiV1 if self.world.rules.major < 3 else ApiV2  # noqa: PLR2004 - Airflow 3
            return kind(self.world, self.role).answer(method, path, query)

    def environment(self) -> Mapping[str, object]:
        """What GetEnvironment tells."""
        return {
            "AirflowVersion": self.world.rules.airflow,
            "AirflowConfigurationOptions": self.options,
            "Status": self.status,
        }
