"""The REST API of Airflow 3 (/api/v2) over a simulated world, as 3.0.6 and 3.3.2 were recorded."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, ClassVar

from validator.sandbox.api import NEVER, SCHEDULES, Dialect, Query, Refused, Result, Route, ilike

if TYPE_CHECKING:
    from validator.sandbox.metadata import DagRow

_DEFAULT = 50
_MAX = 100
_BUNDLE = "dags-folder"
_DAG_ORDERS = ("dag_id", "dag_display_name", "next_dagrun", "last_run_state", "last_run_start_date")
_ERROR_ORDERS = ("id", "import_error_id", "timestamp", "filename", "bundle_name")
_TRUE, _FALSE = ("true", "1", "yes", "on", "t", "y"), ("false", "0", "no", "off", "f", "n")
_GIT = {
    "3.0.6": ".dev0+e965c2e676d85ced65a485d4b2601addc2fd3e97.dirty",
    "3.3.2": ".release:aa19d2dbb9ed187ec01957a92848d9b005e9ba9d",
}


class ApiV2(Dialect):
    """Airflow 3."""

    routes: ClassVar[tuple[Route, ...]] = (
        Route("GET", "/version", "version_", public=True),
        Route("GET", "/monitor/health", "health", public=True),
        Route("GET", "/dags", "dags"),
        Route("GET", "/dags/([^/]+)", "dag"),
        Route("GET", "/importErrors", "import_errors"),
    )

    @property
    def _late(self) -> bool:
        """3.3 rather than 3.0."""
        return self.version != "3.0.6"

    def version_(self, query: Query) -> Result:  # noqa: ARG002 - a handler's form
        """GET /version."""
        return 200, {"version": self.version, "git_version": _GIT[self.version]}

    def health(self, query: Query) -> Result:  # noqa: ARG002 - a handler's form
        """GET /monitor/health."""
        return 200, self.health_body(("metadatabase", "scheduler", "triggerer", "dag_processor"))

    def dags(self, query: Query) -> Result:
        """GET /dags: parameters that it does not know are ignored."""
        limit, offset = self._page(query)
        order_by = query.get("order_by", ["dag_id"])[-1]
        if order_by.removeprefix("-") not in _DAG_ORDERS:
            raise Refused(*_bad_order(order_by))
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
        if row is None:
            text = f"The Dag with ID: `{dag_id}` was not found"
            return 404, {"detail": text if self._late else f"Dag with id {dag_id} was not found"}
        return 200, self._dag(row)

    def import_errors(self, query: Query) -> Result:
        """GET /importErrors."""
        limit, offset = self._page(query)
        order_by = query.get("order_by", ["id"])[-1]
        key = order_by.removeprefix("-")
        if key not in _ERROR_ORDERS:
            raise Refused(*_bad_order(order_by))
        root = "" if self._late else f"{self.world.rules.dags_folder}/"
        rows: list[dict[str, object]] = [
            {
                "import_error_id": error.id,
                "timestamp": self.stamp(error.stamped),
                "filename": root + error.path,
                "bundle_name": _BUNDLE,
                "stack_trace": trace,
            }
            for error, trace in self.error_rows()
        ]
        if self._late and "filename_pattern" in query:
            pattern = ilike(query["filename_pattern"][-1])
            rows = [row for row in rows if pattern.search(str(row["filename"]))]
        if key in ("timestamp", "filename"):
            rows.sort(key=lambda row: str(row[key]))
        if order_by.startswith("-"):
            rows.reverse()
        return 200, {"import_errors": rows[offset : offset + limit], "total_entries": len(rows)}

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
        where = {"bundle_name": _BUNDLE, "relative_fileloc": row.path}
        token = base64.urlsafe_b64encode(json.dumps(where, separators=(",", ":")).encode()).decode()
        today = self.world.time(self.world.elapsed).strftime("%Y-%m-%dT00:00:00Z")
        due = None if dag.schedule is None else today
        summary, described = (None, NEVER)
        if dag.schedule is not None:
            summary, described = SCHEDULES.get(dag.schedule, (dag.schedule, ""))
        late: dict[str, object] = {}
        named: dict[str, str] = {"dag_id": dag.dag_id}
        if self._late:
            named["dag_display_name"] = dag.dag_id
            late = {
                "last_parse_duration": row.parse_seconds,
                "timetable_partitioned": False,
                "timetable_periodic": dag.schedule is not None,
                "allowed_run_types": None,
                "is_backfillable": dag.schedule is not None,
            }
        return {
            "dag_id": dag.dag_id,
            "dag_display_name": dag.dag_id,
            "is_paused": row.paused,
            "is_stale": not row.active,
            "last_parsed_time": self.stamp(row.last_parsed),
            "last_expired": None,
            "bundle_name": _BUNDLE,
            "bundle_version": None,
            "relative_fileloc": row.path,
            "fileloc": f"{self.world.rules.dags_folder}/{row.path}",
            "description": dag.description,
            "timetable_summary": summary,
            "timetable_description": described,
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

    def _page(self, query: Query) -> tuple[int, int]:
        """The limit (from 3.1.8 on at most 100; 0 is none) and the offset."""
        limit, offset = _number(query, "limit", _DEFAULT), _number(query, "offset", 0)
        return (min(limit, _MAX) if self._late else limit), offset


def _number(query: Query, name: str, default: int) -> int:
    if name not in query:
        return default
    text = query[name][-1]
    where: dict[str, object] = {"loc": ["query", name]}
    try:
        number = int(text)
    except ValueError:
        said = "Input should be a valid integer, unable to parse string as an integer"
        raise Refused(
            422, {"detail": [{"type": "int_parsing", **where, "msg": said, "input": text}]}
        ) from None
    if number < 0:
        said = "Input should be greater than or equal to 0"
        item = {"type": "greater_than_equal", **where, "msg": said, "input": text, "ctx": {"ge": 0}}
        raise Refused(422, {"detail": [item]})
    return number


def _flag(query: Query, name: str, *, default: bool | None) -> bool | None:
    if name not in query:
        return default
    text = query[name][-1].lower()
    if text not in _TRUE + _FALSE:
        said = "Input should be a valid boolean, unable to interpret input"
        item = {"type": "bool_parsing", "loc": ["query", name], "msg": said, "input": text}
        raise Refused(422, {"detail": [item]})
    return text in _TRUE


def _bad_order(name: str) -> Result:
    text = f"Ordering with '{name}' is disallowed or the attribute does not exist on the model"
    return 400, {"detail": text}
