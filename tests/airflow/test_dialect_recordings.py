"""The dialects held against every recorded answer of real servers."""

from __future__ import annotations

import json
from datetime import timezone
from pathlib import Path

import pytest

from validator.airflow.dialect import (
    dialect_of,
    parse_version,
    read_dag,
    read_health,
    read_import_error,
    read_page,
    read_version,
)
from validator.errors import CallFailed
from validator.reasons import Reason
from validator.transport.caller import refused, told_by
from validator.transport.interface import Answer, Request

FOLDER = Path(__file__).parents[3] / "shared" / "recordings"
VERSIONS = ("2.4.3", "2.10.5", "3.0.6", "3.3.2")
HEALTHS = ("/health", "/monitor/health")


def load(path):
    recorded = json.loads(path.read_text())
    where = recorded["path"].removeprefix("/api/v1").removeprefix("/api/v2")
    return where.partition("?")[0], recorded


EVERY = [
    (version, path, *load(path)) for version in VERSIONS for path in sorted(FOLDER.glob(f"{version}/*.json"))
]


def chosen(keep):
    return [
        pytest.param(version, recorded, id=f"{version}-{path.stem}")
        for version, path, where, recorded in EVERY
        if keep(where, recorded)
    ]


def ok(where):
    return lambda asked, recorded: (
        asked == where and recorded["status"] == 200 and recorded["method"] == "GET"
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_the_recordings_of_every_version_are_there(recordings, version):
    names = {path.stem for path in recordings.glob(f"{version}/*.json")}
    assert {"version", "dags_default", "dags_one", "importErrors", "err_401_none"} <= names
    assert sum(1 for name in names if name.startswith("dags_")) > 30


@pytest.mark.parametrize(("version", "recorded"), chosen(ok("/version")))
def test_every_recorded_version_is_read(version, recorded):
    read = read_version(recorded["response"])
    assert read.text == version
    assert f"{read.major}.{read.minor}" == version.rpartition(".")[0]


@pytest.mark.parametrize(
    ("version", "recorded"),
    chosen(lambda asked, r: asked in HEALTHS and r["status"] == 200 and r["method"] == "GET"),
)
def test_every_recorded_health_is_read(version, recorded):
    told = recorded["response"]
    if version.startswith("3") and "scheduler" not in told:
        pytest.fail(f"{recorded['path']} is no health answer")
    components = read_health(told)
    assert {name: one.status for name, one in components.items()} == {
        name: one["status"] for name, one in told.items() if isinstance(one, dict)
    }
    assert components["metadatabase"].heartbeat is None
    for name, one in components.items():
        written = told[name].get(f"latest_{name}_heartbeat")
        assert (one.heartbeat is None) == (written is None)
        assert one.heartbeat is None or one.heartbeat.tzinfo is timezone.utc


@pytest.mark.parametrize("version", VERSIONS)
def test_the_health_path_is_the_one_that_answered(version):
    dialect = dialect_of(parse_version(version))
    found = [
        r
        for v, _, asked, r in EVERY
        if v == version
        and asked == dialect.health_path
        and r["path"].startswith("/api/")
        and r["status"] == 200
    ]
    assert found, f"no recorded answer of {dialect.health_path}"


@pytest.mark.parametrize(("version", "recorded"), chosen(ok("/dags")))
def test_every_recorded_list_of_dags_is_read(version, recorded):
    dialect = dialect_of(parse_version(version))
    rows, total = read_page(recorded["response"], "dags")
    assert total == recorded["response"]["total_entries"]
    assert rows == recorded["response"]["dags"]
    for row in rows:
        if {"is_active", "is_stale"}.isdisjoint(row):  # `fields=` leaves it out: nothing may be assumed then
            with pytest.raises(CallFailed) as caught:
                read_dag(row, dialect)
            assert caught.value.reason is Reason.BAD_RESPONSE
            continue
        dag = read_dag(row, dialect)
        assert dag.dag_id == row["dag_id"]
        assert dag.active is (row["is_active"] if version.startswith("2") else not row["is_stale"])
        assert (dag.paused, dag.has_import_errors) == (row["is_paused"], row["has_import_errors"])
        assert (dag.last_parsed is None) == (row["last_parsed_time"] is None)
        assert (dag.file.absolute, dag.file.relative) == (row["fileloc"], row.get("relative_fileloc"))


@pytest.mark.parametrize("version", VERSIONS)
def test_inactive_dags_are_told_from_active_ones(version):
    dialect = dialect_of(parse_version(version))
    told = json.loads((FOLDER / version / "dags_stale_included.json").read_text())
    rows, _ = read_page(told["response"], "dags")
    assert dialect.gone_query[0] in told["query"], "it was asked with the parameter that the dialect sends"
    assert {dag.active for dag in (read_dag(row, dialect) for row in rows)} == {True, False}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_list_of_the_other_generation_is_refused_not_misread(version):
    other = dialect_of(parse_version("3.0.6" if version.startswith("2") else "2.10.5"))
    told = json.loads((FOLDER / version / "dags_one.json").read_text())
    with pytest.raises(CallFailed, match="lacks is_"):
        read_dag(told["response"]["dags"][0], other)


@pytest.mark.parametrize(("version", "recorded"), chosen(ok("/importErrors")))
def test_every_recorded_list_of_import_errors_is_read(version, recorded):
    rows, total = read_page(recorded["response"], "import_errors")
    assert total == recorded["response"]["total_entries"]
    for row in rows:
        error = read_import_error(row)
        assert error.error_id == row["import_error_id"]
        assert error.stack_trace == row["stack_trace"], "raw; reports make it safe"
        assert error.stamp is not None
        assert (error.file.absolute is None) == (version == "3.3.2"), "3.3 names files relative to the bundle"
        assert row["filename"] == (error.file.relative if version == "3.3.2" else error.file.absolute)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_import_error_is_of_the_dag_in_the_same_file(version):
    dialect = dialect_of(parse_version(version))
    dag = read_dag(json.loads((FOLDER / version / "dag_broken_file.json").read_text())["response"], dialect)
    told = json.loads((FOLDER / version / "importErrors.json").read_text())["response"]
    row = {
        **told["import_errors"][0],
        "filename": Path(dag.file.absolute).name if version == "3.3.2" else dag.file.absolute,
    }
    assert read_import_error(row).file.same_as(dag.file)
    assert not read_import_error({**row, "filename": row["filename"] + "c"}).file.same_as(dag.file)


@pytest.mark.parametrize(("version", "recorded"), chosen(lambda _, r: r["status"] >= 300))
def test_every_recorded_error_is_refused_with_its_reason(version, recorded):
    status, body = recorded["status"], recorded["response"]
    failed = refused(Request(recorded["path"], method=recorded["method"]), Answer(status, body, None))
    assert failed is not None
    assert failed.status == status
    assert f"{recorded['method']} {recorded['path']} was answered with {status}" in failed.message
    expected = {
        401: Reason.ACCESS_DENIED,
        403: Reason.ACCESS_DENIED,
        404: Reason.NOT_FOUND,
        500: Reason.UNREACHABLE,
    }
    assert failed.reason is expected.get(status, Reason.BAD_RESPONSE)
    assert failed.retry is (status >= 500)
    assert not failed.throttled
    told = told_by(body)
    assert told, "no recorded error says nothing at all"
    assert failed.message.endswith(told)
    assert len(told) <= 300
    assert "<html" not in told.lower()


def test_every_recorded_error_of_a_kind_that_matters_was_checked():
    shapes = {
        (
            type(r["response"]).__name__,
            type(r["response"].get("detail")).__name__ if isinstance(r["response"], dict) else "",
        )
        for _, _, _, r in EVERY
        if r["status"] >= 400
    }
    assert {("str", ""), ("dict", "str"), ("dict", "NoneType"), ("dict", "list"), ("dict", "dict")} <= shapes
