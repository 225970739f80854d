"""What a doctor says: one line for each thing that it looks at. The ids are part of the contract (docs/doctor.md)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from validator.errors import EXIT_FAILED, EXIT_PASSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Status(str, Enum):
    """How a line came out."""

    OK = "ok"
    WARNING = "warning"
    """The gate works, but something is missing that it could use, or will soon be in its way."""
    PROBLEM = "problem"
    """The gate does not work, or would be red or unable to tell, as long as this stays."""
    SKIPPED = "skipped"
    """It could not be looked at; the message names the line that is the cause."""

    def __str__(self) -> str:
        """The word itself."""
        return self.value


WAY, READS, AIRFLOW, TIME = "The way there", "What the role may read", "Airflow itself", "Times and pace"

GROUPS: Mapping[str, tuple[str, ...]] = {
    WAY: (
        *("credentials", "region", "url", "clock", "caller", "login"),
        *("environment", "web-server", "invoke-rest-api", "version"),
    ),
    READS: (
        *("role", "reads-health", "reads-dags", "reads-import-errors", "reads-tasks", "reads-sources"),
        *("reads-pools", "reads-warnings", "reads-variables", "reads-connections"),
    ),
    AIRFLOW: ("health", "import-errors"),
    TIME: ("scan-interval", "parse-cycle", "timeout", "pace", "round"),
}
"""The ids of all lines by the heading that they stand under, in the order in which they are told."""

ORDER: Mapping[str, int] = {
    each: place for place, each in enumerate(one for ids in GROUPS.values() for one in ids)
}
"""Where each id stands."""


@dataclass(frozen=True)
class Line:
    """One thing that was looked at."""

    id: str
    status: Status
    message: str
    """What was seen, and what was expected. May hold foreign text."""
    advice: str = ""
    """What to do; never empty for a warning or a problem."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """The same for machines; its keys depend on the line."""


@dataclass(frozen=True)
class Diagnosis:
    """All that a doctor says of one Airflow."""

    target: str
    """The environment's name, or the URL, which holds no credentials."""
    lines: tuple[Line, ...]
    """In the order of `ORDER`."""

    @property
    def counts(self) -> dict[str, int]:
        """How many lines there are of each status."""
        counted = Counter(line.status for line in self.lines)
        return {str(status): counted[status] for status in Status}

    @property
    def exit_code(self) -> int:
        """0: no problem, warnings allowed. 1: at least one."""
        return EXIT_FAILED if self.first(Status.PROBLEM) is not None else EXIT_PASSED

    def first(self, status: Status) -> Line | None:
        """The first line of that status: what comes later may follow from it. None: there is none."""
        return next((line for line in self.lines if line.status is status), None)


def first_problem(lines: Iterable[Line]) -> str | None:
    """The id of the first problem among the lines; None: there is none."""
    return next((line.id for line in lines if line.status is Status.PROBLEM), None)


def last_problem(lines: Iterable[Line]) -> str | None:
    """The id of the last problem among the lines, which lies nearest to what they lead to; None: there is none."""
    return first_problem(reversed(list(lines)))


def ok(id_: str, message: str, **details: object) -> Line:
    """A line that is well."""
    return Line(id_, Status.OK, message, details=details)


def warning(id_: str, message: str, advice: str, **details: object) -> Line:
    """A line with something that the gate can do without."""
    return Line(id_, Status.WARNING, message, advice, details)


def problem(id_: str, message: str, advice: str, **details: object) -> Line:
    """A line with something that the gate cannot do without."""
    return Line(id_, Status.PROBLEM, message, advice, details)


def skipped(id_: str, cause: str) -> Line:
    """A line that could not be looked at, because of another one: that of the id `cause`."""
    return Line(id_, Status.SKIPPED, f"Not looked at, because of `{cause}`.", details={"because": cause})


def sentence(message: str) -> str:
    """A message of the gate's as a sentence of its own."""
    first = message[:1] if "://" in message.partition(" ")[0] else message[:1].upper()
    return f"{first}{message[1:].rstrip('.')}."
