"""One round of calls: the only place where the gate looks at the world."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from validator.airflow.dag_list import SMALLEST_PAGE, DagList, dag_id_of
from validator.airflow.details import DetailReader, nothing_read
from validator.airflow.dialect import (
    Dialect,
    bad,
    dialect_of,
    parse_version,
    read_dag,
    read_health,
    read_import_error,
    read_version,
)
from validator.airflow.models import (
    Component,
    Dag,
    DagImportError,
    Observation,
    Unread,
    Version,
    Walk,
    as_unread,
)
from validator.airflow.settings import EnvironmentSettings
from validator.airflow.side_by_side import both
from validator.airflow.walk import Collection, PageSize
from validator.errors import CallFailed, CannotTell
from validator.transport.interface import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from validator.plan import Inquiry, Plan
    from validator.s3.interface import S3Object
    from validator.server_clock import ServerClock
    from validator.transport.caller import Caller
    from validator.transport.interface import EnvironmentFacts

    LooksAtS3 = Callable[
        [EnvironmentFacts | Unread | None, float], tuple[str, Mapping[str, S3Object] | Unread]
    ]

_T = TypeVar("_T")

_ROLES: Mapping[int | None, bool] = {404: True, 403: False}
"""What the status for a DAG that cannot exist says of the role: whether it may read every DAG."""
_SEARCHES = 20
"""Missing DAGs that are looked for one by one while it is not known how long the whole list is."""
_GONE_A_PAGE = 500
_ERRORS_A_PAGE = 100


@dataclass(frozen=True)
class _Lists:
    """What every round asks for."""

    health: Mapping[str, Component] | Unread
    health_at: datetime
    """The server's clock when it was told."""
    dags: Walk[Dag]
    errors: Walk[DagImportError]
    reads_all: bool | Unread
    """Whether the role may read every DAG."""
    at: datetime
    """The server's clock when both lists were read."""


class Observer:
    """Asks one environment, round after round. Remembers only what cannot change: version, role, page sizes."""

    def __init__(
        self,
        caller: Caller,
        server: ServerClock,
        probe_id: str,
        workers: int = 8,
        objects: LooksAtS3 | None = None,
    ) -> None:
        """Take a caller, the server's clock, and `probe_id`: a DAG id that cannot exist.

        `objects` tells what the DAGs folder holds in S3, given what GetEnvironment told; None: nobody asks.
        """
        self._caller = caller
        self._server = server
        self._probe_id = probe_id
        self._dags = DagList(caller, workers)
        self._gone = Collection(caller, "/dags", "dags", PageSize(_GONE_A_PAGE, 1), workers)
        self._errors = Collection(
            caller, "/importErrors", "import_errors", PageSize(_ERRORS_A_PAGE, 1), workers
        )
        self._settings = EnvironmentSettings(caller)
        self._details = DetailReader(caller, workers)
        self._objects = objects
        self._pages_of_gone = _SEARCHES
        self._version: Version | None = None
        self._reads_all: bool | None = None

    def observe(self, plan: Plan, deadline: float) -> Observation:
        """One complete round; what could not be read is told in it. Never raises a GateError."""
        began = self._server.now()
        try:
            return self._observe(plan, deadline)
        except (CannotTell, CallFailed) as failed:
            unread = as_unread(failed)
        where, objects = self._look_at_s3(deadline)
        return Observation(
            began=began,
            ended=self._server.now(),
            version=None,
            health=unread,
            dags=Walk(unread=unread),
            import_errors=Walk(unread=unread),
            reads_all=unread,
            environment=self._settings.told,
            environment_unread=self._settings.unread,
            objects=objects,
            objects_in=where,
            longest_path=self._caller.longest_path,
        )

    def inquire(self, inquiry: Inquiry, seen: Observation, deadline: float) -> Observation:
        """The same round with what `inquiry` wants to know; what could not be read is told in it. Never raises."""
        if seen.version is None:
            return seen
        try:
            details = self._details.read(inquiry, seen.version, deadline)
        except CannotTell as error:
            details = nothing_read(inquiry, as_unread(error))
        return replace(seen, details=details, ended=self._server.now())

    def _observe(self, plan: Plan, deadline: float) -> Observation:
        version = self._know_version(deadline, again=plan.environment)
        dialect = dialect_of(version)
        if not self._server.known:  # no answer has told the time yet
            self._readable(lambda: self._health(dialect, deadline))
        if not self._server.known:
            raise bad(
                "the answers carry no Date header, so the server's clock is unknown and nothing can be called new"
            )
        began = self._server.now()
        lists = self._lists(plan, version, deadline)
        listed = {dag.dag_id for dag in lists.dags.rows if dag.active}
        missing = sorted(plan.expected - listed)
        gone = self._look_among_gone(missing, plan, lists.dags, lists.errors, dialect, deadline)
        where, objects = self._look_at_s3(deadline)
        return Observation(
            began=began,
            ended=self._server.now(),
            version=version,
            health=lists.health,
            health_at=lists.health_at,
            listed_at=lists.at,
            dags=lists.dags,
            gone=gone,
            import_errors=lists.errors,
            reads_all=lists.reads_all,
            environment=self._settings.told,
            environment_unread=self._settings.unread,
            objects=objects,
            objects_in=where,
            longest_path=self._caller.longest_path,
        )

    def _lists(self, plan: Plan, version: Version, deadline: float) -> _Lists:
        """Health and the lists, one after the other; where the DAG list is long some of it at once.

        The import errors come after the DAG list, never beside it: an error that the last parse of a DAG left is then
        among them.
        """

        def health() -> tuple[Mapping[str, Component] | Unread, datetime]:
            told = self._readable(lambda: self._health(dialect_of(version), deadline))
            return told, self._server.now()

        def errors() -> Walk[DagImportError]:
            return self._errors.walk({}, read_import_error, _error_id, deadline)

        begun = self._dags.begin(plan.enough, version, deadline)
        if begun.is_long:
            (told, told_at), dags = both(health, lambda: self._dags.finish(begun, version, deadline))
        else:
            (told, told_at), dags = health(), self._dags.finish(begun, version, deadline)
        if begun.is_long and self._reads_all is None and dags.unread is None:
            broken, role = both(errors, lambda: self._role(None, deadline))
            if (
                broken.unread is not None
            ):  # said beside a list that could not be read it counts as little as after it
                self._reads_all, role = None, broken.unread
            return _Lists(told, told_at, dags, broken, role, self._server.now())
        broken, at = errors(), self._server.now()
        return _Lists(told, told_at, dags, broken, self._role(dags.unread or broken.unread, deadline), at)

    def _look_at_s3(self, deadline: float) -> tuple[str, Mapping[str, S3Object] | Unread | None]:
        return self._objects(self._settings.told, deadline) if self._objects is not None else ("", None)

    def _readable(self, read: Callable[[], _T]) -> _T | Unread:
        try:
            return read()
        except CallFailed as failed:
            return as_unread(failed)

    def _know_version(self, deadline: float, *, again: bool) -> Version:
        self._settings.look(deadline, again=again)
        if self._version is None:
            self._version = self._version_of_environment() or self._ask_version(deadline)
        return self._version

    def _version_of_environment(self) -> Version | None:
        try:
            return parse_version(self._settings.version)
        except CallFailed:
            return None

    def _ask_version(self, deadline: float) -> Version:
        return read_version(self._get("/version", deadline))

    def _health(self, dialect: Dialect, deadline: float) -> Mapping[str, Component]:
        return read_health(self._get(dialect.health_path, deadline))

    def _role(self, unread: Unread | None, deadline: float) -> bool | Unread:
        """Whether the role may read every DAG: 404 for an id that cannot exist, 403 if not (AIRFLOW.md section 8).

        Only beside lists that could be read: a server that starts answers anything with 404, a proxy with 403.
        """
        if self._reads_all is None:
            if unread is not None:
                return unread
            try:
                self._get(f"/dags/{self._probe_id}", deadline)
            except CallFailed as failed:
                if failed.status not in _ROLES:
                    return as_unread(failed)
                self._reads_all = _ROLES[failed.status]
            else:
                return as_unread(bad(f"Airflow says that the DAG {self._probe_id} exists, and it cannot"))
        return self._reads_all

    def _get(self, path: str, deadline: float) -> object:
        return self._caller.get(Request(path), deadline).body

    def _look_among_gone(  # noqa: PLR0913 - one round's whole context, private to this class
        self,
        missing: list[str],
        plan: Plan,
        dags: Walk[Dag],
        errors: Walk[DagImportError],
        dialect: Dialect,
        deadline: float,
    ) -> dict[str, Dag] | Unread | None:
        """Rows that the default listing leaves out: of missing DAGs, and of broken ones that a pattern matches."""
        searches = self._searches(missing, plan, dags, errors)
        if not searches:
            return None
        key, value = dialect.gone_query
        rows: dict[str, Dag] = {}
        for search in sorted(searches):
            query: dict[str, str | int | bool] = {key: value}
            if search:
                query["dag_id_pattern"] = search
            walk = self._gone.walk(query, lambda row: read_dag(row, dialect), dag_id_of, deadline)
            if walk.unread is not None:
                return walk.unread
            if not search:
                self._pages_of_gone = math.ceil(walk.total / SMALLEST_PAGE)
            rows.update((dag.dag_id, dag) for dag in walk.rows if not dag.active)
        return rows

    def _searches(
        self, missing: list[str], plan: Plan, dags: Walk[Dag], errors: Walk[DagImportError]
    ) -> set[str]:
        """What to search for: texts that ids must contain. The empty one stands for the whole list."""
        if dags.unread is not None:
            return set()
        wanted = set(missing)
        if errors.rows:
            wanted |= plan.absent.difference(dag.dag_id for dag in dags.rows)
        # One search a DAG, or the whole list where that is cheaper. A search finds substrings: compared exactly later.
        searches = wanted if len(wanted) <= self._pages_of_gone else {""}
        if errors.rows:
            searches |= {_literal_part(pattern) for pattern in plan.patterns}
        return {""} if "" in searches else searches


def _literal_part(pattern: str) -> str:
    """The longest run of a glob that stands for itself: what the server can search for."""
    parts = re.split(r"\[[^\]]*\]|[*?\[\]]", pattern)
    return max(parts, key=len)


def _error_id(error: DagImportError) -> int:
    return error.error_id
