"""The schema is the one source of truth: printed, kept for editors, and used by the loader."""

import json
import re
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import pytest
from click.testing import CliRunner

from validator.cli.schema import schema
from validator.manifest import SCHEMA

ROOT = Path(__file__).parent.parent.parent
KEPT = ROOT / "manifests" / "mwaa-gate.schema.json"


def subschemas(node, place=""):
    """Every schema of a key, with its place."""
    for keyword, value in node.items():
        if keyword == "properties":
            for key, child in value.items():
                yield f"{place}.{key}", child
                yield from subschemas(child, f"{place}.{key}")
        elif keyword == "patternProperties":
            for pattern, child in value.items():
                yield f"{place}.{pattern}", child
        elif keyword in {"items", "then", "else", "if"}:
            yield from subschemas(value, f"{place}/{keyword}")


def test_the_schema_is_valid_and_of_draft_2020_12():
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert jsonschema_rs.meta.is_valid(SCHEMA)


def test_the_command_prints_it_indented():
    result = CliRunner().invoke(schema, [])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == SCHEMA
    assert result.stdout.startswith('{\n  "$schema"')


def test_the_file_kept_for_editors_is_what_the_command_prints():
    # Mend it with: mwaa-gate schema > manifests/mwaa-gate.schema.json
    assert KEPT.read_text(encoding="utf-8") == CliRunner().invoke(schema, []).stdout


@pytest.mark.parametrize(("place", "rule"), list(subschemas(SCHEMA)), ids=lambda value: str(value)[:40])
def test_every_key_has_a_description_and_words_for_its_error(place, rule):
    assert rule["description"].endswith(".")
    assert rule["errorMessage"].startswith("must be ")


@pytest.mark.parametrize(("place", "rule"), list(subschemas(SCHEMA)), ids=lambda value: str(value)[:40])
def test_every_mapping_refuses_unknown_keys_and_every_list_and_text_is_bounded(place, rule):
    kind = rule.get("type")
    if kind == "object":
        assert rule["additionalProperties"] is place.endswith((".conf", ".extra"))
        assert "patternProperties" not in rule or rule["maxProperties"] <= 20_000
    if kind == "array":
        assert rule["maxItems"] <= 20_000
    if kind in ("string", ["string", "null"]):
        assert "enum" in rule or rule["maxLength"] <= 5_000


@pytest.mark.parametrize("key", ["connections", "pools"])
def test_the_mappings_among_bare_names_refuse_unknown_keys(key):
    assert SCHEMA["properties"][key]["items"]["else"]["additionalProperties"] is False


@pytest.mark.parametrize(
    "forms",
    [SCHEMA["properties"]["dags"]["items"]["else"], SCHEMA["properties"]["smoke"]["items"]],
    ids=["dags", "smoke"],
)
def test_both_forms_of_an_entry_refuse_unknown_keys(forms):
    assert forms["then"]["additionalProperties"] is False
    assert forms["else"]["additionalProperties"] is False


def test_importing_the_loader_brings_only_what_it_needs():
    code = "import sys, validator.manifest.loader; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    modules = set(re.split(r"\s+", done.stdout))
    assert not modules & {"boto3", "click", "rich", "difflib", "json", "urllib3", "validator.cli", "asyncio"}


def test_naming_the_command_does_not_load_the_schema():
    code = "import sys, validator.cli.schema; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "validator.manifest" not in done.stdout.split()
