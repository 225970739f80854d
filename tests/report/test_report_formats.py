import inspect
import json
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from junitparser import JUnitXml

from validator.finding import Status
from validator.report import FORMATS, json_report, junit
from validator.report.console import render_plain, render_terminal

HOSTILE = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])

RENDERERS = {entry.name: entry.render for entry in FORMATS} | {
    "plain": render_plain,
    "plain, verbose": lambda report: render_plain(report, verbose=True),
    "terminal": render_terminal,
    "terminal, verbose": lambda report: render_terminal(report, verbose=True),
}


@pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.name)
def test_each_format_has_an_option_a_help_text_and_bytes(entry, report):
    assert entry.name.isidentifier()
    assert entry.help.endswith(".")
    assert isinstance(entry.render(report()), bytes)


def test_names_are_unique():
    assert len({entry.name for entry in FORMATS}) == len(FORMATS)


@HOSTILE
@given(st.data())
def test_counts_agree_between_the_formats(hostile, data):
    report = data.draw(hostile)
    parsed = JUnitXml.fromstring(junit.render(report))
    statuses = [check["status"] for check in json.loads(json_report.render(report))["checks"]]
    headline = render_plain(report).splitlines()[0]
    counts = {status: statuses.count(str(status)) for status in Status}

    # JUnit has one case more where nothing else would show that the verdict is not green.
    extra = parsed.tests - len(statuses)
    assert extra == int(
        report.verdict is not Status.PASSED and not counts[Status.FAILED] + counts[Status.ERROR]
    )
    assert parsed.failures + parsed.errors - extra == counts[Status.FAILED] + counts[Status.ERROR]
    for status in (Status.FAILED, Status.SKIPPED, Status.PASSED):
        assert (f" {counts[status]} {status}" in headline) == (counts[status] > 0)


@pytest.mark.parametrize("render", RENDERERS.values(), ids=RENDERERS)
def test_ten_thousand_checks_take_less_than_a_second(render, report, many):
    big = report(*many, verdict=Status.FAILED)
    render(report())  # loads what it needs

    began = time.process_time()
    render(big)

    assert time.process_time() - began < 3.0  # a second, and slack for a busy machine


def test_nothing_heavy_is_loaded_before_it_renders():
    code = "import sys, validator.report, validator.report.files; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert {"junit_xml", "rich", "json", "xml.etree", "boto3", "click"}.isdisjoint(loaded)


def test_the_report_imports_nothing_of_the_other_rooms():
    for name, module in list(sys.modules.items()):
        if name.startswith("validator.report"):
            source = inspect.getsource(module)
            for room in ("transport", "airflow", "checks", "cli", "manifest", "gate"):
                assert f"validator.{room}" not in source
