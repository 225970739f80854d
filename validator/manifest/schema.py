"""The manifest's JSON Schema: the one place that says what a manifest may hold.

The loader validates with it, `mwaa-gate schema` prints it, and editors complete and check with it.
`errorMessage` is what editors show instead of a raw pattern; the loader's problems are worded with it too.
"""

from __future__ import annotations

from typing import Any

from validator.durations import PATTERN

NEVER_IGNORED = ("scheduler", "metadatabase")
"""Without these nothing in the environment can be right, so they cannot be ignored."""
MAX_DAGS = 20_000
"""Entries of `dags` or `absent`; twice the largest environment that the gate is made for."""
LONGEST_DURATION = 32
"""Characters."""
_MAX_NAMES = 1_000
"""Entries of the shorter lists."""

_ID = r"[\p{L}\p{N}_.-]"
"""A character of a DAG id: Airflow's `[\\w.-]`; a schema's `\\w` is ASCII only, Airflow's is not."""
_SEGMENT = r"(?!\.{1,2}(?:/|$))[^/\\\x00-\x1f\x7f]+"
"""One name in a path, neither `.` nor `..`."""
_PATH = rf"^{_SEGMENT}(?:/{_SEGMENT})*$"


def _object(
    description: str, properties: dict[str, Any], *, required: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A mapping that takes these keys and no others."""
    schema: dict[str, Any] = {
        "description": description,
        "type": "object",
        "errorMessage": f"must be a mapping of {', '.join(properties)}",
        "properties": properties,
        "additionalProperties": False,
    }
    if required:
        schema["required"] = list(required)
    return schema


def _text(description: str, must: str, pattern: str, longest: int) -> dict[str, Any]:
    """A text of 1 to `longest` characters; `must` says in words what `pattern` demands."""
    return {
        "description": description,
        "type": "string",
        "errorMessage": must,
        "maxLength": longest,
        "pattern": pattern,
    }


def _names(description: str, must: str, item: dict[str, Any], most: int = _MAX_NAMES) -> dict[str, Any]:
    """A list in which nothing stands twice."""
    return {
        "description": description,
        "type": "array",
        "errorMessage": must,
        "maxItems": most,
        "uniqueItems": True,
        "items": item,
    }


def _duration(description: str) -> dict[str, Any]:
    must = "must be a duration with a unit, such as 500ms, 90s, 10m or 1h30m, and at most a day"
    return _text(description, must, f"^{PATTERN}$", LONGEST_DURATION)


def _dag_id(description: str) -> dict[str, Any]:
    must = "must be a DAG id: 1 to 250 letters, digits, dashes, dots and underscores"
    return _text(description, must, f"^{_ID}+$", 250)


_TIMEOUT = _text(
    "How long the gate may take in all. auto works it out from the environment, at least 10 minutes.",
    "must be auto or a duration with a unit, such as 90s, 10m or 1h30m, and at most a day",
    f"^(?:auto|{PATTERN})$",
    LONGEST_DURATION,
)
_INTERVAL = _duration("The wait between two rounds of calls; at least 100ms. 10s is usual.")
_GATE = _object(
    "How the gate waits. The command line's options go before these.",
    {
        "timeout": _TIMEOUT,
        "interval": _INTERVAL,
        "sync": _duration("How long files take from S3 to every DAG processor: 60s is assumed through MWAA."),
        "settle": _duration(
            "How long a parsed DAG may keep its old serialized form; Airflow's "
            "core.min_serialized_dag_update_interval, 30s if not set."
        ),
        "grace": _duration(
            "How long a red that can heal by itself may stand before it is final; 60s is usual."
        ),
        "stable_for": _duration("How long everything must hold before the gate passes; 0s: one round."),
        "fail_fast": {
            "description": "Whether the first final red ends the wait for what is still pending.",
            "type": "boolean",
            "errorMessage": "must be true or false",
        },
    },
)
_COMPONENT = r"^[a-z][a-z0-9_]*$"
_HEALTH = _object(
    "What is expected of the environment's components. The metadata database and the scheduler must always "
    "be healthy, and on Airflow 3 the DAG processor too.",
    {
        "require": _names(
            "Components that must run, beyond the default rule.",
            "must be a list of components, such as [triggerer]",
            _text(
                "A component as /health names it.",
                "must be a component's name in lower case, such as triggerer or dag_processor",
                _COMPONENT,
                64,
            ),
        ),
        "ignore": _names(
            "Components that may be unhealthy, such as a triggerer that is scaled to zero.",
            "must be a list of components, such as [triggerer]",
            {
                **_text(
                    "A component as /health names it.",
                    "must be a component's name in lower case, such as triggerer; "
                    f"{' and '.join(NEVER_IGNORED)} can never be ignored",
                    _COMPONENT,
                    64,
                ),
                "not": {"enum": list(NEVER_IGNORED)},
            },
        ),
        "max_heartbeat_age": _duration("How old a component's last heartbeat may be; 60s if not set."),
    },
)
_DAG = _object(
    "One DAG that must be there, current and without an import error.",
    {
        "dag_id": _dag_id("The DAG's id, exactly."),
        "file": _text(
            "The file that must define the DAG, relative to the DAGs folder.",
            "must be a file's path relative to the DAGs folder, such as etl/daily.py: "
            "forward slashes, no leading slash, no . or .. in between",
            _PATH,
            1024,
        ),
        "paused": {
            "description": "Whether the DAG must be paused; leave it out where either will do.",
            "type": "boolean",
            "errorMessage": "must be true or false",
        },
    },
    required=("dag_id",),
)
_PATTERN = _object(
    "A shell glob over DAG ids; every DAG that it matches is an expectation of its own.",
    {
        "pattern": _text(
            "The glob, such as team_a_*. Put it in quotes where it begins with * or [.",
            "must be a shell glob over DAG ids, such as team_a_*: 1 to 250 letters, digits, -._ and *?[]!",
            r"^[\p{L}\p{N}_.*?!\[\]-]+$",
            250,
        ),
        "min": {
            "description": "So many of its matches must pass; 1 if not set.",
            "type": "integer",
            "errorMessage": f"must be a whole number from 1 to {MAX_DAGS}",
            "minimum": 1,
            "maximum": MAX_DAGS,
        },
    },
    required=("pattern",),
)
_DAG_ENTRY: dict[str, Any] = {
    "description": "A bare DAG id, a mapping of dag_id, file and paused, or a mapping of pattern and min.",
    "type": ["string", "object"],
    "errorMessage": "must be a DAG id, a mapping with dag_id, or a mapping with pattern",
    "if": {"type": "string"},
    "then": _dag_id("The DAG's id, exactly."),
    "else": {
        # No `anyOf`: with it a wrong entry would only be "not valid under any of the schemas".
        "if": {"anyOf": [{"required": ["pattern"]}, {"required": ["min"]}]},
        "then": {key: value for key, value in _PATTERN.items() if key != "type"},
        "else": {key: value for key, value in _DAG.items() if key != "type"},
    },
}
_IMPORT_ERRORS = _object(
    "Which import errors are judged.",
    {
        "scope": {
            "description": "mine: files of expected DAGs, for shared environments. all: every import error.",
            "type": "string",
            "errorMessage": "must be mine or all",
            "enum": ["mine", "all"],
        },
        "allow": _names(
            "Files that may be broken; this never hides an expected DAG's own file.",
            'must be a list of globs, such as ["legacy/*.py"]',
            _text(
                "A glob of files, relative to the DAGs folder.",
                "must be a glob relative to the DAGs folder, such as legacy/*.py: "
                "forward slashes, no leading slash, no . or .. in between",
                _PATH,
                1024,
            ),
        ),
    },
)
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "mwaa-gate manifest, version 1",
    **_object(
        "What is expected of an Amazon MWAA environment after a deploy.",
        {
            "version": {
                "description": "The manifest's version.",
                "type": "integer",
                "errorMessage": "must be 1, the only version that there is",
                "const": 1,
            },
            "environment": _text(
                "The MWAA environment's name; --env and MWAA_ENV_NAME can stand in for it.",
                "must be an MWAA environment's name: a letter, then letters, digits, - and _, at most 80",
                r"^[a-zA-Z][0-9a-zA-Z_-]*$",
                80,
            ),
            "region": _text(
                "The environment's AWS region; --region and AWS's own defaults can stand in for it.",
                "must be an AWS region, such as us-east-1",
                r"^[a-z]{2,8}(?:-[a-z]+)+-[0-9]{1,2}$",
                40,
            ),
            "gate": _GATE,
            "health": _HEALTH,
            "dags": {
                "description": "The DAGs that must be there and current.",
                "type": "array",
                "errorMessage": "must be a list of DAGs, each after a dash: - etl_daily",
                "maxItems": MAX_DAGS,
                "items": _DAG_ENTRY,
            },
            "absent": _names(
                "DAG ids that must be gone.",
                "must be a list of DAG ids, each after a dash: - etl_daily_old",
                _dag_id("The id of a DAG that must be gone."),
                MAX_DAGS,
            ),
            "import_errors": _IMPORT_ERRORS,
        },
        required=("version",),
    ),
}
"""The manifest's JSON Schema, draft 2020-12."""
