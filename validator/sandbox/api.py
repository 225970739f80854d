"""What both dialects of the simulated REST API share: routes, roles, paging, patterns."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from validator.sandbox.metadata import DagRow, ErrorRow
    from validator.sandbox.world import World

Result = tuple[int, object]
Query = dict[str, list[str]]

REDACTED = "REDACTED - you do not have read permission on all DAGs in the file"
_UNAVAILABLE = "<html>\n<head><title>503 Service Temporarily Unavailable</title></head>\n</html>\n"
ROLES = ("Admin", "Op", "User", "Viewer", "Public")


@dataclass(frozen=True)
class Role:
    """Who calls."""

    name: str = "Viewer"
    """One of ROLES, or any other name for a role that may read some DAGs only."""
    readable: frozenset[str] = field(default_factory=frozenset)
    """The DAGs that a role of another name may read."""

    def may_read(self, dag_id: str) -> bool:
        """Whether this role may read a DAG."""
        return self.name in ROLES[:-1] or dag_id in self.readable


@dataclass(frozen=True)
class Route:
    """One endpoint: a handler is a method of the dialect; it takes the query and what the path captures."""

    method: str
    pattern: str
    """A regular expression of the whole path; a captured segment holds no slash, also after unescaping."""
    handler: str
    public: bool = False
    """No role is needed."""


class Refused(Exception):
    """A handler's early answer."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status)
        self.result: Result = (status, body)


class Dialect(ABC):
    """One version of the REST API over a world. The world is up to date when `answer` is called."""

    routes: ClassVar[tuple[Route, ...]]

    def __init__(self, world: World, role: Role) -> None:
        self.world = world
        self.role = role
        self.version = world.rules.airflow

    def answer(self, method: str, path: str, query: Mapping[str, object]) -> Result:
        """The status and body for one call; `path` is without the API's prefix."""
        if not self.world.alive("webserver"):
            return 503, _UNAVAILABLE
        path, _, inline = path.partition("?")
        values = _texts(query)
        for name, value in parse_qsl(inline, keep_blank_values=True):
            values.setdefault(name, []).append(value)
        try:
            route, segments = self._route(method, path)
            if not route.public:
                if not self.world.metadata.up:
                    return self.broken()
                if self.role.name == "Public":
                    return self.forbidden()
            handler: Callable[..., Result] = getattr(self, route.handler)
            return handler(values, *segments)
        except Refused as refused:
            return refused.result

    def _route(self, method: str, path: str) -> tuple[Route, list[str]]:
        known = False
        for route in self.routes:
            match = re.fullmatch(route.pattern, path)
            if match is None:
                continue
            segments = [unquote(segment) for segment in match.groups()]
            if any("/" in segment for segment in segments):
                continue
            if route.method == method:
                return route, segments
            known = True
        raise Refused(*(self.wrong_method() if known else self.no_route(path)))

    @abstractmethod
    def no_route(self, path: str) -> Result:
        """The answer for a path that nothing serves."""

    @abstractmethod
    def wrong_method(self) -> Result:
        """The answer for a method that the path does not take."""

    @abstractmethod
    def forbidden(self) -> Result:
        """The answer for a role that may not."""

    @abstractmethod
    def broken(self) -> Result:
        """The answer while the metadata database is gone."""

    @abstractmethod
    def stamp(self, seconds: float) -> str:
        """A time as this version writes it."""

    def readable_dag(self, dag_id: str) -> DagRow | None:
        """A DAG's row. A limited role gets a 403 for one that it may not read and for one that is not there."""
        if not self.role.may_read(dag_id):
            raise Refused(*self.forbidden())
        return self.world.metadata.dags.get(dag_id)

    def dag_rows(self) -> list[DagRow]:
        """All DAGs that the role may read, in the order of their ids."""
        rows = self.world.metadata.dags
        return [rows[dag_id] for dag_id in sorted(rows) if self.role.may_read(dag_id)]

    def error_rows(self) -> list[tuple[ErrorRow, str]]:
        """All import errors that the role sees, each with the trace as the role sees it."""
        seen = []
        limited = self.role.name not in ROLES
        for error in sorted(self.world.metadata.errors.values(), key=lambda one: one.id):
            trace = error.trace
            if limited:
                ids = [key for key, row in self.world.metadata.dags.items() if row.path == error.path]
                if not any(map(self.role.may_read, ids)):
                    continue
                if not all(map(self.role.may_read, ids)):
                    trace = REDACTED
            seen.append((error, trace))
        return seen

    def health_body(self, components: Sequence[str]) -> dict[str, object]:
        """/health, with the given components."""
        told = self.world.health()
        body: dict[str, object] = {}
        for name in components:
            if name in told:
                status, beat = told[name]
                body[name] = {"status": status}
                if name != "metadatabase":
                    stamp = None if beat is None else self.stamp(beat)
                    body[name] = {"status": status, f"latest_{name}_heartbeat": stamp}
        return body


def ilike(pattern: str) -> re.Pattern[str]:
    """SQL's ILIKE '%pattern%' as a regular expression: `%` is any run, `_` any one character."""
    parts = (".*" if char == "%" else "." if char == "_" else re.escape(char) for char in pattern)
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def _texts(query: Mapping[str, object]) -> Query:
    """QueryParameters as they stand in a URL."""
    texts: Query = {}
    for name, value in query.items():
        values = value if isinstance(value, list) else [value]
        texts[name] = [str(one).lower() if isinstance(one, bool) else str(one) for one in values]
    return texts


SCHEDULES = {
    "@hourly": ("0 * * * *", "Every hour"),
    "@daily": ("0 0 * * *", "At 00:00"),
    "@weekly": ("0 0 * * 0", "At 00:00, only on Sunday"),
    "@monthly": ("0 0 1 * *", "At 00:00, on day 1 of the month"),
}
"""Presets: the cron expression and the description that Airflow shows."""
NEVER = "Never, external triggers only"
