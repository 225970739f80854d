"""Builds an image with buildah and runs it as an engine would, where no engine is.

Buildah's own runs start no process tree of their own and leave the root filesystem writable. So what the image's
configuration says is done here by hand: a process as number 1, as the image's user, on a read-only root filesystem.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from image_base import CHROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_START = """
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
mount --bind "$2" "$1$3"
mount -o remount,bind,ro "$1"
shift 3
exec "$@"
"""
"""Arguments: the image's files, the folder to mount and where, and the command. It becomes that command."""
_PIP_SETTINGS = (
    "cert",
    "extra-index-url",
    "find-links",
    "index-url",
    "no-index",
    "proxy",
    "timeout",
    "trusted-host",
)
"""Where this machine's pip gets packages from; the rest of its configuration is nobody else's business."""


@dataclass(frozen=True)
class Ended:
    """How a container ended."""

    code: int
    """The exit code; negative: the signal that killed it."""
    out: str
    err: str


class Store:
    """Buildah with a storage of its own, which `remove` takes away again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def buildah(self, *arguments: str | Path, timeout: float = 300) -> str:
        """What `buildah ARGUMENTS` printed; AssertionError with all that it said when it fails."""
        folders = ["--root", self.folder / "root", "--runroot", self.folder / "run"]
        done = subprocess.run(
            ["buildah", *folders, "--storage-driver", "vfs", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        assert done.returncode == 0, f"buildah {' '.join(map(str, arguments))}:\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def commit(self, root: Path, name: str) -> None:
        """Make the folder `root` the image `name`."""
        container = self.buildah("from", "scratch")
        self.buildah("copy", "--quiet", container, root, "/")
        self.buildah("config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", container)
        self.buildah("commit", "--quiet", container, name)
        self.buildah("rm", container)

    def build(
        self, context: Path, name: str, *, config: Path, arguments: Mapping[str, str] | None = None
    ) -> str:
        """Build the Dockerfile of `context` as `name`; what was printed. `config` is a pip.conf for its steps alone."""
        given = [
            word for key, value in (arguments or {}).items() for word in ("--build-arg", f"{key}={value}")
        ]
        mounts = [word for path in _paths_in(config) for word in ("--volume", f"{path}:{path}:ro")]
        mounts += ["--volume", f"{config}:/etc/pip.conf:ro"]
        build = ["bud", "--isolation", "chroot", "--pull-never", "--layers=false", *given, *mounts]
        return self.buildah(*build, "--tag", name, context)

    def image(self, name: str) -> Image:
        """The image `name`, with its files."""
        told = json.loads(self.buildah("inspect", "--type", "image", name))
        root = Path(self.buildah("mount", self.buildah("from", "--pull-never", name)))
        return Image(root, told["OCIv1"]["config"])

    def remove(self) -> None:
        """Take everything away."""
        with contextlib.suppress(AssertionError):
            self.buildah("umount", "--all")
        shutil.rmtree(self.folder)


@dataclass(frozen=True)
class Image:
    """An image's files and what its configuration says."""

    root: Path
    config: Mapping[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        return dict(pair.split("=", 1) for pair in self.config["Env"])

    def start(
        self,
        *arguments: str,
        workspace: Path,
        user: str | None = None,
        entrypoint: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Running:
        """Start it with `workspace` mounted where it works, and nothing else that can be written to."""
        command = [*(self.config["Entrypoint"] if entrypoint is None else entrypoint)]
        command += arguments or self.config.get("Cmd", [])
        variables = {**self.environment, **(environment or {})}
        folder, who = self.config["WorkingDir"], user or self.config["User"]
        inside = [
            CHROOT,
            f"--userspec={who}",
            "--groups=",
            str(self.root),
            "sh",
            "-c",
            'cd "$0" && exec "$@"',
        ]
        outside = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _START, "start"]
        pairs = [f"{name}={value}" for name, value in variables.items()]
        process = subprocess.Popen(
            [
                *outside,
                str(self.root),
                str(workspace),
                folder,
                "env",
                "-i",
                *pairs,
                *inside,
                folder,
                *command,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return Running(process)

    def run(self, *arguments: str, timeout: float = 60, **options: Any) -> Ended:
        """Run it to its end."""
        with self.start(*arguments, **options).watched() as running:
            return running.end(timeout)


class Running:
    """A started container."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @contextlib.contextmanager
    def watched(self) -> Iterator[Running]:
        """Itself; killed at the end if it still runs."""
        with self._process:
            try:
                yield self
            finally:
                if self._process.poll() is None:
                    self._process.kill()

    def end(self, timeout: float = 60) -> Ended:
        """Wait for its end."""
        out, err = self._process.communicate(timeout=timeout)
        return Ended(self._process.returncode, out, err)

    def stop(self, timeout: float = 10) -> Ended:
        """What `docker stop` does: SIGTERM to process 1; TimeoutExpired if that does not end it."""
        number = self._first_process()
        numbers = re.findall(
            r"^NSpid:.*?(\d+)$", Path(f"/proc/{number}/status").read_text("ascii"), re.MULTILINE
        )
        assert numbers == ["1"], "it is process 1 in there"
        os.kill(number, signal.SIGTERM)
        return self.end(timeout)

    def _first_process(self) -> int:
        own = self._process.pid
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            children = Path(f"/proc/{own}/task/{own}/children").read_text(encoding="ascii").split()
            if children:
                return int(children[0])
        raise AssertionError("it has not started")


def pip_config() -> str:
    """This machine's pip settings that say where packages come from, as the text of a pip.conf."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    pairs = re.findall(r"^(?P<level>[^.\n]+)\.(?P<name>[\w-]+)=(?P<value>.*)$", told, re.MULTILINE)
    ordered = sorted(pairs, key=lambda pair: pair[0] == ":env:")  # which pip lets win
    settings = {name: str(ast.literal_eval(value)) for _, name, value in ordered if name in _PIP_SETTINGS}
    lines = [f"{name} = {' '.join(value.split())}" for name, value in settings.items()]
    return "\n".join(["[global]", *lines, ""])


def _paths_in(config: Path) -> list[str]:
    """The folders and files of this machine that a pip.conf names; an index with what lies beside it."""
    text = config.read_text("utf-8")
    indexes = {str(Path(path).parent) for path in re.findall(r"file://(/\S+)", text)}
    named = set(re.findall(r"(?:^|\s)(/\S+)", text))
    return sorted(path for path in indexes | named if Path(path).exists())
