"""What a DAG file surely says of a DAG's schedule, in the words of a manifest.

What Airflow makes of each form is taken from `models/dag.py` of 2.10.5 and `sdk/definitions/dag.py` of 3.0.6.
"""

from __future__ import annotations

import ast
import re
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from validator.local.literals import Literals
    from validator.local.meanings import Value

_PRESETS = ("@once", "@continuous", "@hourly", "@daily", "@weekly", "@monthly", "@quarterly", "@yearly")
_CRON = re.compile(r"[\d*?/,\-#A-Za-z]+(?: +[\d*?/,\-#A-Za-z]+){4,5}")
_WORDS = ("schedule", "schedule_interval", "timetable")
_CRON_TIMETABLES = ("CronTriggerTimetable", "CronDataIntervalTimetable")
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


class ScheduleWords:
    """The schedules of one file's DAGs.

    Args:
        literals: the file's literals.
        named: what a dotted name of the file stands for.
        airflow_major: 2 or 3; None: only what is the same on both.
    """

    def __init__(
        self, literals: Literals, named: Callable[[ast.expr], Value], airflow_major: int | None
    ) -> None:
        self._literals = literals
        self._named = named
        self._major = airflow_major

    def of(self, call: ast.Call) -> str | None:
        """The schedule that the arguments of `DAG(...)` or `dag(...)` give; None: it cannot be known."""
        found = []
        for name in _WORDS:
            is_known, node = self._literals.given(call, name)
            if not is_known:
                return None
            if node is not None:
                found.append(node)
        if not found:
            return {2: "1d", 3: "none"}.get(self._major or 0)
        return self._of(found[0]) if len(found) == 1 else None

    def _of(self, node: ast.expr) -> str | None:
        if self._literals.is_none(node):
            return "none"
        text = self._literals.text(node)
        if text is not None:
            return _checked(text)
        found = self._literals.resolved(node)
        if found is not None and (self._is_data(found) or self._is_list_of_data(found)):
            return "Dataset" if self._major == 2 else "Asset"  # noqa: PLR2004 - Airflow 2's word
        return self._made(found) if isinstance(found, ast.Call) else None

    def _made(self, call: ast.Call) -> str | None:
        """A `timedelta`, or a timetable of a cron expression."""
        path = self._named(call.func).path
        if path == "datetime.timedelta":
            return self._span(call)
        is_cron = path.startswith("airflow.timetables.") and path.rpartition(".")[2] in _CRON_TIMETABLES
        return self._cron(call) if is_cron else None

    def _span(self, call: ast.Call) -> str | None:
        """A literal `timedelta(...)`."""
        values = [self._literals.number(one) for one in call.args]
        words = {word.arg: self._literals.number(word.value) for word in call.keywords}
        if None in values or None in words or None in words.values():
            return None
        try:
            span = timedelta(*values, **words)  # type: ignore[arg-type]
        except (TypeError, OverflowError):
            return None
        seconds = int(span.total_seconds())
        if span <= timedelta() or span.microseconds:
            return None
        parts = []
        for unit, size in _UNITS:
            count, seconds = divmod(seconds, size)
            parts += [f"{count}{unit}"] if count else []
        return "".join(parts) if span.days < 10**6 else None

    def _cron(self, call: ast.Call) -> str | None:
        is_known, node = (True, call.args[0]) if call.args else self._literals.given(call, "cron")
        text = self._literals.text(node) if is_known and node is not None else None
        return None if text is None or text in _PRESETS[:2] else _checked(text)

    def _is_list_of_data(self, node: ast.expr) -> bool:
        if not isinstance(node, (ast.List, ast.Tuple)):
            return False
        found = [self._literals.resolved(one) for one in node.elts]
        return bool(found) and all(one is not None and self._is_data(one) for one in found)

    def _is_data(self, node: ast.expr) -> bool:
        """Whether it is a dataset or asset, or a condition of such."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitAnd, ast.BitOr)):
            sides = [self._literals.resolved(one) for one in (node.left, node.right)]
            return all(one is not None and self._is_data(one) for one in sides)
        path = self._named(node.func).path if isinstance(node, ast.Call) else ""
        return path.startswith("airflow.") and path.rpartition(".")[2] in ("Dataset", "Asset")


def _checked(text: str) -> str | None:
    return text if text in _PRESETS or _CRON.fullmatch(text.strip()) else None
