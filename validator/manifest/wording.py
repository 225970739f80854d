"""What the schema's validator found, in words for people: what was seen, what was expected, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from validator.manifest.nodes import meaning
from validator.manifest.problems import Problem, join_path, show
from validator.manifest.schema import SCHEMA
from validator.manifest.schema_dags import DAG

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from validator.manifest.nodes import Node

_TOLD_ELSEWHERE = {"uniqueItems"}
"""The loader tells these better: with both lines."""
_DURATION_HINT = "a duration"
_QUOTES_TOLD = "in quotes"
_HINTS = 50
"""So many unknown keys of one mapping are compared with the known ones."""
_SHOWN_NAMES = 120
"""So many characters of variables' names reach a message."""


class Fault(NamedTuple):
    """An error that the schema's validator found."""

    schema_path: tuple[str | int, ...]
    """Where in the schema: the last step is the keyword that failed."""
    instance_path: tuple[str | int, ...]
    """Where in the manifest."""
    unexpected: tuple[str, ...] = ()
    """The keys that a mapping does not take, where that is the fault."""

    @property
    def keyword(self) -> str:
        """Such as `type` or `pattern`."""
        return str(self.schema_path[-1])


def explain(error: Fault, root: Node) -> Iterator[Problem]:
    """The problems that one schema error stands for; none where it is told elsewhere."""
    keyword = error.keyword
    rule = _rule(error.schema_path[:-1])
    node, path = root, ""
    for step in error.instance_path:
        node = node.items[step] if isinstance(step, int) else node.entries[step]
        path = join_path(path, step)
    if node.kind == "broken" or keyword in _TOLD_ELSEWHERE:
        return
    if keyword == "additionalProperties":
        yield from _unknown_keys(node, path, rule, set(error.unexpected))
    elif keyword == "required":
        yield from _missing_keys(node, path, rule)
    else:
        yield Problem(node.line, path, _wrong_value(node, keyword, rule))


def seen(node: Node) -> str:
    """What stands there, safe to show: a value from environment variables only by their names."""
    if node.names:
        names = " and ".join(f"${{{name}}}" for name in node.names[:3])[:_SHOWN_NAMES]
        return f"the value of {names}" if node.value else f"the value of {names}, which is empty"
    if node.kind == "text":
        return f"the text {show(str(node.value))}" if node.value else "empty text"
    if node.kind == "null":
        return "empty" if not node.raw else f"{show(node.raw)}, which YAML reads as nothing"
    if node.kind in {"mapping", "list"}:
        return meaning(node)
    if node.kind == "number":
        return f"the number {show(node.raw)[1:-1]}"
    return f"{show(node.raw)}, which YAML reads as {meaning(node)}"


def _rule(schema_path: Sequence[str | int]) -> dict[str, Any]:
    rule: Any = SCHEMA
    for step in schema_path:
        rule = rule[step]
    return dict(rule)


def _unknown_keys(
    node: Node, path: str, rule: dict[str, Any], unexpected: Collection[str]
) -> Iterator[Problem]:
    import difflib  # noqa: PLC0415 - only a wrong manifest pays for it

    unknown = [key for key in node.entries if key in unexpected]
    if "properties" not in rule:
        for key in unknown:
            yield Problem(
                node.key_lines[key], path, f"the key {show(key)} does not fit; this {rule['errorMessage']}"
            )
        return
    known = list(rule["properties"])
    elsewhere = _of_the_other_form(rule)
    for position, key in enumerate(unknown):
        if key in elsewhere:
            yield Problem(node.key_lines[key], path, f"the key {show(key)} {elsewhere[key]}")
            continue
        # No more are shown than get a hint, and a search in 60,000 would take a second.
        near = difflib.get_close_matches(key[:40], known, n=1) if position < _HINTS else []
        hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        yield Problem(node.key_lines[key], path, f"unknown key {show(key)}; {hint}")


def _of_the_other_form(rule: dict[str, Any]) -> dict[str, str]:
    """What to say of the keys that an entry with dag_id takes, and one with pattern or with event does not."""
    if "expect_run_of" in rule["properties"]:
        return {
            "dag_id": "cannot stand beside event or expect_run_of; make it an entry of its own",
            "conf": "goes with dag_id, not with event or expect_run_of; put what the event brings under event.extra",
        }
    if "pattern" not in rule["properties"]:
        return {}
    told = dict.fromkeys(
        DAG["properties"], "goes with dag_id, not with pattern or min; name such DAGs one by one"
    )
    return {**told, "dag_id": "cannot stand beside pattern or min; make it an entry of its own"}


def _missing_keys(node: Node, path: str, rule: dict[str, Any]) -> Iterator[Problem]:
    for key in rule["required"]:
        if key not in node.entries:
            must = rule["properties"][key]["errorMessage"]
            yield Problem(node.line, path, f"the key '{key}' is missing; it {must}")


def _wrong_value(node: Node, keyword: str, rule: dict[str, Any]) -> str:
    must = rule["errorMessage"]
    if keyword == "maxItems":
        return f"has {len(node.items):,} entries; at most {rule['maxItems']:,} are possible"
    if keyword == "maxProperties":
        return f"has {len(node.entries):,} keys; at most {rule['maxProperties']:,} are possible"
    if keyword in {"minItems", "minProperties"}:
        return f"is empty; it {must}"
    if keyword == "maxLength":
        return f"is {seen(node)}, {len(str(node.value)):,} characters long; it {must}"
    if keyword == "type":
        return f"is {seen(node)}; it {must}{_type_hint(node, rule)}"
    return f"is {seen(node)}; it {must}"


def _type_hint(node: Node, rule: dict[str, Any]) -> str:
    """What to write instead, where that can be told."""
    wanted = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    if node.kind == "null":
        return "; give it a value, or take it out"
    if "string" in wanted and node.kind in {"boolean", "number", "date", "special"}:
        # No word that a key may have is anything but text to YAML: quotes would only earn the next error.
        return "" if "enum" in rule else _text_hint(node, rule["errorMessage"])
    if ("boolean" in wanted or "integer" in wanted) and node.kind == "text":
        if node.names:
            return "; an environment variable always gives text here, so write the value itself"
        return "; take the quotes away" if node.quoted else ""
    return ""


def _text_hint(node: Node, must: str) -> str:
    """How to write what YAML took for something else than text."""
    if _DURATION_HINT in must:
        return f"; write {node.raw}s" if node.raw.isdecimal() and len(node.raw) < 6 else ""  # noqa: PLR2004 - a day has five digits
    if _QUOTES_TOLD in must:  # 2.10 may be meant as 2.10.5: its own quotes would only earn the next error
        return ""
    return f'; put it in quotes: "{show(node.raw)[1:-1]}"'
