"""One schedule played: the installed command in a process of its own, against its environment over real HTTP."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fault_files import local_files
from fault_schedule import ABSENT
from fault_wire import Felt, Wire
from fault_world import Clock, Look, environment_of

from validator.sandbox.server import Sandbox

if TYPE_CHECKING:
    from fault_schedule import Schedule, Story

COMMAND = Path(sys.executable).parent / "mwaa-gate"
HANGS = 150.0
"""Seconds after which a gate hangs."""
_FOREIGN = ("AWS_", "MWAA_", "GITHUB_", "CI")
_BEAT = 0.05


@dataclass(frozen=True)
class Run:
    """How a schedule ended, by the command's own account and by the environment's."""

    code: int
    report: dict[str, Any]
    """Empty: there is none."""
    err: str
    took: float
    """Seconds of the whole process."""
    looks: tuple[Look, ...]
    felt: tuple[Felt, ...]
    calls: tuple[tuple[float, str], ...]
    began: float
    """On the monotonic clock, as are the times of `felt` and `calls`."""
    wrong_at_the_end: tuple[str, ...]
    """The DAGs whose scheduler would not run what was deployed."""
    runs_left: int
    """DAG runs of the smoked DAG that are still there."""
    starved: float
    """Seconds by which a thread that only sleeps woke up late in all, while the command ran."""

    @property
    def waited(self) -> float:
        """Seconds that the gate says it took."""
        return float(self.report.get("duration_s", self.took))

    @property
    def strained(self) -> float:
        """Seconds that a busy machine cost: of sleeping, and of the command's start, which takes half a second alone."""
        return self.starved + max(0.0, self.took - self.waited - 0.6)

    @property
    def failed(self) -> tuple[dict[str, Any], ...]:
        """The red checks."""
        return tuple(one for one in self.report.get("checks", ()) if one["status"] == "failed")


def play(schedule: Schedule) -> Run:
    """Play a schedule in a folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="fault-"))
    try:
        return _play(schedule, folder)
    finally:
        shutil.rmtree(folder)


def _play(schedule: Schedule, folder: Path) -> Run:
    clock = Clock(schedule.end, schedule.skew)
    watched = environment_of(schedule, clock)
    wire = Wire(schedule, watched, clock)
    sandbox = Sandbox(
        wire,
        calls_per_second=schedule.calls_per_second,
        fault=wire,
        answer_within=schedule.answer_within,
        now=clock.now,
    )
    arguments = _arguments(schedule, folder, clock)
    starved = _Starved()
    with sandbox, starved:
        began = time.monotonic()
        ended = subprocess.run(
            [COMMAND, "check", *arguments],
            env=_environment(sandbox.url, folder),
            cwd=folder,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=HANGS,
            check=False,
        )
        took = time.monotonic() - began
        wrong = watched.wrong_dags()
        left = len(list(watched.simulation.world.runs.of("smoked"))) if schedule.smoke else 0
    report = folder / "report.json"
    return Run(
        code=ended.returncode,
        report=json.loads(report.read_bytes()) if report.exists() else {},
        err=ended.stderr.decode(),
        took=took,
        looks=tuple(watched.looks),
        felt=tuple(wire.felt),
        calls=tuple(wire.calls),
        began=began,
        wrong_at_the_end=wrong,
        runs_left=left,
        starved=starved.seconds,
    )


def _arguments(schedule: Schedule, folder: Path, clock: Clock) -> list[str]:
    told = schedule.told
    manifest = folder / "manifest.yaml"
    manifest.write_text(manifest_of(schedule))
    options: dict[str, object] = {
        "sync": told.sync,
        "settle": schedule.pace.settle,
        "grace": told.grace,
        "interval": told.interval,
        "timeout": told.timeout,
        "stable-for": told.stable_for,
    }
    deployed_at = "now"
    if told.exact and schedule.skew < 50:  # a time that lies in the gate's own future is refused
        deployed_at = (clock.zero + timedelta(seconds=schedule.end)).isoformat()
    arguments = [str(manifest), "--env", "sandbox", "--quiet", "--json", str(folder / "report.json")]
    for name, seconds in options.items():
        arguments += [f"--{name}", f"{seconds}s"]
    arguments += ["--max-tps", "500", "--deployed-at", deployed_at]
    if not told.fail_fast:
        arguments.append("--no-fail-fast")
    if told.folder:
        local = folder / "dags"
        local.mkdir()
        for path, text in local_files(schedule).items():
            (local / path).parent.mkdir(exist_ok=True)
            (local / path).write_text(text)
        arguments += ["--dags-folder", str(local)]
    return arguments


def manifest_of(schedule: Schedule) -> str:
    """The manifest that a schedule's gate is given."""
    lines = [
        "version: 1",
        "dags:",
        *(_entry(story) for story in schedule.stories if story.fate not in ABSENT),
    ]
    if lines[-1] == "dags:":
        lines.append("  - own")
    absent = [story.dag_id for story in schedule.stories if story.fate in ABSENT]
    if absent:
        lines.append(f"absent: [{', '.join(absent)}]")
    if schedule.smoke:
        lines += ["smoke:", "  - {dag_id: smoked, timeout: 20s, keep: never}"]
    return "\n".join([*lines, ""])


def _entry(story: Story) -> str:
    demands = [f"dag_id: {story.dag_id}"]
    if story.fate == "unlike":
        demands.append("tasks: [extract, transform]")
    if story.fate == "paused" or story.dag_id == "d0":
        demands.append("paused: false")
    if story.dag_id == "d1" and story.fate != "unlike":
        demands.append("tasks: [extract, load]")
    if story.dag_id == "d2":
        demands.append(f"file: {story.file}")
    return f"  - {{{', '.join(demands)}}}"


def _environment(url: str, folder: Path) -> dict[str, str]:
    """Nothing of the machine's own settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(_FOREIGN) and not name.upper().endswith("_PROXY")
    }
    return {
        **kept,
        "AWS_CONFIG_FILE": str(folder / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_ENDPOINT_URL_MWAA": url,
        "AWS_ACCESS_KEY_ID": "AKIAOWN",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


class _Starved:
    """How late a thread wakes up that only sleeps: what the machine, not the gate, adds to every time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            if self._over.wait(_BEAT):
                return
            self.seconds += max(0.0, time.monotonic() - began - _BEAT - 0.005)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def cpu_of_children() -> float:
    """Seconds of CPU that the commands run so far took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
