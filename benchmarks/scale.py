"""What 1,000 and 10,000 DAGs cost, beside a script that pages one after the other; and ten gates on one call limit.

Run it from the repository with the package installed: python benchmarks/scale.py [--quick]
The endpoint is the sandbox in this process, 50 ms from each call and, unless a row says otherwise, with 10 calls a second,
in bursts of 10, as AWS's. Every DAG is a file of its own and holds, so one round is a whole check. Seconds of a row that
says `net` are without start-up: what the same command takes with one DAG, no delay and no limit, and GetEnvironment; both
are the least of some runs. CPU, memory and seconds are the child's own. It exits with 1 when a target is missed. With
--quick everything is small, and seconds have no target.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from calls import calls_a_round
from cost import row
from gates import QUICK as QUICKLY
from gates import at_once
from judged import evaluation, reports
from measure import GATE, HERE, Cost, aws, cost_of, manifest

from validator.sandbox.faults import Fault
from validator.sandbox.files import one_dag
from validator.sandbox.rules import Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from validator.sandbox.faults import LoggedCall

DELAY = 0.05
LIMIT = 10.0
VERSIONS = ("2.10.5", "3.0.6", "3.3.2")
CAPPED = ("2.10.5", "3.3.2")
"""Those that give 100 rows a page at most."""
OVER_LIMIT = 1.1
FASTER = 3.0
MOST_UNCAPPED = 26
"""Calls for 10,000 DAGs on 3.0.x."""
MOST_NARROW = {"2.10.5": 24, "3.3.2": 4}
"""Calls a round for 20 DAGs of 5,000."""
MEMORY = 150.0
PAGE_CPU = 0.01
"""Seconds that the sandbox may take for a page: five times less than it waits."""
TO_KNOW_THE_LENGTH = 1
"""The first page of the list is read once to know that it is long."""


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    many: int = 10_000
    some: int = 1_000
    listed: int = 5_000
    expected: int = 20
    runs: int = 5
    timed: bool = True
    """Whether seconds have targets."""


QUICK = Size(many=450, some=300, listed=600, expected=5, runs=1, timed=False)


@dataclass(frozen=True)
class Check:
    """One check over the wire."""

    cost: Cost
    paths: Sequence[str]
    """What was asked, in order; `GetEnvironment` for that."""
    throttled: int

    @property
    def rounds(self) -> list[int]:
        """The calls of each round; see `calls_a_round`."""
        return calls_a_round(self.paths)


def main(size: Size) -> int:
    """Print every number beside its target."""
    good = [*endpoint_itself(size)]
    for airflow in VERSIONS:
        good += walk(airflow, size.some, size.some, size)
        good += walk(airflow, size.many, size.many, size)
        good += walk(airflow, size.listed, size.expected, size)
        good += rounds(airflow, size)
    for airflow in VERSIONS:
        good += [unlimited(airflow, size.some, size, warnings=warnings) for warnings in (False, True)]
        good.append(unlimited(airflow, size.many, size, warnings=False))
    good += evaluation(size.many, timed=size.timed)
    good += reports(size.many, timed=size.timed)
    good += at_once(DELAY, LIMIT, dags=250) if size.timed else at_once(DELAY, LIMIT, dags=20, pace=QUICKLY)
    return 0 if all(good) else 1


def long_parsed(dags: int, airflow: str) -> World:
    """An environment of `dags` DAGs, each parsed within the last minutes and seldom again: that is not what is measured."""
    names = [f"dag_{number:05}" for number in range(dags)]
    rules = Rules(airflow=airflow, min_file_process_interval=300.0, parse=(0.001, 0.001))
    return World(rules, files={f"{name}.py": one_dag(name) for name in names})


@contextmanager
def far(dags: int, airflow: str, *, limit: float = LIMIT, delay: float = DELAY) -> Iterator[Sandbox]:
    """A sandbox that is `delay` away, with `limit` calls a second; 0: as many as come."""
    late = Fault(delay=delay)
    world = Simulation(long_parsed(dags, airflow))
    with Sandbox(world, calls_per_second=limit, fault=lambda _: late) as sandbox:
        yield sandbox


def asked(sandbox: Sandbox, command: Sequence[str]) -> Check:
    """One run of `command`, which must be green, and what it asked."""
    before, throttled = len(sandbox.calls), sandbox.counts["ThrottlingException"]
    cost = cost_of(command, aws(sandbox))
    paths = [_word(call) for call in sandbox.calls]
    return Check(cost, paths[before:], sandbox.counts["ThrottlingException"] - throttled)


def _word(call: LoggedCall) -> str:
    """What was asked for; a call that was throttled was not even read."""
    if call.error == "ThrottlingException":
        return call.error
    return call.path if call.operation == "InvokeRestApi" else call.operation


def plain_script(dags: int, airflow: str, step: int = 1) -> list[str]:
    """The plain script's command."""
    return [sys.executable, str(HERE / "plain_pages.py"), str(dags), str(step), airflow]


def gate(path: str, tps: float) -> list[str]:
    """The gate's command."""
    return [GATE, "check", path, "--deployed-at", "none", "-q", "--max-tps", f"{tps:g}"]


def start_up(airflow: str, size: Size, tps: float) -> tuple[float, float]:
    """Seconds of a check of one DAG that is near: the gate's and the plain script's start-up."""
    with far(1, airflow, limit=0, delay=0) as near, manifest(1) as path:
        runs = [
            (asked(near, gate(path, tps)), asked(near, plain_script(1, airflow))) for _ in range(size.runs)
        ]
    ours, plain = zip(*runs, strict=True)
    return min(one.cost.wall for one in ours), min(one.cost.wall for one in plain)


def endpoint_itself(size: Size) -> list[bool]:
    """That the endpoint is not what is measured: its own CPU for a page, and that its delay is each call's own."""
    results = []
    for airflow in VERSIONS:
        world = Simulation(long_parsed(size.many, airflow))
        times = []
        for offset in range(0, min(size.many, 2_000), 100):
            began = time.process_time()
            json.dumps(world.call("GET", "/dags", {"limit": 100, "offset": offset}, None))
            times.append(time.process_time() - began)
        took = statistics.median(times)
        name = f"the sandbox's CPU for 100 of {size.many} rows, {airflow} (ms)"
        good = took <= PAGE_CPU or not size.timed
        results.append(row(name, f"{took * 1e3:.1f}", "", "", f"<= {PAGE_CPU * 1e3:g}", good=good))
    with far(1, "3.0.6", limit=0) as sandbox:
        began = time.perf_counter()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: sandbox.answer("GET", "/environments/sandbox", b""), range(8)))
        took = time.perf_counter() - began
    good = took >= DELAY and (took < 2 * DELAY or not size.timed)
    return [*results, row("seconds of 8 calls at once", f"{took:.3f}", "", "", f"< {2 * DELAY:g}", good=good)]


def walk(airflow: str, dags: int, expected: int, size: Size) -> list[bool]:
    """One check under the call limit: calls, seconds, CPU and memory."""
    step = dags // expected
    with far(dags, airflow) as sandbox, manifest(expected, step) as path:
        mine = asked(sandbox, gate(path, LIMIT))
        time.sleep(1.0)  # the account's bucket is full again
        plain = asked(sandbox, plain_script(expected, airflow, step))
    pages = math.ceil(dags / 100)
    what = f"{expected} of {dags} DAGs, {airflow}"
    most = MOST_UNCAPPED if airflow not in CAPPED and dags == expected == size.many else None
    ratio = f"{len(mine.paths) / len(plain.paths):.2f}"
    good = most is None or len(mine.paths) <= most
    target = f"<= {most}" if most is not None else "-"
    results = [row(f"calls: {what}", str(len(mine.paths)), str(len(plain.paths)), ratio, target, good=good)]
    limited = airflow in CAPPED and dags == expected == size.many
    most_seconds = OVER_LIMIT * pages / LIMIT if limited and size.timed else None
    took = mine.cost.wall
    if limited:
        took -= start_up(airflow, size, LIMIT)[0]
        good = most_seconds is None or took <= most_seconds
        target = f"<= {most_seconds:g} ({OVER_LIMIT:g} x {pages} / 10)" if most_seconds is not None else "-"
        name = f"seconds, net: {what}"
        results.append(row(name, f"{took:.2f}", "", "", target, good=good))
    for name, one, other in (
        ("seconds", mine.cost.wall, plain.cost.wall),
        ("CPU seconds", mine.cost.cpu, plain.cost.cpu),
    ):
        ratio = f"{one / other:.2f}"
        results.append(row(f"{name}: {what}", f"{one:.2f}", f"{other:.2f}", ratio, "-", good=True))
    one, other = mine.cost.memory, plain.cost.memory
    good = one <= MEMORY
    target = f"<= {MEMORY:g}"
    results.append(row(f"peak MB: {what}", f"{one:.0f}", f"{other:.0f}", "", target, good=good))
    name = f"throttled: {what}"
    results.append(row(name, str(mine.throttled), str(plain.throttled), "", "-", good=True))
    return results


def rounds(airflow: str, size: Size) -> list[bool]:
    """Calls of each round of a wait for few of many DAGs; the first finds out how many there are."""
    step = size.listed // size.expected
    wait = ["--stable-for", "2s", "--interval", "1s"]
    with far(size.listed, airflow) as sandbox, manifest(size.expected, step) as path:
        mine = asked(sandbox, [*gate(path, LIMIT), *wait])
    first, *later = mine.rounds
    plain = str(2 + math.ceil(size.listed / 100))
    what = f"{size.expected} of {size.listed} DAGs, {airflow}"
    most = MOST_NARROW.get(airflow)
    results = []
    for name, count, more in (("its first", first, TO_KNOW_THE_LENGTH), ("a later", max(later), 0)):
        good = most is None or count <= most + more
        target = f"<= {most}{f' + {more}' if more else ''}" if most is not None else "-"
        results.append(row(f"calls of {name} round: {what}", str(count), plain, "", target, good=good))
    return results


def unlimited(airflow: str, dags: int, size: Size, *, warnings: bool) -> bool:
    """How much sooner than the plain script a check is over where nothing limits the calls.

    Without `warnings` both ask for the same. GetEnvironment, which the plain script does not call, is start-up.
    """
    tps = 1000.0
    start, plain_start = start_up(airflow, size, tps)
    with far(dags, airflow, limit=0) as sandbox, manifest(dags) as path:
        if not warnings:
            with Path(path).open("a", encoding="utf-8") as more:
                more.write("warnings: ignore\n")
        runs = [
            (asked(sandbox, gate(path, tps)), asked(sandbox, plain_script(dags, airflow)))
            for _ in range(size.runs if dags == size.some else 2)  # of 10,000 each takes long enough
        ]
    ours, theirs = zip(*runs, strict=True)
    mine = min(one.cost.wall for one in ours) - start - DELAY
    plain = min(one.cost.wall for one in theirs) - plain_start
    aims = size.timed and dags == size.some and not warnings
    return row(
        f"seconds, net, no call limit: {dags} DAGs, {airflow}{', and warnings' if warnings else ''}",
        f"{mine:.3f}",
        f"{plain:.3f}",
        f"{mine / plain:.2f}",
        f"plain >= {FASTER:g} x" if aims else "-",
        good=not aims or plain >= FASTER * mine,
    )


if __name__ == "__main__":
    print(f"{'':62} {'mwaa-gate':>12} {'plain':>12} {'ratio':>8}   {'target':22}")
    sys.exit(main(QUICK if "--quick" in sys.argv[1:] else Size()))
