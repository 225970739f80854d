"""What is wrong with a manifest, and how its own hostile text may be shown."""

from __future__ import annotations

import re
from typing import NamedTuple

SHOWN = 80
"""So many characters of the manifest's text reach a message."""
_LOOKED_AT = 2_000
_CREDENTIALS = re.compile(r"://\S*@")
"""Of a URL: somebody took it for the name of an environment."""
_SIMPLE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")


class Problem(NamedTuple):
    """One thing that is wrong; sorts by line."""

    line: int
    """1-based; 0 for the file as a whole."""
    path: str
    """Such as `dags[3].paused`; empty for the whole manifest."""
    text: str
    variable: str = ""
    """The environment variable that is not set, where that is the problem; empty: it is another one."""

    def __str__(self) -> str:
        """The problem as people read it."""
        where = f"{self.path}: " if self.path else ""
        return f"line {self.line}: {where}{self.text}" if self.line else f"{where}{self.text}"


class Unreadable(Exception):
    """Reading cannot go on after this problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


def show(text: str) -> str:
    """`text` in quotes, safe for a log: control characters escaped, no URL's credentials, at most 80 characters."""
    text = _CREDENTIALS.sub("://***@", text[:_LOOKED_AT])
    escaped = repr(text[:SHOWN])[1:-1]
    cut = len(text) > SHOWN or len(escaped) > SHOWN
    return f"'{escaped[:SHOWN]}{'…' if cut else ''}'"


def join_path(path: str, key: str | int) -> str:
    """`path` and one step further: `dags` and 3 make `dags[3]`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    name = key if _SIMPLE_KEY.fullmatch(key) else show(key)
    return f"{path}.{name}" if path else name
