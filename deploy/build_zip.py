# ruff: noqa: INP001 - a script, no package
"""Build the Lambda function's zip: `python deploy/build_zip.py --output dist/mwaa-gate-lambda.zip`.

It holds the package, the locked and hashed dependencies that its handler imports, and their licences; nothing of the
command line. The same inputs give the same bytes. It needs pip and a package index, and builds for any Lambda runtime
on any machine: what is installed are wheels, and nothing of them runs.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "runtime.txt"

LEFT_OUT = ("boto3", "click", "markdown-it-py", "mdurl", "pygments", "rich", "ruamel-yaml", "s3transfer")
"""Locked packages that only the command line needs. The gate calls AWS through botocore, and a log is no terminal."""
NOT_THE_HANDLERS = ("__main__.py", "cli", "doctor", "draft", "lint", "sandbox")
"""Parts of the package that only the command line needs."""
SERVICES = ("codepipeline", "mwaa", "s3", "sts")
"""What the gate calls: botocore brings 400 more, 27 MB of them."""
ARCHITECTURES = {"x86_64": "x86_64", "arm64": "aarch64"}
"""Lambda's names, and those that wheels have for them."""
MAX_ZIPPED, MAX_UNZIPPED = 50_000_000, 250_000_000
"""Lambda's limits, in bytes: for a zip that is uploaded directly, and for what it becomes."""

_NEW_LIBC = 12
"""The minor version of the first Python whose runtime is Amazon Linux 2023."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a zip can tell: a file's own would differ from build to build."""
_OF_THE_INSTALL = ("INSTALLER", "REQUESTED", "direct_url.json")
"""What pip writes about the install, which is of no use in the zip."""


class BuildError(Exception):
    """The zip cannot be built; the message says why and what to do."""


@dataclass(frozen=True)
class Sizes:
    """How large a zip became, in bytes."""

    zipped: int
    unzipped: int


def build(output: Path, python: str = "3.13", architecture: str = "x86_64") -> Sizes:
    """Build the zip for the Lambda runtime `python` (as in 3.13) on one of ARCHITECTURES.

    Raises:
        BuildError: a dependency cannot be installed, or the zip is larger than Lambda takes. No zip is left then.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder, lock = Path(temporary, "zip"), Path(temporary, "lock.txt")
        lock.write_text(needed(LOCK.read_text(encoding="utf-8"), LEFT_OUT), encoding="utf-8")
        _install(lock, folder, python, architecture)
        _prune(folder)
        _copy_package(folder)
        made = Path(temporary, "made.zip")
        sizes = _write(folder, made)
        if sizes.zipped > MAX_ZIPPED or sizes.unzipped > MAX_UNZIPPED:
            raise BuildError(
                f"the zip has {_mb(sizes.zipped)}, unzipped {_mb(sizes.unzipped)}: Lambda takes at most "
                f"{_mb(MAX_ZIPPED)} and {_mb(MAX_UNZIPPED)}. Look for what grew in requirements/runtime.txt."
            )
        output.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, output)
    return sizes


def needed(lock: str, left_out: tuple[str, ...]) -> str:
    """The text of a lock file without the packages `left_out`.

    Raises:
        BuildError: one of them is not in it: what was meant may have another name now, and be in the zip.
    """
    blocks = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    names = [re.split(r"[=\s]", block, maxsplit=1)[0] for block in blocks]
    if unknown := sorted(set(left_out) - set(names)):
        raise BuildError(f"{', '.join(unknown)} is not in the lock file: take it off LEFT_OUT in {__file__}.")
    return "".join(block for name, block in zip(names, blocks, strict=True) if name not in left_out)


def _install(lock: Path, folder: Path, python: str, architecture: str) -> None:
    """Install exactly what is locked, wheels only, for a Python and a machine that need not be this one."""
    target = ["--python-version", python, "--implementation", "cp"]
    target += [word for platform in _platforms(python, architecture) for word in ("--platform", platform)]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
    ]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:", *target]
    command += ["--target", str(folder), "--requirement", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    if done.returncode != 0:
        raise BuildError(
            f"the dependencies cannot be installed for Python {python}, {architecture}:\n{done.stderr}"
        )


def _platforms(python: str, architecture: str) -> list[str]:
    """The wheels that run there: from Python 3.12 on a runtime has a C library of 2.34, before that of 2.26."""
    versions = ["manylinux2014"]
    if int(python.split(".")[1]) >= _NEW_LIBC:
        versions.append("manylinux_2_28")
    return [f"{version}_{ARCHITECTURES[architecture]}" for version in versions]


def _prune(folder: Path) -> None:
    """Take away what a Lambda function never reads. Licences stay, and so does a true record of what is whose."""
    shutil.rmtree(folder / "bin", ignore_errors=True)
    for described in folder.glob("*.dist-info"):
        for name in _OF_THE_INSTALL:
            (described / name).unlink(missing_ok=True)
    for service in (folder / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)
    for record in folder.glob("*.dist-info/RECORD"):
        _keep_true(record, folder)


def _keep_true(record: Path, folder: Path) -> None:
    """Take out of a RECORD what is not there any more; the bill of materials is made by it."""
    rows = csv.reader(record.read_text("utf-8").splitlines())
    there = [row for row in rows if not row[0].startswith("..") and (folder / row[0]).is_file()]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(sorted(there))
    record.write_text(written.getvalue(), encoding="utf-8")


def _copy_package(folder: Path) -> None:
    unwanted = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
    shutil.copytree(ROOT / "validator", folder / "validator", ignore=unwanted)
    for name in NOT_THE_HANDLERS:
        part = folder / "validator" / name
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")


def _write(folder: Path, path: Path) -> Sizes:
    """Zip the folder: names in order, one time, one mode, so that the same files give the same bytes."""
    unzipped = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(
            found.relative_to(folder).as_posix() for found in folder.rglob("*") if found.is_file()
        ):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, whatever built it: only then does the mode count
            entry.external_attr = 0o100644 << 16
            content = (folder / name).read_bytes()
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, 9)
            unzipped += len(content)
    return Sizes(path.stat().st_size, unzipped)


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _python_version(text: str) -> str:
    if not re.fullmatch(r"3\.[1-9]\d", text):
        raise argparse.ArgumentTypeError(f"{text} is no Python version such as 3.13")
    return text


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(description="Build the zip of mwaa-gate's Lambda function.")
    parser.add_argument("--output", type=Path, default=Path("dist/mwaa-gate-lambda.zip"), metavar="FILE")
    parser.add_argument(
        "--python", type=_python_version, default="3.13", metavar="3.X", help="the runtime's (3.13)"
    )
    parser.add_argument(
        "--architecture", choices=ARCHITECTURES, default="x86_64", help="the function's (x86_64)"
    )
    given = parser.parse_args(arguments)
    try:
        sizes = build(given.output, given.python, given.architecture)
    except (BuildError, OSError) as error:
        print(f"build_zip: {error}", file=sys.stderr)  # noqa: T201 - a script talks to its user
        return 1
    print(f"{given.output}: {_mb(sizes.zipped)}, unzipped {_mb(sizes.unzipped)}")  # noqa: T201 - the same
    return 0


if __name__ == "__main__":
    sys.exit(main())
