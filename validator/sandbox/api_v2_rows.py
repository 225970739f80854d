"""Runs, task instances, assets and variables in the words of Airflow 3, as 3.0.6 and 3.3.2 were recorded."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any, ClassVar

from validator.sandbox.api import Refused
from validator.sandbox.api_assets import AssetsDialect
from validator.sandbox.api_runs import STATES, RunsDialect
from validator.sandbox.api_variables import VariablesDialect
from validator.sandbox.bodies import Field
from validator.sandbox.row_parts import HOST, PID, duration_of, ranges, rendered, weight_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from validator.sandbox.api import Query, Result
    from validator.sandbox.assets import AssetEvent
    from validator.sandbox.metadata import AssetRow
    from validator.sandbox.runs import Attempt, DagRun, TaskInstance

BUNDLE = "dags-folder"
"""The one bundle that there is."""
_ID = r"^[A-Za-z0-9_.~:+-]+$"
_OWN_ID = r"^(?:manual|scheduled|asset_triggered)__(?:\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+00:00)$"
_RUN_STATES = ("queued", "running", "success", "failed")
_RANGES = ("run_after", "logical_date", "start_date", "end_date")
_STATEMENT = "INSERT INTO dag_run (dag_id, run_id) VALUES (?, ?)"
_UNIQUE = "UNIQUE constraint failed: dag_run.dag_id, dag_run.run_id"
_SERIOUS = (
    "Serious error when handling your request. Check logs for more details - you will find it in api server "
    "when you look for ID 8aWjfYe3"
)
_GROUP: tuple[dict[str, object], ...] = (
    {"event": "::group::Log message source details", "sources": ["sandbox"]},
    {"event": "::endgroup::"},
)


class RowsV2(RunsDialect, AssetsDialect, VariablesDialect):
    """What ApiV2 says of them."""

    noun: ClassVar[str] = "asset"
    run_orders: ClassVar[tuple[str, ...]] = (
        *("id", "state", "dag_id", "dag_run_id", "run_id", "logical_date", "run_after", "start_date"),
        *("end_date", "updated_at", "conf"),
    )
    instance_orders: ClassVar[tuple[str, ...]] = (
        *("id", "state", "duration", "start_date", "end_date", "map_index"),
    )

    def trigger_form(self) -> dict[str, Any]:
        """The key `logical_date` must be there; null will do."""
        dates = ("run_after", "data_interval_start", "data_interval_end")
        return self.form(
            Field("dag_run_id", nullable=True),
            *(Field(name, nullable=True) for name in dates),
            Field("logical_date", required=True, nullable=True),
            Field("conf", "object"),
            Field("note", nullable=True),
        )

    def list_form(self, *, instances: bool) -> dict[str, object]:
        """Nothing is capped here, on any version."""
        ids = ("dag_ids", "dag_run_ids", "task_ids") if instances else ("dag_ids",)
        name, choices = ("state", STATES) if instances else ("states", _RUN_STATES)
        return self.form(
            Field("order_by", nullable=True),
            Field("page_offset", "count"),
            Field("page_limit", "count"),
            *(Field(one, "texts", nullable=True) for one in ids),
            Field(name, "texts", nullable=True, choices=choices),
            *ranges(_RANGES),
        )

    def run_row(self, run: DagRun) -> dict[str, object]:
        """One run: a logical date only where one was given."""
        logical = self.moment(run.logical_date)
        by_asset = run.run_type == "asset_triggered"
        late: dict[str, object] = {}
        if self._late:
            seconds = None if run.started is None or run.ended is None else round(run.ended - run.started, 6)
            late = {
                "duration": seconds,
                "triggering_user_name": None if by_asset else "admin",
                "dag_display_name": run.dag_id,
                "partition_key": None,
                "partition_date": None,
            }
        return {
            "dag_run_id": run.run_id,
            "dag_id": run.dag_id,
            "logical_date": logical,
            "queued_at": self.stamp(run.created),
            "start_date": self.stamped(run.started),
            "end_date": self.stamped(run.ended),
            "data_interval_start": logical,
            "data_interval_end": logical,
            "run_after": self.moment(run.run_after),
            "last_scheduling_decision": self.stamped(run.decided),
            "run_type": run.run_type,
            "state": run.state,
            "triggered_by": "asset" if by_asset else "rest_api",
            "conf": run.conf,
            "note": run.note,
            "dag_versions": [self._dag_version(run.dag_id)],
            "bundle_version": None,
            **late,
        }

    def instance_row(self, run: DagRun, one: TaskInstance) -> dict[str, object]:
        """One task instance; each try has its own id."""
        late: dict[str, object] = {}
        if self._late:
            late = {"dag_display_name": run.dag_id, "operator_name": one.task.operator}
        nothing = ("executor", "note", "rendered_map_index", "trigger", "triggerer_job")
        return {
            "id": one.id,
            "task_id": one.task.task_id,
            "dag_id": run.dag_id,
            "dag_run_id": run.run_id,
            "map_index": -1,
            "logical_date": self.moment(run.logical_date),
            "run_after": self.moment(run.run_after),
            "start_date": self.stamped(one.started),
            "end_date": self.stamped(one.ended),
            "duration": duration_of(one),
            "state": one.state,
            "try_number": one.try_number,
            "max_tries": one.task.retries,
            "task_display_name": one.task.task_id,
            "hostname": HOST if one.attempts else "",
            "unixname": "root",
            "pool": one.task.pool,
            "pool_slots": 1,
            "queue": "default",
            "priority_weight": weight_of(run, one),
            "operator": one.task.operator,
            "queued_when": self.stamped(one.queued),
            "scheduled_when": self.stamped(one.queued),
            "pid": PID if one.attempts else None,
            "executor_config": "{}",
            **dict.fromkeys(nothing),
            "rendered_fields": rendered(one),
            "dag_version": self._dag_version(run.dag_id),
            **late,
        }

    def log_of(self, run: DagRun, one: TaskInstance, number: int, attempt: Attempt | None) -> Result:
        """A list of events, each an object (measured on 3.0.6); a try that there is not is a 404."""
        if number == one.try_number == 0:
            said = "Error fetching the logs. Try number 0 is invalid."
            return 200, {"content": [{"event": said, "level": "error"}], "continuation_token": None}
        if attempt is None:
            return self.no_instance(run.dag_id, run.run_id, one.task.task_id, "log")
        content = [*_GROUP, *self._log_events(one, attempt)]
        token = None if attempt.ended is not None else "eyJlbmRfb2ZfbG9nIjpmYWxzZX0.SIGNATURE"
        return 200, {"content": content, "continuation_token": token}

    def _log_events(self, one: TaskInstance, attempt: Attempt) -> Iterable[dict[str, object]]:
        began = {"timestamp": self.stamp(attempt.started), "level": "info"}
        yield {**began, "event": "Filling up the DagBag", "logger": "airflow.models.dagbag.DagBag"}
        for line in one.task.log.splitlines():
            yield {**began, "event": line, "logger": "airflow.task"}
        if attempt.ended is None:
            return
        ended = {"timestamp": self.stamp(attempt.ended), "logger": "task"}
        if attempt.outcome == "failed":
            said = "Bash command failed. The command returned a non-zero exit code 1."
            exception = {"exc_type": "AirflowException", "exc_value": said, "exc_notes": [], "frames": []}
            more: dict[str, object] = {
                "syntax_error": None,
                "is_cause": False,
                "is_group": False,
                "exceptions": [],
            }
            event = {"event": "Task failed with exception", "level": "error"}
            yield {**ended, **event, "error_detail": [{**exception, **more}]}
        elif attempt.outcome == "skipped":
            yield {**ended, "event": "Skipping task.", "level": "info", "reason": "as its scenario says"}

    def checked_id(self, run_id: str) -> None:
        """400 with both patterns."""
        if not re.match(_ID, run_id, re.ASCII):
            raise Refused(
                *self.bad_request(
                    f"The run_id provided '{run_id}' does not match regex pattern '{_ID}' or '{_OWN_ID}'"
                )
            )

    def own_id(self, at: datetime) -> str:
        """`manual__`, the time, and eight letters."""
        return f"manual__{at.isoformat()}_{self.world.runs.suffix()}"

    def id_taken(self, dag_id: str, run_id: str) -> Result:  # noqa: ARG002 - Airflow 2 names them
        """409 with an object; 3.3 hides the statement."""
        told = ("hidden", "hidden") if self._late else (_STATEMENT, _UNIQUE)
        detail = {"reason": "Unique constraint violation", "statement": told[0], "orig_error": told[1]}
        return 409, {"detail": {**detail, "message": _SERIOUS}}

    def broken_dag(self, dag_id: str) -> Result:
        """400."""
        word = "Dag" if self._late else "DAG"
        return self.bad_request(f"{word} with dag_id: '{dag_id}' has import errors and cannot be triggered")

    def no_dag(self, dag_id: str, deed: str) -> Result | None:
        """In words that differ from deed to deed."""
        word = "Dag" if self._late else "DAG"
        said = {
            "trigger": f"{word} with dag_id: '{dag_id}' not found",
            "pause": f"Dag with id: {dag_id} was not found",
            "runs": f"The {word} with dag_id: `{dag_id}` was not found",
        }
        return 404, {"detail": said.get(deed, f"{word} with dag_id: `{dag_id}` was not found")}

    def no_run(self, dag_id: str, run_id: str, deed: str) -> Result:
        """404."""
        if deed == "instances":
            return 404, {"detail": f"DagRun with run_id: `{run_id}` was not found"}
        said = f"The DagRun with dag_id: `{dag_id}` and run_id: `{run_id}` was not found"
        return 404, {"detail": said}

    def no_instance(self, dag_id: str, run_id: str, task_id: str, deed: str) -> Result:
        """404."""
        where = f"dag_id: `{dag_id}`, run_id: `{run_id}` and task_id: `{task_id}`"
        said = "TaskInstance not found" if deed == "log" else f"The Task Instance with {where} was not found"
        return 404, {"detail": said}

    def paged(self, name: str, rows: list[dict[str, object]], total: int) -> Result:
        """A list, on 3.3 with cursors that are not used."""
        late = ("total_entries_limit", "next_cursor", "previous_cursor") if self._late else ()
        return 200, {name: rows, "total_entries": total, **dict.fromkeys(late)}

    def asset_row(self, asset: AssetRow) -> dict[str, object]:
        """One asset; 3.3 calls its consumers `scheduled_dags`."""
        made = self.stamp(asset.created)
        dates = {"created_at": made, "updated_at": made}
        consumers = [{"dag_id": dag_id, **dates} for dag_id in self.world.assets.consumers(asset.uri)]
        late: dict[str, object] = {"consuming_dags": consumers}
        if self._late:
            events = [event for event in self.world.assets.events if event.asset == asset]
            last = {"id": events[-1].id, "timestamp": self.stamp(events[-1].at)} if events else None
            late = {
                "scheduled_dags": consumers,
                "consuming_tasks": [],
                "watchers": [],
                "last_asset_event": last or {"id": None, "timestamp": None},
            }
        return {
            "id": asset.id,
            "name": asset.uri,
            "uri": asset.uri,
            "group": "asset",
            "extra": {},
            **dates,
            **late,
            "producing_tasks": [
                {"dag_id": dag_id, "task_id": task_id, **dates}
                for dag_id, task_id in self.world.assets.producers(asset.uri)
            ],
            "aliases": [],
        }

    def event_row(self, event: AssetEvent) -> dict[str, object]:
        """One event."""
        dag_id, run_id, task_id = event.source or (None, None, None)
        kept = ("dag_id", "logical_date", "start_date", "end_date", "state")
        rows = [self.run_row(run) for run in event.runs]
        return {
            "id": event.id,
            "asset_id": event.asset.id,
            "uri": event.asset.uri,
            "name": event.asset.uri,
            "group": "asset",
            "extra": event.extra,
            "source_task_id": task_id,
            "source_dag_id": dag_id,
            "source_run_id": run_id,
            "source_map_index": -1,
            "created_dagruns": [
                {
                    "run_id": row["dag_run_id"],
                    "data_interval_start": None,
                    "data_interval_end": None,
                    **{key: row[key] for key in kept},
                }
                for row in rows
            ],
            "timestamp": self.stamp(event.at),
            **({"partition_key": None} if self._late else {}),
        }

    def sent_event(self) -> tuple[AssetRow, dict[str, object]]:
        """By id. 3.0 marks only an extra that was sent (measured)."""
        sent = self.form(Field("asset_id", "count", required=True), Field("extra", "object"))
        asset = self.found_asset(str(sent["asset_id"]))
        if asset is None:
            raise Refused(404, {"detail": f"Asset with ID: `{sent['asset_id']}` was not found"})
        extra = sent.get("extra")
        return asset, {**extra, "from_rest_api": True} if isinstance(extra, dict) else {}

    def no_asset(self, name: str) -> Result:
        """404."""
        return 404, {"detail": f"The Asset with ID: `{name}` was not found"}

    def found_asset(self, name: str) -> AssetRow | None:
        """By its id."""
        return next((asset for asset in self.world.assets.listed() if str(asset.id) == name), None)

    def masks(self, query: Query) -> tuple[str, ...]:
        """Each in a parameter of its own; one that is unknown updates nothing (measured)."""
        return tuple(query.get("update_mask", []))

    def _dag_version(self, dag_id: str) -> dict[str, object]:
        """The one version: which changes of a DAG with runs make another one is not simulated."""
        made = self.world.metadata.serialized.get(dag_id)
        return {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, dag_id)),
            "version_number": 1,
            "dag_id": dag_id,
            "bundle_name": BUNDLE,
            "bundle_version": None,
            "created_at": self.stamp(made.written if made else 0.0),
            **({"dag_display_name": dag_id} if self._late else {}),
            "bundle_url": None,
        }

    @property
    def _late(self) -> bool:
        """3.3 rather than 3.0."""
        return self.version != "3.0.6"
