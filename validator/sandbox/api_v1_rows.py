"""Runs, task instances, datasets and variables in the words of Airflow 2, as 2.4.3 and 2.10.5 were recorded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from validator.sandbox.api import Refused
from validator.sandbox.api_assets import AssetsDialect
from validator.sandbox.api_runs import RunsDialect
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

_ID = re.compile(r"[A-Za-z0-9_.~:+-]+", re.ASCII)
_STATES = (
    *("success", "running", "failed", "upstream_failed", "skipped", "up_for_retry", "up_for_reschedule"),
    *("queued", "none", "scheduled", "deferred", "removed", "restarting"),
)
_RANGES = ("execution_date", "start_date", "end_date")
_END_OF_LOG = "eyJlbmRfb2ZfbG9nIjp0cnVlfQ.SIGNATURE"
_GROUP = " INFO - ::group::Log message source details\n INFO - ::endgroup::\n"


class RowsV1(RunsDialect, AssetsDialect, VariablesDialect):
    """What ApiV1 says of them."""

    noun: ClassVar[str] = "dataset"
    run_orders: ClassVar[tuple[str, ...]] = (
        *("id", "state", "dag_id", "execution_date", "dag_run_id", "start_date", "end_date", "updated_at"),
        *("external_trigger", "conf"),
    )
    instance_orders: ClassVar[tuple[str, ...]] = ("id",)

    def trigger_form(self) -> dict[str, Any]:
        """`{}` is enough; 2.4.3 knows no note."""
        note = () if self._early else (Field("note", nullable=True),)
        dates = (Field("logical_date"), Field("execution_date"))
        return self.form(
            Field("dag_run_id"), Field("conf", "object"), Field("state", read_only=True), *dates, *note
        )

    def list_form(self, *, instances: bool) -> dict[str, object]:
        """2.4.3 knows no `task_ids` and `dag_run_ids`; neither version orders task instances."""
        page = (Field("page_limit", "count", least=1), Field("page_offset", "count"))
        common = (*page, Field("dag_ids", "texts"), *ranges(_RANGES))
        if not instances:
            return self.form(*common, Field("states", "texts"), Field("order_by"))
        late = () if self._early else (Field("task_ids", "texts"), Field("dag_run_ids", "texts"))
        return self.form(*common, Field("state", "texts", choices=_STATES), *late)

    def run_row(self, run: DagRun) -> dict[str, object]:
        """One run: its logical date also as `execution_date`."""
        logical = self.moment(run.logical_date)
        return {
            "conf": run.conf,
            "dag_id": run.dag_id,
            "dag_run_id": run.run_id,
            "data_interval_end": logical,
            "data_interval_start": logical,
            "end_date": self.stamped(run.ended),
            "execution_date": logical,
            "external_trigger": run.run_type == "manual",
            "last_scheduling_decision": self.stamped(run.decided),
            "logical_date": logical,
            **({} if self._early else {"note": run.note}),
            "run_type": run.run_type,
            "start_date": self.stamped(run.started),
            "state": run.state,
        }

    def instance_row(self, run: DagRun, one: TaskInstance) -> dict[str, object]:
        """One task instance."""
        late: dict[str, object] = {}
        if not self._early:
            late = dict.fromkeys(("executor", "note", "rendered_map_index", "trigger", "triggerer_job"))
            late["task_display_name"] = one.task.task_id
        return {
            **late,
            "dag_id": run.dag_id,
            "dag_run_id": run.run_id,
            "duration": duration_of(one),
            "end_date": self.stamped(one.ended),
            "execution_date": self.moment(run.logical_date),
            "executor_config": "{}",
            "hostname": HOST if one.attempts else "",
            "map_index": -1,
            "max_tries": one.task.retries,
            "operator": one.task.operator,
            "pid": PID if one.attempts else None,
            "pool": one.task.pool,
            "pool_slots": 1,
            "priority_weight": weight_of(run, one),
            "queue": "default",
            "queued_when": self.stamped(one.queued),
            "rendered_fields": rendered(one, early=self._early),
            "sla_miss": None,
            "start_date": self.stamped(one.started),
            "state": one.state,
            "task_id": one.task.task_id,
            "try_number": one.try_number,
            "unixname": "root",
        }

    def log_of(self, run: DagRun, one: TaskInstance, number: int, attempt: Attempt | None) -> Result:  # noqa: ARG002 - Airflow 3 names it
        """Python's text of a list of pairs, each a host and what it has (measured on 2.10.5)."""
        if number < 1:
            told = [("default_host", f"Error fetching the logs. Try number {number} is invalid.")]
        elif attempt is None:
            told = [("", _GROUP)]
        else:
            told = [(HOST, _GROUP + "".join(f"{line}\n" for line in self._log_lines(one, attempt)))]
        return 200, {"content": str(told), "continuation_token": _END_OF_LOG}

    def _log_lines(self, one: TaskInstance, attempt: Attempt) -> Iterable[str]:
        began = self._log_time(attempt.started)
        yield f"{began} {{taskinstance.py:2867}} INFO - Starting attempt {one.attempts.index(attempt) + 1}"
        for line in one.task.log.splitlines():
            yield f"{began} {{subprocess.py:106}} INFO - {line}"
        if attempt.ended is not None:
            ended = self._log_time(attempt.ended)
            if attempt.outcome == "failed":
                yield f"{ended} {{taskinstance.py:3313}} ERROR - Task failed with exception"
            yield f"{ended} {{taskinstance.py:1226}} INFO - Marking task as {attempt.outcome.upper()}."

    def _log_time(self, seconds: float) -> str:
        return f"[{self.world.time(seconds).isoformat(timespec='milliseconds').replace('+00:00', '+0000')}]"

    def checked_id(self, run_id: str) -> None:
        """2.10 ends in a 500 for an id that it does not take; 2.4 takes any."""
        if not self._early and not _ID.fullmatch(run_id):
            raise Refused(*self.broken())

    def own_id(self, at: datetime) -> str:
        """`manual__` and the logical date."""
        return f"manual__{at.isoformat()}"

    def id_taken(self, dag_id: str, run_id: str) -> Result:
        """409."""
        word = "DAGRun logical date" if " " in run_id else "DAGRun ID"
        detail = f"DAGRun with DAG ID: '{dag_id}' and {word}: '{run_id}' already exists"
        return self.problem(409, "Conflict", detail, "AlreadyExists")

    def broken_dag(self, dag_id: str) -> Result:
        """400."""
        detail = f"DAG with dag_id: '{dag_id}' has import errors"
        return self.problem(400, "DAG cannot be triggered", detail, "BadRequest")

    def no_dag(self, dag_id: str, deed: str) -> Result | None:
        """A list of an unknown DAG's runs is empty."""
        if deed == "trigger":
            detail = f"DAG with dag_id: '{dag_id}' not found"
            return self.problem(404, "DAG not found", detail, "NotFound")
        if deed == "pause":
            return self.problem(404, f"Dag with id: '{dag_id}' not found", None, "NotFound")
        return None

    def no_run(self, dag_id: str, run_id: str, deed: str) -> Result:
        """A list of an unknown run's task instances is empty."""
        if deed == "instances":
            return self.paged("task_instances", [], 0)
        detail = f"DAGRun with DAG ID: '{dag_id}' and DagRun ID: '{run_id}' not found"
        return self.problem(404, "Not Found" if deed == "delete" else "DAGRun not found", detail, "NotFound")

    def no_instance(self, dag_id: str, run_id: str, task_id: str, deed: str) -> Result:  # noqa: ARG002 - Airflow 3 tells
        """404 without a word."""
        title = "TaskInstance not found" if deed == "log" else "Task instance not found"
        return self.problem(404, title, None, "NotFound")

    def unreadable(self, dag_ids: list[str]) -> Result:
        """403 with the ids that were asked for (2.10)."""
        detail = None if self._early else f"User not allowed to access some of these DAGs: {dag_ids}"
        return self.problem(403, "Forbidden", detail, "PermissionDenied")

    def paged(self, name: str, rows: list[dict[str, object]], total: int) -> Result:
        """A list."""
        return 200, {name: rows, "total_entries": total}

    def asset_row(self, asset: AssetRow) -> dict[str, object]:
        """One dataset."""
        made = self.stamp(asset.created)
        dates = {"created_at": made, "updated_at": made}
        assets = self.world.assets
        return {
            **({} if self._early else {"aliases": []}),
            "consuming_dags": [{"dag_id": dag_id, **dates} for dag_id in assets.consumers(asset.uri)],
            "extra": {},
            "id": asset.id,
            "producing_tasks": [
                {"dag_id": dag_id, "task_id": task_id, **dates}
                for dag_id, task_id in assets.producers(asset.uri)
            ],
            "uri": asset.uri,
            **dates,
        }

    def event_row(self, event: AssetEvent) -> dict[str, object]:
        """One event."""
        dag_id, run_id, task_id = event.source or (None, None, None)
        kept = (
            "dag_id",
            "dag_run_id",
            "data_interval_end",
            "data_interval_start",
            "end_date",
            "logical_date",
        )
        rows = [self.run_row(run) for run in event.runs]
        return {
            "created_dagruns": [{key: row[key] for key in (*kept, "start_date", "state")} for row in rows],
            "dataset_id": event.asset.id,
            "dataset_uri": event.asset.uri,
            "extra": event.extra,
            "id": event.id,
            "source_dag_id": dag_id,
            "source_map_index": -1,
            "source_run_id": run_id,
            "source_task_id": task_id,
            "timestamp": self.stamp(event.at),
        }

    def sent_event(self) -> tuple[AssetRow, dict[str, object]]:
        """By URI, from 2.9 on."""
        if self._early:
            raise Refused(*self.wrong_method())
        sent = self.form(Field("dataset_uri", required=True, by_schema=True), Field("extra", "object"))
        asset = self.found_asset(str(sent["dataset_uri"]))
        if asset is None:
            detail = f"Dataset with uri: '{sent['dataset_uri']}' not found"
            raise Refused(*self.problem(404, "Dataset not found", detail, "NotFound"))
        extra = sent.get("extra")
        return asset, {**(extra if isinstance(extra, dict) else {}), "from_rest_api": True}

    def no_asset(self, name: str) -> Result:
        """404."""
        return self.problem(
            404, "Dataset not found", f"The Dataset with uri: `{name}` was not found", "NotFound"
        )

    def found_asset(self, name: str) -> AssetRow | None:
        """By its URI."""
        return next((asset for asset in self.world.assets.listed() if asset.uri == name), None)

    def masks(self, query: Query) -> tuple[str, ...]:
        """A list with commas. 2.10 wants `val` where its own body says `value` (measured)."""
        named = tuple(name.strip() for name in query.get("update_mask", [""])[-1].split(",") if name.strip())
        if self._early:
            if named and ("key" in named or "value" not in named):
                raise Refused(*self.bad_request("No field to update"))
            return named
        sent = self.sent if isinstance(self.sent, dict) else {}
        for name in named:
            if {"val": "value"}.get(name, name) not in sent or name in ("key", "value"):
                raise Refused(*self.bad_request(f"'{name}' is unknown or cannot be updated."))
        return tuple({"val": "value"}.get(name, name) for name in named)

    @property
    def _early(self) -> bool:
        """2.4 rather than 2.10."""
        return self.version == "2.4.3"

    def problem(self, status: int, title: str | None, detail: str | None, section: str) -> Result:
        """An error body of Airflow 2, with a link to a section of its reference."""
        root = f"https://airflow.apache.org/docs/apache-airflow/{self.version}/stable-rest-api-ref.html"
        return status, problem_body(status, title, detail, f"{root}#section/Errors/{section}")


def problem_body(status: int, title: str | None, detail: str | None, kind: str) -> dict[str, object]:
    """An error body of Airflow 2."""
    return {"detail": detail, "status": status, "title": title, "type": kind}
