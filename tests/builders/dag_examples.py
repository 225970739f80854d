"""Modules as people write them into a DAGs folder, with what is to be told of them: `dag_examples.txt`.

The tests of the static scan hold the scan against them, and those on real Airflows hold Airflow against them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_HEAD = re.compile(r"^=== (\w+)( \(airflow 3\))?: (.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """One module. `ownlib` is what others import."""

    name: str
    source: bytes
    certain: tuple[str, ...]
    """The ids that are certain, by line."""
    computes: bool
    """More DAGs are to be expected."""
    fails: bool
    """Airflow finds none of them, since the file cannot be imported."""
    airflow_3: bool
    """Airflow 2 cannot import it."""


def _examples() -> tuple[Example, ...]:
    text = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
    parts = _HEAD.split(text)[1:]
    found = []
    for name, airflow_3, what, source in zip(*(iter(parts),) * 4, strict=True):
        words = [word.strip() for word in what.split(",")]
        encoding = "latin-1" if "latin-1" in source else "utf-8"
        certain = tuple(word for word in words if word not in ("nothing", "more", "fails"))
        computes = bool({"more", "fails"}.intersection(words))
        found.append(
            Example(name, source.encode(encoding), certain, computes, "fails" in words, bool(airflow_3))
        )
    return tuple(found)


EXAMPLES = _examples()
