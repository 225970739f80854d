"""Programs written against boto3's invoke_rest_api, and what the transport may do to them, over real HTTP."""

from __future__ import annotations

import contextlib

import botocore.exceptions
import pytest
from airflow_clients import Environment, Runs, use_events, use_runs, use_variables

from validator.sandbox.api import Role
from validator.sandbox.faults import Fault, Faults, Planned
from validator.sandbox.files import SimTask, one_dag, tasks
from validator.sandbox.rules import Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.wire import AwsError, Reply
from validator.sandbox.world import World

URI = "s3://lake/orders"
TRIGGER = "/dags/[^/]+/dagRuns"
GONE = (botocore.exceptions.HTTPClientError, botocore.exceptions.ClientError)
SECONDS = 20.0


@pytest.fixture
def serve():
    """Starts a sandbox and gives it with its environment; all are closed at the end."""
    closing = []

    def go(version, *planned):
        boom = tasks("first", SimTask("boom", outcome=("failed",)), "after")
        files = {
            "good.py": one_dag("good", schedule=None, paused_upon_creation=False),
            "bad.py": one_dag("bad", schedule=None, paused_upon_creation=False, tasks=boom),
            "consumer.py": one_dag("consumer", schedule=(URI,), paused_upon_creation=False),
        }
        rules = Rules(airflow=version, scheduler_loop=0.02, start=(0.0, 0.02))
        faults = Faults(*planned)
        simulation = Simulation(World(rules, files=files), role=Role("Admin"))
        sandbox = Sandbox(simulation, calls_per_second=0, fault=faults)
        sandbox.start()
        environment = Environment(sandbox.url)
        closing.extend([environment, sandbox])
        sandbox.faults = faults
        return sandbox, environment

    yield go
    for one in closing:
        one.close()


@pytest.mark.parametrize("version", ["2.10.5", "3.0.6"])
def test_the_programs_run(serve, version):
    _, environment = serve(version)
    use_variables(environment, "team_setting")
    use_runs(environment, "good", "bad", SECONDS)
    use_events(environment, URI, "consumer", SECONDS)


BEFORE = {
    "reset": Fault(reset=True),
    "throttled": Fault(aws=AwsError("ThrottlingException", "Rate exceeded")),
    "429": Fault(airflow=(429, {"detail": "slow down"})),
    "503": Fault(airflow=(503, "<html>")),
    "bad gateway": Fault(reply=Reply(502, b"<html>")),
}
AFTER = {
    "reset": Fault(reset=True, after=True),
    "500": Fault(airflow=(500, "<html>"), after=True),
    "504": Fault(airflow=(504, "too late"), after=True),
    "internal": Fault(aws=AwsError("InternalServerException"), after=True),
    "bad gateway": Fault(reply=Reply(502, b"<html>"), after=True),
}


def runs_of(sandbox):
    return [run.run_id for run in sandbox.backend.world.runs.rows]


@pytest.mark.parametrize("version", ["2.10.5", "3.0.6"])
@pytest.mark.parametrize("name", BEFORE)
def test_a_fault_before_leaves_no_run_and_befalls_one_call(serve, version, name):
    sandbox, environment = serve(version, Planned(BEFORE[name], "POST", TRIGGER))
    runs = Runs(environment)
    with pytest.raises(GONE):
        runs.trigger("good", "c-1", {})
    assert (runs_of(sandbox), sandbox.faults.left) == ([], 0)
    runs.trigger("good", "c-1", {})
    assert runs_of(sandbox) == ["c-1"]


@pytest.mark.parametrize("version", ["2.10.5", "3.0.6"])
@pytest.mark.parametrize("name", AFTER)
def test_an_answer_that_is_lost_leaves_a_run(serve, version, name):
    sandbox, environment = serve(version, Planned(AFTER[name], "POST", TRIGGER))
    with pytest.raises(GONE):
        Runs(environment).trigger("good", "c-1", {})
    assert (runs_of(sandbox), sandbox.faults.left) == (["c-1"], 0)


@pytest.mark.parametrize("cut", ["body", "connection"])
def test_an_answer_cut_in_half_is_nothing_to_boto3_and_leaves_a_run(serve, cut):
    sandbox, environment = serve("3.0.6", Planned(Fault(cut=cut), "POST", TRIGGER))
    assert Runs(environment).trigger("good", "c-1", {}) is None
    assert runs_of(sandbox) == ["c-1"]


def test_an_answer_may_be_late_after_the_call_was_done(serve):
    sandbox, environment = serve("3.0.6", Planned(Fault(delay=0.2, after=True), "POST", TRIGGER))
    assert Runs(environment).trigger("good", "c-1", {})["dag_run_id"] == "c-1"
    assert sandbox.faults.left == 0


def test_a_plan_counts_the_calls_that_match(serve):
    refused = Fault(airflow=(503, "<html>"))
    sandbox, environment = serve("3.0.6", Planned(refused, "GET", "/dags/[a-z]+", first=2, times=2))

    def told(path):
        with contextlib.suppress(botocore.exceptions.ClientError):
            environment.call("GET", path)
        return sandbox.calls[-1].status

    assert [told(path) for path in ("/dags/good", "/dags")] == [200, 200]
    assert sandbox.faults.left == 1
    assert [told(path) for path in ("/dags/bad?x=1", "/dags/good", "/dags/good")] == [503, 503, 200]
    assert sandbox.faults.left == 0


def test_the_first_plan_wins_and_all_count(serve):
    first, second = (Planned(Fault(airflow=(status, {})), "GET", "/dags") for status in (500, 503))
    sandbox, environment = serve("3.0.6", first, second)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        environment.call("GET", "/dags")
    assert (caught.value.response["RestApiStatusCode"], sandbox.faults.left) == (500, 0)
    assert environment.call("GET", "/dags")["total_entries"] == 3


def test_what_is_refused_by_the_service_meets_no_fault(serve):
    sandbox, environment = serve("3.0.6", Planned(Fault(reset=True), "GET", "/x+"))
    with pytest.raises(botocore.exceptions.ClientError, match="length between 1 and 64"):
        environment.call("GET", "/" + "x" * 80)
    assert sandbox.faults.left == 1
