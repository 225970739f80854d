"""One schedule, however Airflow 2, Airflow 3 or people write it, has one form; two schedules have two."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validator.schedules import canonical, of_interval

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
MONTHLY = {"__type": "RelativeDelta", "months": 1, "years": 0, "days": 0, "year": None, "weekday": None}
SAME = [
    *PRESETS.items(),
    ("@Daily", "0 0 * * *"),
    ("  0   3 * *  * ", "0 3 * * *"),
    ("", "none"),
    ("None", "none"),
    ("null", "none"),
    ("Dataset", "Asset"),
    ("Dataset or 0 0 * * *", "Asset or @daily"),
    ("1 day, 0:00:00", "24h"),
    ("1d", "1 day, 0:00:00"),
    ("2 days, 1:30:00", "2d1h30m"),
    ("1:30:00", "90m"),
    ("1h30m", "90m"),
    ("0:05:00", "300s"),
    ("@once", "@ONCE"),
]
DIFFERENT = [
    ("@daily", "@hourly"),
    ("@daily", "1d"),
    ("@weekly", "7d"),
    ("0 3 * * *", "0 4 * * *"),
    ("0 3 * * *", "03 * * *"),
    ("@once", "none"),
    ("@continuous", "none"),
    ("@daily", "none"),
    ("Asset", "none"),
    ("Asset", "Asset or @daily"),
    ("Asset or @daily", "@daily"),
    ("Asset or @daily", "Asset or @hourly"),
    ("1d", "1h"),
    ("0:05:00", "0:05:00.000001"),
    ("1 day, 0:00:00", "0:00:00"),
    ("relativedelta(months=+1)", "relativedelta(months=+2)"),
    ("relativedelta(months=+1)", "30d"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_schedule_has_one_form(one, other):
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_schedules_have_two_forms(one, other):
    assert canonical(one) != canonical(other)


@given(st.timedeltas(timedelta(0), timedelta(days=9999)))
def test_a_timedelta_of_airflow_2_is_that_of_airflow_3(delta):
    """Airflow 2 tells it in parts, Airflow 3 as Python writes it."""
    parts = {"days": delta.days, "seconds": delta.seconds, "microseconds": delta.microseconds}

    assert of_interval({"__type": "TimeDelta", **parts}) == canonical(str(delta))


@given(st.timedeltas(timedelta(0), timedelta(days=9999)), st.timedeltas(timedelta(0), timedelta(days=9999)))
def test_two_timedeltas_never_have_one_form(one, other):
    assert (canonical(str(one)) == canonical(str(other))) == (one == other)


@given(st.integers(0, 999_999), st.integers(0, 23), st.integers(0, 59), st.integers(1, 59))
def test_what_people_write_is_what_python_writes(days, hours, minutes, seconds):
    written = f"{days}d{hours}h{minutes}m{seconds}s"
    told = f"{days} day{'' if days == 1 else 's'}, {hours}:{minutes:02d}:{seconds:02d}"

    assert canonical(written) == canonical(told)


@pytest.mark.parametrize("value", [*PRESETS, "0 3 * * *", "Dataset", "@once"])
def test_a_cron_expression_of_airflow_2_is_read_as_its_text(value):
    assert of_interval({"__type": "CronExpression", "value": value}) == canonical(value)


def test_a_relativedelta_of_airflow_2_is_that_of_airflow_3():
    assert of_interval(MONTHLY) == canonical("relativedelta(months=+1)")
    assert of_interval({**MONTHLY, "days": -2}) == canonical("relativedelta(months=+1, days=-2)")
    assert of_interval({**MONTHLY, "hour": 3}) == canonical("relativedelta(months=+1, hour=3)")


def test_a_weekday_of_a_relativedelta_counts_in_any_case():
    assert of_interval({**MONTHLY, "weekday": "MO"}) == canonical("relativedelta(months=+1, weekday=MO)")


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"__type": "New"},
        {"__type": 7},
        {"__type": "CronExpression"},
        {"__type": "CronExpression", "value": None},
        {"__type": "CronExpression", "value": ["0 3 * * *"]},
        {"__type": "TimeDelta", "days": 1, "seconds": 0},
        {"__type": "TimeDelta", "days": "1", "seconds": 0, "microseconds": 0},
        {"__type": "TimeDelta", "days": 1.5, "seconds": 0, "microseconds": 0},
        {**MONTHLY, "days": 1.5},
        {**MONTHLY, "days": "2"},
    ],
)
def test_an_interval_of_an_unknown_kind_is_not_guessed(told):
    assert of_interval(told) is None


hostile = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(), max_size=2)
)
keys = st.sampled_from([
    "__type", "value", "days", "seconds", "microseconds", "months", "weekday", "hour",
])  # fmt: skip


@given(st.dictionaries(keys, hostile), st.sampled_from(["CronExpression", "TimeDelta", "RelativeDelta"]))
def test_whatever_airflow_tells_of_an_interval_never_raises(told, kind):
    form = of_interval({**told, "__type": kind})

    assert form is None or isinstance(form, str)


pieces = st.sampled_from(
    ["@daily", "asset or ", "Dataset or ", "1 day, ", "0:00:00", "5m", ".000001", " ", "٣h", "²d"]
)


@given(st.text() | st.lists(pieces, max_size=9).map("".join))
def test_no_text_raises_and_a_form_is_its_own(text):
    form = canonical(text)

    assert isinstance(form, str)
    assert canonical(form) == form


def test_a_summary_that_goes_on_and_on_does_not_raise():
    assert canonical("asset or " * 20_000 + "@daily") != canonical("@daily")


def test_what_is_unknown_is_compared_as_text_without_case_and_spacing():
    assert canonical("My  Timetable") == canonical("my timetable") != canonical("other timetable")
