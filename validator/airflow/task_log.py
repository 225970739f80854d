"""The log of one try of a task, in the shapes that the API gives it; measured on 2.10.5 and 3.0.6.

Its text is the task's own, and hostile: it is kept as it is, and made inert where it is shown.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from validator.airflow.dialect import as_object, bad

if TYPE_CHECKING:
    from collections.abc import Iterator


def end_of_log(body: object, most: int) -> str | None:
    """The last `most` characters of a log, from the beginning of a line where one fits; None: it is empty.

    Raises:
        CallFailed: the answer is no log.
    """
    text = _text_of(body).strip()
    if not text:
        return None
    if len(text) <= most:
        return text
    _, newline, whole_lines = text[-most:].partition("\n")
    return whole_lines if newline else text[-most:]


def _text_of(body: object) -> str:
    if isinstance(body, str):  # Airflow 2, where plain text is taken: MWAA may, the plain URL does not
        return body
    if body is None:
        return ""
    content = as_object(body, "a task's log").get("content")
    if isinstance(content, str):
        return _unwrapped(content)
    if isinstance(content, list):
        return _of_events(content)
    raise bad(f"the answer for a task's log holds a {type(content).__name__} as its content, and no log")


def _unwrapped(content: str) -> str:
    """Airflow 2's JSON: its text is Python's way to write `[(host, log), ...]`."""
    if not content.startswith(("[(", "[]")):
        return content
    try:
        parts = ast.literal_eval(content)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return content
    if not isinstance(parts, list):
        return content
    pairs = [part for part in parts if isinstance(part, tuple) and [type(one) for one in part] == [str, str]]
    return "\n".join(log for _, log in pairs) if len(pairs) == len(parts) else content


def _of_events(events: list[Any]) -> str:
    """Airflow 3's events as lines, those of an exception last.

    What a task printed is read from a pipe, and comes after the exception that ended it: 20,000 lines were seen to.
    """
    lines: list[str] = []
    errors: list[str] = []
    for event in events:
        if isinstance(event, str):
            lines.append(event)
            continue
        told = as_object(event, "a line of a task's log")
        if not isinstance(told.get("event"), str):
            raise bad("a line of a task's log holds no event")
        stack = told.get("error_detail")
        if isinstance(stack, list) and stack:
            errors += [told["event"], *_of_exceptions(stack)]
        else:
            lines.append(told["event"])
    return "\n".join([*lines, *errors])


def _of_exceptions(stack: list[Any]) -> Iterator[str]:
    """The lines of a traceback. The exception that ended the task is told first, and its causes after it."""
    for one in reversed(stack):
        if not isinstance(one, dict):
            continue
        frames = one.get("frames")
        for frame in frames if isinstance(frames, list) else []:
            if isinstance(frame, dict):
                yield f'  File "{frame.get("filename")}", line {frame.get("lineno")}, in {frame.get("name")}'
        yield f"{one.get('exc_type')}: {one.get('exc_value')}"
