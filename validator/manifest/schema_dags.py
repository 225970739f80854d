"""The schema of the entries of `dags`."""

from __future__ import annotations

from typing import Any

from validator.manifest.schema_parts import (
    MAX_DAGS,
    bare_or_mapping,
    dag_glob,
    dag_id,
    line,
    mapping,
    names,
    one_line,
    relative_path,
    task_id,
    text,
    untyped,
    whole_number,
    yes_or_no,
)

_MAX_TASKS = 5_000
_MAX_RUNS = 100_000
_LONGEST_DESCRIPTION = 5_000
"""Characters."""
_LONGEST_SCHEDULE = 250
"""Characters."""
_LONGEST_TAG = 100
"""Characters; Airflow's own TAG_MAX_LEN: no DAG can have a longer one."""

_SCHEDULE = {
    **text(
        "When it must run: a cron expression, a preset, a duration, or what Airflow calls its timetable; none or "
        "nothing: it must only be triggered. Put what begins with * or @ in quotes.",
        'must be a schedule as text, such as "0 3 * * *", "@daily" or 1h30m, or none: '
        f"at most {_LONGEST_SCHEDULE} characters on one line",
        one_line(),
        _LONGEST_SCHEDULE,
    ),
    "type": ["string", "null"],
}
_DESCRIPTION = {
    "description": "What its description must be, exactly; empty or nothing: it must have none.",
    "type": ["string", "null"],
    "errorMessage": f"must be the DAG's description, at most {_LONGEST_DESCRIPTION} characters",
    "maxLength": _LONGEST_DESCRIPTION,
}
DAG = mapping(
    "One DAG that must be there, current and without an import error.",
    {
        "dag_id": dag_id("The DAG's id, exactly."),
        "file": relative_path(
            "The file that must define the DAG, relative to the DAGs folder.",
            "a file's path relative to the DAGs folder, such as etl/daily.py",
        ),
        "paused": yes_or_no("Whether the DAG must be paused; leave it out where either will do."),
        "schedule": _SCHEDULE,
        "tags": names(
            "Tags that it must have; it may have others.",
            "must be a list of at least one tag, such as [team:data]",
            line("A tag, exactly.", "a tag", _LONGEST_TAG),
            least=1,
        ),
        "owners": names(
            "Its tasks' owners: all of them, in any order.",
            "must be a list of at least one owner, such as [data-eng]",
            # Airflow keeps a DAG's owners as one text with commas: an owner with a comma would be two.
            line("An owner, exactly.", "an owner", 500, without=","),
            least=1,
        ),
        "tasks": names(
            "Its tasks: all of them, in any order; an empty list: it must have none.",
            "must be a list of task ids, such as [extract, load]",
            task_id("A task's id, with its task groups' names in front."),
            most=_MAX_TASKS,
        ),
        "max_active_runs": whole_number("How many of its runs may be active at once.", 1, _MAX_RUNS),
        "description": _DESCRIPTION,
    },
    required=("dag_id",),
)
"""An entry that names one DAG."""
PATTERN = mapping(
    "A shell glob over DAG ids; every DAG that it matches is an expectation of its own.",
    {
        "pattern": dag_glob("The glob, such as team_a_*. Put it in quotes where it begins with * or [."),
        "min": whole_number("So many of its matches must pass; 1 if not set.", 1, MAX_DAGS),
    },
    required=("pattern",),
)
"""An entry that matches DAGs."""
_ENTRY = bare_or_mapping(
    "A bare DAG id, a mapping of dag_id and what the DAG must be like, or a mapping of pattern and min.",
    "must be a DAG id, a mapping with dag_id, or a mapping with pattern",
    dag_id("The DAG's id, exactly."),
    {
        "if": {"anyOf": [{"required": ["pattern"]}, {"required": ["min"]}]},
        "then": untyped(PATTERN),
        "else": untyped(DAG),
    },
)
DAGS: dict[str, Any] = {
    "description": "The DAGs that must be there and current.",
    "type": "array",
    "errorMessage": "must be a list of DAGs, each after a dash: - etl_daily",
    "maxItems": MAX_DAGS,
    "items": _ENTRY,
}
"""The list of what is expected; the loader finds what stands in it twice."""
