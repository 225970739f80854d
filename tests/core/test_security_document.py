"""SECURITY.md names a test for what it claims: each of them is there, and is one that runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "SECURITY.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_is_named_is_there_and_not_skipped(path, name):
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    assert len(found) == 1, f"{path} has no test {name}"
    assert not any(
        "skip" in ast.unparse(one) or "xfail" in ast.unparse(one) for one in found[0].decorator_list
    )


def test_every_reader_of_it_finds_what_stops_and_what_does_not():
    parts = re.split(
        r"^### ", TEXT.partition("## Who can do what")[2].partition("\n## ")[0], flags=re.MULTILINE
    )[1:]
    assert len(parts) == 6
    for part in parts:
        stopped, _, rest = part.partition("**Not stopped.**")
        assert re.search(r"`tests/\S+::\w+`", stopped), part
        assert len(rest.split()) > 20, part


def test_everything_that_looks_like_a_test_is_one_that_was_checked():
    assert len(re.findall(r"tests/[^`\s]+::", TEXT)) == len(re.findall(r"`tests/[\w/]+\.py::\w+`", TEXT)) > 40


def test_it_says_how_to_report_and_names_nobodys_address():
    assert "private advisory on the repository's Security tab" in TEXT
    assert "@" not in TEXT.replace("SPDX", "")


def test_every_link_leads_to_something():
    for target in re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", TEXT):
        assert (ROOT / target).exists(), target
    assert "SECURITY.md" in (ROOT / "README.md").read_text("utf-8")
