"""What both dialects of the simulated REST API share: routes, roles, paging, patterns."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from validator.sandbox.bodies import Field
    from validator.sandbox.metadata import DagRow, ErrorRow
    from validator.sandbox.web import WebCopies
    from validator.sandbox.world import World

Result = tuple[int, object]
Query = dict[str, list[str]]

REDACTED = "REDACTED - you do not have read permission on all DAGs in the file"
_UNAVAILABLE = "<html>\n<head><title>503 Service Temporarily Unavailable</title></head>\n</html>\n"
ROLES = ("Admin", "Op", "User", "Viewer", "Public")
READERS = ROLES[:-1]
"""The roles that may read every DAG and the pools."""
KEEPERS = ("Admin", "Op")
"""The roles that may read and change variables and connections."""
RUNNERS = ("Admin", "Op", "User")
"""The roles that may trigger and delete runs, and pause DAGs."""


@dataclass(frozen=True)
class Role:
    """Who calls."""

    name: str = "Viewer"
    """One of ROLES, or any other name for a role that may read some DAGs only."""
    readable: frozenset[str] = field(default_factory=frozenset)
    """The DAGs that a role of another name may read."""
    editable: frozenset[str] = field(default_factory=frozenset)
    """The DAGs that it may read, run and pause. Without any it may read no runs either (recorded)."""

    def may_read(self, dag_id: str) -> bool:
        """Whether this role may read a DAG."""
        return self.name in READERS or dag_id in self.readable | self.editable

    def may_edit(self, dag_id: str) -> bool:
        """Whether this role may run and pause a DAG."""
        return self.name in RUNNERS or dag_id in self.editable

    def may_call(self, route: Route) -> bool:
        """Whether this role may call an endpoint, whatever DAG it is about."""
        if self.name == "Public":
            return False
        if route.runs and self.name not in ROLES:
            return bool(self.editable)
        return route.roles is None or self.name in route.roles


@dataclass(frozen=True)
class Route:
    """One endpoint: a handler is a method of the dialect; it takes the query and what the path captures."""

    method: str
    pattern: str
    """A regular expression of the whole path. What `([^/]+)` captures holds no slash, also after unescaping."""
    handler: str
    public: bool = False
    """No role is needed."""
    roles: tuple[str, ...] | None = None
    """The roles that may; None: every one but Public, and the handler looks at the DAG."""
    runs: bool = False
    """It is about runs: a role that may read some DAGs only needs one that it may run."""


class Refused(Exception):
    """A handler's early answer."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status)
        self.result: Result = (status, body)


class Dialect(ABC):
    """One version of the REST API over a world. The world is up to date when `answer` is called."""

    routes: ClassVar[tuple[Route, ...]]

    def __init__(self, world: World, role: Role, web: WebCopies, body: object = None) -> None:
        self.world = world
        self.role = role
        self.web = web
        self.sent = body
        """What came with the call; None: nothing."""
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
                if not self.role.may_call(route):
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
            if "[^/]" in route.pattern and any("/" in segment for segment in segments):
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

    @abstractmethod
    def missing(self, kind: str, name: str) -> Result:
        """The 404 for one object: `kind` is `DAG`, `Task`, `Pool`, `Connection` or `Variable`."""

    @abstractmethod
    def form(self, *fields: Field) -> dict[str, Any]:
        """The body, if it is an object with these fields and no others.

        Raises:
            Refused: it is not; the words are this version's.
        """

    @abstractmethod
    def allow(self, query: Query, *names: str) -> None:
        """Refuse parameters that are not among `names`, on a version that does.

        Raises:
            Refused: there is such a one.
        """

    @abstractmethod
    def page(self, query: Query) -> tuple[int, int]:
        """The limit and the offset that a query asks for.

        Raises:
            Refused: they are no such numbers.
        """

    @abstractmethod
    def bad_request(self, detail: str) -> Result:
        """The 400 for a query that cannot be used."""

    def bad_order(self, name: str) -> Result:
        """The answer for an `order_by` that is not taken."""
        return self.bad_request(
            f"Ordering with '{name}' is disallowed or the attribute does not exist on the model"
        )

    def listing(
        self, query: Query, name: str, rows: list[dict[str, object]], orders: tuple[str, ...]
    ) -> Result:
        """One page of `rows` under `name`, with their total.

        Args:
            query: its limit, offset and order_by are used.
            name: the list's key in the answer.
            rows: in the order of the first of `orders`.
            orders: what `order_by` takes, the default first.
        """
        limit, offset = self.page(query)
        rows = self.arranged(rows, query.get("order_by", [orders[0]])[-1], orders)
        return 200, {name: rows[offset : offset + limit], "total_entries": len(rows)}

    def arranged(
        self, rows: list[dict[str, object]], order_by: str, orders: tuple[str, ...]
    ) -> list[dict[str, object]]:
        """The rows, which come in the order of the first of `orders`, in another one.

        Raises:
            Refused: it is none of them.
        """
        key = order_by.removeprefix("-")
        if key not in orders:
            raise Refused(*self.bad_order(order_by))
        if key != orders[0]:
            rows = ranked(rows, key)
        return rows[::-1] if order_by.startswith("-") else rows

    def readable_dag(self, dag_id: str) -> DagRow | None:
        """A DAG's row. A limited role gets a 403 for one that it may not read and for one that is not there."""
        if not self.role.may_read(dag_id):
            raise Refused(*self.forbidden())
        return self.world.metadata.dags.get(dag_id)

    def editable_dag(self, dag_id: str) -> DagRow | None:
        """A DAG's row, for a role that may run and pause it; the others get a 403."""
        if not self.role.may_edit(dag_id):
            raise Refused(*self.forbidden())
        return self.world.metadata.dags.get(dag_id)

    def dag_rows(self) -> list[DagRow]:
        """All DAGs that the role may read, in the order of their ids."""
        rows = self.world.metadata.dags
        if self.role.name in READERS:  # not one by one: there may be 10,000, and each page asks
            return [rows[dag_id] for dag_id in sorted(rows)]
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


def ranked(rows: list[dict[str, object]], key: str) -> list[dict[str, object]]:
    """The rows in the order of one of their keys; as they come where they do not have it."""

    def rank(row: dict[str, object]) -> tuple[bool, float, str]:
        value = row.get(key)
        return value is not None, value if isinstance(value, (int, float)) else 0.0, str(value)

    return sorted(rows, key=rank)
