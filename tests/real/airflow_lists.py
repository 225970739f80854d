"""What Airflow itself lists of the DAGs in files: run by an Airflow's own Python, as a command, with no server.

Reads a list of paths from its standard input, as JSON. Writes to the file that its argument names, for each path,
its DAGs by id, with what the API would show of them, and its import error.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from pathlib import Path


def schedule(dag: object) -> object:
    """As the API tells it: Airflow 2's object, or Airflow 3's summary."""
    if not hasattr(dag, "schedule_interval"):
        return dag.timetable.summary
    interval = dag.schedule_interval
    if isinstance(interval, timedelta):
        parts = {key: getattr(interval, key) for key in ("days", "seconds", "microseconds")}
        return {"__type": "TimeDelta", **parts}
    if interval is None or isinstance(interval, str):
        return interval and {"__type": "CronExpression", "value": interval}
    return {"__type": type(interval).__name__}


def listed(dag: object) -> dict[str, object]:
    """What becomes of a DAG in the list: Airflow 3 reads it from the serialized form."""
    from airflow.configuration import conf  # noqa: PLC0415 - Airflow's own Python has it

    told, nobody = dag, ""
    try:
        from airflow.serialization.serialized_objects import (  # noqa: PLC0415 - Airflow's own Python has it
            LazyDeserializedDAG,
            SerializedDAG,
        )

        told, nobody = (
            LazyDeserializedDAG(data=SerializedDAG.to_dict(dag)),
            conf.get("operators", "default_owner"),
        )
    except ImportError:  # Airflow 2
        pass
    except Exception as error:  # noqa: BLE001 - whatever it is, the DAG is not listed
        return {"error": str(error)}
    return {
        "tags": sorted(set(told.tags)) if hasattr(told, "tags") else [],
        "schedule": schedule(told if told is dag else dag),
        "owners": told.owner or nobody,
        "tasks": sorted(dag.task_ids),
        "max_active_runs": told.max_active_runs,
        "description": told.description or "",
    }


def main() -> None:
    from airflow.models.dagbag import DagBag  # noqa: PLC0415 - the same

    paths = [Path(name) for name in json.load(sys.stdin)]
    sys.path[:0] = sorted({str(path.parent) for path in paths})
    answer = {}
    for path in paths:
        bag = DagBag(os.devnull, include_examples=False)
        bag.process_file(str(path), only_if_updated=False, safe_mode=False)
        dags = {dag_id: listed(dag) for dag_id, dag in bag.dags.items()}
        answer[str(path)] = {"dags": dags, "error": "".join(bag.import_errors.values())}
    Path(sys.argv[1]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
