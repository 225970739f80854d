"""What is wrong with a folder by itself."""

import io
import zipfile

import pytest


def archive(**members):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as one:
        for name, text in members.items():
            one.writestr(f"{name}.py", text)
    return data.getvalue()


def test_a_good_folder_is_well(linted, told):
    result = linted(None, {"a.py": ["etl"], "lib/helper.py": "X = 1\n", "notes.txt": "x"}, airflow=3)
    assert told(result) == []
    looked = result.looked_at
    assert (looked.files, looked.dags, looked.unknown, looked.versions) == (2, 1, 0, (3,))


def test_an_id_in_two_files_is_an_error_at_the_last_that_names_both(linted, told):
    result = linted(None, {"a.py": ["etl"], "b.py": ["x", "etl"]})
    assert told(result) == [("defined-twice", "error", "dags/b.py:4")]
    assert "dags/a.py (line 2) and dags/b.py (line 4)" in result.problems[0].message
    assert result.problems[0].dag_id == "etl"


def test_an_id_twice_in_one_file_is_an_error(linted, told):
    assert told(linted(None, {"a.py": ["etl", "etl"]})) == [("defined-twice", "error", "dags/a.py:4")]


def test_an_id_in_a_file_and_in_a_hidden_one_is_defined_once(linted, told):
    result = linted(None, {"a.py": ["etl"], "b.py": ["etl"], ".airflowignore": "b.py"})
    assert told(result) == [("dag-file-hidden", "warning", "dags/b.py:2")]


def test_what_one_airflow_alone_hides_is_a_warning_that_names_it(linted, told):
    files = {"a.py": ["etl"], "b.py": ["etl"], ".airflowignore": "b[.]py$"}
    result = linted(None, files)
    assert told(result) == [
        ("dag-file-hidden", "warning", "dags/b.py:2"),
        ("defined-twice", "warning", "dags/b.py:2"),
    ]
    assert result.problems[0].message.startswith("on Airflow 2 only: ")
    assert result.problems[1].message.startswith("on Airflow 3 only: ")
    assert told(linted(None, files, airflow=3)) == [("defined-twice", "error", "dags/b.py:2")]
    assert told(linted(None, files, airflow=2)) == [("dag-file-hidden", "warning", "dags/b.py:2")]


def test_a_line_that_is_no_glob_stops_airflow_3(linted, told):
    result = linted(None, {"a.py": ["etl"], "sub/.airflowignore": "ok\n!\n"}, airflow=3)
    assert told(result) == [("ignore-pattern", "error", "dags/sub/.airflowignore:2")]


def test_a_line_that_is_no_expression_is_passed_over_by_airflow_2(linted, told):
    result = linted(None, {"a.py": ["etl"], ".airflowignore": "*.txt\n"})
    assert told(result) == [("ignore-pattern", "warning", "dags/.airflowignore:1")]
    assert "on Airflow 2 only" in result.problems[0].message
    assert told(linted(None, {}, airflow=3)) == []


@pytest.mark.parametrize(
    ("source", "line", "newer"),
    [
        ("x = 1\nx = (\n", 2, False),
        ("x = 1\nx ?= 2\n", 2, True),
        ("def f():\nreturn 1\n", 2, False),
        ("\nreturn 1\n", 2, False),
        ("def f():\n    x = 1\n    global x\n", 3, False),
        (b"x = 1\n\xff\n", 2, False),
        (b"# coding: nonsense\n", None, False),
        (b"x = '\0'\n", None, False),
    ],
)
def test_what_cannot_be_compiled_is_an_error_at_its_line(linted, told, source, line, newer):
    result = linted(None, {"a.py": ["etl"], "lib/helper.py": source}, python=(3, 11))
    place = "dags/lib/helper.py" + (f":{line}" if line else "")
    found = told(result)
    assert len(found) == 1
    assert found[0][:2] == ("syntax-error", "error")
    assert found[0][2] in (place, f"{place}:1")  # newer Pythons know the line of a NUL and of a wrong coding
    assert ("This is Python 3.11" in result.problems[0].advice) is newer


def test_the_newest_python_blames_no_older_one(linted):
    assert "This is Python" not in linted(None, {"a.py": "x ?= 2\n"}, python=(3, 14)).problems[0].advice


def test_a_hidden_file_is_compiled_too_since_others_may_import_it(linted, told):
    result = linted(None, {"a.py": ["etl"], "lib.py": "x = (\n", ".airflowignore": "lib.py"}, airflow=3)
    assert told(result) == [("syntax-error", "error", "dags/lib.py:1")]


def test_a_broken_file_is_not_also_told_as_hidden_or_unknown(linted, told):
    broken = "from airflow import DAG\nx = (\n"
    for ignore in ("", "a.py"):
        result = linted(None, {"a.py": broken, "b.py": ["etl"], ".airflowignore": ignore})
        assert told(result) == [("syntax-error", "error", "dags/a.py:2")]


def test_nothing_is_run(linted, tmp_path):
    linted(None, {"a.py": f"from airflow import DAG\nopen({str(tmp_path / 'ran')!r}, 'w')\nd = DAG('x')\n"})
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("source", ["+".join(["x"] * 50_000), "-" * 100_000 + "1", "x" + ".y" * 100_000])
def test_what_is_nested_too_deeply_is_told_and_no_traceback(linted, told, source):
    result = linted(None, {"a.py": ["etl"], "deep.py": source})
    assert [one[0] for one in told(result)] in (["file-unchecked"], ["syntax-error"])
    assert result.looked_at.files == 2


def test_what_is_too_large_is_told(linted, told):
    result = linted(None, {"a.py": ["etl"], "large.py": "# x\n" * 600_000})
    assert told(result) == [("file-unchecked", "warning", "dags/large.py")]


def test_an_archive_is_a_file_whose_ids_are_not_known(linted, told):
    good = archive(a="from airflow import DAG\nd = DAG('x')\n")
    assert told(linted(None, {"a.py": ["etl"], "b.zip": good})) == [("ids-unknown", "note", "dags/b.zip")]


def test_an_archive_without_dags_is_no_concern(linted, told):
    assert told(linted(None, {"a.py": ["etl"], "b.zip": archive(lib="x = 1")})) == []


@pytest.mark.parametrize(
    "data", [b"version https://git-lfs.github.com/spec/v1\n", archive(a="x" * 500)[:-30], b""]
)
def test_what_is_called_an_archive_and_is_none_is_an_error(linted, told, data):
    result = linted(None, {"a.py": ["etl"], "sub/b.zip": data})
    assert told(result) == [("archive-unreadable", "error", "dags/sub/b.zip")]


def test_an_archive_that_cannot_be_unpacked_is_an_error(linted, told):
    whole = archive(a="from airflow import DAG\n")
    result = linted(
        None,
        {"a.py": ["etl"], "b.zip": whole.replace(b"from airflow import DAG", b"from airflow import NIX")},
    )
    assert told(result) == [("archive-unreadable", "error", "dags/b.zip")]


def test_an_archive_called_python_is_an_error(linted, told):
    result = linted(None, {"a.py": ["etl"], "b.py": archive(a="from airflow import DAG\n")})
    assert told(result) == [("archive-unreadable", "error", "dags/b.py")]


def test_a_hidden_archive_may_be_broken(linted, told):
    assert told(linted(None, {"a.py": ["etl"], "data/b.zip": b"x", ".airflowignore": "data/"})) == []


@pytest.mark.parametrize("files", [{}, {"notes.txt": "x"}])
def test_a_folder_without_python_is_unusable(linted, told, tmp_path, files):
    (tmp_path / "dags").mkdir()
    result = linted(None, files)
    assert told(result) == [("folder-empty", "error", "dags")]
    assert result.exit_code == 2


def test_a_folder_in_which_nothing_makes_dags_does_not_pass_alone(linted, told):
    files = {"helper.py": "x = 1\n"}
    assert told(linted(None, files)) == [("no-dags", "error", "dags")]
    found = told(linted("version: 1\nvariables: [a]\n", files))
    assert found == [("no-dags", "warning", "dags")]
    hidden = {"a.py": ["etl"], ".airflowignore": ".*"}
    assert ("no-dags", "error", "dags") in told(linted(None, hidden, airflow=2))


def test_a_folder_that_is_not_there_is_unusable_and_the_manifest_is_told_all_the_same(linted, told, tmp_path):
    result = linted("version: 1\nnonsense: 1\n", {})
    assert [one[0] for one in told(result)] == ["folder-unreadable", "manifest-invalid"]
    assert result.exit_code == 2


def test_a_folder_that_cannot_be_read_does_not_make_a_manifest_expect_nothing(linted, told):
    assert told(linted("version: 1\n", {})) == [("folder-unreadable", "error", "dags")]


def test_an_ignore_file_that_is_no_text_is_unusable(linted, told):
    result = linted(None, {"a.py": ["etl"], ".airflowignore": b"\xff"})
    assert told(result) == [("folder-unreadable", "error", "dags")]
    assert ".airflowignore is not UTF-8" in result.problems[0].message


def test_an_asset_without_the_word_dag_is_read_by_airflow_3_only(linted, told):
    asset = "from airflow.sdk import asset\n\n@asset(schedule=None)\ndef orders():\n    pass\n"
    assert told(linted(None, {"a.py": asset, "b.py": ["etl"]}, airflow=3)) == []
    assert told(linted(None, {}, airflow=2)) == [("dag-file-hidden", "warning", "dags/a.py:4")]
    assert linted(None, {}).problems[0].message.startswith("on Airflow 2 only: ")
