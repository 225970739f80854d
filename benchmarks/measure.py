"""What the benchmarks share: an endpoint on loopback, the gate, a plain boto3 script, and honest CPU times."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from validator.sandbox.files import one_dag
from validator.sandbox.rules import Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).resolve().parent
GATE = str(Path(sys.executable).parent / "mwaa-gate")
PLAIN = [sys.executable, str(HERE / "plain_check.py")]


@contextmanager
def endpoint(dags: int, airflow: str) -> Iterator[Sandbox]:
    """A sandbox on which `dags` DAGs hold, without a call limit. It parses as fast as it can."""
    files = {f"dag_{number:05}.py": one_dag(f"dag_{number:05}") for number in range(dags)}
    quick = Rules(
        airflow=airflow,
        sync=(0.0, 0.0),
        min_file_process_interval=1.0,
        dir_list_interval=0.5,
        parse=(0.001, 0.001),
        loop=0.1,
    )
    world = World(quick, files=files)
    with Sandbox(Simulation(world), calls_per_second=0) as sandbox:
        yield sandbox


@contextmanager
def manifest(dags: int) -> Iterator[str]:
    """The path of a manifest that expects `dags` DAGs."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "manifest.yaml"
        ids = "".join(f"  - dag_{number:05}\n" for number in range(dags))
        path.write_text(f"version: 1\nenvironment: sandbox\ndags:\n{ids}", "utf-8")
        yield str(path)


def aws(sandbox: Sandbox) -> dict[str, str]:
    """The environment that leads any AWS program to the sandbox."""
    return {
        **os.environ,
        "AWS_ENDPOINT_URL_MWAA": sandbox.url,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONDONTWRITEBYTECODE": "",
    }


def run(command: Sequence[str], env: dict[str, str] | None = None) -> tuple[float, float]:
    """CPU and wall seconds of one run of `command`, which must exit with 0."""
    began = time.perf_counter()
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        told = process.stderr.read() if process.stderr is not None else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} exited with {process.returncode}: {told.decode()}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - began


def pairs(
    ours: Sequence[str], theirs: Sequence[str], env: dict[str, str] | None = None, runs: int = 15
) -> tuple[float, float, float]:
    """Median CPU seconds of each, and the median of their ratios, run in turn after a run of each unmeasured."""
    run(ours, env)
    run(theirs, env)
    times = [(run(ours, env)[0], run(theirs, env)[0]) for _ in range(runs)]
    return (
        statistics.median(a for a, _ in times),
        statistics.median(b for _, b in times),
        statistics.median(a / b for a, b in times),
    )
