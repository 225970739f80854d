"""`--dags-folder`: what the local files say is expected, proven and told, by the whole command."""

from __future__ import annotations

from pathlib import Path

import pytest
from worlds import file_of, text_of

from validator.sandbox.files import DagFile, SimDag
from validator.sandbox.rules import Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

VERSIONS = ("2.10.5", "3.0.6", "3.3.2")
FAST = ("--env", "sandbox", "--interval", "100ms", "--max-tps", "1000", "--grace", "300ms")
TELLS = {"core.min_serialized_dag_update_interval": "0", "core.min_serialized_dag_fetch_interval": "0"}


COMPUTED = (
    "from airflow import DAG\n\nfor name in open('names'):\n    globals()[name] = DAG(f'made_{name}')\n"
)


def made_file(*names):
    return DagFile(tuple(SimDag(f"made_{name}") for name in names), source=COMPUTED)


@pytest.fixture
def write(tmp_path):
    """Writes local files, each given as its text or as the id of a new DAG."""

    def go(folder="dags", **files):
        for name, text in files.items():
            path = tmp_path / folder / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text if "\n" in text else text_of(text))
        return folder

    return go


@pytest.fixture
def airflow(request):
    return getattr(request, "param", "3.0.6")


@pytest.fixture
def new_sandbox(airflow, clean, the_time):
    """Starts an environment that holds some files and parses them ten times a second."""
    running = []

    def go(files, *, airflow=airflow, tells=TELLS, **rules):
        quick = {
            "min_file_process_interval": 0.1,
            "dir_list_interval": 0.2,
            "loop": 0.05,
            "parse": (0.0, 0.01),
        }
        quick |= {"min_serialized_dag_update_interval": 0.0, "min_serialized_dag_fetch_interval": 0.0}
        world = World(Rules(airflow=airflow, **{**quick, **rules}), now=the_time.utc, files=files)
        one = Sandbox(Simulation(world, options=tells), calls_per_second=0, now=the_time.utc)
        one.start()
        running.append(one)
        clean.setenv("AWS_ENDPOINT_URL_MWAA", one.url)
        one.world = world
        return one

    yield go
    for one in running:
        one.close()


@pytest.fixture
def ago(the_time):
    return lambda seconds: ("--deployed-at", str(the_time.utc().timestamp() - seconds))


def judged(reports):
    return {one["id"]: (one["status"], one["reason"]) for one in reports.json["checks"]}


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
def test_without_a_manifest_every_dag_of_the_folder_is_expected_and_green(
    gate, ago, new_sandbox, write, reports, airflow
):
    new_sandbox({"etl.py": file_of("etl"), "sub/b.py": file_of("b"), "made.py": made_file("x", "y")})
    folder = write(etl="etl", sub__b="b", made=COMPUTED)
    (write(helper="LIMIT = 5\n"), write(tests="import pytest\n"))
    times = ("--sync", "0s", "--settle", "100ms", "--timeout", "10s", *ago(0.1))
    ended = gate("check", "--dags-folder", folder, *FAST, *times, *reports.options)
    assert ended.code == 0, ended.out
    told = judged(reports)
    names = {"dags/etl", "dags/etl/file", "dags/b", "dags/b/file", "files/made.py"}
    assert {name: told[name][0] for name in names} == dict.fromkeys(names, "passed")
    sources = {name: status for name, (status, _) in told.items() if name.partition("/")[0] == "sources"}
    if airflow == "2.10.5":
        assert sources == {"sources": "skipped"}
    else:
        assert sources == dict.fromkeys(("sources/etl.py", "sources/sub/b.py", "sources/made.py"), "passed")
    assert not [name for name in told if "helper" in name or "tests" in name]


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
def test_a_file_that_is_not_parsed_again_is_stale(gate, ago, new_sandbox, write, reports, airflow):
    new_sandbox({"etl.py": file_of("etl")}, min_file_process_interval=3600.0)
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "600ms", "--interval", "400ms", *ago(0.1))
    ended = gate("check", "--dags-folder", write(etl="etl"), *FAST, *times, *reports.options)
    assert ended.code == 1, ended.out
    told = judged(reports)
    assert told["dags/etl"] == ("failed", "dag-stale")
    assert airflow == "2.10.5" or told["sources/etl.py"][0] == "passed", (
        "the bytes are the old ones, which are the new ones"
    )


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
def test_a_file_that_never_arrives_is_told_at_its_local_path_and_line(
    gate, ago, new_sandbox, write, reports, airflow
):
    new_sandbox({"etl.py": file_of("etl")})
    folder = write(etl="etl", deep__er__brand="# a comment\n\n\n" + text_of("brand_new"))
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "1500ms", "--interval", "500ms", *ago(0.1))
    ended = gate("check", "--dags-folder", folder, *FAST, *times, *reports.options)
    assert ended.code == 1, ended.out
    red = {one["id"]: one for one in reports.json["checks"]}["dags/brand_new"]
    assert (red["status"], red["reason"]) == ("failed", "dag-missing")
    assert (red["file"], red["line"]) == ("dags/deep/er/brand.py", 6)
    (case,) = [
        case
        for case in reports.junit.iter("testcase")
        if case.get("file") == "dags/deep/er/brand.py" and case.find("failure") is not None
    ]
    assert case.get("line") == "6"
    assert "dags/deep/er/brand.py:6" in ended.out


@pytest.mark.parametrize("airflow", ["3.0.6", "3.3.2"], indirect=True)
def test_other_bytes_are_a_source_mismatch_with_what_differs(gate, ago, new_sandbox, write, reports, airflow):
    new_sandbox({"etl.py": file_of("etl", "1")})
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "700ms", "--interval", "400ms", *ago(0.1))
    ended = gate("check", "--dags-folder", write(etl="etl"), *FAST, *times, *reports.options)
    assert ended.code == 1, ended.out
    told = {one["id"]: one for one in reports.json["checks"]}
    red = told["sources/etl.py"]
    assert (red["status"], red["reason"]) == ("failed", "dag-source-mismatch")
    assert (red["file"], red["line"]) == ("dags/etl.py", 4)
    assert {"-    version = '1'", "+    version = '2'"} <= set(red["details"]["diff"])
    assert "-    version = '1'" in ended.out
    assert told["dags/etl"]["reason"] == "dag-stale", "a parse of other bytes is none of the new version"


def test_airflow_2_does_not_tell_sources_and_the_report_says_so(gate, ago, new_sandbox, write, reports):
    new_sandbox({"etl.py": file_of("etl", "1")}, airflow="2.10.5")
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "5s", *ago(0.1))
    ended = gate("check", "--dags-folder", write(etl="etl"), *FAST, *times, "-v", *reports.options)
    assert ended.code == 0, "what is assumed is told, and no more can be seen"
    assert "--verify-s3" in ended.out


@pytest.mark.parametrize("airflow", ["3.0.6", "3.3.2"], indirect=True)
@pytest.mark.parametrize("compared", [True, False])
def test_a_sync_slower_than_assumed_is_waited_for_only_by_the_comparison(
    gate, ago, new_sandbox, write, manifest, reports, airflow, compared
):
    settle = 0.8
    tells = {"core.min_serialized_dag_fetch_interval": "0"}
    one = new_sandbox({"etl.py": file_of("etl", "1")}, tells=tells, min_serialized_dag_update_interval=settle)
    folder = write(etl="etl")
    expected = ("--dags-folder", folder) if compared else (manifest(),)
    with one.backend.lock:
        # Long after a green that assumes no sync, however busy the machine; or as soon as a wait for it can be told.
        one.world.put("etl.py", file_of("etl"), lags=1.2 if compared else 9.0)
        put = one.world.elapsed
    times = ("--sync", "0s", "--settle", f"{settle}s", "--timeout", "10s", *ago(0.0))
    ended = gate("check", *expected, *FAST, *times, *reports.options)
    with one.backend.lock:
        truth, at = one.world.truth("etl").dag.version, one.world.elapsed - put
    assert ended.code == 0, ended.out
    assert truth == ("2" if compared else "1"), "without the comparison the assumed sync is all there is"
    assert at >= 1.2 + settle or not compared


@pytest.mark.parametrize("airflow", ["3.0.6", "3.3.2"], indirect=True)
def test_a_deploy_over_this_one_cannot_tell(gate, ago, new_sandbox, write, reports, airflow):
    one = new_sandbox({"etl.py": file_of("etl", "1")})
    with one.backend.lock:
        one.world.put("etl.py", file_of("etl", "2"), lags=0.0)
        one.world.put("etl.py", file_of("etl", "3"), at=one.world.elapsed + 1.0, lags=0.0)
    times = ("--sync", "0s", "--settle", "1m", "--timeout", "8s", *ago(0.0))
    ended = gate("check", "--dags-folder", write(etl="etl"), *FAST, *times, *reports.options)
    assert ended.code == 3, ended.out
    (error,) = [one for one in reports.json["checks"] if one["status"] == "error"]
    assert (error["id"], error["reason"]) == ("sources/etl.py", "superseded")
    assert "+    version = '2'" in error["details"]["diff"]
    assert reports.json["duration_s"] < 5, "nothing can mend it"


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
@pytest.mark.parametrize("prefix", ["team_a", "/team_a/", "./team_a"])
def test_a_folder_that_is_a_part_of_the_dags_folder_has_a_prefix(
    gate, ago, new_sandbox, write, reports, airflow, prefix
):
    new_sandbox({"team_a/etl.py": file_of("etl"), "team_b/etl.py": file_of("other", "1")})
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "3s", *ago(0.1))
    command = ("check", "--dags-folder", write(etl="etl"), *FAST, *times, *reports.options)
    ended = gate(*command, "--dags-prefix", prefix)
    assert ended.code == 0, ended.out
    assert judged(reports)["dags/etl/file"][0] == "passed"


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
def test_without_its_prefix_the_folders_files_are_the_wrong_ones(
    gate, ago, new_sandbox, write, reports, airflow
):
    new_sandbox({"team_a/etl.py": file_of("etl"), "o.py": file_of("o")})
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "3s", *ago(0.1))
    ended = gate("check", "--dags-folder", write(etl="etl"), *FAST, *times, *reports.options)
    assert ended.code == 1, ended.out
    assert judged(reports)["dags/etl/file"] == ("failed", "dag-wrong-file")


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
@pytest.mark.parametrize(("made", "code"), [(("x",), 0), ((), 1)])
def test_a_file_that_computes_its_ids_must_make_at_least_one_dag(
    gate, ago, new_sandbox, write, reports, airflow, made, code
):
    new_sandbox({"made.py": made_file(*made), "o.py": file_of("o")})
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "1500ms", "--interval", "500ms", *ago(0.1))
    ended = gate("check", "--dags-folder", write(made=COMPUTED), *FAST, *times, *reports.options)
    assert ended.code == code, ended.out
    status, reason = judged(reports)["files/made.py"]
    assert (status, reason) == (("passed", None) if made else ("failed", "dag-missing"))


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
def test_a_broken_file_of_the_folder_is_red_at_its_local_path(
    gate, ago, new_sandbox, write, reports, airflow
):
    new_sandbox({"etl.py": file_of("etl").broken(), "o.py": file_of("o")})
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "5s", *ago(0.1))
    ended = gate("check", "--dags-folder", write(etl="etl"), *FAST, *times, *reports.options)
    assert ended.code == 1, ended.out
    red = {one["id"]: one for one in reports.json["checks"]}["dags/etl"]
    assert (red["status"], red["reason"]) == ("failed", "dag-import-error")
    assert (red["file"], red["line"]) == ("dags/etl.py", 7)


def test_an_id_that_two_local_files_define_is_red_at_once(gate, ago, new_sandbox, write, reports):
    new_sandbox({"a.py": file_of("etl"), "b.py": file_of("etl")})
    ended = gate(
        *("check", "--dags-folder", write(a="etl", b="etl"), *FAST, "--sync", "0s", "--settle", "0s"),
        *("--timeout", "3s", *ago(0.1), *reports.options),
    )
    assert ended.code == 1, ended.out
    assert judged(reports)["dags/etl/defined-once"] == ("failed", "dag-wrong-file")


def test_a_manifest_adds_to_what_the_folder_says(gate, ago, new_sandbox, write, manifest, reports):
    new_sandbox({"etl.py": file_of("etl"), "o.py": file_of("o")})
    text = "version: 1\ndags:\n  - {dag_id: etl, paused: false}\n  - nowhere\n"
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "1500ms", "--interval", "500ms", *ago(0.1))
    ended = gate("check", manifest(text), "--dags-folder", write(etl="etl"), *FAST, *times, *reports.options)
    assert ended.code == 1, ended.out
    told = judged(reports)
    assert told["dags/etl"][0] == told["dags/etl/file"][0] == told["sources/etl.py"][0] == "passed"
    assert told["dags/etl/paused"] == ("failed", "dag-paused")
    assert told["dags/nowhere"] == ("failed", "dag-missing")


def test_an_inventory_takes_the_folders_dags_for_expected(gate, ago, new_sandbox, write, manifest, reports):
    new_sandbox({"etl.py": file_of("etl"), "made.py": made_file("x"), "o.py": file_of("o")})
    text = "version: 1\ninventory: {unexpected: fail}\n"
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "5s", *ago(0.1))
    command = ("check", manifest(text), "--dags-folder", write(etl="etl", made=COMPUTED), *FAST, *times)
    ended = gate(*command, *reports.options)
    assert ended.code == 1, ended.out
    reds = {name: reason for name, (status, reason) in judged(reports).items() if status == "failed"}
    assert reds == {"inventory/o": "unexpected-dag"}


def test_what_must_be_absent_and_a_local_file_defines_is_a_wrong_command_line(
    gate, new_sandbox, write, manifest
):
    one = new_sandbox({"etl.py": file_of("etl")})
    text = "version: 1\nabsent: [old, etl]\n"
    ended = gate("check", manifest(text), "--dags-folder", write(etl="etl"), *FAST)
    assert ended.code == 2
    assert "etl must be gone" in ended.err
    assert "dags/etl.py, line 3" in ended.err
    assert one.calls == ()


def test_a_file_that_is_hidden_was_retired_and_its_dag_may_have_to_be_absent(
    gate, ago, new_sandbox, write, manifest
):
    new_sandbox({"o.py": file_of("o")})
    folder = write(etl="etl", o="o")
    Path(folder, ".airflowignore").write_text("etl.py\n", "utf-8")
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "10s", *ago(0.1))
    text = "version: 1\nabsent: [etl]\n"
    ended = gate("check", manifest(text), "--dags-folder", folder, *FAST, *times)
    assert ended.code == 0, ended.out + ended.err


@pytest.mark.parametrize("what", ["nothing there", "no Python", "no folder", "a file", "a loop"])
def test_a_folder_without_anything_to_expect_is_a_wrong_command_line(gate, new_sandbox, tmp_path, what):
    one = new_sandbox({"etl.py": file_of("etl")})
    folder = tmp_path / "dags"
    if what == "a file":
        folder.write_text("x")
    elif what != "no folder":
        folder.mkdir()
    if what == "no Python":
        (folder / "README.md").write_text("airflow dag")
    if what == "a loop":
        (folder / "again").symlink_to(folder)
    ended = gate("check", "--dags-folder", "dags", *FAST)
    assert ended.code == 2, ended.out
    assert "dags" in ended.err
    assert "Traceback" not in ended.err
    assert one.calls == ()


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
def test_a_folder_in_which_no_file_is_read_is_never_green(gate, ago, new_sandbox, write, reports, airflow):
    new_sandbox({"etl.py": file_of("etl")})
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "1500ms", "--interval", "500ms", *ago(0.1))
    ended = gate("check", "--dags-folder", write(util="LIMIT = 5\n"), *FAST, *times, *reports.options)
    assert ended.code != 0, ended.out


ALONE = {
    "a prefix": ("--dags-prefix", "team_a"),
    "verify": ("--verify-s3",),
    "a place": ("--dags-s3", "s3://my-bucket/dags"),
    "an exclusion": ("--s3-exclude", "*.md"),
}


@pytest.mark.parametrize("options", ALONE.values(), ids=ALONE)
@pytest.mark.parametrize("with_manifest", [True, False])
def test_an_option_about_a_folder_needs_the_folder(gate, new_sandbox, manifest, options, with_manifest):
    one = new_sandbox({"etl.py": file_of("etl")})
    ended = gate("check", *([manifest()] if with_manifest else []), *options, *FAST)
    assert ended.code == 2
    assert "--dags-folder" in ended.err
    assert one.calls == ()


@pytest.mark.parametrize(
    "options",
    [("--dags-s3", "s3://my-bucket/dags"), ("--s3-exclude", "*.md"), ("--dags-prefix", "../up")],
    ids=["a place", "an exclusion", "a prefix that leads out"],
)
def test_an_option_that_would_do_nothing_is_refused(gate, new_sandbox, write, options):
    one = new_sandbox({"etl.py": file_of("etl")})
    ended = gate("check", "--dags-folder", write(etl="etl"), *options, *FAST)
    assert ended.code == 2
    assert one.calls == ()


def test_an_empty_name_is_not_the_folder_that_the_gate_runs_in(
    gate, new_sandbox, manifest, write, monkeypatch
):
    one = new_sandbox({"etl.py": file_of("etl")})
    path = manifest()
    monkeypatch.chdir(write(etl="etl"))
    ended = gate("check", path, "--dags-folder", "", *FAST)
    assert ended.code == 2
    assert "--dags-folder is empty" in ended.err
    assert one.calls == ()


def test_neither_a_manifest_nor_a_folder_is_a_wrong_command_line(gate, new_sandbox):
    ended = gate("check", *FAST)
    assert ended.code == 2
    assert "--dags-folder" in ended.err
