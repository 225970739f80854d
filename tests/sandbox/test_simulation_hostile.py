"""No call of the simulated API ends in a traceback, whatever its body and its query hold."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from validator.sandbox.api import Role
from validator.sandbox.files import one_dag
from validator.sandbox.rules import VERSIONS
from validator.sandbox.simulation import Simulation
from validator.sandbox.stock import Stock

CALLS = (
    ("POST", "/dags/a/dagRuns"),
    ("POST", "/dags/~/dagRuns/list"),
    ("POST", "/dags/~/dagRuns/~/taskInstances/list"),
    ("PATCH", "/dags/a"),
    ("POST", "/variables"),
    ("PATCH", "/variables/k"),
    ("POST", "/datasets/events"),
    ("POST", "/assets/events"),
    ("GET", "/dags/a/dagRuns"),
    ("GET", "/dags/a/dagRuns/r/taskInstances"),
    ("GET", "/dags/a/dagRuns/r/taskInstances/t1/logs/1"),
    ("GET", "/assets"),
    ("GET", "/datasets"),
    ("GET", "/variables"),
)
NAMES = """
dag_run_id logical_date execution_date conf note dag_ids states state task_ids dag_run_ids order_by page_limit
page_offset start_date_gte run_after_lte is_paused key value description dataset_uri asset_id extra limit offset
update_mask uri_pattern
"""
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**12)
    | st.text(max_size=5)
    | st.sampled_from(("a", "r", "k", "u")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
BODIES = st.dictionaries(st.sampled_from(NAMES.split()), VALUES, max_size=4) | VALUES
QUERIES = st.dictionaries(
    st.sampled_from(NAMES.split()), st.text(max_size=4) | st.integers(-3, 300), max_size=3
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(CALLS),
    BODIES,
    QUERIES,
    st.sampled_from(VERSIONS),
    st.sampled_from(("Admin", "team", "Viewer")),
)
def test_every_call_has_an_answer_that_json_can_carry(new_lab, call, body, query, version, role):
    lab = new_lab(version, {"a.py": one_dag("a", schedule=("u",))}, stock=Stock(variables={"k": "v"}))
    simulation = Simulation(lab.world, role=Role(role, frozenset("a"), frozenset("a")))
    lab.world.runs.create("a", "r", run_after=lab.clock)
    status, told = simulation.call(*call, query, body)
    assert status in (200, 201, 400, 403, 404, 405, 409, 422, 500)
    json.dumps(told)
