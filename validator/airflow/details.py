"""What is asked for once the lists are known: tasks, sources, warnings, variables, connections, pools.

Every answer is checked for its shape, as in `validator.airflow.dialect`; measured shapes: AIRFLOW.md section 5.
Values of variables and all of a connection but its id and type are dropped here: on Airflow 2 they come in clear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from validator.airflow.dialect import AIRFLOW_3, as_object, bad
from validator.airflow.models import (
    Connection,
    DagWarning,
    Details,
    Pool,
    Task,
    Unread,
    Walk,
    as_unread,
)
from validator.airflow.paths import escaped
from validator.airflow.side_by_side import side_by_side
from validator.airflow.walk import Collection, PageSize
from validator.errors import CallFailed
from validator.transport.interface import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from validator.airflow.models import Version
    from validator.plan import Inquiry
    from validator.transport.caller import Caller

_T = TypeVar("_T")
_R = TypeVar("_R")

_ROWS_A_PAGE = 100
_NOT_FOUND = 404


class DetailReader:
    """Asks one environment for details. Remembers only page sizes."""

    def __init__(self, caller: Caller, workers: int) -> None:
        self._caller = caller
        self._workers = workers
        self._warnings = self._collection("/dagWarnings", "dag_warnings")
        self._connections = self._collection("/connections", "connections")
        self._pools = self._collection("/pools", "pools")

    def read(self, inquiry: Inquiry, version: Version, deadline: float) -> Details:
        """All that `inquiry` wants to know; what could not be read is told in it.

        Raises:
            CannotTell: no call can do better.
        """

        def tasks(dag_id: str) -> tuple[Task, ...]:
            return _read_tasks(self._get(f"/dags/{escaped(dag_id)}/tasks", deadline), dag_id)

        def source(name: str) -> str:
            return _read_source(self._get(f"/dagSources/{escaped(wanted[name])}", deadline), name)

        def variable(key: str) -> bool:
            return self._exists(key, version, deadline)

        wanted = inquiry.sources
        texts = dict(zip(wanted, self._each(source, wanted), strict=True))
        return Details(
            tasks=dict(zip(inquiry.tasks, self._each(tasks, inquiry.tasks), strict=True)),
            sources=texts,
            warnings=self._walk(self._warnings, _read_warning, deadline) if inquiry.warnings else None,
            variables=dict(zip(inquiry.variables, self._each(variable, inquiry.variables), strict=True)),
            connections=self._walk(self._connections, _read_connection, deadline)
            if inquiry.connections
            else None,
            pools=self._walk(self._pools, _read_pool, deadline) if inquiry.pools else None,
        )

    def _collection(self, path: str, key: str) -> Collection:
        return Collection(self._caller, path, key, PageSize(_ROWS_A_PAGE, 1), self._workers)

    def _walk(self, collection: Collection, read: Callable[[object], _R], deadline: float) -> Walk[_R]:
        return collection.walk({}, read, lambda row: row, deadline)

    def _each(self, read: Callable[[str], _T], names: Iterable[str]) -> list[_T | Unread]:
        """What `read` gives for each name, several at once."""

        def one(name: str) -> _T | Unread:
            try:
                return read(name)
            except CallFailed as failed:
                return as_unread(failed)

        return side_by_side(one, list(names), self._workers)

    def _get(self, path: str, deadline: float) -> object:
        return self._caller.get(Request(path), deadline).body

    def _exists(self, key: str, version: Version, deadline: float) -> bool:
        """Whether a variable exists. Its value is not looked at."""
        airflow_3 = version.major >= AIRFLOW_3
        if "/" in key and not airflow_3:
            raise bad(f"Airflow 2's API cannot be asked for the variable {key}: its key holds a slash")
        try:
            # Airflow 3 takes a key's slashes as they are; escaped they are none of its routes.
            answer = self._get(f"/variables/{escaped(key, '/' if airflow_3 else '')}", deadline)
        except CallFailed as failed:
            if failed.status == _NOT_FOUND:
                return False
            raise
        if as_object(answer, "a variable").get("key") != key:
            raise bad(f"the answer for the variable {key} is that of another one")
        return True


def nothing_read(inquiry: Inquiry, unread: Unread) -> Details:
    """The details of a round in which `unread` kept all of them from being read."""
    walk: Walk[Any] = Walk(unread=unread)
    return Details(
        tasks=dict.fromkeys(inquiry.tasks, unread),
        sources=dict.fromkeys(inquiry.sources, unread),
        warnings=walk if inquiry.warnings else None,
        variables=dict.fromkeys(inquiry.variables, unread),
        connections=walk if inquiry.connections else None,
        pools=walk if inquiry.pools else None,
    )


def _read_tasks(body: object, dag_id: str) -> tuple[Task, ...]:
    rows = as_object(body, f"the tasks of {dag_id}").get("tasks")
    if not isinstance(rows, list):
        raise bad(f"the answer for the tasks of {dag_id} holds no list of them")
    tasks = []
    for row in rows:
        told = as_object(row, f"a task of {dag_id}")
        task_id, pool = told.get("task_id"), told.get("pool")
        if not isinstance(task_id, str) or not task_id:
            raise bad(f"a task of {dag_id} has the task_id {task_id!r}")
        tasks.append(Task(task_id, pool if isinstance(pool, str) else None))
    return tuple(tasks)


def _read_source(body: object, name: str) -> str:
    content = as_object(body, f"the source of {name}").get("content")
    if not isinstance(content, str):
        raise bad(f"the answer for the source of {name} holds no text")
    return content


def _read_warning(row: object) -> DagWarning:
    told = as_object(row, "a row of /dagWarnings")
    values = [told.get(key) for key in ("dag_id", "warning_type", "message")]
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(values):
        raise bad("a row of /dagWarnings lacks its DAG, its type or its message")
    return DagWarning(*texts)


def _read_connection(row: object) -> Connection:
    told = as_object(row, "a row of /connections")
    conn_id, kind = told.get("connection_id"), told.get("conn_type")
    if not isinstance(conn_id, str) or not conn_id:
        raise bad("a row of /connections has no connection_id")
    return Connection(conn_id, kind if isinstance(kind, str) else None)


def _read_pool(row: object) -> Pool:
    told = as_object(row, "a row of /pools")
    name, slots = told.get("name"), told.get("slots")
    if not isinstance(name, str) or not name:
        raise bad("a row of /pools has no name")
    if type(slots) is not int:
        raise bad(f"the pool {name} has {slots!r} slots, which is no number of them")
    return Pool(name, slots)
