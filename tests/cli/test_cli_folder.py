"""`--dags-folder`: what the local files say is expected, proven and told, by the whole command.

The last part holds what comparing Airflow's texts with the local files is for: a sync slower than the assumed one.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random

import pytest

from validator.local.scan import read_folder
from validator.manifest.model import ExpectedDag, Manifest
from validator.rules import Rules as GateRules
from validator.sandbox.files import DagFile, SimDag, helper
from validator.sandbox.rules import Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World
from validator.service import check
from validator.settings import Settings
from validator.transport.interface import Answer, EnvironmentFacts

VERSIONS = ("2.10.5", "3.0.6", "3.3.2")
FAST = ("--env", "sandbox", "--interval", "100ms", "--max-tps", "1000", "--grace", "300ms")
TELLS = {"core.min_serialized_dag_update_interval": "0", "core.min_serialized_dag_fetch_interval": "0"}


def text_of(dag_id, version="2"):
    return f"from airflow import DAG\n\nwith DAG({dag_id!r}, tags=[]) as dag:\n    version = {version!r}\n"


def file_of(dag_id, version="2"):
    """The same file as `text_of`, as the simulated Airflow reads it."""
    return DagFile((SimDag(dag_id, version=version),), source=text_of(dag_id, version))


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
def new_sandbox(airflow, clean):
    """Starts an environment on the clock's own time that holds some files and parses them ten times a second."""
    running = []

    def go(files, *, airflow=airflow, tells=TELLS, **rules):
        quick = {
            "min_file_process_interval": 0.1,
            "dir_list_interval": 0.2,
            "loop": 0.05,
            "parse": (0.0, 0.01),
        }
        quick |= {"min_serialized_dag_update_interval": 0.0, "min_serialized_dag_fetch_interval": 0.0}
        world = World(Rules(airflow=airflow, **{**quick, **rules}), files=files)
        one = Sandbox(Simulation(world, options=tells), calls_per_second=0)
        one.start()
        running.append(one)
        clean.setenv("AWS_ENDPOINT_URL_MWAA", one.url)
        one.world = world
        return one

    yield go
    for one in running:
        one.close()


def ago(seconds):
    return ("--deployed-at", str(datetime.now(timezone.utc).timestamp() - seconds))


def judged(reports):
    return {one["id"]: (one["status"], one["reason"]) for one in reports.json["checks"]}


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
def test_without_a_manifest_every_dag_of_the_folder_is_expected_and_green(
    gate, new_sandbox, write, reports, airflow
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
def test_a_file_that_is_not_parsed_again_is_stale(gate, new_sandbox, write, reports, airflow):
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
    gate, new_sandbox, write, reports, airflow
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
def test_other_bytes_are_a_source_mismatch_with_what_differs(gate, new_sandbox, write, reports, airflow):
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


def test_airflow_2_does_not_tell_sources_and_the_report_says_so(gate, new_sandbox, write, reports):
    new_sandbox({"etl.py": file_of("etl", "1")}, airflow="2.10.5")
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "5s", *ago(0.1))
    ended = gate("check", "--dags-folder", write(etl="etl"), *FAST, *times, "-v", *reports.options)
    assert ended.code == 0, "what is assumed is told, and no more can be seen"
    assert "--verify-s3" in ended.out


@pytest.mark.parametrize("airflow", ["3.0.6", "3.3.2"], indirect=True)
@pytest.mark.parametrize("compared", [True, False])
def test_a_sync_slower_than_assumed_is_waited_for_only_by_the_comparison(
    gate, new_sandbox, write, manifest, reports, airflow, compared
):
    settle = 0.8
    tells = {"core.min_serialized_dag_fetch_interval": "0"}
    one = new_sandbox({"etl.py": file_of("etl", "1")}, tells=tells, min_serialized_dag_update_interval=settle)
    folder = write(etl="etl")
    expected = ("--dags-folder", folder) if compared else (manifest(),)
    with one.backend.lock:
        one.world.put("etl.py", file_of("etl"), lags=1.2)
        put = one.world.elapsed
    times = ("--sync", "0s", "--settle", f"{settle}s", "--timeout", "10s", *ago(0.0))
    ended = gate("check", *expected, *FAST, *times, *reports.options)
    with one.backend.lock:
        truth, at = one.world.truth("etl").dag.version, one.world.elapsed - put
    assert ended.code == 0, ended.out
    assert truth == ("2" if compared else "1"), "without the comparison the assumed sync is all there is"
    assert at >= 1.2 + settle or not compared


@pytest.mark.parametrize("airflow", ["3.0.6", "3.3.2"], indirect=True)
def test_a_deploy_over_this_one_cannot_tell(gate, new_sandbox, write, reports, airflow):
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
    gate, new_sandbox, write, reports, airflow, prefix
):
    new_sandbox({"team_a/etl.py": file_of("etl"), "team_b/etl.py": file_of("other", "1")})
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "3s", *ago(0.1))
    command = ("check", "--dags-folder", write(etl="etl"), *FAST, *times, *reports.options)
    ended = gate(*command, "--dags-prefix", prefix)
    assert ended.code == 0, ended.out
    assert judged(reports)["dags/etl/file"][0] == "passed"


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
def test_without_its_prefix_the_folders_files_are_the_wrong_ones(gate, new_sandbox, write, reports, airflow):
    new_sandbox({"team_a/etl.py": file_of("etl"), "o.py": file_of("o")})
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "3s", *ago(0.1))
    ended = gate("check", "--dags-folder", write(etl="etl"), *FAST, *times, *reports.options)
    assert ended.code == 1, ended.out
    assert judged(reports)["dags/etl/file"] == ("failed", "dag-wrong-file")


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
@pytest.mark.parametrize(("made", "code"), [(("x",), 0), ((), 1)])
def test_a_file_that_computes_its_ids_must_make_at_least_one_dag(
    gate, new_sandbox, write, reports, airflow, made, code
):
    new_sandbox({"made.py": made_file(*made), "o.py": file_of("o")})
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "1500ms", "--interval", "500ms", *ago(0.1))
    ended = gate("check", "--dags-folder", write(made=COMPUTED), *FAST, *times, *reports.options)
    assert ended.code == code, ended.out
    status, reason = judged(reports)["files/made.py"]
    assert (status, reason) == (("passed", None) if made else ("failed", "dag-missing"))


@pytest.mark.parametrize("airflow", VERSIONS, indirect=True)
def test_a_broken_file_of_the_folder_is_red_at_its_local_path(gate, new_sandbox, write, reports, airflow):
    new_sandbox({"etl.py": file_of("etl").broken(), "o.py": file_of("o")})
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "5s", *ago(0.1))
    ended = gate("check", "--dags-folder", write(etl="etl"), *FAST, *times, *reports.options)
    assert ended.code == 1, ended.out
    red = {one["id"]: one for one in reports.json["checks"]}["dags/etl"]
    assert (red["status"], red["reason"]) == ("failed", "dag-import-error")
    assert (red["file"], red["line"]) == ("dags/etl.py", 7)


def test_an_id_that_two_local_files_define_is_red_at_once(gate, new_sandbox, write, reports):
    new_sandbox({"a.py": file_of("etl"), "b.py": file_of("etl")})
    ended = gate(
        *("check", "--dags-folder", write(a="etl", b="etl"), *FAST, "--sync", "0s", "--settle", "0s"),
        *("--timeout", "3s", *ago(0.1), *reports.options),
    )
    assert ended.code == 1, ended.out
    assert judged(reports)["dags/etl/defined-once"] == ("failed", "dag-wrong-file")


def test_a_manifest_adds_to_what_the_folder_says(gate, new_sandbox, write, manifest, reports):
    new_sandbox({"etl.py": file_of("etl"), "o.py": file_of("o")})
    text = "version: 1\ndags:\n  - {dag_id: etl, paused: false}\n  - nowhere\n"
    times = ("--sync", "0s", "--settle", "0s", "--timeout", "1500ms", "--interval", "500ms", *ago(0.1))
    ended = gate("check", manifest(text), "--dags-folder", write(etl="etl"), *FAST, *times, *reports.options)
    assert ended.code == 1, ended.out
    told = judged(reports)
    assert told["dags/etl"][0] == told["dags/etl/file"][0] == told["sources/etl.py"][0] == "passed"
    assert told["dags/etl/paused"] == ("failed", "dag-paused")
    assert told["dags/nowhere"] == ("failed", "dag-missing")


def test_an_inventory_takes_the_folders_dags_for_expected(gate, new_sandbox, write, manifest, reports):
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
    gate, new_sandbox, write, manifest
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
def test_a_folder_in_which_no_file_is_read_is_never_green(gate, new_sandbox, write, reports, airflow):
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


def test_neither_a_manifest_nor_a_folder_is_a_wrong_command_line(gate, new_sandbox):
    ended = gate("check", *FAST)
    assert ended.code == 2
    assert "--dags-folder" in ended.err


# --- a slow sync, in many worlds -------------------------------------------------------------------------------------

START = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
SYNC = 10.0
"""Seconds: what the gate assumes."""
FACTOR = 5.0
"""Files take up to so many times as long."""
SETTLE = 30.0
SLOWEST_PARSE = 0.5


class Turned:
    """A clock that only moves when somebody sleeps; the world moves with it."""

    def __init__(self):
        self.time = 0.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += max(0.0, seconds)

    @property
    def moment(self):
        return START + timedelta(seconds=self.time)


class Direct:
    """The way to a simulated Airflow without a network in between."""

    where = "simulated"

    def __init__(self, simulation, clock):
        self.simulation = simulation
        self.clock = clock

    def call(self, request):
        date = self.clock.moment.replace(microsecond=0)
        return Answer(*self.simulation.call(request.method, request.path, request.query, request.body), date)

    def environment(self):
        return EnvironmentFacts("AVAILABLE", self.simulation.world.rules.airflow, date=self.clock.moment)


class Silent:
    """Progress that nobody watches."""

    def __getattr__(self, name):
        return lambda *_: None


def deployed_in(seed, version, *, processors=1, slower=FACTOR, count=3):
    """A world in which every file was changed once, twice or never, and takes its time to arrive; its clock and ids."""
    draw = Random(seed)  # noqa: S311 - a measurement that can be repeated
    clock = Turned()
    rules = Rules(
        airflow=version,
        min_file_process_interval=5.0,
        dir_list_interval=5.0,
        loop=2.0,
        parse=(0.05, SLOWEST_PARSE),
        processors=processors,
        parsers=4,
    )
    names = [f"d{number}" for number in range(count)]
    files = {f"{name}.py": file_of(name, "1") for name in names} | {"lib.py": helper()}
    world = World(rules, now=lambda: clock.moment, files=files, seed=seed)
    for name in names:
        changes = draw.choice((0, 1, 1, 2))
        for number in range(changes):
            at = 1.0 + 8.0 * number + draw.uniform(0.0, 6.0)
            version_of = "2" if number == changes - 1 else "half"
            lags = [draw.uniform(0.0, slower * SYNC) for _ in range(processors)]
            world.put(f"{name}.py", file_of(name, version_of), at=at, lags=lags)
    clock.time = 20.0  # the deploy is over
    world.advance()
    return world, clock, names


def verdict_of(world, clock, manifest, folder):
    """How the gate ends, on the world's clock."""
    rules = GateRules(timeout=400.0, interval=7.0, sync=SYNC, settle=SETTLE + SLOWEST_PARSE)
    settings = Settings(manifest, "simulated", max_tps=1e9, rules=rules, folder=folder)
    return check(settings, Direct(Simulation(world), clock), Silent(), clock)


def wrong_green(seed, version, folder, *, compared=True, processors=1, slower=FACTOR):
    """Whether the gate was green while the scheduler would have run old bytes of a DAG's file; None: not green."""
    world, clock, names = deployed_in(seed, version, processors=processors, slower=slower)
    for name in names:
        (folder / f"{name}.py").write_text(world.s3[f"{name}.py"].source)
    if compared:
        report = verdict_of(world, clock, Manifest(), read_folder(folder))
    else:
        dags = tuple(ExpectedDag(name, file=f"{name}.py") for name in names)
        report = verdict_of(world, clock, Manifest(dags=dags), None)
    if report.exit_code != 0:
        return None
    return any(world.truth(name) not in world.deployed(name) for name in names)


WORLDS = 150


@pytest.mark.parametrize("processors", [1, 2])
def test_within_the_assumed_sync_every_green_is_right_and_every_world_turns_green(tmp_path, processors):
    found = [
        wrong_green(seed, "3.0.6", tmp_path, processors=processors, slower=1.0) for seed in range(WORLDS // 3)
    ]
    assert found == [False] * len(found)


@pytest.mark.parametrize("version", ["3.0.6", "3.3.2"])
def test_however_slow_the_sync_no_green_is_wrong_where_the_bytes_are_compared(tmp_path, version):
    found = [wrong_green(seed, version, tmp_path) for seed in range(WORLDS)]
    assert found == [False] * WORLDS


def test_without_the_comparison_a_slow_sync_makes_wrong_greens(tmp_path):
    """With two processors the late one may write old bytes between two looks, so there it makes them rare only."""
    compared, plain = (
        [
            wrong_green(seed, "3.0.6", tmp_path, compared=one, processors=processors)
            for seed in range(WORLDS // 3)
            for processors in (1, 2)
        ]
        for one in (True, False)
    )
    assert plain.count(True) >= 0.08 * len(plain)
    assert compared.count(True) <= plain.count(True) / 3
