"""docs/manifest.md names every key, and the manifest in it is one."""

import re
from pathlib import Path

import pytest

from validator.manifest import SCHEMA, Manifest, RunExpectation, SmokeRun, parse_manifest
from validator.reasons import Reason

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "manifest.md"
REFERENCE = PAGE.read_text("utf-8")
ROWS = re.findall(r"^\| `([a-z0-9_.]+)` \| .+ \|$", REFERENCE, re.MULTILINE)
ENVIRON = {"GIT_SHA": "1234567"}


def keys():
    """Every key as the reference writes it: the blocks by their keys, an entry's own keys bare."""
    for key, rule in SCHEMA["properties"].items():
        if key == "dags":
            yield from keys_of(rule["items"]["else"])
        elif key == "smoke":
            yield from keys_of(rule["items"])
        elif "properties" in rule:
            yield from (f"{key}.{inner}" for inner in rule["properties"])
        else:
            yield key


def keys_of(forms):
    """The keys of an entry in its two forms, and of the blocks in it."""
    known = {}
    for form in ("then", "else"):
        known.update(forms[form]["properties"])
    for key, rule in known.items():
        inner = rule.get("properties", ())
        yield from (f"{key}.{name}" for name in inner)
        if not inner:
            yield key


def test_every_key_has_its_row_and_every_row_its_key():
    assert sorted(ROWS) == sorted(keys())


def test_every_manifest_in_it_is_one():
    blocks = re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL)
    assert len(blocks) == 1
    for block in blocks:
        assert parse_manifest(block.encode(), "manifest.md", ENVIRON).dags


def test_its_example_shows_every_key():
    block = re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL)[0]
    for key in keys():
        assert re.search(rf"\b{key.rpartition('.')[2]}:", block), key


def test_the_defaults_in_its_example_are_the_defaults():
    block = re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL)[0]
    shown, default = parse_manifest(block.encode(), "manifest.md", ENVIRON), Manifest()
    assert shown.warnings == default.warnings
    assert shown.inventory.unexpected == default.inventory.unexpected
    assert shown.import_errors.scope == default.import_errors.scope
    assert shown.health.max_heartbeat_age == default.health.max_heartbeat_age
    assert {run.timeout for run in shown.smoke} == {SmokeRun.timeout}
    assert (shown.smoke[0].unpause, shown.smoke[0].keep) == (SmokeRun.unpause, SmokeRun.keep)
    assert shown.smoke[0].expect.state == RunExpectation.state


def test_every_reason_that_it_names_is_one():
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", REFERENCE)) - {"analytics-prod", "on-failure"}
    assert named <= {str(reason) for reason in Reason}
    assert len(named) >= 20


@pytest.mark.parametrize("target", re.findall(r"\]\((?!http)([^)#]+)\)", REFERENCE))
def test_every_link_leads_to_something(target):
    assert (PAGE.parent / target).exists()
