"""What a schema cannot say well: lists that are far too long, what stands twice, durations that make no sense."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.durations import parse_duration
from validator.manifest.build import DURATIONS
from validator.manifest.problems import Problem, join_path
from validator.manifest.schema_parts import LONGEST_DURATION, MAX_DAGS
from validator.manifest.wording import seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from validator.manifest.nodes import Node

_MIN_INTERVAL = 0.1
"""Seconds. Shorter only earns throttling."""


def too_long(node: Node, path: str = "") -> Iterator[Problem]:
    """The lists with more entries than any list may have; `path` is the node's own."""
    children: list[tuple[str | int, Node]] = [*node.entries.items(), *enumerate(node.items)]
    for key, child in children:
        if not child.entries and not child.items:
            continue
        where = join_path(path, key)
        if len(child.items) > MAX_DAGS:
            text = f"has {len(child.items):,} entries; at most {MAX_DAGS:,} are possible"
            yield Problem(child.line, where, text)
        else:
            yield from too_long(child, where)


def duplicates(root: Node) -> Iterator[Problem]:
    """What stands twice, each with both lines."""
    ids = list(_named(root, "dags", "dag_id"))
    absent = list(_texts(root, "absent"))
    require, ignore = (list(_texts(root, "health", key)) for key in ("require", "ignore"))
    yield from _repeated(ids)
    yield from _repeated(_named(root, "dags", "pattern", bare=False))
    yield from _repeated_in_dags(root)
    for texts in (absent, require, ignore):
        yield from _repeated(texts)
    for block in ("import_errors", "inventory"):
        yield from _repeated(_texts(root, block, "allow"))
    yield from _repeated(_texts(root, "variables"))
    yield from _repeated(_named(root, "connections", "conn_id"))
    yield from _repeated(_named(root, "pools", "name"))
    yield from _in_both(ids, absent, "a DAG cannot be expected and absent at once; take one of them out")
    yield from _in_both(
        require, ignore, "a component cannot be required and ignored at once; take one of them out"
    )


def bad_durations(root: Node) -> Iterator[Problem]:
    """Durations that look right and are not: too long, or too short for their use."""
    places = [("gate", key) for key in DURATIONS] + [("health", "max_heartbeat_age")]
    for block, key in places:
        node = _child(_child(root, block, "mapping"), key, "text")
        if node is None or len(str(node.value)) > LONGEST_DURATION:
            continue  # the schema tells the long ones
        path = f"{block}.{key}"
        try:
            seconds = parse_duration(str(node.value))
        except ValueError as error:
            if "longer than a day" in str(error):  # the schema tells the others
                yield Problem(node.line, path, f"is {seen(node)}, longer than a day; is the unit right?")
            continue
        if key == "interval" and seconds < _MIN_INTERVAL:
            yield Problem(node.line, path, f"is {seen(node)}; it must be at least 100ms, and 10s is usual")
        if key == "max_heartbeat_age" and seconds == 0:
            yield Problem(node.line, path, f"is {seen(node)}; it must be more than 0s, and 60s is usual")


def _child(node: Node | None, key: str, kind: str) -> Node | None:
    """The value of `key`, if it is of that kind; the schema tells where it is not."""
    child = node.entries.get(key) if node is not None else None
    return child if child is not None and child.kind == kind else None


def _items(node: Node | None, key: str) -> list[Node]:
    found = _child(node, key, "list")
    return found.items if found is not None else []


def _texts(root: Node, *keys: str) -> Iterator[tuple[str, Node]]:
    """The texts in the list under these keys, one within the other, each with its path."""
    *blocks, last = keys
    node: Node | None = root
    for block in blocks:
        node = _child(node, block, "mapping")
    for index, item in enumerate(_items(node, last)):
        if item.kind == "text":
            yield f"{'.'.join(keys)}[{index}]", item


def _named(root: Node, key: str, named_by: str, *, bare: bool = True) -> Iterator[tuple[str, Node]]:
    """What names each entry of a list, with its path: the value of `named_by`, and with `bare` a text itself."""
    for index, item in enumerate(_items(root, key)):
        path = f"{key}[{index}]"
        if item.kind == "text" and bare:
            yield path, item
        name = _child(item, named_by, "text")
        if name is not None:
            yield f"{path}.{named_by}", name


def _repeated_in_dags(root: Node) -> Iterator[Problem]:
    """What stands twice within one entry of `dags`."""
    for index, entry in enumerate(_items(root, "dags")):
        for key in ("tags", "owners", "tasks"):
            if key in entry.entries:
                yield from _repeated((f"dags[{index}].{path}", node) for path, node in _texts(entry, key))


def _repeated(named: Iterable[tuple[str, Node]]) -> Iterator[Problem]:
    first: dict[object, Node] = {}
    for path, node in named:
        before = first.setdefault(node.value, node)
        if before is not node:
            text = f"{seen(node)} stands twice, here and on line {before.line}; keep one of them"
            yield Problem(node.line, path, text)


def _in_both(one: list[tuple[str, Node]], other: list[tuple[str, Node]], why: str) -> Iterator[Problem]:
    places = {node.value: (path, node) for path, node in reversed(one)}
    for path, node in other:
        if node.value in places:
            where, first = places[node.value]
            yield Problem(node.line, path, f"{seen(node)} stands on line {first.line} too, as {where}; {why}")
