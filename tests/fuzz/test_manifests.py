"""Manifests that are nearly right: of every key, changed in a few places, and written in YAML's own odd ways.

Never a traceback: a manifest, or every problem with its line, and soon. What loads is the same when it is written as JSON.
"""

from __future__ import annotations

import copy
import json

import pytest
import yaml
from changed_answers import VALUES, Change, paths
from fuzzing import thorough
from hypothesis import given
from hypothesis import strategies as st
from manifest_forms import holds, read

from validator.manifest import SCHEMA

WHOLE = {
    "version": 1,
    "environment": "prod",
    "region": "eu-west-1",
    "gate": {"timeout": "1h30m", "interval": "100ms", "sync": "0s", "stable_for": "0s", "fail_fast": False},
    "health": {"require": ["triggerer"], "ignore": ["other"], "max_heartbeat_age": "2m"},
    "dags": [
        "bare",
        {"dag_id": "etl", "file": "etl/größe.py", "paused": True, "schedule": "0 3 * * *", "tags": ["team:data"],
         "owners": ["Jane Doe"], "tasks": ["extract", "g.load"], "max_active_runs": 1, "description": "two\nlines "},
        {"pattern": "*_[a-z]?[!0-9]", "min": 20000},
    ],
    "absent": ["old"],
    "import_errors": {"scope": "all", "allow": ["legacy/**/*.py"]},
    "inventory": {"unexpected": "fail", "allow": ["tmp_*"]},
    "variables": ["with space/and:colon", "${A}", "$${B}"],
    "connections": ["aws_default", {"conn_id": "a(b)#!", "conn_type": "postgres"}],
    "pools": ["default_pool", {"name": "etl pool", "min_slots": 0}],
    "warnings": "fail",
    "mwaa": {"airflow_version": "2.10.5", "environment_class": "mw1.2xlarge", "plugins_s3_object_version": "null"},
    "smoke": [
        {"dag_id": "smoke", "conf": {"a": [1, 1.5, 1.5e300, True, None, {"off": "no"}], "${B}": "x${A}y"},
         "timeout": "90s", "keep": "never", "expect": {"state": "failed", "tasks": {"load": "success"}}},
        {"event": {"uri": "s3://lake/orders", "extra": {"rows": 0.5}}, "expect_run_of": "consumer"},
    ],
}  # fmt: skip
"""Every key of the schema; a test holds that."""
SCALARS = (
    ".nan", "-.inf", "NaN", "Infinity", "1:30", "190:20:30", "1_000", "0o7", "010", "0x1F", "0b1", "1e3",
    "1e400", "1.", "+1", "-0", "9" * 400, "9" * 5_000, "9223372036854775808", "2024-01-01",
    "2024-01-01 10:00:00 +1", "yes", "Off", "~", "null", "", "=", "<<", "!!str 1", "!!binary aGk=",
    "!!python/object/apply:os.system [id]", "!x y", "! z", "!!timestamp 2024-01-01", "*a", "*missing",
    "&b x", "&b *a", "|\n      text\n", ">-\n\n", "'it''s'", "'open", '"\\ud800"', '"\\ud83d\\ude00"',
    '"\\U0010ffff"', '"\\U00110000"', '"\\x00"', '"\\x1b[2J"', '"\\u2028::error::x"', "\u202egnp", "\ufeff",
    "\x85", "\u2028x", "é", "e\u0301", "\U0001f468\u200d\U0001f469", "${A}", "${B}", "${C}", "${LONG}",
    "${NOT_SET}", "${", "${}", "$${", "${a b}", "x" * 20_000, "[" * 40 + "]" * 40, "{a: " * 40 + "}" * 40,
    "[*a, *a]", "{<<: *a}", "{a: 1, a: 2}", "{? [a] : b}", "{a}", "@x", "`x", "%x", "# c", "- - - x", "? x",
    "---", "...", "\tx", "://user:secret@host", "0s", "1h99999999999999m", "-1s",
)  # fmt: skip
"""What may stand where a value should, as it is written."""


@st.composite
def written(draw, value, depth=0):
    """The value as YAML: some keys twice, some values in YAML's own odd ways, blocks here and JSON there."""
    if depth and draw(st.integers(0, 60)) == 0:
        return draw(st.sampled_from(SCALARS))
    pad = "  " * depth
    if isinstance(value, dict) and value and depth < 12 and draw(st.integers(0, 5)):
        lines = []
        for key, one in value.items():
            shown = json.dumps(str(key), ensure_ascii=False) if not str(key).isidentifier() else key
            lines.append(f"{pad}{shown}: {draw(written(one, depth + 1))}")
            if draw(st.integers(0, 200)) == 0:
                lines.append(
                    draw(st.sampled_from([lines[-1], f"{pad}<<: *a", f"{pad}<<: {{x: 1}}", f"{pad}? k"]))
                )
        return "\n" * bool(depth) + "\n".join(lines)
    if isinstance(value, list) and value and depth < 12 and draw(st.integers(0, 3)):
        return "\n" + "\n".join(f"{pad}- {draw(written(one, depth + 1))}" for one in value)
    anchor = draw(st.sampled_from([""] * 40 + ["&a ", "!!str ", "!!map "]))
    try:
        return anchor + json.dumps(value, ensure_ascii=draw(st.booleans()))
    except (ValueError, RecursionError):
        return anchor + "~"


@st.composite
def nearly_right(draw):
    """The bytes of a manifest of some of the keys, with a few changes."""
    keys = draw(st.sets(st.sampled_from(sorted(set(WHOLE) - {"version"})), min_size=1))
    data = {key: copy.deepcopy(WHOLE[key]) for key in ("version", *sorted(keys))}
    for act, path, value in draw(st.lists(CHANGES, max_size=draw(st.sampled_from([0, 0, 1, 3])))):
        change = Change("any", act, path, value)
        part = draw(st.sampled_from(["", *sorted(keys), *sorted(keys)]))
        if (
            isinstance(data, dict) and part in data
        ):  # else what was to be changed is the whole, or was dropped
            _, data[part] = change.applied(200, data[part], None)
        else:
            _, data = change.applied(200, data, None)
    style = draw(st.sampled_from(["odd", "odd", "odd", "json", "yaml"]))
    if style == "odd":
        text = draw(written(data))
    elif style == "json":
        text = json.dumps(data, ensure_ascii=draw(st.booleans()))
    else:
        text = yaml.safe_dump(data, sort_keys=False, default_flow_style=draw(st.sampled_from([None, False])))
    if draw(st.integers(0, 20)) == 0:
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(SCALARS)) + text[at + draw(st.integers(0, 3)) :]
    ends = draw(st.sampled_from(["\n"] * 6 + ["\r\n", "\r", "\x85", "\u2028"]))
    return text.replace("\n", ends).encode("utf-8", draw(st.sampled_from(["replace", "surrogatepass"])))


CHANGES = st.tuples(
    st.sampled_from(["replace", "replace", "drop", "double", "rename", "wrap", "null"]),
    paths,
    st.sampled_from([value for value in VALUES if not isinstance(value, list) or len(str(value)) < 100]),
)


def test_the_whole_manifest_has_every_key_and_is_right():
    def known(schema):
        if isinstance(schema, dict):
            yield from schema.get("properties", ())
            for child in schema.values():
                yield from known(child)

    text = json.dumps(WHOLE)
    missing = {key for key in known(SCHEMA) if f'"{key}"' not in text}
    assert missing == {"settle", "grace", "requirements_s3_object_version", "unpause", "max_duration"}
    assert holds(text.encode())


@thorough(900)
@given(nearly_right())
def test_what_is_nearly_right_is_a_manifest_or_is_told_with_its_lines(data):
    holds(data)


@thorough(150)
@given(st.sets(st.sampled_from(sorted(set(WHOLE) - {"version", "mwaa"}))), st.booleans())
def test_what_is_right_is_read(keys, ascii_only):
    data = {key: WHOLE[key] for key in ("version", "mwaa", *sorted(keys))}

    assert holds(json.dumps(data, ensure_ascii=ascii_only).encode())


@pytest.mark.parametrize("text", SCALARS)
@pytest.mark.parametrize(
    "place", ["{}", "version: 1\ndags: [{}]\n", "version: 1\nsmoke:\n  - dag_id: a\n    conf: {{b: {}}}\n"]
)
def test_every_oddity_in_a_place_of_its_own(place, text):
    read(place.format(text).encode("utf-8", "replace"))
    holds(place.format(text).encode("utf-8", "replace"))
