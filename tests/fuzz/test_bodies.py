"""The whole gate in front of an Airflow whose recorded answers are changed on their way, on a clock that is turned.

Whatever the answers hold: a report comes of it, every format can write it, and it is green only where an independent
look at the raw answers says that everything that is expected was told in the last round.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from changed_answers import changer, changes
from fuzzing import thorough
from hypothesis import given
from hypothesis import strategies as st
from raw_look import wrong_in
from replayed_airflow import CONNECTION, POOL, VARIABLE, Replayed, tasks_of
from scripted_airflow import VERSIONS
from worlds import START, Silent, Turned

from validator.finding import Status
from validator.manifest.model import (
    ExpectedConnection,
    ExpectedDag,
    ExpectedPattern,
    ExpectedPool,
    HealthRule,
    ImportErrorRule,
    InventoryRule,
    Manifest,
)
from validator.report import FORMATS
from validator.report.console import render_plain, render_terminal
from validator.report.github import annotate
from validator.report.markdown import SUMMARY_LIMIT, page
from validator.rules import Rules
from validator.service import check
from validator.settings import Settings
from validator.target import Target

RULES = Rules(timeout=90.0, interval=10.0, sync=5.0, settle=5.0, grace=15.0, deployed_at=START)
BARE = Manifest(dags=(ExpectedDag("smoke_ok"),))
MANIFESTS = {
    "bare": BARE,
    "file": Manifest(
        dags=(ExpectedDag("smoke_ok", file="smoke_ok.py", paused=False), ExpectedDag("smoke_conf"))
    ),
    "pattern": Manifest(patterns=(ExpectedPattern("smoke_*", 3),), absent=("gone",)),
    "objects": replace(
        BARE,
        variables=(VARIABLE,),
        connections=(ExpectedConnection(CONNECTION),),
        pools=(ExpectedPool(POOL, 5),),
    ),
    "all errors": replace(BARE, import_errors=ImportErrorRule("all", ("m_*.py", "two_in_one.py"))),
    "inventory": replace(BARE, inventory=InventoryRule("fail", ("smoke_*",)), warnings="fail"),
    "triggerer": replace(BARE, health=HealthRule(require=("scheduler",), ignore=("triggerer",))),
}
NAMES = [*MANIFESTS, "tasks"]


def manifest_of(name, version):
    if name == "tasks":
        return Manifest(dags=(ExpectedDag("smoke_ok", tasks=tasks_of(version), max_active_runs=16),))
    return MANIFESTS[name]


def run(version, manifest, drawn=(), *, rules=RULES, tells_time=True):
    """The gate's report, and all that it was told."""
    clock = Turned()
    airflow = Replayed(version, clock, changer(drawn, clock), tells_time=tells_time)
    settings = Settings(manifest, Target("replayed"), max_tps=1e9, rules=rules)
    return check(settings, airflow, Silent(), clock), airflow.log


def is_written(report, *, page_too):
    """Every format, and every other way to tell it; the HTML page takes four times as long as all else."""
    for one in FORMATS:
        assert (one.name == "html" and not page_too) or one.render(report)
    json.loads(next(one for one in FORMATS if one.name == "json").render(report))
    for told in (
        render_plain(report, verbose=True),
        render_terminal(report),
        render_plain(report, quiet=True),
    ):
        told.encode()
    page(report, SUMMARY_LIMIT).decode()
    for annotation in annotate(report, lambda file: None):
        annotation.command().encode()


def is_right(report, log, manifest, rules=RULES):
    """Green only if the raw answers say so."""
    assert {Status.PASSED: 0, Status.FAILED: 1, Status.ERROR: 3}[report.verdict] == report.exit_code
    if report.verdict is Status.PASSED:
        assert wrong_in(log, manifest, rules, START) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("version", VERSIONS)
def test_unchanged_answers_are_green_and_the_independent_look_agrees(version, name):
    manifest = manifest_of(name, version)

    report, log = run(version, manifest)

    assert report.verdict is Status.PASSED, report.summary
    assert wrong_in(log, manifest, RULES, START) == []


@thorough(700)
@given(
    st.sampled_from(VERSIONS),
    st.sampled_from(NAMES),
    changes,
    st.sampled_from([RULES, RULES, replace(RULES, stable_for=12.0)]),
    st.sampled_from(["time", "time", "time", "no time", "page"]),
)
def test_no_changed_answer_ends_in_an_exception_or_in_a_wrong_green(version, name, drawn, rules, way):
    manifest = manifest_of(name, version)

    report, log = run(version, manifest, drawn, rules=rules, tells_time=way != "no time")

    is_right(report, log, manifest, rules)
    is_written(report, page_too=way == "page")
