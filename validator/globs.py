"""Globs for files: `*` stays within a folder, `**` crosses folders, `**/` is any number of them, `?` one character.

A regular expression of them can take as long as its stars are many: here each character of a name is looked at once for
each of the glob's parts.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PARTS = re.compile(r"\*\*/|\*\*|\*|.", re.DOTALL)
_STARS = ("*", "**", "**/")


def glob_matches(glob: str, name: str) -> bool:
    """Whether the whole of `name` fits."""
    first, parts, last = _taken_apart(glob)
    if not (name.startswith(first) and name.endswith(last)):  # nearly all names end here
        return False
    at = _with_empty({(0, False)}, parts)
    for char in name:
        at = _with_empty({after for one in at for after in _after(one, char, parts)}, parts)
        if not at:
            return False
    return (len(parts), False) in at


@lru_cache(maxsize=1000)
def _taken_apart(glob: str) -> tuple[str, tuple[str, ...], str]:
    """What a name must begin with, the glob's parts, and what a name must end with."""
    parts = tuple(_PARTS.findall(glob))
    wild = [number for number, part in enumerate(parts) if part in (*_STARS, "?")]
    if not wild:
        return glob, parts, glob
    return "".join(parts[: wild[0]]), parts, "".join(parts[wild[-1] + 1 :])


_Place = tuple[int, bool]
"""Before which of the parts, and whether in the middle of a `**/`, which ends with a slash."""


def _with_empty(places: set[_Place], parts: tuple[str, ...]) -> set[_Place]:
    """The places, and those that are reached from there by parts that match nothing."""
    found = set(places)
    for number, inside in sorted(places):
        at = number
        while not inside and at < len(parts) and parts[at] in _STARS:
            at += 1
            found.add((at, False))
    return found


def _after(place: _Place, char: str, parts: tuple[str, ...]) -> list[_Place]:
    """Where one character leads."""
    number, _ = place
    part = parts[number] if number < len(parts) else ""
    if part == "**/":
        return [(number, True), (number + 1, False)] if char == "/" else [(number, True)]
    if part == "**" or (part == "*" and char != "/"):
        return [(number, False)]
    fits = char == part or (part == "?" and char != "/")
    return [(number + 1, False)] if fits else []
