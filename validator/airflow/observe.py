"""One round of calls: the only place where the gate looks at the world."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, TypeVar

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
)
from validator.airflow.walk import Collection, PageSize, as_unread
from validator.errors import CallFailed, CannotTell
from validator.transport.interface import EnvironmentFacts, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from validator.plan import Plan
    from validator.server_clock import ServerClock
    from validator.transport.caller import Caller

_T = TypeVar("_T")

SETTLED = frozenset({"AVAILABLE", "UPDATE_FAILED", None})
"""Statuses of an environment that can be asked and stays as it is; one that failed to update was rolled back."""
_DAGS_A_PAGE = 500
"""Asked for at first. Airflow 3.0 gives as many as asked, the others cut to their cap, mostly 100."""
_SMALLEST_DAG_PAGE = 100
"""Every version gives so many."""
_ERRORS_A_PAGE = 100


class Observer:
    """Asks one environment, round after round. Remembers only what cannot change: version, role, page sizes."""

    def __init__(self, caller: Caller, server: ServerClock, probe_id: str, workers: int = 8) -> None:
        """Take a caller, the server's clock, and `probe_id`: a DAG id that cannot exist."""
        self._caller = caller
        self._server = server
        self._probe_id = probe_id
        self._dags = Collection(caller, "/dags", "dags", PageSize(_DAGS_A_PAGE, _SMALLEST_DAG_PAGE), workers)
        self._gone = Collection(caller, "/dags", "dags", PageSize(_DAGS_A_PAGE, 1), workers)
        self._errors = Collection(
            caller, "/importErrors", "import_errors", PageSize(_ERRORS_A_PAGE, 1), workers
        )
        self._environment: EnvironmentFacts | Unread | None = None
        self._environment_known = False
        self._version: Version | None = None
        self._reads_all: bool | None = None

    def observe(self, plan: Plan, deadline: float) -> Observation:
        """One complete round; what could not be read is told in it. Never raises a GateError."""
        began = self._server.now()
        try:
            return self._observe(plan, deadline)
        except CannotTell as error:
            unread = Unread(error.reason, error.message, heals=False, advice=error.advice)
        except CallFailed as failed:
            unread = as_unread(failed)
        return Observation(
            began=began,
            ended=self._server.now(),
            version=None,
            health=unread,
            dags=Walk(unread=unread),
            import_errors=Walk(unread=unread),
            reads_all=unread,
            environment=self._environment,
        )

    def _observe(self, plan: Plan, deadline: float) -> Observation:
        version = self._know_version(deadline)
        if not self._server.known:
            raise bad(
                "the answers carry no Date header, so the server's clock is unknown and nothing can be called new"
            )
        dialect = dialect_of(version)
        began = self._server.now()
        health = self._readable(lambda: self._health(dialect, deadline))
        dags = self._dags.walk({}, lambda row: read_dag(row, dialect), _dag_id, deadline)
        errors = self._errors.walk({}, read_import_error, _error_id, deadline)
        reads_all = self._readable(lambda: self._know_role(deadline))
        listed = {dag.dag_id for dag in dags.rows if dag.active}
        missing = sorted(plan.expected - listed)
        gone = self._look_among_gone(missing, plan, dags, errors, dialect, deadline)
        return Observation(
            began=began,
            ended=self._server.now(),
            version=version,
            health=health,
            dags=dags,
            gone=gone,
            import_errors=errors,
            reads_all=reads_all,
            environment=self._environment,
        )

    def _readable(self, read: Callable[[], _T]) -> _T | Unread:
        try:
            return read()
        except CallFailed as failed:
            return as_unread(failed)

    def _know_version(self, deadline: float) -> Version:
        self._know_environment(deadline)
        if self._version is None:
            self._version = self._version_of_environment() or self._ask_version(deadline)
        return self._version

    def _know_environment(self, deadline: float) -> None:
        """Ask GetEnvironment, which is optional, until it was denied or says that the environment is available."""
        if self._environment_known:
            return
        try:
            self._environment = facts = self._caller.environment(deadline)
            self._environment_known = facts is None or facts.status in SETTLED
            self._version = None
        except CallFailed as failed:
            self._environment = as_unread(failed)
            self._environment_known = not failed.retry

    def _version_of_environment(self) -> Version | None:
        facts = self._environment
        if not isinstance(facts, EnvironmentFacts) or facts.airflow_version is None:
            return None
        try:
            return parse_version(facts.airflow_version)
        except CallFailed:
            return None

    def _ask_version(self, deadline: float) -> Version:
        return read_version(self._get("/version", deadline))

    def _health(self, dialect: Dialect, deadline: float) -> Mapping[str, Component]:
        return read_health(self._get(dialect.health_path, deadline))

    def _know_role(self, deadline: float) -> bool:
        """Whether the role may read every DAG: 404 for an id that cannot exist, 403 if not (AIRFLOW.md section 8)."""
        if self._reads_all is None:
            try:
                self._get(f"/dags/{self._probe_id}", deadline)
            except CallFailed as failed:
                if failed.status == 404:  # noqa: PLR2004 - HTTP's Not Found
                    self._reads_all = True
                elif failed.status == 403:  # noqa: PLR2004 - HTTP's Forbidden
                    self._reads_all = False
                else:
                    raise
            else:
                raise bad(f"Airflow says that the DAG {self._probe_id} exists, and it cannot")
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
        if dags.unread is not None:
            return None
        searches: set[str] = set()
        pages = math.ceil(dags.total / max(1, _SMALLEST_DAG_PAGE))
        if missing:
            # One search a DAG, or the whole list where that is cheaper. A search finds substrings: compared exactly below.
            searches.update(missing if len(missing) <= max(3, pages) else [""])
        if plan.patterns and errors.rows:
            searches.update(_literal_part(pattern) for pattern in plan.patterns)
        if not searches:
            return None
        if "" in searches:
            searches = {""}
        key, value = dialect.gone_query
        rows: dict[str, Dag] = {}
        for search in sorted(searches):
            query: dict[str, str | int | bool] = {key: value}
            if search:
                query["dag_id_pattern"] = search
            walk = self._gone.walk(query, lambda row: read_dag(row, dialect), _dag_id, deadline)
            if walk.unread is not None:
                return walk.unread
            rows.update((dag.dag_id, dag) for dag in walk.rows if not dag.active)
        return rows


def _literal_part(pattern: str) -> str:
    """The longest run of a glob that stands for itself: what the server can search for."""
    parts = re.split(r"\[[^\]]*\]|[*?\[\]]", pattern)
    return max(parts, key=len)


def _dag_id(dag: Dag) -> str:
    return dag.dag_id


def _error_id(error: DagImportError) -> int:
    return error.error_id
