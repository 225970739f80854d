"""What a check leaves for GitHub Actions, where it runs there: annotations, outputs and the job summary.

Nothing of this changes the exit code: a file of GitHub's that cannot be written is a note on stderr.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from validator.errors import GateError, ManifestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from io import FileIO

    from validator.report.github import Annotation
    from validator.report.interface import Report

OUTPUTS = {"junit": "junit", "json": "report", "html": "html", "markdown": "markdown"}
"""The output that names a written report's path, by the report's format."""
_LEAST_ROOM = 20_000
_LINE = re.compile(r"line ([0-9]+): ")
_MISTAKE = "this is a mistake in mwaa-gate, and says nothing of the deploy"


class ToldCommand(click.Command):
    """A command that tells GitHub, too, when it could not begin."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - click's own signature
    ) -> click.Context:
        """Read the options."""
        with _told():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run it."""
        with _told():
            return super().invoke(ctx)


def tell_report(
    report: Report,
    code: int,
    written: Mapping[str, str],
    troubles: Sequence[str] = (),
    folder: str | None = None,
) -> None:
    """Tell GitHub, if this is its runner, how a check ended.

    Args:
        report: the finished report.
        code: the exit code, which is another than the report's where a report could not be written.
        written: the reports' paths by format.
        troubles: what went wrong after the verdict, a sentence each.
        folder: the local DAGs folder; None: a check's file is none of this machine.
    """
    if not _is_there():
        return
    from validator.report.github import annotate  # noqa: PLC0415 - few runs are GitHub's
    from validator.report.markdown import SUMMARY_LIMIT, page  # noqa: PLC0415 - the same

    print_annotations(annotate(report, lambda file: in_workspace(file, folder), troubles))
    values = {
        "verdict": str(report.verdict) if code == report.exit_code else "error",
        "failed": str(sum(1 for check in report.checks if check.status == "failed")),
        "passed": str(sum(1 for check in report.checks if check.status == "passed")),
    }
    values |= {OUTPUTS[name]: str(Path(path).absolute()) for name, path in written.items() if name in OUTPUTS}
    _put_outputs(values)
    room = SUMMARY_LIMIT - _size("GITHUB_STEP_SUMMARY")
    if room >= _LEAST_ROOM:
        _append("GITHUB_STEP_SUMMARY", b"\n" + page(report, room))
    else:
        _note("the job summary is full; the report was not added to it")


def in_workspace(path: str, folder: str | None = ".") -> str | None:
    """`path` relative to the workspace, if it is a file in there and below `folder`; None: it is not."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    if not workspace or folder is None:
        return None
    try:
        real = Path(path).resolve(strict=True)
        relative = real.relative_to(Path(workspace).resolve(strict=True))
        if folder != ".":
            real.relative_to(Path(folder).resolve(strict=True))
        return relative.as_posix() if real.is_file() else None
    except (OSError, ValueError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
        return None


def print_annotations(annotations: Sequence[Annotation]) -> None:
    """Make GitHub's runner show them: each is a line on stdout."""
    from validator.report.streams import SafeStream  # noqa: PLC0415 - few runs are GitHub's

    out = SafeStream(sys.stdout)
    for annotation in annotations:
        out.write(annotation.command() + "\n")
    out.flush()


def tell_interrupted() -> None:
    """Tell GitHub, if this is its runner, that a check was interrupted before it called anything."""
    if _is_there():
        _tell_refusal("interrupted", ["The gate was interrupted before it had looked at anything."])


@contextmanager
def _told() -> Iterator[None]:
    """Tell GitHub what keeps a check from a report, and let it pass."""
    try:
        yield
    except click.exceptions.Exit:
        raise
    except Exception as error:
        if _is_there():
            _tell_error(error)
        raise
    except KeyboardInterrupt:
        tell_interrupted()
        raise


def _tell_error(error: Exception) -> None:
    if isinstance(error, ManifestError):
        file = in_workspace(error.path)
        found = _LINE.match(error.problems[0]) if error.problems else None
        line = int(found[1]) if found and file is not None else None
        _tell_refusal("wrong manifest", [error.message, *error.problems, error.advice], file, line)
    elif isinstance(error, GateError):
        _tell_refusal("wrong input" if error.exit_code == 2 else "cannot tell", [error.message, error.advice])  # noqa: PLR2004 - the table of exit codes
    elif isinstance(error, click.Abort):
        tell_interrupted()
    elif isinstance(error, click.ClickException):
        _tell_refusal("wrong input", [error.format_message()])
    else:
        _tell_refusal("cannot tell", [f"{type(error).__name__}: {_MISTAKE}"])


def _tell_refusal(what: str, lines: Sequence[str], file: str | None = None, line: int | None = None) -> None:
    """One annotation, the verdict, and a few lines in the summary: nothing was checked, so there is no count."""
    from validator.report.github import NAME, Annotation  # noqa: PLC0415 - few runs are GitHub's
    from validator.report.markdown import refusal  # noqa: PLC0415 - the same
    from validator.report.sanitize import one_line  # noqa: PLC0415 - the same

    said = tuple(one_line(text) for text in lines if text)
    print_annotations([Annotation("error", f"{NAME}: {what}", said, file, line)])
    _put_outputs({"verdict": "error"})
    _append("GITHUB_STEP_SUMMARY", b"\n" + refusal(what, said))


def _is_there() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _put_outputs(values: Mapping[str, str]) -> None:
    import secrets  # noqa: PLC0415 - few runs are GitHub's

    from validator.report.github import outputs  # noqa: PLC0415 - the same

    _append("GITHUB_OUTPUT", outputs(values, lambda: f"mwaa_gate_{secrets.token_hex(16)}"))


def _size(variable: str) -> int:
    """Bytes of what is in the file that `variable` names; 0 where it cannot be said."""
    try:
        return Path(os.environ.get(variable, "")).stat().st_size
    except (OSError, ValueError):
        return 0


def _append(variable: str, data: bytes) -> None:
    """Add `data` to the file that `variable` names; it must be there, as the runner makes it."""
    path = os.environ.get(variable)
    if not path:
        return
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            _note(f"{variable} names no regular file, and nothing was written there")
            return
        # Not mode "a", which would make the file anew where it was taken away in between.
        with Path(path).open("r+b", buffering=0) as file:
            _write_at_the_end(file, data)
    except (OSError, ValueError) as error:
        cause = (error.strerror if isinstance(error, OSError) else None) or "it is no path"
        _note(f"the file that {variable} names could not be written: {cause}")


def _write_at_the_end(file: FileIO, data: bytes) -> None:
    """All of `data`, or nothing: the runner refuses a file with half an output, and then the whole step is red."""
    end = file.seek(0, os.SEEK_END)
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[file.write(rest) or 0 :]
    finally:
        if rest:
            file.truncate(end)


def _note(text: str) -> None:
    from validator.report.sanitize import one_line  # noqa: PLC0415 - few runs are GitHub's
    from validator.report.streams import SafeStream  # noqa: PLC0415 - the same

    err = SafeStream(sys.stderr)
    err.write(f"mwaa-gate: note: {one_line(text)}\n")
    err.flush()
