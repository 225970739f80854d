"""The manifest's JSON Schema: the one place that says what a manifest may hold.

The loader validates with it, `mwaa-gate schema` prints it, and editors complete and check with it. What it is put
together from is in `schema_parts`, the larger blocks in `schema_dags`, `schema_resources` and
`schema_smoke`.
"""

from __future__ import annotations

from typing import Any

from validator.durations import PATTERN
from validator.manifest.schema_dags import DAGS
from validator.manifest.schema_parts import (
    LONGEST_DURATION,
    MAX_DAGS,
    dag_glob,
    dag_id,
    duration,
    mapping,
    names,
    one_of,
    relative_path,
    text,
    yes_or_no,
)
from validator.manifest.schema_resources import CONNECTIONS, MWAA, POOLS, VARIABLES
from validator.manifest.schema_smoke import SMOKE

NEVER_IGNORED = ("scheduler", "metadatabase")
"""Without these nothing in the environment can be right, so they cannot be ignored."""

_TIMEOUT = text(
    "How long the gate may take before its smoke runs. auto works it out from the environment, at least 10 minutes.",
    "must be auto or a duration with a unit, such as 90s, 10m or 1h30m, and at most a day",
    f"^(?:auto|{PATTERN})$",
    LONGEST_DURATION,
)
_INTERVAL = duration("The wait between two rounds of calls; at least 100ms. 10s is usual.")
_GATE = mapping(
    "How the gate waits. The command line's options go before these.",
    {
        "timeout": _TIMEOUT,
        "interval": _INTERVAL,
        "sync": duration("How long files take from S3 to every DAG processor: 60s is assumed through MWAA."),
        "settle": duration(
            "How long a parsed DAG may keep its old serialized form; Airflow's "
            "core.min_serialized_dag_update_interval, 30s if not set."
        ),
        "grace": duration(
            "How long a red that can heal by itself may stand before it is final; 60s is usual."
        ),
        "stable_for": duration("How long everything must hold before the gate passes; 0s: one round."),
        "fail_fast": yes_or_no("Whether the first final red ends the wait for what is still pending."),
    },
)
_COMPONENT = r"^[a-z][a-z0-9_]*$"
_HEALTH = mapping(
    "What is expected of the environment's components. The metadata database and the scheduler must always "
    "be healthy, and on Airflow 3 the DAG processor too.",
    {
        "require": names(
            "Components that must run, beyond the default rule.",
            "must be a list of components, such as [triggerer]",
            text(
                "A component as /health names it.",
                "must be a component's name in lower case, such as triggerer or dag_processor",
                _COMPONENT,
                64,
            ),
        ),
        "ignore": names(
            "Components that may be unhealthy, such as a triggerer that is scaled to zero.",
            "must be a list of components, such as [triggerer]",
            {
                **text(
                    "A component as /health names it.",
                    "must be a component's name in lower case, such as triggerer; "
                    f"{' and '.join(NEVER_IGNORED)} can never be ignored",
                    _COMPONENT,
                    64,
                ),
                "not": {"enum": list(NEVER_IGNORED)},
            },
        ),
        "max_heartbeat_age": duration("How old a component's last heartbeat may be; 60s if not set."),
    },
)
_IMPORT_ERRORS = mapping(
    "Which import errors are judged.",
    {
        "scope": one_of(
            "mine: files of expected DAGs, for shared environments. all: every import error.", "mine", "all"
        ),
        "allow": names(
            "Files that may be broken; this never hides an expected DAG's own file.",
            'must be a list of globs, such as ["legacy/*.py"]',
            relative_path(
                "A glob of files, relative to the DAGs folder.",
                "a glob relative to the DAGs folder, such as legacy/*.py",
            ),
        ),
    },
)
_ANSWERS = ("ignore", "warn", "fail")
_INVENTORY = mapping(
    "What is to be made of DAGs that nobody expects.",
    {
        "unexpected": one_of("What a DAG is that nobody expects; ignore if not set.", *_ANSWERS),
        "allow": names(
            "DAGs that may be there all the same.",
            'must be a list of globs of DAG ids, such as ["airflow_*"]',
            dag_glob("A shell glob over DAG ids, such as airflow_*."),
        ),
    },
)
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "mwaa-gate manifest, version 1",
    **mapping(
        "What is expected of an Amazon MWAA environment after a deploy.",
        {
            "version": {
                "description": "The manifest's version.",
                "type": "integer",
                "errorMessage": "must be 1, the only version that there is",
                "const": 1,
            },
            "environment": text(
                "The MWAA environment's name; --env and MWAA_ENV_NAME can stand in for it.",
                "must be an MWAA environment's name: a letter, then letters, digits, - and _, at most 80",
                r"^[a-zA-Z][0-9a-zA-Z_-]*$",
                80,
            ),
            "region": text(
                "The environment's AWS region; --region and AWS's own defaults can stand in for it.",
                "must be an AWS region, such as us-east-1",
                r"^[a-z]{2,8}(?:-[a-z]+)+-[0-9]{1,2}$",
                40,
            ),
            "gate": _GATE,
            "health": _HEALTH,
            "dags": DAGS,
            "absent": names(
                "DAG ids that must be gone.",
                "must be a list of DAG ids, each after a dash: - etl_daily_old",
                dag_id("The id of a DAG that must be gone."),
                most=MAX_DAGS,
            ),
            "import_errors": _IMPORT_ERRORS,
            "inventory": _INVENTORY,
            "variables": VARIABLES,
            "connections": CONNECTIONS,
            "pools": POOLS,
            "warnings": one_of(
                "What Airflow's own warnings of expected DAGs are, such as a pool that does not exist; "
                "warn if not set.",
                *_ANSWERS,
            ),
            "mwaa": MWAA,
            "smoke": SMOKE,
        },
        required=("version",),
    ),
}
"""The manifest's JSON Schema, draft 2020-12."""
