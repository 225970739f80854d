"""Bombs, binary files and files that are none end in a clear error, and soon."""

import time
from pathlib import Path

import pytest
import yaml

from validator.errors import ManifestError
from validator.manifest import load_manifest, nodes, parse_manifest

HEAD = b"version: 1\n"


SOON = 4
"""Seconds of CPU: the worst takes one on Python 3.11, two on 3.10, and without bounds it would take minutes."""


def problems(data, environ=None):
    """What is wrong with `data`, which must be told within four seconds of CPU."""
    started = time.process_time()
    with pytest.raises(ManifestError) as caught:
        parse_manifest(data, "manifest.yaml", environ or {})
    assert time.process_time() - started < SOON
    return caught.value.problems


def laughs(levels):
    lines = [b"a0: &a0 [l, l, l, l, l, l, l, l, l]"]
    lines += [b"a%d: &a%d [%s]" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, levels)]
    return b"\n".join(lines)


@pytest.fixture(params=["C", "Python"])
def parser(request, monkeypatch):
    if request.param == "Python":
        monkeypatch.setattr(nodes, "_LOADER", yaml.SafeLoader)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 10_000,
        b"[" * 10_000 + b"]" * 10_000,
        b"{a: " * 10_000,
        b"- " * 10_000,
        b"? " * 10_000,
        b"[" * 1_000_000,
        b"a0: &a0 [x]\n" + b"".join(b"a%d: &a%d [*a%d]\n" % (n, n, n - 1) for n in range(1, 900)),
    ],
    ids=["open", "closed", "mappings", "dashes", "keys", "a million", "through aliases"],
)
def test_deep_nesting_is_refused(data, parser):
    assert any("nested deeper than 32 levels" in problem for problem in problems(data))


@pytest.mark.parametrize("levels", [7, 30])
def test_a_billion_laughs_are_refused(levels, parser):
    assert "more than 200,000 values" in problems(laughs(levels))[-1]


def test_a_thousand_aliases_are_enough(parser):
    assert problems(HEAD + b"dags: [&a x" + b", *a" * 1_001 + b"]") == (
        "line 2: more than 1,000 aliases; write the values out",
    )


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "line 1: the manifest is empty; begin it with version: 1"),
        (b"---\n", "line 1: the manifest is empty; begin it with version: 1"),
        (
            b"version: 1\n\0",
            "line 2: the character U+0000 may not stand in a YAML file; is this a binary file?",
        ),
        (
            b"version: 1\n# \x1b[31m",
            "line 2: the character U+001B may not stand in a YAML file; is this a binary file?",
        ),
        (b"version: 1\n# caf\xe9", "line 2: not UTF-8 text; save the file as UTF-8"),
        ("version: 1".encode("utf-16"), "line 1: not UTF-8 text; save the file as UTF-8"),
        (b"\x7fELF\x02\x01\xff", "line 1: not UTF-8 text; save the file as UTF-8"),
        (b"a" * 10_000_000, "the file is larger than 1 MiB, so it is no manifest"),
        (b"42", "line 1: the manifest is a number; it must be a mapping that begins with version: 1"),
    ],
    ids=["empty", "only ---", "NUL", "escape", "latin-1", "utf-16", "binary", "10 MB", "a number"],
)
def test_what_is_no_manifest_is_refused(data, problem):
    assert problems(data) == (problem,)


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"dags: [" + b"3," * 190_000 + b"]",
        HEAD + b"health: {require: [" + b"3," * 190_000 + b"]}",
        HEAD + b"dags:\n" + b"- {q: 1}\n" * 19_000,
        HEAD + b"".join(b"k%d: 1\n" % n for n in range(60_000)),
        HEAD + b"gate: {timeout: " + b"9" * 1_000_000 + b"s}",
        HEAD + b"dags: [{dag_id: x, file: '" + b"a/" * 500_000 + b"'}]",
        HEAD + b"dags: ['" + b"[" * 1_000_000 + b"']",
        HEAD + b"dags:\n" + b"".join(b"- {dag_id: d%d, tags: [%s]}\n" % (n, b"3," * 990) for n in range(195)),
        HEAD + b"dags:\n" + b"".join(b"- {dag_id: d%d, tags: [%s]}\n" % (n, b"x," * 990) for n in range(195)),
        HEAD + b"dags:\n" + b"- &a {dag_id: d, tasks: [" + b"3," * 4_990 + b"]}\n" + b"- *a\n" * 38,
        HEAD + b"dags:\n- {dag_id: d, tasks: [" + b"3," * 190_000 + b"]}\n",
        HEAD + b"dags:\n" + b"- {dag_id: 3, tags: 3, schedule: 3, file: 3, tasks: 3, owners: 3}\n" * 15_000,
        HEAD + b"dags:\n" + b"- {pattern: x, dag_id: x, tags: [], schedule: x}\n" * 19_000,
        HEAD + b"connections: [" + b"{conn_id: 3, a: 1}," * 19_000 + b"]",
        HEAD + b"pools: [" + b"3," * 19_000 + b"]\nvariables: [" + b"3," * 19_000 + b"]",
        HEAD + b"dags: [{dag_id: d, schedule: '" + b" " * 1_000_000 + b"x'}]",
        HEAD + b"dags: [{dag_id: d, tags: ['" + b"a " * 500_000 + b"']}]",
        HEAD + b"dags: [{dag_id: d, description: '" + b"a " * 500_000 + b"'}]",
    ],
    ids=[
        "numbers",
        "components",
        "wrong entries",
        "unknown keys",
        "long duration",
        "long path",
        "long id",
        "tags",
        "the same tag",
        "tasks through aliases",
        "tasks",
        "attributes",
        "patterns",
        "connections",
        "pools and variables",
        "long schedule",
        "long tag",
        "long description",
    ],
)
def test_very_wrong_manifests_are_told_soon_and_in_short(data):
    told = problems(data)
    assert len(told) <= 51
    assert all(len(problem) < 400 for problem in told)


def test_fifty_problems_are_shown_and_the_rest_is_counted():
    told = problems(HEAD + b"dags:\n" + b"- 3\n" * 60)
    assert len(told) == 51
    assert told[-1] == "… and 10 more"
    assert told[0].startswith("line 3: ")
    assert told[49].startswith("line 52: ")


def test_ten_thousand_dags_are_a_usual_day():
    entries = b"".join(
        b"- {dag_id: dag_%d, file: etl/dag_%d.py, paused: false}\n" % (n, n) for n in range(10_000)
    )
    started = time.process_time()
    manifest = parse_manifest(HEAD + b"dags:\n" + entries, "manifest.yaml", {})
    assert time.process_time() - started < SOON
    assert len(manifest.dags) == 10_000


def test_thousands_of_dags_with_attributes_are_one_too():
    entries = b"".join(
        b"- {dag_id: dag_%d, schedule: '@daily', tags: [a, 'r:%d'], owners: [o], tasks: [x, y]}\n" % (n, n)
        for n in range(6_000)
    )
    started = time.process_time()
    manifest = parse_manifest(HEAD + b"dags:\n" + entries, "manifest.yaml", {})
    assert time.process_time() - started < SOON
    assert len(manifest.dags) == 6_000
    assert manifest.dags[5_999].tags == ("a", "r:5999")


@pytest.mark.parametrize("index", [0, 1_999, 2_000, 2_001, 4_321, 8_999])
def test_a_wrong_entry_is_named_by_its_place_wherever_it_stands(index):
    entries = [b"- dag_%d" % n for n in range(9_000)]
    entries[index] = b"- {dag_id: a, tags: []}"
    assert problems(HEAD + b"dags:\n" + b"\n".join(entries)) == (
        (
            f"line {index + 3}: dags[{index}].tags: is empty; "
            "it must be a list of at least one tag, such as [team:data]"
        ),
    )


def test_a_long_list_beside_other_keys_hides_nothing():
    variables = b"variables: [" + b", ".join(b"v%d" % n for n in range(2_500)) + b"]\n"
    told = problems(variables + b"dags: [a b]\ndgas: []\n")
    assert told == (
        "line 1: the key 'version' is missing; it must be 1, the only version that there is",
        "line 1: variables: has 2,500 entries; at most 1,000 are possible",
        (
            "line 2: dags[0]: is the text 'a b'; "
            "it must be a DAG id: 1 to 250 letters, digits, dashes, dots and underscores"
        ),
        "line 3: unknown key 'dgas'; did you mean dags?",
    )


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(ManifestError) as caught:
        load_manifest(tmp_path / "none.yaml", {})
    assert "there is no such file" in caught.value.problems[0]


def test_a_directory_says_so(tmp_path):
    with pytest.raises(ManifestError) as caught:
        load_manifest(str(tmp_path), {})
    assert "this is a directory" in caught.value.problems[0]


def test_a_file_that_may_not_be_read_says_so(monkeypatch):
    def refuse(path, mode):  # root, as in a container, could read any file
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ManifestError) as caught:
        load_manifest("manifest.yaml", {})
    assert "may not be read" in caught.value.problems[0]


@pytest.mark.parametrize("path", ["a\0b", "x" * 5_000, "manifest.yaml/x\ud800"])
def test_a_path_that_cannot_be_is_no_traceback(path):
    with pytest.raises(ManifestError):
        load_manifest(path, {})


def test_a_large_file_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "manifest.yaml"
    with path.open("wb") as file:
        file.truncate(20 << 30)  # sparse: reading it all would take the memory
    started = time.process_time()
    with pytest.raises(ManifestError) as caught:
        load_manifest(path, {})
    assert time.process_time() - started < SOON
    assert caught.value.problems == ("the file is larger than 1 MiB, so it is no manifest",)


@pytest.mark.parametrize("ends", ["", "\n", "\n\n  \n"])
@pytest.mark.parametrize("breaks", ["\n", "\r\n", "\r", "\x85", "\u2028"])
@pytest.mark.parametrize("last", ["dags: [a", "dags: [nul.nan", 'dags: ["a', "dags: {a: b"])
def test_a_file_that_ends_too_early_is_told_at_its_last_line(last, breaks, ends):
    (problem,) = problems(f"version: 1{breaks}{last}{ends}".encode())
    assert problem.startswith("line 2: not YAML: ")
