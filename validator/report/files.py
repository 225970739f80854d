"""Report files are written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import sys
from pathlib import Path

from validator.errors import GateError, UsageError
from validator.report.sanitize import one_line
from validator.undisturbed import undisturbed

_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/([0-9]+)")
_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}


class WriteError(GateError):
    """A report could not be written; what was at its path before is still there, whole."""


def check_writable(path: str | Path) -> None:
    """Find out before anything is called whether a report can be written to `path`.

    Leaves nothing behind; a file that is there already is not touched.

    Raises:
        UsageError: the directory does not exist or cannot be written to, or `path` is a directory.
    """
    try:
        if _descriptor(path) is None and (target := _regular_target(path)) is not None:
            trial = _temporary_beside(target)
            with undisturbed():
                os.close(os.open(trial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                trial.unlink()
    except (OSError, ValueError) as error:
        raise UsageError(_message(path, error), advice=_advice(path, error)) from error


def write_atomically(path: str | Path, data: bytes, *, only_new: bool = False) -> None:
    """Write `data` to `path`, whole or not at all, also when interrupted in the middle.

    An existing file keeps its mode, a new one gets what the umask allows; a symbolic link stays one. What is
    no regular file (/dev/stdout, /dev/null, a pipe) is written to directly.

    Args:
        path: where to.
        data: what.
        only_new: a regular file that is there by now is not written over.

    Raises:
        UsageError: such a file is there.
        WriteError: it could not be written; names the path and the cause.
    """
    try:
        number = _descriptor(path)
        if number is not None:
            _write_to_descriptor(number, data)
        elif (target := _regular_target(path)) is None:
            with Path(path).open("wb", buffering=0) as special:
                _write_all(special.fileno(), data)
        else:
            _replace(target, data, only_new=only_new)
    except FileExistsError as error:
        raise UsageError(
            f"{one_line(os.fspath(path))} is there by now, and is left as it is", advice="Give another name."
        ) from error
    except (OSError, ValueError) as error:
        raise WriteError(_message(path, error), advice=_advice(path, error)) from error


def correct(path: str | Path, data: bytes) -> bool:
    """Put `data` in place of a report that is not true any more, and could not be replaced whole; or take it away.

    Returns:
        Whether `data` is there now. What is no regular file is left alone.
    """
    with contextlib.suppress(OSError, ValueError):
        if _descriptor(path) is not None or (target := _regular_target(path)) is None:
            return False
        try:
            with target.open("r+b", buffering=0) as file:  # needs no room where the file has it
                file.truncate(0)
                _write_all(file.fileno(), data)
        except OSError:
            target.unlink()
        else:
            return True
    return False


def _replace(target: Path, data: bytes, *, only_new: bool) -> None:
    temporary = _temporary_beside(target)
    try:
        number = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666)
        try:
            _write_all(number, data)
            os.fsync(number)
        finally:
            os.close(number)
        if only_new:
            _move_to_new(temporary, target)
            return
        with contextlib.suppress(FileNotFoundError):
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    except BaseException:  # also KeyboardInterrupt and what a signal handler raises
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _move_to_new(temporary: Path, target: Path) -> None:
    """Give the file its name, unless another one has it: a link to a name that is taken fails."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError as error:  # a file system without hard links
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
        temporary.replace(target)
    else:
        temporary.unlink()


def _write_all(number: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(number, rest) :]


def _write_to_descriptor(number: int, data: bytes) -> None:
    # Opening /dev/stdout anew would cut off a file that stdout was redirected to: what is open is used.
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    _write_all(number, data)


def _descriptor(path: str | Path) -> int | None:
    """The file descriptor that `path` stands for; None: it is an ordinary path."""
    text = os.fspath(path)
    match = _DESCRIPTOR.fullmatch(text)
    return int(match[1]) if match else _STREAMS.get(text)


def _regular_target(path: str | Path) -> Path | None:
    """The regular file that `path` is or would become, links followed; None: something special is there.

    Raises:
        IsADirectoryError: `path` is a directory, or is written like one.
        OSError: it cannot be looked at.
    """
    text = os.fspath(path)
    if not text or text.endswith(("/", os.sep)):
        raise IsADirectoryError(21, "it names a directory")
    try:
        mode = Path(text).stat().st_mode
    except FileNotFoundError:
        return Path(os.path.realpath(text))
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "it is a directory")
    return Path(os.path.realpath(text)) if stat.S_ISREG(mode) else None


def _temporary_beside(target: Path) -> Path:
    return target.parent / f".mwaa-gate-{secrets.token_hex(6)}.tmp"


def _message(path: str | Path, error: OSError | ValueError) -> str:
    name = one_line(os.fspath(path)) or "''"
    cause = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if isinstance(error, FileNotFoundError):
        cause = "its directory does not exist"
    return f"cannot write {name}: {cause}"


def _advice(path: str | Path, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"Create {one_line(str(Path(path).parent))} first: the gate creates no directories."
    if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return "Make room there, or give another path."
    return "Give a path that this user may write to."
