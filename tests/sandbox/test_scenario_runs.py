"""What a scenario says of tasks, consumers and roles, and what becomes of it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from validator.errors import UsageError
from validator.sandbox import scenario
from validator.sandbox.files import SimTask

START = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
DOCUMENT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


@pytest.fixture
def load(tmp_path):
    def go(text, clock):
        path = tmp_path / "scenario.yaml"
        path.write_text(text)
        return scenario.load(path, lambda: clock[0])

    return go


def test_the_documented_dags_run(load):
    clock = [START]
    text = re.search(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL).group(1)
    simulation = load(text.replace("role: Viewer", "role: User"), clock)
    body = {"dag_run_id": "r", "logical_date": None}
    assert simulation.call("POST", "/dags/smoke/dagRuns", {}, body)[0] == 200
    clock[0] += timedelta(seconds=19)
    _, told = simulation.call("POST", "/dags/~/dagRuns/~/taskInstances/list", {}, {"dag_ids": ["smoke"]})
    states = {row["task_id"]: (row["state"], row["try_number"]) for row in told["task_instances"]}
    assert states == {"load": ("success", 1), "check": ("success", 2), "notify": ("skipped", 1)}
    _, told = simulation.call("POST", "/dags/~/dagRuns/list", {}, {})
    assert {(run["dag_id"], run["run_type"], run["state"]) for run in told["dag_runs"]} == {
        ("smoke", "manual", "success"),
        ("consumer", "asset_triggered", "success"),
    }


def test_a_task_is_what_it_says(load):
    text = """
        role: team
        editable: [a]
        files:
          a.py:
            - dag_id: a
              schedule: [u1, u2]
              tasks: [{task_id: t, seconds: 1m, outcome: hangs, retries: 2, retry_delay: 5s, outlets: [u3], log: x}]
    """
    simulation = load(text, [START])
    dag = simulation.world.metadata.dags["a"].dag
    task = SimTask(
        "t", outcome=("hangs",), seconds=60.0, retries=2, retry_delay=5.0, outlets=("u3",), log="x"
    )
    assert (dag.schedule, dag.tasks, dag.uris) == (("u1", "u2"), (task,), ("u1", "u2", "u3"))
    assert simulation.role.may_edit("a")
    assert not simulation.role.may_edit("b")


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ("outcome: wins", "outcome: 'wins' is no outcome; there are success, failed, skipped, hangs"),
        ("outcome: []", "outcome: needs one outcome at least"),
        ("outcome: [success, 1]", "outcome: must be a list of texts"),
        ("outcome: 7", "outcome: must be a list of texts"),
        ("seconds: soon", "seconds: 'soon' is not a duration"),
        ("retries: -1", "retries: must be a whole number"),
        ("retry_delay: x", "retry_delay: 'x' is not a duration"),
        ("outlets: u", "outlets: must be a list of texts"),
        ("log: [x]", "log: must be a text"),
        ("nope: 1", "has no key 'nope'"),
    ],
)
def test_a_task_that_cannot_be_is_refused_with_its_place(load, task, told):
    with pytest.raises(UsageError) as caught:
        load(f"files: {{a.py: [{{dag_id: a, tasks: [{{task_id: t, {task}}}]}}]}}", [START])
    assert "files.a.py.dags[0].tasks[0]" in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("files: {a.py: [{dag_id: a, schedule: [1]}]}", "dags[0].schedule: must be a list of texts"),
        ("rules: {scheduler_loop: 0}", "rules.scheduler_loop: must be 10ms or longer"),
        ("editable: a", "editable: must be a list of texts"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused(load, text, told):
    with pytest.raises(UsageError, match=re.escape(told)):
        load(text, [START])
