"""A pipeline's artifact, read in memory: it says what the same files on a disk say."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import time
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validator.errors import UsageError
from validator.local.digest import digests
from validator.local.scan import MAX_SOURCE, read_folder
from validator.serverless.artifact import Artifact

DAG = b"from airflow import DAG\nwith DAG('x'):\n    pass\n"
MIB = 1 << 20


def pack(files, method=zipfile.ZIP_DEFLATED):
    """A zip archive of these files; a name that ends with a slash is a folder."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def opened(files, **options):
    return Artifact.open(pack(files, **options), "Build")


def cut(data):
    return b"oops" + data[4:]


NASTY = {
    "plain.py": DAG,
    "a/b/c/deep.py": DAG,
    "a/b/c/.airflowignore": b"x\r\ny",
    ".airflowignore": b"# nothing\n*.md\n",
    "an_ignore_folder/.airflowignore/": b"",
    "an_empty_folder/": b"",
    "empty.py": b"",
    "bom.py": b"\xef\xbb\xbffrom airflow import DAG\r\nb\rc\n",
    "latin.py": b"# coding: latin-1\n# \xe9\nfrom airflow import DAG\nd = DAG('y')\n",
    "no_python.py": b"import airflow.dag\nx = (\n",
    "no_text.py": b"\xff\x00 airflow dag",
    "no_words.py": b"x = (",
    "deep_nesting.py": b"import airflow.dag\nx = " + b"(" * 5_000,
    "huge.py": bytes(MAX_SOURCE - 3) + b"airflow" + bytes(3 * MAX_SOURCE) + b"DAG",
    "UPPER.PY": DAG,
    ".py": DAG,
    "é/naïve ☃.py": DAG,
    "with space/and 'quotes'.py": DAG,
    "line\nbreak.py": DAG,
    "good.zip": pack({"dag.py": DAG, "inner/dag.py": DAG}),
    "good_without_a_name_for_it": pack({"dag.py": DAG}),
    "helpers.zip": pack({"helper.py": b"from airflow import DAG\n", "sheet.xml": b"airflow dag"}),
    "compiled.whl": pack({"dag.pyc": b"\0airflow\0DAG"}),
    "nothing.zip": pack({}),
    "broken.zip": cut(pack({"dag.py": DAG})),
    "archive.py": pack({"dag.py": DAG}),
    "odd.zip": pack({"odd.py": b"airflow dag ("}),
    "bomb.zip": pack({"dag.py": b"#" * (10 * MAX_SOURCE) + b"airflow dag"}),
    "data.csv": bytes(range(251)) * 40_000,  # 10 MB: S3 may hold it in parts
    "notes.txt": b"airflow dag",
    ".git/config": b"x",
    "a/__pycache__/b.cpython-311.pyc": b"airflow dag",
    ".DS_Store": b"x",
}


def says_the_same(files, path, exclude=(), **options):
    """Compare the artifact with the tree that it extracts to."""
    data = pack(files, **options)
    artifact = Artifact.open(data, "Build")
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            archive.extractall(folder)
        root = Path(folder) / path
        assert replace(artifact.folder(path, "team/"), root="") == replace(read_folder(root, "team"), root="")
        try:
            expected = digests(str(root), exclude)
        except UsageError:
            with pytest.raises(UsageError, match="no file in"):
                artifact.digests(path, exclude)
        else:
            assert artifact.digests(path, exclude) == expected


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
@pytest.mark.parametrize("path", ["", "repo/dags"])
def test_a_nasty_tree_says_what_it_says_on_a_disk(path, method):
    files = {f"{path}/{name}".lstrip("/"): data for name, data in NASTY.items()}
    says_the_same(files, path, method=method)


def test_each_file_of_the_nasty_tree_was_looked_at():
    found = opened(NASTY).folder("", "")
    archives = {file.name for file in found.files if file.archive}
    assert archives == {
        name for name in NASTY if name.endswith((".zip", ".whl")) or name.startswith("good")
    } | {"archive.py"}
    assert {file.name for file in found.files if file.problem} == {
        "archive.py",
        "broken.zip",
        "deep_nesting.py",
        "huge.py",
        "no_python.py",
        "no_text.py",
    }
    assert set(found.ignores) == {"", "a/b/c"}


steps = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\\0:", exclude_categories=("Cs",)),
    min_size=1,
    max_size=5,
).filter(lambda step: step not in (".", ".."))
names = st.one_of(
    st.sampled_from(["a.py", "b.py", ".airflowignore", "x.zip", "data", "__pycache__/a.pyc"]),
    st.lists(steps, min_size=1, max_size=3).map("/".join),
)
contents = st.one_of(
    st.sampled_from([DAG, b"", b"import airflow\n# dag (\n", pack({"dag.py": DAG}), b"a\r\nb"]),
    st.binary(max_size=60),
)


def is_a_tree(files):
    """Whether no name is a file and a folder at once, also where a disk's names are short."""
    folders = {name[: at + 1] for name in files for at, sign in enumerate(name) if sign == "/"}
    return not any(f"{name}/" in folders for name in files)


@given(
    st.dictionaries(names, contents, max_size=6).filter(is_a_tree),
    st.lists(st.sampled_from(["*.py", "**/data", "x.zip", "a/**"]), max_size=2),
)
def test_any_tree_says_what_it_says_on_a_disk(files, exclude):
    ignores = {
        name: b"\\.md" for name in files if name.endswith(".airflowignore")
    }  # no UTF-8 ends both, see below
    says_the_same(
        {f"dags/{name}": data for name, data in {**files, **ignores}.items()} | {"dags/": b""},
        "dags",
        exclude,
    )


def test_an_ignore_file_that_is_not_utf_8_stops_airflow_and_us():
    with pytest.raises(UsageError, match=r"dags/\.airflowignore in the artifact Build is not UTF-8"):
        opened({"dags/.airflowignore": b"a\xff"}).folder("dags", "")


def test_the_root_is_the_path_in_the_artifact():
    artifact = opened({"repo/dags/a.py": DAG})
    assert artifact.folder("./repo//dags/", "").root == "repo/dags"
    assert artifact.folder(".", "").root == ""
    assert artifact.folder("repo/dags", "").path("a.py") == "repo/dags/a.py"


def test_a_prefix_stays_in_the_dags_folder():
    with pytest.raises(UsageError, match="out of the DAGs folder"):
        opened({"dags/a.py": DAG}).folder("dags", "../b")


def test_names_that_begin_with_a_dot_and_a_slash_are_plain_ones():
    artifact = opened({"./": b"", "./dags/a.py": DAG, "././gate.yaml": b"version: 1"})
    assert [file.name for file in artifact.folder("dags", "").files] == ["a.py"]
    assert artifact.read("gate.yaml", 100) == b"version: 1"


def test_names_that_differ_in_case_are_two():
    artifact = opened({"dags/a.py": DAG, "dags/A.py": b""})
    assert [one.name for one in artifact.digests("dags")] == ["A.py", "a.py"]


def test_an_archive_written_as_a_stream_in_zip64_is_one():
    class Pipe(io.RawIOBase):
        written = b""

        def write(self, data):
            self.written += bytes(data)
            return len(data)

        def writable(self):
            return True

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("dags/a.py", "w", force_zip64=True) as file:
            file.write(DAG)
        archive.comment = b"0123456789abcdef PK\x05\x06 not the end"
    artifact = Artifact.open(pipe.written, "Build")
    assert artifact.read("dags/a.py", 100) == DAG


def test_the_manifest_is_read_up_to_its_limit():
    artifact = opened({"ops/gate.yaml": b"version: 1"})
    assert artifact.read("ops/gate.yaml", 10) == b"version: 1"
    with pytest.raises(
        UsageError, match=r"'ops/gate.yaml' in the artifact Build is 10 bytes large, and at most 9"
    ):
        artifact.read("ops/gate.yaml", 9)


@pytest.mark.parametrize(
    ("path", "says", "advises"),
    [
        ("ops/gate.yml", "there is no 'ops/gate.yml' in the artifact Build", "Did you mean 'ops/gate.yaml'?"),
        (
            "gate.yaml",
            "there is no 'gate.yaml'",
            "Did you mean 'ops/gate.yaml'? Its root holds 'ops/', 'z.txt'.",
        ),
        ("none/of/it", "there is no 'none/of/it'", "Its root holds 'ops/', 'z.txt'."),
        ("ops/gate.yaml/x", "there is no 'ops/gate.yaml/x'", "Its folder 'ops' holds 'f0', "),
        ("ops", "'ops' is a folder of the artifact Build", "Its folder 'ops' holds 'f0', "),
        ("", "'' is a folder", "Its root holds"),
        ("/ops/gate.yaml", "is no path in the artifact", "no `..`"),
        ("../gate.yaml", "is no path in the artifact", "no `..`"),
        ("ops\\gate.yaml", "is no path in the artifact", "forward slashes"),
        ("c:gate.yaml", "is no path in the artifact", "forward slashes"),
        ("ops/gate\0.yaml", "is no path in the artifact", "forward slashes"),
    ],
)
def test_a_manifest_that_is_not_there_is_told_with_what_is(path, says, advises):
    files = {"ops/gate.yaml": b"version: 1", "z.txt": b"", **{f"ops/f{at}": b"" for at in range(10)}}
    with pytest.raises(UsageError) as caught:
        opened(files).read(path, 100)
    assert says in caught.value.message
    assert advises in caught.value.advice


def test_only_a_few_names_are_told():
    files = {f"ops/f{at:05}": b"" for at in range(5_000)}
    with pytest.raises(UsageError) as caught:
        opened(files).read("ops/x", 100)
    assert "'f00007' and 4,992 more." in caught.value.advice


@pytest.mark.parametrize("ask", [lambda one: one.folder("dag", ""), lambda one: one.digests("dag")])
def test_a_folder_that_is_not_there_is_told_with_what_is(ask):
    with pytest.raises(UsageError, match="there is no 'dag'") as caught:
        ask(opened({"dags/a.py": DAG}))
    assert caught.value.advice == "Did you mean 'dags'? Its root holds 'dags/'."


@pytest.mark.parametrize(
    "ask", [lambda one: one.folder("dags/a.py", ""), lambda one: one.digests("dags/a.py")]
)
def test_a_file_is_no_folder(ask):
    with pytest.raises(
        UsageError, match=r"'dags/a\.py' is a file of the artifact Build, and a folder is needed"
    ):
        ask(opened({"dags/a.py": DAG}))


def test_an_artifact_without_files_says_so():
    with pytest.raises(UsageError, match=r"there is no 'gate\.yaml'") as caught:
        opened({}).read("gate.yaml", 100)
    assert "Its root holds nothing." in caught.value.advice


def test_a_folder_that_is_left_out_as_a_whole_names_the_setting():
    with pytest.raises(UsageError, match="no file in the folder dags of the artifact Build") as caught:
        opened({"dags/a.py": DAG}).digests("dags", ["**"])
    assert "s3_exclude" in caught.value.advice
    assert "--" not in caught.value.advice


def test_five_thousand_files_take_little_beyond_looking_into_them():
    text = DAG + b"# " + b"what a file of five kilobytes holds besides code\n# " * 100
    data = pack({f"dags/team_{at % 50}/dag_{at}.py": text + str(at).encode() for at in range(5_000)})
    began = time.process_time()
    artifact = Artifact.open(data, "Build")
    found, weighed = artifact.folder("dags", ""), artifact.digests("dags")
    spent = time.process_time() - began
    assert len(found.files) == len(weighed) == 5_000
    assert spent < 6


def test_one_file_at_a_time_is_inflated():
    text = b"".join(b"%d,%x\n" % (at, at * 7919) for at in range(100_000))
    data = pack({f"dags/{at}.csv": text for at in range(8)})
    tracemalloc.start()
    try:
        artifact = Artifact.open(data, "Build")
        artifact.folder("dags", "")
        artifact.digests("dags")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(text) + MIB


def test_nothing_is_written():
    program = """if True:
        import os, sys
        from validator.serverless.artifact import Artifact

        def forbid(event, args):
            writes = event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            if writes or event in ("os.mkdir", "os.rename", "os.link", "os.symlink", "tempfile.mkstemp", "tempfile.mkdtemp"):
                print(event, args)
                os._exit(1)

        data = sys.stdin.buffer.read()
        sys.addaudithook(forbid)
        artifact = Artifact.open(data, "Build")
        print(len(artifact.folder("", "").files), len(artifact.digests("")), len(artifact.read("plain.py", 1000)))
        try:
            open(sys.argv[1], "w")
        finally:
            print("the hook does not work")
    """
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-B", "-c", program, f"{folder}/x"],
            input=pack(NASTY),
            capture_output=True,
            check=False,
        )
        assert not any(Path(folder).iterdir())
    first, second = done.stdout.decode().splitlines()
    assert first == f"{len(opened(NASTY).folder('', '').files)} {len(opened(NASTY).digests(''))} {len(DAG)}"
    assert second.startswith("open (")
