"""The REST API of Airflow 2 (/api/v1) over a simulated world, as 2.4.3 and 2.10.5 were recorded."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, ClassVar

from validator.sandbox.api import RUNNERS, Query, Refused, Result, Route, ilike
from validator.sandbox.api_assets import asset_routes
from validator.sandbox.api_parts import PARTS, PartsDialect
from validator.sandbox.api_runs import RUNS
from validator.sandbox.api_v1_rows import RowsV1, problem_body
from validator.sandbox.api_variables import VARIABLES
from validator.sandbox.bodies import refused_v1
from validator.sandbox.schedules import schedule_of

if TYPE_CHECKING:
    from validator.sandbox.bodies import Field
    from validator.sandbox.metadata import DagRow

_NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling "
    "and try again."
)
_OOPS = (
    '\n\n<!DOCTYPE html>\n<html lang="en">\n  <body>\n      <h1> Ooops! </h1>\n<pre>\nSomething bad has '
    "happened.\n</pre>\n  </body>\n</html>"
)
_INTERNAL = (
    "<html>\n  <head>\n    <title>Internal Server Error</title>\n  </head>\n  <body>\n    "
    "<h1><p>Internal Server Error</p></h1>\n    \n  </body>\n</html>\n"
)
_SIGNATURE = ".SIGNATURE"
_GIT = {
    "2.4.3": ".release:2.4.3+c53a3e153f0ab5ca933a94adc01dc6314ea8d4d1",
    "2.10.5": ".release:b93c3db6b1641b0840bd15ac7d05bc58ff2cccbf",
}


class ApiV1(RowsV1, PartsDialect):
    """Airflow 2."""

    routes: ClassVar[tuple[Route, ...]] = (
        Route("GET", "/version", "version_", public=True),
        Route("GET", "/health", "health", public=True),
        Route("GET", "/dags", "dags"),
        Route("GET", "/dags/([^/]+)", "dag"),
        Route("GET", "/importErrors", "import_errors"),
        Route("GET", "/dagSources/([^/]+)", "dag_source"),
        *PARTS,
        *VARIABLES,
        *RUNS,
        *asset_routes("datasets", "(.+)", RUNNERS),
    )

    @property
    def _late(self) -> bool:
        """2.10 rather than 2.4."""
        return self.version != "2.4.3"

    def version_(self, query: Query) -> Result:
        """GET /version."""
        self.allow(query)
        return 200, {"git_version": _GIT[self.version], "version": self.version}

    def health(self, query: Query) -> Result:
        """GET /health: 2.4 knows two components, 2.10 four."""
        self.allow(query)
        late = ("dag_processor", "metadatabase", "scheduler", "triggerer")
        return 200, self.health_body(late if self._late else ("metadatabase", "scheduler"))

    def dags(self, query: Query) -> Result:
        """GET /dags."""
        names = ["limit", "offset", "tags", "only_active", "order_by", "dag_id_pattern"]
        self.allow(query, *names, *(("paused", "fields") if self._late else ()))
        limit, offset = self.page(query)
        order_by = query.get("order_by", ["dag_id"])[-1]
        if self._late and order_by not in ("dag_id", "-dag_id"):  # 2.4 takes any and ignores it
            raise Refused(*self.bad_order(order_by))
        rows = self.dag_rows()
        if self._flag(query, "only_active", default=True):
            rows = [row for row in rows if row.active]
        paused = self._flag(query, "paused", default=None)
        if paused is not None:
            rows = [row for row in rows if row.paused is paused]
        if "dag_id_pattern" in query:
            pattern = ilike(query["dag_id_pattern"][-1])
            rows = [row for row in rows if pattern.search(row.dag.dag_id)]
        if "tags" in query:
            tags = {tag for text in query["tags"] for tag in text.split(",")}
            rows = [row for row in rows if tags & set(row.dag.tags)]
        if self._late and order_by == "-dag_id":
            rows.reverse()
        found = [self._dag(row) for row in rows[offset : offset + limit]]
        if "fields" in query:
            found = [self._only(query["fields"], one) for one in found]
        return 200, {"dags": found, "total_entries": len(rows)}

    def dag(self, query: Query, dag_id: str) -> Result:
        """GET /dags/{id}: also one that is long gone."""
        self.allow(query, *(("fields",) if self._late else ()))
        row = self.readable_dag(dag_id)
        if row is None:
            detail = f"The DAG with dag_id: {dag_id} was not found"
            return self.problem(404, "DAG not found", detail, "NotFound")
        return 200, self._dag(row)

    def import_errors(self, query: Query) -> Result:
        """GET /importErrors."""
        self.allow(query, "limit", "offset", "order_by")
        rows: list[dict[str, object]] = [
            {
                "filename": f"{self.world.rules.dags_folder}/{error.path}",
                "import_error_id": error.id,
                "stack_trace": trace,
                "timestamp": self.stamp(error.stamped),
            }
            for error, trace in self.error_rows()
        ]
        return self.listing(query, "import_errors", rows, ("import_error_id", "timestamp", "filename"))

    def dag_source(self, query: Query, token: str) -> Result:
        """GET /dagSources/{file_token}: the token only, not a DAG's id."""
        self.allow(query)
        location = _location(token)
        if location is None:
            return self.problem(404, "Dag source not found", None, "NotFound")
        path = location.removeprefix(f"{self.world.rules.dags_folder}/")
        rows = self.world.metadata.dags
        if not all(self.role.may_read(key) for key, row in rows.items() if row.path == path):
            return self.forbidden()
        source = self.source(path)
        if source is None:
            return 500, _INTERNAL if self._late else _OOPS
        return 200, {"content": source}

    def warning_rows(self) -> list[dict[str, object]]:
        """One row a DAG, in the order in which they were written."""
        rows = sorted(self.world.metadata.warnings.values(), key=lambda row: row.stamped)
        return [
            {
                "dag_id": row.dag_id,
                "message": row.message,
                "timestamp": self.stamp(row.stamped),
                "warning_type": "non-existent pool",
            }
            for row in rows
        ]

    def no_route(self, path: str) -> Result:
        """404; a double slash is a redirect."""
        if "//" in path:
            return 308, "<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n"
        return 404, problem_body(404, "Not Found", _NOT_FOUND, "about:blank")

    def wrong_method(self) -> Result:
        """405."""
        detail = "The method is not allowed for the requested URL."
        return 405, problem_body(405, "Method Not Allowed", detail, "about:blank")

    def forbidden(self) -> Result:
        """403 without a word."""
        return self.problem(403, "Forbidden", None, "PermissionDenied")

    def broken(self) -> Result:
        """An HTML page."""
        return 500, _OOPS

    def missing(self, kind: str, name: str) -> Result:
        """404, in words that differ from kind to kind."""
        title = f"{kind} not found"
        detail = None
        if kind == "Pool":
            title, detail = "Not Found", f"Pool with name:'{name}' not found"
        elif kind == "Connection":
            detail = f"The Connection with connection_id: `{name}` was not found"
        elif kind == "Variable" and self._late:
            detail = "Variable does not exist"
        elif kind == "Variable to delete":
            title = "Variable not found"
        return self.problem(404, title, detail, "NotFound")

    def stamp(self, seconds: float) -> str:
        """`2026-11-22T02:00:00.000000+00:00`."""
        return self.world.time(seconds).isoformat(timespec="microseconds")

    def _dag(self, row: DagRow) -> dict[str, object]:
        dag = row.dag
        location = f"{self.world.rules.dags_folder}/{row.path}"
        today = self.world.time(self.world.elapsed).replace(hour=0, minute=0, second=0, microsecond=0)
        schedule = schedule_of(dag.schedule, 2)
        due = today.isoformat() if schedule.periodic else None
        late = {"dag_display_name": dag.dag_id, "max_consecutive_failed_dag_runs": 0} if self._late else {}
        return {
            **late,
            "dag_id": dag.dag_id,
            "default_view": "grid",
            "description": dag.description,
            "file_token": _token(location),
            "fileloc": location,
            "has_import_errors": row.has_import_errors,
            "has_task_concurrency_limits": False,
            "is_active": row.active,
            "is_paused": row.paused,
            "is_subdag": False,
            "last_expired": None,
            "last_parsed_time": self.stamp(row.last_parsed),
            "last_pickled": None,
            "max_active_runs": dag.max_active_runs,
            "max_active_tasks": dag.max_active_tasks,
            "next_dagrun": due,
            "next_dagrun_create_after": due,
            "next_dagrun_data_interval_end": due,
            "next_dagrun_data_interval_start": due,
            "owners": list(dag.owners),
            "pickle_id": None,
            "root_dag_id": None,
            "schedule_interval": schedule.interval,
            "scheduler_lock": None,
            "tags": [{"name": tag} for tag in dag.tags],
            "timetable_description": schedule.described,
        }

    def _only(self, names: list[str], dag: dict[str, object]) -> dict[str, object]:
        unknown = [name for name in names if name not in dag]
        if unknown:
            detail = f"Invalid fields for <DAGSchema(many=False)>: OrderedSet({unknown})."
            raise Refused(*self.problem(400, "DAGCollectionSchema error", detail, "BadRequest"))
        return {name: dag[name] for name in names}

    def allow(self, query: Query, *names: str) -> None:
        """Refuse parameters that this version does not know."""
        extra = sorted(set(query) - set(names))
        if extra:
            detail = f"Extra query parameter(s) {', '.join(extra)} not in spec"
            raise Refused(*self.problem(400, None, detail, "BadRequest"))

    def page(self, query: Query) -> tuple[int, int]:
        """The limit (0 and anything over the rules' `page_limit` are that) and the offset."""
        most = self.world.rules.page_limit
        limit = self._number(query, "limit", most)
        if limit < 0:
            raise Refused(*self.problem(400, "Page limit must be a positive integer", None, "BadRequest"))
        offset = self._number(query, "offset", 0)
        if offset < 0:
            raise Refused(*self.bad_request(f"{offset} is less than the minimum of 0"))
        return (min(limit, most) or most), offset

    def _number(self, query: Query, name: str, default: int) -> int:
        if name not in query:
            return default
        try:
            return int(query[name][-1])
        except ValueError:
            raise Refused(*self._wrong_type(name, "integer")) from None

    def _flag(self, query: Query, name: str, *, default: bool | None) -> bool | None:
        if name not in query:
            return default
        text = query[name][-1].lower()
        if text not in ("true", "false"):
            raise Refused(*self._wrong_type(name, "boolean"))
        return text == "true"

    def _wrong_type(self, name: str, expected: str) -> Result:
        return self.bad_request(f"Wrong type, expected '{expected}' for query parameter '{name}'")

    def form(self, *fields: Field) -> dict[str, Any]:
        """The body, or a 400."""
        wrong = refused_v1(self.sent, fields, late=self._late)
        if wrong is not None or not isinstance(self.sent, dict):
            raise Refused(*self.bad_request(wrong or "Request body must not be empty"))
        return self.sent

    def dag_shown(self, dag_id: str) -> dict[str, object]:
        """A DAG that is there."""
        return self._dag(self.world.metadata.dags[dag_id])

    def bad_request(self, detail: str) -> Result:
        """400."""
        return self.problem(400, "Bad Request", detail, "BadRequest")


def _token(location: str) -> str:
    """A file's `file_token`."""
    return base64.urlsafe_b64encode(json.dumps(location).encode()).decode().rstrip("=") + _SIGNATURE


def _location(token: str) -> str | None:
    """The file that a token stands for; None: it is no token."""
    if not token.endswith(_SIGNATURE):
        return None
    text = token.removesuffix(_SIGNATURE)
    try:
        location = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return None
    return location if isinstance(location, str) else None
