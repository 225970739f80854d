"""A base image made on the spot of this machine's own files: the running Python, the libraries it needs, and a shell.

It stands in for the image that the Dockerfile names, which needs a registry. So it proves the Dockerfile's own steps
and what they leave behind, not the packages of the real base.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pip

CHROOT, LDCONFIG = (
    shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or name
    for name in ("chroot", "ldconfig")
)
"""Which a user's PATH need not reach."""
_USELESS = (
    "site-packages",
    "dist-packages",
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "_tkinter*",
    "__pycache__",
    "config-*",
)
"""Parts of the standard library that nothing here needs; copying them would take most of the time."""

_RELIED_ON = (
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
)
"""What a wheel may take for granted on any Linux (PEP 599), besides the C library."""
_ABI = {"x86_64": "x86-64", "aarch64": "AArch64"}.get(platform.machine(), "")
"""How `ldconfig -p` names this machine's kind of library, to leave out those of another one."""


def make_root(root: Path) -> None:
    """Fill the empty folder `root` with what `python` and `sh` need to run in it, and a pip.

    Raises:
        subprocess.CalledProcessError: a tool of this machine, or the copied Python, does not run.
    """
    for folder in (
        "dev",
        "etc/ssl/certs",
        "proc",
        "sys",
        "usr/bin",
        "usr/lib64",
        "usr/local/bin",
        "usr/local/lib",
    ):
        (root / folder).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    (root / "usr/lib").mkdir(exist_ok=True)
    for name in ("tmp", "var/tmp"):
        (root / name).mkdir(parents=True)
        (root / name).chmod(0o1777)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n", encoding="utf-8")
    (root / "etc/group").write_text("root:x:0:\n", encoding="utf-8")
    (root / "etc/ld.so.conf").write_text("/usr/local/lib\n", encoding="utf-8")
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    if certificates.exists():  # without it pip has its own
        shutil.copy(certificates, root / "etc/ssl/certs")
    _python(root)
    shutil.copy("/bin/sh", root / "usr/bin/sh")
    _libraries(root)
    _run(LDCONFIG, "-r", root)
    _pip(root)


def _python(root: Path) -> None:
    """The interpreter that runs this, in /usr/local."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    local = root / "usr/local"
    shutil.copy(Path(sys.base_exec_prefix) / "bin" / version, local / "bin")
    for name in ("python", "python3"):
        (local / "bin" / name).symlink_to(version)
    library = local / "lib" / version
    shutil.copytree(
        sysconfig.get_path("stdlib"), library, ignore=shutil.ignore_patterns(*_USELESS), symlinks=False
    )


def _libraries(root: Path) -> None:
    """Every shared library that something in `root` is linked with, at the path where this machine has it."""
    local = root / "usr/local/lib"
    programs = [root / "usr/bin/sh", *(root / "usr/local/bin").iterdir(), *local.rglob("*.so")]
    told = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=False).stdout
    prefix = sys.base_prefix.rstrip("/") + "/"
    found = set(re.findall(r"(?:=> |^\t)(/\S+) \(0x", told, re.MULTILINE))
    names = "|".join(map(re.escape, _RELIED_ON))
    found |= set(re.findall(rf"^\t(?:{names}) \(libc6,{_ABI}.*=> (\S+)$", _run(LDCONFIG, "-p"), re.MULTILINE))
    for path in sorted(found):
        own = prefix != "/usr/" and path.startswith(prefix)
        target = local / Path(path).name if own else root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copy(path, target)


def _pip(root: Path) -> None:
    """The pip of the tests, where the copied Python looks for packages."""
    sites = _run(CHROOT, root, "/usr/local/bin/python", "-c", "import site; print(site.getsitepackages()[0])")
    target = root / sites.strip().lstrip("/") / "pip"
    shutil.copytree(Path(pip.__file__).parent, target, ignore=shutil.ignore_patterns("__pycache__"))


def _run(*command: str | Path) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
