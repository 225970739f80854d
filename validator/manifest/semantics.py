"""What a schema cannot say well: lists that are far too long, what stands twice, what makes no sense together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from validator.durations import parse_duration
from validator.manifest.build import DURATIONS
from validator.manifest.json_values import not_json
from validator.manifest.problems import Problem, join_path
from validator.manifest.schema_parts import LONGEST_DURATION, MAX_DAGS
from validator.manifest.smoke_model import SmokeRun
from validator.manifest.wording import seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from validator.manifest.nodes import Node

_MIN_INTERVAL = 0.1
"""Seconds. Shorter only earns throttling."""


class _Duration(NamedTuple):
    """A duration and how short it may be."""

    path: str
    node: Node
    must: str = ""
    """What it must be, in words; empty: it may be 0s."""
    least: float = 0.0
    """Seconds; 0 with `must`: it must be more than that."""


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


def nonsense(root: Node) -> Iterator[Problem]:
    """What is right by itself, and stands twice, contradicts something else, or means nothing where it stands."""
    yield from _duplicates(root)
    yield from _bad_durations(root)
    yield from _bad_runs(root)
    for index, entry in enumerate(_items(root, "smoke")):
        for path, block, key in (("", entry, "conf"), (".event", _child(entry, "event", "mapping"), "extra")):
            free = _child(block, key, "mapping")
            if free is not None:
                yield from not_json(free, f"smoke[{index}]{path}.{key}")


def _duplicates(root: Node) -> Iterator[Problem]:
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
    smoked = [(path, node) for path, node, _ in _smoked(root)]
    yield from _repeated(smoked)
    yield from _in_both(smoked, absent, "a DAG cannot run and be absent at once; take one of them out")
    yield from _in_both(
        require, ignore, "a component cannot be required and ignored at once; take one of them out"
    )


def _bad_durations(root: Node) -> Iterator[Problem]:
    """Durations that look right and are not: too long, or too short for their use."""
    for path, node, must, least in _durations(root):
        if len(str(node.value)) > LONGEST_DURATION:
            continue  # the schema tells the long ones
        try:
            seconds = parse_duration(str(node.value))
        except ValueError as error:
            if "longer than a day" in str(error):  # the schema tells the others
                yield Problem(node.line, path, f"is {seen(node)}, longer than a day; is the unit right?")
            continue
        if must and (seconds < least or seconds == 0):
            yield Problem(node.line, path, f"is {seen(node)}; it must be {must}")


def _durations(root: Node) -> Iterator[_Duration]:
    gate = _child(root, "gate", "mapping")
    for key in DURATIONS:
        node = _child(gate, key, "text")
        if node is not None and key == "interval":
            yield _Duration(f"gate.{key}", node, "at least 100ms, and 10s is usual", _MIN_INTERVAL)
        elif node is not None:
            yield _Duration(f"gate.{key}", node)
    age = _child(_child(root, "health", "mapping"), "max_heartbeat_age", "text")
    if age is not None:
        yield _Duration("health.max_heartbeat_age", age, "more than 0s, and 60s is usual")
    for index, entry in enumerate(_items(root, "smoke")):
        timeout, longest = _limits(entry)
        if timeout is not None:
            yield _Duration(f"smoke[{index}].timeout", timeout, "more than 0s, and 5m is usual")
        if longest is not None:
            yield _Duration(f"smoke[{index}].expect.max_duration", longest, "more than 0s")


def _bad_runs(root: Node) -> Iterator[Problem]:
    """Runs of DAGs that must be paused, and runs that may take longer than they are waited for."""
    paused: dict[object, tuple[str, Node]] = {}
    for index, entry in enumerate(_items(root, "dags")):
        dag_id, told = _child(entry, "dag_id", "text"), _child(entry, "paused", "boolean")
        if dag_id is not None and told is not None and told.value:
            paused.setdefault(dag_id.value, (f"dags[{index}].paused", told))
    for path, node, entry in _smoked(root):
        unpause = _child(entry, "unpause", "boolean")
        if node.value in paused and not (unpause is not None and unpause.value):
            where, told = paused[node.value]
            text = f"{seen(node)} must be paused, says {where} on line {told.line}, and a paused DAG does not run"
            yield Problem(node.line, path, f"{text}; add unpause: true, or take paused: true out")
    for index, entry in enumerate(_items(root, "smoke")):
        timeout, longest = _limits(entry)
        limit = SmokeRun.timeout if timeout is None else _seconds(timeout)
        if longest is not None and limit is not None and (_seconds(longest) or 0) > limit:
            usual = "5m, which is usual" if timeout is None else f"line {timeout.line}"
            text = (
                f"is {seen(longest)}, more than the entry's timeout ({usual}); raise the timeout, or lower it"
            )
            yield Problem(longest.line, f"smoke[{index}].expect.max_duration", text)


def _smoked(root: Node) -> Iterator[tuple[str, Node, Node]]:
    """The DAGs that are to run, each with its path and its entry."""
    for index, entry in enumerate(_items(root, "smoke")):
        for key in ("dag_id", "expect_run_of"):
            node = _child(entry, key, "text")
            if node is not None:
                yield f"smoke[{index}].{key}", node, entry


def _limits(entry: Node) -> tuple[Node | None, Node | None]:
    """An entry's `timeout` and its `max_duration`."""
    expect = _child(entry, "expect", "mapping")
    return _child(entry, "timeout", "text"), _child(expect, "max_duration", "text")


def _seconds(node: Node) -> float | None:
    """The duration; None: it is none, as is told elsewhere."""
    try:
        return parse_duration(str(node.value)) if len(str(node.value)) <= LONGEST_DURATION else None
    except ValueError:
        return None


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
    first: dict[object, tuple[str, int]] = {}
    for path, node in named:
        # By path: what an alias repeats is the same node, and stands twice all the same.
        before, line = first.setdefault(node.value, (path, node.line))
        if before != path:
            text = f"{seen(node)} stands twice, here and on line {line}; keep one of them"
            yield Problem(node.line, path, text)


def _in_both(one: list[tuple[str, Node]], other: list[tuple[str, Node]], why: str) -> Iterator[Problem]:
    places = {node.value: (path, node) for path, node in reversed(one)}
    for path, node in other:
        if node.value in places:
            where, first = places[node.value]
            yield Problem(node.line, path, f"{seen(node)} stands on line {first.line} too, as {where}; {why}")
