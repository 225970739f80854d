"""The DAGs folder, and what a file is called in it."""

import pytest
from rounds import ROOT, dag_file, error_file

from validator.airflow.models import DagFile
from validator.checks.folder import Folder, folder_of


def absolute(path):
    return DagFile(path, None, None)


@pytest.mark.parametrize("root", ["/usr/local/airflow/dags", "/opt/airflow/dags", "/home/u/dags", "/d"])
def test_airflow_3_tells_the_folder_by_naming_a_file_twice(root):
    assert folder_of([dag_file("etl/a.py", root=root)]).root == root


@pytest.mark.parametrize("root", ["/usr/local/airflow/dags", "/opt/airflow/dags"])
def test_the_folders_of_mwaa_and_of_airflows_images_are_known(root):
    assert folder_of([absolute(f"{root}/a.py"), absolute(f"{root}/x/y.py")]).root == root


def test_a_folder_of_another_place_is_unknown_on_airflow_2():
    folder = folder_of([absolute("/srv/dags/etl/a.py"), absolute("/srv/dags/b.py")])

    assert folder == Folder(None, "/srv/dags")


def test_airflows_own_examples_say_nothing_of_the_folder():
    example = absolute("/usr/lib/python3/site-packages/airflow/example_dags/x.py")

    assert folder_of([example, absolute("/srv/dags/b.py")]).common == "/srv/dags"
    assert folder_of([example]).common == "/"


def test_the_dags_folder_tells_the_root_and_other_bundles_do_not():
    example = dag_file(
        "x.py", root="/usr/lib/python3/site-packages/airflow/example_dags", bundle="example_dags"
    )

    for files in ([example, dag_file("a.py")], [dag_file("a.py"), example]):
        assert folder_of(files).root == ROOT


def test_without_a_dags_folder_another_bundle_tells_the_root():
    assert folder_of([dag_file("x.py", root="/srv/git", bundle="team-b")]).root == "/srv/git"


def test_nothing_known_is_no_crash():
    folder = folder_of([DagFile(None, None, None)])

    assert folder.names(DagFile(None, None, None)) == []
    assert folder.name(DagFile(None, None, None)) == "?"
    assert not folder.holds(DagFile(None, None, None), "a.py")
    assert not folder.matches(DagFile(None, None, None), ["**"])


def test_with_a_known_root_a_file_has_one_name():
    folder = Folder(ROOT, "")

    assert folder.names(absolute(f"{ROOT}/etl/a.py")) == ["etl/a.py"]
    assert folder.names(error_file("etl/a.py", "3.3")) == ["etl/a.py"]
    assert folder.name(absolute(f"{ROOT}/etl/a.py")) == "etl/a.py"


def test_a_file_outside_of_the_known_root_keeps_its_whole_name():
    assert Folder(ROOT, "").names(absolute("/etc/a.py")) == ["/etc/a.py"]
    assert Folder(ROOT, "").name(absolute(f"{ROOT}-old/a.py")) == f"{ROOT}-old/a.py"


def test_with_an_unknown_root_a_file_may_have_every_name_from_the_common_folder_up():
    folder = Folder(None, "/srv/dags")

    assert folder.names(absolute("/srv/dags/etl/a.py")) == ["etl/a.py", "dags/etl/a.py", "srv/dags/etl/a.py"]
    assert folder.name(absolute("/srv/dags/etl/a.py")) == "/srv/dags/etl/a.py", (
        "for people only what is certain"
    )


@pytest.mark.parametrize(
    ("expected", "holds"),
    [("etl/a.py", True), ("dags/etl/a.py", True), ("a.py", False), ("b/etl/a.py", False)],
)
def test_with_an_unknown_root_a_file_holds_where_it_may(expected, holds):
    assert Folder(None, "/srv/dags").holds(absolute("/srv/dags/etl/a.py"), expected) is holds


def test_a_glob_takes_regex_characters_as_they_are():
    folder = Folder(ROOT, "")

    assert folder.matches(absolute(f"{ROOT}/a+(b).py"), ["a+(b).py"])
    assert not folder.matches(absolute(f"{ROOT}/aab.py"), ["a+(b).py"])


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("**/x.py", "x.py", True),
        ("**/x.py", "a/b/x.py", True),
        ("a/**", "a/b/c.py", True),
        ("a/**", "ab/c.py", False),
        ("?.py", "/.py", False),
        ("*", "a/b.py", False),
        ("*.py", "a\n.py", True),
    ],
)
def test_a_star_stays_within_a_folder_and_two_cross_them(glob, path, matches):
    assert Folder(None, "").matches(DagFile(None, path, None), [glob]) is matches


def test_a_packaged_dag_does_not_hide_where_the_dags_folder_is():
    packaged = DagFile("/usr/lib/python3/site-packages/pkg/dags/x.py", None, None)
    other = DagFile("/usr/local/airflow/dags/team_b/a.py", None, None)

    assert not folder_of([packaged, other]).holds(other, "a.py")


def test_a_file_of_another_bundle_is_not_the_one_of_the_same_name_in_the_dags_folder():
    ours = DagFile("/dags/a.py", "a.py", "dags-folder")
    theirs = DagFile("/team_b/a.py", "a.py", "team_b")
    folder = folder_of([theirs, ours])

    assert folder.holds(ours, "a.py")
    assert not folder.holds(theirs, "a.py")
    assert folder.name(theirs) == "team_b:a.py"
    assert folder.matches(theirs, ["team_b:*.py"])


def test_a_bundle_of_any_name_is_the_dags_folder_where_it_is_the_only_one():
    file = DagFile("/srv/a.py", "a.py", "main")

    assert folder_of([file]).holds(file, "a.py")
