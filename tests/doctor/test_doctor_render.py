"""The text and the JSON: nothing in them acts on a terminal or a log, and JSON keeps its schema."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema_rs
from hypothesis import given, settings
from hypothesis import strategies as st

from validator.doctor.model import ORDER, Diagnosis, Line, Status, ok, problem, skipped, warning
from validator.doctor.render import as_json, as_text

SCHEMA = jsonschema_rs.validator_for(
    json.loads((Path(__file__).parents[2] / "docs" / "doctor.schema.json").read_text("utf-8"))
)
HOSTILE = st.one_of(
    st.text(st.characters(), max_size=60),
    st.sampled_from(
        [
            "\x1b[31mred",
            "\n::error::x",
            "##[command]x",
            "\r##vso[x]y",
            "\u2028::stop::",
            "\ud800",
            "\u202eabc",
        ]
    ),
)
LINES = st.builds(
    Line,
    st.sampled_from(list(ORDER)),
    st.sampled_from(list(Status)),
    HOSTILE.map(lambda text: f"said: {text}"),
    HOSTILE.map(lambda text: f"do: {text}"),
    st.dictionaries(
        st.sampled_from("ab"), st.one_of(HOSTILE, st.lists(HOSTILE, max_size=2), st.none(), st.integers())
    ),
)


@settings(max_examples=60, deadline=None)
@given(HOSTILE, st.lists(LINES, min_size=1, max_size=4))
def test_foreign_text_never_acts_on_a_reader(target, lines):
    told = Diagnosis(target, tuple(lines))
    for text in (as_text(told), as_json(told)):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202e\ud800-\udfff]", text)
        assert not re.search(r"##[A-Za-z]*\[", text)
        assert not any(row.strip().startswith("::") for row in text.splitlines())
    assert not list(SCHEMA.iter_errors(json.loads(as_json(told))))
    rows = as_text(told).splitlines()
    assert len([row for row in rows if re.match(r"  (ok|warning|problem|skipped) ", row)]) == len(lines)


def test_the_last_line_counts_and_says_what_to_do_first():
    lines = (
        *(ok("region", "R."), warning("clock", "C.", "Set it."), problem("caller", "Bad.", "Renew them.")),
        *(problem("environment", "None.", "Look."), skipped("role", "caller")),
    )
    told = Diagnosis("prod", lines)
    assert told.exit_code == 1
    last = as_text(told).splitlines()[-1]
    assert last == "1 ok, 1 warning, 2 problems, 1 skipped. First look at caller: Renew them."
    well = Diagnosis("prod", lines[:2])
    assert well.exit_code == 0
    assert (
        as_text(well).splitlines()[-1]
        == "1 ok, 1 warning, 0 problems, 0 skipped. Nothing keeps the gate from working."
    )
    assert as_text(Diagnosis("prod", lines[:1])).splitlines()[-1].endswith("All is well.")


def test_colours_change_no_word():
    told = Diagnosis("prod", (ok("region", "R."), problem("caller", "Bad.", "Renew them.")))
    coloured = as_text(told, colour=True)
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == as_text(told)
    assert as_text(told).splitlines()[2:6] == [
        "The way there",
        "  ok       region  R.",
        "  problem  caller  Bad.",
        "                   What to do: Renew them.",
    ]
