"""Reading a folder of DAG files from disk."""

import os
import time
import zipfile

import pytest

from validator.errors import UsageError
from validator.local import limit
from validator.local.model import Definition
from validator.local.scan import MAX_SOURCE, read_folder

DAG = "from airflow import DAG\nwith DAG('x'):\n    pass\n"


def write(folder, **files):
    """Files by their names, `__` for a slash and `_py` for the suffix."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def names(folder):
    return [file.name for file in read_folder(folder).files]


def only(folder):
    (file,) = read_folder(folder).files
    return file


def pack(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_py", ".py"), text)


def test_every_python_file_is_there_by_name_also_those_that_are_ignored(tmp_path):
    write(tmp_path, b_py=DAG, a__c_py="", a__b_py="x", Z_py="", notes="airflow dag")
    (tmp_path / ".airflowignore").write_text("*.py\n.*", encoding="utf-8")

    assert names(tmp_path) == ["Z.py", "a/b.py", "a/c.py", "b.py"]


def test_a_file_is_told_with_its_definitions_words_and_text(tmp_path):
    file = only(write(tmp_path, a_py=DAG))

    assert file.certain == (Definition("x", 2),)
    assert not file.computes
    assert file.text == DAG
    assert file.words == {"airflow", "dag"}
    assert file.problem == ""


def test_the_text_is_what_airflow_stores(tmp_path):
    assert only(write(tmp_path, a_py=b"\xef\xbb\xbfa\r\nb\rc\n")).text == "\ufeffa\nb\nc\n"


def test_a_file_that_is_not_utf_8_has_no_text_and_still_its_dags(tmp_path):
    source = b"# coding: latin-1\n# \xe9\nfrom airflow import DAG\nd = DAG('x')\n"
    file = only(write(tmp_path, a_py=source))

    assert file.text is None
    assert file.certain == (Definition("x", 4),)


def test_a_file_that_is_no_python_says_why(tmp_path):
    file = only(write(tmp_path, a_py="import airflow.dag\nx = (\n"))

    assert file.computes
    assert "line 2" in file.problem


def test_the_ignore_files_are_there_by_their_folders(tmp_path):
    write(tmp_path, a__b__c_py="")
    (tmp_path / ".airflowignore").write_bytes(b"x\r\ny")
    (tmp_path / "a/b/.airflowignore").write_bytes(b"")
    (tmp_path / "a/.airflowignore").mkdir()

    assert read_folder(tmp_path).ignores == {"": "x\ny", "a/b": ""}


@pytest.mark.parametrize(
    ("prefix", "means"),
    [
        ("", ""),
        ("team_a", "team_a"),
        ("team_a/", "team_a"),
        ("/team_a", "team_a"),
        ("a//b/./", "a/b"),
        (".", ""),
        ("/", ""),
    ],
)
def test_a_prefix_is_a_plain_path(tmp_path, prefix, means):
    assert read_folder(tmp_path, prefix).prefix == means


@pytest.mark.parametrize("prefix", ["..", "../a", "a/../b"])
def test_a_prefix_stays_in_the_dags_folder(tmp_path, prefix):
    with pytest.raises(UsageError, match="out of the DAGs folder") as caught:
        read_folder(tmp_path, prefix)
    assert caught.value.advice


def test_the_root_is_kept_as_it_was_given(tmp_path, monkeypatch):
    write(tmp_path, dags__a_py="")
    monkeypatch.chdir(tmp_path)

    assert read_folder("./dags/").root == "./dags/"
    assert names("./dags/") == names("dags") == ["a.py"]


def test_an_empty_folder_holds_nothing(tmp_path):
    assert read_folder(tmp_path).files == ()


@pytest.mark.parametrize(
    ("name", "says"), [("gone", "no such"), ("a.py", "not a folder"), ("a\0b", "cannot be read")]
)
def test_what_is_no_folder_is_a_wrong_command_line(tmp_path, name, says):
    write(tmp_path, a_py="")

    with pytest.raises(UsageError, match=says) as caught:
        read_folder(f"{tmp_path}/{name}")
    assert caught.value.advice


def test_a_folder_that_may_not_be_read_is_not_passed_over(tmp_path, monkeypatch):
    write(tmp_path, a__b_py="")
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("a"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(UsageError, match=r"a cannot be read: Permission denied"):
        read_folder(tmp_path)


def test_links_are_followed(tmp_path):
    write(tmp_path, dags__a_py="", shared__b_py="")
    (tmp_path / "dags/one").symlink_to(tmp_path / "shared", target_is_directory=True)
    (tmp_path / "dags/two").symlink_to(tmp_path / "shared", target_is_directory=True)
    (tmp_path / "dags/c.py").symlink_to("a.py")
    (tmp_path / "dags/gone.py").symlink_to("nowhere.py")
    (tmp_path / "dags/self.py").symlink_to("self.py")

    assert names(tmp_path / "dags") == ["a.py", "c.py", "one/b.py", "two/b.py"]


@pytest.mark.parametrize("target", [".", "..", "../.."])
def test_a_link_in_a_circle_is_told(tmp_path, target):
    write(tmp_path, a__b__c_py="")
    (tmp_path / "a/b/circle").symlink_to(target, target_is_directory=True)

    with pytest.raises(UsageError, match=r"circle.* is a link to a folder that it is in") as caught:
        read_folder(tmp_path)
    assert "Remove the link" in caught.value.advice


def test_a_circle_through_another_tree_is_told(tmp_path):
    write(tmp_path, dags__a_py="", other__b_py="")
    (tmp_path / "dags/other").symlink_to(tmp_path / "other", target_is_directory=True)
    (tmp_path / "other/dags").symlink_to(tmp_path / "dags", target_is_directory=True)

    with pytest.raises(UsageError, match="is a link to a folder that it is in"):
        read_folder(tmp_path / "dags")


@pytest.mark.timeout(60)
def test_links_that_double_what_lies_below_them_are_told(tmp_path, doubled):
    with pytest.raises(UsageError, match="more than 100,000 files and folders") as caught:
        read_folder(doubled(tmp_path, 18))
    assert "links" in caught.value.advice


def test_as_many_files_and_folders_as_the_limit_are_read(tmp_path, monkeypatch):
    write(tmp_path, a_py="", b__c_py="")

    monkeypatch.setattr(limit, "MOST", 3)
    assert names(tmp_path) == ["a.py", "b/c.py"]
    monkeypatch.setattr(limit, "MOST", 2)
    with pytest.raises(UsageError, match="more than 2 files and folders"):
        read_folder(tmp_path)


@pytest.mark.timeout(10)
def test_what_is_neither_file_nor_folder_is_left_alone(tmp_path):
    os.mkfifo(tmp_path / "a.py")
    os.mkfifo(tmp_path / ".airflowignore")

    assert names(tmp_path) == []


def test_an_ignore_file_that_is_not_utf_8_stops_airflow_and_us(tmp_path):
    (tmp_path / ".airflowignore").write_bytes(b"a\xff")

    with pytest.raises(UsageError, match="is not UTF-8"):
        read_folder(tmp_path)


@pytest.mark.parametrize("name", ["a.zip", "a.whl", "a"])
def test_an_archive_is_one_whatever_its_name(tmp_path, name):
    pack(tmp_path / name, dag_py=DAG)
    file = only(tmp_path)

    assert file.archive
    assert file.computes
    assert file.certain == ()
    assert file.text is None


@pytest.mark.parametrize(
    ("members", "computes"),
    [
        ({"dag_py": DAG}, True),
        ({"inner__dag_py": DAG}, False),
        ({"sheet.xml": "airflow dag"}, False),
        ({"helper_py": "from airflow import DAG\n"}, False),
        ({"dag.pyc": b"\0airflow\0DAG"}, True),
        ({"dag.pyc": b"\0"}, False),
        ({"odd_py": "airflow dag ("}, True),
        ({}, False),
    ],
)
def test_airflow_imports_the_python_files_at_the_root_of_an_archive(tmp_path, members, computes):
    pack(tmp_path / "a.zip", **members)

    assert only(tmp_path).computes is computes


def test_an_archive_that_cannot_be_read_says_why(tmp_path):
    pack(tmp_path / "a.zip", dag_py=DAG)
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[0:4] = b"oops"
    (tmp_path / "a.zip").write_bytes(data)
    file = only(tmp_path)

    assert file.computes
    assert file.problem.startswith("cannot be read as an archive")


def test_an_archive_that_is_called_python_is_read_as_python_by_airflow(tmp_path):
    pack(tmp_path / "a.py", dag_py=DAG)
    file = only(tmp_path)

    assert file.archive
    assert file.computes
    assert "zip archive" in file.problem


def test_a_bomb_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("dag.py", b"#" * (100 * MAX_SOURCE) + b"airflow dag")

    assert not only(tmp_path).computes


def test_a_huge_file_is_searched_for_words_and_no_more(tmp_path):
    with (tmp_path / "a.py").open("wb") as file:
        file.seek(MAX_SOURCE - 3)
        file.write(b"airflow")
        file.seek(40 * MAX_SOURCE)
        file.write(b"DAG")
    began = time.perf_counter()
    file = only(tmp_path)

    assert file.words == {"airflow", "dag"}
    assert file.computes
    assert file.text is None
    assert "80 MB" in file.problem
    assert time.perf_counter() - began < 5


def test_a_file_that_mentions_none_of_the_words_is_not_looked_into(tmp_path):
    file = only(write(tmp_path, a_py="x = ("))

    assert (file.computes, file.problem, file.words) == (False, "", frozenset())
