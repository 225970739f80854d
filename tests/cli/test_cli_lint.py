"""`mwaa-gate lint`, the whole command: what it reads, how it ends, and what it never does."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import pytest

from validator.lint.codes import Code

DAG = "from airflow import DAG\nwith DAG({!r}):\n    pass\n"
ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "lint.schema.json").read_text("utf-8"))


@pytest.fixture
def dags(tmp_path):
    """Writes DAG files, each with the id that it defines or its text; gives the folder's name."""

    def go(**files):
        (tmp_path / "dags").mkdir(exist_ok=True)
        for name, text in files.items():
            path = tmp_path / "dags" / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text if "\n" in text else DAG.format(text))
        return "dags"

    return go


def test_all_is_well(gate, manifest, dags):
    ended = gate("lint", manifest(), "--dags-folder", dags(etl="etl"))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(
        "All is well. Looked at 1 manifest and 1 file of dags, as Airflow 2 and 3 would read them"
    )


def test_an_error_fails_and_a_warning_only_if_strict(gate, manifest, dags, tmp_path):
    folder = dags(etl="etl", old="old")
    assert gate("lint", manifest("version: 1\ndags: [nowhere]\n"), "--dags-folder", folder).code == 1
    (tmp_path / "dags" / ".airflowignore").write_text("old")
    assert gate("lint", manifest(), "--dags-folder", folder).code == 0
    assert gate("lint", manifest(), "--dags-folder", folder, "--strict").code == 1


def test_a_wrong_manifest_is_exit_2_with_every_line_in_every_format(gate, manifest, dags):
    path, folder = manifest("version: 1\ndags: [a, a]\nnonsense: 1\n"), dags(etl="etl", copy="etl")
    for file_format in ("text", "json", "github"):
        ended = gate("lint", path, "--dags-folder", folder, "--format", file_format)
        assert ended.code == 2
        assert ended.out.count("manifest-invalid") == 2 * (2 if file_format == "github" else 1)
        assert "defined-twice" in ended.out, "the folder is told all the same"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to look at"),
        (["--dags-folder", ""], "--dags-folder is empty"),
        (["m.yaml", "--dags-prefix", "x"], "--dags-prefix"),
        (["m.yaml", "--airflow", "1"], "--airflow"),
        (["m.yaml", "--airflow", "3.0.6"], "--airflow"),
        (["m.yaml", "--format", "xml"], "--format"),
        (["m.yaml", "--nonsense"], "--nonsense"),
    ],
)
def test_a_command_line_that_is_none(gate, arguments, words):
    ended = gate("lint", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["missing.yaml"], "manifest-invalid"),
        (["."], "manifest-invalid"),
        ([""], "manifest-invalid"),
        (["--dags-folder", "missing"], "folder-unreadable"),
        (["--dags-folder", "empty"], "folder-empty"),
        (["--dags-folder", "gate.yaml"], "folder-unreadable"),
        (["--dags-folder", "empty", "--dags-prefix", "../x"], "folder-unreadable"),
        (["gate.yaml", "--dags-folder", "empty"], "folder-empty"),
    ],
)
def test_what_cannot_be_looked_at_never_passes(gate, manifest, tmp_path, arguments, code):
    manifest(name="gate.yaml")
    (tmp_path / "empty").mkdir()
    ended = gate("lint", *arguments, "--format", "json")
    assert ended.code == 2
    told = json.loads(ended.out)
    assert told["exit_code"] == 2
    assert code in [one["code"] for one in told["problems"]]


def test_json_keeps_its_schema(gate, manifest, dags):
    ended = gate(
        "lint", manifest("version: 1\ndags: [elt]\n"), "--dags-folder", dags(etl="etl"), "--format", "json"
    )
    told = json.loads(ended.out)
    jsonschema_rs.validator_for(SCHEMA).validate(told)
    assert (ended.code, told["exit_code"], told["counts"]) == (1, 1, {"error": 1, "warning": 0, "note": 0})
    assert told["problems"][0]["dag_id"] == "elt"
    assert told["looked_at"]["dags_folder"] == "dags"
    assert (told["looked_at"]["files"], told["looked_at"]["dags"]) == (1, 1)


def test_github_gets_annotations_at_files_of_the_workspace(gate, manifest, dags, clean, tmp_path):
    (tmp_path / "repo").mkdir()
    clean.setenv("GITHUB_WORKSPACE", str(tmp_path))
    clean.chdir(tmp_path / "repo")
    manifest("version: 1\ndags: [nowhere]\n")
    dags(a="x = (\n", b="etl")
    ended = gate("lint", "../manifest.yaml", "--dags-folder", "../dags", "--format", "github")
    assert re.findall(r"^::(\w+) file=([^,]+),line=(\d+)", ended.out, re.MULTILINE) == [
        ("error", "dags/a.py", "1"),
        ("error", "manifest.yaml", "2"),
    ]
    assert "../manifest.yaml:2: error: " in ended.out


def test_only_the_github_format_annotates(gate, manifest, clean):
    clean.setenv("GITHUB_ACTIONS", "true")
    path = manifest("version: 2\n")
    for file_format in ("text", "json"):
        assert "::error" not in gate("lint", path, "--format", file_format).out


def test_names_and_contents_that_a_log_would_obey_are_inert(gate, dags, tmp_path):
    folder = tmp_path / dags(etl="etl")
    for name in ("::error title=x::y.py", "\x1b[31mred.py", "a\n::error::b.py", "##[group]c.py"):
        (folder / name.replace("/", "_")).write_text("from airflow import DAG\n\x1b]0;x\x07 ::error::y (")
    (folder / ".airflowignore").write_text("##[x\n*\x1b[2J::error::(\n(\x1b[2J\u2028::error::z\n")
    with_surrogate = os.fsencode(folder) + b"/\xff.py"
    Path(os.fsdecode(with_surrogate)).write_text("x = (\n")
    for root in ("dags", str(folder)):
        for file_format in ("text", "json"):
            ended = gate("lint", "--dags-folder", root, "--format", file_format)
            assert ended.code == 1, ended.err
            lines = re.split("[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]", ended.out + ended.err)
            assert not [line for line in lines if line.strip().startswith("::") or "##[" in line]
            assert "\x1b" not in ended.out
    (folder / "plain").mkdir()
    os.chdir(folder)
    ended = gate("lint", "--dags-folder", ".")  # names stand at the lines' start
    assert not [line for line in ended.out.splitlines() if line.strip().startswith("::")]


def test_options_have_variables_and_a_manifest_may_have_a_blank_in_its_name(gate, manifest, dags, clean):
    clean.setenv(
        "MWAA_GATE_MANIFEST", manifest("version: 1\ndags: [{dag_id: etl, file: team/a.py}]\n", "my gate.yaml")
    )
    clean.setenv("MWAA_GATE_DAGS_FOLDER", dags(a="etl"))
    clean.setenv("MWAA_GATE_DAGS_PREFIX", "team")
    clean.setenv("MWAA_GATE_AIRFLOW", "2")
    clean.setenv("MWAA_GATE_STRICT", "1")
    clean.setenv("MWAA_GATE_FORMAT", "json")
    ended = gate("lint")
    assert ended.code == 0
    looked = json.loads(ended.out)["looked_at"]
    assert looked["manifests"][0].endswith("my gate.yaml")
    assert (looked["dags_prefix"], looked["airflow"]) == ("team", [2])


def test_several_manifests_and_one_twice(gate, manifest, dags):
    one, two = manifest(name="one.yaml"), manifest("version: 1\ndags: [nowhere]\n", "two.yaml")
    ended = gate("lint", one, two, two, "--dags-folder", dags(etl="etl"))
    assert ended.code == 1
    assert ended.out.count("dag-undefined") == 1
    assert "2 manifests" in ended.out


def test_the_manifest_says_which_airflow(gate, manifest, dags, tmp_path):
    dags(a="etl", b="other")
    (tmp_path / "dags" / ".airflowignore").write_text("a[.]py$\n")
    for version, code in (("2.10.5", 1), ("3.0.6", 0)):
        path = manifest(f'version: 1\ndags: [etl]\nmwaa: {{airflow_version: "{version}"}}\n')
        ended = gate("lint", path, "--dags-folder", "dags")
        assert ended.code == code, ended.out
        assert f"as Airflow {version[0]} would" in ended.out
    assert gate("lint", path, "--dags-folder", "dags", "--airflow", "2").code == 1, (
        "the command line goes before it"
    )


def test_nothing_is_called_imported_or_run(gate, manifest, dags, clean, tmp_path):
    def refuse(*_):
        pytest.fail("a socket was opened")

    clean.setattr(socket, "socket", refuse)
    clean.setattr(subprocess, "Popen", refuse)
    before = set(sys.modules)
    mark = f"open({str(tmp_path / 'ran')!r}, 'w')\n"
    folder = dags(etl=DAG.format("etl") + mark, helper=mark, conftest=mark)
    assert gate("lint", manifest(), "--dags-folder", folder).code == 0
    assert not (tmp_path / "ran").exists()
    assert not {
        name
        for name in set(sys.modules) - before
        if name.split(".")[0] in ("etl", "helper", "boto3", "botocore")
    }


def test_it_starts_without_what_only_calls_need(child, manifest, dags, tmp_path):
    script = (
        "import sys; from validator.__main__ import run; code = run(sys.argv[1:]); "
        "bad = {'boto3', 'botocore', 'urllib3', 'rich', 'jinja2', 'ruamel'} & set(sys.modules); "
        "sys.exit(f'{bad}' if bad else code)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, "lint", manifest(), "--dags-folder", dags(etl="etl")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def test_a_closed_stdout_does_not_change_the_exit_code(child, manifest, dags):
    reader, writer = os.pipe()
    os.close(reader)
    one = child(
        "lint", manifest("version: 1\ndags: [nowhere]\n"), "--dags-folder", dags(etl="etl"), stdout=writer
    )
    os.close(writer)
    ended = one.end()
    assert (ended.code, ended.err) == (1, "")


def test_the_same_files_give_the_same_words(gate, manifest, dags):
    arguments = (
        "lint",
        manifest("version: 1\ndags: [x, y]\n"),
        "--dags-folder",
        dags(a="one", b="one", sub__c="two"),
    )
    assert gate(*arguments).out == gate(*arguments).out
    assert {code for code in Code if str(code) in gate(*arguments).out} == {
        Code.DAG_UNDEFINED,
        Code.DEFINED_TWICE,
    }
