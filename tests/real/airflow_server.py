"""A real Airflow on loopback, as its single components, with a DAGs folder that tests write into."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.error
import urllib.request
import zlib
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from install import PASSWORD, USER, Installed, base_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WEB = "web"
SCHEDULER = "scheduler"
PROCESSOR = "dag-processor"
"""The component's names here; Airflow 2 parses inside its scheduler and has no PROCESSOR."""

VIEWER = "viewer"
"""Who may only read (Airflow 3)."""

_START_SECONDS = 180
_STOP_SECONDS = 10
_JWT_SECRET = "gate" * 16
_TOKEN_SECONDS = 40
"""Airflow 3's tokens expire so soon that each gate which waits needs another one."""
_FERNET_KEY = "Z2F0ZWdhdGVnYXRlZ2F0ZWdhdGVnYXRlZ2F0ZWdhdGU="


class AirflowServer:
    """One Airflow with its own home, database, ports and processes, each in a session of its own.

    Args:
        installed: which Airflow.
        folder: where its home, DAGs folder and logs go; made if need be.
        serialize_every: `core.min_serialized_dag_update_interval`, seconds; 30 is Airflow's default.
        parse_every: `min_file_process_interval` and the directory's scan interval, seconds.
    """

    def __init__(
        self, installed: Installed, folder: Path, *, serialize_every: int = 30, parse_every: int = 5
    ) -> None:
        self.installed = installed
        self.version = installed.version
        self.is_3 = installed.is_3
        self.home = folder / "home"
        self.dags = folder / "dags"
        self.logs = folder / "logs"
        self._database = self.home / "airflow.db"
        self._port = _free_port()
        self._environment = self._settings(serialize_every, parse_every)
        self.scheduler_ended = 0
        """How often the scheduler ended by itself, and was started again."""
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._token = ("", 0.0)
        self._ended = threading.Event()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def credentials(self) -> dict[str, str]:
        """What `mwaa-gate` reads from its environment to be let in."""
        return {"MWAA_GATE_AIRFLOW_USER": USER, "MWAA_GATE_AIRFLOW_PASSWORD": PASSWORD}

    def viewer_credentials(self) -> dict[str, str]:
        """The same for somebody who may read DAGs, but neither variables nor connections; made at each call."""
        if self.is_3:
            return {"MWAA_GATE_AIRFLOW_USER": VIEWER, "MWAA_GATE_AIRFLOW_PASSWORD": PASSWORD}
        name = f"viewer{time.monotonic_ns()}"
        who = {"username": name, "password": PASSWORD, "email": f"{name}@example.org"}
        who |= {"first_name": "Gate", "last_name": "Viewer"}
        self.call("POST", "/users", {**who, "roles": [{"name": "Viewer"}]})
        return {"MWAA_GATE_AIRFLOW_USER": name, "MWAA_GATE_AIRFLOW_PASSWORD": PASSWORD}

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The leaders of what runs, and all that they started."""
        return tuple(pid for leader in self._processes.values() for pid in _session(leader.pid))

    def start(self) -> None:
        """Start all components and wait until each of them says that it is healthy."""
        for folder in (self.home, self.dags, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.installed.database, self._database)
        (self.home / "airflow.cfg").touch()  # or all components write it, at once
        (self.home / "webserver_config.py").touch()
        (self.home / "passwords.json").write_text(json.dumps({USER: PASSWORD, VIEWER: PASSWORD}))
        try:
            for component in (WEB, SCHEDULER, PROCESSOR) if self.is_3 else (WEB, SCHEDULER):
                self._launch(component)
            self._wait_until_healthy()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything that was started, politely first; for good, also while another thread starts it."""
        self._ended.set()
        with self._lock:
            processes = list(self._processes.values())
            self._processes.clear()
        _end(processes)

    def start_web(self) -> None:
        """Start the web server again, on the same port; returns when it answers."""
        self._launch(WEB)
        self._wait_until_healthy()

    def stop_web(self) -> None:
        """End the web server (Airflow 3: the API server)."""
        _end([self._processes.pop(WEB)])

    def kill_scheduler(self) -> None:
        """Kill the scheduler and all its children without a word, as an out-of-memory killer does."""
        process = self._processes.pop(SCHEDULER)
        _kill(_session(process.pid), signal.SIGKILL)
        process.wait()

    def put(self, path: str, source: str) -> float:
        """Write a file in the DAGs folder, whole at once; returns when, as an epoch."""
        target = self.dags / path
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.home / f"{time.monotonic_ns()}.new"  # outside: a parser must not meet it
        fresh.write_text(source, encoding="utf-8")
        fresh.replace(target)
        return time.time()

    def remove(self, path: str) -> None:
        """Delete a file of the DAGs folder."""
        (self.dags / path).unlink()

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """The answer of Airflow's own API, as its administrator; `path` is below /api/v1 or /api/v2."""
        if self.is_3:
            prefix, who = "/api/v2", f"Bearer {self.token()}"
        else:
            prefix = "/api/v1"
            who = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        request = urllib.request.Request(  # noqa: S310 - http, by construction
            f"{self.url}{prefix}{path}",
            method=method,
            headers={"Authorization": who, "Content-Type": "application/json", "Accept": "application/json"},
            data=json.dumps(body).encode() if body is not None else None,
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - the same
            return json.loads(answer.read() or b"null")

    def token(self) -> str:
        """A token of the administrator's that does not expire at once (Airflow 3)."""
        token, made = self._token
        if time.monotonic() - made > _TOKEN_SECONDS / 3:
            who = json.dumps({"username": USER, "password": PASSWORD}).encode()
            request = urllib.request.Request(  # noqa: S310 - http, by construction
                f"{self.url}/auth/token", data=who, headers={"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - the same
                token = str(json.loads(answer.read())["access_token"])
            self._token = (token, time.monotonic())
        return token

    def serialized(self, dag_id: str) -> str:
        """The DAG's newest serialized form, which is what the scheduler runs: JSON, or "" if there is none."""
        order = "created_at" if self.is_3 else "last_updated"
        rows = self._query(
            f"SELECT data, data_compressed FROM serialized_dag WHERE dag_id = ? ORDER BY {order} DESC LIMIT 1",  # noqa: S608
            dag_id,
        )
        if not rows:
            return ""
        data, compressed = rows[0]
        return zlib.decompress(compressed).decode() if compressed else str(data)

    def last_parsed(self, dag_id: str) -> float:
        """When Airflow last persisted a parse of the DAG, as an epoch; 0 if never."""
        rows = self._query("SELECT last_parsed_time FROM dag WHERE dag_id = ?", dag_id)
        if not rows or rows[0][0] is None:
            return 0.0
        return datetime.fromisoformat(rows[0][0]).replace(tzinfo=timezone.utc).timestamp()

    def log_tails(self, lines: int = 40) -> str:
        """The end of every component's log."""
        parts = []
        for log in sorted(self.logs.glob("*.log")):
            tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
            parts.append("\n".join([f"--- {log}", *tail]))
        return "\n".join(parts)

    def _query(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with contextlib.closing(
            sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=30)
        ) as db:
            return db.execute(statement, values).fetchall()

    def _settings(self, serialize_every: int, parse_every: int) -> dict[str, str]:
        common = {
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": str(serialize_every),
            "AIRFLOW__CORE__FERNET_KEY": _FERNET_KEY,
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.logs / "tasks"),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(_free_port()),
        }
        if self.is_3:
            own = {
                "AIRFLOW__API__PORT": str(self._port),
                "AIRFLOW__API__BASE_URL": self.url,
                "AIRFLOW__API__SECRET_KEY": "gate",
                "AIRFLOW__API_AUTH__JWT_SECRET": _JWT_SECRET,
                "AIRFLOW__API_AUTH__JWT_EXPIRATION_TIME": str(_TOKEN_SECONDS),
                "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin,{VIEWER}:viewer",
                "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
                "AIRFLOW__DAG_PROCESSOR__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(
                    self.logs / "parser"
                ),
                "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": str(parse_every),
                "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": str(parse_every),
            }
        else:
            own = {
                # A task is a command of its own, found through PATH; one that hangs must not hold the scheduler.
                "PATH": os.pathsep.join((str(self.installed.airflow.parent), os.environ.get("PATH", ""))),
                "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
                "_AIRFLOW__SKIP_DATABASE_EXECUTOR_COMPATIBILITY_CHECK": "1",
                "AIRFLOW__API__AUTH_BACKENDS": "airflow.api.auth.backend.basic_auth",
                "AIRFLOW__API__MAXIMUM_PAGE_LIMIT": "5",  # the list is long: gates that expect few DAGs search for them
                "AIRFLOW__SCHEDULER__CHILD_PROCESS_LOG_DIRECTORY": str(self.logs / "parser"),
                "AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL": str(parse_every),
                "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",  # one file a loop is parsed on SQLite
                "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL": str(parse_every),
                "AIRFLOW__WEBSERVER__SECRET_KEY": "gate",
            }
        return {**base_environment(self.home, self._database), **common, **own}

    def _launch(self, component: str) -> None:
        command: list[str] = [str(self.installed.airflow)]
        if component == SCHEDULER:
            command += ["scheduler", "--skip-serve-logs"]
        elif component == PROCESSOR:
            command += ["dag-processor"]
        elif self.is_3:
            command += ["api-server", "--host", "127.0.0.1", "--workers", "1"]
        else:  # what `airflow webserver` starts, without its monitor, which imports Airflow once more
            command = [str(self.installed.python), "-m", "gunicorn", "--workers", "1", "--timeout", "120"]
            command += ["--bind", f"127.0.0.1:{self._port}", "airflow.www.app:cached_app()"]
        with self._lock, (self.logs / f"{component}.log").open("ab") as log:
            if self._ended.is_set():
                raise RuntimeError(f"Airflow {self.version} is being stopped")
            process = self._processes[component] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self.home,
                start_new_session=True,
            )
        if component == SCHEDULER:
            threading.Thread(target=self._keep_scheduler, args=(process,), daemon=True).start()

    def _keep_scheduler(self, process: subprocess.Popen[bytes]) -> None:
        """Start the scheduler again if it ends by itself, as MWAA does.

        SQLite locks no rows: where a DAG run is deleted at the moment at which its tasks are made, 3.0.6's scheduler ends.
        """
        process.wait()
        if self._processes.get(SCHEDULER) is process and not self._ended.is_set():
            self.scheduler_ended += 1
            with contextlib.suppress(RuntimeError):  # all is being stopped
                self._launch(SCHEDULER)

    def _wait_until_healthy(self) -> None:
        parts = ("metadatabase", "scheduler", *(("dag_processor",) if self.is_3 else ()))
        path = "/api/v2/monitor/health" if self.is_3 else "/health"
        deadline = time.monotonic() + _START_SECONDS
        while True:
            for component, process in list(self._processes.items()):
                if process.poll() is not None:
                    raise RuntimeError(f"{component} ended with {process.returncode}\n{self.log_tails()}")
            with contextlib.suppress(OSError, ValueError):
                health = json.loads(self._get(path))
                if all(health[part]["status"] == "healthy" for part in parts):
                    return
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"Airflow {self.version} is not up after {_START_SECONDS} s\n{self.log_tails()}"
                )
            if self._ended.wait(timeout=0.2):
                raise RuntimeError(f"Airflow {self.version} is being stopped")

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:  # noqa: S310 - http, by construction
            return bytes(answer.read())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _session(leader: int) -> list[int]:
    """The processes of the session that `leader` opened: Airflow 2's parser leaves its process group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            after_name = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(after_name[3]) == leader and after_name[0] != "Z":
                found.append(int(stat.parent.name))
    return found


def _kill(process_ids: Iterable[int], number: signal.Signals) -> None:
    for pid in process_ids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _end(leaders: list[subprocess.Popen[bytes]]) -> None:
    """Ask the leaders to stop, then kill whatever is left of their sessions."""
    _kill((leader.pid for leader in leaders), signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    try:
        while any(_session(leader.pid) for leader in leaders) and time.monotonic() < deadline:
            for leader in leaders:
                leader.poll()
            time.sleep(0.1)
    finally:
        for leader in leaders:
            _kill(_session(leader.pid), signal.SIGKILL)
            leader.wait()
