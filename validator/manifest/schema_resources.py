"""The schema of what must be in Airflow besides DAGs, and of what MWAA must say of the environment."""

from __future__ import annotations

from typing import Any

from validator.manifest.schema_parts import (
    MAX_NAMES,
    bare_or_mapping,
    line,
    mapping,
    names,
    text,
    whole_number,
)

_MOST_SLOTS = 2**31 - 1
"""Airflow keeps a pool's slots in 32 bits."""
_LONGEST_VERSION_ID = 1_024
"""Characters; S3's own limit."""


def _entries(description: str, must: str, entry: dict[str, Any]) -> dict[str, Any]:
    """A list of ids and mappings. No `uniqueItems`: only the id tells twins, and the loader compares it."""
    return {
        "description": description,
        "type": "array",
        "errorMessage": must,
        "maxItems": MAX_NAMES,
        "items": entry,
    }


def _s3_version(what: str) -> dict[str, Any]:
    return text(
        f"The S3 version id of the {what} that the environment must use.",
        "must be an S3 object's version id: 1 to 1024 characters without spaces",
        r"^[^\s\x00-\x1f\x7f]+$",
        _LONGEST_VERSION_ID,
    )


# The lengths are those of the columns in Airflow's metadata database.
VARIABLES = names(
    "Keys of variables that must exist in Airflow's metadata database. Values are never looked at.",
    "must be a list of variables' keys, each after a dash: - s3_bucket",
    line("A variable's key, exactly.", "a variable's key", 250),
)
_CONN_ID = line("A connection's id, exactly.", "a connection's id", 250)
CONNECTIONS = _entries(
    "Connections that must exist in Airflow's metadata database.",
    "must be a list of connections, each after a dash: - warehouse",
    bare_or_mapping(
        "A bare connection id, or a mapping of conn_id and conn_type.",
        "must be a connection's id or a mapping of conn_id, conn_type",
        _CONN_ID,
        mapping(
            "A connection that must exist.",
            {
                "conn_id": _CONN_ID,
                "conn_type": line(
                    "Its type; leave it out where any will do.", "a connection's type, such as postgres", 500
                ),
            },
            required=("conn_id",),
        ),
    ),
)
_POOL = line("A pool's name, exactly.", "a pool's name", 256)
POOLS = _entries(
    "Pools that must exist.",
    "must be a list of pools, each after a dash: - etl",
    bare_or_mapping(
        "A bare pool name, or a mapping of name and min_slots.",
        "must be a pool's name or a mapping of name, min_slots",
        _POOL,
        mapping(
            "A pool that must exist.",
            {
                "name": _POOL,
                "min_slots": whole_number(
                    "At least so many slots; leave it out where any number will do.", 0, _MOST_SLOTS
                ),
            },
            required=("name",),
        ),
    ),
)
MWAA = mapping(
    "What MWAA itself must say of the environment.",
    {
        "airflow_version": text(
            "The environment's Airflow version, in quotes.",
            'must be a full Airflow version in quotes, such as "2.10.5" or "3.0.6"',
            r"^[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}$",
            11,
        ),
        "environment_class": text(
            "The environment's class.",
            "must be an environment class, such as mw1.small",
            r"^[0-9A-Za-z][0-9A-Za-z._-]*$",
            64,
        ),
        "requirements_s3_object_version": _s3_version("requirements file"),
        "plugins_s3_object_version": _s3_version("plugins file"),
    },
    least=1,
)
