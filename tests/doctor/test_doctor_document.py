"""docs/doctor.md says what the program does, and how it looks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from validator.cli.main import COMMANDS
from validator.doctor.examine import Case, examine
from validator.doctor.model import ORDER
from validator.doctor.render import as_text
from validator.target import Target

DOCUMENT = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text("utf-8")
EXAMPLES = re.findall(
    r"```console\n\$ mwaa-gate doctor --env analytics-prod\n(.*?)\n```", DOCUMENT, re.DOTALL
)
RESOURCE = "arn:aws:airflow:us-east-1:123456789012:role/analytics-prod/Viewer"
DENIED = (
    "User: arn:aws:sts::123456789012:assumed-role/deploy/ci is not authorized to perform: airflow:InvokeRestApi on "
    f"resource: {RESOURCE} because no identity-based policy allows the airflow:InvokeRestApi action"
)


def without_times(text):
    text = re.sub(r"--max-tps [0-9]+", "--max-tps N", text)
    return re.sub(r"\b[0-9.]+(ms|s|m)\b", "N", re.sub(r"\b[0-9]+m[0-9]+s\b", "N", text))


def test_the_table_has_every_line_in_the_order_of_the_program():
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \| (MWAA|URL|both) \|$", DOCUMENT, re.MULTILINE)
    assert [id_ for id_, _, _ in rows] == list(ORDER)


@pytest.mark.parametrize("example", range(2), ids=["denied", "well"])
def test_the_examples_are_what_the_program_prints(aws, example):
    server = aws()
    server.sandbox.environment = "analytics-prod"
    if example == 0:
        server.refusals["InvokeRestApi"] = (403, "AccessDeniedException", DENIED)
    printed = as_text(examine(Case(Target("analytics-prod"), 1000.0)))
    shown = EXAMPLES[example].splitlines()
    assert len(shown) > 10
    there = without_times(printed).splitlines()
    for line in shown:
        assert line == "..." or without_times(line) in there, f"{line!r} is not in:\n{printed}"


def test_the_command_is_in_the_list_of_commands():
    assert "doctor" in COMMANDS
