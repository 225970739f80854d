"""What was really told, read from the raw answers and not with the gate's readers, and held against what is expected.

Anything that is not plainly as the API promises counts as not read. It knows no patience and no reasons.
"""

from __future__ import annotations

from datetime import datetime, timezone

from oracle import not_held
from replayed_airflow import time_of

from validator.airflow.models import (
    Component,
    Dag,
    DagFile,
    DagImportError,
    Observation,
    Unread,
    Version,
    Walk,
)
from validator.reasons import Reason

ROOT = "/usr/local/airflow/dags"
NOT_READ = Unread(Reason.BAD_RESPONSE, "no sensible answer")
_GONE = {"only_active", "exclude_stale"}


class Nonsense(Exception):
    """An answer that says nothing."""


def sure(holds):
    if not holds:
        raise Nonsense


def moment(value):
    if value is None:
        return None
    sure(isinstance(value, str))
    try:
        told = time_of(value)
    except ValueError:
        raise Nonsense from None
    sure(told.tzinfo is not None)
    return told.astimezone(timezone.utc) if told.year not in (1, 9999) else told


def good(exchange):
    return exchange is not None and 200 <= exchange.status < 300


def version_in(log):
    for one in log:
        if one.request.path == "/version" and good(one) and isinstance(one.body, dict):
            text = one.body.get("version")
            parts = text.split(".") if isinstance(text, str) else []
            if len(parts) > 1 and parts[0] in ("2", "3"):
                minor = "".join(letter for letter in parts[1][:4] if letter.isdigit())
                return Version(text, int(parts[0]), int(minor or 0))
    return None


def health_in(exchange):
    sure(good(exchange) and isinstance(exchange.body, dict))
    found = {}
    for name, entry in exchange.body.items():
        if isinstance(entry, dict):
            status = entry.get("status")
            sure(status is None or isinstance(status, str))
            beats = [
                value
                for key, value in entry.items()
                if key.startswith("latest_") and key.endswith("_heartbeat")
            ]
            found[name] = Component(name, status, moment(beats[0]) if beats else None)
    return found


def named(row, key):
    value = row.get(key)
    return value if isinstance(value, str) and value else None


def file_in(row, name):
    absolute = name if name is not None and name.startswith("/") else named(row, "fileloc")
    relative = name if name is not None and not name.startswith("/") else named(row, "relative_fileloc")
    return DagFile(absolute and absolute.replace("/./", "/"), relative, named(row, "bundle_name"))


def dag_in(row, major):
    sure(isinstance(row, dict) and named(row, "dag_id"))
    key, value = ("is_active", True) if major == 2 else ("is_stale", False)
    paused = row.get("is_paused")
    return Dag(
        row["dag_id"],
        row.get(key) is value,
        paused if isinstance(paused, bool) else None,
        row.get("has_import_errors") is not False,
        moment(row.get("last_parsed_time")),
        file_in(row, None),
    )


def error_in(row):
    sure(isinstance(row, dict) and named(row, "filename") and type(row.get("import_error_id")) is int)
    return DagImportError(
        row.get("import_error_id"), file_in({}, row["filename"]), moment(row.get("timestamp")), ""
    )


def list_in(exchanges, key, read, identity):
    """A list as its pages were told last, a later row of one identity in the place of an earlier; else not read."""
    pages = {one.request.query.get("offset", 0): one for one in exchanges}
    rows, totals = [], set()
    try:
        sure(pages)
        for _, page in sorted(pages.items()):
            sure(good(page) and isinstance(page.body, dict) and isinstance(page.body.get(key), list))
            rows += [read(row) for row in page.body[key]]
            totals.add(repr(page.body.get("total_entries")))
    except Nonsense:
        return Walk(unread=NOT_READ)
    found = {identity(row): row for row in rows}
    return Walk(tuple(found.values()), totals == {str(len(found))}, None, len(found))


def last_round(log):
    """Its calls: it begins with health and the DAG list, in any order."""

    def begins(one):
        path = one.request.path
        return path.endswith("/health") or (path == "/dags" and not _GONE & set(one.request.query))

    healths = [number for number, one in enumerate(log) if one.request.path.endswith("/health")]
    if not healths:
        return []
    start = healths[-1]
    while start and begins(log[start - 1]):
        start -= 1
    return log[start:]


def seen_in(log):
    """The last round, as the raw answers tell it; None: no version was ever told."""
    version, exchanges = version_in(log), last_round(log)
    if version is None or not exchanges:
        return None
    try:
        health = health_in([one for one in exchanges if one.request.path.endswith("/health")][-1])
    except Nonsense:
        health = NOT_READ
    listings = [one for one in exchanges if one.request.path == "/dags"]
    plain = [one for one in listings if not _GONE & set(one.request.query)]
    gone = [one for one in listings if _GONE & set(one.request.query)]
    errors = [one for one in exchanges if one.request.path == "/importErrors"]
    probes = [one.status for one in log if one.request.path.startswith("/dags/mwaa-gate-probe")]

    def dags(exchanges):
        return list_in(exchanges, "dags", lambda row: dag_in(row, version.major), lambda row: row.dag_id)

    return Observation(
        began=exchanges[0].at,
        ended=exchanges[-1].at.replace(microsecond=0),
        version=version,
        health=health,
        dags=dags(plain),
        gone={row.dag_id: row for row in dags(gone).rows if not row.active},
        import_errors=list_in(errors, "import_errors", error_in, lambda error: error.error_id),
        reads_all=404 in probes,
    )


def last_of(log, path):
    told = [one for one in log if one.request.path == path]
    return told[-1].body if told and good(told[-1]) else None


def rows_of(log, path, key):
    body = last_of(log, path)
    rows = body.get(key) if isinstance(body, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def not_there(manifest, log):
    """Variables, connections, pools and tasks that were not plainly told as expected."""
    bad = []
    for key in manifest.variables:
        body = last_of(log, f"/variables/{key}")
        if not (isinstance(body, dict) and body.get("key") == key):
            bad.append(f"variable: {key}")
    connections = rows_of(log, "/connections", "connections")
    for one in manifest.connections:
        kinds = [row.get("conn_type") for row in connections if row.get("connection_id") == one.conn_id]
        if not kinds or (one.conn_type is not None and one.conn_type not in kinds):
            bad.append(f"connection: {one.conn_id}")
    pools = rows_of(log, "/pools", "pools")
    for one in manifest.pools:
        slots = [row.get("slots") for row in pools if row.get("name") == one.name]
        least = one.min_slots or 0
        if not any(type(count) is int and (count == -1 or count >= least) for count in slots):
            bad.append(f"pool: {one.name}")
    for one in manifest.dags:
        if one.tasks is not None:
            told = [row.get("task_id") for row in rows_of(log, f"/dags/{one.dag_id}/tasks", "tasks")]
            if sorted(map(str, told)) != sorted(one.tasks):
                bad.append(f"tasks: {one.dag_id}")
    return bad


def wrong_in(log, manifest, rules, deployed_at: datetime):
    """What the raw answers do not show to hold; empty: the gate may be green."""
    seen = seen_in(log)
    if seen is None:
        return ["nothing was told"]
    return not_held(manifest, seen, deployed_at, rules, ROOT) + not_there(manifest, log)
