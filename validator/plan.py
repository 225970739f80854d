"""What one round asks for: the union of what the checks need, and no more. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from validator.airflow.dialect import AIRFLOW_3
from validator.provenance import SPOT_CHECKS, sources_due

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validator.checks.interface import View
    from validator.expectations import Wanted
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
    enough: frozenset[str] | None = None
    """DAGs that are all that need to be known of the DAG list; None: the whole list is needed."""
    environment: bool = False
    """Whether GetEnvironment is asked again although it has told that the environment is available."""


@dataclass(frozen=True)
class Inquiry:
    """What to ask once the lists are known, in the same round."""

    tasks: tuple[str, ...] = ()
    """DAGs."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """What to ask by (`Dag.source_key`), by the file's name."""
    warnings: bool = False
    variables: tuple[str, ...] = ()
    """Keys."""
    connections: bool = False
    pools: bool = False

    def __bool__(self) -> bool:
        """Whether there is anything to ask."""
        return bool(
            self.tasks or self.sources or self.warnings or self.variables or self.connections or self.pools
        )


def plan(wanted: Wanted, state: State, before: View | None = None) -> Plan:
    """The next round's plan; `before`: the round before, as it was judged."""
    manifest = wanted.manifest
    dag_ids = frozenset(dag.dag_id for dag in manifest.dags)
    # What is finally red needs no further reason.
    return Plan(
        enough=None if _needs_the_whole_list(wanted, state, before) else dag_ids,
        expected=dag_ids.difference(state.finals_of("dags")),
        absent=frozenset(manifest.absent),
        patterns=tuple(pattern.pattern for pattern in manifest.patterns),
        environment=bool(manifest.mwaa.demands),
    )


def _needs_the_whole_list(wanted: Wanted, state: State, before: View | None) -> bool:
    """Whether a check rests on more of the DAG list than the rows of the DAGs that are expected by their ids."""
    manifest = wanted.manifest
    return bool(
        manifest.absent
        or manifest.patterns
        or manifest.inventory.unexpected != "ignore"
        or manifest.import_errors.scope == "all"
        # A file that yields no DAG of a known id is proven by everything else's having been parsed, or by its rows.
        or any(not file.certain or file.computes for file in wanted.local.values())
        # Where the DAGs folder is can take the files of all DAGs to find out.
        or (any(dag.file for dag in manifest.dags) and (before is None or before.folder.root is None))
        # What another process left is compared with a whole list.
        or (state.recalled is not None and state.recalled.places is not None)
    )


def inquiry_of(view: View) -> Inquiry:
    """What the round still has to ask, given its lists."""
    if view.seen.version is None or view.seen.dags.unread is not None:
        return Inquiry()
    manifest = view.manifest
    tasks = tuple(
        dag.dag_id for dag in manifest.dags if dag.tasks is not None and _tasks_are_due(dag.dag_id, view)
    )
    known = [f"dags/{dag.dag_id}/tasks" for dag in manifest.dags if dag.tasks is not None]
    again = _once_more([*known, *(f"variables/{key}" for key in manifest.variables)], view)
    once_more = tuple(
        dag.dag_id
        for dag in manifest.dags
        if f"dags/{dag.dag_id}/tasks" in again and dag.dag_id not in tasks and _is_current(dag.dag_id, view)
    )
    return Inquiry(
        tasks=tasks + once_more,
        sources=sources_due(view),
        # Before all is current nobody needs to know its warnings.
        warnings=manifest.warnings != "ignore" and view.all_is_current,
        variables=tuple(
            key
            for key in manifest.variables
            if f"variables/{key}" not in view.kept or f"variables/{key}" in again
        ),
        connections=bool(manifest.connections),
        pools=bool(manifest.pools) or (bool(tasks) and _compares_pools(view)),
    )


def _tasks_are_due(dag_id: str, view: View) -> bool:
    """Whether the serialized DAG is surely the new one, also in a web server's own copy, and was not read yet."""
    if not _is_current(dag_id, view):
        return False
    known = f"dags/{dag_id}/tasks" in view.kept
    if known and not (_compares_pools(view) and f"warnings/{dag_id}/pools" not in view.kept):
        return False
    return view.held_for(dag_id) >= view.times.served_for


def _is_current(dag_id: str, view: View) -> bool:
    row = view.listed.get(dag_id)
    return row is not None and view.is_current(row)


_GOLDEN = 0.6180339887
"""Multiples of it fall everywhere between whole numbers, however regular the rounds are."""


def _once_more(ids: list[str], view: View) -> frozenset[str]:
    """Those of the findings that stand without being asked for which are asked for all the same, in turn."""
    kept = sorted(one for one in ids if one in view.kept)  # whatever the order of the manifest's entries
    if len(kept) <= SPOT_CHECKS:
        return frozenset(kept)
    start = int(view.times.gate_now * _GOLDEN % 1 * len(kept))
    return frozenset((kept * 2)[start : start + SPOT_CHECKS])


def _compares_pools(view: View) -> bool:
    """Whether the pools that tasks name are looked for: Airflow 3 warns of none that is missing (AIRFLOW.md section 5)."""
    version = view.seen.version
    return version is not None and version.major >= AIRFLOW_3 and view.manifest.warnings != "ignore"
