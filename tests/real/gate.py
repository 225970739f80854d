"""The installed command in front of a real Airflow, as child processes that never outlive the tests."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_server import AirflowServer

COMMAND = Path(sys.executable).parent / "mwaa-gate"
LONGEST = 330.0
"""Seconds: a gate that runs longer hangs."""


class Children:
    """The processes that scenarios started; once closed, none is left and none can be added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self.closed = threading.Event()

    def start(self, command: list[str], environment: dict[str, str], folder: Path) -> subprocess.Popen[bytes]:
        """Start `command` in a process group of its own; its output goes to files in `folder`."""
        with self._lock, (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
            if self.closed.is_set():
                raise RuntimeError("the tests are being ended")
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environment,
                cwd=folder,
                start_new_session=True,
            )
            self._running.add(process)
        return process

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """End one process and its group, if they are still there."""
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        with self._lock:
            self._running.discard(process)

    def close(self) -> None:
        with self._lock:
            self.closed.set()
            running = list(self._running)
        for process in running:
            self.end(process)


class Sandbox:
    """`mwaa-gate sandbox` in front of a real Airflow: an MWAA endpoint on loopback."""

    def __init__(
        self, airflow: AirflowServer, folder: Path, children: Children, credentials: Mapping[str, str]
    ) -> None:
        folder.mkdir(parents=True)
        command = [str(COMMAND), "sandbox", "--airflow-url", airflow.url, "--port", "0"]
        command += ["--calls-per-second", "0"]
        self._folder = folder
        self._process = children.start(command, clean_environment(folder, credentials), folder)
        self.url = self._wait_for_url(airflow.url)

    def _wait_for_url(self, airflow_url: str) -> str:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            said = self.output()
            for url in re.findall(r"http://127\.0\.0\.1:[0-9]+\b", said):
                if url != airflow_url:
                    return str(url)
            time.sleep(0.1)
        raise RuntimeError(
            f"mwaa-gate sandbox names no address (exit {self._process.poll()}):\n{self.output()}"
        )

    def output(self) -> str:
        return _read(self._folder / "stdout") + _read(self._folder / "stderr")


def clean_environment(home: Path, more: Mapping[str, str]) -> dict[str, str]:
    """An environment in which nothing of the machine's own AWS or CI settings is left."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "HOME": str(home), "PYTHONUNBUFFERED": "1", **more}


@dataclass
class Outcome:
    """What one `mwaa-gate check` ended with."""

    exit_code: int
    report: dict[str, Any]
    """The JSON report; empty where there is none (exit 2)."""
    stdout: str
    stderr: str
    junit: str
    """The JUnit report, as it was written."""
    seconds: float

    def reasons(self, status: str) -> set[str]:
        """The reason codes of the checks with this status, but for health.

        Airflow 3.0 calls its live DAG processor unhealthy for a second now and then, also at a deadline.
        """
        return {check["reason"] for check in self.checks(status=status) if check["area"] != "health"}

    def checks(self, **wanted: str) -> list[dict[str, Any]]:
        """The checks whose fields have the values `wanted`."""
        everything = self.report.get("checks", [])
        return [
            check for check in everything if all(check.get(key) == value for key, value in wanted.items())
        ]

    def one(self, **wanted: str) -> dict[str, Any]:
        """The first check with these fields; there must be one."""
        found = self.checks(**wanted)
        if not found:
            raise AssertionError(f"no check has {wanted}")
        return found[0]


class Gate:
    """A running `mwaa-gate check`."""

    def __init__(
        self, children: Children, folder: Path, command: list[str], environment: dict[str, str]
    ) -> None:
        self._children = children
        self._folder = folder
        self._command = command
        self._began = time.monotonic()
        self._process = children.start(command, environment, folder)

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self._began

    def is_running(self) -> bool:
        return self._process.poll() is None

    def finish(self, seconds: float = LONGEST) -> Outcome:
        """Wait for its end, check that its reports are there and agree with its exit code."""
        try:
            self._process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self._children.end(self._process)
            raise AssertionError(f"the gate still ran after {seconds} s\n{self.story()}") from None
        took = self.seconds
        try:
            report = self._reports(self._process.returncode)
        except (AssertionError, OSError, ValueError, KeyError, ET.ParseError) as error:
            raise AssertionError(f"{error!r}\n{self.story()}") from error
        out, err = _read(self._folder / "stdout"), _read(self._folder / "stderr")
        junit = _read(self._folder / "junit.xml")
        return Outcome(self._process.returncode, report, out, err, junit, took)

    def _reports(self, code: int) -> dict[str, Any]:
        assert code in {0, 1, 3}, f"exit code {code}"
        report = json.loads(_read(self._folder / "report.json"))
        assert report["exit_code"] == code, "the JSON report has another exit code"
        cases = list(ET.parse(self._folder / "junit.xml").getroot().iter("testcase"))  # noqa: S314 - our own
        assert len(cases) == len(report["checks"]), "JUnit has another number of cases"
        return dict(report)

    def story(self) -> str:
        """All there is to say of it, for a failed test."""
        parts = [
            f"$ {shlex.join(self._command)}\nexit {self._process.poll()} after {self.seconds:.1f} s at most"
        ]
        files = ("manifest.yaml", "stderr", "stdout", "report.json")
        parts += [f"--- {name}\n{_read(self._folder / name)}" for name in files]
        return "\n".join(parts)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
