"""What S3 holds: over moto's S3, and over a server that answers as no S3 should."""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from datetime import datetime, timezone

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count
from moto.server import ThreadedMotoServer

from validator.errors import CallFailed, CannotTell
from validator.reasons import Reason
from validator.s3 import listing
from validator.s3.interface import Location, S3Object
from validator.s3.listing import S3Witness

DAGS = Location("my-bucket", "dags")


@pytest.fixture
def bucket(signed):
    """The bucket, in process."""
    with mock_aws():
        made = boto3.resource("s3").Bucket("my-bucket")
        made.create()
        yield made


def put(bucket, *keys, body=b"x"):
    for key in keys:
        bucket.put_object(Key=key, Body=body)


def test_objects_are_told_by_their_names_below_the_folder(bucket, witness):
    put(bucket, "dags/a.py", "dags/deep/er/ä b+c.py", body=b"one")
    found = witness().objects(DAGS)
    assert set(found) == {"a.py", "deep/er/ä b+c.py"}
    one = found["a.py"]
    assert (one.size, one.etag) == (3, hashlib.md5(b"one", usedforsecurity=False).hexdigest())
    assert one.modified.tzinfo is timezone.utc


def test_only_the_folder_itself_is_listed(bucket, witness):
    put(bucket, "dags/a.py", "dags-old/x.py", "dags.zip", "plugins/dags/y.py", "dags")
    assert set(witness().objects(DAGS)) == {"a.py"}


def test_markers_of_folders_are_no_objects(bucket, witness):
    put(bucket, "dags/", "dags/sub/", "dags/sub/a.py", body=b"")
    assert set(witness().objects(DAGS)) == {"sub/a.py"}


def test_a_whole_bucket_can_be_listed(bucket, witness):
    put(bucket, "a.py", "x/b.py")
    assert set(witness().objects(Location("my-bucket", ""))) == {"a.py", "x/b.py"}


def test_a_folder_without_objects_is_empty(bucket, witness):
    assert witness().objects(DAGS) == {}


def test_an_upload_in_parts_has_a_dash_in_its_etag(bucket, witness):
    upload = bucket.Object("dags/big.bin").initiate_multipart_upload()
    part = upload.Part(1).upload(Body=b"x" * 10)
    upload.complete(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert witness().objects(DAGS)["big.bin"].etag.endswith("-1")


def test_more_than_a_page_is_read_to_the_end(bucket, witness):
    put(bucket, *(f"dags/f{number}.py" for number in range(1001)))
    assert set(witness().objects(DAGS)) == {f"f{number}.py" for number in range(1001)}


def test_a_bucket_that_is_not_there_is_not_found(bucket, witness):
    with pytest.raises(CallFailed, match="no bucket another") as caught:
        witness().objects(Location("another", "dags"))
    assert (caught.value.reason, caught.value.retry) == (Reason.NOT_FOUND, False)


@set_initial_no_auth_action_count(4)
def test_a_denial_names_the_permission_the_bucket_and_the_prefix(signed, witness):
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="my-bucket")
        iam = boto3.client("iam")
        iam.create_user(UserName="gate")
        key = iam.create_access_key(UserName="gate")["AccessKey"]
        signed.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        signed.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        iam.list_users()  # the last call that moto lets through
        with pytest.raises(
            CallFailed, match=r"s3:ListBucket on arn:aws:s3:::my-bucket for the prefix dags/"
        ) as caught:
            witness().objects(DAGS)
    assert (caught.value.reason, caught.value.retry) == (Reason.ACCESS_DENIED, False)


def test_a_bucket_over_the_wire(signed, witness):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        signed.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}:{port}")
        client = boto3.client("s3")
        client.create_bucket(Bucket="wire")
        client.put_object(Bucket="wire", Key="dags/ä b+c.py", Body=b"one")
        client.put_object(Bucket="wire", Key="dags-old/x.py", Body=b"one")
        client.close()
        found = witness().objects(Location("wire", "dags"))
    finally:
        server.stop()
    assert {name: one.size for name, one in found.items()} == {"ä b+c.py": 3}


def test_without_credentials_nothing_can_be_told(signed, stand, witness):
    signed.delenv("AWS_ACCESS_KEY_ID")
    signed.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(CannotTell, match="no usable AWS credentials"):
        witness().objects(DAGS)
    assert stand.asked == []


def test_an_unknown_profile_ends_the_gate(witness):
    with pytest.raises(CannotTell, match="nobody"):
        witness(None, "nobody").objects(DAGS)


ROW = (
    "<Contents><Key>{key}</Key><LastModified>2026-01-31T08:00:00.000Z</LastModified>"
    "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>0</Size></Contents>"
)


def page(*keys, truncated=False, token=None, count=None):
    rows = "".join(ROW.format(key=key) for key in keys)
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token is not None else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>my-bucket</Name>'
        f"<Prefix>dags/</Prefix><KeyCount>{len(keys) if count is None else count}</KeyCount>"
        f"<MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>{str(truncated).lower()}"
        f"</IsTruncated>{more}{rows}</ListBucketResult>"
    ).encode()


def aws_error(code, message="in S3's words"):
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


def says(stand, status, body, **headers):
    stand.answer = lambda *_: (
        status,
        body,
        {name.replace("_", "-"): value for name, value in headers.items()},
    )


GOOD = page("dags/a%20b%2Bc.py")


def test_what_s3_says_is_read(stand, witness):
    says(stand, 200, GOOD)
    assert witness().objects(DAGS) == {
        "a b+c.py": S3Object(
            0, "d41d8cd98f00b204e9800998ecf8427e", datetime(2026, 1, 31, 8, tzinfo=timezone.utc)
        )
    }
    assert len(stand.asked) == 1
    assert "prefix=dags%2F" in stand.asked[0]


HOSTILE = {
    "nothing": b"",
    "cut off in the middle": GOOD[: len(GOOD) // 2],
    "cut off before the end": GOOD[:-5],
    "a page of a proxy": b"<html><body>Please log in</body></html>",
    "json": b"{}",
    "another list": b"<ListAllMyBucketsResult></ListAllMyBucketsResult>",
    "an empty list": b"<ListBucketResult></ListBucketResult>",
    "no count": GOOD.replace(b"KeyCount", b"Count"),
    "no word on more": GOOD.replace(b"IsTruncated", b"Is"),
    "fewer rows than it says": page("dags/a", count=2),
    "more rows than it says": page("dags/a", count=0),
    "a count that is none": page("dags/a", count="x"),
    "a key of somewhere else": page("dags-old/a"),
    "no key": GOOD.replace(b"Key>", b"Kay>"),
    "no size": GOOD.replace(b"Size", b"Weight"),
    "a size that is none": GOOD.replace(b"<Size>0", b"<Size>x"),
    "no etag": GOOD.replace(b"ETag", b"Tag"),
    "a time that is none": GOOD.replace(b"2026-01-31T08", b"xxxx"),
    "no time": GOOD.replace(b"LastModified", b"Modified"),
    "more without a token": page("dags/a", truncated=True),
    "more with an empty token": page("dags/a", truncated=True, token=""),
    "the same page for ever": page("dags/a", truncated=True, token="again"),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_half_an_answer_is_no_empty_bucket(stand, witness, body):
    says(stand, 200, body)
    with pytest.raises(CallFailed) as caught:
        witness().objects(DAGS)
    assert (caught.value.reason, caught.value.retry) == (Reason.BAD_RESPONSE, True)
    assert "s3://my-bucket/dags" in caught.value.message


def test_wherever_the_answer_is_cut_off_it_is_none(stand, witness):
    one = witness()
    for cut in range(0, len(GOOD), 7):
        says(stand, 200, GOOD[:cut])
        with pytest.raises(CallFailed):
            one.objects(DAGS)


def test_an_answer_that_ends_before_its_length_is_none(stand, witness):
    says(stand, 200, GOOD[:-40], Content_Length=str(len(GOOD)))
    with pytest.raises(CallFailed) as caught:
        witness().objects(DAGS)
    assert caught.value.retry


def test_pages_without_end_end(stand, witness, monkeypatch):
    monkeypatch.setattr(listing, "MAX_PAGES", 3)
    stand.answer = lambda *_: (200, page("dags/a", truncated=True, token=str(len(stand.asked))), {})
    with pytest.raises(CallFailed, match="more than 3,000 objects") as caught:
        witness().objects(DAGS)
    assert (len(stand.asked), caught.value.retry) == (3, False)


def test_the_token_of_a_page_brings_the_next(stand, witness):
    stand.answer = lambda path, _: (
        200,
        page("dags/b") if "continuation-token=t%2B1" in path else page("dags/a", truncated=True, token="t+1"),
        {},
    )
    assert set(witness().objects(DAGS)) == {"a", "b"}


@pytest.mark.parametrize("body", [aws_error("AccessDenied"), b""], ids=["in words", "without words"])
def test_every_403_is_a_denial(stand, witness, body):
    says(stand, 403, body)
    with pytest.raises(CallFailed, match=r"s3:ListBucket on arn:aws:s3:::my-bucket: ") as caught:
        witness().objects(Location("my-bucket", ""))
    assert (caught.value.reason, caught.value.retry) == (Reason.ACCESS_DENIED, False)


def test_a_denial_in_china_names_an_arn_of_china(signed, stand, witness):
    says(stand, 403, aws_error("AccessDenied"))
    with pytest.raises(CallFailed, match="arn:aws-cn:s3:::my-bucket"):
        witness("cn-north-1").objects(DAGS)


@pytest.mark.parametrize(
    "code",
    ["InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "RequestTimeTooSkewed"],
)
def test_credentials_that_s3_does_not_accept_end_the_gate(stand, witness, code):
    says(stand, 403, aws_error(code))
    with pytest.raises(CannotTell, match=f"credentials.*{code}") as caught:
        witness().objects(DAGS)
    assert caught.value.reason is Reason.ACCESS_DENIED


def test_being_throttled_is_told_apart(stand, witness):
    says(stand, 503, aws_error("SlowDown", "Please reduce your request rate."))
    with pytest.raises(CallFailed, match="reduce your request rate") as caught:
        witness().objects(DAGS)
    assert (caught.value.reason, caught.value.throttled, caught.value.retry) == (
        Reason.UNREACHABLE,
        True,
        True,
    )
    assert len(stand.asked) == 1, "botocore's own retries are off"


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (500, "InternalError", Reason.UNREACHABLE),
        (503, "ServiceUnavailable", Reason.UNREACHABLE),
        (200, "InternalError", Reason.UNREACHABLE),
        (400, "InvalidArgument", Reason.BAD_RESPONSE),
    ],
)
def test_other_errors_are_told_in_s3s_words_and_asked_again(stand, witness, status, code, reason):
    says(stand, status, aws_error(code))
    with pytest.raises(CallFailed, match=f"ListObjectsV2.*{code}: in S3's words") as caught:
        witness().objects(DAGS)
    assert (caught.value.reason, caught.value.retry, caught.value.throttled) == (reason, True, False)


@pytest.mark.parametrize(
    ("status", "code"), [(301, "PermanentRedirect"), (400, "AuthorizationHeaderMalformed")]
)
def test_a_bucket_of_another_region_is_found_there(stand, witness, status, code):
    def answer(_, headers):
        if "/eu-west-1/" in headers["Authorization"]:
            return 200, GOOD, {}
        body = aws_error(code).replace(b"</Error>", b"<Region>eu-west-1</Region></Error>")
        return status, body, {"x-amz-bucket-region": "eu-west-1"}

    stand.answer = answer
    one = witness()
    assert len(one.objects(DAGS)) == 1
    assert len(one.objects(DAGS)) == 1
    assert len(stand.asked) == 3, "it is remembered"


def test_a_redirect_that_leads_nowhere_is_told(stand, witness):
    says(stand, 301, aws_error("PermanentRedirect"), x_amz_bucket_region="eu-west-1")
    with pytest.raises(CallFailed, match="another region than us-east-1") as caught:
        witness().objects(DAGS)
    assert (caught.value.reason, caught.value.retry) == (Reason.NOT_FOUND, False)


@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_without_a_region_is_an_answer_that_is_none(stand, witness, status):
    says(stand, status, b"")
    with pytest.raises(CallFailed):
        witness().objects(DAGS)


def test_a_server_that_is_gone_is_unreachable(stand, witness, signed):
    signed.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(CallFailed, match="got no answer") as caught:
        witness().objects(DAGS)
    assert (caught.value.reason, caught.value.retry) == (Reason.UNREACHABLE, True)


def test_a_role_that_may_not_be_assumed_is_told_as_such(stand, witness, signed):
    says(stand, 403, b"<ErrorResponse>" + aws_error("AccessDenied", "not you") + b"</ErrorResponse>")
    signed.setenv("AWS_ENDPOINT_URL_STS", stand.url)
    with pytest.raises(CannotTell, match=r"AssumeRole was refused.*not you") as caught:
        witness(None, None, "arn:aws:iam::123456789012:role/gate").objects(DAGS)
    assert "s3:ListBucket" not in caught.value.message, "nobody asked for it yet"


def test_one_witness_may_be_asked_by_many_at_once(stand, witness):
    says(stand, 200, GOOD)
    one = witness()
    found = []
    threads = [threading.Thread(target=lambda: found.append(len(one.objects(DAGS)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == [1] * 8


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.datetimes(timezones=st.just(timezone.utc)),
    lambda one: (
        st.lists(one, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Contents", "IsTruncated", "KeyCount", "Key", "Size", "ETag", "LastModified"]),
            one,
        )
    ),
)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["Contents", "IsTruncated", "KeyCount", "NextContinuationToken"]), values)
)
def test_whatever_botocore_hands_over_is_a_listing_or_a_failed_call(response):
    class Session:
        def client(self, *_, **__):
            return self

        def list_objects_v2(self, **_):
            return response

    with suppress(CallFailed):
        found = S3Witness(Session()).objects(DAGS)
        assert response["IsTruncated"] is False
        assert len(found) <= response["KeyCount"]
