"""Dataset events (Airflow 2) and asset events (Airflow 3): sending one, and finding one again.

Measured: AIRFLOW.md section 7. Airflow adds `from_rest_api` to what an event carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from validator.airflow.dialect import AIRFLOW_3, as_object, bad, parse_time, read_page
from validator.airflow.pages import ROWS_A_PAGE, prove_whole, read_list
from validator.airflow.walk import Collection, PageSize
from validator.errors import CallFailed
from validator.reasons import Reason
from validator.transport.interface import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from validator.airflow.models import Version
    from validator.transport.caller import Caller

_FIRST_TO_TAKE_EVENTS = (2, 9)
_MOST_PAGES = 10
_ADDED = "from_rest_api"
_MASK = "***"
"""What Airflow 3 shows in the place of secrets, such as whatever is called `token`."""


@dataclass(frozen=True)
class _Event:
    event_id: int
    uri: str
    extra: Mapping[str, object]
    timestamp: datetime
    runs: object
    """What the row holds of the runs that it helped to start."""


class EventCalls:
    """Sends and finds events, in the dialect of one Airflow."""

    def __init__(self, caller: Caller, version: Version, workers: int = 1) -> None:
        """Take a caller, the version of the Airflow behind it, and how many pages are read at once."""
        self._caller = caller
        self._version = version
        self._assets = Collection(caller, "/assets", "assets", PageSize(ROWS_A_PAGE, 1), workers)

    def send(self, uri: str, extra: Mapping[str, object], deadline: float) -> datetime:
        """Send an event, in one attempt; when Airflow stamped it, UTC.

        Raises:
            CallFailed: it was not sent, or nobody knows; see `Caller.send`. NOT_FOUND: no dataset or asset has this
                URI, or this Airflow takes no events.
            CannotTell: no call can do better.
        """
        if (self._version.major, self._version.minor) < _FIRST_TO_TAKE_EVENTS:
            raise CallFailed(
                Reason.NOT_FOUND,
                f"Airflow {self._version.text} takes no events through its API: 2.9 and later do",
                retry=False,
                advice="Take the event off the manifest's `smoke`, or upgrade the environment.",
            )
        if self._version.major >= AIRFLOW_3:
            named: dict[str, object] = {"asset_id": self._asset_id(uri, deadline)}
            path = "/assets/events"
        else:
            named = {"dataset_uri": uri}
            path = "/datasets/events"
        # Airflow 3 marks an event without an `extra` not at all, so there always is one.
        body = {**named, "extra": dict(extra)}
        event = self._read(self._caller.send(Request(path, method="POST", body=body), deadline).body)
        if event.uri != uri:
            raise bad(f"the answer to an event for {uri} is one for {event.uri}")
        return event.timestamp

    def since(
        self, uri: str, extra: Mapping[str, object], since: datetime, deadline: float
    ) -> datetime | None:
        """When the newest event for `uri` that carries `extra` was stamped, `since` or later; None: there is none.

        Raises:
            CallFailed: it cannot be told.
            CannotTell: no call can do better.
        """

        def wanted(event: _Event) -> bool:
            return event.uri == uri and event.timestamp >= since and _is_like(event.extra, sent)

        sent = _without_mark(extra)

        events = self._listed(since, wanted, deadline)
        return max((event.timestamp for event in events if wanted(event)), default=None)

    def started(self, uri: str, at: datetime, deadline: float) -> frozenset[tuple[str, str]]:
        """The runs, by DAG and run id, that the event for `uri` of exactly that stamp has helped to start so far.

        Raises:
            CallFailed: it cannot be told.
            CannotTell: no call can do better.
        """

        def wanted(event: _Event) -> bool:
            return event.uri == uri and event.timestamp == at

        events = self._listed(at, wanted, deadline)
        return frozenset(run for event in events if wanted(event) for run in self._runs_of(event))

    def _listed(
        self, since: datetime, wanted: Callable[[_Event], bool], deadline: float
    ) -> tuple[_Event, ...]:
        """Events, the newest first, until one is wanted or was stamped before `since`."""

        def page(offset: int) -> tuple[list[Any], int]:
            query: dict[str, str | int | bool] = {
                "order_by": "-timestamp",
                "limit": ROWS_A_PAGE,
                "offset": offset,
            }
            return read_page(self._caller.get(Request(path, query | narrowed), deadline).body, key)

        narrowed: dict[str, str | int | bool] = {}
        path, key = "/datasets/events", "dataset_events"
        if self._version.major >= AIRFLOW_3:
            path, key = "/assets/events", "asset_events"
            narrowed["timestamp_gte"] = since.isoformat()
        return read_list(
            f"the list {path}",
            page,
            self._read,
            lambda event: event.event_id,
            most_pages=_MOST_PAGES,
            enough=lambda rows: any(wanted(event) or event.timestamp < since for event in rows),
        )

    def _runs_of(self, event: _Event) -> list[tuple[str, str]]:
        what = f"the event {event.event_id}"
        if not isinstance(event.runs, list):
            raise bad(f"{what} does not say which runs it started")
        runs = []
        for row in event.runs:
            told = as_object(row, f"a run that {what} started")
            dag_id = told.get("dag_id")
            run_id = told.get("run_id" if self._version.major >= AIRFLOW_3 else "dag_run_id")
            if not isinstance(dag_id, str) or not isinstance(run_id, str):
                raise bad(f"a run that {what} started lacks its id or its DAG's")
            runs.append((dag_id, run_id))
        return runs

    def _asset_id(self, uri: str, deadline: float) -> int:
        """Airflow 3 takes an asset's id only. `uri_pattern` is a substring with wildcards: compared here."""
        walk = self._assets.walk({"uri_pattern": uri}, _read_asset, lambda asset: asset[1], deadline)
        ids = [asset_id for told, asset_id in walk.rows if told == uri]
        if not ids:
            prove_whole(walk, f"the assets whose URI is like {uri}")
            raise CallFailed(
                Reason.NOT_FOUND,
                f"Airflow knows no active asset with the URI {uri}",
                retry=False,
                advice="Check its spelling: a DAG that is parsed must name exactly this URI.",
            )
        return ids[0]

    def _read(self, row: object) -> _Event:
        told = as_object(row, "an event")
        uri = told.get("uri" if self._version.major >= AIRFLOW_3 else "dataset_uri")
        event_id, extra = told.get("id"), told.get("extra")
        if type(event_id) is not int or not isinstance(uri, str):
            raise bad("an event lacks its id or its URI")
        if extra is not None and not isinstance(extra, dict):
            raise bad(f"the event {event_id} carries an extra that is no object")
        stamp = parse_time(told.get("timestamp"), f"the timestamp of event {event_id}")
        if stamp is None:
            raise bad(f"the event {event_id} has no timestamp")
        return _Event(event_id, uri, _without_mark(extra or {}), stamp, told.get("created_dagruns"))


def _without_mark(extra: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in extra.items() if key != _ADDED}


def _is_like(told: object, sent: object) -> bool:
    """Whether Airflow tells what was sent, as far as it shows it."""
    if isinstance(told, str) and _MASK in told:
        return True
    if isinstance(told, dict) and isinstance(sent, dict):
        return told.keys() == sent.keys() and all(_is_like(value, sent[key]) for key, value in told.items())
    if isinstance(told, list) and isinstance(sent, list):
        return len(told) == len(sent) and all(map(_is_like, told, sent))
    return told == sent


def _read_asset(row: object) -> tuple[str, int]:
    told = as_object(row, "a row of /assets")
    uri, asset_id = told.get("uri"), told.get("id")
    if not isinstance(uri, str) or type(asset_id) is not int:
        raise bad("a row of /assets lacks its URI or its id")
    return uri, asset_id
