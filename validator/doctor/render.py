"""A diagnosis as text for people, and as JSON for machines (docs/doctor.schema.json). Foreign text is made inert here."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from validator import __version__
from validator.doctor.model import GROUPS, Status
from validator.report.sanitize import bounded, encodable, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validator.doctor.model import Diagnosis, Line

SCHEMA = 1
"""Counts up when a reader of the old shape would misread the new one; new keys and new ids do not."""
_TEXT_LIMIT = 10_000
_COLOURS = {Status.OK: "green", Status.WARNING: "yellow", Status.PROBLEM: "bold red", Status.SKIPPED: "cyan"}
_WIDTH = max(len(status) for status in Status)
_INDENT = " " * (2 + _WIDTH + 2)

_Piece = tuple[str, str]


def as_text(diagnosis: Diagnosis, *, colour: bool = False) -> str:
    """All lines under their headings, and what to do first; ends with a line break. The words are the same in colour."""
    paint = _painted if colour else _plain
    return "".join("".join(map(paint, pieces)) + "\n" for pieces in _compose(diagnosis))


def as_json(diagnosis: Diagnosis) -> str:
    """One JSON object in ASCII; ends with a line break."""
    document = {
        "schema": SCHEMA,
        "gate_version": __version__,
        "target": _text(diagnosis.target),
        "exit_code": diagnosis.exit_code,
        "counts": diagnosis.counts,
        "lines": [_line(line) for line in diagnosis.lines],
    }
    text = json.dumps(document, indent=2, allow_nan=False)
    # Printed into a log, `##[cmd]` would be a command of the pipeline's; a JSON reader sees no difference.
    return re.sub("#(?=#)", r"\\u0023", text) + "\n"


def _compose(diagnosis: Diagnosis) -> list[list[_Piece]]:
    rows: list[list[_Piece]] = [[(f"mwaa-gate doctor: {one_line(diagnosis.target)}", "bold")]]
    wide = max((len(line.id) for line in diagnosis.lines), default=0)
    for heading, ids in GROUPS.items():
        lines = [line for line in diagnosis.lines if line.id in ids]
        if lines:
            rows += [[("", "")], [(heading, "bold")]]
        for line in lines:
            told = f"  {line.id:<{wide}}  {one_line(line.message)}"
            rows.append([("  ", ""), (f"{line.status.value:<{_WIDTH}}", _COLOURS[line.status]), (told, "")])
            if line.advice:
                rows.append([(f"{_INDENT}{'':<{wide}}  What to do: {one_line(line.advice)}", "")])
    return [*rows, [("", "")], [(_last(diagnosis), "bold")]]


def _last(diagnosis: Diagnosis) -> str:
    """How many lines there are of each status, and what to do first."""
    counts = diagnosis.counts
    several = [
        f"{counts[one]} {one}{'' if counts[one] == 1 else 's'}" for one in (Status.WARNING, Status.PROBLEM)
    ]
    told = f"{counts[Status.OK]} ok, {', '.join(several)}, {counts[Status.SKIPPED]} skipped."
    first = diagnosis.first(Status.PROBLEM)
    if first is not None:
        return f"{told} First look at {first.id}: {one_line(first.advice)}"
    if diagnosis.first(Status.WARNING) is not None:
        return f"{told} Nothing keeps the gate from working."
    return f"{told} All is well."


def _plain(piece: _Piece) -> str:
    return piece[0]


def _painted(piece: _Piece) -> str:
    from rich.color import ColorSystem  # noqa: PLC0415 - only a terminal needs rich
    from rich.style import Style  # noqa: PLC0415 - the same

    text, style = piece
    # Style.render knows no markup and no emoji codes: the text stays what it is.
    return Style.parse(style).render(text, color_system=ColorSystem.STANDARD) if style else text


def _line(line: Line) -> dict[str, Any]:
    return {
        "id": line.id,
        "status": str(line.status),
        "message": _text(line.message),
        "advice": _text(line.advice),
        "details": _details(line.details),
    }


def _details(details: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _value(value) for key, value in details.items()}


def _value(value: Any) -> Any:  # noqa: ANN401 - plain JSON-able data
    if isinstance(value, str):
        return _text(value)
    return [_value(one) for one in value] if isinstance(value, (list, tuple)) else value


def _text(text: str) -> str:
    return encodable(bounded(text, _TEXT_LIMIT))
