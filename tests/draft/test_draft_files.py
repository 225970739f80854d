"""What DAG files surely define becomes a manifest, and what only running them tells becomes a comment."""

from __future__ import annotations

import pytest

from validator.draft.found import ATTRIBUTES, Found, FoundDag
from validator.draft.from_files import found_in_files
from validator.draft.write import NothingToWrite, write
from validator.errors import UsageError
from validator.local.scan import read_folder
from validator.manifest import parse_manifest
from validator.manifest.model import ExpectedDag

DAG = 'from airflow import DAG\n{0} = DAG("{0}"{1})\n'


@pytest.fixture
def files(tmp_path):
    """Writes files and gives what is found in their folder."""

    def go(by_name, airflow=None, prefix=""):
        for name, text in by_name.items():
            path = tmp_path / "dags" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return found_in_files(read_folder(tmp_path / "dags", prefix), airflow)

    return go


def told(found, asked=()):
    return {note.text: note.subjects for note in found.told(asked)}


def written(found, asked):
    return write(found, asked, made_by=[], environment=None, region=None).decode()


def test_what_a_file_states_is_demanded_in_its_own_words(files):
    options = ', schedule="0  3 * * MON", tags=["b", "a"], max_active_runs=3, description="Loads: it"'
    found = files({"sub/etl.py": DAG.format("etl", options)}, prefix="team")

    asked = [name for name in ATTRIBUTES if name not in ("paused", "tasks", "owners")]
    (one,) = parse_manifest(written(found, asked).encode(), "m", {}).dags
    assert one == ExpectedDag(
        "etl",
        file="team/sub/etl.py",
        schedule="0  3 * * MON",
        tags=("a", "b"),
        max_active_runs=3,
        description="Loads: it",
    )


def test_what_only_running_tells_is_neither_demanded_nor_passed_over(files):
    found = files(
        {"a.py": "import os\n" + DAG.format("a", ", tags=[os.name]"), "b.py": DAG.format("b", ", tags=['x']")}
    )

    assert [one.tags for one in parse_manifest(written(found, ("tags",)).encode(), "m", {}).dags] == [
        (),
        ("x",),
    ]
    assert told(found, ("tags",)) == {
        "Not demanded, because it cannot be known without running its file: the tags of": ("a",)
    }


def test_paused_is_never_known_from_files(files):
    found = files({"a.py": DAG.format("a", ", is_paused_upon_creation=True")})

    assert "paused" not in written(found, ("paused",)).partition("version")[2]
    assert told(found, ("paused",)) == {"Not demanded, because it is not in the files: the paused of": ("a",)}


def test_a_file_whose_ids_only_running_tells_is_a_comment(files):
    loop = "from airflow import DAG\nfor name in open('x'):\n    globals()[name] = DAG(name)\n"
    found = files({"factory.py": loop, "a.py": DAG.format("a", "")}, prefix="team")

    line = "# team/factory.py makes DAGs whose ids only running it tells: name them here, or by a pattern.\n"
    assert line in written(found, ())
    assert found.doubt.about(ExpectedDag("x")) == "team/factory.py makes DAGs whose ids only running it tells"
    assert found.doubt.about(ExpectedDag("x", file="team/factory.py"))
    assert not found.doubt.about(ExpectedDag("x", file="team/a.py"))
    assert found.doubt.about(ExpectedDag("x", file="other/a.py")) == "other/a.py lies outside of team"


def test_a_file_that_cannot_be_read_as_python_is_a_comment(files):
    found = files({"bad.py": "from airflow import DAG\nwith DAG('x'\n", "a.py": DAG.format("a", "")})

    (line,) = told(found)
    assert line.startswith("bad.py is not Python as this version reads it: ")
    assert line.endswith("so that its DAGs are not known: name them here, or by a pattern.")


def test_files_that_airflow_does_not_read_are_named_and_not_written(files):
    found = files(
        {".airflowignore": "old\n", "old.py": DAG.format("old", ""), "a.py": DAG.format("a", "")}, 2
    )

    assert [one.dag_id for one in found.dags] == ["a"]
    (subject,) = told(found)["Not written, because Airflow does not read these files:"]
    assert subject == "old.py: line 1 of .airflowignore, old hides it"


@pytest.mark.parametrize(("airflow", "ids"), [(None, ["a"]), (2, ["a"]), (3, ["a", "old"])])
def test_a_file_counts_where_the_airflow_that_is_meant_reads_it(files, airflow, ids):
    # A regular expression that is found within the name, and a glob that matches only the whole.
    found = files(
        {".airflowignore": "ol\n", "old.py": DAG.format("old", ""), "a.py": DAG.format("a", "")}, airflow
    )

    assert [one.dag_id for one in found.dags] == ids
    only = "Not written, because only Airflow 3 reads these files; --airflow 3 says that it is the one:"
    assert (only in told(found)) == (airflow is None)
    assert bool(found.doubt.about(ExpectedDag("old"))) == (airflow is None)


def test_one_id_in_two_files_is_refused_with_both_places(files, tmp_path):
    with pytest.raises(NothingToWrite) as refused:
        files({"a.py": DAG.format("etl", ""), "b.py": "\n" + DAG.format("etl", "")})

    where = tmp_path / "dags"
    assert f"etl: {where}/a.py, line 2 and {where}/b.py, line 3" in refused.value.message
    assert refused.value.exit_code == 1


def test_the_same_id_twice_in_one_file_is_one_dag(files):
    found = files({"a.py": DAG.format("etl", ", tags=['x']") * 2})

    assert [one.dag_id for one in found.dags] == ["etl"]


def test_a_manifest_that_is_too_large_is_refused_with_what_to_do():
    found = Found(tuple(FoundDag("x" * 200 + str(number)) for number in range(5_300)))

    with pytest.raises(UsageError, match="1,024 KiB are possible") as refused:
        written(found, ())
    assert "--only" in refused.value.advice
