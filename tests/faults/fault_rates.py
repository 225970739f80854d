"""How often a gate is wrongly green where files are slower than it assumes: worlds on a turned clock, thousands of them.

In each world the deploy changes three files, all before its end. The slowest of them is at its processor `factor` x sync
after that, less the slowest parse: with a factor of 1 all is just as the gate assumes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from worlds import START, Direct, Silent, Turned, file_of

from validator.local.scan import read_folder
from validator.manifest.model import ExpectedDag, Manifest
from validator.rules import Rules as GateRules
from validator.sandbox.rules import Rules
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World
from validator.service import check
from validator.settings import Settings
from validator.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FACTORS = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
SYNCS = (10.0, 60.0)
NAMES = ("d0", "d1", "d2")
_END = 20.0
_PARSE = 0.5
_SETTLE = 30.0


@dataclass(frozen=True)
class Cell:
    """One cell of the table."""

    sync: float
    """Seconds that the gate assumes."""
    factor: float
    """So many times as long takes the slowest file."""
    processors: int
    folder: bool
    """Whether Airflow's texts are compared with the local files."""


@dataclass(frozen=True)
class Rate:
    """What came of a cell's worlds."""

    worlds: int
    wrong: int
    """Green, and the scheduler would have run old bytes of a DAG's file."""
    green: int
    """Rightly green."""

    def __str__(self) -> str:
        return "0" if not self.wrong else f"{100 * self.wrong / self.worlds:.1f} %"


def cells(factors: Iterable[float] = FACTORS, syncs: Iterable[float] = SYNCS) -> list[Cell]:
    """The table's cells, row by row."""
    factors = tuple(factors)
    return [
        Cell(sync, factor, processors, folder)
        for sync in syncs
        for factor in factors
        for processors in (1, 2)
        for folder in (False, True)
    ]


def rate_of(cell: Cell, seeds: Iterable[int], folder: Path) -> Rate:
    """Play a cell's worlds; `folder` is for their local files."""
    said = [_verdict(cell, seed, folder) for seed in seeds]
    return Rate(len(said), said.count("wrong"), said.count("green"))


def table(rates: dict[Cell, Rate]) -> str:
    """The rates as a table in Markdown."""
    kinds = [(processors, folder) for processors in (1, 2) for folder in (False, True)]
    heads = [f"{n} processor{'s' * (n > 1)}{', --dags-folder' * folder}" for n, folder in kinds]
    lines = [f"| sync assumed | the slowest file takes | {' | '.join(heads)} |", "|---" * 6 + "|"]
    for sync, factor in dict.fromkeys((cell.sync, cell.factor) for cell in rates):
        told = [str(rates[Cell(sync, factor, *kind)]) for kind in kinds]
        lines.append(f"| {sync:g} s | {factor:g} times the sync | {' | '.join(told)} |")
    return "\n".join(lines)


def _verdict(cell: Cell, seed: int, folder: Path) -> str:
    """`wrong`, `green` or `other`."""
    world, clock = _world(cell, seed)
    local = None
    if cell.folder:
        for name in NAMES:
            (folder / f"{name}.py").write_text(world.s3[f"{name}.py"].source or "")
        local = read_folder(folder)
    manifest = Manifest(dags=tuple(ExpectedDag(name, file=f"{name}.py") for name in NAMES))
    rules = GateRules(
        timeout=6.0 * cell.sync + 200.0,
        interval=10.0,
        sync=cell.sync,
        settle=_SETTLE,
        deployed_at=START + timedelta(seconds=_END),
    )
    settings = Settings(manifest, Target("simulated"), max_tps=1e9, rules=rules, folder=local)
    report = check(settings, Direct(Simulation(world), clock), Silent(), clock)
    if report.exit_code != 0:
        return "other"
    return "wrong" if any(world.truth(name) not in world.deployed(name) for name in NAMES) else "green"


def _world(cell: Cell, seed: int) -> tuple[World, Turned]:
    draw = Random(f"{cell.sync} {cell.factor} {cell.processors} {seed}")  # noqa: S311 - it can be repeated
    clock = Turned()
    rules = Rules(
        airflow=draw.choice(("3.0.6", "3.3.2")),
        parse=(0.05, _PARSE),
        processors=cell.processors,
        parsers=4,
        parsing_cleanup_interval=60.0,
    )
    files = {f"{name}.py": file_of(name, "1") for name in NAMES}
    world = World(rules, now=lambda: clock.moment, files=files, seed=seed)
    slowest = draw.randrange(len(NAMES)), draw.randrange(cell.processors)
    for number, name in enumerate(NAMES):
        at = draw.uniform(0.0, _END)
        latest = _END + cell.factor * cell.sync - _PARSE
        lags = [
            (latest if (number, processor) == slowest else draw.uniform(at, latest)) - at
            for processor in range(cell.processors)
        ]
        if draw.random() < 0.5:  # something else arrives, and is serialized, shortly before
            before = [max(0.0, lag - draw.uniform(0.0, 2.0 * _SETTLE)) for lag in lags]
            world.put(f"{name}.py", file_of(name, "half"), at=at, lags=before)
        world.put(f"{name}.py", file_of(name, "2"), at=at, lags=lags)
    clock.time = _END
    world.advance()
    return world, clock
