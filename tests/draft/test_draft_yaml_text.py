"""A value as YAML comes back from the manifest's loader as it was, and does nothing to who reads it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validator.draft.yaml_text import attribute, comment, flow, scalar
from validator.manifest.nodes import read_tree

TRAPS = [
    "", " ", "null", "~", "yes", "No", "on", "y", "1e3", "0x1F", "1_000", "12:30:45", "2024-01-01", ".inf", "=", "<<",
    "a: b", "a #b", "#b", "*a", "&a", "!!python/object:os.system", "- a", "? a", "| a", "> a", "%a", "@daily", "`a`", "---",
    "...", "[a]", "{a}", "a,b", '"', "'", "\\", "a\\nb", "a\nb", "a\r\nb", "\t", "\x00", "\x1b[31m", "\x7f", "\x85",
    "\u2028", "\ufeff", "\u202e", "\ufffe", "ü", "😀", "👩‍👧", "${HOME}", "$${HOME}", "$$${HOME}", "${", "$",
    "##[error]x", "::error::x", "x" * 250, "none", "true ", " a", "é\u0301", "\U000e0041",
]  # fmt: skip


def read(text):
    root, problems = read_tree(f"a: {text}\n".encode(), {"HOME": "/root"})
    assert problems == []
    return root.entries["a"].plain()


@pytest.mark.parametrize("text", TRAPS)
def test_what_yaml_would_take_for_something_else_stays_what_it_is(text):
    assert read(scalar(text)) == text
    assert read(flow((text, "b"))) == [text, "b"]


@settings(deadline=None)
@given(st.text())
def test_any_text_comes_back(text):
    assert read(scalar(text)) == text


@settings(deadline=None)
@given(st.lists(st.text(max_size=60), max_size=20))
def test_any_list_comes_back_on_one_line_or_item_by_item(texts):
    lines = attribute("tags", tuple(texts), "  ")

    root, problems = read_tree(("x:\n" + "\n".join(lines) + "\n").encode(), {})

    assert problems == []
    assert root.entries["x"].entries["tags"].plain() == texts


@settings(deadline=None)
@given(st.text())
def test_a_line_of_ours_is_one_line_and_no_command(text):
    for line in (scalar(text), comment(text)):
        assert len(f"a{line}".splitlines()) == 1
        assert "##[" not in line
        assert all(character.isprintable() or ord(character) >= 0xA0 for character in line)


@settings(deadline=None)
@given(st.text(min_size=1))
def test_a_comment_is_nothing_but_a_comment(text):
    root, problems = read_tree(f"{comment(text)}\na: b\n".encode(), {})

    assert problems == []
    assert root.plain() == {"a": "b"}


def test_plain_words_have_no_quotes():
    assert flow(("etl_daily", "team-a.x", "v1")) == "[etl_daily, team-a.x, v1]"
    assert scalar(True) == "true"  # noqa: FBT003 - it is the value
    assert scalar(3) == "3"


@pytest.mark.parametrize("text", ["##[error]x", "###vso[task]", "a ##[group]b", "##\\##[x]"])
def test_no_value_is_a_command_to_a_pipeline_that_shows_it(text):
    assert "##" not in scalar(text)
    assert read(scalar(text)) == text
