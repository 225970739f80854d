"""Inputs that once broke a target, each again: `regressions/TARGET/NAME`."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz_targets import TARGETS

INPUTS = sorted(path for path in (Path(__file__).parent / "regressions").glob("*/*") if path.is_file())


def test_there_are_some_and_each_is_of_a_target():
    assert INPUTS
    assert {path.parent.name for path in INPUTS} <= set(TARGETS)


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_it_breaks_nothing_any_more(path):
    TARGETS[path.parent.name].run(path.read_bytes())
