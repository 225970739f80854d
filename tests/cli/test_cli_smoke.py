"""`smoke:` by the whole command: DAG runs on simulated Airflows, with every fault between a trigger and its answer."""

from __future__ import annotations

import signal
import time

import pytest

from validator.sandbox.api import Role
from validator.sandbox.faults import Fault, Faults, Planned
from validator.sandbox.files import SimTask, one_dag, tasks
from validator.sandbox.rules import Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.wire import AwsError
from validator.sandbox.world import World

VERSIONS = ("2.4.3", "2.10.5", "3.0.6", "3.3.2")
FAST = ("--env", "sandbox", "--interval", "100ms", "--max-tps", "1000", "--deployed-at", "none")
URI = "s3://lake/orders"
PASSES = tasks(SimTask("extract", seconds=0.05), SimTask("load", seconds=0.05))
FAILS = tasks(
    "extract", SimTask("load", outcome=("failed",), seconds=0.05, log="boom: no such table"), "tell"
)
HANGS = tasks(SimTask("load", outcome=("hangs",)))


@pytest.fixture
def environment(clean, the_time):
    """Starts an environment with the DAG `etl`, one that is smoked, and one that an event starts."""
    running = []

    def go(given=PASSES, *, airflow="3.0.6", role="User", fault=None, paused=False, name="smoked"):
        rules = Rules(
            airflow=airflow,
            min_file_process_interval=0.1,
            dir_list_interval=0.2,
            loop=0.05,
            scheduler_loop=0.05,
            parse=(0.0, 0.01),
            min_serialized_dag_update_interval=0.0,
            min_serialized_dag_fetch_interval=0.0,
        )
        files = {
            "etl.py": one_dag("etl", paused_upon_creation=False),
            "smoked.py": one_dag(name, tasks=given, schedule=None, paused_upon_creation=paused),
            "consumer.py": one_dag("consumer", tasks=given, schedule=(URI,), paused_upon_creation=False),
        }
        world = World(rules, now=the_time.utc, files=files)
        one = Sandbox(Simulation(world, role=Role(role)), calls_per_second=0, fault=fault, now=the_time.utc)
        one.start()
        running.append(one)
        clean.setenv("AWS_ENDPOINT_URL_MWAA", one.url)
        one.world, one.name = world, name
        return one

    yield go
    for one in running:
        one.close()


def runs(one, dag_id=None):
    """The DAG runs that are there, by id."""
    return sorted(run.run_id for run in one.world.runs.of(dag_id or one.name))


@pytest.fixture
def check(gate, manifest, reports):
    def go(*options, entry="dag_id: smoked", expected="etl", **more):
        text = f"version: 1\ndags: [{expected}]\nsmoke:\n  - {{{entry}}}\n"
        return gate("check", manifest(text), *FAST, *reports.options, *options, **more)

    return go


def told(reports, name="smoke/smoked"):
    return next(one for one in reports.json["checks"] if one["id"] == name)


@pytest.mark.parametrize("airflow", VERSIONS)
def test_a_run_that_succeeds_is_green_and_leaves_nothing(environment, check, reports, airflow):
    one = environment(airflow=airflow)

    ended = check(
        entry="dag_id: smoked, conf: {probe: true}, expect: {tasks: {load: success}, max_duration: 1m}"
    )

    assert ended.code == 0, ended.out + ended.err
    found = told(reports)
    assert found["status"] == "passed"
    assert found["details"]["state"] == "success"
    assert found["details"]["run_id"].startswith("g-")
    assert 0.05 < found["details"]["duration_s"] < 10
    assert [task["task_id"] for task in found["details"]["tasks"]] == ["extract", "load"]
    assert runs(one) == []
    case = next(
        case
        for case in reports.junit.iter("testcase")
        if case.get("name") == "smoked" and "smoke" in case.get("classname")
    )
    assert float(case.get("time")) == pytest.approx(found["details"]["duration_s"], abs=0.002)
    assert "task load: success in try 1" in case.findtext("system-out")


@pytest.mark.parametrize("airflow", VERSIONS)
def test_a_run_that_fails_in_its_second_task_names_it_and_stays(environment, check, reports, airflow):
    one = environment(FAILS, airflow=airflow)

    ended = check()

    assert ended.code == 1, ended.out + ended.err
    found = told(reports)
    assert found["reason"] == "smoke-failed"
    assert "load failed in try 1" in found["message"]
    assert "tell" not in found["message"]
    assert "boom: no such table" in found["details"]["stack_trace"]
    assert len(runs(one)) == 1


@pytest.mark.parametrize("airflow", VERSIONS)
@pytest.mark.parametrize("keep", ["never", "on-failure"])
def test_a_run_that_hangs_past_its_timeout_is_a_timeout(environment, check, reports, airflow, keep):
    one = environment(HANGS, airflow=airflow)

    ended = check(entry=f"dag_id: smoked, timeout: 600ms, keep: {keep}")

    assert ended.code == 1, ended.out + ended.err
    assert told(reports)["reason"] == "smoke-timeout"
    assert "load is running" in told(reports)["message"]
    assert len(runs(one)) == (keep == "on-failure")


@pytest.mark.parametrize("airflow", VERSIONS)
def test_a_paused_dag_is_told_and_not_triggered(environment, check, reports, airflow):
    one = environment(airflow=airflow, paused=True)

    ended = check()

    assert ended.code == 1, ended.out + ended.err
    assert told(reports)["reason"] == "smoke-failed"
    assert "it is paused" in told(reports)["message"]
    assert runs(one) == []


@pytest.mark.parametrize("airflow", VERSIONS)
def test_a_dag_is_unpaused_for_its_run_and_paused_again(environment, check, airflow):
    one = environment(airflow=airflow, paused=True)

    ended = check(entry="dag_id: smoked, unpause: true")

    assert ended.code == 0, ended.out + ended.err
    assert one.world.metadata.dags["smoked"].paused


EVENT = f'event: {{uri: "{URI}", extra: {{file: probe.csv}}}}, expect_run_of: consumer'


@pytest.mark.parametrize("airflow", ["2.10.5", "3.0.6", "3.3.2"])
def test_an_event_starts_a_consumer(environment, check, reports, airflow):
    environment(airflow=airflow, role="Op")

    ended = check(entry=EVENT)

    assert ended.code == 0, ended.out + ended.err
    assert "triggered__" in told(reports, "smoke/consumer")["details"]["run_id"]


@pytest.mark.parametrize("airflow", ["2.10.5", "3.0.6"])
def test_an_event_whose_run_could_not_be_removed_through_mwaa_is_not_sent(
    environment, check, reports, airflow
):
    one = environment(airflow=airflow, role="Op")

    ended = check(entry=f"{EVENT}, keep: never")

    assert ended.code == 3, ended.out + ended.err
    assert told(reports, "smoke/consumer")["reason"] == "path-too-long"
    assert one.world.assets.events == []


def test_before_2_9_there_are_no_events_and_the_report_says_so(environment, check, reports):
    environment(airflow="2.4.3")

    ended = check(entry=EVENT)

    assert ended.code == 3, ended.out + ended.err
    assert "2.9" in told(reports, "smoke/consumer")["message"]


@pytest.mark.parametrize("airflow", VERSIONS)
def test_a_role_that_may_not_trigger_cannot_tell_and_is_told_which_may(environment, check, reports, airflow):
    one = environment(airflow=airflow, role="Viewer")

    ended = check()

    assert ended.code == 3, ended.out + ended.err
    assert told(reports)["reason"] == "access-denied"
    assert "role User" in ended.out
    assert runs(one) == []


def test_nothing_is_started_where_something_else_is_red(environment, check, reports):
    one = environment()

    ended = check("--timeout", "600ms", expected="etl, nowhere")

    assert ended.code == 1
    assert told(reports)["status"] == "skipped"
    assert not any(call.method == "POST" for call in one.calls)


def test_an_id_that_paths_cannot_hold_is_told_before_anything_starts(environment, check, reports):
    name = "x" * 45
    one = environment(name=name)

    ended = check(entry=f"dag_id: {name}")

    assert ended.code == 3, ended.out + ended.err
    assert told(reports, f"smoke/{name}")["reason"] == "path-too-long"
    assert "keep: always" in told(reports, f"smoke/{name}")["message"]
    assert check(entry=f"dag_id: {name}, keep: always").code == 0
    assert len(runs(one)) == 1


def test_another_try_of_the_same_gate_starts_no_second_run(environment, check):
    one = environment()

    codes = [check("--run-key", "build-7", entry="dag_id: smoked, keep: always").code for _ in range(2)]

    assert codes == [0, 0]
    assert len(runs(one)) == 1


TRIGGER = ("POST", "/dags/smoked/dagRuns")
LISTS = ("POST", "/dags/~/dagRuns/list")
FAULTS = {
    "reset before": Fault(reset=True),
    "reset after": Fault(reset=True, after=True),
    "cut off": Fault(cut="connection"),
    "half a body": Fault(cut="body"),
    "throttled": Fault(aws=AwsError("ThrottlingException", "Rate exceeded")),
    "5xx of AWS after": Fault(aws=AwsError("InternalServerException", "oops"), after=True),
    "503 of Airflow before": Fault(airflow=(503, "<html></html>")),
    "504 of Airflow after": Fault(airflow=(504, {"detail": "timed out"}), after=True),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("airflow", ["2.10.5", "3.0.6"])
def test_a_trigger_whose_answer_goes_wrong_makes_one_run_and_leaves_none(
    environment, check, reports, airflow, fault
):
    faults = Faults(Planned(fault, *TRIGGER), Planned(Fault(reset=True), *LISTS))
    one = environment(airflow=airflow, fault=faults)

    ended = check(entry="dag_id: smoked, keep: never")

    assert ended.code == 0, ended.out + ended.err
    assert told(reports)["status"] == "passed"
    assert faults.left == 0
    assert runs(one) == []


def test_a_removal_whose_answer_is_lost_is_repeated(environment, check):
    faults = Faults(Planned(Fault(reset=True), "DELETE", times=2))
    one = environment(fault=faults)

    assert check(entry="dag_id: smoked, keep: never").code == 0
    assert faults.left == 0
    assert runs(one) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_run_is_under_way_leaves_nothing_and_pauses_again(
    environment, child, manifest, reports, number
):
    one = environment(HANGS, paused=True)
    text = "version: 1\ndags: [etl]\nsmoke: [{dag_id: smoked, unpause: true, timeout: 1m}]\n"
    running = child("check", manifest(text), *FAST, *reports.options)
    patience = time.monotonic() + 60
    while not runs(one) and time.monotonic() < patience:
        time.sleep(0.05)
    assert runs(one)

    # A trigger whose answer the signal cut off has its 15 s to be carried out late.
    ended = running.signal(number, patience=30.0)

    assert ended.code == 128 + number, ended.out + ended.err
    assert runs(one) == []
    assert one.world.metadata.dags["smoked"].paused
    assert told(reports)["status"] == "skipped"


def test_secrets_in_a_conf_reach_no_report(environment, check, tmp_path):
    environment()

    ended = check(
        "--html", "r.html", "--markdown", "r.md", "-v", entry="dag_id: smoked, conf: {password: hush-hush}"
    )

    assert ended.code == 0, ended.out + ended.err
    assert "hush-hush" not in ended.out + ended.err + "".join(
        path.read_text() for path in tmp_path.glob("r.*")
    )


EVENTS = {"2.10.5": "/datasets/events", "3.0.6": "/assets/events"}
OTHERS = {
    "unpause": ("PATCH", "/dags/smoked"),
    "tasks": ("POST", "/dags/~/dagRuns/~/taskInstances/list"),
    "is it paused": ("GET", "/dags"),
}


@pytest.mark.parametrize("fault", ["reset after", "503 of Airflow before"])
@pytest.mark.parametrize("call", OTHERS.values(), ids=OTHERS)
def test_other_calls_that_go_wrong_leave_nothing_either(environment, check, call, fault):
    faults = Faults(Planned(FAULTS[fault], *call, first=2 if call[0] == "GET" else 1))
    one = environment(paused=True, fault=faults)

    ended = check(entry="dag_id: smoked, unpause: true, keep: never")

    assert ended.code == 0, ended.out + ended.err
    assert faults.left == 0
    assert runs(one) == []
    assert one.world.metadata.dags["smoked"].paused


@pytest.mark.parametrize("fault", ["reset before", "reset after"])
@pytest.mark.parametrize("airflow", EVENTS)
def test_an_event_whose_answer_is_lost_starts_one_run(environment, check, airflow, fault):
    faults = Faults(Planned(FAULTS[fault], "POST", EVENTS[airflow]))
    one = environment(airflow=airflow, role="Op", fault=faults)

    ended = check(entry=EVENT)

    assert ended.code == 0, ended.out + ended.err
    assert faults.left == 0
    assert len(runs(one, "consumer")) == 1
