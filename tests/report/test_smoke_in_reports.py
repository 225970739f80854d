"""A smoke run in each report: its tasks a line each, the end of its log, its own duration; all of it inert."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from smoked import Airflow, Life, played, wants

from validator.conclude import _check
from validator.gate import begun
from validator.report import explain
from validator.report.registry import FORMATS
from validator.rules import Rules

HOSTILE = "load\n::error::owned\x1b[31m</script>"
TASKS = (("extract", "success", 1), (HOSTILE, "failed", 2), ("tell", "upstream_failed", 0))


@pytest.fixture
def smoke_run():
    airflow = Airflow(lives={"a": Life(state="failed", tasks=TASKS)})
    (finding,) = played(airflow, wants()).values()
    return _check(finding, begun(Rules()), None, {})


def test_every_task_has_a_line(smoke_run):
    lines = explain.task_rows(smoke_run)

    assert lines[0] == "task extract: success in try 1, 5.000 s"
    assert lines[2].startswith("task tell: upstream_failed")
    assert len(lines) == 3
    assert not any("\n" in line or "\x1b" in line for line in lines)


def test_the_body_has_them_once_and_the_log(smoke_run):
    text = "\n".join(explain.body(smoke_run, 10_000))

    assert text.count("task extract") == 1
    assert "boom" in text
    assert "{" not in text.partition("boom")[0].partition("task extract")[2]


@pytest.mark.parametrize(
    "rows", [None, 7, "text", [1], [{}], [{"task_id": None, "duration_s": "x"}], {"a": 1}]
)
def test_what_is_no_list_of_tasks_breaks_nothing(smoke_run, rows):
    object.__setattr__(smoke_run, "details", {"tasks": rows})

    assert isinstance(explain.task_rows(smoke_run), list)
    assert explain.body(smoke_run, 1000)


def test_its_duration_is_that_of_the_run(smoke_run):
    assert smoke_run.took_s == 5.0


@pytest.mark.parametrize("file_format", FORMATS, ids=lambda one: one.name)
def test_every_format_shows_the_tasks(smoke_run, file_format, report):
    data = file_format.render(report(smoke_run))

    assert b"extract" in data
    if file_format.name == "junit":
        case = next(ET.fromstring(data).iter("testcase"))  # noqa: S314 - our own
        assert case.get("time") == "5.000"
