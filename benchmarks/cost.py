"""What one check costs, beside the plain approach: CPU, start-up, calls, and how soon it decides.

Run it from the repository with the package installed: python benchmarks/cost.py
It exits with 1 when a target is missed.
"""

from __future__ import annotations

import ast
import math
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from calls import ours as wait_of_ours
from calls import plain as wait_of_plain
from measure import GATE, PLAIN, aws, endpoint, local_folder, manifest, pairs, run

from validator.local.scan import read_folder
from validator.sandbox.files import one_dag

if TYPE_CHECKING:
    from validator.sandbox.files import DagFile
    from validator.sandbox.server import Sandbox

CPU_TARGET = 1.25
START_TARGET = 1.5
FOLDER_CPU_TARGET = 3.0
"""The plain script parses no file, and looks once; the gate scans them, and looks ten times for 1,000 sources."""
SCAN_TARGET = 3.0
MANY = 1000
_STARTUP_CALLS = 3
_SPOT_CHECKS = 2


def main() -> int:
    """Print every number beside its target."""
    good = [cpu("3.0.6"), cpu("2.10.5"), start(), *calls(), *latency()]
    good += [scan(), folder_cpu("3.0.6"), folder_cpu("2.10.5")]
    good += waits("3.0.6", 500, changed=10)
    for airflow, page in (("3.0.6", 500), ("3.3.2", 100), ("2.10.5", 100)):
        good += waits(airflow, page, changed=MANY)
    return 0 if all(good) else 1


def row(name: str, ours: str, plain: str, ratio: str, target: str, *, good: bool) -> bool:
    """Print one comparison."""
    print(f"{name:62} {ours:>12} {plain:>12} {ratio:>8}   {target:22} {'ok' if good else 'MISSED'}")
    return good


def cpu(airflow: str) -> bool:
    """CPU of one check on which everything holds, a single round, 20 DAGs."""
    with endpoint(20, airflow) as sandbox, manifest(20) as path:
        ours = [GATE, "check", path, "--deployed-at", "none"]
        mine, plain, ratio = pairs(ours, [*PLAIN, "20", airflow], aws(sandbox))
    name = f"CPU of a check, 20 DAGs, Airflow {airflow} (ms)"
    target = f"ratio <= {CPU_TARGET}"
    return row(
        name, f"{mine * 1e3:.0f}", f"{plain * 1e3:.0f}", f"{ratio:.2f}", target, good=ratio <= CPU_TARGET
    )


def start() -> bool:
    """CPU of --version, beside importing click."""
    mine, plain, ratio = pairs([GATE, "--version"], [sys.executable, "-c", "import click"])
    target = f"ratio <= {START_TARGET}"
    name = "CPU of --version, beside `import click` (ms)"
    return row(
        name, f"{mine * 1e3:.0f}", f"{plain * 1e3:.0f}", f"{ratio:.2f}", target, good=ratio <= START_TARGET
    )


def calls() -> list[bool]:
    """Calls of a check of one round, beside the formula."""
    results = []
    for airflow, dags, page in (
        ("3.0.6", 20, 500),
        ("2.10.5", 20, 100),
        ("2.10.5", 250, 100),
        ("3.3.2", 1000, 100),
    ):
        with endpoint(dags, airflow) as sandbox, manifest(dags) as path:
            run([GATE, "check", path, "--deployed-at", "none", "-q", "--max-tps", "1000"], aws(sandbox))
            count = len(sandbox.calls)
            run([*PLAIN, str(dags), airflow], aws(sandbox))
            plain = len(sandbox.calls) - count
        most = 1 + math.ceil(dags / page) + 1 + _STARTUP_CALLS
        name = f"calls, one round, {dags} DAGs, Airflow {airflow}"
        results.append(row(name, str(count), str(plain), "", f"<= {most}", good=count <= most))
    return results


def waits(airflow: str, page: int, *, changed: int) -> list[bool]:
    """Calls of a whole wait for many DAGs, without and with the local folder, beside one call a DAG."""
    results = []
    lists = 1 + math.ceil(MANY / page) + 1
    for folder in (False, True):
        compares = folder and not airflow.startswith("2")  # Airflow 2 tells no sources through MWAA
        theirs = wait_of_plain(airflow, MANY, changed, folder=folder) if compares or not folder else None
        mine = wait_of_ours(airflow, MANY, changed, folder=folder)
        most = mine.rounds * lists + _STARTUP_CALLS
        # Once a file, once more where the first look may have come before the new bytes, and the spot checks.
        most += MANY + changed + _SPOT_CHECKS * mine.rounds if compares else 0
        count = mine.lists + mine.sources
        what = f"a wait, {MANY} DAGs, {changed} new, {airflow}{', folder' if folder else ''}"
        there = theirs.lists + theirs.sources if theirs else 0
        ratio = f"{count / there:.2f}" if there else ""
        target = f"<= {most} ({mine.rounds} rounds)"
        results.append(row(f"calls: {what}", str(count), str(there or ""), ratio, target, good=count <= most))
        seconds = f"{theirs.seconds:.0f}" if theirs else ""
        ratio = f"{mine.seconds / theirs.seconds:.2f}" if theirs else ""
        good = theirs is None or mine.seconds <= theirs.seconds
        target = "ratio <= 1" if theirs else "-"
        results.append(row(f"seconds: {what}", f"{mine.seconds:.0f}", seconds, ratio, target, good=good))
    return results


def scan() -> bool:
    """CPU of the static scan of many files, beside parsing them and no more."""
    with TemporaryDirectory() as root:
        local_folder(root, MANY)
        times = []
        for _ in range(5):
            began = time.process_time()
            read_folder(root)
            scanned = time.process_time()
            for file in Path(root).glob("*.py"):
                ast.parse(file.read_bytes())
            times.append((scanned - began, time.process_time() - scanned))
    mine, theirs = (min(each) for each in zip(*times, strict=True))
    ratio = mine / theirs
    return row(
        f"CPU of the scan of {MANY} files of 5 kB, beside ast.parse (ms)",
        f"{mine * 1e3:.0f}",
        f"{theirs * 1e3:.0f}",
        f"{ratio:.2f}",
        f"ratio <= {SCAN_TARGET:g}",
        good=ratio <= SCAN_TARGET,
    )


def folder_cpu(airflow: str) -> bool:
    """CPU of a check of many local files, beside a script that compares each with Airflow's text of it."""
    with endpoint(MANY, airflow, sources=True) as sandbox, TemporaryDirectory() as root:
        local_folder(root, MANY)
        command = [GATE, "check", "--dags-folder", root, "--env", "sandbox", "--deployed-at", "none", "-q"]
        command += ["--max-tps", "1000", "--timeout", "5m"]
        mine, plain, ratio = pairs(command, [*PLAIN, str(MANY), airflow, root], aws(sandbox), runs=3)
    name = f"CPU of a check of {MANY} local files, Airflow {airflow} (ms)"
    # Airflow 2 tells no sources: all that is left is the scan, and the plain script does without it.
    compares = not airflow.startswith("2")
    target = f"ratio <= {FOLDER_CPU_TARGET}" if compares else "-"
    good = not compares or ratio <= FOLDER_CPU_TARGET
    return row(name, f"{mine * 1e3:.0f}", f"{plain * 1e3:.0f}", f"{ratio:.2f}", target, good=good)


def latency() -> list[bool]:
    """Seconds from the moment the API shows what decides to the gate's exit, with an interval of 2 s."""
    interval = 2.0
    last = "dag_00020"
    results = []
    for name, code, file in (("green", 0, one_dag(last)), ("red", 1, one_dag(last).broken())):
        with endpoint(20, "3.0.6") as sandbox, manifest(20) as path:
            with Path(path).open("a", encoding="utf-8") as more:
                more.write(f"  - {{dag_id: {last}, file: {last}.py}}\n")
            command = [GATE, "check", path, "--deployed-at", "none", "-q", "--interval", f"{interval:g}s"]
            with subprocess.Popen(command, env=aws(sandbox), stdout=subprocess.DEVNULL) as process:
                time.sleep(3.3)
                took = _decide(sandbox, f"{last}.py", file, process)
            good = process.returncode == code and took <= interval + 1
            what = f"seconds from the API's showing it to exit, {name}"
            results.append(row(what, f"{took:.2f}", "", "", f"<= {interval + 1:g}, exit {code}", good=good))
    return results


def _decide(sandbox: Sandbox, path: str, file: DagFile, process: subprocess.Popen[bytes]) -> float:
    """Deploy `file`; the seconds from when the API shows what came of it to the process's exit."""
    backend = sandbox.backend
    with backend.lock:
        backend.world.put(path, file)
    while True:
        _, listed = backend.call("GET", "/dags", {"limit": 500}, None)
        _, broken = backend.call("GET", "/importErrors", {}, None)
        if listed["total_entries"] > 20 or broken["total_entries"]:  # noqa: PLR2004 - the DAGs from before
            break
        time.sleep(0.01)
    shown = time.perf_counter()
    process.wait()
    return time.perf_counter() - shown


if __name__ == "__main__":
    print(f"{'':62} {'mwaa-gate':>12} {'plain':>12} {'ratio':>8}   {'target':22}")
    sys.exit(main())
