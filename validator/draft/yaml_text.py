"""Values as YAML that the manifest's loader takes for exactly these values. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from validator.report.sanitize import one_line

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
"""What needs no quotes, in block and in flow style: no number and no date begins with a letter."""
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
"""What some reader of YAML takes for something else than text."""
_WIDTH = 100
"""Characters; a list that is longer stands item by item."""
_NOT_YAML = re.compile(r"[\ufffe\uffff]")


def scalar(value: str | bool | int) -> str:  # noqa: FBT001 - any scalar
    """The value on one line, in quotes where it needs them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    quoted = json.dumps(value.replace("${", "$${"), ensure_ascii=False)
    # What ends a line or is invisible would not come back; `##[` is a command to a pipeline that shows the text.
    return "".join(map(_escaped, quoted)).replace("##", r"#\u0023")


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"  # noqa: PLR2004 - four digits


def flow(value: Any) -> str:  # noqa: ANN401 - a scalar or a list of some
    """The value on one line."""
    return f"[{', '.join(map(scalar, value))}]" if isinstance(value, tuple) else scalar(value)


def attribute(name: str, value: Any, indent: str) -> list[str]:  # noqa: ANN401 - the same
    """The lines of `name: value` in a mapping that is indented so."""
    line = f"{indent}{name}: {flow(value)}"
    if not isinstance(value, tuple) or len(line) <= _WIDTH or not value:
        return [line]
    return [f"{indent}{name}:", *(f"{indent}  - {scalar(item)}" for item in value)]


def comment(text: str, limit: int = 500) -> str:
    """A comment line; `text` may be foreign."""
    said = _NOT_YAML.sub("\ufffd", one_line(text, limit))
    return f"# {said}".rstrip()
