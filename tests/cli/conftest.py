"""The command in this process and as it is installed, with nothing of the machine's own settings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from bare_machine import bare_machine, signed
from turned_time import RealTime, TurnedTime

from validator.__main__ import run
from validator.sandbox.files import one_dag
from validator.sandbox.rules import Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

COMMAND = Path(sys.executable).parent / "mwaa-gate"


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _handlers_stay():
    """A check ignores signals once its wait is over; the tests' own process must not."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.fixture
def clean(monkeypatch, tmp_path):
    """No setting of AWS, of CI or of the gate itself but what a test sets; any credentials."""
    signed(bare_machine(monkeypatch, tmp_path / "aws", forget=("GITHUB_", "CI")))
    monkeypatch.setenv("AWS_ENDPOINT_URL_MWAA", "http://127.0.0.1:9")  # nobody listens: no test may reach AWS
    monkeypatch.setenv("COVERAGE_CORE", "sysmon")
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.fixture
def manifest(tmp_path):
    """Writes a manifest and gives its path."""

    def go(text="version: 1\ndags: [etl]\n", name="manifest.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return go


@pytest.fixture
def the_time(request, clean):
    """What the gate and its Airflow go by: turned where the gate runs in this process, else the machine's own."""
    if "child" in request.fixturenames or "gate" not in request.fixturenames:
        return RealTime()
    turned = TurnedTime()
    turned.govern(clean)
    return turned


@pytest.fixture
def gate(the_time, capfd):
    """Runs the command in this process."""

    def go(*arguments):
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        said = capfd.readouterr()
        return Ended(code, said.out, said.err)

    return go


@pytest.fixture
def world(the_time):
    """A simulated Airflow in which every DAG is parsed for long, on a clock that a test may push on."""
    ahead = [0.0]

    def now():
        return the_time.utc() + timedelta(seconds=ahead[0])

    rules = Rules(airflow="3.0.6", min_file_process_interval=0.2, loop=0.05, parse=(0.0, 0.01))
    one = World(rules, now=now, files={"etl.py": one_dag("etl", paused_upon_creation=False)})
    one.push_on = lambda seconds: ahead.__setitem__(0, ahead[0] + seconds)
    one.clock = now
    return one


@pytest.fixture
def sandbox(world, clean):
    """An endpoint in front of the simulated Airflow, which the environment points to."""
    with Sandbox(Simulation(world), calls_per_second=0, now=world.clock) as endpoint:
        clean.setenv("AWS_ENDPOINT_URL_MWAA", endpoint.url)
        yield endpoint


class Child:
    """The installed command as a child of its own; never outlives its test."""

    def __init__(self, arguments, folder, **options):
        self.folder = folder
        self._heard = b""
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        self.process = subprocess.Popen(
            [COMMAND, *map(str, arguments)],
            cwd=folder,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            **streams,
        )

    def until_it_says(self, words):
        """Wait until it has said that on stderr."""
        while words not in self._heard:
            more = os.read(self.process.stderr.fileno(), 65_536)
            assert more, f"it ended without saying {words!r}: {self._heard.decode()}"
            self._heard += more

    def end(self, timeout=60.0):
        out, err = self.process.communicate(timeout=timeout)
        err = self._heard + (err or b"")
        return Ended(self.process.returncode, (out or b"").decode(), err.decode())

    def signal(self, number, *, patience=2.0):
        """Send a signal; how it ended, which must be soon: on a busy machine, as soon as a few starts of the command."""
        sent = time.monotonic()
        self.process.send_signal(number)
        ended = self.end()
        took = time.monotonic() - sent
        if took >= patience:
            began = time.monotonic()
            subprocess.run([COMMAND, "--version"], check=True, stdout=subprocess.DEVNULL)
            patience += 5 * (time.monotonic() - began)
        assert took < patience, f"it took {took:.1f} s from the signal to the end"
        return ended

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()


@pytest.fixture
def child(clean, tmp_path):
    """Starts the installed command."""
    children = []

    def go(*arguments, **options):
        children.append(Child(arguments, tmp_path, **options))
        return children[-1]

    yield go
    for one in children:
        one.close()


@pytest.fixture
def reports(tmp_path):
    """The options that write JSON and JUnit, and what they hold afterwards."""

    class Reports:
        options = ("--json", tmp_path / "r.json", "--junit", tmp_path / "r.xml")

        @property
        def json(self):
            return json.loads((tmp_path / "r.json").read_text())

        @property
        def junit(self):
            return ET.parse(tmp_path / "r.xml").getroot()  # noqa: S314 - the gate wrote it

        @property
        def left_over(self):
            return [path.name for path in tmp_path.iterdir() if path.name.endswith(".tmp")]

    return Reports()
