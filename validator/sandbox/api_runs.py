"""The endpoints of runs and task instances, which both dialects share but for words, keys and bodies."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar

from validator.sandbox.api import RUNNERS, Dialect, Refused, Route
from validator.sandbox.bodies import Field
from validator.sandbox.row_parts import date_of, within

if TYPE_CHECKING:
    from datetime import datetime

    from validator.sandbox.api import Query, Result
    from validator.sandbox.runs import Attempt, DagRun, TaskInstance

_RUN = "/dags/([^/]+)/dagRuns/([^/]+)"
RUNS = (
    Route("POST", "/dags/~/dagRuns/list", "list_runs", runs=True),
    Route("POST", "/dags/~/dagRuns/~/taskInstances/list", "list_instances", runs=True),
    Route("GET", "/dags/([^/]+)/dagRuns", "runs", runs=True),
    Route("POST", "/dags/([^/]+)/dagRuns", "trigger", roles=RUNNERS, runs=True),
    Route("GET", _RUN, "run", runs=True),
    Route("DELETE", _RUN, "delete_run", roles=RUNNERS, runs=True),
    Route("GET", f"{_RUN}/taskInstances", "instances", runs=True),
    Route("GET", f"{_RUN}/taskInstances/([^/]+)", "instance", runs=True),
    Route("GET", f"{_RUN}/taskInstances/([^/]+)/logs/([0-9]+)", "log", runs=True),
    Route("PATCH", "/dags/([^/]+)", "pause", roles=RUNNERS, runs=True),
)
"""Their routes."""
ALL = "~"
"""Stands for every DAG, or every run, in a path."""
STATES = (
    *("removed", "scheduled", "queued", "running", "success", "restarting", "failed", "up_for_retry"),
    *("up_for_reschedule", "upstream_failed", "skipped", "deferred"),
)
"""What a task instance's state may be, as Airflow 3 orders it."""


class RunsDialect(Dialect):
    """A dialect with these endpoints."""

    run_orders: ClassVar[tuple[str, ...]]
    """What runs may be ordered by."""
    instance_orders: ClassVar[tuple[str, ...]]
    """What task instances may be ordered by."""

    @abstractmethod
    def trigger_form(self) -> dict[str, Any]:
        """The body of a trigger."""

    @abstractmethod
    def list_form(self, *, instances: bool) -> dict[str, object]:
        """The body of a list of runs, or of task instances."""

    @abstractmethod
    def run_row(self, run: DagRun) -> dict[str, object]:
        """One run, as this version shows it."""

    @abstractmethod
    def instance_row(self, run: DagRun, one: TaskInstance) -> dict[str, object]:
        """One task instance, as this version shows it."""

    @abstractmethod
    def log_of(self, run: DagRun, one: TaskInstance, number: int, attempt: Attempt | None) -> Result:
        """The log of one try; `attempt` is None where no worker began it."""

    @abstractmethod
    def checked_id(self, run_id: str) -> None:
        """Refuse a run id that this version does not take."""

    @abstractmethod
    def own_id(self, at: datetime) -> str:
        """The id of a run that was triggered without one."""

    @abstractmethod
    def id_taken(self, dag_id: str, run_id: str) -> Result:
        """The 409 for an id that a run has."""

    @abstractmethod
    def broken_dag(self, dag_id: str) -> Result:
        """The 400 for a trigger of a DAG whose file has an import error."""

    @abstractmethod
    def no_dag(self, dag_id: str, deed: str) -> Result | None:
        """The 404 for a DAG that is not there.

        Args:
            dag_id: which.
            deed: `trigger`, `runs`, `instances` or `pause`.

        Returns:
            None: this version answers as if it had no runs.
        """

    @abstractmethod
    def no_run(self, dag_id: str, run_id: str, deed: str) -> Result:
        """The answer for a run that is not there; `deed` is `get`, `delete` or `instances`."""

    @abstractmethod
    def no_instance(self, dag_id: str, run_id: str, task_id: str, deed: str) -> Result:
        """The 404 for a task instance that is not there; `deed` is `get` or `log`."""

    @abstractmethod
    def paged(self, name: str, rows: list[dict[str, object]], total: int) -> Result:
        """A list of runs or task instances, in this version's envelope."""

    def trigger(self, query: Query, dag_id: str) -> Result:
        """POST /dags/{id}/dagRuns. A paused DAG and a dead scheduler are no obstacle: the run is queued."""
        self.allow(query)
        row = self.editable_dag(dag_id)
        sent = self.trigger_form()
        if row is None or not row.active:
            return self.no_dag(dag_id, "trigger") or self.missing("DAG", dag_id)
        if row.has_import_errors:
            return self.broken_dag(dag_id)
        now = self.world.time(self.world.elapsed)
        asked = self._date(sent.get("logical_date") or sent.get("execution_date"))
        if asked is not None and any(run.logical_date == asked for run in self.world.runs.of(dag_id)):
            return self.id_taken(dag_id, asked.isoformat(sep=" "))
        major_3 = self.world.rules.major >= 3  # noqa: PLR2004 - Airflow 3 needs no logical date
        run = self.world.runs.create(
            dag_id,
            self._new_id(dag_id, sent.get("dag_run_id"), asked, now),
            run_after=asked if asked and self.version == "3.0.6" else now,
            logical_date=asked or (None if major_3 else now),
            conf=sent.get("conf"),
            note=sent.get("note"),
        )
        if run is None:  # known, but not yet serialized
            return self.no_dag(dag_id, "trigger") or self.missing("DAG", dag_id)
        return 200, self.run_row(run)

    def runs(self, query: Query, dag_id: str) -> Result:
        """GET /dags/{id}/dagRuns."""
        self.allow(query, "limit", "offset", "order_by", "state")
        if dag_id != ALL and self.readable_dag(dag_id) is None:
            refused = self.no_dag(dag_id, "runs")
            if refused:
                return refused
        states = query.get("state")
        found = [
            self.run_row(run)
            for run in self._readable()
            if dag_id in (ALL, run.dag_id) and (not states or run.state in states)
        ]
        limit, offset = self.page(query)
        return self._page("dag_runs", found, query.get("order_by", ["id"])[-1], limit, offset)

    def list_runs(self, query: Query) -> Result:
        """POST /dags/~/dagRuns/list: runs of DAGs that may not be read are left out without a word (measured)."""
        self.allow(query)
        sent = self.list_form(instances=False)
        found = [
            self.run_row(run)
            for run in self._readable()
            if _among(run.dag_id, sent.get("dag_ids")) and _among(run.state, sent.get("states"))
        ]
        return self._sent_page("dag_runs", found, sent)

    def run(self, query: Query, dag_id: str, run_id: str) -> Result:
        """GET /dags/{id}/dagRuns/{run}."""
        self.allow(query)
        self._may_read(dag_id)
        run = self.world.runs.get(dag_id, run_id)
        return self.no_run(dag_id, run_id, "get") if run is None else (200, self.run_row(run))

    def delete_run(self, query: Query, dag_id: str, run_id: str) -> Result:
        """DELETE /dags/{id}/dagRuns/{run}: whatever its state."""
        self.allow(query)
        self.editable_dag(dag_id)
        run = self.world.runs.get(dag_id, run_id)
        if run is None:
            return self.no_run(dag_id, run_id, "delete")
        self.world.runs.delete(run)
        return 204, None

    def instances(self, query: Query, dag_id: str, run_id: str) -> Result:
        """GET /dags/{id}/dagRuns/{run}/taskInstances."""
        self.allow(query, "limit", "offset", "order_by", "state")
        self._may_read(dag_id)
        if run_id != ALL and self.world.runs.get(dag_id, run_id) is None:
            known = dag_id in self.world.metadata.dags
            refused = self.no_dag(dag_id, "instances") if not known else None
            return refused or self.no_run(dag_id, run_id, "instances")
        states = query.get("state")
        found = [
            self.instance_row(run, one)
            for run in self._readable()
            if dag_id in (ALL, run.dag_id) and run_id in (ALL, run.run_id)
            for one in run.instances
            if not states or one.state in states
        ]
        limit, offset = self.page(query)
        return self._page("task_instances", found, query.get("order_by", ["id"])[-1], limit, offset)

    def list_instances(self, query: Query) -> Result:
        """POST /dags/~/dagRuns/~/taskInstances/list."""
        self.allow(query)
        sent = self.list_form(instances=True)
        asked = sent.get("dag_ids")
        if isinstance(asked, list) and not all(map(self.role.may_read, asked)):
            raise Refused(*self.unreadable(asked))
        states = sent.get("state")
        if isinstance(states, list):
            states = [None if state == "none" else state for state in states]
        found = [
            self.instance_row(run, one)
            for run in self._readable()
            if _among(run.dag_id, asked) and _among(run.run_id, sent.get("dag_run_ids"))
            for one in run.instances
            if _among(one.task.task_id, sent.get("task_ids")) and _among(one.state, states)
        ]
        return self._sent_page("task_instances", found, sent)

    def unreadable(self, dag_ids: list[str]) -> Result:  # noqa: ARG002 - Airflow 2 names them
        """The 403 for DAGs of which one may not be read."""
        return self.forbidden()

    def instance(self, query: Query, dag_id: str, run_id: str, task_id: str) -> Result:
        """GET /dags/{id}/dagRuns/{run}/taskInstances/{task}."""
        self.allow(query)
        found = self._instance(dag_id, run_id, task_id)
        return (
            self.no_instance(dag_id, run_id, task_id, "get")
            if found is None
            else (200, self.instance_row(*found))
        )

    def log(self, query: Query, dag_id: str, run_id: str, task_id: str, number: str) -> Result:
        """GET /dags/{id}/dagRuns/{run}/taskInstances/{task}/logs/{try}, as JSON."""
        self.allow(query, "full_content", "map_index", "token")
        found = self._instance(dag_id, run_id, task_id)
        if found is None:
            return self.no_instance(dag_id, run_id, task_id, "log")
        attempts = found[1].attempts
        wanted = int(number)
        attempt = attempts[wanted - 1] if 0 < wanted <= len(attempts) else None
        return self.log_of(*found, wanted, attempt)

    def pause(self, query: Query, dag_id: str) -> Result:
        """PATCH /dags/{id}: `is_paused` only."""
        self.allow(query, "update_mask")
        row = self.editable_dag(dag_id)
        sent = self.form(
            Field("is_paused", "flag", required=True, by_schema=True), Field("dag_id", read_only=True)
        )
        if query.get("update_mask", ["is_paused"]) != ["is_paused"]:
            return self.bad_request("Only `is_paused` field can be updated through the REST API")
        if row is None:
            return self.no_dag(dag_id, "pause") or self.missing("DAG", dag_id)
        row.paused = bool(sent["is_paused"])
        return 200, self.dag_shown(dag_id)

    @abstractmethod
    def dag_shown(self, dag_id: str) -> dict[str, object]:
        """A DAG that is there, as this version shows it."""

    def moment(self, at: datetime | None) -> str | None:
        """A date as this version writes it; without microseconds where it has none."""
        text = None if at is None else at.isoformat()
        if text is None or self.world.rules.major < 3:  # noqa: PLR2004 - Airflow 3
            return text
        return text.replace("+00:00", "Z")

    def stamped(self, at: float | None) -> str | None:
        """A time of the world as this version writes it."""
        return None if at is None else self.stamp(at)

    def _new_id(self, dag_id: str, given: str | None, asked: datetime | None, now: datetime) -> str:
        """The id of a run to be made: the one given, or one of Airflow's own."""
        runs = self.world.runs
        if given:
            self.checked_id(given)
        run_id = given or self.own_id(asked or now)
        while not given and asked is None and runs.get(dag_id, run_id):
            now += timedelta(microseconds=1)  # a test's clock may stand still, Airflow's does not
            run_id = self.own_id(now)
        if runs.get(dag_id, run_id):
            raise Refused(*self.id_taken(dag_id, run_id))
        return run_id

    def _may_read(self, dag_id: str) -> None:
        if dag_id != ALL:
            self.readable_dag(dag_id)

    def _readable(self) -> list[DagRun]:
        return [run for run in self.world.runs.rows if self.role.may_read(run.dag_id)]

    def _instance(self, dag_id: str, run_id: str, task_id: str) -> tuple[DagRun, TaskInstance] | None:
        self._may_read(dag_id)
        run = self.world.runs.get(dag_id, run_id)
        for one in run.instances if run else ():
            if run and one.task.task_id == task_id:
                return run, one
        return None

    def _sent_page(self, name: str, rows: list[dict[str, object]], sent: dict[str, object]) -> Result:
        try:
            rows = [row for row in rows if within(row, sent)]
        except ValueError as error:
            return self.bad_request(str(error))
        limit, offset = sent.get("page_limit", 100), sent.get("page_offset", 0)
        order_by = sent.get("order_by") or "id"
        return self._page(name, rows, str(order_by), int(str(limit)), int(str(offset)))

    def _page(
        self, name: str, rows: list[dict[str, object]], order_by: str, limit: int, offset: int
    ) -> Result:
        runs = name == "dag_runs"
        if runs and order_by.removeprefix("-") == "run_id" and "run_id" in self.run_orders:
            order_by = order_by.replace("run_id", "dag_run_id")
        rows = self.arranged(rows, order_by, self.run_orders if runs else self.instance_orders)
        return self.paged(name, rows[offset : offset + limit], len(rows))

    def _date(self, text: object) -> datetime | None:
        if text is None:
            return None
        try:
            return date_of(text).astimezone(timezone.utc)
        except (ValueError, OverflowError):  # before the year 1, seen from UTC
            raise Refused(*self.bad_request(f"Invalid date string: {text}")) from None


def _among(value: object, wanted: object) -> bool:
    """Whether a filter lets a value through; one that is absent, null or empty lets any."""
    return not isinstance(wanted, list) or not wanted or value in wanted
