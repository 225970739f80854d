"""What the results of a fleet's environments come to. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from validator.errors import EXIT_CANNOT_TELL, EXIT_FAILED, EXIT_PASSED
from validator.finding import Status
from validator.report.sanitize import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

_REASONS = 10
_TEXT = 500
_NAMED = 5
_SUMMARY = 2_000
_URGENT = (Status.FAILED, Status.ERROR, Status.PASSED)
_EXITS = {Status.PASSED: {EXIT_PASSED}, Status.FAILED: {EXIT_FAILED}}
"""The exit codes that a verdict comes with; any other but 0 and 1 with `error`."""


@dataclass(frozen=True)
class Tests:
    """The cases of an environment's JUnit report."""

    total: int = 0
    failures: int = 0
    errors: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Row:
    """One environment's last word."""

    index: int
    """Its place in the fleet's list."""
    environment: str
    label: str
    """The environment, and a number behind it where the list has it more than once: unique in a fleet."""
    verdict: Status
    """`passed`, `failed`, or `error`: cannot tell."""
    summary: str
    """One inert line."""
    reasons: tuple[str, ...] = ()
    """Inert lines, the first reasons of several."""
    tests: Tests | None = None
    """None: its report was not read."""
    note: str = ""
    """What is missing of its report in the fleet's, and why; empty: nothing."""


@dataclass(frozen=True)
class Fleet:
    """The fleet's last word. Every report of it is a function of this."""

    name: str
    rows: tuple[Row, ...]
    """The reds first, then those that cannot be told, then the rest; each kind in the list's order."""
    tolerated: int
    """Percent of the environments that may be red."""
    lost: str = ""
    """The error that ended the state machine's map early; empty: none did."""
    notes: tuple[str, ...] = ()
    """What went wrong beside the environments, such as a report that could not be written."""

    def count(self, verdict: Status) -> int:
        """How many environments ended with this verdict."""
        return sum(1 for row in self.rows if row.verdict is verdict)

    @property
    def verdict(self) -> Status:
        """Failed with more reds than are tolerated; else error with any that cannot be told or a lost map; else passed."""
        failed = self.count(Status.FAILED)
        if failed * 100 > self.tolerated * len(self.rows):
            return Status.FAILED
        if not self.rows or self.count(Status.ERROR) or self.notes or self.lost:
            return Status.ERROR
        return Status.PASSED

    @property
    def exit_code(self) -> int:
        """As the command's: 0, 1, or 3 for cannot tell."""
        codes = {Status.PASSED: EXIT_PASSED, Status.FAILED: EXIT_FAILED}
        return codes.get(self.verdict, EXIT_CANNOT_TELL)

    @property
    def summary(self) -> str:
        """The verdict, the counts and the first environments that are not green, in one inert line."""
        failed, unknown = self.count(Status.FAILED), self.count(Status.ERROR)
        word = {Status.PASSED: "passed", Status.FAILED: "failed"}.get(self.verdict, "cannot be told")
        tolerated = f" ({self.tolerated} % tolerated)" if failed and self.tolerated else ""
        whole = (
            f"The fleet {self.name} {word}: of {len(self.rows)} environments {failed} failed{tolerated}, "
            f"{unknown} cannot be told, {self.count(Status.PASSED)} passed."
        )
        parts = [whole, *self.notes]
        if self.lost:
            parts.append(f"The state machine's map ended early ({self.lost}).")
        worst = [row for row in self.rows if row.verdict is not Status.PASSED]
        named = [f"{row.label} ({one_line(row.summary, 200)})" for row in worst[:_NAMED]]
        if len(worst) > _NAMED:
            named.append(f"and {len(worst) - _NAMED} more")
        if named:
            parts.append(f"Not green: {'; '.join(named)}.")
        return one_line(" ".join(parts), _SUMMARY)


def judge(name: str, environments: Sequence[str], results: object, tolerated: int, lost: str) -> Fleet:
    """The fleet, from what came back.

    An environment without a result, with two, or with one that contradicts itself cannot be told.

    Args:
        name: the fleet's.
        environments: their names, as the fleet's list has them.
        results: the map's output: objects with `index`, `verdict`, `exit_code`, `summary` and `reasons`.
        tolerated: percent of the environments that may be red.
        lost: the error that ended the map; empty: none.
    """
    found: dict[int, list[dict[str, Any]]] = {}
    strays = 0
    for result in results if isinstance(results, list) else [None]:
        index = result.get("index") if isinstance(result, dict) else None
        if isinstance(result, dict) and type(index) is int and 0 <= index < len(environments):
            found.setdefault(index, []).append(result)
        else:
            strays += 1
    rows = [
        _row(index, environment, label, found.get(index, []))
        for index, (environment, label) in enumerate(zip(environments, _labels(environments), strict=True))
    ]
    # A lost item comes back as null and is missed as an environment: only what is more than those is news.
    missing = sum(1 for index in range(len(environments)) if index not in found)
    notes = (f"{strays - missing} results belong to no environment.",) if strays > missing else ()
    fleet = Fleet(one_line(name, 80), tuple(rows), tolerated, one_line(lost, _TEXT), notes)
    return ordered(fleet)


def ordered(fleet: Fleet) -> Fleet:
    """The same, its rows in the order that people want."""
    return replace(
        fleet, rows=tuple(sorted(fleet.rows, key=lambda row: (_URGENT.index(row.verdict), row.index)))
    )


def _row(index: int, environment: str, label: str, results: Sequence[dict[str, Any]]) -> Row:
    if len(results) != 1:
        what = "no result came back for it" if not results else f"{len(results)} results came back for it"
        return Row(index, environment, label, Status.ERROR, f"{what}: see the map run in Step Functions")
    result = results[0]
    summary = result.get("summary")
    reasons = result.get("reasons")
    verdict, code = result.get("verdict"), result.get("exit_code")
    told = next((status for status in _URGENT if verdict == status.value), None)
    said = one_line(summary, _TEXT) if isinstance(summary, str) and summary else "(no summary)"
    texts = (
        [one_line(one, _TEXT) for one in reasons if isinstance(one, str)] if isinstance(reasons, list) else []
    )
    fits = type(code) is int and (
        code in _EXITS[told] if told in _EXITS else code not in (EXIT_PASSED, EXIT_FAILED)
    )
    if told is None or not fits:
        told = Status.ERROR
        said = one_line(
            f"its result contradicts itself: verdict {verdict!r}, exit code {code!r}; {said}", _TEXT
        )
    return Row(index, environment, label, told, said, tuple(texts[:_REASONS]))


def _labels(environments: Sequence[str]) -> list[str]:
    """A unique name each: an environment's name has no blanks, so that none can be taken."""
    seen: dict[str, int] = {}
    labels = []
    for environment in environments:
        seen[environment] = seen.get(environment, 0) + 1
        number = seen[environment]
        labels.append(environment if number == 1 else f"{environment} ({number})")
    return labels
