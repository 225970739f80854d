"""A fleet of environments: what its state machine asks before and after it went through them. Contract: docs/fleet.md."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from validator.errors import EXIT_CANNOT_TELL, EXIT_USAGE, GateError, UsageError
from validator.finding import Status
from validator.report.sanitize import encodable, one_line
from validator.s3.interface import Location
from validator.s3.location import parse_location
from validator.serverless import fleet_junit, fleet_page
from validator.serverless.fleet_plan import ITEMS, items_of, order_of
from validator.serverless.fleet_store import S3Store
from validator.serverless.fleet_verdict import judge

if TYPE_CHECKING:
    from validator.serverless.fleet_store import Store
    from validator.serverless.fleet_verdict import Fleet, Row

_LARGEST_LIST = 64 * 1024 * 1024
"""Bytes of the list of environments: twice what 200 of the largest settings take."""
_NAMED = 20
"""Environments that an answer names: the rest stands in the reports."""
_END = {"fleet", "reports", "tolerated_failure_percentage", "results", "lost"}
_TYPES = {
    "junit.xml": "application/xml; charset=utf-8",
    "fleet.html": "text/html; charset=utf-8",
    "fleet.json": "application/json",
}
_NAMES = {"junit": "junit.xml", "html": "fleet.html", "json": "fleet.json"}


def answer(request: object, store: Store | None = None) -> dict[str, Any]:
    """The answer to what an event has as its `fleet`.

    What cannot be used, or cannot be read or written, is an answer too: `"verdict": "error"` with its summary.

    Args:
        request: `{"begin": input, "run": name}`, or `{"end": {…}}` with the results.
        store: None: S3, with the function's own credentials.
    """
    try:
        return _answer(request, store or S3Store())
    except UsageError as error:
        return _no(error, EXIT_USAGE)
    except GateError as error:
        return _no(error, EXIT_CANNOT_TELL)


def _answer(request: object, store: Store) -> dict[str, Any]:
    if isinstance(request, dict) and set(request) == {"begin", "run"}:
        return _begin(request["begin"], request["run"], store)
    if isinstance(request, dict) and set(request) == {"end"}:
        return _end(request["end"], store)
    raise UsageError("`fleet` must be an object with `begin` and `run`, or with `end`: see docs/fleet.md.")


def _begin(given: object, run: object, store: Store) -> dict[str, Any]:
    """Write the list of items to S3, and say where, with all that the state machine itself has to know."""
    order = order_of(given, run)
    environments: object = order.environments
    if order.list is not None:
        environments = _json(store.read(order.list, _LARGEST_LIST), order.list)
    items = items_of(order, environments)
    where = _below(order.reports, ITEMS)
    store.write(where, json.dumps(items).encode(), "application/json")
    return {
        "state": "begun",
        "fleet": order.fleet,
        "environments": len(items),
        "reports": str(order.reports),
        "items": {"bucket": where.bucket, "key": where.path},
        **order.numbers,
        # What the state machine puts its map's outcome over.
        "results": [],
        "lost": {"Error": ""},
    }


def _end(given: object, store: Store) -> dict[str, Any]:
    """Judge the fleet, write its reports, and say what came out."""
    if not isinstance(given, dict) or set(given) != _END:
        raise UsageError(f"`end` must be an object with {', '.join(sorted(_END))}: see docs/fleet.md.")
    name, tolerated, lost = given["fleet"], given["tolerated_failure_percentage"], given["lost"]
    if not (isinstance(name, str) and isinstance(lost, str) and isinstance(given["reports"], str)):
        raise UsageError("`fleet`, `reports` and `lost` of `end` must be texts.")
    if type(tolerated) is not int or not 0 <= tolerated <= 100:  # noqa: PLR2004 - percent
        raise UsageError("`tolerated_failure_percentage` must be a whole number from 0 to 100.")
    reports = parse_location(given["reports"])
    where = _below(reports, ITEMS)
    fleet = judge(
        name,
        _environments(_json(store.read(where, _LARGEST_LIST), where), where),
        given["results"],
        tolerated,
        lost,
    )

    def junit_of(row: Row, limit: int) -> bytes:
        try:
            return store.read(_below(reports, f"{row.index}/{row.environment}/{_NAMES['junit']}"), limit)
        except GateError as failed:
            raise fleet_junit.Unusable(
                one_line(f"its JUnit report was never written, or cannot be read: {failed.message}", 500)
            ) from failed

    junit, fleet = fleet_junit.merge(fleet, junit_of)
    finished = datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")
    links = {row.index: f"{row.index}/{row.environment}/report.html" for row in fleet.rows if row.tests}
    facts = {"finished": finished, "tolerated failures": f"{tolerated} %", "reports": one_line(str(reports))}
    files = {
        _NAMES["junit"]: junit,
        _NAMES["html"]: fleet_page.render(fleet, links, facts),
        _NAMES["json"]: _as_json(fleet, finished, reports),
    }
    fleet, written = _write(fleet, files, reports, store)
    return {
        "state": "done",
        "fleet": fleet.name,
        "verdict": str(fleet.verdict),
        "exit_code": fleet.exit_code,
        "summary": one_line(encodable(fleet.summary), 1_500),
        "counts": _counts(fleet),
        "failed": _named(fleet, Status.FAILED),
        "cannot_tell": _named(fleet, Status.ERROR),
        "reports": written,
    }


def _write(
    fleet: Fleet, files: dict[str, bytes], reports: Location, store: Store
) -> tuple[Fleet, dict[str, str]]:
    """Write every file that can be; one that cannot is a note, and a fleet with a note is not green."""
    written: dict[str, str] = {}
    for kind, name in _NAMES.items():
        where = _below(reports, name)
        try:
            store.write(where, files[name], _TYPES[name])
        except GateError as failed:
            note = one_line(f"The fleet's report could not be written: {failed.message}.", 500)
            fleet = replace(fleet, notes=(*fleet.notes, note))
        else:
            written[kind] = str(where)
    return fleet, written


def _as_json(fleet: Fleet, finished: str, reports: Location) -> bytes:
    """All that is known of the fleet, for machines."""
    rows = [
        {
            "index": row.index,
            "environment": row.environment,
            "label": row.label,
            "verdict": str(row.verdict),
            "summary": encodable(row.summary),
            "reasons": [encodable(reason) for reason in row.reasons],
            "tests": vars(row.tests) if row.tests else None,
            "note": encodable(row.note),
            "reports": f"{reports}/{row.index}/{row.environment}" if row.tests else None,
        }
        for row in sorted(fleet.rows, key=lambda row: row.index)
    ]
    whole = {
        "schema": 1,
        "fleet": fleet.name,
        "verdict": str(fleet.verdict),
        "exit_code": fleet.exit_code,
        "summary": encodable(fleet.summary),
        "finished_at": finished,
        "tolerated_failure_percentage": fleet.tolerated,
        "counts": _counts(fleet),
        "environments": rows,
    }
    return json.dumps(whole, indent=2).encode() + b"\n"


def _counts(fleet: Fleet) -> dict[str, int]:
    verdicts = (Status.PASSED, Status.FAILED, Status.ERROR)
    return {"expected": len(fleet.rows), **{str(verdict): fleet.count(verdict) for verdict in verdicts}}


def _named(fleet: Fleet, verdict: Status) -> list[dict[str, str]]:
    rows = [row for row in fleet.rows if row.verdict is verdict]
    return [
        {"environment": row.label, "summary": encodable(one_line(row.summary, 200))} for row in rows[:_NAMED]
    ]


def _environments(items: object, where: Location) -> list[str]:
    """The environments' names, from the list that `_begin` wrote."""
    try:
        names = [item["event"]["environment"] for item in items]  # type: ignore[attr-defined]  # else TypeError
    except (TypeError, KeyError, LookupError) as error:
        raise _not_ours(where) from error
    if not names or not all(isinstance(name, str) for name in names):
        raise _not_ours(where)
    return names


def _not_ours(where: Location) -> UsageError:
    return UsageError(f"{where} is not the list that this fleet began with.")


def _json(data: bytes, where: Location) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} holds no JSON: {one_line(str(error), 200)}") from error


def _below(where: Location, name: str) -> Location:
    return Location(where.bucket, f"{where.path}/{name}" if where.path else name)


def _no(error: GateError, exit_code: int) -> dict[str, Any]:
    """The answer where there is no fleet to speak of."""
    text = f"{error.message} {error.advice}".strip()
    return {
        "state": "done",
        "verdict": str(Status.ERROR),
        "exit_code": exit_code,
        "summary": encodable(one_line(text, 1_500)),
        "reasons": [],
        "reports": {},
    }
