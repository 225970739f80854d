"""The endpoints of datasets (Airflow 3: assets) and their events, which both dialects share but for words and keys."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from validator.sandbox.api import Dialect, Route, ilike

if TYPE_CHECKING:
    from validator.sandbox.api import Query, Result
    from validator.sandbox.assets import AssetEvent
    from validator.sandbox.metadata import AssetRow

_PAGED = ("limit", "offset", "order_by")
_EVENT_ORDERS = ("id", "timestamp", "source_task_id", "source_dag_id", "source_run_id", "source_map_index")


class AssetsDialect(Dialect):
    """A dialect with these endpoints."""

    noun: ClassVar[str]
    """`dataset` or `asset`: what lists and parameters are named after."""

    @abstractmethod
    def asset_row(self, asset: AssetRow) -> dict[str, object]:
        """One asset, as this version shows it."""

    @abstractmethod
    def event_row(self, event: AssetEvent) -> dict[str, object]:
        """One event, as this version shows it."""

    @abstractmethod
    def sent_event(self) -> tuple[AssetRow, dict[str, object]]:
        """The asset and the extra of an event that is sent.

        Raises:
            Refused: the body cannot be used, or there is no such asset.
        """

    @abstractmethod
    def no_asset(self, name: str) -> Result:
        """The 404 for an asset that is not there."""

    @abstractmethod
    def found_asset(self, name: str) -> AssetRow | None:
        """The asset that a path names."""

    def assets(self, query: Query) -> Result:
        """GET /datasets or /assets: on Airflow 2 the total counts what the pattern leaves out, too (recorded)."""
        is_2 = self.world.rules.major < 3  # noqa: PLR2004 - Airflow 3
        patterns = ("uri_pattern",) if is_2 else ("uri_pattern", "name_pattern")
        self.allow(query, *_PAGED, *patterns)
        rows = [self.asset_row(asset) for asset in self.world.assets.listed()]
        total = len(rows)
        for name in patterns:
            if name in query:
                pattern = ilike(query[name][-1])
                rows = [row for row in rows if pattern.search(str(row["uri"]))]
        orders = ("id", "uri", "created_at", "updated_at", *(() if is_2 else ("name",)))
        status, body = self.listing(query, f"{self.noun}s", rows, orders)
        if is_2 and isinstance(body, dict) and status < 300:  # noqa: PLR2004 - the HTTP class of success
            body["total_entries"] = total
        return status, body

    def asset(self, query: Query, name: str) -> Result:
        """GET of one: by its URI on Airflow 2, by its id on Airflow 3."""
        self.allow(query)
        found = self.found_asset(name)
        return self.no_asset(name) if found is None else (200, self.asset_row(found))

    def events(self, query: Query) -> Result:
        """GET /datasets/events or /assets/events."""
        sources = ("source_dag_id", "source_task_id", "source_run_id", "source_map_index")
        filters = (f"{self.noun}_id", *sources)
        self.allow(query, *_PAGED, *filters)
        rows = [self.event_row(event) for event in self.world.assets.events]
        for name in filters:
            if name in query:
                rows = [row for row in rows if str(row[name]) == query[name][-1]]
        return self.listing(query, f"{self.noun}_events", rows, _EVENT_ORDERS)

    def send_event(self, query: Query) -> Result:
        """POST /datasets/events or /assets/events."""
        self.allow(query)
        asset, extra = self.sent_event()
        return 200, self.event_row(self.world.assets.record(asset, extra))


def asset_routes(noun: str, one: str, senders: tuple[str, ...]) -> tuple[Route, ...]:
    """The routes of a dialect.

    Args:
        noun: `datasets` or `assets`.
        one: the pattern of what names one of them in a path.
        senders: the roles that may send events.
    """
    return (
        Route("GET", f"/{noun}", "assets"),
        Route("GET", f"/{noun}/events", "events"),
        Route("POST", f"/{noun}/events", "send_event", roles=senders, runs=True),
        Route("GET", f"/{noun}/{one}", "asset"),
    )
