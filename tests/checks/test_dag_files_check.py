"""A DAG comes from the file that the manifest names, and from one file only."""

from dataclasses import replace

import pytest
from rounds import dag, dag_file, error, judge, manifest, seen, short

from validator.airflow.models import DagFile
from validator.manifest.model import ExpectedDag
from validator.state import FileTrack

EXPECTED = manifest(ExpectedDag("a", file="etl/a.py"))
AIRFLOWS = ["2", "3.0", "3.3"]
A, B = dag_file("a.py"), dag_file("b.py")


@pytest.mark.parametrize("airflow", AIRFLOWS)
@pytest.mark.parametrize("written", ["etl/a.py", "./etl/a.py", "etl//a.py"])
def test_the_expected_file_passes(airflow, written):
    expected = manifest(ExpectedDag("a", file=written))
    found = judge(expected, seen(dag(path="etl/a.py", airflow=airflow), airflow=airflow))

    assert short(found["dags/a/file"]) == ("passed", None)
    assert short(found["dags/a"]) == ("passed", None)


@pytest.mark.parametrize("airflow", AIRFLOWS)
@pytest.mark.parametrize("path", ["a.py", "x/etl/a.py", "etl/aa.py", "etl/a.py/b.py", "ETL/a.py"])
def test_another_file_is_wrong_and_has_the_grace_time(airflow, path):
    found = judge(EXPECTED, seen(dag(path=path, airflow=airflow), airflow=airflow), grace=45.0)["dags/a/file"]

    assert short(found) == ("pending", "dag-wrong-file")
    assert found.ripens.seconds == 45
    assert found.details == {"seen": path, "expected": "etl/a.py"}


def test_a_file_that_airflow_does_not_tell_is_an_error():
    found = judge(EXPECTED, seen(dag(file=DagFile(None, None, None))))

    assert short(found["dags/a/file"]) == ("error", "bad-response")


@pytest.mark.parametrize(("parsed", "ripens"), [(59.9, False), (None, False), (60, True), (100, True)])
def test_another_file_is_wrong_only_once_it_was_parsed_after_the_new_files_arrived(parsed, ripens):
    row = dag(path="old.py", parsed=parsed if parsed is not None else 0)
    row = row if parsed is not None else replace(row, last_parsed=None)

    found = judge(EXPECTED, seen(row), grace=45.0)["dags/a/file"]

    assert short(found) == ("pending", "dag-wrong-file")
    assert (found.ripens is not None, found.had_its_turn) == (ripens, ripens)


@pytest.mark.parametrize("place", ["/srv/project/dags", "/home/u/dags"])
def test_on_airflow_2_the_unknown_folder_may_be_any_above_all_known_files(place):
    observation = seen(
        dag(file=DagFile(f"{place}/etl/a.py", None, None)),
        dag("b", file=DagFile(f"{place}/b.py", None, None)),
        airflow="2",
    )

    assert short(judge(EXPECTED, observation)["dags/a/file"]) == ("passed", None)


def test_on_airflow_2_a_file_outside_of_what_can_be_the_folder_is_wrong():
    observation = seen(
        dag(file=DagFile("/srv/dags/team/etl/a.py", None, None)),
        dag("b", file=DagFile("/srv/dags/b.py", None, None)),
        airflow="2",
    )

    assert short(judge(EXPECTED, observation)["dags/a/file"]) == ("pending", "dag-wrong-file")


def tracked(track, *, parsed=100, gate_now=120.0, expected=None):
    row = dag(parsed=parsed, file=track.now)
    return judge(expected or manifest("a"), seen(row), tracks={"a": track}, gate_now=gate_now)["dags/a"]


def test_a_dag_that_stayed_in_its_file_passes():
    assert short(tracked(FileTrack(A))) == ("passed", None)


def test_a_dag_that_just_moved_must_stay_for_the_grace_time():
    assert short(tracked(FileTrack(B, (A,), moved_at=70.0))) == ("pending", "dag-wrong-file")
    assert short(tracked(FileTrack(B, (A,), moved_at=60.0))) == ("passed", None)


def test_a_dag_that_new_parses_show_in_two_files_is_defined_twice():
    found = tracked(FileTrack(B, (A,), moved_at=119.0, shown=(A, B)))

    assert short(found) == ("failed", "dag-wrong-file")
    assert found.details["files"] == ["a.py", "b.py"]
    assert "a.py and b.py" in found.message


def test_a_dag_that_was_seen_in_two_files_is_red_however_long_it_stays_in_one():
    assert short(tracked(FileTrack(B, (B, A), 0.0, shown=(A, B)), gate_now=1e6))[0] == "failed"


def test_a_stale_parse_is_told_before_the_move():
    assert short(tracked(FileTrack(B, (A,), moved_at=119.0), parsed=50)) == ("pending", "dag-stale")


def test_a_dag_that_vanished_is_tied_to_the_file_it_was_last_seen_in():
    observation = seen(dag("b"), errors=[error("old/a.py")])
    track = FileTrack(dag_file("old/a.py"))

    assert short(judge(manifest("a"), observation, tracks={"a": track})["dags/a"]) == (
        "pending",
        "dag-import-error",
    )
