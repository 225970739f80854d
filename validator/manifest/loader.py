"""YAML in, a `Manifest` out, or all that is wrong with it at once."""

from __future__ import annotations

from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from validator.durations import parse_duration
from validator.errors import ManifestError
from validator.manifest.model import (
    ExpectedDag,
    ExpectedPattern,
    GateOptions,
    HealthRule,
    ImportErrorRule,
    Manifest,
)
from validator.manifest.nodes import MAX_BYTES, Node, meaning, read_tree
from validator.manifest.problems import Problem, join_path
from validator.manifest.schema import LONGEST_DURATION, MAX_DAGS, SCHEMA
from validator.manifest.wording import explain, seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_SHOWN = 50
"""So many problems are told; the rest is counted."""
_MAX_COLLECTED = 5_000
"""So many errors of the schema are looked at: nobody mends more at once."""
_MIN_INTERVAL = 0.1
"""Seconds. Shorter only earns throttling."""
_DURATIONS = ("timeout", "interval", "sync", "settle", "grace", "stable_for")


def load_manifest(path: Path | str, environ: Mapping[str, str]) -> Manifest:
    """The manifest in the file at `path`, with `${NAME}` taken from `environ`.

    Raises:
        ManifestError: the file cannot be read, or the manifest is wrong; every problem has its line.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        problem = "there is no such file; check the path"
    except IsADirectoryError:
        problem = "this is a directory; name the manifest's file in it"
    except PermissionError:
        problem = "the file may not be read; check its permissions"
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        problem = f"the file cannot be read: {getattr(error, 'strerror', None) or error}"
    else:
        return parse_manifest(data, str(path), environ)
    raise ManifestError(str(path), [problem])


def parse_manifest(data: bytes, source: str, environ: Mapping[str, str]) -> Manifest:
    """The manifest in `data`; `source` names it in messages, and `${NAME}` is taken from `environ`.

    Raises:
        ManifestError: the manifest is wrong; it tells every problem with its line.
    """
    root, problems = read_tree(data, environ)
    collected = 0
    if root is not None or not problems:
        checked, collected = _check(root)
        problems += checked
    if problems or root is None:
        raise ManifestError(source, _told(problems, clipped=collected >= _MAX_COLLECTED))
    manifest = _build(root.plain())
    if _expects_nothing(manifest):
        text = (
            "nothing is expected, and a gate that checks nothing must not pass; "
            "name something under dags, absent or health.require, or set import_errors.scope to all"
        )
        raise ManifestError(source, [str(Problem(root.line, "", text))])
    return manifest


def _told(problems: list[Problem], *, clipped: bool) -> list[str]:
    """The problems by line, none twice, and not more than can be read."""
    ordered = sorted(dict.fromkeys(problems), key=lambda problem: problem.line)
    lines = [str(problem) for problem in ordered]
    if len(lines) > MAX_SHOWN:
        more = f"… and {'at least ' if clipped else ''}{len(lines) - MAX_SHOWN:,} more"
        lines = [*lines[:MAX_SHOWN], more]
    return lines


@cache
def _validator() -> jsonschema_rs.Validator:
    """The compiled schema; only a manifest that is read pays for it."""
    return jsonschema_rs.Draft202012Validator(SCHEMA)


def _check(root: Node | None) -> tuple[list[Problem], int]:
    """What is wrong with a manifest that is YAML, and how many errors of the schema were looked at."""
    if root is None or (root.kind == "null" and not root.raw):
        return [Problem(1, "", "the manifest is empty; begin it with version: 1")], 0
    if root.kind != "mapping":
        text = f"the manifest is {meaning(root) if root.kind != 'text' else 'only text'}"
        return [Problem(root.line, "", f"{text}; it must be a mapping that begins with version: 1")], 0
    too_long = list(_too_long(root))
    if too_long:  # hundreds of thousands of entries would each get their own error, for seconds
        return too_long, 0
    errors = list(islice(_validator().iter_errors(root.plain()), _MAX_COLLECTED))
    # A value of the wrong type fails other keywords too; one problem says enough.
    mistyped = {tuple(error.instance_path) for error in errors if error.schema_path[-1] == "type"}
    problems: list[Problem] = []
    for error in errors:
        if error.schema_path[-1] == "type" or tuple(error.instance_path) not in mistyped:
            problems += explain(error, root)
    if len(errors) < _MAX_COLLECTED:
        problems += _duplicates(root)
        problems += _bad_durations(root)
    return problems, len(errors)


def _too_long(node: Node, path: str = "") -> Iterator[Problem]:
    """The lists with more entries than any list may have."""
    for key, child in node.entries.items():
        where = join_path(path, key)
        if len(child.items) > MAX_DAGS:
            text = f"has {len(child.items):,} entries; at most {MAX_DAGS:,} are possible"
            yield Problem(child.line, where, text)
        yield from _too_long(child, where)


def _child(node: Node | None, key: str, kind: str) -> Node | None:
    """The value of `key`, if it is of that kind; the schema tells where it is not."""
    child = node.entries.get(key) if node is not None else None
    return child if child is not None and child.kind == kind else None


def _texts(node: Node | None, key: str) -> Iterator[tuple[str, Node]]:
    """The texts in the list under `key`, each with its path's last step."""
    items = _child(node, key, "list")
    for index, item in enumerate(items.items if items else ()):
        if item.kind == "text":
            yield f"{key}[{index}]", item


def _dag_names(root: Node) -> Iterator[tuple[str, str, Node]]:
    """What `dags` names: `id` or `pattern`, the path, the node."""
    items = _child(root, "dags", "list")
    for index, item in enumerate(items.items if items else ()):
        path = f"dags[{index}]"
        if item.kind == "text":
            yield "id", path, item
        for key, kind in (("dag_id", "id"), ("pattern", "pattern")):
            named = _child(item, key, "text")
            if named is not None:
                yield kind, f"{path}.{key}", named


def _duplicates(root: Node) -> Iterator[Problem]:
    """What stands twice, each with both lines."""
    health, import_errors = (_child(root, key, "mapping") for key in ("health", "import_errors"))
    dags = list(_dag_names(root))
    absent = list(_texts(root, "absent"))
    require = [(f"health.{path}", node) for path, node in _texts(health, "require")]
    ignore = [(f"health.{path}", node) for path, node in _texts(health, "ignore")]
    allow = [(f"import_errors.{path}", node) for path, node in _texts(import_errors, "allow")]
    ids = [(path, node) for kind, path, node in dags if kind == "id"]
    patterns = [(path, node) for kind, path, node in dags if kind == "pattern"]
    for named in (ids, patterns, absent, require, ignore, allow):
        yield from _repeated(named)
    yield from _in_both(ids, absent, "a DAG cannot be expected and absent at once; take one of them out")
    yield from _in_both(
        require, ignore, "a component cannot be required and ignored at once; take one of them out"
    )


def _repeated(named: list[tuple[str, Node]]) -> Iterator[Problem]:
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


def _bad_durations(root: Node) -> Iterator[Problem]:
    """Durations that look right and are not: too long, or too short for their use."""
    places = [("gate", key) for key in _DURATIONS] + [("health", "max_heartbeat_age")]
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


def _seconds(block: dict[str, Any], key: str) -> float | None:
    text = block.get(key)
    return None if text is None or text == "auto" else parse_duration(text)


def _build(data: dict[str, Any]) -> Manifest:
    """The model, from data that the schema has passed."""
    gate, health, errors = (data.get(key, {}) for key in ("gate", "health", "import_errors"))
    entries: list[dict[str, Any]] = [
        {"dag_id": entry} if isinstance(entry, str) else entry for entry in data.get("dags", ())
    ]
    max_age = _seconds(health, "max_heartbeat_age")
    return Manifest(
        environment=data.get("environment"),
        region=data.get("region"),
        gate=GateOptions(**{key: _seconds(gate, key) for key in _DURATIONS}, fail_fast=gate.get("fail_fast")),
        health=HealthRule(
            require=tuple(health.get("require", ())),
            ignore=tuple(health.get("ignore", ())),
            max_heartbeat_age=HealthRule.max_heartbeat_age if max_age is None else max_age,
        ),
        dags=tuple(
            ExpectedDag(entry["dag_id"], entry.get("file"), entry.get("paused"))
            for entry in entries
            if "dag_id" in entry
        ),
        patterns=tuple(
            ExpectedPattern(entry["pattern"], entry.get("min", 1)) for entry in entries if "pattern" in entry
        ),
        absent=tuple(data.get("absent", ())),
        import_errors=ImportErrorRule(
            scope=errors.get("scope", ImportErrorRule.scope), allow=tuple(errors.get("allow", ()))
        ),
    )


def _expects_nothing(manifest: Manifest) -> bool:
    return not (
        manifest.dags
        or manifest.patterns
        or manifest.absent
        or manifest.health.require
        or manifest.import_errors.scope == "all"
    )
