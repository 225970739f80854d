"""Globs for files mean what a regular expression of them would, and take no longer the more stars they have."""

import re

from hypothesis import given
from hypothesis import strategies as st

from validator.globs import glob_matches

MEANS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
GLOBS = st.lists(st.sampled_from(["**/", "**", "*", "?", "a", "b", "/", ".", "\n"]), max_size=7).map("".join)
NAMES = st.text(st.sampled_from("ab/.\n"), max_size=8)


def by_expression(glob, name):
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    expression = "".join(MEANS.get(part) or re.escape(part) for part in parts)
    return re.fullmatch(expression, name, re.DOTALL) is not None


@given(GLOBS, NAMES)
def test_a_glob_means_what_its_regular_expression_would(glob, name):
    assert glob_matches(glob, name) is by_expression(glob, name)


def test_a_glob_of_many_stars_is_over_at_once():
    """As a regular expression six stars took seconds, and seven would have outlasted any deadline."""
    assert not glob_matches("*a" * 40 + "b?", "a" * 1000 + "bb" + "b")
    assert not glob_matches("**/" * 40 + "x?", "a/" * 300 + "yx")
    assert glob_matches("**a*" * 20 + "?", "a" * 500)
