"""Hostile text made inert. Pure functions; every format uses them and none invents its own.

What reaches a report comes from files that the gate did not write: stack traces, DAG ids, error bodies.
A reader of a log may be a terminal (escape sequences), a pipeline runner (`::cmd::` at a line's start,
`##[cmd]` anywhere in a line) or a person (bidirectional overrides, invisible characters).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MARK = "| "
"""Stands before every line of foreign text, so that none of it can be a line's start."""

LINE_LIMIT = 2_000
"""Characters of a text that is shown in one line."""
TRACE_LIMIT = 20_000
"""Characters of a text that is shown in many lines, such as a stack trace."""
TRACE_LINES = 400
"""Lines of such a text."""
ITEM_LIMIT = 500
"""Characters of one line of a text that comes in lines, such as a diff."""

_SEPARATOR = r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]"
_SEPARATORS = re.compile(_SEPARATOR)
_SEPARATOR_RUN = re.compile(f"(?:{_SEPARATOR})+")

# Controls (C0, DEL, C1), line and paragraph separators, lone surrogates, all that is invisible or turns the
# direction of writing: soft hyphen, zero-width characters and joiners, bidi controls, BOM, annotation, tags.
_UNSAFE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# GitHub's `##[cmd]`, and its relatives `##vso[...]` (Azure) and `##teamcity[...]`.
_COMMAND = re.compile(r"##(?=[A-Za-z]*\[)")
_LEADING_COMMAND = re.compile(r"^(\s*):(?=:)")
# What XML 1.0 forbids, and what it discourages. `re` compiles it at its first use: so large a set takes 4 ms.
_NOT_XML = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]"


def bounded(text: str, limit: int) -> str:
    """`text`, or its two ends if it is longer than `limit` characters; says how many were left out between.

    The result is never longer than `limit`, unless that is too small to say so (below about 60).
    """
    if len(text) <= limit:
        return text
    # The count's own width is taken from the longest that it can be.
    room = max(limit - len(_gap(len(text))), 2)
    head = room // 2
    tail = room - head
    return text[:head] + _gap(len(text) - head - tail) + text[-tail:]


def _gap(count: int) -> str:
    return f"\n[... {count:,} characters left out ...]\n"


def one_line(text: str, limit: int = LINE_LIMIT) -> str:
    """`text` as one inert line: no separators, no escapes, no commands.

    It should stand after words of ours; at a line's start it is guarded against being a command, no more.
    """
    if len(text) <= limit and text.isascii() and text.isprintable() and "##" not in text and "::" not in text:
        return text
    flat = _SEPARATOR_RUN.sub(" ", bounded(text, limit)).replace("\t", " ")
    return _LEADING_COMMAND.sub(r"\1: ", _inert(flat))


def split_lines(text: str) -> list[str]:
    """The lines of `text`, at every separator that some reader knows; empty ones at its end are dropped."""
    parts = _SEPARATORS.split(text)
    while parts and not parts[-1].strip():
        parts.pop()
    return parts


def marked_lines(
    text: str, limit: int = TRACE_LIMIT, lines: int = TRACE_LINES, mark: str = MARK
) -> list[str]:
    """`text` as inert lines, each after `mark`: at most `limit` characters and about `lines` lines of it."""
    parts = split_lines(bounded(text, limit))
    if len(parts) > lines:
        head = lines // 2
        tail = lines - head
        parts = [*parts[:head], f"[... {len(parts) - lines:,} lines left out ...]", *parts[-tail:]]
    return [mark + _inert(part.expandtabs(4)) for part in parts]


def marked_each(texts: Sequence[str], limit: int = TRACE_LIMIT, width: int = ITEM_LIMIT) -> list[str]:
    """Each of `texts` as one inert line after `MARK`: the first ones, at most `limit` characters of them.

    What separates lines is spelled out, and so is a tab: in a diff it may be all that differs.
    """
    shown: list[str] = []
    for text in texts[:TRACE_LINES]:
        line = text if len(text) <= width else text[: width - 1] + "…"
        limit -= len(line)
        if limit < 0:
            break
        shown.append(MARK + _inert(line.replace("\t", r"\x09")))
    if len(shown) < len(texts):
        shown.append(f"{MARK}[... {len(texts) - len(shown):,} lines left out ...]")
    return shown


def for_xml(text: str) -> str:
    """`text` without what XML forbids: each such character becomes U+FFFD."""
    return re.sub(_NOT_XML, "\ufffd", text)


def encodable(text: str) -> str:
    """`text` with lone surrogates spelled out as escapes, so that every strict reader of UTF-8 takes it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def _inert(line: str) -> str:
    if line.isascii() and line.isprintable() and "##" not in line:
        return line
    return _COMMAND.sub("# #", _UNSAFE.sub(_spelled_out, line))


def _spelled_out(match: re.Match[str]) -> str:
    character = match[0]
    if character.isascii():
        return f"\\x{ord(character):02x}"
    return character.encode("ascii", "backslashreplace").decode()
