"""A world with a clock to turn, for the tests of the simulation."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from validator.sandbox.api import Role
from validator.sandbox.files import one_dag
from validator.sandbox.rules import VERSIONS, Rules
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

START = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
QUICK = {"min_file_process_interval": 5.0, "dir_list_interval": 5.0, "sync": (0.0, 0.0)}


class Lab:
    """A world with a clock to turn; intervals as on the servers that were measured."""

    def __init__(self, version, files=None, *, seed=0, stock=None, **rules):
        self.clock = START
        rules = Rules(airflow=version, **{**QUICK, **rules})
        self.world = World(rules, now=lambda: self.clock, files=files, seed=seed, stock=stock)

    def pass_(self, seconds):
        self.clock += timedelta(seconds=seconds)
        self.world.advance()

    def until(self, condition, limit=400.0, step=0.25):
        """Seconds until a condition holds."""
        for turn in range(int(limit / step)):
            if condition():
                return turn * step
            self.pass_(step)
        raise AssertionError(f"not within {limit} s")

    def row(self, dag_id):
        return self.world.metadata.dags[dag_id]

    def active(self, dag_id):
        row = self.world.metadata.dags.get(dag_id)
        return row is not None and row.active

    @property
    def errors(self):
        return self.world.metadata.errors


@pytest.fixture(scope="session")
def new_lab():
    return Lab


@pytest.fixture
def lab_with_a():
    def make(version, **more):
        return Lab(version, {"a.py": one_dag("a", tags=("old",)), "b.py": one_dag("b")}, **more)

    return make


@pytest.fixture
def new_simulation(new_lab):
    def go(version, files=None, *, role="Admin", stock=None, **rules):
        lab = new_lab(version, files or {"a.py": one_dag("a")}, stock=stock, **rules)
        simulation = Simulation(lab.world, role=Role(role))
        simulation.lab = lab
        return simulation

    return go


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param
