"""Durations as people write and read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validator.durations import MAX_SECONDS, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0.0),
        ("500ms", 0.5),
        ("0.5s", 0.5),
        ("90s", 90.0),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("1h1m1s1ms", 3661.001),
        ("1.5h", 5400.0),
        ("24h", 86400.0),
        ("1m1m", 120.0),
    ],
)
def test_a_duration_is_numbers_with_units(text, seconds):
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        *[
            "s",
            "10",
            "-5s",
            "+5s",
            "1d",
            "5S",
            "1e3s",
            ".5s",
            "5.s",
            "inf",
            "nans",
            "1h-1m",
            "auto",
            "5sm",
            "\u0665s",
        ],
        "",
        "5 s",
        " 5s",
        "5s ",
        "5s\n",
    ],
)
def test_anything_else_is_none(text):
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["24h1ms", "86401s", "9" * 400 + "s"])
def test_more_than_a_day_is_a_typing_error(text):
    with pytest.raises(ValueError, match="longer than a day"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.04, "0s"),
        (0.44, "0.4s"),
        (9.94, "9.9s"),
        (9.97, "10s"),
        (10.4, "10s"),
        (45, "45s"),
        (59.6, "1m"),
        (60, "1m"),
        (310, "5m10s"),
        (3599.7, "1h"),
        (3900, "1h5m"),
        (86400, "24h"),
    ],
)
def test_a_duration_is_told_in_two_units_at_most(seconds, text):
    assert format_duration(seconds) == text


@given(st.floats(0, MAX_SECONDS))
def test_what_is_told_can_be_read_again_and_is_close(seconds):
    again = parse_duration(format_duration(min(seconds, MAX_SECONDS - 60)))

    assert again == pytest.approx(min(seconds, MAX_SECONDS - 60), abs=0.51 if seconds < 3600 else 60)
