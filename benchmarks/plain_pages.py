"""The plain approach for many DAGs: health, every page of /dags one after the other, import errors; ids are compared.

Usage: plain_pages.py NUMBER STEP VERSION. NUMBER DAGs, each STEP-th, must be listed, and no import error. Throttled calls
are repeated as boto3 does by itself. Of what makes a green wrong (a DAG listed from an old parse, rows that shift between
pages) it asks nothing, which is what makes it plain.
"""

from __future__ import annotations

import sys
from typing import Any

import boto3

PAGE = 100
"""Rows a page: what Airflow's documentation names as the most."""


def main() -> None:
    """Check that all DAGs are listed."""
    count, step, version = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    client = boto3.client("mwaa")

    def get(path: str, query: dict[str, int] | None = None) -> Any:  # noqa: ANN401 - JSON
        arguments = {"QueryParameters": query} if query else {}
        return client.invoke_rest_api(Name="sandbox", Path=path, Method="GET", **arguments)["RestApiResponse"]

    health = "/monitor/health" if version.startswith("3") else "/health"
    if get(health)["scheduler"]["status"] != "healthy":
        sys.exit(1)
    found: set[str] = set()
    total = 1
    while len(found) < total:
        page = get("/dags", {"limit": PAGE, "offset": len(found)})
        total = page["total_entries"]
        found.update(dag["dag_id"] for dag in page["dags"])
    errors = get("/importErrors", {"limit": PAGE, "offset": 0})["total_entries"]
    if errors or not {f"dag_{number:05}" for number in range(0, count * step, step)} <= found:
        sys.exit(1)


main()
