"""An Airflow that answers as a real one was recorded, with its times moved along: everything was parsed just now.

What it answers can be changed on its way, and every exchange is kept, so that others can look at what was told.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from scripted_airflow import recording

from validator.transport.interface import NO_ADVICE, Answer, Request

EXPECTED = ("smoke_conf", "smoke_fail", "smoke_ok")
"""The DAGs that it lists; each is in the file of its name."""
CONNECTION, POOL, VARIABLE = "h1_conn", "default_pool", "h1_secret_password"
_HEALTH = {"3.3.2": "health_triggerer_never_ran"}
_LISTS = {
    "/importErrors": ("importErrors", "import_errors"),
    "/dagWarnings": ("dagWarnings", "dag_warnings"),
    "/pools": ("pools", "pools"),
    "/connections": ("connections", "connections"),
}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_MOVES = ("latest_", "last_parsed_time", "timestamp")
_AGE = timedelta(seconds=1)


@dataclass(frozen=True)
class Exchange:
    """One call and what was answered."""

    at: datetime
    request: Request
    status: int
    body: object


def kept(told):
    """A recorded answer without the marks of what was cut from it when it was recorded."""
    if isinstance(told, dict):
        return {name: kept(one) for name, one in told.items() if name != "__truncated__"}
    if isinstance(told, list):
        return [kept(one) for one in told if not (isinstance(one, dict) and "__truncated__" in one)]
    return told


def time_of(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _times(body):
    """Where its moving times stand: the mapping and the key."""
    if isinstance(body, dict):
        for key, value in body.items():
            if isinstance(value, str) and key.startswith(_MOVES) and _TIME.fullmatch(value):
                yield body, key
            else:
                yield from _times(value)
    elif isinstance(body, list):
        for one in body:
            yield from _times(one)


def moved(body, now):
    """A copy whose latest time is a second ago, and whose others are as much earlier as they were."""
    body = copy.deepcopy(body)
    places = list(_times(body))
    if places:
        by = now - _AGE - max(time_of(at[key]) for at, key in places)
        for at, key in places:
            at[key] = (time_of(at[key]) + by).isoformat()
    return body


class Replayed:
    """A transport. `change` takes the request, the status and the body, and gives another status and body, or raises."""

    longest_path = 64
    advice = NO_ADVICE

    def __init__(self, version, clock, change=None, where="replayed", *, tells_time=True):
        self.version = version
        self.clock = clock
        self.change = change or (lambda request, status, body: (status, body))
        self.where = where
        self.tells_time = tells_time
        self.log = []

    def call(self, request):
        status, body = self._recorded(request)
        status, body = self.change(request, status, moved(body, self.clock.moment))
        self.log.append(Exchange(self.clock.moment, request, status, body))
        return Answer(status, body, self.clock.moment.replace(microsecond=0) if self.tells_time else None)

    def environment(self):
        return None

    def _told(self, name):
        told = recording(self.version, name)
        return told["status"], kept(told["response"])

    def _recorded(self, request):
        path = request.path
        if path == "/dags":
            return self._dags(request.query)
        if path in _LISTS:
            name, key = _LISTS[path]
            return self._page(self._told(name)[1][key], key, request.query)
        if path.startswith("/variables/"):
            return self._told("variable_secret" if path.endswith(f"/{VARIABLE}") else "variable_404")
        names = {
            "/version": "version",
            "/health" if self.version.startswith("2") else "/monitor/health": _HEALTH.get(
                self.version, "health"
            ),
        }
        if path.endswith("/tasks"):
            return self._told("tasks_ok")
        return self._told("dagSources_ok" if path.startswith("/dagSources/") else names.get(path, "dag_404"))

    def _dags(self, query):
        rows = self._told("dags_pattern_04")[1]["dags"]
        if query.get("only_active") is False or query.get("exclude_stale") is False:
            rows = rows + self._told("dags_stale_included")[1]["dags"]
        pattern = str(query.get("dag_id_pattern", ""))
        return self._page([row for row in rows if pattern in row["dag_id"]], "dags", query)

    @staticmethod
    def _page(rows, key, query):
        start = int(query.get("offset", 0))
        return 200, {
            key: rows[start : start + int(query.get("limit", 100))],
            "total_entries": len(rows),
        }


def tasks_of(version):
    """The tasks that it says each of its DAGs has."""
    return tuple(row["task_id"] for row in recording(version, "tasks_ok")["response"]["tasks"])
