"""A scenario for the sandbox command: an environment and what happens to it, in YAML (docs/sandbox.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.errors import UsageError
from validator.sandbox.api import Role
from validator.sandbox.files import DagFile, one_dag
from validator.sandbox.rules import VERSIONS, Rules
from validator.sandbox.scenario_events import script
from validator.sandbox.scenario_parts import environment_of, file_of, role_of, rules_of, stock_of
from validator.sandbox.scenario_values import Wrong, mapping, read_yaml, sequence, texts, wrong
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

DEFAULT_FILES: Mapping[str, DagFile] = {
    "basic_bash_dag.py": one_dag("basic_bash_dag", paused_upon_creation=False),
    "etl/daily.py": one_dag(
        "etl_daily", tags=("team:data",), schedule="0 3 * * *", paused_upon_creation=False
    ),
    "reports.py": one_dag("reports_weekly", schedule="@weekly", paused_upon_creation=False),
}
"""The three healthy DAGs of a sandbox without a scenario."""

_TOP = (
    *(
        "airflow",
        "seed",
        "role",
        "readable",
        "editable",
        "rules",
        "files",
        "pools",
        "connections",
        "variables",
    ),
    *("environment", "events"),
)


def default(now: Callable[[], datetime], *, airflow: str = "3.0.6") -> Simulation:
    """A healthy environment in which nothing happens."""
    return Simulation(World(Rules(airflow=airflow), now=now, files=DEFAULT_FILES))


def load(path: Path, now: Callable[[], datetime], *, airflow: str | None = None) -> Simulation:
    """The simulation that a scenario file describes, with its events already on the timeline.

    Args:
        path: the YAML file.
        now: the world's clock.
        airflow: a version that takes the place of the scenario's own.

    Raises:
        UsageError: the file cannot be read or used; the message says where.
    """
    document = read_yaml(path)
    try:
        return build(document, now, path.parent, airflow=airflow)
    except Wrong as error:
        raise UsageError(f"{path}: {error}", advice="docs/sandbox.md describes scenarios.") from None


def build(
    document: object, now: Callable[[], datetime], folder: Path, *, airflow: str | None = None
) -> Simulation:
    """The simulation that a scenario's parsed YAML describes.

    Args:
        document: the YAML.
        now: the world's clock.
        folder: where the paths in it count from.
        airflow: a version that takes the place of the scenario's own.

    Raises:
        Wrong: something in it cannot be used.
    """
    top = mapping(document, "the scenario", _TOP)
    version = airflow or str(top.get("airflow", "3.0.6"))
    if version not in VERSIONS:
        wrong("airflow", f"{version!r} is not simulated; there are {', '.join(VERSIONS)}")
    files = {
        str(name): file_of(one, f"files.{name}", folder)
        for name, one in mapping(top.get("files", {}), "files").items()
    }
    readable, editable = (frozenset(texts(top.get(name, []), name)) for name in ("readable", "editable"))
    limited = Role("", readable, editable)
    seed = top.get("seed", 0)
    if not isinstance(seed, int):
        wrong("seed", "must be a whole number")
    clock = _Clock(now)
    world = World(
        rules_of(version, top.get("rules", {})),
        now=clock,
        files=files or DEFAULT_FILES,
        seed=seed,
        stock=stock_of(top),
    )
    role = role_of(top.get("role", "Viewer"), limited)
    simulation = Simulation(world, role=role, **environment_of(top.get("environment", {})))
    for number, event in enumerate(sequence(top.get("events", []), "events")):
        script(simulation, event, f"events[{number}]", limited, folder)
    clock.run()
    return simulation


class _Clock:
    """A clock that stands still until the scenario is read: an event at 0 s must not be past by then."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._held: datetime | None = now()

    def __call__(self) -> datetime:
        return self._held or self._now()

    def run(self) -> None:
        """Go on."""
        self._held = None
