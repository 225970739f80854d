"""What a call's body may hold, and how each dialect refuses another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Kind = Literal["text", "object", "flag", "count", "texts", "any"]
_NAMES = {"text": "string", "object": "object", "flag": "boolean", "count": "integer", "texts": "array"}
"""JSON schema's words, which Airflow 2 uses."""
_TYPES: dict[str, type] = {"text": str, "object": dict, "flag": bool, "count": int, "texts": list}
_PYDANTIC = {
    "text": ("string_type", "Input should be a valid string"),
    "object": ("dict_type", "Input should be a valid dictionary"),
    "flag": ("bool_type", "Input should be a valid boolean"),
    "count": ("int_type", "Input should be a valid integer"),
    "texts": ("list_type", "Input should be a valid list"),
}


@dataclass(frozen=True)
class Field:
    """One field of a body."""

    name: str
    kind: Kind = "text"
    required: bool = False
    by_schema: bool = False
    """Airflow 2 misses it by its OpenAPI schema, in words of its own."""
    nullable: bool = False
    """Whether null is as good as absent."""
    least: int = 0
    """Of a count."""
    read_only: bool = False
    """Airflow 2 knows it, and refuses it."""
    choices: tuple[str, ...] = ()
    """Of each of the texts; empty: any."""


def fits(value: object, field: Field) -> bool:
    """Whether a value is of a field's kind."""
    if field.kind == "any":
        return True
    if isinstance(value, bool) and field.kind == "count":
        return False
    return isinstance(value, _TYPES[field.kind])


def refused_v1(body: object, fields: Sequence[Field], *, late: bool) -> str | None:
    """Airflow 2's `detail` for a body that it does not take; None: it takes it.

    Args:
        body: what came.
        fields: what may come.
        late: 2.10 rather than 2.4.
    """
    if body is None and late:
        return "Request body must not be empty"
    if not isinstance(body, dict):
        return f"{body!r} is not of type 'object'"
    known = {field.name: field for field in fields}
    missing = [field for field in fields if field.required and field.name not in body]
    said = [f"'{field.name}' is a required property" for field in missing if field.by_schema]
    for name, value in body.items():
        if name in known:
            said.extend(_wrong_v1(value, known[name]))
    wrong = {field.name: ["Missing data for required field."] for field in missing}
    wrong.update({name: ["Unknown field."] for name in body if name not in known})
    if wrong:
        said.append(str(wrong))
    return said[0] if said else None


def _wrong_v1(value: object, field: Field) -> Iterator[str]:
    name = field.name
    if value is None and field.nullable:
        return
    if field.read_only:
        yield f"Property is read-only - '{name}'"
    elif value is None and field.kind == "text" and not field.required:
        yield f"{{'{name}': ['Field may not be null.']}}"
    elif not fits(value, field):
        yield f"{value!r} is not of type '{_NAMES[field.kind]}' - '{name}'"
    elif isinstance(value, int) and value < field.least:
        yield f"{value} is less than the minimum of {field.least} - '{name}'"
    elif isinstance(value, list):
        for number, one in enumerate(value):
            if not isinstance(one, str) and not (one is None and field.choices):
                yield f"{one!r} is not of type 'string' - '{name}.{number}'"
            elif field.choices and one is not None and one not in field.choices:
                yield f"{one!r} is not one of {[None, *field.choices]} - '{name}.{number}'"


def refused_v2(body: object, fields: Sequence[Field]) -> list[dict[str, object]]:
    """Airflow 3's `detail` for a body that it does not take; empty: it takes it."""
    if body is None:
        return [_item("missing", ["body"], "Field required", None)]
    if not isinstance(body, dict):
        said = "Input should be a valid dictionary or object to extract fields from"
        return [_item("model_attributes_type", ["body"], said, body)]
    known = {field.name for field in fields if not field.read_only}
    return [
        *(item for field in fields if not field.read_only for item in _wrong(body, field)),
        *(
            _item("extra_forbidden", ["body", name], "Extra inputs are not permitted", value)
            for name, value in body.items()
            if name not in known
        ),
    ]


def _wrong(body: dict[str, object], field: Field) -> Iterator[dict[str, object]]:
    where = ["body", field.name]
    if field.name not in body:
        if field.required:
            yield _item("missing", where, "Field required", body)
        return
    value = body[field.name]
    if value is None and field.nullable:
        return
    if not fits(value, field):
        yield _item(_PYDANTIC[field.kind][0], where, _PYDANTIC[field.kind][1], value)
    elif isinstance(value, int) and field.kind == "count" and value < field.least:
        said = f"Input should be greater than or equal to {field.least}"
        yield {**_item("greater_than_equal", where, said, value), "ctx": {"ge": field.least}}
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _wrong_item(one, field, [*where, number])


def _wrong_item(one: object, field: Field, where: Sequence[object]) -> Iterator[dict[str, object]]:
    if one is None and field.choices:
        return
    if not isinstance(one, str):
        yield _item(_PYDANTIC["text"][0], where, _PYDANTIC["text"][1], one)
    elif field.choices and one not in field.choices:
        *most, last = (f"'{choice}'" for choice in field.choices)
        expected = f"{', '.join(most)} or {last}"
        yield {
            **_item("enum", where, f"Input should be {expected}", one),
            "ctx": {"expected": expected},
        }


def _item(kind: str, where: Sequence[object], said: str, value: object) -> dict[str, object]:
    return {"type": kind, "loc": list(where), "msg": said, "input": value}
