"""What goes to Airflow as JSON: a `conf`, and an event's `extra`. The schema takes any mapping there; JSON does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.manifest.problems import Problem, join_path, show
from validator.manifest.scalars import means_the_same_to_json
from validator.manifest.wording import seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from validator.manifest.nodes import Node

_MUST = "it must be text, or a number of up to 64 bits, true, false or null as JSON writes them; put text in quotes"


def not_json(node: Node, path: str) -> Iterator[Problem]:
    """What in a value is not to YAML what it is to JSON; `path` is the value's own."""
    for key, entry in node.entries.items():
        yield from not_json(entry, join_path(path, key))
    for index, item in enumerate(node.items):
        yield from not_json(item, join_path(path, index))
    if node.kind in {"mapping", "list", "broken"}:
        return
    if not means_the_same_to_json(node.kind, node.raw, quoted=node.quoted):
        yield Problem(node.line, path, _wrong(node))


def _wrong(node: Node) -> str:
    if node.kind == "text":
        return f"is {show(node.raw)}, a number to JSON and text to YAML; write the number out, or put it in quotes"
    return f"is {seen(node)}; {_MUST}"
