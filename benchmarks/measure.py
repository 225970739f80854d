"""What the benchmarks share: an endpoint on loopback, the gate, a plain boto3 script, and honest CPU times."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from validator.sandbox.files import DagFile, SimDag, one_dag
from validator.sandbox.rules import Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HERE = Path(__file__).resolve().parent
GATE = str(Path(sys.executable).parent / "mwaa-gate")
PLAIN = [sys.executable, str(HERE / "plain_check.py")]


@contextmanager
def endpoint(dags: int, airflow: str, *, sources: bool = False) -> Iterator[Sandbox]:
    """A sandbox on which `dags` DAGs hold, without a call limit. It parses as fast as it can.

    With `sources` its files have the texts of `local_folder`.
    """
    names = [f"dag_{number:05}" for number in range(dags)]
    files = {f"{name}.py": sim_file(name) if sources else one_dag(name) for name in names}
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


def source_of(dag_id: str, version: str = "1") -> str:
    """A DAG file of about 5 kB, as people write them."""
    tasks = "\n".join(
        f"    task_{number} = BashOperator(\n"
        f"        task_id='task_{number}',\n"
        f"        bash_command='python -m jobs.step_{number} --day {{{{ ds }}}} --table warehouse.table_{number}',\n"
        "        env={'STAGE': Variable.get('stage', 'test')},\n"
        "        retries=RETRIES,\n"
        f"    )\n    first >> task_{number}"
        for number in range(20)
    )
    return (
        "from datetime import datetime, timedelta\n\nfrom airflow import DAG\n"
        "from airflow.models import Variable\nfrom airflow.operators.bash import BashOperator\n\n"
        f"RETRIES = 3\nVERSION = {version!r}\n\n\nwith DAG(\n    dag_id={dag_id!r},\n"
        "    start_date=datetime(2026, 1, 1),\n    schedule='@daily',\n"
        "    default_args={'retry_delay': timedelta(minutes=5)},\n    tags=['team:data'],\n) as dag:\n"
        f"    first = BashOperator(task_id='first', bash_command='true')\n{tasks}\n"
    )


def sim_file(dag_id: str, version: str = "1") -> DagFile:
    """The same file, as the simulated Airflow holds it."""
    return DagFile((SimDag(dag_id, version=version),), source=source_of(dag_id, version))


def local_folder(root: str, dags: int, changed: int = 0) -> None:
    """Write the files of `dags` DAGs, the first `changed` of them in a newer version."""
    for number in range(dags):
        dag_id = f"dag_{number:05}"
        (Path(root) / f"{dag_id}.py").write_text(source_of(dag_id, "2" if number < changed else "1"), "utf-8")


@contextmanager
def manifest(dags: int, step: int = 1) -> Iterator[str]:
    """The path of a manifest that expects `dags` DAGs: each `step`-th that there is."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "manifest.yaml"
        ids = "".join(f"  - dag_{number:05}\n" for number in range(0, dags * step, step))
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


@dataclass(frozen=True)
class Cost:
    """What one run of a command cost."""

    cpu: float
    """Seconds."""
    wall: float
    """Seconds."""
    memory: float
    """MB, at the peak."""
    code: int
    """Its exit code."""


@contextmanager
def running(command: Sequence[str], env: dict[str, str]) -> Iterator[Callable[[], Cost]]:
    """Run `command` meanwhile; what is given waits for its end, and tells what it cost."""
    with TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        launched = [sys.executable, "-I", "-S", str(HERE / "launch.py"), str(told), *command]
        with subprocess.Popen(launched, env=env, stdout=subprocess.DEVNULL) as process:

            def wait() -> Cost:
                process.wait()
                return Cost(**json.loads(told.read_text("utf-8")))

            yield wait


def cost_of(command: Sequence[str], env: dict[str, str]) -> Cost:
    """What one run of `command` cost, which must exit with 0."""
    with running(command, env) as wait:
        cost = wait()
    if cost.code != 0:
        raise SystemExit(f"{' '.join(command)} exited with {cost.code}")
    return cost


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
