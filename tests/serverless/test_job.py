"""A job's event, read; and its one answer."""

from __future__ import annotations

import json
import threading

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError

from validator.errors import UsageError
from validator.serverless.job import MESSAGE_LIMIT, SUMMARY_LIMIT, VALUE_LIMIT, Answer, artifact_of, read_job

ROCKET = "\U0001f680"


def event_of(**data):
    configuration = {"FunctionName": "gate", "UserParameters": json.dumps({"manifest": "gate.yaml"})}
    return {"id": "job-1", "data": {"actionConfiguration": {"configuration": configuration}, **data}}


def place(name, bucket="artifacts", key="a.zip"):
    return {"name": name, "location": {"type": "S3", "s3Location": {"bucketName": bucket, "objectKey": key}}}


def test_a_job_is_read_with_its_artifacts_credentials_and_token():
    found = read_job(
        event_of(
            inputArtifacts=[place("One"), place("Two", key="two.zip")],
            artifactCredentials={"accessKeyId": "AKIA", "secretAccessKey": "s", "sessionToken": "t"},
            continuationToken="1.abc",
        )
    )
    assert (found.id, found.user_parameters, found.token) == ("job-1", {"manifest": "gate.yaml"}, "1.abc")
    assert [(one.name, one.bucket, one.key) for one in found.artifacts] == [
        ("One", "artifacts", "a.zip"),
        ("Two", "artifacts", "two.zip"),
    ]
    assert found.credentials is not None
    assert (found.credentials.access_key, found.credentials.token) == ("AKIA", "t")


def test_a_jobs_credentials_are_not_in_its_text():
    found = read_job(event_of(artifactCredentials={"accessKeyId": "AKIA", "secretAccessKey": "hush"}))
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"inputArtifacts": None, "artifactCredentials": [], "continuationToken": ""},
        {"inputArtifacts": "x"},
    ],
)
def test_what_is_missing_or_of_another_kind_is_none(data):
    found = read_job(event_of(**data))
    assert (found.artifacts, found.credentials, found.token) == ((), None, None)


@pytest.mark.parametrize(
    "one", [None, {}, {"name": "One"}, place(""), place("One", key=""), place("One", bucket=3)]
)
def test_an_artifact_without_a_place_is_refused(one):
    with pytest.raises(UsageError, match="no place in S3"):
        read_job(event_of(inputArtifacts=[one]))


def test_the_only_artifact_is_meant_unless_another_is_named():
    one = read_job(event_of(inputArtifacts=[place("One")]))
    assert artifact_of(one, None).name == "One"
    with pytest.raises(UsageError, match="no input artifact Two; it has One"):
        artifact_of(one, "Two")
    with pytest.raises(UsageError, match=r"2 input artifacts \(One, Two\)"):
        artifact_of(read_job(event_of(inputArtifacts=[place("One"), place("Two")])), None)


class Client:
    """Takes answers, after it has failed as often as it is told to."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.calls = []

    def _put(self, **given):
        self.calls.append(given)
        if self.errors:
            raise self.errors.pop(0)

    put_job_success_result = put_job_failure_result = _put


def refusal(code, status=400):
    return ClientError(
        {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutJob"
    )


def answer_of(client):
    slept = []
    return Answer("job-1", lambda: client, slept.append), slept


def test_texts_are_cut_to_what_codepipeline_takes():
    client = Client()
    answer_of(client)[0].succeeds("s" * 10_000, {"v": "v" * 10_000, "empty": " "})
    answer_of(client)[0].fails("JobFailed", "m" * 10_000)
    success, failure = client.calls
    assert len(success["executionDetails"]["summary"]) <= SUMMARY_LIMIT
    assert len(success["outputVariables"]["v"]) <= VALUE_LIMIT
    assert success["outputVariables"]["empty"] == "(nothing to say)"
    assert len(failure["failureDetails"]["message"]) <= MESSAGE_LIMIT


@pytest.mark.parametrize("text", [ROCKET * 3_000, "a" + ROCKET * 2_500, "\ud800" * 2_000, ROCKET * 2_500])
def test_a_character_that_counts_twice_where_lengths_are_in_16_bits_does_not_make_a_message_too_long(text):
    client = Client()
    answer_of(client)[0].fails("JobFailed", text)
    message = client.calls[0]["failureDetails"]["message"]
    assert 1 <= len(message.encode("utf-16-le")) // 2 <= MESSAGE_LIMIT


def test_a_message_that_is_short_enough_keeps_its_characters():
    client = Client()
    answer_of(client)[0].fails("JobFailed", f" {ROCKET} \ud800 ")
    assert client.calls[0]["failureDetails"]["message"] == f"{ROCKET} \\ud800"


def test_an_answer_is_repeated_with_growing_waits_and_then_given_up():
    error = refusal("ThrottlingException")
    client = Client(*[error] * 6)
    answer, slept = answer_of(client)
    with pytest.raises(ClientError, match="Throttling"):
        answer.goes_on("1.abc")
    assert slept == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert answer.refused is error
    assert answer.given == ""


@pytest.mark.parametrize(
    "error",
    [
        ConnectTimeoutError(endpoint_url="x"),
        EndpointConnectionError(endpoint_url="x"),
        refusal("InternalFailure", 500),
        refusal("ExpiredTokenException", 403),
    ],
)
def test_what_may_pass_is_tried_again(error):
    client = Client(error)
    answer, slept = answer_of(client)
    assert answer.goes_on("1.abc")
    assert (answer.given, slept, len(client.calls)) == ("continues", [0.5], 2)


@pytest.mark.parametrize("code", ["InvalidJobStateException", "JobNotFoundException"])
def test_a_job_that_is_answered_already_is_done(code):
    answer, slept = answer_of(Client(refusal(code)))
    assert answer.fails("JobFailed", "m")
    assert (answer.given, slept) == ("failure", [])


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException"])
def test_what_cannot_pass_is_not_tried_again(code):
    client = Client(refusal(code))
    answer, slept = answer_of(client)
    with pytest.raises(ClientError):
        answer.succeeds("s", {})
    assert slept == []
    assert answer.fails("SystemUnavailable", "m")  # another answer may still get through


def test_of_many_answers_at_once_one_is_given():
    client = Client()
    answer, _ = answer_of(client)
    start = threading.Barrier(8)
    won = []

    def give():
        start.wait()
        won.append(answer.fails("JobFailed", "m"))

    threads = [threading.Thread(target=give) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(won) == [False] * 7 + [True]
    assert len(client.calls) == 1
