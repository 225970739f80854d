"""The plain approach: a boto3 script that makes the calls of one round, one after the other, and compares ids.

Usage: plain_check.py NUMBER_OF_DAGS VERSION [FOLDER]. It is what people write; AIRFLOW.md section 0 lists what it gets
wrong. With FOLDER every file `dag_id.py` of it is compared with Airflow's text of it, a call each (Airflow 3).
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import boto3


def main() -> None:
    """Check that all DAGs are listed."""
    count, version = int(sys.argv[1]), sys.argv[2]
    client = boto3.client("mwaa")
    client.get_environment(Name="sandbox")
    health = "/monitor/health" if version.startswith("3") else "/health"

    def get(path: str, query: dict[str, int] | None = None) -> dict:
        arguments = {"QueryParameters": query} if query else {}
        return client.invoke_rest_api(Name="sandbox", Path=path, Method="GET", **arguments)["RestApiResponse"]

    if get(health)["scheduler"]["status"] != "healthy":
        sys.exit(1)
    found: set[str] = set()
    total = 1
    while len(found) < total:
        page = get("/dags", {"limit": 500, "offset": len(found)})
        total = page["total_entries"]
        found.update(dag["dag_id"] for dag in page["dags"])
    errors = get("/importErrors", {"limit": 100, "offset": 0})["total_entries"]
    with suppress(client.exceptions.RestApiClientException):
        get("/dags/no_such_dag_here")
    if errors or not {f"dag_{number:05}" for number in range(count)} <= found:
        sys.exit(1)
    for file in sorted(Path(sys.argv[3]).glob("*.py")) if sys.argv[3:] and version.startswith("3") else ():
        if get(f"/dagSources/{file.stem}")["content"] != file.read_text("utf-8"):
            sys.exit(1)


main()
