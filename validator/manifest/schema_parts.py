"""What the manifest's schema is put together from: a mapping, a text, a list, and the texts that recur.

Each piece has `errorMessage`: what editors show instead of a raw pattern; the loader words its problems with it too.
"""

from __future__ import annotations

from typing import Any

from validator.durations import PATTERN

MAX_DAGS = 20_000
"""Entries of `dags` or `absent`; twice the largest environment that the gate is made for."""
MAX_NAMES = 1_000
"""Entries of the shorter lists."""
LONGEST_DURATION = 32
"""Characters."""

_ID = r"[\p{L}\p{N}_.-]"
"""A character of a DAG's or task's id: Airflow's `[\\w.-]`; a schema's `\\w` is ASCII only, Airflow's is not."""
_SEGMENT = r"(?!\.{1,2}(?:/|$))[^/\\\x00-\x1f\x7f]+"
"""One name in a path, neither `.` nor `..`."""
_PATH = rf"^{_SEGMENT}(?:/{_SEGMENT})*$"
_CONTROLS = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
"""Control characters and what else ends a line somewhere."""


def mapping(
    description: str, properties: dict[str, Any], *, required: tuple[str, ...] = (), least: int = 0
) -> dict[str, Any]:
    """A mapping that takes these keys and no others, and at least so many of them."""
    schema: dict[str, Any] = {
        "description": description,
        "type": "object",
        "errorMessage": f"must be a mapping of {', '.join(properties)}",
        "properties": properties,
        "additionalProperties": False,
    }
    if required:
        schema["required"] = list(required)
    if least:
        schema["minProperties"] = least
    return schema


def text(description: str, must: str, pattern: str, longest: int) -> dict[str, Any]:
    """A text of 1 to `longest` characters; `must` says in words what `pattern` demands."""
    return {
        "description": description,
        "type": "string",
        "errorMessage": must,
        "maxLength": longest,
        "pattern": pattern,
    }


def line(description: str, what: str, longest: int, *, without: str = "") -> dict[str, Any]:
    """A text on one line, without spaces around it; `without` are characters that it may not hold either.

    `what` goes in front of the rule in words, such as `a tag`.
    """
    must = f"must be {what}: 1 to {longest} characters on one line, without spaces around them"
    if without:
        must += f", with no {without} in it"
    return text(description, must, one_line(without), longest)


def one_line(without: str = "") -> str:
    """The pattern of such a text."""
    edge = rf"[^\s{_CONTROLS}{without}]"
    return rf"^{edge}(?:[^{_CONTROLS}{without}]*{edge})?$"


def names(
    description: str, must: str, item: dict[str, Any], *, most: int = MAX_NAMES, least: int = 0
) -> dict[str, Any]:
    """A list in which nothing stands twice."""
    schema: dict[str, Any] = {
        "description": description,
        "type": "array",
        "errorMessage": must,
        "maxItems": most,
        "uniqueItems": True,
        "items": item,
    }
    if least:
        schema["minItems"] = least
    return schema


def ids_to(description: str, named: str, value: dict[str, Any], example: str, *, most: int) -> dict[str, Any]:
    """A mapping of 1 to `most` ids of what `named` says in the plural, each to such a value."""
    return {
        "description": description,
        "type": "object",
        "errorMessage": f"must be a mapping of ids of {named}, each 1 to 250 letters, digits, dashes, dots and underscores, "
        f"such as {example}",
        "patternProperties": {rf"^(?=.{{1,250}}$){_ID}+$": value},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": most,
    }


def bare_or_mapping(
    description: str, must: str, bare: dict[str, Any], whole: dict[str, Any]
) -> dict[str, Any]:
    """An entry that is either a text or a mapping; `whole` is a mapping, or a choice between some.

    No `anyOf`: with it a wrong entry would only be "not valid under any of the schemas".
    """
    return {
        "description": description,
        "type": ["string", "object"],
        "errorMessage": must,
        "if": {"type": "string"},
        "then": bare,
        "else": untyped(whole),
    }


def untyped(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without its `type`, for where the type was asked for already."""
    return {key: value for key, value in schema.items() if key != "type"}


def one_of(description: str, *choices: str) -> dict[str, Any]:
    """One of a few words."""
    told = f"{', '.join(choices[:-1])} or {choices[-1]}"
    return {
        "description": description,
        "type": "string",
        "errorMessage": f"must be {told}",
        "enum": list(choices),
    }


def whole_number(description: str, least: int, most: int) -> dict[str, Any]:
    """A whole number."""
    return {
        "description": description,
        "type": "integer",
        "errorMessage": f"must be a whole number from {least} to {most}",
        "minimum": least,
        "maximum": most,
    }


def yes_or_no(description: str) -> dict[str, Any]:
    """A boolean."""
    return {"description": description, "type": "boolean", "errorMessage": "must be true or false"}


def duration(description: str) -> dict[str, Any]:
    """A duration as `validator.durations` reads it."""
    must = "must be a duration with a unit, such as 500ms, 90s, 10m or 1h30m, and at most a day"
    return text(description, must, f"^{PATTERN}$", LONGEST_DURATION)


def dag_id(description: str) -> dict[str, Any]:
    """A DAG's id, as Airflow's `validate_key` takes it."""
    must = "must be a DAG id: 1 to 250 letters, digits, dashes, dots and underscores"
    return text(description, must, f"^{_ID}+$", 250)


def task_id(description: str) -> dict[str, Any]:
    """A task's id, for which Airflow has the same rule; a task group's name stands in front, with a dot."""
    must = "must be a task id: 1 to 250 letters, digits, dashes, dots and underscores"
    return text(description, must, f"^{_ID}+$", 250)


def dag_glob(description: str) -> dict[str, Any]:
    """A shell glob over DAG ids."""
    return text(
        description,
        "must be a shell glob over DAG ids, such as team_a_*: 1 to 250 letters, digits, -._ and *?[]!",
        r"^[\p{L}\p{N}_.*?!\[\]-]+$",
        250,
    )


def relative_path(description: str, what: str) -> dict[str, Any]:
    """A path, or a glob of some, relative to the DAGs folder; `what` says which, with an example."""
    must = f"must be {what}: forward slashes, no leading slash, no . or .. in between"
    return text(description, must, _PATH, 1024)
