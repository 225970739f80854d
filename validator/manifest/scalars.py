"""What YAML 1.1 makes of a scalar without quotes, and whether JSON would make the same of it."""

from __future__ import annotations

import math
import re
from typing import Any

import yaml

TAG = "tag:yaml.org,2002:"
"""What the names of YAML's own tags begin with."""
_RESOLVERS: Any = yaml.SafeLoader.yaml_implicit_resolvers
_KINDS = {
    f"{TAG}{tag}": kind
    for tag, kind in {
        "bool": "boolean",
        "int": "number",
        "float": "number",
        "null": "null",
        "timestamp": "date",
        "merge": "special",
        "value": "special",
    }.items()
}
_TRUE = {"yes", "true", "on"}
_JSON_BOOLEANS = {"true", "false"}
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_LARGEST = 2**63
"""Whole numbers beyond it are not the same everywhere."""
_LONGEST_SPECIAL = 300
"""What is longer is text: no number or date that a manifest could mean is."""


def kind_of(raw: str) -> str:
    """The kind of the node that a scalar without quotes is, such as `number` or `text`."""
    if len(raw) <= _LONGEST_SPECIAL:
        for tag, pattern in _RESOLVERS.get(raw[:1], ()):
            if tag in _KINDS and pattern.match(raw):
                return _KINDS[tag]
    return "text"


def value_of(kind: str, raw: str) -> int | float | bool | None:
    """The value of a scalar that is not text; None for nothing, and for what JSON would write otherwise or not at all."""
    if kind == "boolean":
        return raw.lower() in _TRUE
    found = _JSON_NUMBER.fullmatch(raw) if kind == "number" else None
    if found is None:
        return None
    if found[1] or found[2]:
        pointed = float(raw)
        return pointed if math.isfinite(pointed) else None
    whole = int(raw)
    return whole if -_LARGEST <= whole < _LARGEST else None


def means_the_same_to_json(kind: str, raw: str, *, quoted: bool) -> bool:
    """Whether a scalar is what somebody takes it for who knows JSON: no date, no `yes`, no `1:30`, nothing left empty."""
    if kind == "text":
        return quoted or not _JSON_NUMBER.fullmatch(raw)  # such as 1e3, which YAML 1.1 takes for text
    if kind == "boolean":
        return raw.lower() in _JSON_BOOLEANS
    if kind == "number":
        return value_of(kind, raw) is not None
    return kind == "null" and bool(raw)
