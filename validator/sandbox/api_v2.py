"""The REST API of Airflow 3 (/api/v2) over a simulated world, as 3.0.6 and 3.3.2 were recorded."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, ClassVar

from validator.sandbox.api import KEEPERS, Query, Refused, Result, Route, ilike
from validator.sandbox.api_assets import asset_routes
from validator.sandbox.api_parts import PARTS, PartsDialect
from validator.sandbox.api_runs import RUNS
from validator.sandbox.api_v2_rows import BUNDLE, RowsV2
from validator.sandbox.api_variables import VARIABLES
from validator.sandbox.bodies import refused_v2
from validator.sandbox.schedules import schedule_of

if TYPE_CHECKING:
    from validator.sandbox.bodies import Field
    from validator.sandbox.metadata import DagRow

_DEFAULT = 50
_DAG_ORDERS = ("dag_id", "dag_display_name", "next_dagrun", "last_run_state", "last_run_start_date")
_ERROR_ORDERS = ("id", "import_error_id", "timestamp", "filename", "bundle_name")
_NAMED = {"Pool": "name", "Connection": "connection_id", "Variable": "key"}
_TRUE, _FALSE = ("true", "1", "yes", "on", "t", "y"), ("false", "0", "no", "off", "f", "n")
_GIT = {
    "3.0.6": ".dev0+e965c2e676d85ced65a485d4b2601addc2fd3e97.dirty",
    "3.3.2": ".release:aa19d2dbb9ed187ec01957a92848d9b005e9ba9d",
}


class ApiV2(RowsV2, PartsDialect):
    """Airflow 3."""

    routes: ClassVar[tuple[Route, ...]] = (
        Route("GET", "/version", "version_", public=True),
        Route("GET", "/monitor/health", "health", public=True),
        Route("GET", "/dags", "dags"),
        Route("GET", "/dags/([^/]+)", "dag"),
        Route("GET", "/importErrors", "import_errors"),
        Route("GET", "/dagSources/([^/]+)", "dag_source"),
        *PARTS,
        *VARIABLES,
        *RUNS,
        *asset_routes("assets", "([0-9]+)", KEEPERS),
    )

    def version_(self, query: Query) -> Result:  # noqa: ARG002 - a handler's form
        """GET /version."""
        return 200, {"version": self.version, "git_version": _GIT[self.version]}

    def health(self, query: Query) -> Result:  # noqa: ARG002 - a handler's form
        """GET /monitor/health."""
        return 200, self.health_body(("metadatabase", "scheduler", "triggerer", "dag_processor"))

    def dags(self, query: Query) -> Result:
        """GET /dags: parameters that it does not know are ignored."""
        limit, offset = self.page(query)
        order_by = query.get("order_by", ["dag_id"])[-1]
        if order_by.removeprefix("-") not in _DAG_ORDERS:
            raise Refused(*self.bad_order(order_by))
        rows = self._filtered(query)
        if order_by in ("-dag_id", "-dag_display_name"):
            rows.reverse()
        return 200, {
            "dags": [self._dag(row) for row in rows[offset : offset + limit]],
            "total_entries": len(rows),
        }

    def dag(self, query: Query, dag_id: str) -> Result:  # noqa: ARG002 - a handler's form
        """GET /dags/{id}: also one that is long gone."""
        row = self.readable_dag(dag_id)
        return self.missing("DAG", dag_id) if row is None else (200, self._dag(row))

    def import_errors(self, query: Query) -> Result:
        """GET /importErrors."""
        root = "" if self._late else f"{self.world.rules.dags_folder}/"
        rows: list[dict[str, object]] = [
            {
                "import_error_id": error.id,
                "timestamp": self.stamp(error.stamped),
                "filename": root + error.path,
                "bundle_name": BUNDLE,
                "stack_trace": trace,
            }
            for error, trace in self.error_rows()
        ]
        if self._late and "filename_pattern" in query:
            pattern = ilike(query["filename_pattern"][-1])
            rows = [row for row in rows if pattern.search(str(row["filename"]))]
        return self.listing(query, "import_errors", rows, _ERROR_ORDERS)

    def dag_source(self, query: Query, dag_id: str) -> Result:
        """GET /dagSources/{id}: the last good source, also of a DAG that is gone. No run, so one version only."""
        self.readable_dag(dag_id)
        version = _whole(query, "version_number") if "version_number" in query else None
        source = self.source(dag_id)
        if source is None or version not in (None, 1):
            word = "Dag" if self._late else "DAG"
            text = f"The source code of the {word} {dag_id}, version_number {version} was not found"
            return 404, {"detail": text}
        late = {"dag_display_name": dag_id} if self._late else {}
        return 200, {"content": source, "dag_id": dag_id, "version_number": 1, **late}

    def warning_rows(self) -> list[dict[str, object]]:
        """None: a pool that does not exist is not told (measured)."""
        return []

    def no_route(self, path: str) -> Result:  # noqa: ARG002 - Airflow 2 looks at it
        """404 with `error`, not `detail`."""
        return 404, {"error": "API route not found"}

    def wrong_method(self) -> Result:
        """405."""
        return 405, {"detail": "Method Not Allowed"}

    def forbidden(self) -> Result:
        """403."""
        return 403, {"detail": "Forbidden"}

    def broken(self) -> Result:
        """A `detail` that is an object."""
        message = (
            "Serious error when handling your request. Check logs for more details - you will find it in api "
            "server when you look for ID 8aWjfYe3"
        )
        hidden = {"statement": "hidden", "orig_error": "hidden"}
        return 500, {"detail": {"reason": "Database error", **hidden, "message": message}}

    def missing(self, kind: str, name: str) -> Result:
        """404, in words that differ from kind to kind."""
        kind = kind.removesuffix(" to delete")
        text = f"{'Dag' if kind == 'DAG' else kind} with id {name} was not found"
        if kind == "DAG" and self._late:
            text = f"The Dag with ID: `{name}` was not found"
        elif kind in _NAMED:
            text = f"The {kind} with {_NAMED[kind]}: `{name}` was not found"
        return 404, {"detail": text}

    def allow(self, query: Query, *names: str) -> None:
        """Nothing is refused: what is not known is ignored."""

    def form(self, *fields: Field) -> dict[str, Any]:
        """The body, or a 422 with all that is wrong with it."""
        wrong = refused_v2(self.sent, fields)
        if wrong or not isinstance(self.sent, dict):
            raise Refused(422, {"detail": wrong})
        return self.sent

    def dag_shown(self, dag_id: str) -> dict[str, object]:
        """A DAG that is there."""
        return self._dag(self.world.metadata.dags[dag_id])

    def bad_request(self, detail: str) -> Result:
        """400."""
        return 400, {"detail": detail}

    def stamp(self, seconds: float) -> str:
        """`2026-11-22T02:00:00.000000Z`."""
        return self.world.time(seconds).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _filtered(self, query: Query) -> list[DagRow]:
        rows = self.dag_rows()
        if _flag(query, "exclude_stale", default=True):
            rows = [row for row in rows if row.active]
        paused = _flag(query, "paused", default=None)
        if paused is not None:
            rows = [row for row in rows if row.paused is paused]
        broken = _flag(query, "has_import_errors", default=None) if self._late else None
        if broken is not None:
            rows = [row for row in rows if row.has_import_errors is broken]
        for name in ("dag_id_pattern", "dag_display_name_pattern"):
            if name in query:
                rows = self._matching(query[name][-1], rows)
        if "tags" in query:
            tags = set(query["tags"])
            mode = query.get("tags_match_mode", ["any"])[-1]
            rows = [
                row
                for row in rows
                if (tags <= set(row.dag.tags) if mode == "all" else tags & set(row.dag.tags))
            ]
        return rows

    def _matching(self, text: str, rows: list[DagRow]) -> list[DagRow]:
        """The rows that a pattern finds; from 3.2 on `|` stands for or."""
        if text == "~":
            return rows
        parts = [text]
        if self._late and "|" in text:
            parts = [part.strip() for part in text.split("|") if part.strip()]
        patterns = [ilike(part) for part in parts]
        return [row for row in rows if any(pattern.search(row.dag.dag_id) for pattern in patterns)]

    def _dag(self, row: DagRow) -> dict[str, object]:
        dag = row.dag
        where = {"bundle_name": BUNDLE, "relative_fileloc": row.path}
        token = base64.urlsafe_b64encode(json.dumps(where, separators=(",", ":")).encode()).decode()
        today = self.world.time(self.world.elapsed).strftime("%Y-%m-%dT00:00:00Z")
        schedule = schedule_of(dag.schedule, 3)
        due = today if schedule.periodic else None
        late: dict[str, object] = {}
        named: dict[str, str] = {"dag_id": dag.dag_id}
        if self._late:
            named["dag_display_name"] = dag.dag_id
            late = {
                "last_parse_duration": row.parse_seconds,
                "timetable_partitioned": False,
                "timetable_periodic": schedule.periodic,
                "allowed_run_types": None,
                "is_backfillable": schedule.periodic,
            }
        return {
            "dag_id": dag.dag_id,
            "dag_display_name": dag.dag_id,
            "is_paused": row.paused,
            "is_stale": not row.active,
            "last_parsed_time": self.stamp(row.last_parsed),
            "last_expired": None,
            "bundle_name": BUNDLE,
            "bundle_version": None,
            "relative_fileloc": row.path,
            "fileloc": f"{self.world.rules.dags_folder}/{row.path}",
            "description": dag.description,
            "timetable_summary": schedule.summary,
            "timetable_description": schedule.described,
            "tags": [{"name": tag, **named} for tag in dag.tags],
            "max_active_tasks": dag.max_active_tasks,
            "max_active_runs": dag.max_active_runs,
            "max_consecutive_failed_dag_runs": 0,
            "has_task_concurrency_limits": False,
            "has_import_errors": row.has_import_errors,
            "next_dagrun_logical_date": due,
            "next_dagrun_data_interval_start": due,
            "next_dagrun_data_interval_end": due,
            "next_dagrun_run_after": due,
            "owners": list(dag.owners),
            "file_token": token.rstrip("=") + ".SIGNATURE",
            **late,
        }

    def page(self, query: Query) -> tuple[int, int]:
        """The limit (from 3.1.8 on at most the rules' `page_limit`; 0 is none) and the offset."""
        limit, offset = _number(query, "limit", _DEFAULT), _number(query, "offset", 0)
        return (min(limit, self.world.rules.page_limit) if self._late else limit), offset


def _number(query: Query, name: str, default: int) -> int:
    if name not in query:
        return default
    number = _whole(query, name)
    if number < 0:
        said = "Input should be greater than or equal to 0"
        where: dict[str, object] = {"loc": ["query", name], "msg": said, "input": query[name][-1]}
        raise Refused(422, {"detail": [{"type": "greater_than_equal", **where, "ctx": {"ge": 0}}]})
    return number


def _whole(query: Query, name: str) -> int:
    text = query[name][-1]
    try:
        return int(text)
    except ValueError:
        said = "Input should be a valid integer, unable to parse string as an integer"
        item = {"type": "int_parsing", "loc": ["query", name], "msg": said, "input": text}
        raise Refused(422, {"detail": [item]}) from None


def _flag(query: Query, name: str, *, default: bool | None) -> bool | None:
    if name not in query:
        return default
    text = query[name][-1].lower()
    if text not in _TRUE + _FALSE:
        said = "Input should be a valid boolean, unable to interpret input"
        item = {"type": "bool_parsing", "loc": ["query", name], "msg": said, "input": text}
        raise Refused(422, {"detail": [item]})
    return text in _TRUE
