"""Airflow's texts of the local files: what is told of each, and what cannot be compared."""

from dataclasses import replace

import pytest
from demands import DENIED, TOO_LONG, local, local_file
from rounds import UNREAD, at, dag, error, judge, manifest, nothing_seen, seen, short, view

from validator.airflow.models import Details
from validator.plan import inquiry_of
from validator.state import SourceTrack, State

NEW = "one\ntwo\nthree\n"
A = local_file("a.py", "a", text=NEW)
EQUAL = SourceTrack(100, at(100), at(60))
UNEQUAL = SourceTrack(100, at(100), None, "other")


def judged(told=None, track=None, *, file=A, kept=None, rows=None, **others):
    state = State(sources={file.name: track} if track else {}, kept=kept or {})
    details = Details(sources={} if told is None else {file.name: told})
    rows = rows if rows is not None else [dag(airflow=others.get("airflow", "3.0"))]
    observation = seen(*rows, details=details, **others)
    return judge(manifest(), observation, local=local(file), state=state)


def of(*given, **others):
    return judged(*given, **others)["sources/a.py"]


def test_without_a_folder_nothing_is_compared():
    assert not [name for name in judge(manifest("a"), seen(dag())) if name.startswith("sources")]


def test_before_a_version_is_known_nothing_is_compared():
    found = judge(manifest("a"), nothing_seen(), local=local(A))

    assert not [name for name in found if name.startswith("sources")]


def test_airflow_2_cannot_be_asked_and_the_report_says_so_once():
    found = judged(airflow="2")

    assert short(found["sources"]) == ("skipped", "path-too-long")
    assert "--verify-s3" in found["sources"].message
    assert "sources/a.py" not in found


def test_airflow_2_is_asked_by_the_files_token_where_paths_may_be_long():
    round_ = seen(dag(airflow="2"), airflow="2", longest_path=None, dags_unread=None)
    asked = inquiry_of(view(manifest(), round_, local=local(A)))

    assert asked.sources == {"a.py": "token-of-/usr/local/airflow/dags/a.py"}


def test_a_text_that_cannot_be_asked_for_is_no_pass():
    row = replace(dag(), source_key=None)

    assert short(of(rows=[row])) == ("error", "bad-response")
    assert not inquiry_of(view(manifest(), seen(row), local=local(A))).sources


@pytest.mark.parametrize(
    ("airflow", "limit"), [("3.0", 64), ("3.3", 64), ("2", None)], ids=["3.0", "3.3", "2 by its URL"]
)
def test_an_equal_text_passes(airflow, limit):
    found = of(NEW, EQUAL, airflow=airflow, longest_path=limit)

    assert short(found) == ("passed", None)
    assert found.file == "a.py"


def test_an_equal_text_stands_without_being_read_again():
    assert short(of(None, EQUAL)) == ("passed", None)
    assert of(None, EQUAL).keeps


def test_a_text_that_differs_says_where_and_how():
    found = of("one\nTWO\nthree\n", UNEQUAL)

    assert short(found) == ("pending", "dag-source-mismatch")
    assert found.line == 2
    assert "first at line 2" in found.message
    assert found.details["diff"] == [
        "--- airflow",
        "+++ local",
        "@@ -1,3 +1,3 @@",
        " one",
        "-TWO",
        "+two",
        " three",
    ]
    assert found.ripens is None, "only the deadline makes it red"


def test_airflow_2_may_have_kept_an_old_text_for_a_files_time_and_the_advice_says_so():
    found = of("one\nTWO\nthree\n", UNEQUAL, airflow="2", longest_path=None)

    assert short(found) == ("pending", "dag-source-mismatch")
    assert "modification time" in found.advice
    assert not of("one\nTWO\nthree\n", UNEQUAL).advice


def test_while_files_are_on_their_way_a_text_that_differs_says_so():
    assert "on their way" in of("old", UNEQUAL, now=59, rows=[dag(parsed=-50)]).message
    assert "on their way" not in of("old", UNEQUAL, now=60, rows=[dag(parsed=-50)]).message


def test_a_difference_stands_with_its_evidence_until_it_is_read_again():
    before = of("one\n", UNEQUAL)

    assert before.keeps
    assert of(None, UNEQUAL, kept={before.id: before}) == before


def test_a_difference_that_was_not_kept_is_one_all_the_same():
    assert short(of(None, UNEQUAL)) == ("pending", "dag-source-mismatch")


@pytest.mark.parametrize("told", ["one\n", None], ids=["read", "kept"])
@pytest.mark.parametrize(
    ("errors", "over"), [((), False), ((error("b.py"),), False), ((error("a.py"),), True)]
)
def test_nothing_more_comes_of_the_text_of_a_file_that_airflow_cannot_import(told, errors, over):
    kept = {"sources/a.py": of("one\n", UNEQUAL)} if told is None else {}
    found = of(told, UNEQUAL, kept=kept, errors=errors)

    assert short(found) == ("pending", "dag-source-mismatch")
    assert found.had_its_turn is over


@pytest.mark.parametrize(
    ("told", "line"),
    [("one\ntwo\n", 3), ("one\ntwo\nthree\nfour\n", 4), ("", 1), ("one\r\nTWO\r\nthree\r\n", 2)],
)
def test_the_line_is_the_first_that_differs(told, line):
    assert of(told, UNEQUAL).line == line


def test_a_difference_is_told_in_few_and_short_lines():
    long = "x" * 1000
    found = of("\n".join([long] * 400), UNEQUAL)

    assert len(found.details["diff"]) <= 30
    assert max(map(len, found.details["diff"])) <= 200


def test_very_long_files_are_not_told_apart_line_by_line():
    found = of("\n" * 100_000, UNEQUAL)

    assert short(found) == ("pending", "dag-source-mismatch")
    assert found.details["diff"] == []


def test_a_text_that_is_somebody_elses_cannot_tell_and_does_not_heal():
    found = of("theirs\n", replace(UNEQUAL, superseded=True))

    assert short(found) == ("error", "superseded")
    assert not found.heals
    assert "-theirs" in found.details["diff"]


def test_somebody_elses_text_stays_one_without_being_read_again():
    assert short(of(None, replace(UNEQUAL, superseded=True))) == ("error", "superseded")


@pytest.mark.parametrize("unread", [UNREAD, DENIED])
def test_a_text_that_could_not_be_read_is_an_error_also_where_it_was_equal(unread):
    for before in (None, EQUAL, UNEQUAL):
        found = of(unread, before)
        assert short(found) == ("error", str(unread.reason))
        assert found.heals


def test_too_long_an_id_is_skipped_and_not_asked_for_again():
    found = of(TOO_LONG)

    assert short(found) == ("skipped", "path-too-long")
    kept = {found.id: found}
    state = State(kept=kept)
    assert inquiry_of(view(manifest(), seen(dag()), local=local(A), state=state)).sources == {}
    assert of(kept=kept) == found


def test_a_file_whose_turn_has_not_come_is_due_at_once():
    found = of()

    assert short(found) == ("pending", "undecided")
    assert found.due


def test_nothing_is_due_while_airflow_cannot_be_asked():
    assert not of(dags_unread=UNREAD).due


def test_a_file_of_which_no_dag_is_listed_is_judged_by_its_dags():
    found = of(rows=[])

    assert short(found) == ("skipped", "undecided")
    assert "no DAG of it is listed" in found.message


@pytest.mark.parametrize(
    ("file", "what"),
    [
        (local_file("lib.zip", "a", text=None, archive=True), "archive"),
        (local_file("latin.py", "a", text=None), "UTF-8"),
    ],
)
def test_what_has_no_text_to_compare_is_skipped(file, what):
    found = judged(file=file, rows=[dag("a", path=file.name)])[f"sources/{file.name}"]

    assert short(found) == ("skipped", "undecided")
    assert what in found.message


def test_a_file_without_dags_is_not_compared():
    assert "sources/helper.py" not in judged(file=local_file("helper.py"), rows=[])
    assert "sources/helper.py" in judged(file=local_file("helper.py"), rows=[dag("h", path="helper.py")]), (
        "unless Airflow finds one in it"
    )
