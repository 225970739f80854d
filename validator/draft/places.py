"""Where each value of a manifest stands in its text, so that one can be changed and all the rest stays byte for byte."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(eq=False)
class Place:
    """A value and where it stands. Positions are characters from the text's start."""

    kind: str
    """`mapping`, `list`, `scalar` or `alias`."""
    start: int
    """Its anchor or tag, if it has one, else its first character."""
    end: int
    """After its last character; a comment behind it, or a line's end, is no part of it."""
    flow: bool = False
    """It is within brackets, or is a scalar."""
    style: str = ""
    """Of a scalar: `'`, `"`, `|` or `>`; empty: plain."""
    text: str = ""
    """Of a scalar: what it says, before environment variables go in."""
    anchor: str | None = None
    """The name of its anchor, or of the one that an alias refers to."""
    items: list[Place] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    """Of a list's items: the dash of each; within brackets the item itself."""
    entries: dict[str, Place] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)

    def anchors(self) -> Iterator[str]:
        """The anchors of it and of all in it."""
        if self.anchor is not None and self.kind != "alias":
            yield self.anchor
        for child in (*self.items, *self.keys.values(), *self.entries.values()):
            yield from child.anchors()


@dataclass(frozen=True)
class Places:
    """A whole manifest."""

    text: str
    root: Place
    aliased: frozenset[str]
    """The anchors that something refers to."""
    newline: str
    """What ends a line."""

    def line_start(self, position: int) -> int:
        """Where the line of `position` begins."""
        return self.text.rfind("\n", 0, position) + 1

    def line_end(self, position: int) -> int:
        """Where the line of `position` ends, before what ends it."""
        end = self.text.find("\n", position)
        end = len(self.text) if end < 0 else end
        return end - 1 if self.text[end - 1 : end] == "\r" else end

    def column(self, position: int) -> int:
        """Characters before `position` on its line."""
        return position - self.line_start(position)


def find_places(text: str) -> Places:
    """The places of a text that the loader takes for a manifest: its top is a mapping, and nothing stands twice.

    Raises:
        ruamel.yaml.error.YAMLError, ValueError: it is no such text, or ruamel reads it otherwise than the loader.
    """
    from ruamel.yaml import YAML  # noqa: PLC0415 - only --update reads a manifest so closely

    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 1)  # as the loader
    dashes = [
        token.start_mark.index for token in yaml.scan(text) if type(token).__name__ == "BlockEntryToken"
    ]
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 1)
    reader = _Reader(text, dashes)
    for event in yaml.parse(text):
        reader.take(event)
    newline = "\r\n" if "\r\n" in text[: text.find("\n") + 1] else "\n"
    return Places(text, reader.root or Place("scalar", 0, 0), frozenset(reader.aliased), newline)


class _Reader:
    """Builds the places from the parser's events."""

    def __init__(self, text: str, dashes: list[int]) -> None:
        self.root: Place | None = None
        self.aliased: set[str] = set()
        self._text = text
        self._dashes = dashes
        self._stack: list[tuple[Place, list[Place]]] = []
        """Each open list or mapping, with a mapping's key that waits for its value."""

    def take(self, event: Any) -> None:  # noqa: ANN401 - ruamel's events have no common type with these
        kind = type(event).__name__
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            place = Place("mapping" if kind == "MappingStartEvent" else "list", event.start_mark.index, -1)
            place.flow, place.anchor = bool(event.flow_style), event.anchor
            self._stack.append((place, []))
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            place, _ = self._stack.pop()
            inner = [*place.items, *place.entries.values()]
            place.end = (
                event.end_mark.index if place.flow else max([place.start, *(one.end for one in inner)])
            )
            self._add(place)
        elif kind == "ScalarEvent":
            start, end = event.start_mark.index, event.end_mark.index
            end = start + len(self._text[start:end].rstrip())
            self._add(
                Place(
                    "scalar",
                    start,
                    end,
                    flow=True,
                    style=event.style or "",
                    text=event.value,
                    anchor=event.anchor,
                )
            )
        elif kind == "AliasEvent":
            self.aliased.add(event.anchor)
            start, end = event.start_mark.index, event.end_mark.index
            self._add(Place("alias", start, end, flow=True, anchor=event.anchor))

    def _add(self, place: Place) -> None:
        if not self._stack:
            self.root = place
            return
        parent, waiting = self._stack[-1]
        if parent.kind == "list":
            parent.items.append(place)
            parent.marks.append(place.start if parent.flow else self._dash_before(place.start))
        elif waiting:
            key = waiting.pop()
            if place.kind == "scalar" and place.start == place.end:  # nothing, wherever the parser noticed it
                place.start = place.end = self._text.index(":", key.end) + 1
            parent.keys[key.text] = key
            parent.entries[key.text] = place
        else:
            waiting.append(place)

    def _dash_before(self, position: int) -> int:
        """The dash of an entry that begins at `position`: nothing but space and comments stands between the two."""
        found = bisect.bisect_right(self._dashes, position) - 1
        return self._dashes[found]
