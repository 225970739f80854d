"""The gate's own settings: what the command line, the environment and the manifest's `gate:` block agree on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Deploy(Enum):
    """What `--deployed-at` may say instead of a time."""

    NOW = "now"
    """The deploy has just ended: the server's time at the first answer counts."""
    NONE = "none"
    """There was no deploy; a parse within the last ten minutes is demanded all the same."""


DeployedAt = datetime | Deploy
"""When the deploy ended, on the server's clock."""


@dataclass(frozen=True)
class Rules:
    """All durations are seconds."""

    timeout: float | None = None
    """None: `auto`."""
    interval: float = 10.0
    sync: float = 60.0
    settle: float = 30.0
    grace: float = 60.0
    stable_for: float = 0.0
    fail_fast: bool = True
    deployed_at: DeployedAt = Deploy.NOW
