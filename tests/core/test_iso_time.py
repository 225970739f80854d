"""ISO times are read the same by every Python."""

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validator.iso_time import parse_iso

EIGHT = datetime(2026, 1, 31, 8, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T08:00:00Z",
        "2026-01-31T08:00:00z",
        "2026-01-31 08:00:00+00:00",
        "2026-01-31T08:00Z",
        "2026-01-31T09:00:00+0100",
        "2026-01-31T08:00:00.0Z",
        "2026-01-31T08:00:00.000000+00:00",
    ],
)
def test_one_moment_in_all_its_spellings(text):
    assert parse_iso(text) == EIGHT


def test_a_time_without_a_zone_stays_without_one():
    assert parse_iso("2026-01-31T08:00:00") == datetime(2026, 1, 31, 8)  # noqa: DTZ001 - that is the point
    assert parse_iso("2026-01-31").tzinfo is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Z",
        "2026-01-31T08:00:00ZZ",
        "2026-13-01",
        "2026-01-31T08",
        "20260131",
        "2026-01-31T08:00:00 Z",
        "٢٠٢٦-01-31",
    ],
)
def test_what_is_no_time(text):
    assert parse_iso(text) is None


@given(st.datetimes(timezones=st.just(timezone.utc)))
def test_every_time_that_is_written_is_read_back(time):
    assert parse_iso(time.isoformat()) == time


@given(st.text())
def test_no_text_is_more_than_a_time_or_none(text):
    assert parse_iso(text) is None or isinstance(parse_iso(text), datetime)
