"""What a manifest expects, held against the files."""

import pytest

ONE = "version: 1\nmwaa: {airflow_version: '3.0.6'}\ndags:\n  - etl\n"


def manifest(*entries, rest=""):
    """A manifest for Airflow 3 whose first entry is on line 4."""
    return (
        "version: 1\nmwaa: {airflow_version: '3.0.6'}\ndags:\n"
        + "".join(f"  - {one}\n" for one in entries)
        + rest
    )


def test_all_that_is_expected_and_defined_is_well(linted, told):
    result = linted(
        manifest(
            "etl",
            "{dag_id: report, file: sub/report.py}",
            "{pattern: 'team_*', min: 2}",
            rest="absent: [old]\n",
        ),
        {"a.py": ["etl", "team_1"], "sub/report.py": ["report"], "b.py": ["team_2"]},
    )
    assert told(result) == []
    assert result.exit_code == 0


def test_an_id_that_no_file_can_define_is_an_error_with_the_close_one(linted, told):
    result = linted(manifest("etl_daly"), {"a.py": ["etl_daily", "other"]})
    assert told(result) == [("dag-undefined", "error", "gate.yaml:4")]
    assert result.problems[0].message.endswith("; did you mean etl_daily?")
    assert result.problems[0].dag_id == "etl_daly"
    assert result.exit_code == 1


def test_a_dag_that_only_a_smoke_run_names_is_looked_for_as_well(linted, told):
    runs = "smoke:\n  - dag_id: etl\n  - dag_id: smoke\n  - {event: {uri: a}, expect_run_of: consumer}\n"
    result = linted(manifest("etl", rest=runs), {"a.py": ["etl"]})
    assert told(result) == [
        ("dag-undefined", "error", "gate.yaml:7"),
        ("dag-undefined", "error", "gate.yaml:8"),
    ]
    assert [one.dag_id for one in result.problems] == ["smoke", "consumer"]
    assert told(linted(manifest("etl", rest=runs), {"a.py": ["etl", "smoke", "consumer"]})) == []


def test_a_dag_that_runs_and_that_dags_names_too_is_told_of_once(linted, told):
    result = linted(manifest("etl", rest="smoke: [{dag_id: etl}]\n"), {"a.py": ["other"]})
    assert told(result) == [("dag-undefined", "error", "gate.yaml:4")]


def test_an_id_that_is_close_to_nothing_has_no_hint(linted):
    assert "mean" not in linted(manifest("etl"), {"a.py": ["warehouse"]}).problems[0].message


def test_an_id_that_a_file_may_make_is_no_more_than_a_warning_that_names_it(linted, told, computing):
    result = linted(manifest("made_a"), {"a.py": ["etl"], "gen.py": computing})
    assert told(result) == [
        ("ids-unknown", "note", "dags/gen.py"),
        ("dag-undefined", "warning", "gate.yaml:4"),
    ]
    assert "dags/gen.py may do so" in result.problems[1].message
    assert result.exit_code == 0


def test_a_file_that_airflow_does_not_read_makes_nothing_either(linted, told, computing):
    result = linted(manifest("made_a"), {"a.py": ["etl"], "gen.py": computing, ".airflowignore": "gen.py"})
    assert ("dag-undefined", "error", "gate.yaml:4") in told(result)


def test_a_file_that_is_told_and_may_make_it_is_a_note(linted, told, computing):
    result = linted(manifest("{dag_id: made_a, file: gen.py}"), {"gen.py": computing})
    assert ("dag-undefined", "note", "gate.yaml:4") in told(result)


def test_an_id_that_only_a_hidden_file_defines_is_an_error_with_the_reason(linted, told):
    result = linted(manifest("etl"), {"a.py": ["etl"], "b.py": ["other"], ".airflowignore": "x\na.*\n"})
    assert told(result) == [
        ("dag-file-hidden", "warning", "dags/a.py:2"),
        ("dag-hidden", "error", "gate.yaml:4"),
    ]
    for problem in result.problems:
        assert "line 2 of .airflowignore, a.* hides it" in problem.message


def test_safe_mode_hides_too(linted, told):
    by_factory = "from lib import make_dag\ndag = make_dag('etl')\n"
    result = linted(manifest("etl"), {"a.py": by_factory, "b.py": ["other"]})
    assert told(result) == [
        ("dag-file-hidden", "warning", "dags/a.py"),
        ("dag-undefined", "error", "gate.yaml:4"),
    ]
    assert "it does not mention airflow" in result.problems[0].message


def test_below_a_prefix_another_repository_may_define_it(linted, told):
    result = linted(manifest("etl"), {"a.py": ["other"]}, prefix="team_a")
    assert told(result) == [("dag-undefined", "warning", "gate.yaml:4")]
    assert "outside of team_a/" in result.problems[0].message


@pytest.mark.parametrize(
    ("entry", "files", "expected"),
    [
        ("{pattern: 'team_*'}", {"a.py": ["x"]}, "error"),
        ("{pattern: 'team_*', min: 2}", {"a.py": ["team_1", "steam_2"]}, "error"),
        ("{pattern: 'team_*', min: 2}", {"a.py": ["team_1", "team_2"]}, None),
        ("{pattern: 'team_[12]'}", {"a.py": ["team_2"]}, None),
        ("{pattern: 'TEAM_*'}", {"a.py": ["team_2"]}, "error"),
    ],
)
def test_a_pattern_needs_its_matches(linted, told, entry, files, expected):
    found = told(linted(manifest(entry), files))
    assert found == ([("pattern-unmatched", expected, "gate.yaml:4")] if expected else [])


def test_a_pattern_that_a_file_may_serve_is_a_warning(linted, told, computing):
    found = told(linted(manifest("{pattern: 'team_*'}"), {"gen.py": computing}))
    assert ("pattern-unmatched", "warning", "gate.yaml:4") in found


def test_the_same_id_twice_counts_once_for_a_pattern(linted, told):
    found = told(linted(manifest("{pattern: 'team_*', min: 2}"), {"a.py": ["team_1"], "b.py": ["team_1"]}))
    assert ("pattern-unmatched", "error", "gate.yaml:4") in found


def test_an_absent_id_that_a_file_defines_is_an_error_that_names_the_file(linted, told):
    result = linted(manifest("etl", rest="absent:\n  - old\n"), {"a.py": ["etl", "old"]})
    assert told(result) == [("absent-defined", "error", "gate.yaml:6")]
    assert "it is defined in dags/a.py (line 4)" in result.problems[0].message


def test_an_absent_id_in_a_hidden_file_is_gone(linted, told):
    result = linted(
        manifest("etl", rest="absent: [old]\n"), {"a.py": ["etl"], "b.py": ["old"], ".airflowignore": "b.py"}
    )
    assert told(result) == [("dag-file-hidden", "warning", "dags/b.py:2")]


def test_a_file_that_does_not_exist_is_an_error_with_where_the_dag_is(linted, told):
    result = linted(manifest("{dag_id: etl, file: etl/dayly.py}"), {"etl/daily.py": ["etl"]})
    assert told(result) == [("file-missing", "error", "gate.yaml:4")]
    assert "the DAG etl is defined in dags/etl/daily.py (line 2)" in result.problems[0].message


def test_a_file_that_does_not_exist_has_the_close_name_if_no_file_defines_the_dag(linted):
    result = linted(manifest("{dag_id: etl, file: etl/dayly.py}"), {"etl/daily.py": ["other"]})
    assert result.problems[0].message.endswith("; did you mean etl/daily.py?")


@pytest.mark.parametrize("name", ["a.sql", "sub", "a.py/x.py", "A.py"])
def test_what_is_no_python_file_of_that_name_does_not_exist(linted, told, name):
    result = linted(
        manifest(f"{{dag_id: etl, file: {name}}}"), {"a.py": ["etl"], "a.sql": "x", "sub/b.py": ["b"]}
    )
    assert told(result) == [("file-missing", "error", "gate.yaml:4")]


def test_a_file_that_is_hidden_is_an_error(linted, told):
    result = linted(
        manifest("{dag_id: etl, file: a.py}"), {"a.py": ["etl"], "b.py": ["x"], ".airflowignore": "a.py"}
    )
    assert ("file-hidden", "error", "gate.yaml:4") in told(result)


def test_a_file_that_does_not_define_the_dag_while_another_does_is_an_error(linted, told, computing):
    for text in (["other"], computing):
        result = linted(manifest("{dag_id: etl, file: a.py}"), {"a.py": text, "b.py": ["etl"]})
        assert ("file-wrong", "error", "gate.yaml:4") in told(result)
        assert "it is defined in dags/b.py (line 2)" in result.problems[-1].message


def test_a_file_that_defines_other_dags_only_is_wrong_even_if_others_may_define_it(linted, told, computing):
    result = linted(manifest("{dag_id: etl, file: a.py}"), {"a.py": ["other"], "gen.py": computing})
    assert ("file-wrong", "error", "gate.yaml:4") in told(result)


def test_a_file_outside_of_the_prefix_is_none_of_this_folder(linted, told):
    entries = (
        "{dag_id: etl, file: team_b/a.py}",
        "{dag_id: b, file: team_a/b.py}",
        "{dag_id: c, file: b.py}",
    )
    result = linted(manifest(*entries), {"b.py": ["b"]}, prefix="team_a")
    assert told(result) == [
        ("file-elsewhere", "note", "gate.yaml:4"),
        ("file-elsewhere", "warning", "gate.yaml:6"),
    ]
    assert "did you mean team_a/b.py?" in result.problems[1].message


def test_a_prefix_ends_at_a_slash(linted, told):
    result = linted(manifest("{dag_id: etl, file: team_ab/a.py}"), {"a.py": ["other"]}, prefix="team_a")
    assert told(result) == [("file-elsewhere", "note", "gate.yaml:4")]


def test_without_a_folder_only_the_manifest_is_looked_at(linted, told):
    assert told(linted(manifest("etl"))) == []


def test_manifests_are_judged_each_with_its_own_name(linted, told):
    result = linted([manifest("etl"), manifest("etl", "nowhere")], {"a.py": ["etl"]})
    assert told(result) == [("dag-undefined", "error", "gate1.yaml:5")]


def test_a_dag_that_must_be_outside_of_the_prefix_and_is_defined_below_it_is_in_the_wrong_file(linted, told):
    entries = ("{dag_id: etl, file: team_b/a.py}", "{dag_id: b, file: b.py}")
    result = linted(manifest(*entries), {"a.py": ["etl"], "b.py": ["b"]}, prefix="team_a")
    assert told(result) == [("file-wrong", "error", "gate.yaml:4"), ("file-wrong", "error", "gate.yaml:5")]
    assert "mean" not in result.problems[0].message
    assert result.problems[1].message.endswith("; did you mean team_a/b.py?")


def test_a_file_that_is_told_and_cannot_be_read_leaves_its_dag_open(linted, told):
    result = linted(
        manifest("{dag_id: etl, file: a.py}"), {"a.py": "from airflow import DAG\nx = (\n", "b.py": ["b"]}
    )
    assert told(result) == [
        ("syntax-error", "error", "dags/a.py:2"),
        ("dag-undefined", "note", "gate.yaml:4"),
    ]
    assert "it is not Python" in result.problems[1].message
