"""Plays all chosen scenarios on real Airflows, one server a version, before pytest asks for their results.

A test here takes one argument, `stage`, and mostly waits. So the first of them starts both Airflows and all
the others, some at a time; what pytest then calls a test is the wait for its result. Those marked `alone`
disturb their neighbours, and run one after the other when the others on that Airflow are done.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # its helpers are modules, not tests
pytest.register_assert_rewrite("gate")

from airflow_server import AirflowServer  # noqa: E402 - after the path
from gate import Children, Sandbox  # noqa: E402 - the same
from install import PINS, install  # noqa: E402 - the same
from stage import Stage  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_A_TIME = 12
"""Scenarios that run on one Airflow at the same time."""
QUIET = os.environ.get("MWAA_GATE_REAL_QUIET")
"""A file to make once all that is left mostly waits: from then on the machine is free for other things, too."""
PATIENCE = 900
"""Seconds until the whole run is given up."""


class Theatre:
    """One Airflow with its sandbox, and the scenarios that are played on it."""

    def __init__(self, version: str, items: list[pytest.Function], folder: Path) -> None:
        self.version = version
        self.folder = folder
        self.children = Children()
        self.items = items
        self.results: dict[str, Future[None]] = {item.nodeid: Future() for item in items}
        self.stages: dict[str, Stage] = {}
        self.times: list[str] = []
        self.is_quiet = False
        """Whether all that is left is played one after the other."""
        self.airflow = AirflowServer(install(version), folder)
        self._pool = ThreadPoolExecutor(max_workers=AT_A_TIME, thread_name_prefix=f"airflow-{version}")
        self._director = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"director-{version}")

    def open(self) -> None:
        self._director.submit(self._play_all)

    def close(self) -> None:
        """End everything, wherever it is; the threads then end by themselves."""
        self.children.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self.airflow.stop()
        self._director.shutdown(wait=True)
        self._pool.shutdown(wait=True)

    def _play_all(self) -> None:
        try:
            began = time.monotonic()
            self.airflow.start()
            sandbox = Sandbox(self.airflow, self.folder / "sandbox", self.children, self.airflow.credentials)
            self.times.append(f"start of Airflow and sandbox {time.monotonic() - began:.1f}s")
            for item in self.items:
                name = _name(item)
                others = tuple(_name(other) for other in self.items if other is not item)
                self.stages[item.nodeid] = Stage(
                    name, self.airflow, sandbox, self.folder / name, self.children, others
                )
            alone = [item for item in self.items if item.get_closest_marker("alone")]
            together = sorted((item for item in self.items if item not in alone), key=_order)
            for playing in [self._pool.submit(self._play, item) for item in together]:
                playing.result()
            self.is_quiet = True
            if QUIET and all(theatre.is_quiet for theatre in _theatres.values()):
                Path(QUIET).touch()
            for item in alone:
                self._play(item)
        except BaseException as error:  # noqa: BLE001 - told by every test that waits for a result
            for result in self.results.values():
                if not result.done():
                    result.set_exception(error)

    def _play(self, item: pytest.Function) -> None:
        result, began = self.results[item.nodeid], time.monotonic()
        try:
            item.obj(stage=self.stages[item.nodeid])
        except BaseException as error:  # noqa: BLE001 - the test raises it again
            result.set_exception(error)
        else:
            result.set_result(None)
        # What is over need not be parsed any more: that is half of what keeps these processors busy.
        shutil.rmtree(self.airflow.dags / _name(item), ignore_errors=True)
        self.times.append(f"{_name(item)} {time.monotonic() - began:.1f}s")


_theatres: dict[str, Theatre] = {}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "alone: runs when no other scenario does")
    config.addinivalue_line("markers", "airflow_3: runs on Airflow 3 only")
    config.addinivalue_line("markers", "early: takes long, so it is among the first to start")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "stage" in metafunc.fixturenames:
        only_3 = metafunc.definition.get_closest_marker("airflow_3") is not None
        versions = [version for version in PINS if version.startswith("3.") or not only_3]
        metafunc.parametrize("stage", versions, indirect=True, scope="function")


@pytest.fixture(scope="session")
def _theatres_open(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Both Airflows, with everything on them running."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # a cancelled CI job cleans up too
    scenarios = [item for item in request.session.items if "stage" in getattr(item, "fixturenames", ())]
    try:
        for version in PINS:
            if items := [item for item in scenarios if item.callspec.params["stage"] == version]:
                _theatres[version] = Theatre(version, items, tmp_path_factory.mktemp(f"airflow-{version}-"))
        for theatre in _theatres.values():
            theatre.open()
        yield
    finally:
        for theatre in _theatres.values():
            theatre.close()
        signal.signal(signal.SIGTERM, before)


@pytest.fixture
def stage(request: pytest.FixtureRequest, _theatres_open: None) -> str:
    """The Airflow version that a test asks for: the stage itself was handed to it long ago."""
    return str(request.param)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """In place of the call: wait for the result of the one that is running, or ran."""
    if "stage" not in pyfuncitem.fixturenames:
        return None
    theatre = _theatres[pyfuncitem.callspec.params["stage"]]
    try:
        theatre.results[pyfuncitem.nodeid].result(timeout=PATIENCE)
    except BaseException:
        if stage := theatre.stages.get(pyfuncitem.nodeid):
            pyfuncitem.add_report_section("call", "the gates and Airflow", stage.story())
        raise
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for version, theatre in _theatres.items():
        terminalreporter.section(f"Airflow {version}")
        for line in theatre.times:
            terminalreporter.line(line)
        if theatre.airflow.scheduler_ended:
            terminalreporter.line(f"the scheduler ended by itself {theatre.airflow.scheduler_ended} times")
        for nodeid, stage in theatre.stages.items():
            for note in stage.notes:
                terminalreporter.line(f"{nodeid.rpartition('::')[2]}: {note}")


def _name(item: pytest.Function) -> str:
    return item.originalname.removeprefix("test_")


def _order(item: pytest.Function) -> bool:
    return item.get_closest_marker("early") is None
