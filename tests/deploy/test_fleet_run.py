"""A whole fleet: the state machine run by moto's interpreter, the real handler, simulated Airflows, S3.

Only what AWS itself does is replaced: Lambda calls the handler in this process, and no wait is waited for long.
"""

import json
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from bare_machine import bare_machine, signed
from botocore.exceptions import ClientError
from junitparser import JUnitXml
from lxml import html
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval.resource_eval_s3 import (
    ResourceEvalS3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from strict_readers import valid
from turned_time import TurnedTime, govern

from validator.codepipeline import handler
from validator.errors import GateError
from validator.s3.interface import Location
from validator.sandbox.files import one_dag
from validator.sandbox.rules import Rules
from validator.sandbox.server import Fault, Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.wire import AwsError
from validator.sandbox.world import World
from validator.serverless import fleet_junit
from validator.serverless.fleet_store import S3Store

HOUSE = Path(__file__).parents[2]
BUCKET = "fleet-reports"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:gate"
DENIED = Fault(
    aws=AwsError("AccessDeniedException", "User: x is not authorized to perform: airflow:InvokeRestApi")
)
QUICK = Rules(
    airflow="3.0.6",
    sync=(0.0, 0.1),
    min_file_process_interval=0.4,
    dir_list_interval=0.4,
    min_serialized_dag_update_interval=0.4,
    parse=(0.01, 0.02),
    loop=0.05,
)
OPTIONS = {"dag_processor.refresh_interval": "1", "core.min_serialized_dag_update_interval": "0"}
MOST_BYTES = 256 * 1024
"""Of a payload or a state's data, by Step Functions."""


class Estate(Sandbox):
    """One endpoint for many environments, as AWS's is: each answers from a simulated Airflow of its own."""

    def __init__(self):
        super().__init__(None)
        self.environments = {}
        self.times = defaultdict(TurnedTime)
        """Each environment's own: what one is waited for is no time of another's round."""

    def add(self, name, *, broken=False, fault=None):
        files = {"etl.py": one_dag("etl_daily"), "report.py": one_dag("report")}
        world = World(QUICK, now=self.times[name].utc, files=files)
        if broken:
            world.damage("etl.py")
        one = Sandbox(
            Simulation(world, options=OPTIONS),
            environment=name,
            calls_per_second=0,
            fault=fault,
            now=self.times[name].utc,
        )
        self.environments[name] = one

    def answer(self, http_method, target, raw):
        name = target.partition("?")[0].rpartition("/")[2]
        found = self.environments.get(name)
        return found.answer(http_method, target, raw) if found else super().answer(http_method, target, raw)

    def close(self):
        for one in self.environments.values():
            one.close()
        super().close()


@dataclass
class Cloud:
    """What ran, and what is left of it."""

    estate: Estate
    crashing: set = field(default_factory=set)
    """Environments for which the function ends without an answer."""
    invocations: Counter = field(default_factory=Counter)
    """By the environment that was asked for."""
    largest: int = 0
    """Bytes of the largest payload."""
    slept: list = field(default_factory=list)
    """Seconds that Step Functions would have waited before repeating a call."""
    thread: threading.local = field(default_factory=threading.local)
    """`time`: of the environment that the state machine is at in this thread."""

    def invoke(self, parameters, region, state_credentials):
        """What the Lambda service does: JSON in, JSON out; an exception is a function error."""
        assert parameters["FunctionName"] == FUNCTION
        payload = parameters["Payload"]
        self.largest = max(self.largest, len(payload))
        event = json.loads(payload)
        name = event.get("environment", "fleet")
        self.invocations[name] += 1
        self.thread.time = self.estate.times[name]
        self.thread.time.sleep(1.0)  # the least that the state machine waits between two of them
        if name in self.crashing:
            crash = {"errorType": "Runtime.OutOfMemory", "errorMessage": "signal: killed"}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": crash}
        answer = json.dumps(handler(event, SimpleNamespace(get_remaining_time_in_millis=lambda: 900_000)))
        self.largest = max(self.largest, len(answer))
        return {"StatusCode": 200, "Payload": json.loads(answer)}

    def put(self, key, data):
        boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=data)

    def get(self, key):
        return boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def keys(self):
        pages = boto3.client("s3").get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return {one["Key"] for page in pages for one in page.get("Contents", [])}

    def run(self, given, name="run-1"):
        """The execution, once it has ended."""
        client = boto3.client("stepfunctions")
        text = (HOUSE / "deploy" / "fleet.asl.json").read_text(encoding="utf-8")
        text = text.replace("${Partition}", "aws").replace("${GateFunction}", FUNCTION)
        role = "arn:aws:iam::123456789012:role/fleet"
        machine = client.create_state_machine(name="fleet", definition=text, roleArn=role)["stateMachineArn"]
        arn = client.start_execution(stateMachineArn=machine, name=name, input=json.dumps(given))[
            "executionArn"
        ]
        until = time.monotonic() + 120
        while (seen := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < until, "the execution does not end"
            time.sleep(0.1)  # asking costs as much as what it waits for
        return seen


@pytest.fixture
def cloud(monkeypatch, tmp_path):
    signed(bare_machine(monkeypatch, tmp_path))
    with Estate() as estate:
        one = Cloud(estate)
        govern(monkeypatch, lambda: getattr(one.thread, "time", estate.times["fleet"]))
        monkeypatch.setenv("AWS_ENDPOINT_URL_MWAA", estate.url)
        monkeypatch.setattr(lambda_eval_utils, "_invoke_lambda_function", one.invoke)
        monkeypatch.setattr(retrier_decl, "time", SimpleNamespace(sleep=one.slept.append))
        monkeypatch.setattr(
            WaitFunction,
            "_wait_interval",
            lambda self, env, wait_seconds: None,
        )
        settings = {"stepfunctions": {"execute_state_machine": True}, "lambda": {"use_docker": False}}
        with mock_aws(config=settings):
            boto3.client("s3").create_bucket(Bucket=BUCKET)
            yield one


def fleet_of(*environments, **more):
    settings = {
        "manifest": {"version": 1, "dags": ["etl_daily", "report"]},
        "deployed_at": "none",
        "interval": "100ms",
    }
    return {
        "fleet": "nightly",
        "environments": list(environments),
        "settings": settings,
        "reports": f"s3://{BUCKET}/gate",
        **more,
    }


def merged_in(data):
    valid(data)
    return JUnitXml.fromstring(data)


SLOW = {"deployed_at": "now", "sync": "1s", "settle": "500ms", "invocation": "200ms"}


def test_over_fifty_environments_the_reds_and_the_unknown_are_named_and_nothing_is_lost(cloud):
    greens = [f"green-{number:02}" for number in range(40)]
    slow = ["slow-1", "slow-2", "slow-3"]
    reds = ["red-1", "red-2", "red-3"]
    for name in [*greens, *slow]:
        cloud.estate.add(name)
    for name in reds:
        cloud.estate.add(name, broken=True)
    cloud.estate.add("denied", fault=lambda call: DENIED if call.operation == "InvokeRestApi" else None)
    cloud.estate.add("crash")
    cloud.crashing.add("crash")
    wrong = {"environment": "wrong", "manifest": {"version": 1, "dagz": []}}
    environments = [{"environment": name} for name in [*reds, *greens, "denied", "crash", "gone"]]
    environments += [{"environment": name, **SLOW} for name in slow]
    environments += [wrong, {"environment": "green-00", "manifest": {"version": 1, "dags": ["report"]}}]

    seen = cloud.run(fleet_of(*environments, max_concurrency=8))

    assert (seen["status"], seen["error"]) == ("FAILED", "FleetFailed")
    assert "3 failed, 4 cannot be told, 44 passed" in seen["cause"]
    assert all(name in seen["cause"] for name in reds)
    fleet = json.loads(cloud.get("gate/run-1/fleet.json"))
    assert fleet["counts"] == {"expected": 51, "passed": 44, "failed": 3, "error": 4}
    verdicts = {row["label"]: row["verdict"] for row in fleet["environments"]}
    assert {name for name, verdict in verdicts.items() if verdict == "failed"} == set(reds)
    assert {name for name, verdict in verdicts.items() if verdict == "error"} == {
        "denied",
        "crash",
        "gone",
        "wrong",
    }
    summaries = {row["label"]: row["summary"] for row in fleet["environments"]}
    assert "Runtime.OutOfMemory" in summaries["crash"]
    assert "manifest" in summaries["wrong"]
    assert all(cloud.invocations[name] > 1 for name in slow)
    assert cloud.invocations["crash"] == 4  # it was tried again
    assert len(cloud.slept) == 3
    assert cloud.largest < MOST_BYTES

    merged = merged_in(cloud.get("gate/run-1/junit.xml"))
    cases = [case for suite in merged for case in suite]
    names = [(case.classname, case.name) for case in cases]
    assert len(names) == len(set(names))
    starts = {case.classname.rpartition(".")[0] for case in cases}
    assert starts == {*reds, *greens, *slow, "denied", "gone", "green-00 (2)", "fleet nightly"}
    assert (merged.tests, merged.failures) == (len(cases), sum(bool(case.is_failure) for case in cases))
    assert merged.failures >= 6  # each red environment, and its DAG

    page = html.fromstring(cloud.get("gate/run-1/fleet.html"))
    rows = {row.xpath("normalize-space(th)"): row for row in page.xpath("//tbody/tr")}
    assert list(rows)[:7] == [*reds, "denied", "crash", "gone", "wrong"]
    assert len(rows) == 51
    links = page.xpath("//tbody//a/@href")
    assert "0/red-1/report.html" in links
    assert {f"gate/run-1/{link.rpartition('/')[0]}/junit.xml" for link in links} <= cloud.keys()


def test_a_fleet_without_a_red_is_green(cloud):
    for name in ("a", "b"):
        cloud.estate.add(name)

    seen = cloud.run(fleet_of({"environment": "a"}, {"environment": "b"}))

    assert seen["status"] == "SUCCEEDED"
    answer = json.loads(seen["output"])
    assert (answer["verdict"], answer["exit_code"]) == ("passed", 0)
    assert set(answer["reports"]) == {"junit", "html", "json"}


def test_the_list_may_lie_in_s3_with_manifests_larger_than_a_payload(cloud):
    names = ["a", "b", "c"]
    for name in names:
        cloud.estate.add(name)
    gone = [f"{'old' * 30}_{number}" for number in range(1_200)]
    manifest = {"version": 1, "dags": ["etl_daily"], "absent": gone}
    rows = [{"environment": name, "manifest": manifest} for name in names]
    cloud.put("fleet.json", json.dumps(rows))
    given = fleet_of(list=f"s3://{BUCKET}/fleet.json")
    del given["environments"]

    seen = cloud.run(given)

    assert seen["status"] == "SUCCEEDED", seen.get("cause")
    assert cloud.largest < MOST_BYTES < len(json.dumps(rows))


def test_tolerated_reds_are_told_and_green(cloud):
    cloud.estate.add("red", broken=True)
    cloud.estate.add("b")
    two = [{"environment": "red"}, {"environment": "b"}]

    seen = cloud.run(fleet_of(*two, tolerated_failure_percentage=50))

    assert seen["status"] == "SUCCEEDED"
    answer = json.loads(seen["output"])
    assert answer["failed"][0]["environment"] == "red"
    assert "1 failed (50 % tolerated)" in answer["summary"]


def test_an_unknown_environment_is_never_green_whatever_is_tolerated(cloud):
    cloud.estate.add("a")
    two = [{"environment": "a"}, {"environment": "gone"}]

    seen = cloud.run(fleet_of(*two, tolerated_failure_percentage=100))

    assert (seen["status"], seen["error"]) == ("FAILED", "FleetCannotTell")
    assert "gone" in seen["cause"]


def test_a_wait_without_an_end_is_ended_by_max_rounds(cloud):
    cloud.estate.add("a")
    endless = {"environment": "a", **SLOW, "sync": "10m"}

    seen = cloud.run(fleet_of(endless, max_rounds=3))

    assert seen["error"] == "FleetCannotTell"
    assert "3 invocations" in seen["cause"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"environments": []}, "a gate that checks nothing must not pass"),
        ({"reports": "s3://no-such-bucket/x"}, "no-such-bucket"),
        ({"max_concurrency": 0}, "`max_concurrency` must be a whole number from 1 to 1000"),
        ({"extra": 1}, "'extra' is not known"),
    ],
)
def test_an_input_that_cannot_be_used_is_refused_before_anything_is_asked(cloud, given, said):
    seen = cloud.run({**fleet_of({"environment": "a"}), **given})

    assert (seen["status"], seen["error"]) == ("FAILED", "FleetNotBegun")
    assert said in seen["cause"]
    assert set(cloud.invocations) == {"fleet"}


def test_a_function_that_never_answers_is_no_green_fleet(cloud):
    cloud.crashing.add("fleet")

    seen = cloud.run(fleet_of({"environment": "a"}))

    assert (seen["status"], seen["error"]) == ("FAILED", "FleetCannotTell")


def test_the_reports_of_another_run_are_never_taken_for_this_ones(cloud):
    cloud.estate.add("a")
    cloud.run(fleet_of({"environment": "a"}), name="monday")
    cloud.crashing.add("a")

    seen = cloud.run(fleet_of({"environment": "a"}), name="tuesday")

    assert seen["error"] == "FleetCannotTell"
    assert merged_in(cloud.get("gate/tuesday/junit.xml")).errors == 1


def test_a_map_that_fails_as_a_whole_leaves_every_environment_untold(cloud, monkeypatch):
    def deny(*args):
        raise ClientError(
            {"Error": {"Code": "AccessDenied", "Message": "no"}, "ResponseMetadata": {}}, "GetObject"
        )

    monkeypatch.setattr(ResourceEvalS3, "_handle_get_object", deny)

    seen = cloud.run(fleet_of({"environment": "a"}, {"environment": "b"}, tolerated_failure_percentage=100))

    assert (seen["status"], seen["error"]) == ("FAILED", "FleetCannotTell")
    assert "2 cannot be told" in seen["cause"]
    assert "map ended early" in seen["cause"]
    assert set(cloud.invocations) == {"fleet"}


@pytest.mark.parametrize(
    "answer", [None, [], "done", {"state": "done"}, {"state": "pending", "token": "t"}, {"state": "x"}]
)
def test_an_answer_that_is_none_cannot_be_told(cloud, monkeypatch, answer):
    whole = Cloud.invoke
    monkeypatch.setattr(
        lambda_eval_utils,
        "_invoke_lambda_function",
        lambda parameters, *rest: (
            whole(cloud, parameters, *rest)
            if b'"fleet"' in parameters["Payload"][:10]
            else {"StatusCode": 200, "Payload": answer}
        ),
    )

    seen = cloud.run(fleet_of({"environment": "a"}))

    assert seen["error"] == "FleetCannotTell"
    assert "something that is no answer" in seen["cause"]


def test_an_object_that_is_too_large_or_not_there_is_none(cloud):
    cloud.put("big", b"x" * 101)
    store = S3Store()

    assert store.read(Location(BUCKET, "big"), 101) == b"x" * 101
    for key, limit, said in (("big", 100, "at most 100"), ("gone", 100, f"no s3://{BUCKET}/gone")):
        with pytest.raises(GateError, match=said):
            store.read(Location(BUCKET, key), limit)


def test_an_environments_report_that_is_too_large_is_told_and_left_out(cloud, monkeypatch):
    monkeypatch.setattr(fleet_junit, "LARGEST_REPORT", 500)
    cloud.estate.add("a")

    seen = cloud.run(fleet_of({"environment": "a"}))

    assert seen["status"] == "SUCCEEDED"
    assert [suite.name for suite in merged_in(cloud.get("gate/run-1/junit.xml"))] == ["fleet nightly"]
    assert "at most 500" in cloud.get("gate/run-1/fleet.html").decode()
