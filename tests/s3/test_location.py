"""Where the DAGs folder lies in S3: as given, or as GetEnvironment tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validator.airflow.models import Unread
from validator.errors import UsageError
from validator.reasons import Reason
from validator.s3.interface import Location
from validator.s3.location import location_of, parse_location
from validator.transport.interface import EnvironmentFacts

FACTS = EnvironmentFacts(bucket_arn="arn:aws:s3:::my-bucket", dags_path="dags")


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("s3://my-bucket/dags", Location("my-bucket", "dags")),
        ("s3://my-bucket/dags/", Location("my-bucket", "dags")),
        ("s3://my-bucket/a/b c/ä", Location("my-bucket", "a/b c/ä")),
        ("s3://my-bucket", Location("my-bucket", "")),
        ("s3://my.bucket.1/", Location("my.bucket.1", "")),
    ],
)
def test_an_uri_names_a_folder(text, location):
    assert parse_location(text) == location
    assert parse_location(str(location)) == location


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dags",
        "my-bucket/dags",
        "s3://",
        "s3:///dags",
        "s3:/my-bucket/dags",
        "S3://my-bucket/dags",
        "https://my-bucket.s3.amazonaws.com/dags",
        "arn:aws:s3:::my-bucket/dags",
        "s3://My_Bucket/dags",
        "s3://ab/dags",
        "s3://a..b/dags",
        "s3://my-bucket/a//b",
        "s3://my-bucket/../dags",
        "s3://my-bucket/./dags",
        "s3://my-bucket/da\ngs",
        "s3://my-bucket/" + "x" * 1001,
        " s3://my-bucket/dags",
    ],
)
def test_nonsense_is_a_wrong_input(text):
    with pytest.raises(UsageError, match="not the URI of a folder in S3") as caught:
        parse_location(text)
    assert "s3://my-bucket/dags" in caught.value.advice


@given(st.text())
def test_any_text_is_a_location_or_a_wrong_input(text):
    for one in (text, f"s3://{text}", f"s3://my-bucket/{text}"):
        try:
            location = parse_location(one)
        except UsageError:
            continue
        assert location.path == location.path.strip("/")
        assert parse_location(str(location)) == location


@pytest.mark.parametrize("facts", [None, FACTS, Unread(Reason.ACCESS_DENIED, "denied")])
def test_what_is_given_goes_before_what_is_told(facts):
    assert location_of("s3://other/x", facts) == Location("other", "x")
    with pytest.raises(UsageError):
        location_of("nonsense", facts)


@pytest.mark.parametrize("arn", ["aws", "aws-cn", "aws-us-gov"])
@pytest.mark.parametrize("path", ["dags", "dags/", "/dags"])
def test_getenvironment_tells_where(arn, path):
    facts = EnvironmentFacts(bucket_arn=f"arn:{arn}:s3:::my-bucket", dags_path=path)
    assert location_of(None, facts) == Location("my-bucket", "dags")


@pytest.mark.parametrize("prefix", ["team_a", "/team_a/", "team_a/etl"])
def test_the_local_folder_may_lie_deeper(prefix):
    path = f"dags/{prefix.strip('/')}"
    assert location_of(None, FACTS, prefix) == location_of("s3://my-bucket/dags", None, prefix)
    assert location_of(None, FACTS, prefix) == Location("my-bucket", path)
    assert location_of("s3://my-bucket", None, prefix).path == prefix.strip("/")


def test_where_nothing_tells_it_has_to_be_given():
    unread = location_of(None, None)
    assert (unread.reason, unread.heals) == (Reason.NOT_FOUND, False)
    assert "--dags-s3 s3://" in unread.advice


@pytest.mark.parametrize("heals", [True, False])
def test_why_getenvironment_did_not_tell_is_passed_on(heals):
    unread = location_of(None, Unread(Reason.ACCESS_DENIED, "it was denied", heals=heals))
    assert (unread.reason, unread.heals) == (Reason.ACCESS_DENIED, heals)
    assert "it was denied" in unread.message
    assert "--dags-s3 s3://" in unread.advice
    assert "airflow:GetEnvironment" in unread.advice


@pytest.mark.parametrize(
    ("arn", "path"),
    [
        (None, "dags"),
        ("arn:aws:s3:::my-bucket", None),
        ("arn:aws:s3:::my-bucket", "/"),
        ("my-bucket", "dags"),
        ("arn:aws:s3:::my-bucket/x", "dags"),
        ("arn:aws:s3:::my-bucket", "a/../b"),
    ],
)
def test_what_getenvironment_cannot_mean_is_not_followed(arn, path):
    unread = location_of(None, EnvironmentFacts(bucket_arn=arn, dags_path=path))
    assert isinstance(unread, Unread)
    assert (unread.reason, unread.heals) == (Reason.BAD_RESPONSE, False)
