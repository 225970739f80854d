"""Where a manifest names its DAGs: what the model leaves out, for whom must point to a line.

A variable that is not set is no error here: who looks at a manifest on a developer's machine need not have what a
pipeline has. What it stands in is unknown then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from validator.manifest.build import build
from validator.manifest.loader import examine, nothing_expected, read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from validator.manifest.nodes import Node
    from validator.manifest.problems import Problem

_EXPECTS_NOTHING = ("version", "environment", "region", "gate", "warnings")
"""Keys that say where and how to look, and expect nothing by themselves."""
_STEP = re.compile(r"[.\[]")


@dataclass(frozen=True)
class Place:
    """A text of the manifest and where it stands."""

    value: str | None
    """None: it needs an environment variable that is not set."""
    shown: str
    """The same for people: as it is written where variables are in it, since their values are never shown."""
    line: int
    """1-based."""


@dataclass(frozen=True)
class PlacedDag:
    """An entry of `dags` that names one DAG, or one of `smoke` whose DAG has none there."""

    dag_id: Place
    file: Place | None
    """What it says of the DAG's file; None: nothing."""


@dataclass(frozen=True)
class PlacedPattern:
    """An entry of `dags` with a pattern."""

    pattern: Place
    minimum: int | None
    """So many of its matches must pass; None: it needs a variable that is not set."""


@dataclass(frozen=True)
class PlacedManifest:
    """What a manifest says of DAGs, each with its line."""

    source: str
    """The manifest's path, as it was given."""
    dags: tuple[PlacedDag, ...] = ()
    """Those of `dags`, then those that only `smoke` names."""
    patterns: tuple[PlacedPattern, ...] = ()
    absent: tuple[Place, ...] = ()
    airflow_version: Place | None = None
    """What `mwaa.airflow_version` demands; None: nothing."""
    unset: tuple[Problem, ...] = ()
    """Each use of an environment variable that is not set."""


def load_places(path: str, environ: Mapping[str, str], *, expects_more: bool = False) -> PlacedManifest:
    """The places of the manifest in the file at `path`; the arguments are those of `load_manifest`.

    Raises:
        ManifestError: the file cannot be read, or the manifest is wrong; every problem has its line.
    """
    return parse_places(read_bytes(path), path, environ, expects_more=expects_more)


def parse_places(
    data: bytes, source: str, environ: Mapping[str, str], *, expects_more: bool = False
) -> PlacedManifest:
    """The places of the manifest in `data`; `source` names it in messages, and the rest is as for `load_places`.

    Raises:
        ManifestError: the manifest is wrong; it tells every problem with its line.
    """
    root, unset = examine(data, source, environ, forgives_unset=True)
    if not expects_more and not _expects(root, unset):
        raise nothing_expected(source, root.line)
    entries = list(_items(root, "dags"))
    mwaa = root.entries.get("mwaa")
    version = mwaa.entries.get("airflow_version") if mwaa is not None else None
    dags = [_dag(node) for node in entries if "pattern" not in node.entries]
    named = {dag.dag_id.value for dag in dags}
    runs = [_run(node) for node in _items(root, "smoke")]
    return PlacedManifest(
        source,
        (*dags, *(run for run in runs if run.dag_id.value is None or run.dag_id.value not in named)),
        tuple(_pattern(node) for node in entries if "pattern" in node.entries),
        tuple(_place(node) for node in _items(root, "absent")),
        _place(version) if version is not None else None,
        tuple(unset),
    )


def _expects(root: Node, unset: list[Problem]) -> bool:
    """Whether the manifest expects anything, or may, once all variables are set."""
    if any(_STEP.split(problem.path)[0] not in _EXPECTS_NOTHING for problem in unset):
        return True
    rest = {key: node.plain() for key, node in root.entries.items() if key not in _EXPECTS_NOTHING}
    return not build(rest).expects_nothing


def _items(root: Node, key: str) -> Iterator[Node]:
    node = root.entries.get(key)
    if node is not None:
        yield from node.items


def _place(node: Node) -> Place:
    text = str(node.value)
    return Place(None if node.kind == "broken" else text, node.raw if node.names else text, node.line)


def _dag(node: Node) -> PlacedDag:
    file = node.entries.get("file")
    return PlacedDag(_place(node.entries.get("dag_id", node)), _place(file) if file is not None else None)


def _run(node: Node) -> PlacedDag:
    return PlacedDag(_place(node.entries.get("dag_id") or node.entries["expect_run_of"]), None)


def _pattern(node: Node) -> PlacedPattern:
    least = node.entries.get("min")
    minimum = 1 if least is None else least.value
    return PlacedPattern(_place(node.entries["pattern"]), minimum if isinstance(minimum, int) else None)
