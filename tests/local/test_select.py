"""Which files an Airflow reads. Its own code is held against the same in tests/real."""

import random

import pytest

from validator.local.model import LocalFile, LocalFolder, Reading
from validator.local.select import dag_files, hidden, ignore_problems

WORDS = frozenset({"airflow", "dag"})
GLOB = Reading(glob=True, assets=True)
REGEXP = Reading(glob=False, assets=False)
REGEXP_3 = Reading(glob=False, assets=True)


def folder(*names, prefix="", **ignores):
    """Files by name; ignore files by their folder: `root` is the root, `__` a slash."""
    files = tuple(LocalFile(name, words=WORDS) for name in sorted(names))
    texts = {"" if name == "root" else name.replace("__", "/"): text for name, text in ignores.items()}
    return LocalFolder("dags", prefix, files, texts)


def read(reading, *names, **options):
    return [file.name for file in dag_files(folder(*names, **options), reading)]


def why(reading, *names, **options):
    return {file.name: reason for file, reason in hidden(folder(*names, **options), reading)}


@pytest.mark.parametrize("reading", [GLOB, REGEXP])
def test_without_ignore_files_all_is_read(reading):
    assert read(reading, "a.py", "b/c.py") == ["a.py", "b/c.py"]
    assert why(reading, "a.py", "b/c.py") == {}


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("a.py", ["b.py", "etl/b.py"]),
        ("/a.py", ["b.py", "etl/a.py", "etl/b.py"]),
        ("etl", ["a.py", "b.py"]),
        ("etl/", ["a.py", "b.py"]),
        ("a.py/", ["a.py", "b.py", "etl/a.py", "etl/b.py"]),
        ("etl/a.py", ["a.py", "b.py", "etl/b.py"]),
        ("**/a.py", ["b.py", "etl/b.py"]),
        ("*.py\n!b.py", ["b.py", "etl/b.py"]),
        ("*.py\n!b.py\n*.py", ["b.py", "etl/b.py"]),
        ("etl/\n!etl/a.py", ["a.py", "b.py"]),
        ("# a.py\n\n/", ["a.py", "b.py", "etl/a.py", "etl/b.py"]),
        ("a.py  # why", ["b.py", "etl/b.py"]),
    ],
)
def test_a_glob_hides(pattern, left):
    assert read(GLOB, "a.py", "b.py", "etl/a.py", "etl/b.py", root=pattern) == left


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("a", ["b.py", "etl/b.py"]),
        ("^a", ["b.py", "etl/a.py", "etl/b.py"]),
        ("etl", ["a.py", "b.py"]),
        ("etl/a", ["a.py", "b.py", "etl/b.py"]),
        (r"\.py$", []),
        ("*.py", ["a.py", "b.py", "etl/a.py", "etl/b.py"]),
        ("!a", ["a.py", "b.py", "etl/a.py", "etl/b.py"]),
        ("a#b", ["b.py", "etl/b.py"]),
    ],
)
def test_an_expression_hides(pattern, left):
    assert read(REGEXP, "a.py", "b.py", "etl/a.py", "etl/b.py", root=pattern) == left


def test_patterns_of_a_folder_reach_down_and_not_up():
    names = ("a.py", "x/a.py", "x/y/a.py", "z/a.py")

    assert read(GLOB, *names, x="a.py") == ["a.py", "z/a.py"]
    assert read(GLOB, *names, x="/a.py") == ["a.py", "x/y/a.py", "z/a.py"]
    assert read(GLOB, *names, root="a.py", x__y="!a.py") == ["x/y/a.py"]
    assert read(REGEXP, *names, x="a") == ["a.py", "z/a.py"]
    assert read(REGEXP, *names, x="^x/a") == ["a.py", "x/y/a.py", "z/a.py"]


def test_an_expression_is_held_against_the_path_from_the_environments_root():
    assert read(REGEXP, "a.py", prefix="team_a", root="^a") == ["a.py"]
    assert read(REGEXP, "a.py", prefix="team_a", root="^team_a/a") == []


def test_a_glob_is_relative_to_its_file_whatever_the_prefix():
    assert read(GLOB, "a.py", "b.py", prefix="team_a", root="/a.py\n/team_a/b.py") == ["b.py"]


@pytest.mark.parametrize(
    "pattern",
    ["(?!x)a", "(?=a)", "(?<=x)a", r"(a)\1", "(?P<n>a)(?P=n)", "(?>a)", "a++", r"a\Z|a", "(?x)a", "(?#c)a"],
)
def test_what_re2_refuses_hides_nothing_from_airflow_2(pattern):
    assert read(REGEXP, "aa.py", root=pattern) == ["aa.py"]
    assert len(ignore_problems(folder("aa.py", root=pattern), REGEXP)) == 1


@pytest.mark.parametrize(
    "pattern", [r"\(?a", "[(?!]?a", "(?:a)", "(?i)A", "(?P<n>a)", r"[\]a]", "a+?", r"\w", "a{1,2}"]
)
def test_what_re2_takes_hides_the_same_from_both(pattern):
    for reading in (REGEXP, REGEXP_3):
        assert read(reading, "a.py", root=pattern) == []


def test_a_word_of_re2_is_ascii():
    assert read(REGEXP, "é.py", root=r"^\w\.py") == ["é.py"]
    assert read(REGEXP_3, "é.py", root=r"^\w\.py") == []


@pytest.mark.parametrize("pattern", ["/", " / ", "//", "!/", "/**/", "!/**/**/"])
def test_slashes_alone_are_no_glob(pattern):
    assert read(GLOB, "a.py", "x/b.py", root=f"a.py\n{pattern}") == ["x/b.py"]


def test_look_around_hides_from_airflow_3():
    assert read(REGEXP_3, "a.py", "b.py", root="^(?!a)") == ["a.py"]


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "a{2}{3}", "x(?i)a"])
def test_an_expression_that_is_none_is_ignored_and_told(pattern):
    (problem,) = ignore_problems(folder("a.py", root=f"x\n{pattern}"), REGEXP_3)

    assert read(REGEXP_3, "a.py", root=f"x\n{pattern}") == ["a.py"]
    assert (problem.file, problem.line, problem.pattern) == (".airflowignore", 2, pattern)
    assert "Airflow ignores the line" in problem.text


@pytest.mark.parametrize("pattern", ["!", "a\\", "[b-a]"])
def test_a_glob_that_is_none_stops_airflow_and_is_told(pattern):
    (problem,) = ignore_problems(folder("a.py", x=pattern), GLOB)

    assert (problem.file, problem.line) == ("x/.airflowignore", 1)
    assert "cannot list any DAG file" in problem.text
    assert read(GLOB, "x/a.py", x=pattern) == ["x/a.py"]


def test_the_reason_names_the_ignore_file_the_line_and_the_pattern():
    reasons = why(GLOB, "a.py", "x/a.py", "x/y/b.py", "x/y/z/c.py", root="# none\na.py", x="y/ # all")

    assert reasons == {
        "a.py": "line 2 of .airflowignore, a.py hides it",
        "x/a.py": "line 2 of .airflowignore, a.py hides it",
        "x/y/b.py": "line 1 of x/.airflowignore, y/ hides its folder x/y/",
        "x/y/z/c.py": "line 1 of x/.airflowignore, y/ hides its folder x/y/",
    }


@pytest.mark.parametrize(
    ("words", "two", "three"),
    [
        ({"airflow", "dag"}, "", ""),
        ({"airflow", "asset"}, "dag", ""),
        ({"airflow"}, "dag", "dag or asset"),
        ({"dag"}, "airflow", "airflow"),
        ({"asset"}, "airflow nor dag", "airflow"),
        (set(), "airflow nor dag", "airflow nor dag or asset"),
    ],
)
def test_safe_mode_looks_for_words(words, two, three):
    one = LocalFolder("dags", files=(LocalFile("a.py", words=frozenset(words)),))

    for reading, missing in ((REGEXP, two), (GLOB, three)):
        reasons = [reason for _, reason in hidden(one, reading)]
        assert reasons == ([f"safe mode leaves it out: it does not mention {missing}"] if missing else [])
        assert bool(dag_files(one, reading)) is not bool(missing)


def test_without_safe_mode_and_in_archives_no_words_are_needed():
    archive = LocalFile("a.zip", archive=True)

    assert dag_files(LocalFolder("dags", files=(archive,)), REGEXP) == (archive,)
    assert dag_files(
        LocalFolder("dags", files=(LocalFile("a.py"),)), Reading(glob=True, assets=True, safe_mode=False)
    )


def test_every_file_is_read_or_told_why_not():
    chance = random.Random(1)  # noqa: S311 - patterns, no secrets
    names = ["a.py", "x/a.py", "x/y/a.py", "x/y/b.py", "b/a.py"]
    for _ in range(300):
        pattern = "".join(chance.choices("ab*/!?[]xy.\n", k=6))
        for reading in (GLOB, REGEXP):
            one = folder(*names, root=pattern, x=pattern[::-1])
            both = [*dag_files(one, reading), *(file for file, _ in hidden(one, reading))]

            assert sorted(file.name for file in both) == sorted(names)


def test_a_folder_a_thousand_deep_is_walked():
    deep = "/".join("d" * 1500)

    assert read(GLOB, f"{deep}/a.py", root="b") == [f"{deep}/a.py"]
