"""What a manifest can say, asked of its own schema."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema_rs

from validator.manifest.schema import SCHEMA
from validator.manifest.schema_dags import DAG


@cache
def _validator(name: str) -> jsonschema_rs.Validator:
    rules = DAG["properties"] if name in DAG["properties"] else SCHEMA["properties"]
    return jsonschema_rs.Draft202012Validator(rules[name])


def sayable(name: str, value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether the key `name`, of an entry of `dags` or of the manifest itself, takes this value."""
    texts = value if isinstance(value, list) else [value]
    if any(isinstance(text, str) and not _is_text(text) for text in texts):
        return False
    return _validator(name).is_valid(value)


def sayable_id(dag_id: str) -> bool:
    """Whether a manifest can name a DAG of this id."""
    return sayable("dag_id", dag_id)


def _is_text(value: str) -> bool:
    """Whether it is whole characters: JSON lets halves of some through, and no file can hold them."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
