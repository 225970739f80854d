"""Reading a stack trace: the line to look at, and the cause in one line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from validator.airflow.models import DagFile

_FRAME = re.compile(r'^\s*File "([^"\n]{1,4096})", line (\d{1,9})\b', re.MULTILINE)
_LONGEST = 300
REDACTED = "REDACTED"
"""How Airflow begins the trace of an error whose DAGs the role may not all read."""


def line_in(trace: str, file: DagFile) -> int | None:
    """The 1-based line of `file` that the trace names last: the closest to the cause. None: it names none."""
    exact = similar = None
    for path, number in _FRAME.findall(trace):
        if path == file.absolute:
            exact = int(number)
        elif file.relative is not None and ("/" + path).endswith("/" + file.relative):
            similar = int(number)
    return exact if exact is not None else similar


def cause_of(trace: str) -> str:
    """The exception in one line, such as `ModuleNotFoundError: No module named 'x'`."""
    if trace.startswith(REDACTED):
        return "the caller's Airflow role may not see the stack trace"
    lines = [line for line in trace.splitlines() if line.strip()]
    cause = ""
    in_frames = True
    for line in lines:
        if line.startswith("Traceback "):
            in_frames = True
        elif in_frames and not line[0].isspace():
            cause = line
            in_frames = False
    text = cause or (lines[0].strip() if lines else "Airflow gives no stack trace")
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
