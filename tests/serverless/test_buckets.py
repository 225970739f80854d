"""Single objects in S3: what S3 says, and what it means."""

from __future__ import annotations

import pytest

from validator.errors import CallFailed, CannotTell, UsageError
from validator.reasons import Reason
from validator.serverless import buckets
from validator.serverless.buckets import fetch, store
from validator.transport.aws_session import AwsSession, Credentials


@pytest.fixture
def slept():
    return []


def get(slept, bucket="artifacts", key="a.zip"):
    return fetch(AwsSession(), bucket, key, slept.append)


def put(slept, data=b"x", bucket="reports"):
    return store(AwsSession(), bucket, "a/b.json", data, "application/json", slept.append)


def test_an_object_is_read_whole(aws, slept):
    data = bytes(range(256)) * 5_000
    aws.put("artifacts", "a.zip", data)
    assert get(slept) == data
    assert slept == []


def test_an_object_is_written_with_its_type_and_gives_its_place(aws, slept):
    assert put(slept, b"{}") == "s3://reports/a/b.json"
    found = aws.s3.get_object(Bucket="reports", Key="a/b.json")
    assert (found["ContentType"], found["Body"].read()) == ("application/json", b"{}")


def test_a_denied_object_names_the_action_the_place_and_who_needs_it(aws, slept):
    aws.faults = {"GET": [(403, "AccessDenied")], "PUT": [(403, "AccessDenied")]}
    with pytest.raises(CannotTell, match=r"AWS denied s3:GetObject on s3://artifacts/a\.zip") as reading:
        get(slept)
    assert reading.value.reason is Reason.ACCESS_DENIED
    assert "the job's own credentials" in reading.value.advice
    with pytest.raises(CannotTell, match=r"AWS denied s3:PutObject on s3://reports/a/b\.json") as writing:
        put(slept)
    assert "the function's role" in writing.value.advice
    assert slept == []


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"])
def test_credentials_that_are_none_are_no_access(aws, slept, code):
    aws.faults["GET"] = [(403, code), "..."]
    with pytest.raises(CannotTell) as error:
        get(slept)
    assert error.value.reason is Reason.ACCESS_DENIED


@pytest.mark.parametrize("place", [("artifacts", "no.zip"), ("no-such-bucket", "a.zip")])
def test_an_object_or_a_bucket_that_is_not_there_is_not_found(aws, slept, place):
    with pytest.raises(CannotTell, match=f"there is no s3://{place[0]}/{place[1]}") as error:
        get(slept, *place)
    assert error.value.reason is Reason.NOT_FOUND
    assert slept == []


@pytest.mark.parametrize(
    "fault", [(500, "InternalError"), (503, "SlowDown"), (429, "TooManyRequests"), "reset"]
)
def test_what_may_pass_is_tried_again_and_given_up_after_four_times(aws, slept, fault):
    aws.put("artifacts", "a.zip", b"data")
    aws.faults["GET"] = [fault, fault, fault]
    assert get(slept) == b"data"
    assert slept == [0.5, 1.0, 2.0]
    aws.faults["GET"] = [fault, "..."]
    with pytest.raises(CallFailed):
        get(slept)
    assert slept == [0.5, 1.0, 2.0] * 2


def test_what_s3_refuses_for_good_is_not_tried_again(aws, slept):
    aws.faults["PUT"] = [(400, "InvalidRequest"), "..."]
    with pytest.raises(
        CallFailed, match=r"s3:PutObject on s3://reports/a/b\.json failed with InvalidRequest"
    ):
        put(slept)
    assert slept == []


def test_an_object_that_is_too_large_is_not_read(aws, slept, monkeypatch):
    aws.put("artifacts", "a.zip", b"x" * 3_000_000)
    monkeypatch.setattr(buckets, "MAX_ARTIFACT", 2_000_000)
    with pytest.raises(UsageError, match="is 3 MB large, and 2 MB are the most"):
        get(slept)


def test_nobody_at_the_other_end_is_no_answer(clean, slept):
    with pytest.raises(CallFailed, match="s3:GetObject got no answer") as error:
        get(slept)
    assert error.value.reason is Reason.UNREACHABLE


def test_credentials_of_a_job_are_used_in_place_of_the_functions_own(aws, slept):
    seen = []
    aws.watch = lambda environ: seen.append(environ["HTTP_AUTHORIZATION"])
    aws.put("artifacts", "a.zip", b"data")
    seen.clear()
    fetch(AwsSession(credentials=Credentials("AKIAJOB", "s", "t")), "artifacts", "a.zip", slept.append)
    assert ["Credential=AKIAJOB/" in text for text in seen] == [True]
