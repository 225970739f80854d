"""Environment variables that are not set, and manifests that are wrong for other reasons."""

from pathlib import Path

import pytest

from validator.errors import ManifestError
from validator.lint.show import json_bytes, text
from validator.manifest import parse_manifest
from validator.manifest.places import Place, parse_places

EXAMPLES = Path(__file__).parents[1] / "manifest"
EVERYWHERE = """\
version: 1
environment: ${ENV}
region: "${REGION}"
gate: {timeout: "${TIMEOUT}"}
dags:
  - dag_id: etl
    schedule: "${SCHEDULE}"
    tags: ["release:${GIT_SHA}"]
connections: ["${CONN}", {conn_id: a, conn_type: "${TYPE}"}]
mwaa: {environment_class: "${CLASS}"}
smoke: [{dag_id: etl, conf: {a: ["${CONF}"]}, timeout: "${WAIT}", expect: {tasks: {t: "${STATE}"}}}]
"""


def test_a_variable_that_is_not_set_is_a_note_wherever_it_stands(linted, told):
    result = linted(EVERYWHERE, {"a.py": ["etl"]})
    assert {one[:2] for one in told(result)} == {("variable-unset", "note")}
    names = [one.message.split("variable ")[1].split()[0] for one in result.problems]
    assert names == [
        "ENV",
        "REGION",
        "TIMEOUT",
        "SCHEDULE",
        "GIT_SHA",
        "CONN",
        "TYPE",
        "CLASS",
        "CONF",
        "STATE",
        "WAIT",
    ]
    assert [one.line for one in result.problems] == [2, 3, 4, 7, 8, 9, 9, 10, 11, 11, 11]
    assert result.exit_code == 0


@pytest.mark.parametrize(
    "rest",
    [
        'dags: ["${X}"]',
        'dags: [{dag_id: "${X}"}]',
        'dags: [{dag_id: etl, file: "${X}"}]',
        'dags: [{pattern: "${X}"}]',
        'dags: [{pattern: "e*", min: "${X}"}]',
        'absent: ["${X}"]\ndags: [etl]',
        'dags: [etl]\nmwaa: {airflow_version: "${X}"}',
        'smoke: [{dag_id: "${X}"}]',
        'smoke: [{event: {uri: a}, expect_run_of: "${X}"}]',
    ],
)
def test_where_the_folder_would_be_compared_with_it_it_is_a_warning(linted, told, rest):
    manifest = f"version: 1\n{rest}\n"
    assert [one[:2] for one in told(linted(manifest, {"a.py": ["etl"]}))] == [("variable-unset", "warning")]
    assert [one[:2] for one in told(linted(manifest))] == [("variable-unset", "note")]
    assert linted(manifest, {"a.py": ["etl"]}, strict=True).exit_code == 1


def test_a_file_is_looked_for_even_if_the_id_is_not_known(linted, told):
    result = linted('version: 1\ndags: [{dag_id: "${X}", file: b.py}]\n', {"a.py": ["etl"]})
    assert ("file-missing", "error", "gate.yaml:2") in told(result)


def test_a_variable_that_is_set_is_compared_and_its_value_is_never_shown(linted, told):
    manifest = (
        'version: 1\ndags: ["${A}", {dag_id: "${B}_x", file: "${C}"}, {pattern: "${D}*"}]\nabsent: ["${E}"]\n'
    )
    environ = {"A": "hunter2", "B": "swordfish", "C": "secret/sesame.py", "D": "opensesame", "E": "etl"}
    result = linted(manifest, {"a.py": ["etl", "hunter22"]}, environ=environ)
    assert [one[0] for one in told(result)] == [
        "dag-undefined",
        "file-missing",
        "pattern-unmatched",
        "absent-defined",
    ]
    shown = text(result) + json_bytes(result).decode()
    for value in environ.values():
        if value != "etl":
            assert value not in shown
    assert "hunter22" not in shown, "a name that is close tells of the value"
    for raw in ("${A}", "${B}_x", "${C}", "${D}*"):
        assert raw in shown


def test_a_wrong_manifest_is_told_with_each_line_and_the_folder_too(linted, told):
    result = linted("version: 1\ndags: [a, a]\nnonsense: 1\n", {"a.py": ["etl", "etl"]})
    assert told(result) == [
        ("defined-twice", "error", "dags/a.py:4"),
        ("manifest-invalid", "error", "gate.yaml:2"),
        ("manifest-invalid", "error", "gate.yaml:3"),
    ]
    assert result.exit_code == 2
    assert all(not one.message.startswith("line ") for one in result.problems)


def test_one_wrong_manifest_of_two_leaves_the_other_judged(linted, told):
    result = linted(["version: 2\n", "version: 1\ndags: [nowhere]\n"], {"a.py": ["etl"]})
    assert [one[:1] for one in told(result)][-1] == ("dag-undefined",)
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("manifest", "expects"),
    [
        ("version: 1\n", False),
        ("version: 1\nenvironment: ${ENV}\n", False),
        ("version: 1\ngate: {timeout: '${T}'}\nwarnings: '${W}'\n", False),
        ("version: 1\ndags: []\n", False),
        ("version: 1\ndags: ['${ID}']\n", True),
        ("version: 1\nimport_errors: {scope: '${S}'}\n", True),
        ("version: 1\nhealth: {require: [triggerer]}\nenvironment: ${ENV}\n", True),
    ],
)
def test_a_manifest_that_expects_nothing_whatever_the_variables_say_is_wrong(linted, told, manifest, expects):
    assert ("manifest-invalid" in [one[0] for one in told(linted(manifest))]) is not expects


def test_what_makes_dags_in_a_folder_is_expected_too(linted, told):
    assert told(linted("version: 1\n", {"a.py": ["etl"]})) == []
    assert [one[0] for one in told(linted("version: 1\n", {"a.py": "x = 1\n"}))] == [
        "no-dags",
        "manifest-invalid",
    ]


@pytest.mark.parametrize("broken", ["${", "${1}", "a ${X} ${"])
def test_what_is_no_variable_at_all_is_wrong(linted, told, broken):
    found = told(linted(f"version: 1\ndags: ['etl', '{broken}']\n"))
    assert found == [("manifest-invalid", "error", "gate.yaml:2")]


def test_places_of_a_whole_manifest_are_those_of_the_model():
    data = b"version: 1\ndags: [a, {dag_id: b, file: c.py}, {pattern: 'd*'}, {pattern: e, min: 4}]\nabsent: [f]\n"
    placed, model = parse_places(data, "m", {}), parse_manifest(data, "m", {})
    assert [(one.dag_id.value, one.file.value if one.file else None) for one in placed.dags] == [
        (one.dag_id, one.file) for one in model.dags
    ]
    assert [(one.pattern.value, one.minimum) for one in placed.patterns] == [
        (one.pattern, one.minimum) for one in model.patterns
    ]
    assert [one.value for one in placed.absent] == list(model.absent)


def test_an_alias_stands_where_it_is_used():
    data = b"version: 1\ndags:\n  - dag_id: a\n    file: &f x.py\n  - dag_id: b\n    file: *f\n"
    assert [one.file for one in parse_places(data, "m", {}).dags] == [
        Place("x.py", "x.py", 4),
        Place("x.py", "x.py", 6),
    ]


def test_check_still_refuses_what_a_lint_forgives():
    with pytest.raises(ManifestError, match="11 problems"):
        parse_manifest(EVERYWHERE.encode(), "m", {})


def test_a_manifest_that_cannot_be_used_may_mean_any_airflow(linted):
    good = "version: 1\ndags: [etl]\nmwaa: {airflow_version: '3.0.6'}\n"
    assert linted(good, {"a.py": ["etl"]}).looked_at.versions == (3,)
    assert linted([good, "version: 2\n"], {}).looked_at.versions == (2, 3)
    assert linted([good, good.replace("3.0.6", "2.10.5")], {}).looked_at.versions == (2, 3)
    assert linted([good, "version: 2\n"], {}, airflow=3).looked_at.versions == (3,)


@pytest.mark.parametrize(
    "path", sorted(EXAMPLES.glob("*/*.yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_lint_refuses_what_check_refuses_and_nothing_else_but_for_unset_variables(path):
    def problems(read):
        try:
            read(path.read_bytes(), "m", {})
        except ManifestError as error:
            return list(error.problems)
        return []

    assert problems(parse_places) == [one for one in problems(parse_manifest) if "is not set" not in one]
