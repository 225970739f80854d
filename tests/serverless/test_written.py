"""The reports of an invocation, written to S3."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from validator.errors import CannotTell
from validator.finding import Status
from validator.report import Check, Report
from validator.report.registry import FORMATS
from validator.s3.location import parse_location
from validator.serverless.written import FILES, write_reports
from validator.transport.aws_session import AwsSession

STARTED = datetime(2026, 1, 31, 8, tzinfo=timezone.utc)


def report_of(environment="prod"):
    one = Check(
        id="dags/etl", area="dags", subject="etl", status=Status.PASSED, message="It is.", reason=None
    )
    return Report(
        verdict=Status.PASSED,
        exit_code=0,
        summary="All is well.",
        environment=environment,
        airflow_version="3.0.6",
        gate_version="0.1.0",
        started_at=STARTED,
        deployed_at=STARTED,
        arrived_at=STARTED,
        assumptions=(),
        duration_s=1.0,
        calls=1,
        checks=(one,),
    )


def write(where, environment="prod"):
    return write_reports(report_of(environment), parse_location(where), AwsSession(), lambda _: None)


@pytest.mark.parametrize(
    ("where", "folder"),
    [
        ("s3://reports", "prod"),
        ("s3://reports/", "prod"),
        ("s3://reports/a/b/", "a/b/prod"),
        ("s3://reports/a", "a/prod"),
    ],
)
def test_each_format_lies_below_the_prefix_in_a_folder_of_the_environment(aws, where, folder):
    written = write(where)
    assert written == {name: f"s3://reports/{folder}/{FILES[name][0]}" for name in FILES}
    assert sorted(aws.keys("reports")) == sorted(f"{folder}/{name}" for name, _ in FILES.values())
    assert json.loads(aws.get(written["json"]))["verdict"] == "passed"


def test_what_is_written_is_what_the_formats_render(aws):
    written = write("s3://reports")
    rendered = {one.name: one.render(report_of()) for one in FORMATS}
    assert FILES.keys() <= rendered.keys()
    for name in ("json", "junit"):
        assert aws.get(written[name]) == rendered[name]
    assert aws.get(written["html"]).startswith(b"<!")


def test_a_second_run_replaces_the_reports_of_the_first(aws):
    assert write("s3://reports/a") == write("s3://reports/a")
    assert len(aws.keys("reports")) == len(FILES)


def test_environments_do_not_share_a_folder(aws):
    assert not set(write("s3://reports", "one").values()) & set(write("s3://reports", "two").values())


def test_a_bucket_that_denies_is_an_error(aws):
    aws.faults["PUT"] = [None, (403, "AccessDenied"), "..."]
    with pytest.raises(CannotTell, match="AWS denied s3:PutObject"):
        write("s3://reports")
