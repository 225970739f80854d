"""Install real Airflows for the tests: `python tests/real/install.py 2.10.5 3.0.6`.

Each version gets a virtual environment and a migrated, empty metadata database, under `.cache/airflow/` in
the repository or under the folder that MWAA_GATE_AIRFLOW_CACHE names. A finished install is used again; one
that was cut short is made anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

USER, PASSWORD = "gate", "gate"
"""The administrator of Airflow 2, by basic authentication; Airflow 3 takes everybody."""

_LAYOUT = 2
"""Part of the marker file: raise it when what an install holds changes."""
_REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Pin:
    """What one Airflow version is installed with."""

    exclude_newer: str
    """Its dependencies are resolved as of this day, shortly after its release: later ones break it."""
    pythons: tuple[str, ...]
    """The Python versions it supports, the preferred one first."""


PINS = {
    "2.10.5": Pin("2025-02-20", ("3.11", "3.12", "3.10", "3.9")),
    "3.0.6": Pin("2025-09-10", ("3.11", "3.12", "3.10", "3.9")),
}


@dataclass(frozen=True)
class Installed:
    """One installed Airflow."""

    version: str
    folder: Path

    @property
    def is_3(self) -> bool:
        return self.version.startswith("3.")

    @property
    def airflow(self) -> Path:
        return self.folder / "venv" / "bin" / "airflow"

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    @property
    def database(self) -> Path:
        """A migrated metadata database, to be copied: that is 20 s quicker than migrating one."""
        return self.folder / "airflow.db"


class InstallError(Exception):
    """An Airflow cannot be installed here; the message says why."""


def cache_folder() -> Path:
    return Path(os.environ.get("MWAA_GATE_AIRFLOW_CACHE") or _REPOSITORY / ".cache" / "airflow").resolve()


def install(version: str) -> Installed:
    """The Airflow `version`, installed now unless it is already. Several processes may ask at once."""
    if version not in PINS:
        raise InstallError(f"no pin for Airflow {version}; known: {', '.join(PINS)}")
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    installed = Installed(version, cache / version)
    with _lock(cache / f"{version}.lock"):
        if not _is_finished(installed):
            shutil.rmtree(installed.folder, ignore_errors=True)
            installed.folder.mkdir()
            _make(installed)
            _marker(installed).write_text(json.dumps(_recipe(version)), encoding="utf-8")
    return installed


def base_environment(home: Path, database: Path) -> dict[str, str]:
    """The environment variables that any Airflow command in these tests needs: nothing else leaks in."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}?timeout=60",
        "PYTHONUNBUFFERED": "1",
    }


def _make(installed: Installed) -> None:
    pin = PINS[installed.version]
    uv = _uv()
    python = _interpreter(pin.pythons)
    venv = installed.folder / "venv"
    _run([uv, "venv", "--quiet", "--no-project", "--python", python, venv])
    requirement = f"apache-airflow=={installed.version}"
    where = ["--python", installed.python, "--exclude-newer", pin.exclude_newer]
    _run([uv, "pip", "install", "--quiet", "--compile-bytecode", *where, requirement])
    home = installed.folder / "home"
    environment = base_environment(home, installed.database)
    _run([installed.airflow, "db", "migrate"], environment)
    if not installed.is_3:
        who = {"username": USER, "password": PASSWORD, "role": "Admin", "email": "gate@example.org"}
        who |= {"firstname": "Gate", "lastname": "Gate"}
        options = [word for key, value in who.items() for word in (f"--{key}", value)]
        _run([installed.airflow, "users", "create", *options], environment)
    with contextlib.closing(sqlite3.connect(installed.database, isolation_level=None)) as database:
        if not installed.is_3:  # basic authentication hashes at every call: one round costs nothing
            digest = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"salt", 1).hex()
            hashed = f"pbkdf2:sha256:1$salt${digest}"
            database.execute("UPDATE ab_user SET password = ? WHERE username = ?", (hashed, USER))
        database.execute("PRAGMA journal_mode = WAL")  # kept in the file: readers and the writer get along
    shutil.rmtree(home, ignore_errors=True)


def _uv() -> Path:
    """The installer, from PyPI, in a small environment of its own."""
    cache = cache_folder()
    venv, marker = cache / "uv", cache / "uv" / "finished"
    with _lock(cache / "uv.lock"):
        if not (marker.exists() and _works([venv / "bin" / "uv", "--version"])):
            shutil.rmtree(venv, ignore_errors=True)
            _run([sys.executable, "-m", "venv", venv])
            _run([venv / "bin" / "python", "-m", "pip", "install", "--quiet", "uv>=0.5"])
            marker.touch()
    return venv / "bin" / "uv"


def _interpreter(versions: tuple[str, ...]) -> str:
    """A Python of one of `versions` that really runs: a shim on PATH may lead nowhere."""
    running = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if running in versions:
        return sys.executable
    for version in versions:
        candidates = [shutil.which(f"python{version}")]
        candidates += sorted(map(str, Path.home().glob(f".pyenv/versions/{version}.*/bin/python")))
        for candidate in filter(None, candidates):
            if _works([candidate, "-c", "import ensurepip, sqlite3"]):
                return str(candidate)
    raise InstallError(f"needs a Python {', '.join(versions)} on PATH or under ~/.pyenv; found none")


def _recipe(version: str) -> dict[str, object]:
    return {"layout": _LAYOUT, "version": version, "exclude_newer": PINS[version].exclude_newer}


def _marker(installed: Installed) -> Path:
    return installed.folder / "finished.json"


def _is_finished(installed: Installed) -> bool:
    try:
        recipe = json.loads(_marker(installed).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return recipe == _recipe(installed.version) and _works([installed.python, "-c", "import airflow"])


def _works(command: list[Path | str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _run(command: list[Path | str], environment: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900, env=environment)
    if done.returncode != 0:
        line = " ".join(map(str, command))
        raise InstallError(
            f"{line} ended with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        )


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)  # let go by closing, also when the process is killed
        yield


def main(versions: list[str]) -> int:
    for version in versions or list(PINS):
        began = time.monotonic()
        try:
            installed = install(version)
        except InstallError as error:
            print(f"Airflow {version}: {error}", file=sys.stderr)  # noqa: T201 - a script talks to its user
            return 1
        print(f"Airflow {version}: {installed.folder} ({time.monotonic() - began:.1f}s)")  # noqa: T201 - the same
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
