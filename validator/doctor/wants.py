"""What a manifest needs to read, beyond what every gate does. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.doctor.facts import Wants

if TYPE_CHECKING:
    from validator.manifest.model import Manifest


def wants_of(manifest: Manifest) -> Wants:
    """The lines that must be ok for this manifest; none for one that is empty."""
    needs = {
        "environment": bool(manifest.mwaa.demands),
        "reads-tasks": any(dag.tasks is not None for dag in manifest.dags),
        "reads-variables": bool(manifest.variables),
        "reads-connections": bool(manifest.connections),
        "reads-pools": bool(manifest.pools),
        "reads-dags": bool(manifest.absent)
        or manifest.import_errors.scope == "all"
        or manifest.inventory.unexpected != "ignore",
    }
    return Wants(frozenset(each for each, needed in needs.items() if needed), tuple(manifest.health.ignore))
