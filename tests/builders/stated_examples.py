"""Modules that define a DAG `x`, with what is to be stated of it beyond its id: `stated_examples.txt`.

The unit tests hold what is stated against them, and those on real Airflows hold Airflow against what is stated.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

_HEAD = re.compile(r"^=== (\w+)(?: \(airflow ([23])\))?: (.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class StatedExample:
    """One module. `ownops` is what others import."""

    name: str
    source: str
    major: int | None
    """The only Airflow that can import it; None: each."""
    stated: dict[str, object]
    """What is stated of `x`; the rest is unknown."""


def _examples() -> tuple[StatedExample, ...]:
    text = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
    parts = _HEAD.split(text)[1:]
    found = []
    for name, major, what, source in zip(*(iter(parts),) * 4, strict=True):
        stated = {
            key: tuple(value) if isinstance(value, list) else value for key, value in json.loads(what).items()
        }
        found.append(StatedExample(name, source, int(major) if major else None, stated))
    return tuple(found)


STATED_EXAMPLES = _examples()
