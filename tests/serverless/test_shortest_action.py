"""The shortest action of the documents, as a job that a pipeline sends."""

from pathlib import Path

import pytest
import yaml

from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation

(ACTION,) = yaml.safe_load((Path(__file__).parent / "fixtures" / "shortest.yaml").read_text("utf-8"))
QUICKLY = "gate: {interval: 200ms, sync: 0s, settle: 500ms, grace: 1s, timeout: 10s}\n"


@pytest.fixture
def told(pipeline, world, the_time, clean):
    """Sends the action's job until it is decided; gives CodePipeline's last word."""

    def go():
        with Sandbox(
            Simulation(world), environment="analytics-prod", calls_per_second=0, now=the_time.utc
        ) as endpoint:
            clean.setenv("AWS_ENDPOINT_URL_MWAA", endpoint.url)
            artifact = pipeline.artifact({"gate.yaml": f"version: 1\ndags: [etl]\n{QUICKLY}"})
            return pipeline.run(ACTION["Configuration"]["UserParameters"], artifact)[-1]

    return go


def test_it_succeeds_when_the_gate_is_green(told):
    assert told().variables["verdict"] == "passed"


def test_it_fails_when_the_gate_is_red(told, world):
    world.damage("etl.py", lags=0)
    kind, message = told().failure

    assert kind == "JobFailed"
    assert "etl.py:7" in message
