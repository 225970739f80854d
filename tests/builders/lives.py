"""One life of the installed command against a sandbox of its own, with one blow at one moment, and what is wrong after it.

A moment is an event where that is possible: a call that reaches the sandbox, a change in the reports' folder, a line
that is printed; else seconds from the start. A signal is sent while the process is stopped, so that what was written by
then is known for sure.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from aftermath import BEFORE, NAMES, SIGNALS, judge

from validator.sandbox.api import Role
from validator.sandbox.files import SimTask, one_dag, tasks
from validator.sandbox.rules import Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

COMMAND = Path(sys.executable).parent / "mwaa-gate"
TASKS = {
    "passes": tasks(SimTask("extract", seconds=0.05), SimTask("load", seconds=0.05)),
    "fails": tasks("extract", SimTask("load", outcome=("failed",), seconds=0.05, log="boom"), "tell"),
    "hangs": tasks(SimTask("load", outcome=("hangs",))),
}
LONGEST = 100.0
"""Seconds after which a command hangs: cleaning up may take 60."""


@dataclass(frozen=True)
class Smoke:
    """The manifest's smoke run."""

    task: str = "passes"
    keep: str = "on-failure"
    unpause: bool = False


@dataclass(frozen=True)
class Strike:
    """One blow: what befalls which command, and when."""

    kind: str
    event: str
    """`time`: seconds; `call`: the number of a call, and `late` seconds later; `folder` and `print`: the number of a
    change in the folder of the reports, and in what is printed and told to GitHub; `start`: from the start on."""
    at: float
    airflow: str
    truth: str
    """`green`, `red`, or `waits`: for something that does not come in time."""
    smoke: Smoke | None = None
    late: float = 0.0
    there: bool = False
    """Whether other files are where the reports go."""
    room: int = 0
    """Bytes that a full disk still takes, of each file."""


@dataclass
class Life:
    """The strike carried out, and how it ended."""

    strike: Strike
    code: int = 0
    out: str = ""
    err: str = ""
    was_hit: bool = False
    """Whether the blow came while the command ran."""
    complaints: list[str] = field(default_factory=list)
    calls: int = 0
    """Calls that had reached the sandbox when the blow came."""
    took: float = 0.0


class Watch:
    """Tells of each change in folders, by the kernel's own events."""

    _MASK = 0x2 | 0x8 | 0x80 | 0x100  # modified, closed after writing, moved here, made

    def __init__(self, *folders):
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._number = self._libc.inotify_init1(os.O_CLOEXEC)
        for folder in folders:
            self._libc.inotify_add_watch(self._number, os.fsencode(folder), self._MASK)
        self._ends, self._end = os.pipe()
        self._thread = None

    def start(self, changed):
        self._thread = threading.Thread(target=self._run, args=(changed,), daemon=True)
        self._thread.start()

    def _run(self, changed):
        while True:
            ready, _, _ = select.select([self._number, self._ends], [], [])
            if self._ends in ready:
                return
            data, start = os.read(self._number, 65536), 0
            while start < len(data):
                start += 16 + struct.unpack_from("iIII", data, start)[3]
                changed()

    def close(self):
        os.write(self._end, b".")
        if self._thread is not None:
            self._thread.join()
        for number in (self._number, self._ends, self._end):
            os.close(number)


def can_mount(folder):
    """Whether this process may mount a file system."""
    tried = folder / "tried"
    tried.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", tried], capture_output=True, check=False
    )
    if done.returncode == 0:
        subprocess.run(["umount", tried], check=True)
    return done.returncode == 0


class Stage:
    """What a life is lived on: an Airflow behind a sandbox, folders, and the command."""

    def __init__(self, strike, root):
        self.strike, self.root = strike, root
        self.folder, self.told, self.errors = root / "reports", root / "told", root / "errors"
        for each in (self.folder, self.told, self.errors):
            each.mkdir(parents=True)
        self.is_mounted = strike.kind == "full tmpfs"
        if self.is_mounted:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", self.folder], check=True)
        if strike.there:
            for name in NAMES.values():
                (self.folder / name).write_bytes(BEFORE)
        for name in ("output", "summary"):
            (self.told / name).touch()
        self.count, self.lock = 0, threading.Lock()
        rules = Rules(
            airflow=strike.airflow,
            min_file_process_interval=0.1,
            dir_list_interval=0.2,
            loop=0.05,
            scheduler_loop=0.05,
            parse=(0.0, 0.01),
            start=(0.02, 0.2),
            min_serialized_dag_update_interval=0.0,
            min_serialized_dag_fetch_interval=0.0,
        )
        smoke = strike.smoke or Smoke()
        files = {
            "etl.py": one_dag("etl", paused_upon_creation=False),
            "smoked.py": one_dag(
                "smoked", tasks=TASKS[smoke.task], schedule=None, paused_upon_creation=smoke.unpause
            ),
        }
        self.world = World(rules, files=files)
        self.simulation = Simulation(self.world, role=Role("User"))
        self.sandbox = Sandbox(self.simulation, calls_per_second=0, fault=self._called)
        self.made = set()
        """Every run that a trigger has asked for."""
        self.on_call = None

    def _called(self, call):
        if call.method == "POST" and call.path.endswith("/dagRuns"):
            self.made.add(call.body["dag_run_id"])
        if self.on_call is not None:
            with self.lock:
                self.count += 1
                number = self.count
            self.on_call(number)

    @property
    def manifest(self):
        strike, smoke = self.strike, self.strike.smoke
        expected = "etl" if strike.truth == "green" else "etl, not_there"
        text = f"version: 1\ndags: [{expected}]\n"
        if smoke is not None:
            # Only what ends it may be waited for, or each such life would take half a minute.
            is_ended = strike.kind in ("SIGINT", "SIGTERM") and strike.event in ("call", "time")
            timeout = "1500ms" if smoke.task == "hangs" and not is_ended else "30s"
            unpause = str(smoke.unpause).lower()
            text += (
                f"smoke: [{{dag_id: smoked, keep: {smoke.keep}, unpause: {unpause}, timeout: {timeout}}}]\n"
            )
        return text

    def arguments(self):
        path = self.root / "manifest.yaml"
        path.write_text(self.manifest)
        timeout = {"green": "60s", "red": "1500ms", "waits": "60s"}[self.strike.truth]
        given = ["check", path, "--env", "sandbox", "--interval", "100ms", "--max-tps", "1000", "-v"]
        given += ["--deployed-at", "none", "--timeout", timeout, "--run-key", "one"]
        for name, file in NAMES.items():
            given += [f"--{name}", self.folder / file]
        return [COMMAND, *map(str, given)]

    def environ(self):
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
        return kept | {
            "HOME": str(self.root),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_ENDPOINT_URL_MWAA": self.sandbox.url,
            "AWS_ACCESS_KEY_ID": "AKIAOWN",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(self.told / "output"),
            "GITHUB_STEP_SUMMARY": str(self.told / "summary"),
        }

    def start(self):
        """The command, started; its stdout and stderr are files, unless they are what the strike is about."""
        command, out, err = self.arguments(), self.told / "out", self.errors / "err"
        kind = self.strike.kind
        if kind == "read-only" and os.geteuid() == 0:
            # Root may write anywhere: what lets it is taken from the command.
            command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", *command]
        if kind.startswith("closed "):
            shut = {"closed stdout": ">&-", "closed stderr": "2>&-", "closed both": ">&- 2>&-"}[kind]
            command = ["sh", "-c", f'exec "$@" {shut}', "sh", *command]
        streams, self.readers = {}, []
        for name, file in (("stdout", out), ("stderr", err)):
            if kind in (f"no reader of {name}", "no reader of both"):
                reader, streams[name] = os.pipe()
                self.readers.append(Reader(reader))
                file.touch()
            elif kind == "full disk" and name == "stdout":
                streams[name] = subprocess.PIPE  # the limit is on files
            else:
                is_full = kind == "/dev/full" and name == "stdout"
                file.touch()
                streams[name] = os.open("/dev/full" if is_full else file, os.O_WRONLY)
        self.process = subprocess.Popen(
            command,
            cwd=self.root,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            **streams,
        )
        for stream in streams.values():
            if stream != subprocess.PIPE:
                os.close(stream)

    def end(self, timeout=LONGEST):
        """The exit code; None: it did not end."""
        piped = self.process.stdout.read().decode() if self.process.stdout else None
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            code = None
        if self.process.stdout:
            self.process.stdout.close()
        out = (self.told / "out").read_text() if piped is None else piped
        return code, out, (self.errors / "err").read_text()

    def snapshot(self):
        """All that was written by now, but for the progress."""
        return {
            path.relative_to(self.root): path.read_bytes()
            for folder in (self.folder, self.told)
            for path in sorted(folder.iterdir())
        }

    def stop(self):
        """Stop the process; False: it has ended."""
        self.process.send_signal(signal.SIGSTOP)
        stat = Path(f"/proc/{self.process.pid}/stat")
        while True:
            try:
                state = stat.read_text().rpartition(")")[2].split()[0]
            except (FileNotFoundError, ProcessLookupError):
                return False
            if state in "Tt":
                return True
            if state in "ZX":
                return False
            time.sleep(0.0002)

    def close(self):
        self.sandbox.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for reader in self.readers:
            reader.close()
        if self.is_mounted:
            subprocess.run(["umount", "-l", self.folder], check=True)
        self.folder.chmod(0o755)
        shutil.rmtree(self.root)


class Reader:
    """Reads a pipe, so that nobody waits for room in it, until it is closed.

    Only its own thread closes it: the number of a pipe that is closed is soon another life's connection, and whoever
    still reads from it takes that life's bytes.
    """

    def __init__(self, number):
        self._number = number
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self):
        self._over.set()
        self._thread.join()

    def _read(self):
        while not self._over.is_set():
            ready, _, _ = select.select([self._number], [], [], 0.002)
            if ready and not os.read(self._number, 65536):
                break
        os.close(self._number)


class Blow:
    """Strikes once, at its moment."""

    def __init__(self, stage, life):
        self.stage, self.life, self.strike = stage, life, stage.strike
        self.lock, self.ready, self.is_over = threading.Lock(), threading.Event(), False
        self.before = None
        """What was written when a signal was sent."""
        self.count = 0

    def now(self):
        self.ready.wait(10)
        with self.lock:
            if self.is_over or self.stage.process.poll() is not None:
                return
            self.is_over = True
            self.life.calls = self.stage.count
            self.life.was_hit = self._strike()

    def changed(self):
        self.count += 1
        if self.count == self.strike.at:
            self.now()

    def called(self, number):
        if number == self.strike.at:
            if self.strike.late:
                self.later(self.strike.late)
            else:
                self.now()

    def later(self, seconds):
        timer = threading.Timer(seconds, self.now)
        timer.daemon = True
        timer.start()

    def _strike(self):
        kind, stage = self.strike.kind, self.stage
        if kind in SIGNALS:
            if not stage.stop():
                return False
            self.before = stage.snapshot()
            stage.process.send_signal(SIGNALS[kind])
            stage.process.send_signal(signal.SIGCONT)
        elif kind == "read-only":
            stage.folder.chmod(0o555)
        elif kind == "full disk":
            resource.prlimit(stage.process.pid, resource.RLIMIT_FSIZE, (self.strike.room, self.strike.room))
        elif kind == "full tmpfs":
            self._fill()
        elif kind.startswith("no reader"):
            for reader in stage.readers:
                reader.close()
        return True

    def _fill(self):
        with (self.stage.folder / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(4096))
        size = (self.stage.folder / "filler").stat().st_size
        os.truncate(self.stage.folder / "filler", max(0, size - self.strike.room // 4096 * 4096))


def live(strike, root):
    """Live a life; what is wrong with how it ended stands in its `complaints`."""
    life, stage = Life(strike), Stage(strike, root)
    blow = Blow(stage, life)
    began = time.monotonic()
    watch = None
    try:
        stage.sandbox.start()
        if strike.event == "call":
            stage.on_call = blow.called
        elif strike.event in ("folder", "print"):
            watch = Watch(stage.folder) if strike.event == "folder" else Watch(stage.told)
            watch.start(blow.changed)
        else:
            stage.on_call = lambda number: None
        stage.start()
        life.was_hit = strike.event == "start"
        blow.ready.set()
        if strike.event == "time":
            blow.later(strike.at)
        life.code, life.out, life.err = stage.end()
        blow.is_over = True
        judge(life, stage, blow)
    finally:
        if watch is not None:
            watch.close()
        stage.close()
    life.took = time.monotonic() - began
    return life
