"""From a stack trace the line to look at, and the cause in one line; first of all from what real Airflows said."""

import json
from pathlib import Path

import pytest
from rounds import dag_file, error_file

from validator.airflow.dialect import read_import_error
from validator.airflow.models import DagFile
from validator.checks.traces import cause_of, line_in

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"
VERSIONS = ["2.4.3", "2.10.5", "3.0.6", "3.3.2"]
LINES = {"m_import.py": 1, "m_break.py": 4, "m_newbroken.py": 10, "m_timeout.py": 4, "m_nonascii.py": 9}
CAUSES = {
    "m_import.py": "ModuleNotFoundError: No module named 'no_such_module_xyz'",
    "m_break.py": "SyntaxError: invalid syntax",
    "m_newbroken.py": "ZeroDivisionError: division by zero",
    "m_cron.py": "[61 25 * * *] is not acceptable, out of range",
    "two_in_one.py": "[61 25 * * *] is not acceptable, out of range",
    "m_cycle.py": "Faulty task: t2",
    "m_nonascii.py": "ValueError: café 日本",
    "m_timeout.py": "AirflowTaskTimeout: DagBag import timeout for",
}


def recorded(version):
    """The import errors that a real Airflow of this version answered with."""
    path = RECORDINGS / version / "importErrors.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["response"]["import_errors"]
    return {Path(row["filename"]).name: read_import_error(row) for row in rows}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_line_of_a_recorded_trace_is_the_one_in_the_dags_file(version):
    found = {name: line_in(error.stack_trace, error.file) for name, error in recorded(version).items()}

    assert found == {name: LINES.get(name) for name in found}
    assert len(found) >= 4


@pytest.mark.parametrize("version", VERSIONS)
def test_the_cause_of_a_recorded_trace_is_its_exception(version):
    for name, error in recorded(version).items():
        assert CAUSES[name] in cause_of(error.stack_trace)


def test_a_recorded_trace_that_was_redacted_is_told_as_such():
    path = RECORDINGS / "2.10.5" / "role_restricted_importErrors.json"
    row = json.loads(path.read_text(encoding="utf-8"))["response"]["import_errors"][0]

    error = read_import_error(row)

    assert cause_of(error.stack_trace) == "the caller's Airflow role may not see the stack trace"
    assert line_in(error.stack_trace, error.file) is None


def trace(*frames, end="ValueError: no"):
    lines = [f'  File "{path}", line {line}, in x\n    code()' for path, line in frames]
    return "\n".join(["Traceback (most recent call last):", *lines, end])


def test_the_last_frame_in_the_file_is_the_closest_to_the_cause():
    text = trace(("/usr/local/airflow/dags/a.py", 3), ("/usr/local/airflow/dags/a.py", 9), ("/x/b.py", 1))

    assert line_in(text, dag_file("a.py")) == 9


@pytest.mark.parametrize("file", [error_file("a.py", airflow) for airflow in ("2", "3.0", "3.3")])
def test_the_line_is_found_by_absolute_and_by_relative_name(file):
    assert line_in(trace(("/usr/local/airflow/dags/a.py", 3)), file) == 3


def test_a_file_elsewhere_with_the_same_end_is_another_file():
    text = trace(("/usr/local/airflow/dags/a.py", 3), ("/usr/lib/site-packages/lib/a.py", 500))

    assert line_in(text, dag_file("a.py")) == 3


def test_a_relative_name_fits_only_whole_parts_of_a_path():
    assert line_in(trace(("/usr/local/airflow/dags/extra_a.py", 3)), error_file("a.py", "3.3")) is None


def test_a_trace_that_names_the_file_nowhere_has_no_line():
    assert line_in(trace(("/x/b.py", 1)), dag_file("a.py")) is None
    assert line_in("", dag_file("a.py")) is None
    assert line_in(trace(("/x/b.py", 1)), DagFile(None, None, None)) is None


def test_a_line_number_beyond_reason_is_none():
    assert line_in(trace(("/usr/local/airflow/dags/a.py", "9" * 5000)), dag_file("a.py")) is None


def test_the_cause_of_chained_exceptions_is_the_last():
    text = (
        trace(("/x/b.py", 1), end="KeyError: 'x'")
        + "\n\nDuring handling of the above exception, another exception occurred:\n\n"
        + trace(("/x/b.py", 2), end="RuntimeError: after all\nsecond line")
    )

    assert cause_of(text) == "RuntimeError: after all"


def test_the_cause_of_an_exception_with_many_lines_is_its_first():
    end = "ValidationError: 2 validation errors for X\na\n  Field required\nb\n  Field required"

    assert cause_of(trace(("/x/b.py", 1), end=end)) == "ValidationError: 2 validation errors for X"


def test_a_trace_without_frames_is_its_own_cause():
    assert cause_of("\n\nCycle detected in DAG: a\nmore") == "Cycle detected in DAG: a"


@pytest.mark.parametrize("text", ["", "\n \n\t\n"])
def test_no_trace_at_all_is_told(text):
    assert cause_of(text) == "Airflow gives no stack trace"


def test_a_trace_of_nothing_but_indented_lines_gives_its_first():
    assert cause_of("  one\n  two") == "one"


def test_a_cause_is_one_short_line():
    cause = cause_of("ValueError: " + "x" * 10_000)

    assert len(cause) == 300
    assert cause.endswith("…")
    assert "\n" not in cause_of("a\u2028b\x85c\rd")
