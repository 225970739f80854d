"""What a lint says of any folder, held against what can be said of it by hand."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validator.errors import ManifestError
from validator.lint.codes import MEANINGS
from validator.lint.rules import Given, lint
from validator.lint.show import text
from validator.local.definitions import read_definitions
from validator.local.model import Definition, LocalFile, LocalFolder
from validator.manifest.places import parse_places

ANY = settings(max_examples=120, deadline=None)
WORDS = frozenset({"airflow", "dag"})
IDS = ["aa", "ab", "b", "c.d", "team_1", "team_2"]
NAMES = ["a.py", "b.py", "sub/a.py", "sub/c.py"]
LINES = ["a.py", "sub", "sub/", "/a.py", "*.py", "!b.py", "b[.]py", "sub/a.py$", "*", "!", "(", "# x"]


@st.composite
def files(draw):
    found = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1)):
        ids = draw(st.lists(st.sampled_from(IDS), max_size=3))
        certain = tuple(Definition(one, line) for line, one in enumerate(ids, 1))
        found.append(LocalFile(name, certain, computes=draw(st.integers(0, 5)) == 0, words=WORDS))
    return tuple(sorted(found, key=lambda file: file.name))


manifests = st.builds(
    lambda wanted, absent: ("version: 1\ndags:\n" + "".join(f"  - {one}\n" for one in wanted) + "absent:\n"
                            + "".join(f"  - {one}\n" for one in sorted(set(absent) - set(wanted)))),
    st.lists(st.sampled_from(IDS), unique=True, min_size=1, max_size=5),
    st.lists(st.sampled_from(IDS), unique=True, min_size=6, max_size=6),
)  # fmt: skip


def run(manifest, folder, version):
    placed = parse_places(manifest.encode(), "gate.yaml", {})
    return lint(Given(("gate.yaml",), (placed,), root="dags", folder=folder, version=version), python=(3, 14))


def at(result):
    """The severities by line of the manifest."""
    return {one.line: str(one.severity) for one in result.problems if one.file == "gate.yaml"}


@ANY
@given(files(), st.sets(st.sampled_from(NAMES)), manifests)
def test_every_entry_is_judged_as_it_can_be_by_hand(found, hidden, manifest):
    folder = LocalFolder("dags", "", found, {"": "".join(f"/{name}\n" for name in sorted(hidden))})
    read = [file for file in found if file.name not in hidden]
    defined = [one.dag_id for file in read for one in file.certain]
    unsure = any(file.computes for file in read)

    result = run(manifest, folder, 3)

    expected, absent = {}, False
    for line, written in enumerate(manifest.splitlines(), 1):
        absent = absent or written == "absent:"
        dag_id = written.removeprefix("  - ")
        if dag_id == written:
            continue
        if absent and dag_id in defined:
            expected[line] = "error"
        elif not absent and dag_id not in defined:
            expected[line] = "warning" if unsure else "error"
    assert at(result) == expected
    twice = {one for one in defined if defined.count(one) > 1}
    assert {one.dag_id for one in result.problems if one.code == "defined-twice"} == twice
    bad = twice or "error" in expected.values()
    assert result.exit_code == (1 if bad else 0)


@ANY
@given(files(), st.lists(st.sampled_from(LINES), max_size=4), manifests)
def test_without_a_version_an_error_is_one_of_both_and_nothing_of_either_is_left_out(found, lines, manifest):
    folder = LocalFolder("dags", "", found, {"": "\n".join(lines)})
    two, three, both = (run(manifest, folder, version) for version in (2, 3, None))

    assert both.looked_at.versions == (2, 3)
    severe = {"error": 2, "warning": 1, "note": 0, None: -1}
    ones = [at(result) for result in (two, three)]
    for line in set(ones[0]) | set(ones[1]):
        worse = [severe[one.get(line)] for one in ones]
        if -1 in worse:  # it holds for one of them only
            assert severe[at(both)[line]] == min(max(worse), 1)
        else:
            assert severe[at(both)[line]] == min(worse)
    assert set(at(both)) == set(ones[0]) | set(ones[1])
    assert both.exit_code <= max(two.exit_code, three.exit_code)
    if not lines:
        assert both.problems == two.problems == three.problems


@ANY
@given(files(), st.lists(st.sampled_from(LINES), max_size=4), manifests, st.sampled_from([2, 3, None]))
def test_no_problem_is_worse_than_its_code_can_be(found, lines, manifest, version):
    folder = LocalFolder("dags", "", found, {"": "\n".join(lines)})
    result = run(manifest, folder, version)
    for one in result.problems:
        assert one.severity.rank >= MEANINGS[one.code].worst.rank
        assert one.message
    assert list(result.problems) == sorted(result.problems, key=lambda one: (one.file, one.line or 0))
    assert len(set(result.problems)) == len(result.problems), "nothing is told twice"


@pytest.mark.filterwarnings(
    "ignore::SyntaxWarning", "ignore::DeprecationWarning"
)  # of the comparison's own compile
@ANY
@given(
    st.binary(max_size=60) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.text(max_size=30),
    st.binary(max_size=60)
    | st.text(max_size=40).map(lambda text: b"version: 1\ndags:\n- " + text.encode("utf-8", "replace")),
)
def test_no_bytes_make_it_raise_and_what_it_says_is_plain(source, ignore, manifest):
    found = read_definitions(source)
    file = LocalFile("a.py", found.certain, found.computes, words=WORDS, problem=found.problem)
    folder = LocalFolder("dags", "", (file,), {"": ignore})
    try:
        given_manifest = {"manifests": (parse_places(manifest, "gate.yaml", {}),)}
    except ManifestError as error:
        given_manifest = {"wrong": (error,)}
    given = Given(("gate.yaml",), root="dags", folder=folder, read=lambda name: source, **given_manifest)

    result = lint(given, python=(3, 14))

    assert (result.exit_code == 2) is ("wrong" in given_manifest)
    for one in text(result).split("\n")[:-1]:
        assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029]", one)
    try:
        compile(source, "a.py", "exec", dont_inherit=True)
    except Exception:  # noqa: BLE001 - whatever it is
        assert any(one.code in ("syntax-error", "file-unchecked") for one in result.problems)
    else:
        assert not any(one.code == "syntax-error" for one in result.problems)
