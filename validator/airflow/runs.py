"""The calls for DAG runs, their task instances and logs, the pause switch, and dataset events, by dialect.

Every answer is checked for its shape, as in `validator.airflow.details`. Measured: AIRFLOW.md sections 6 to 9;
orders, filters by time and logs on 2.10.5 and 3.0.6, those of 2.4.3 and 3.3.2 read in their sources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from validator.airflow.dialect import AIRFLOW_3, as_object, bad, dialect_of, read_dag, read_page
from validator.airflow.events import EventCalls
from validator.airflow.pages import ROWS_A_PAGE, prove_whole, read_list
from validator.airflow.paths import escaped
from validator.airflow.run_rows import DagRun, ListedRun, TaskInstance, read_run, read_task_instance
from validator.airflow.task_log import end_of_log
from validator.airflow.walk import Collection as PagedCollection
from validator.airflow.walk import PageSize
from validator.errors import CallFailed
from validator.transport.interface import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping
    from datetime import datetime

    from validator.airflow.models import Version
    from validator.transport.caller import Caller

__all__ = ["DagRun", "RunCalls", "TaskInstance"]

_R = TypeVar("_R")

_MOST_PAGES_OF_RUNS = 10
_MOST_PAGES_OF_TASKS = 50
_WORKERS = 1
"""Pages of /dags and /assets that are read at once: one nearly always holds all that is like an id."""
_FIRST_TO_FILTER_BY_RUN = (2, 10)
"""The task instances' `dag_run_ids`; refused before (AIRFLOW.md section 6)."""
_FORBIDDEN = 403
_NOT_FOUND = 404


class RunCalls:
    """What is done with, and asked about, DAG runs of one Airflow. Thread-safe."""

    def __init__(self, caller: Caller, version: Version) -> None:
        """Take a caller, and the version of the Airflow behind it."""
        self._caller = caller
        self._version = version
        self._airflow_3 = version.major >= AIRFLOW_3
        self._due_key = "run_after" if self._airflow_3 else "execution_date"
        self._dags = PagedCollection(caller, "/dags", "dags", PageSize(ROWS_A_PAGE, 1), _WORKERS)
        self._events = EventCalls(caller, version, _WORKERS)

    def can_trigger(self, dag_id: str) -> bool:
        """Whether the path of such a call is short enough."""
        return self._fits(_path(dag_id, "dagRuns"))

    def can_remove(self, dag_id: str, run_id: str) -> bool:
        """Whether the path of such a call is short enough."""
        return self._fits(_path(dag_id, "dagRuns", run_id))

    def can_pause(self, dag_id: str) -> bool:
        """Whether the path of such a call is short enough."""
        return self._fits(_path(dag_id))

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, object] | None, deadline: float) -> None:
        """Make a DAG run, in one attempt. A paused DAG's run stays queued for ever.

        Args:
            dag_id: the DAG.
            run_id: the run's id: letters, digits, `-` and `_` pass everywhere.
            conf: what the run is told; None: nothing.
            deadline: on the clock.

        Raises:
            CallFailed: it was not made, or nobody knows; see `Caller.send`. Its `status` is Airflow's: 409 where a run
                has this id (Airflow 2: or was made in the same microsecond), 404 where no DAG has, 403.
            CannotTell: no call can do better.
        """
        body: dict[str, object] = {"dag_run_id": run_id}
        if conf is not None:
            body["conf"] = dict(conf)
        if self._airflow_3:
            body["logical_date"] = None  # must be there; Airflow 2 refuses it
        request = Request(_path(dag_id, "dagRuns"), method="POST", body=body)
        run = self._read_run(self._caller.send(request, deadline).body).run
        if (run.dag_id, run.run_id) != (dag_id, run_id):
            raise bad(
                f"the answer to a trigger of {dag_id} as {run_id} is the run {run.run_id} of {run.dag_id}"
            )

    def find(
        self, wanted: Collection[tuple[str, str]], deadline: float, *, since: datetime | None = None
    ) -> Mapping[tuple[str, str], DagRun]:
        """The DAG runs `wanted`, by DAG and run id. What is not among them does not exist.

        Args:
            wanted: DAG and run ids.
            deadline: on the clock.
            since: no wanted run was triggered earlier, by the server's clock; None: look at all, the newest first.

        Raises:
            CallFailed: it cannot be told, as of a DAG with more than 1,000 newer runs.
            CannotTell: no call can do better.
        """
        keys = set(wanted)
        if not keys:
            return {}
        rows = self._runs({dag_id for dag_id, _ in keys}, "-id", since, deadline, keys)
        return {_key(row.run): row.run for row in rows if _key(row.run) in keys}

    def of(self, dag_id: str, since: datetime, deadline: float) -> tuple[DagRun, ...]:
        """The runs of a DAG made since then, the oldest first: by their logical date (Airflow 2) or `run_after`.

        A run that an event started has the time of that event there, or a later one.

        Raises:
            CallFailed: it cannot be told.
            CannotTell: no call can do better.
        """
        rows = self._runs({dag_id}, "id", since, deadline)
        return tuple(row.run for row in rows if row.run.dag_id == dag_id and row.due >= since)

    def task_instances(
        self, runs: Collection[tuple[str, str]], deadline: float
    ) -> Mapping[tuple[str, str], tuple[TaskInstance, ...]]:
        """The task instances of each of `runs`, by DAG and run id: as they began, those that did not last.

        Empty for a run that does not exist.

        Raises:
            CallFailed: they cannot be told.
            CannotTell: no call can do better.
        """
        keys = set(runs)
        if not keys:
            return {}
        narrowed: dict[str, object] = {"dag_ids": sorted({dag_id for dag_id, _ in keys})}
        if (self._version.major, self._version.minor) >= _FIRST_TO_FILTER_BY_RUN:
            narrowed["dag_run_ids"] = sorted({run_id for _, run_id in keys})
        else:
            narrowed |= self._dates_of(keys, deadline)
        rows = self._list(
            "/dags/~/dagRuns/~/taskInstances/list",
            "task_instances",
            narrowed,
            deadline,
            read=read_task_instance,
            identity=lambda task: (task.dag_id, task.run_id, task.task_id, task.map_index),
            most_pages=_MOST_PAGES_OF_TASKS,
        )
        found: dict[tuple[str, str], list[TaskInstance]] = {key: [] for key in keys}
        for task in sorted(rows, key=_order):
            if (task.dag_id, task.run_id) in found:
                found[task.dag_id, task.run_id].append(task)
        return {key: tuple(tasks) for key, tasks in found.items()}

    def remove(self, dag_id: str, run_id: str, deadline: float) -> bool:
        """Delete a DAG run, whatever its state. False: it was not there.

        Raises:
            CallFailed: it may still be there.
            CannotTell: no call can do better.
        """
        request = Request(_path(dag_id, "dagRuns", run_id), method="DELETE")
        try:
            self._caller.get(request, deadline)
        except CallFailed as failed:
            if failed.status == _NOT_FOUND:
                return False
            raise
        return True

    def set_paused(self, dag_id: str, paused: bool, deadline: float) -> None:  # noqa: FBT001 - Airflow's `is_paused`
        """Pause or unpause a DAG.

        Raises:
            CallFailed: Airflow did not say that it is so now.
            CannotTell: no call can do better.
        """
        request = Request(_path(dag_id), method="PATCH", body={"is_paused": paused})
        told = as_object(self._caller.get(request, deadline).body, f"the DAG {dag_id}")
        if told.get("dag_id") != dag_id or told.get("is_paused") is not paused:
            raise bad(f"the answer to setting is_paused of {dag_id} to {paused} does not say that it is so")

    def is_paused(self, dag_id: str, deadline: float) -> bool | None:
        """Whether a DAG is paused; None: it is not listed.

        Raises:
            CallFailed: it cannot be told.
            CannotTell: no call can do better.
        """
        dialect = dialect_of(self._version)
        walk = self._dags.walk(
            {"dag_id_pattern": dag_id}, lambda row: read_dag(row, dialect), lambda dag: dag.dag_id, deadline
        )
        dag = next((dag for dag in walk.rows if dag.dag_id == dag_id and dag.active), None)
        if dag is None:
            prove_whole(walk, f"the DAGs whose id is like {dag_id}")
            return None
        if dag.paused is None:
            raise bad(f"the row of DAG {dag_id} does not say whether it is paused")
        return dag.paused

    def send_event(self, uri: str, extra: Mapping[str, object] | None, deadline: float) -> datetime | None:
        """Send a dataset or asset event; see `EventCalls.send`."""
        return self._events.send(uri, extra or {}, deadline)

    def event_since(
        self, uri: str, extra: Mapping[str, object] | None, since: datetime, deadline: float
    ) -> datetime | None:
        """When such an event was stamped, `since` or later; see `EventCalls.since`."""
        return self._events.since(uri, extra or {}, since, deadline)

    def started_by(self, uri: str, at: datetime, deadline: float) -> frozenset[tuple[str, str]]:
        """The runs that an event helped to start; see `EventCalls.started`."""
        return self._events.started(uri, at, deadline)

    def log_end(self, task: TaskInstance, deadline: float, most: int = 4000) -> str | None:
        """The end of the log of a task's last try, `most` characters at most. Hostile: make it inert.

        None: the call's path is too long, the role may not read it, or there is none.

        Raises:
            CallFailed: it cannot be told.
            CannotTell: no call can do better.
        """
        steps = ("dagRuns", task.run_id, "taskInstances", task.task_id, "logs", str(task.try_number))
        path = _path(task.dag_id, *steps)
        if task.try_number < 1 or not self._fits(path):
            return None
        query: dict[str, str | int | bool] = {"full_content": True}
        if task.map_index >= 0:
            query["map_index"] = task.map_index
        try:
            body = self._caller.get(Request(path, query), deadline).body
        except CallFailed as failed:
            if failed.status in (_FORBIDDEN, _NOT_FOUND):
                return None
            raise
        return end_of_log(body, most)

    def _fits(self, path: str) -> bool:
        longest = self._caller.longest_path
        return longest is None or len(path) <= longest

    def _runs(
        self,
        dag_ids: Collection[str],
        order: str,
        since: datetime | None,
        deadline: float,
        wanted: Collection[tuple[str, str]] | None = None,
    ) -> tuple[ListedRun, ...]:
        """Rows of the list of DAG runs. By id, that is as they were made: a queued run has no start to order by."""
        body: dict[str, object] = {"dag_ids": sorted(dag_ids), "order_by": order}
        if since is not None:
            body[f"{self._due_key}_gte"] = since.isoformat()

        def all_there(rows: Collection[ListedRun]) -> bool:
            return wanted is not None and {_key(row.run) for row in rows}.issuperset(wanted)

        return self._list(
            "/dags/~/dagRuns/list",
            "dag_runs",
            body,
            deadline,
            read=self._read_run,
            identity=lambda row: _key(row.run),
            most_pages=_MOST_PAGES_OF_RUNS,
            enough=all_there,
        )

    def _dates_of(self, keys: Collection[tuple[str, str]], deadline: float) -> dict[str, object]:
        """What narrows the task instances to about those of these runs, where there is no filter for runs."""
        rows = self._runs({dag_id for dag_id, _ in keys}, "-id", None, deadline, keys)
        dates = [row.due for row in rows if _key(row.run) in keys]
        if not dates:
            return {}
        return {
            f"{self._due_key}_gte": min(dates).isoformat(),
            f"{self._due_key}_lte": max(dates).isoformat(),
        }

    def _list(  # noqa: PLR0913 - a list's whole description, private to this class
        self,
        path: str,
        key: str,
        narrowed: Mapping[str, object],
        deadline: float,
        *,
        read: Callable[[object], _R],
        identity: Callable[[_R], Hashable],
        most_pages: int,
        enough: Callable[[Collection[_R]], bool] = lambda _: False,
    ) -> tuple[_R, ...]:
        """The rows of one of the lists that are asked for with a body."""

        def page(offset: int) -> tuple[list[Any], int]:
            body = {**narrowed, "page_limit": ROWS_A_PAGE, "page_offset": offset}
            return read_page(self._caller.get(Request(path, method="POST", body=body), deadline).body, key)

        return read_list(f"the list {path}", page, read, identity, most_pages=most_pages, enough=enough)

    def _read_run(self, row: object) -> ListedRun:
        return read_run(row, airflow_3=self._airflow_3)


def _key(run: DagRun) -> tuple[str, str]:
    return run.dag_id, run.run_id


def _order(task: TaskInstance) -> tuple[bool, str, str, int]:
    return task.began is None, task.began.isoformat() if task.began else "", task.task_id, task.map_index


def _path(*steps: str) -> str:
    """A path below /dags, each step escaped."""
    return "/".join(["/dags", *map(escaped, steps)])
