"""Changes of a manifest's text, each at its place. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, NamedTuple

from validator.draft.yaml_text import attribute, flow, scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from validator.draft.places import Place, Places

_COMMA = re.compile(r"(?:\s|#[^\n]*)*,[ \t]*")
"""From an item's end to behind its comma: spaces, lines and comments may stand before that."""
_PLAIN_COMMA = re.compile(r"[ \t]*,[ \t]*")


class Edit(NamedTuple):
    """Put `text` where now `start` to `end` is. Those of one place take effect in the order in which they were made."""

    start: int
    end: int
    text: str


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made.

    Raises:
        ValueError: two of them change the same.
    """
    parts: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda edit: edit[:2]):
        if edit.start < done:
            raise ValueError(f"two changes meet at character {edit.start}")
        parts += [text[done : edit.start], edit.text]
        done = edit.end
    return "".join([*parts, text[done:]])


class Editor:
    """Makes the edits of one text."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._text = places.text
        self.edits: list[Edit] = []

    def result(self) -> str:
        """The text with all edits made."""
        return apply(self._text, self.edits)

    def to_mapping(self, bare: Place, values: Mapping[str, Any], *, in_flow: bool) -> None:
        """Make a mapping of a bare id, and add these demands to it."""
        if in_flow:
            more = "".join(f", {name}: {flow(value)}" for name, value in values.items())
            self.insert(bare.start, "{dag_id: ")
            self.insert(bare.end, f"{_apart(bare)}{more}}}")
            return
        self.insert(bare.start, "dag_id: ")
        self._add_lines(bare.end, self._places.column(bare.start), values)

    def add(self, entry: Place, values: Mapping[str, Any]) -> None:
        """Add these demands to a mapping, at its end."""
        last = max(entry.entries.values(), key=lambda place: place.end)
        if entry.flow:
            more = "".join(f", {name}: {flow(value)}" for name, value in values.items())
            self.insert(last.end, f"{_apart(last)}{more}")
        else:
            first = min(key.start for key in entry.keys.values())
            self._add_lines(last.end, self._places.column(first), values)

    def change(self, entry: Place, name: str, value: Any) -> None:  # noqa: ANN401 - as an ExpectedDag has it
        """Change what an entry demands. Of a list the items that stay are not touched."""
        old = entry.entries[name]
        if old.kind != "list" or not isinstance(value, tuple):
            space = " " if self._text[old.start - 1] == ":" else ""
            self.edits.append(Edit(old.start, old.end, space + flow(value)))
            return
        told = [item.text.replace("$${", "${") if item.kind == "scalar" else None for item in old.items]
        gone = {index for index, text in enumerate(told) if text not in value}
        stay = set(told)
        column = " " * self._places.column(old.marks[0]) if old.items and not old.flow else ""
        new = [
            scalar(item) if old.flow else f"{column}- {scalar(item)}" for item in value if item not in stay
        ]
        slot = len(old.items) - 1
        self.change_list(entry.keys[name], old, gone, {slot: [[line] for line in new]} if new else {})

    def change_list(
        self, key: Place, place: Place, gone: set[int], new: Mapping[int, Sequence[Sequence[str]]]
    ) -> None:
        """Take items out of a list, and put others in.

        Args:
            key: the list's key.
            place: the list.
            gone: the indices of those to take out.
            new: the lines of each item to put in, by the index of the item after which it goes; -1: before the first.
        """
        kept = [index for index in range(len(place.items)) if index not in gone]
        slots: dict[int | None, list[Sequence[str]]] = {}
        for slot in sorted(new):
            position = bisect_right(kept, slot)
            before = kept[position - 1] if position else None
            slots.setdefault(before, []).extend(new[slot])
        if place.flow:
            self._change_flow(place, gone, kept, slots)
        elif not kept and not slots:
            self._take_lines(place, gone)
            colon = self._text.index(":", key.end)
            self.insert(colon + 1, " []")
        else:
            self._change_block(place, gone, kept, slots)

    def lines_after(self, position: int, lines: Iterable[str]) -> None:
        """Put lines after that of `position`."""
        newline = self._places.newline
        self.insert(self._places.line_end(position), "".join(newline + line for line in lines))

    def drop(self, place: Place) -> None:
        """Take a value away, and the blanks before it."""
        start = place.start
        while self._text[start - 1] in " \t":
            start -= 1
        self.edits.append(Edit(start, place.end, ""))

    def insert_in(self, place: Place, text: str) -> None:
        """Put `text` at the end of what stands within brackets."""
        inner = [*place.items, *place.entries.values()]
        if inner:
            last = max(inner, key=lambda one: one.end)
            self.insert(last.end, f"{_apart(last)}, {text}")
        else:
            self.insert(self._opening(place), text)

    def _change_block(
        self,
        place: Place,
        gone: set[int],
        kept: Sequence[int],
        slots: Mapping[int | None, Sequence[Sequence[str]]],
    ) -> None:
        newline = self._places.newline
        first = [line for item in slots.get(None, ()) for line in item]
        if first and kept:
            start = self._places.line_start(place.marks[kept[0]])
            self.insert(start, "".join(line + newline for line in first))
        elif first:  # in place of what goes
            start = self._places.line_start(place.marks[0])
            end = self._places.line_end(place.items[0].end)
            self.edits.append(Edit(start, end, newline.join(first)))
        self._take_lines(place, gone - {0} if first and not kept else gone)
        for index, items in slots.items():
            if index is not None:
                self.lines_after(place.items[index].end, [line for item in items for line in item])

    def _take_lines(self, place: Place, gone: Iterable[int]) -> None:
        for index in sorted(gone):
            # With the line's end before it, so that what goes behind the last one still has its place.
            start = self._places.line_end(self._places.line_start(place.marks[index]) - 1)
            self.edits.append(Edit(start, self._places.line_end(place.items[index].end), ""))

    def _change_flow(
        self,
        place: Place,
        gone: set[int],
        kept: Sequence[int],
        slots: Mapping[int | None, Sequence[Sequence[str]]],
    ) -> None:
        texts = {slot: ", ".join("".join(item) for item in items) for slot, items in slots.items()}
        instead = texts.get(None, "")
        if instead and kept:
            start = place.items[kept[0]].start
            self.edits.insert(0, Edit(start, start, f"{instead}, "))  # ahead of what that item itself becomes
        elif instead and not place.items:
            self.insert(self._opening(place), instead)
        for index in kept:
            if index in texts:
                item = place.items[index]
                self.insert(item.end, f"{_apart(item)}, {texts[index]}")
        for index in sorted(gone):
            item = place.items[index]
            if index == 0 and instead and not kept:
                self.edits.append(Edit(item.start, item.end, instead))
            else:
                self._take_item(place, index, gone)

    def _take_item(self, place: Place, index: int, gone: set[int]) -> None:
        """Take an item and its comma out of brackets; comments and line ends stay."""
        item = place.items[index]
        comma = _COMMA.match(self._text, item.end, place.end)
        if comma is not None:
            self.edits.append(Edit(item.start, item.end, ""))
            at = comma.group().rindex(",") + item.end
            self.edits.append(Edit(at, comma.end(), ""))
            return
        before = place.items[index - 1] if index > 0 and index - 1 not in gone else None
        if before is not None and _PLAIN_COMMA.fullmatch(self._text, before.end, item.start):
            self.edits.append(Edit(before.end, item.end, ""))
        else:
            self.edits.append(Edit(item.start, item.end, ""))

    def _add_lines(self, position: int, column: int, values: Mapping[str, Any]) -> None:
        lines: list[str] = []
        for name, value in values.items():
            lines += attribute(name, value, " " * column)
        self.lines_after(position, lines)

    def _opening(self, place: Place) -> int:
        """Behind the bracket or brace that opens it."""
        return self._text.index("[" if place.kind == "list" else "{", place.start) + 1

    def insert(self, position: int, text: str) -> None:
        """Put `text` there."""
        self.edits.append(Edit(position, position, text))


def _apart(place: Place) -> str:
    """What must stand between a value and a comma: some readers take the comma for a part of an alias's name."""
    return " " if place.kind == "alias" else ""
