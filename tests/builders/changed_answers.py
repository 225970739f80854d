"""Changes to what an Airflow answers, for hypothesis to draw: keys dropped, types changed, rows doubled, bodies cut."""

from __future__ import annotations

import copy
import json
import math
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import strategies as st
from replayed_airflow import EXPECTED

FOR_EVER = math.inf
ENDPOINTS = (
    *["/dags"] * 4,
    *["/health"] * 2,
    *["/importErrors"] * 2,
    "/version",
    "probe",
    "/pools",
    "/connections",
    "/dagWarnings",
    "/tasks",
    "/variables",
    "any",
)
_DEEP = 900
_LONG = 100_000


def _nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


VALUES = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(10**40), 1.5, 1e308, math.nan, math.inf, -math.inf, "", " ", "0", "true",
    "false", "null", "None", "healthy", "HEALTHY", "unhealthy", "\ud800", "\udfff\x00", "a\x00b", "\x1b[2J\x9b31m", "\u202e",
    "::error::x", "##[group]x", "<script>", "]]>", "${A}", "../../etc/passwd", "é", "e\u0301", "\U0010ffff", "x" * _LONG,
    "2026-11-22", "2026-11-22T02:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z",
    "2026-11-22T02:00:00.1234567890123Z", "3.0.6", "2.10.5", "4.0.0", "3", "3.99999.1", [], {}, [None], [[]], [{}],
    {"": None}, _nested(_DEEP), {"detail": {"detail": {"detail": None}}},
)  # fmt: skip
"""What may stand where something else should."""
STATUSES = (200, 201, 204, 301, 400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504, 0, 999)
ROW_CHANGES = (
    *[(key, value) for key in ("is_stale", "is_active", "has_import_errors") for value in (True, False, None, "false", 0)],
    ("is_paused", True), ("is_paused", None), ("last_parsed_time", None), ("last_parsed_time", -3600.0),
    ("last_parsed_time", -12.0), ("last_parsed_time", 3600.0), ("last_parsed_time", 5.0), ("fileloc", "/elsewhere/x.py"),
    ("relative_fileloc", "elsewhere/x.py"), ("fileloc", None), ("relative_fileloc", None), ("bundle_name", "other"),
    ("dag_id", "SMOKE_OK"), ("dag_id", "smoke_ok\u200b"), ("dag_id", " smoke_ok"), ("dag_id", "smoke_new"),
    ("dag_id", "smoke_conf"), ("dag_id", "gone"), ("tags", None), ("owners", "x"), ("file_token", 3),
)  # fmt: skip
"""What a row of /dags may say of one DAG; a number stands for a time, that many seconds from now."""
HEALTH_CHANGES = (
    "unhealthy", "Healthy", None, "", -30.0, -61.0, -200.0, 60.0, 5.0, {}, [], "healthy",
)  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One change of all answers of an endpoint, from one second to another."""

    endpoint: str
    act: str
    path: tuple[int, ...]
    value: object
    since: float = 0.0
    until: float = FOR_EVER

    def meets(self, request, seconds):
        if not self.since <= seconds < self.until:
            return False
        path = request.path
        return {
            "any": True,
            "/health": path.endswith("/health"),
            "probe": path.startswith("/dags/mwaa-gate-probe"),
            "/tasks": path.endswith("/tasks"),
            "/variables": path.startswith("/variables/"),
        }.get(self.endpoint, path == self.endpoint)

    def applied(self, status, body, now):
        """Another status and body; `body` may be changed in its place."""
        return getattr(self, f"_{self.act}")(status, body, now)

    def _status(self, status, body, now):
        return STATUSES[self.path[0] % len(STATUSES)], body

    def _body(self, status, body, now):
        return status, copy.deepcopy(self.value)

    def _cut(self, status, body, now):
        text = json.dumps(body)
        cut = text[: self.path[0] % (len(text) + 1)]
        try:
            return status, json.loads(cut)
        except ValueError:
            return status, cut or None

    def _total(self, status, body, now):
        if isinstance(body, dict) and isinstance(body.get("total_entries"), int):
            body["total_entries"] += self.path[0] % 7 - 3
        return status, body

    def _row(self, status, body, now):
        rows = body.get("dags") if isinstance(body, dict) else None
        if rows:
            key, value = ROW_CHANGES[self.path[0] % len(ROW_CHANGES)]
            row = rows[self.path[1] % len(rows)]
            if isinstance(row, dict):
                row[key] = (now + timedelta(seconds=value)).isoformat() if isinstance(value, float) else value
        return status, body

    def _component(self, status, body, now):
        entries = [one for one in body.values() if isinstance(one, dict)] if isinstance(body, dict) else []
        if entries:
            entry, value = (
                entries[self.path[0] % len(entries)],
                HEALTH_CHANGES[self.path[1] % len(HEALTH_CHANGES)],
            )
            beats = [key for key in entry if key.startswith("latest_")]
            if isinstance(value, float):
                entry.update({key: (now + timedelta(seconds=value)).isoformat() for key in beats})
            else:
                entry["status"] = copy.deepcopy(value)
        return status, body

    def _error(self, status, body, now):
        """An import error of an expected DAG's file, under one of the names that it has."""
        rows = body.get("import_errors") if isinstance(body, dict) else None
        if rows and isinstance(rows[0], dict):
            name = f"{EXPECTED[self.path[0] % len(EXPECTED)]}.py"
            told = (name, f"/usr/local/airflow/dags/{name}", f"/usr/local/airflow/dags/./{name}")
            rows.append(
                {
                    **rows[0],
                    "import_error_id": 77,
                    "filename": told[self.path[1] % 3],
                    "timestamp": now.isoformat(),
                }
            )
            body["total_entries"] = len(rows)
        return status, body

    def _parent(self, body):
        """The mapping or list that the path leads to, and a key of it; None: there is none."""
        parent, key, node = None, None, body
        for step in self.path:
            if isinstance(node, dict) and node:
                parent, key = node, list(node)[step % len(node)]
            elif isinstance(node, list) and node:
                parent, key = node, step % len(node)
            else:
                break
            node = parent[key]
        return parent, key

    def _replace(self, status, body, now):
        parent, key = self._parent(body)
        if parent is None:
            return status, copy.deepcopy(self.value)
        parent[key] = copy.deepcopy(self.value)
        return status, body

    def _drop(self, status, body, now):
        parent, key = self._parent(body)
        if parent is not None:
            del parent[key]
        return status, body

    def _double(self, status, body, now):
        parent, key = self._parent(body)
        if isinstance(parent, list):
            parent.insert(self.path[-1] % (len(parent) + 1), copy.deepcopy(parent[key]))
        elif parent is not None:
            parent[f"{key}_"] = copy.deepcopy(parent[key])
        return status, body

    def _rename(self, status, body, now):
        parent, key = self._parent(body)
        if isinstance(parent, dict):
            parent[str(self.value)[:50]] = parent.pop(key)
        return status, body

    def _wrap(self, status, body, now):
        parent, key = self._parent(body)
        if parent is not None:
            parent[key] = [parent[key]] if self.path[-1] % 2 else {str(key): parent[key]}
        return status, body

    def _null(self, status, body, now):
        parent, _ = self._parent(body)
        if isinstance(parent, list):
            parent.insert(self.path[-1] % (len(parent) + 1), None)
        return status, body


ACTS = (
    "status", "body", "cut", "total", "total", "replace", "replace", "replace", "drop", "drop", "double", "rename", "wrap",
    "null",
)  # fmt: skip
numbers = st.integers(0, 5_000)
spans = st.sampled_from(
    [(0.0, FOR_EVER)] * 4 + [(0.0, 15.0), (15.0, FOR_EVER), (25.0, FOR_EVER), (5.0, 25.0)]
)
paths = st.lists(numbers, min_size=2, max_size=5).map(tuple)


def _change(endpoint, act, path, value, span):
    return Change(endpoint, act, path, value, *span)


anything = st.builds(
    _change,
    st.sampled_from(ENDPOINTS),
    st.sampled_from(ACTS),
    paths,
    st.sampled_from(VALUES),
    spans,
)
meant = st.one_of(
    st.builds(_change, st.just("/dags"), st.just("row"), paths, st.none(), spans),
    st.builds(_change, st.just("/health"), st.just("component"), paths, st.none(), spans),
    st.builds(_change, st.just("/importErrors"), st.just("error"), paths, st.none(), spans),
)
changes = st.lists(anything | meant, max_size=4)
"""Mostly one or two; each alone may be harmless."""


def changer(drawn, clock):
    """What a transport of recorded answers takes: all these changes, one after the other."""

    def change(request, status, body):
        for one in drawn:
            if one.meets(request, clock.time):
                status, body = one.applied(status, body, clock.moment)
        return status, body

    return change
