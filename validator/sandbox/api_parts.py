"""The endpoints that both dialects share but for words and keys: tasks, warnings, pools, connections."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from validator.sandbox.api import KEEPERS, READERS, Dialect, Query, Refused, Result, Route, ilike, ranked
from validator.sandbox.files import source_of
from validator.sandbox.stock import MASK, masked

if TYPE_CHECKING:
    from validator.sandbox.files import SimDag, SimTask
    from validator.sandbox.stock import SimConnection

PARTS = (
    Route("GET", "/dags/([^/]+)/tasks", "tasks"),
    Route("GET", "/dags/([^/]+)/tasks/([^/]+)", "task"),
    Route("GET", "/dagWarnings", "dag_warnings"),
    Route("GET", "/pools", "pools", roles=READERS),
    Route("GET", "/pools/([^/]+)", "pool", roles=READERS),
    Route("GET", "/connections", "connections", roles=KEEPERS),
    Route("GET", "/connections/([^/]+)", "connection", roles=KEEPERS),
)
"""Their routes."""
_PAGED = ("limit", "offset", "order_by")
_WARNING_ORDERS = ("timestamp", "dag_id", "warning_type", "message")
_POOL_ORDERS = ("id", "name", "slots")
_CONNECTION_ORDERS = ("id", "connection_id", "conn_type", "description", "host", "port")


class PartsDialect(Dialect):
    """A dialect with these endpoints. What they show is that of Airflow's own default configuration."""

    @abstractmethod
    def warning_rows(self) -> list[dict[str, object]]:
        """All warnings, whoever may see them, in the order of their times."""

    def source(self, key: str) -> str | None:
        """The source that is kept for a DAG (Airflow 3) or a path (Airflow 2); None: there is none."""
        kept = self.world.metadata.sources.get(key)
        return None if kept is None else source_of(*kept)

    def tasks(self, query: Query, dag_id: str) -> Result:
        """GET /dags/{id}/tasks: those of the serialized DAG, by their ids."""
        self.allow(query, "order_by")
        order_by = query.get("order_by", ["task_id"])[-1]
        key = order_by.lstrip("-")
        rows = self._task_rows(dag_id)
        if rows and key not in rows[0]:
            if self.version == "3.3.2":
                return self.bad_order(order_by)
            said = f"'SerializedBaseOperator' object has no attribute '{key}'"
            return self.bad_request(said)
        rows = ranked(rows, key)
        if order_by.startswith("-"):
            rows.reverse()
        return 200, {"tasks": rows, "total_entries": len(rows)}

    def task(self, query: Query, dag_id: str, task_id: str) -> Result:
        """GET /dags/{id}/tasks/{task_id}."""
        self.allow(query)
        for row in self._task_rows(dag_id):
            if row["task_id"] == task_id:
                return 200, row
        return self.missing("Task", task_id)

    def dag_warnings(self, query: Query) -> Result:
        """GET /dagWarnings."""
        self.allow(query, "dag_id", "warning_type", *_PAGED)
        if "dag_id" in query:
            self.readable_dag(query["dag_id"][-1])
        rows = [row for row in self.warning_rows() if self.role.may_read(str(row["dag_id"]))]
        for name in ("dag_id", "warning_type"):
            if name in query:
                rows = [row for row in rows if row[name] == query[name][-1]]
        return self.listing(query, "dag_warnings", rows, _WARNING_ORDERS)

    def pools(self, query: Query) -> Result:
        """GET /pools."""
        rows = [self._pool(name, slots) for name, slots in self.world.stock.all_pools.items()]
        return self._stock(query, "pools", self._like(query, "pool_name_pattern", "name", rows), _POOL_ORDERS)

    def pool(self, query: Query, name: str) -> Result:
        """GET /pools/{name}."""
        self.allow(query)
        slots = self.world.stock.all_pools.get(name)
        return self.missing("Pool", name) if slots is None else (200, self._pool(name, slots))

    def connections(self, query: Query) -> Result:
        """GET /connections: on Airflow 2 the list shows no `extra`."""
        rows = [self._connection(key, one) for key, one in self.world.stock.connections.items()]
        if self._major < 3:  # noqa: PLR2004 - Airflow 3
            for row in rows:
                del row["extra"]
        rows = self._like(query, "connection_id_pattern", "connection_id", rows)
        return self._stock(query, "connections", rows, _CONNECTION_ORDERS)

    def connection(self, query: Query, conn_id: str) -> Result:
        """GET /connections/{id}."""
        self.allow(query)
        one = self.world.stock.connections.get(conn_id)
        return self.missing("Connection", conn_id) if one is None else (200, self._connection(conn_id, one))

    @property
    def _major(self) -> int:
        return self.world.rules.major

    def _stock(
        self, query: Query, name: str, rows: list[dict[str, object]], orders: tuple[str, ...]
    ) -> Result:
        self.allow(query, *_PAGED)
        return self.listing(query, name, rows, orders)

    def _like(
        self, query: Query, parameter: str, key: str, rows: list[dict[str, object]]
    ) -> list[dict[str, object]]:
        """The rows that Airflow 3's pattern finds; Airflow 2 knows none, and `allow` says so."""
        if parameter not in query:
            return rows
        pattern = ilike(query[parameter][-1])
        return [row for row in rows if pattern.search(str(row[key]))]

    def _task_rows(self, dag_id: str) -> list[dict[str, object]]:
        self.readable_dag(dag_id)
        one = self.web.get(dag_id)
        if one is None:
            raise Refused(*self.missing("DAG", dag_id))
        dag = one.code.dag
        return [self._task(dag, task) for task in dag.tasks]

    def _task(self, dag: SimDag, task: SimTask) -> dict[str, object]:
        late = {"doc_md": None, "task_display_name": task.task_id} if self.version != "2.4.3" else {}
        package, start = "airflow.operators", "2024-01-01T00:00:00+00:00"
        if self._major >= 3:  # noqa: PLR2004 - Airflow 3
            package, start = "airflow.providers.standard.operators", "2024-01-01T00:00:00Z"
        operator, module = task.operator, f"{package}.{task.operator.removesuffix('Operator').lower()}"
        return {
            **late,
            "class_ref": {"class_name": operator, "module_path": module},
            "depends_on_past": False,
            "downstream_task_ids": sorted(dag.downstream(task)),
            "end_date": None,
            "execution_timeout": None,
            "extra_links": [],
            "is_mapped": False,
            "operator_name": operator,
            "owner": dag.owners[0] if dag.owners else "airflow",
            "params": {},
            "pool": task.pool,
            "pool_slots": 1.0,
            "priority_weight": 1.0,
            "queue": "default",
            "retries": float(task.retries),
            "retry_delay": {
                "__type": "TimeDelta",
                "days": 0,
                "microseconds": 0,
                "seconds": int(task.retry_delay),
            },
            "retry_exponential_backoff": 0.0 if self.version == "3.3.2" else False,
            "start_date": start,
            "task_id": task.task_id,
            "template_fields": []
            if task.is_empty
            else ["bash_command", "env", *([] if self.version == "2.4.3" else ["cwd"])],
            "trigger_rule": "all_success",
            "ui_color": "#e8f7e4" if task.is_empty else "#f0ede4",
            "ui_fgcolor": "#000",
            "wait_for_downstream": False,
            "weight_rule": "downstream",
        }

    def _pool(self, name: str, slots: int) -> dict[str, object]:
        idle = ("occupied_slots", "queued_slots", "running_slots", "scheduled_slots")
        late: dict[str, object] = {"deferred_slots": 0, "include_deferred": False}
        described = "Default pool" if name == "default_pool" else ""
        return {
            "name": name,
            "slots": slots,
            "open_slots": slots,
            "description": described,
            **dict.fromkeys(idle, 0),
            **({} if self.version == "2.4.3" else late),
            **self._team,
        }

    def _connection(self, conn_id: str, one: SimConnection) -> dict[str, object]:
        row: dict[str, object] = {
            "connection_id": conn_id,
            "conn_type": one.conn_type,
            "description": one.description,
            "host": one.host,
            "login": one.login,
            "schema": one.schema,
            "port": one.port,
            "extra": None if one.extra is None else masked(one.extra),
        }
        if self._major >= 3:  # noqa: PLR2004 - Airflow 3 shows that there is a password
            row["password"] = None if one.password is None else MASK
        return {**row, **self._team}

    @property
    def _team(self) -> dict[str, object]:
        return {"team_name": None} if self.version == "3.3.2" else {}
