"""How much is tried: a bounded number of examples by a fixed seed, or in a soak many times that by new ones."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

SOAK = int(os.environ.get("FUZZ_SOAK", "0"))
"""So many times as much as usual, and not the same each time; 0: the usual."""


def thorough(examples):
    """Settings for so many examples; a failure tells how to see it again."""
    return settings(
        max_examples=examples * max(SOAK, 1),
        deadline=None,
        derandomize=not SOAK,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
    )
