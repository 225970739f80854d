"""Ten gates at once on one account's call limit, with a deploy in the middle: does each come to its own verdict?"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cost import row
from measure import GATE, aws, running

from validator.errors import EXIT_CANNOT_TELL
from validator.sandbox.faults import Fault
from validator.sandbox.files import one_dag
from validator.sandbox.rules import Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping

BROKEN = 1
"""The gate whose file turns out to be broken."""


@dataclass(frozen=True)
class Pace:
    """How fast everything goes; all in seconds."""

    deploy_after: float = 6.0
    sync: float = 3.0
    """The gates' --sync, and their --settle."""
    interval: float = 5.0
    parse_every: float = 5.0


QUICK = Pace(deploy_after=3.0, sync=1.0, interval=1.0, parse_every=1.0)


def at_once(
    delay: float,
    limit: float,
    *,
    dags: int,
    airflow: str = "2.10.5",
    gates: int = 10,
    pace: Pace | None = None,
) -> list[bool]:
    """Each gate expects `dags` DAGs that all gates share, and one of its own that comes in the middle of the wait.

    One of these files is broken, so that its gate, and no other, must be red.
    """
    pace = pace or Pace()
    shared = [f"dag_{number:05}" for number in range(dags)]
    rules = Rules(
        airflow=airflow,
        sync=(pace.sync / 6, pace.sync * 2 / 3),
        min_file_process_interval=pace.parse_every,
        dir_list_interval=pace.parse_every / 2,
        min_serialized_dag_update_interval=pace.sync,
        parse=(0.001, 0.01),
        loop=pace.parse_every / 10,
    )
    world = World(rules, files={f"{name}.py": one_dag(name) for name in shared})
    late = Fault(delay=delay)
    with ExitStack() as stack:
        backend = Simulation(world)
        sandbox = stack.enter_context(Sandbox(backend, calls_per_second=limit, fault=lambda _: late))
        folder = Path(stack.enter_context(TemporaryDirectory()))
        began = time.perf_counter()
        waits = [
            stack.enter_context(running(_command(folder, number, shared, pace), aws(sandbox)))
            for number in range(gates)
        ]
        time.sleep(pace.deploy_after)
        with backend.lock:
            for number in range(gates):
                file = one_dag(_own(number))
                world.put(f"{_own(number)}.py", file.broken() if number == BROKEN else file)
        costs = [wait() for wait in waits]
        took = time.perf_counter() - began
        told = [json.loads((folder / f"{number}.json").read_text("utf-8")) for number in range(gates)]
        calls, throttled = sandbox.counts["InvokeRestApi"], sandbox.counts["ThrottlingException"]
    codes = [cost.code for cost in costs]
    right = [_is_right(number, code, told[number]) for number, code in enumerate(codes)]
    what = f"{gates} gates at once, {dags} DAGs, {airflow}, {limit:g} calls/s"
    wrong = [f"{number}: {codes[number]}" for number, good in enumerate(right) if not good]
    return [
        row(
            f"right verdicts: {what}",
            f"{sum(right)}",
            "",
            "",
            f"{gates}{f', not {wrong}' if wrong else ''}",
            good=all(right),
        ),
        row(
            f"cannot tell: {what}",
            str(codes.count(EXIT_CANNOT_TELL)),
            "",
            "",
            "0",
            good=EXIT_CANNOT_TELL not in codes,
        ),
        row(f"calls, of them throttled: {what}", f"{calls}, {throttled}", "", "", "-", good=True),
        row(f"seconds until the last is done: {what}", f"{took:.0f}", "", "", "-", good=True),
    ]


def _own(number: int) -> str:
    return f"own_{number}"


def _command(folder: Path, number: int, shared: list[str], pace: Pace) -> list[str]:
    path = folder / f"{number}.yaml"
    ids = "".join(f"  - {name}\n" for name in [*shared, _own(number)])
    # The broken file is named, so that the red need not be guessed from a file that no DAG comes from.
    ids = ids.replace(f"  - {_own(number)}\n", f"  - {{dag_id: {_own(number)}, file: {_own(number)}.py}}\n")
    path.write_text(f"version: 1\nenvironment: sandbox\ndags:\n{ids}", "utf-8")
    durations = [
        "--sync",
        f"{pace.sync:g}s",
        "--settle",
        f"{pace.sync:g}s",
        "--interval",
        f"{pace.interval:g}s",
    ]
    return [
        GATE,
        "check",
        str(path),
        "-q",
        "--timeout",
        "5m",
        *durations,
        "--json",
        str(folder / f"{number}.json"),
    ]


def _is_right(number: int, code: int, told: Mapping[str, Any]) -> bool:
    """Whether one gate's verdict is the right one, for the right reason."""
    reds = {(one["subject"], one["reason"]) for one in told["checks"] if one["status"] == "failed"}
    if number == BROKEN:
        return code == 1 and reds == {(_own(number), "dag-import-error")}
    return code == 0 and not reds
