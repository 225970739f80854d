"""What one round asks for: the union of what the checks need, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from validator.manifest.model import Manifest
    from validator.state import State


@dataclass(frozen=True)
class Plan:
    """What to ask in a round. Health, the DAG list and the import errors are always asked for."""

    expected: frozenset[str] = frozenset()
    """DAGs whose rows are looked for among the inactive ones when the list does not have them."""
    patterns: tuple[str, ...] = ()
    """Globs whose inactive matches matter while there are import errors."""
    absent: frozenset[str] = frozenset()
    """DAGs that are looked for among the inactive ones while there are import errors: one of them may be its file's."""


def plan(manifest: Manifest, state: State) -> Plan:
    """The next round's plan."""
    wanted = frozenset(dag.dag_id for dag in manifest.dags)
    # What is finally red needs no further reason.
    return Plan(
        expected=wanted.difference(state.finals_of("dags")),
        absent=frozenset(manifest.absent),
        patterns=tuple(pattern.pattern for pattern in manifest.patterns),
    )
