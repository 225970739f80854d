"""The schema of the entries of `smoke`."""

from __future__ import annotations

from typing import Any

from validator.manifest.schema_parts import (
    dag_id,
    duration,
    ids_to,
    line,
    mapping,
    one_of,
    untyped,
    yes_or_no,
)

MAX_RUNS = 100
"""Entries: every run takes a worker's slot, and this environment is there for its own work."""
_MAX_TASKS = 5_000
_LONGEST_URI = 3_000
"""Characters; the longest that Airflow 2 keeps, and Airflow 3 keeps half of it."""


def _json_object(description: str, must: str) -> dict[str, Any]:
    """A mapping of anything that JSON knows; the loader refuses what YAML alone does."""
    return {"description": description, "type": "object", "errorMessage": must, "additionalProperties": True}


_EXPECT = mapping(
    "How the run must end; with success, if not set.",
    {
        "state": one_of("The state in which the run must end; success if not set.", "success", "failed"),
        "tasks": ids_to(
            "The states in which these tasks must end; of others any will do.",
            "tasks",
            one_of(
                "The task's state, when the run has ended.",
                "success",
                "failed",
                "skipped",
                "upstream_failed",
                "removed",
            ),
            "{load: success}",
            most=_MAX_TASKS,
        ),
        "max_duration": duration("How long the run may take; over 0s, and at most the timeout."),
    },
    least=1,
)
_COMMON = {
    "timeout": duration("How long until the run has ended; over 0s. 5m if not set."),
    "unpause": yes_or_no("Whether a paused DAG is unpaused for the run, and paused again; false if not set."),
    "keep": one_of(
        "When the DAG run stays in Airflow; on-failure if not set, and always with an event.",
        "always",
        "on-failure",
        "never",
    ),
    "expect": _EXPECT,
}
RUN = mapping(
    "A DAG that is triggered.",
    {
        "dag_id": dag_id("The id of the DAG that is triggered."),
        "conf": _json_object("The run's conf.", "must be a mapping, such as {probe: true}"),
        **_COMMON,
    },
    required=("dag_id",),
)
"""An entry that triggers a DAG."""
EVENT = mapping(
    "An event of an asset, which Airflow 2 calls a dataset, and the DAG that runs on it.",
    {
        "event": mapping(
            "The event that is sent.",
            {
                "uri": line(
                    "The asset's URI, exactly.", "an asset's URI, such as s3://lake/orders", _LONGEST_URI
                ),
                "extra": _json_object(
                    "What the event brings.", "must be a mapping, such as {file: probe.csv}"
                ),
            },
            required=("uri",),
        ),
        "expect_run_of": dag_id("The id of the DAG that runs on the event."),
        **_COMMON,
    },
    required=("event", "expect_run_of"),
)
"""An entry that sends an event."""
SMOKE: dict[str, Any] = {
    "description": "DAG runs that must end as expected, once all else is green.",
    "type": "array",
    "errorMessage": "must be a list of DAG runs, each after a dash: - dag_id: smoke_dag",
    "maxItems": MAX_RUNS,
    "items": {
        "description": "A mapping with dag_id, or one with event and expect_run_of.",
        "type": "object",
        "errorMessage": "must be a mapping with dag_id, such as {dag_id: smoke_dag}, or with event and expect_run_of",
        "if": {"anyOf": [{"required": ["event"]}, {"required": ["expect_run_of"]}]},
        "then": untyped(EVENT),
        "else": untyped(RUN),
    },
}
"""The list of runs; the loader finds what stands in it twice."""
