"""The text, the JSON and the annotations of a lint, also of a hostile one."""

import json
import re
from pathlib import Path

import jsonschema_rs
import pyte
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from validator.lint.codes import MEANINGS, Code, Severity
from validator.lint.model import LookedAt, Problem, Result
from validator.lint.show import annotate, json_bytes, text

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = jsonschema_rs.validator_for(json.loads((DOCS / "lint.schema.json").read_text("utf-8")))
HOSTILE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_POISON = st.sampled_from([
    "::error::boo", " \t::set-output name=x::y", "##[add-path]/tmp", "#\x00#[x]", "##vso[task.complete]", ":", "#",
    "\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\r", "\n", "\v", "\x85", "\u2028", "\u202e", "\ud800", "\ufffe",
    "%0A::error::", "[", "x" * 3_000,
])  # fmt: skip
_TEXT = st.lists(_POISON | st.text(st.characters(exclude_categories=()), max_size=8), max_size=5).map("".join)
_PROBLEM = st.builds(
    Problem,
    code=st.sampled_from(Code),
    severity=st.sampled_from(Severity),
    message=_TEXT,
    file=_TEXT,
    line=st.none() | st.integers(1, 10**6),
    advice=_TEXT,
    dag_id=st.none() | _TEXT,
)
_RESULT = st.builds(
    Result,
    problems=st.lists(_PROBLEM, max_size=6).map(tuple),
    looked_at=st.builds(
        LookedAt,
        manifests=st.lists(_TEXT, max_size=2).map(tuple),
        folder=st.none() | _TEXT,
        prefix=_TEXT,
        versions=st.sampled_from([(), (2,), (3,), (2, 3)]),
        files=st.integers(0, 9_999),
    ),
    strict=st.booleans(),
)


def commands_in(output):
    """What a pipeline's runner would obey: its parser, on every line separator that some reader knows."""
    lines = re.split("\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", output)
    return [line for line in lines if line.strip().startswith("::") or "##[" in line or "##vso[" in line]


def problem(code=Code.DAG_UNDEFINED, severity=Severity.ERROR, **kwargs):
    values = {
        "message": "no file surely defines the DAG etl",
        "file": "gate.yaml",
        "line": 3,
        "advice": "Mend the id.",
    }
    return Problem(code, severity, **(values | kwargs))


def result(*problems, **kwargs):
    looked = LookedAt(("gate.yaml",), "dags", versions=(2, 3), files=12, dags=10, unknown=1)
    return Result(problems, **({"looked_at": looked} | kwargs))


@HOSTILE
@given(_RESULT)
def test_a_hostile_text_is_plain_lines_and_no_command(hostile):
    shown = text(hostile)
    assert commands_in(shown) == []
    lines = shown.split("\n")[:-1]
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e\ud800-\udfff]", "".join(lines))
    assert len(lines) == 1 + sum(1 + bool(one.advice) for one in hostile.problems)
    shown.encode()


@settings(HOSTILE, max_examples=15)
@given(_PROBLEM)
def test_a_terminal_obeys_nothing_of_it(hostile):
    screen = pyte.Screen(120, 60)
    pyte.Stream(screen).feed("before\r\n" + text(result(hostile)).replace("\n", "\r\n"))
    assert screen.display[0].rstrip() == "before", "nothing was cleared or written over"
    assert screen.title == ""
    assert all(cell.fg == "default" for row in screen.buffer.values() for cell in row.values())


@HOSTILE
@given(_RESULT)
def test_hostile_json_is_strict_and_keeps_the_schema(hostile):
    rendered = json_bytes(hostile)
    parsed = json.loads(rendered.decode("ascii"))
    SCHEMA.validate(parsed)
    json.dumps(parsed, ensure_ascii=False).encode()
    assert commands_in(rendered.decode()) == []
    assert [one["code"] for one in parsed["problems"]] == [str(one.code) for one in hostile.problems]


@HOSTILE
@given(_RESULT, st.sampled_from([None, "repo/a.py"]) | _TEXT)
def test_hostile_annotations_are_one_command_each(hostile, place):
    for annotation in annotate(hostile, lambda file: place):
        line = annotation.command()
        assert commands_in(line) == [line]
        level, properties = re.fullmatch(r"::(\w+) (.*?)::.*", line).groups()
        assert level in ("error", "warning")
        assert {pair.partition("=")[0] for pair in properties.split(",")} <= {"file", "line", "title"}


def test_a_line_is_place_severity_message_and_code_with_the_advice_below():
    shown = text(
        result(problem(), problem(Code.IDS_UNKNOWN, Severity.NOTE, file="dags/a.py", line=None, advice=""))
    )
    assert shown == (
        "gate.yaml:3: error: no file surely defines the DAG etl [dag-undefined]\n"
        "  What to do: Mend the id.\n"
        "dags/a.py: note: no file surely defines the DAG etl [ids-unknown]\n"
        "Something is wrong: 1 error, 1 note. Looked at 1 manifest and 12 files of dags, as Airflow 2 and 3 would read "
        "them: 10 DAGs for certain, and 1 file with DAGs whose ids are not known.\n"
    )


def test_what_is_inert_alone_is_so_beside_its_neighbours():
    assert commands_in(text(result(problem(file=":", line=12, message="x::y")))) == []
    assert commands_in(text(result(problem(file="#", line=None, message="#" * 3)))) == []


def test_a_long_text_keeps_its_code():
    shown = text(result(problem(message="x" * 5_000, file="y" * 5_000, advice="z" * 5_000)))
    assert shown.split("\n")[0].endswith(" [dag-undefined]")
    assert max(map(len, shown.split("\n"))) <= 2_000


@pytest.mark.parametrize(
    ("severities", "strict", "code", "begins"),
    [
        ([], False, 0, "All is well. Looked at 1 manifest and"),
        (["note"], True, 0, "Nothing is wrong: 1 note. "),
        (["warning", "warning"], False, 0, "Nothing is surely wrong: 2 warnings. "),
        (["warning"], True, 1, "Something is wrong: 1 warning. "),
        (["error"], False, 1, "Something is wrong: 1 error. "),
    ],
)
def test_the_last_line_says_what_the_exit_code_says(severities, strict, code, begins):
    one = result(*(problem(severity=Severity(each)) for each in severities), strict=strict)
    assert one.exit_code == code
    assert text(one).split("\n")[-2].startswith(begins)


@pytest.mark.parametrize("code", [Code.MANIFEST_INVALID, Code.FOLDER_UNREADABLE, Code.FOLDER_EMPTY])
def test_what_cannot_be_used_is_exit_2_before_all_else(code):
    one = result(problem(), problem(code))
    assert one.exit_code == 2
    assert "The input cannot be used: 2 errors." in text(one)


@pytest.mark.parametrize("count", [10, 11, 400])
def test_github_gets_no_more_than_ten_of_a_level_and_no_notes(count):
    many = [problem(severity=each, line=n + 1) for each in Severity for n in range(count)]
    shown = annotate(result(*many), lambda file: file)
    assert [one.level for one in shown] == ["error"] * 10 + ["warning"] * 10
    assert sum(one.count for one in shown) == 2 * count
    assert ("this step's log" in shown[9].lines[0]) is (count > 10)


def test_an_annotation_names_the_dag_the_code_and_the_place():
    one = problem(dag_id="etl")
    assert annotate(result(one), lambda file: f"repo/{file}")[0].command() == (
        "::error file=repo/gate.yaml,line=3,title=etl%3A dag-undefined::no file surely defines the DAG etl%0A"
        "What to do: Mend the id."
    )
    assert "%0Aat gate.yaml:3%0A" in annotate(result(one), lambda file: None)[0].command()


def test_the_reference_has_every_code_with_its_meaning():
    rows = re.findall(
        r"^\| `([a-z-]+)` \| (\w+) \| (.+) \|$", (DOCS / "lint.md").read_text("utf-8"), re.MULTILINE
    )
    assert rows == [(str(code), str(told.worst), told.text) for code, told in MEANINGS.items()]
    assert set(MEANINGS) == set(Code)
