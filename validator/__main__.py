"""The command `mwaa-gate`, and `python -m validator`: the only place that exits."""

from __future__ import annotations

# ruff: noqa: E402 - the first thing to do is to take care of ^C; the imports after it are most of a short run
# What `signal` is made of, which takes its time to make enums of it.
import _signal as signals  # type: ignore[import-not-found]

_caught = signals.getsignal(signals.SIGINT) is signals.default_int_handler
try:
    if _caught:
        # Until somebody can catch it, ^C ends the process as it ends any other: without a stack trace.
        signals.signal(signals.SIGINT, signals.SIG_DFL)
except ValueError:  # imported by a thread, which no signal reaches
    _caught = False

import contextlib
import gc
import io
import os
import sys

import click

from validator.cli.main import cli
from validator.errors import EXIT_CANNOT_TELL, EXIT_SIGNAL, EXIT_USAGE, GateError, ManifestError

if _caught:
    signals.signal(signals.SIGINT, signals.default_int_handler)

GC_THRESHOLD = 250_000
"""Objects that may be made before the garbage collector looks; Python's own is 700. A check of 10,000 DAGs leaves 222,000,
nearly all of them in use: looking through them takes 50 ms and finds nothing."""
_INTERRUPTED = EXIT_SIGNAL + 2


def main() -> None:
    """Run the command line and exit with its code."""
    # Importing makes much and leaves nothing to collect: the default costs a short run 7 % of its CPU.
    gc.set_threshold(GC_THRESHOLD)
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # between two steps of ours
        code = _INTERRUPTED
    except BaseException:  # noqa: BLE001 - Python's own code for it is 1, which says that the deploy is red
        sys.excepthook(*sys.exc_info())
        click.echo("mwaa-gate: this is a mistake in mwaa-gate, and says nothing of the deploy.", err=True)
        code = EXIT_CANNOT_TELL
    for stream in (sys.stdout, sys.stderr):
        if stream is None:  # it was closed before the start
            continue
        try:
            stream.flush()
        except (OSError, ValueError):
            # Nobody reads any more. Without this Python would complain at its end, and change the exit code.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    # Calls may still be under way in threads, and Python would wait for them: their answers matter to nobody now.
    os._exit(code)


def run(arguments: list[str]) -> int:  # noqa: PLR0911 - one for each way to end
    """The exit code of `mwaa-gate ARGUMENTS`. Every expected error is told on stderr, with its advice."""
    try:
        result = cli.main(arguments, prog_name="mwaa-gate", standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort:
        return _INTERRUPTED
    except click.ClickException as error:
        _show(error)
        return EXIT_USAGE
    except GateError as error:
        tell(error)
        return error.exit_code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as error:  # a full disk or a closed pipe behind stdout
        click.echo(f"mwaa-gate: the output could not be written: {error.strerror}.", err=True)
        return EXIT_CANNOT_TELL
    except MemoryError:
        click.echo("mwaa-gate: out of memory.", err=True)
        return EXIT_CANNOT_TELL
    return result if isinstance(result, int) else 0


def _show(error: click.ClickException) -> None:
    """Print what click says of a wrong command line; a value that it quotes may hold what a log would act on."""
    from validator.report.sanitize import one_line  # noqa: PLC0415 - only when something went wrong

    said = io.StringIO()
    error.show(said)
    click.echo("\n".join(map(one_line, said.getvalue().rstrip("\n").split("\n"))), err=True)


def tell(error: GateError) -> None:
    """Print what happened and what to do about it, with nothing in it that a terminal or a log would act on.

    Where nobody can be told, the exit code and the reports still can.
    """
    from validator.report.sanitize import one_line  # noqa: PLC0415 - only when something went wrong

    lines = [f"mwaa-gate: {one_line(error.message)}"]
    if isinstance(error, ManifestError):
        lines += [f"  {one_line(problem)}" for problem in error.problems]
    if error.advice:
        lines.append(f"What to do: {one_line(error.advice)}")
    with contextlib.suppress(OSError, ValueError):
        click.echo("\n".join(lines), err=True)


if __name__ == "__main__":
    main()
