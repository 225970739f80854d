"""Ten gates at once on one account's call limit, with a deploy in the middle: does each come to its own verdict?"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
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

GATES = 10
BROKEN = 3
"""The gate whose file turns out to be broken."""
_DEPLOY_AFTER = 6.0


def at_once(delay: float, limit: float, *, dags: int, airflow: str = "2.10.5") -> list[bool]:
    """Each gate expects `dags` DAGs that all gates share, and one of its own that comes in the middle of the wait.

    One of these files is broken, so that its gate, and no other, must be red.
    """
    shared = [f"dag_{number:05}" for number in range(dags)]
    rules = Rules(
        airflow=airflow,
        sync=(0.5, 2.0),
        min_file_process_interval=5.0,
        dir_list_interval=2.0,
        min_serialized_dag_update_interval=3.0,
        parse=(0.001, 0.01),
        loop=0.5,
    )
    world = World(rules, files={f"{name}.py": one_dag(name) for name in shared})
    late = Fault(delay=delay)
    with ExitStack() as stack:
        backend = Simulation(world)
        sandbox = stack.enter_context(Sandbox(backend, calls_per_second=limit, fault=lambda _: late))
        folder = Path(stack.enter_context(TemporaryDirectory()))
        began = time.perf_counter()
        waits = [
            stack.enter_context(running(_command(folder, number, shared), aws(sandbox)))
            for number in range(GATES)
        ]
        time.sleep(_DEPLOY_AFTER)
        with backend.lock:
            for number in range(GATES):
                file = one_dag(_own(number))
                world.put(f"{_own(number)}.py", file.broken() if number == BROKEN else file)
        costs = [wait() for wait in waits]
        took = time.perf_counter() - began
        told = [json.loads((folder / f"{number}.json").read_text("utf-8")) for number in range(GATES)]
        calls, throttled = sandbox.counts["InvokeRestApi"], sandbox.counts["ThrottlingException"]
    codes = [cost.code for cost in costs]
    right = [_is_right(number, code, told[number]) for number, code in enumerate(codes)]
    what = f"{GATES} gates at once, {dags} DAGs, {airflow}, {limit:g} calls/s"
    wrong = [f"{number}: {codes[number]}" for number, good in enumerate(right) if not good]
    return [
        row(
            f"right verdicts: {what}",
            f"{sum(right)}",
            "",
            "",
            f"{GATES}{f', not {wrong}' if wrong else ''}",
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


def _command(folder: Path, number: int, shared: list[str]) -> list[str]:
    path = folder / f"{number}.yaml"
    ids = "".join(f"  - {name}\n" for name in [*shared, _own(number)])
    # The broken file is named, so that the red need not be guessed from a file that no DAG comes from.
    ids = ids.replace(f"  - {_own(number)}\n", f"  - {{dag_id: {_own(number)}, file: {_own(number)}.py}}\n")
    path.write_text(f"version: 1\nenvironment: sandbox\ndags:\n{ids}", "utf-8")
    durations = ["--sync", "3s", "--settle", "3s", "--interval", "5s", "--timeout", "5m"]
    return [GATE, "check", str(path), "-q", *durations, "--json", str(folder / f"{number}.json")]


def _is_right(number: int, code: int, told: Mapping[str, Any]) -> bool:
    """Whether one gate's verdict is the right one, for the right reason."""
    reds = {(one["subject"], one["reason"]) for one in told["checks"] if one["status"] == "failed"}
    if number == BROKEN:
        return code == 1 and reds == {(_own(number), "dag-import-error")}
    return code == 0 and not reds
