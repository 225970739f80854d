"""Reading a scenario's values: each one is what its place needs, or the message says where it is not."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, NoReturn

from validator.durations import MAX_SECONDS, parse_duration
from validator.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from yaml.nodes import Node


class Wrong(Exception):
    """Something in the scenario cannot be used; the text begins with where."""


def wrong(where: str, what: str) -> NoReturn:
    """Refuse the scenario.

    Raises:
        Wrong: always. So do all functions here but `read_yaml`, for a value that cannot be used.
    """
    raise Wrong(f"{where}: {what}")


def mapping(value: object, where: str, keys: tuple[str, ...] | None = None) -> dict[str, Any]:
    """A mapping, with no other keys than `keys`; None: any."""
    if not isinstance(value, dict):
        wrong(where, "must be a mapping")
    for key in value:
        if keys is not None and key not in keys:
            wrong(where, f"has no key {key!r}; there are {', '.join(keys)}")
    return value


def sequence(value: object, where: str) -> list[object]:
    """A list."""
    return value if isinstance(value, list) else wrong(where, "must be a list")


def text(value: object, where: str) -> str:
    """A text; a number is taken as one."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        wrong(where, "must be a text")
    return str(value)


def optional_text(value: object, where: str) -> str | None:
    """A text or nothing."""
    return None if value is None else text(value, where)


def texts(value: object, where: str) -> tuple[str, ...]:
    """A list of texts, without numbers."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        wrong(where, "must be a list of texts")
    return tuple(value)


def flag(value: object, where: str) -> bool:
    """True or false."""
    return value if isinstance(value, bool) else wrong(where, "must be true or false")


def whole(value: object, where: str, least: int, most: int) -> int:
    """A whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        wrong(where, f"must be a whole number from {least} to {most}")
    return value


def seconds(value: object, where: str) -> float:
    """A duration such as `5s`, or a number of seconds; a day at most."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0 and isfinite(value):
        return float(value) if value <= MAX_SECONDS else wrong(where, f"'{value}' is longer than a day")
    try:
        return parse_duration(str(value))
    except ValueError as error:
        wrong(where, str(error))


def read_yaml(path: Path) -> object:
    """What a YAML file holds.

    Raises:
        UsageError: it cannot be read, is no YAML, or names a key twice; the message says where.
    """
    import yaml  # noqa: PLC0415 - 60 ms that only a scenario needs

    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        if node is None:
            return None
        _refuse_duplicates(node, path)
        return loader.construct_document(node)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the scenario cannot be read: {error}") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none, such as 2026-13-45
        raise UsageError(f"{path}: the scenario is no YAML: {error}") from error
    except RecursionError as error:
        raise UsageError(f"{path}: the scenario is nested too deeply") from error


def _refuse_duplicates(root: Node, path: Path) -> None:
    """PyYAML lets the later of two keys win, in silence."""
    seen: set[int] = set()
    todo = [root]
    while todo:
        node = todo.pop()
        if id(node) in seen or not isinstance(node.value, list):
            continue
        seen.add(id(node))
        lines: dict[tuple[str, str], int] = {}
        for child in node.value:
            if not isinstance(child, tuple):
                todo.append(child)
                continue
            todo.extend(child)
            name, line = (child[0].tag, child[0].value), child[0].start_mark.line + 1
            if not isinstance(child[0].value, str):
                continue
            if name in lines:
                raise UsageError(
                    f"{path}: line {line}: the key {name[1]!r} is there already, in line {lines[name]}"
                )
            lines[name] = line
