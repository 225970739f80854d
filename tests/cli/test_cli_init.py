"""`mwaa-gate init`: a manifest from what is there, by the whole command through the sandbox and from files."""

from __future__ import annotations

import stat

import pytest
from plain_airflow import PASSWORD, USER, PlainAirflow

from validator.draft.update import update
from validator.draft.write import write
from validator.sandbox.api import Role
from validator.sandbox.files import SYNTAX_ERROR, DagFile, one_dag, tasks
from validator.sandbox.rules import Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

FAST = ("--max-tps", "1000", "--timeout", "5s")
CHECK = (
    "--interval",
    "100ms",
    "--max-tps",
    "1000",
    "--deployed-at",
    "none",
    "--timeout",
    "20s",
    "--settle",
    "0s",
    "--sync",
    "0s",
)
ALL = ("--with", "all")
HOSTILE = "x: #y ${HOME} | ::error::\n##[error]no \x1b[31m"
FILES = {
    "etl.py": one_dag(
        "etl", paused_upon_creation=False, tags=("team:a", "null", "${HOME}"), schedule="6:00:00"
    ),
    "sub/load.py": one_dag(
        "1e3", description=HOSTILE, owners=("bob", "ann"), schedule=None, tasks=tasks("a", "g.b")
    ),
    "long.py": one_dag("x" * 60, schedule="0 3 * * 1"),
}
SOURCE = 'from airflow import DAG\netl = DAG("etl", schedule="@daily", tags=["b", "a"])\n'


class Watched(Simulation):
    """Keeps which paths were asked for."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.paths = []

    def call(self, method, path, *rest):
        self.paths.append(path)
        return super().call(method, path, *rest)


@pytest.fixture
def airflow(clean, the_time):
    """Starts an endpoint in front of a simulated Airflow that holds FILES, unless told otherwise."""
    running = []

    def go(files=FILES, version="3.0.6", role=None):
        rules = Rules(airflow=version, min_file_process_interval=0.2, loop=0.05, parse=(0.0, 0.01))
        backend = Watched(World(rules, now=the_time.utc, files=files), role=role)
        endpoint = Sandbox(backend, calls_per_second=0, now=the_time.utc)
        running.append(endpoint.__enter__())
        clean.setenv("AWS_ENDPOINT_URL_MWAA", endpoint.url)
        return backend

    yield go
    for one in running:
        one.__exit__(None, None, None)


@pytest.fixture
def folder(tmp_path):
    def go(**by_name):
        for name, text in by_name.items():
            path = tmp_path / "dags" / f"{name}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return "dags"

    return go


@pytest.mark.parametrize("version", ["2.4.3", "2.10.5", "3.0.6", "3.3.2"])
def test_what_is_written_is_green_at_once_and_the_same_again(airflow, gate, version, tmp_path):
    airflow(version=version)
    made = gate("init", "--env", "sandbox", "--region", "us-east-1", *ALL, *FAST, "-o", "m.yaml")

    assert (made.code, made.out) == (0, "")
    assert "Wrote m.yaml: 3 DAGs.\nmwaa-gate: Look it over, then try it: mwaa-gate check m.yaml\n" in made.err
    assert "Asking for the tasks of 2 DAGs, a call each" in made.err
    text = (tmp_path / "m.yaml").read_text()
    assert "environment: sandbox\nregion: us-east-1\ndags:\n" in text
    assert f"paths of at most 64 characters: the tasks of\n#   {'x' * 60}\n" in text
    assert 'schedule: "6h"\n' in text
    assert "file: sub/load.py" in text
    again = gate("init", "--env", "sandbox", "--region", "us-east-1", *ALL, *FAST)
    assert again.out == text
    checked = gate("check", "m.yaml", *CHECK)
    assert checked.code == 0, checked.out
    updated = gate("init", "--update", "m.yaml", *ALL, *FAST, "--dry-run")
    assert (updated.code, updated.out) == (0, "0 added, 0 changed, 0 removed, 0 not found and kept.\n")


def test_ids_alone_ask_for_no_tasks(airflow, gate):
    backend = airflow()
    made = gate("init", "--env", "sandbox", *FAST)

    assert made.code == 0
    assert made.out.endswith(f'dags:\n  - "1e3"\n  - etl\n  - {"x" * 60}\n')
    assert backend.paths
    assert not any(path.endswith("/tasks") for path in backend.paths)
    assert made.err == ""


def test_hostile_text_reaches_neither_a_log_nor_another_meaning(airflow, gate):
    airflow()
    made = gate("init", "--env", "sandbox", *ALL, *FAST)

    for line in (made.out + made.err).splitlines():
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
        assert "\x1b" not in line


def test_the_hostile_name_of_a_file_stays_within_its_note(gate, folder, tmp_path):
    source = folder(etl=SOURCE)
    name = "x\n::error::\x1b[31m##[error].py"
    (tmp_path / "dags" / name).write_text("from airflow import DAG\nwith DAG(\n")
    made = gate("init", "--dags-folder", source)

    assert made.code == 0
    for said in (made.out, made.err):
        assert "\\x1b[31m# #[error].py" in said
        assert not any(line.lstrip().startswith("::") for line in said.splitlines())
        assert "\x1b" not in said


@pytest.mark.parametrize(("version", "demands"), [("2.10.5", "basic"), ("3.0.6", "token")])
def test_any_airflow_by_its_url(clean, the_time, gate, version, demands, tmp_path):
    clean.setenv("MWAA_GATE_AIRFLOW_USER", USER)
    clean.setenv("MWAA_GATE_AIRFLOW_PASSWORD", PASSWORD)
    rules = Rules(airflow=version, min_file_process_interval=0.2, loop=0.05, parse=(0.0, 0.01))
    backend = Simulation(World(rules, now=the_time.utc, files=FILES))
    with PlainAirflow(backend, major=int(version[0]), demands=demands, now=the_time.utc) as server:
        made = gate("init", "--airflow-url", server.url, *ALL, *FAST, "-o", "m.yaml")
        checked = gate("check", "m.yaml", "--airflow-url", server.url, *CHECK)

    text = (tmp_path / "m.yaml").read_text()
    assert (made.code, checked.code) == (0, 0)
    assert "environment:" not in text
    assert f"--airflow-url {server.url}" in text
    assert made.err.endswith(f"try it: mwaa-gate check m.yaml --airflow-url {server.url}\n")
    assert f"dag_id: {'x' * 60}\n" in text
    assert "tasks: [t1]" in text.partition("x" * 60)[2], "no limit of MWAA's holds here"
    assert PASSWORD not in text + made.err


def test_what_is_broken_or_gone_is_named_and_not_written(airflow, gate):
    airflow({"etl.py": one_dag("etl"), "bad.py": DagFile(error=SYNTAX_ERROR)})
    made = gate("init", "--env", "sandbox", *FAST)

    assert made.code == 0
    assert made.out.endswith("dags:\n  - etl\n")
    assert "# Files with import errors:\n#   bad.py\n" in made.out
    assert "Files with import errors: bad.py" in made.err


def test_no_dag_at_all_writes_nothing(airflow, gate, tmp_path):
    airflow({"bad.py": DagFile(error=SYNTAX_ERROR)})
    made = gate("init", "--env", "sandbox", *FAST, "-o", "m.yaml")

    assert made.code == 1
    assert "nothing was written" in made.err
    assert not (tmp_path / "m.yaml").exists()


def test_only_takes_what_matches(airflow, gate):
    airflow()

    assert gate("init", "--env", "sandbox", *FAST, "--only", "e*", "--only", "1*").out.endswith(
        'dags:\n  - "1e3"\n  - etl\n'
    )
    assert gate("init", "--env", "sandbox", *FAST, "--only", "nothing*").code == 1


def test_an_airflow_that_does_not_answer_is_cannot_tell(gate, tmp_path):
    made = gate("init", "--env", "sandbox", "--timeout", "1s", "--max-tps", "1000", "-o", "m.yaml")

    assert made.code == 3
    assert made.out == ""
    assert "nothing was written" in made.err
    assert not (tmp_path / "m.yaml").exists()


def test_files_alone_make_a_manifest_without_a_call(gate, folder):
    made = gate("init", "--dags-folder", folder(etl=SOURCE), "--with", "file,tags,schedule")

    assert made.code == 0
    assert made.out.endswith(
        'dags:\n  - dag_id: etl\n    file: etl.py\n    schedule: "@daily"\n    tags: [a, b]\n'
    )
    assert "environment:" not in made.out


def test_what_to_do_with_a_manifest_of_files_is_told_and_is_well(gate, folder, tmp_path):
    folder(etl=SOURCE)
    made = gate("init", "--dags-folder", "dags", "--dags-prefix", "team", "--with", "file", "-o", "m.yaml")
    told = "mwaa-gate lint m.yaml --dags-folder dags --dags-prefix team\n"

    assert made.err.endswith(f"try it: {told}")
    assert "file: team/etl.py" in (tmp_path / "m.yaml").read_text()
    assert gate(*told.split()[1:]).code == 0


def test_a_folder_on_the_line_goes_before_an_environment_of_a_variable(gate, folder, clean):
    clean.setenv("MWAA_ENV_NAME", "prod")

    assert gate("init", "--dags-folder", folder(etl=SOURCE)).code == 0


def test_one_id_in_two_files_can_never_be_green(gate, folder):
    made = gate("init", "--dags-folder", folder(a=SOURCE, b=SOURCE))

    assert (made.code, made.out) == (1, "")
    assert "dags/a.py, line 2 and dags/b.py, line 2" in made.err


def test_an_update_shows_what_it_changes_and_keeps_the_rest(gate, folder, tmp_path):
    path = tmp_path / "m.yaml"
    path.write_bytes(b"# mine\r\nversion: 1\r\ndags:\r\n  - old  # why\r\n")
    path.chmod(0o640)
    source = folder(etl=SOURCE)
    dry = gate("init", "--update", path, "--dags-folder", source, "--with", "tags", "--dry-run")
    before = path.read_bytes()
    made = gate("init", "--update", path, "--dags-folder", source, "--with", "tags")

    assert (dry.code, made.code) == (1, 0)
    assert b"etl" not in before
    assert dry.out == made.out
    assert "| +  - dag_id: etl\n| +    tags: [a, b]\n" in made.out
    assert made.out.endswith("1 added, 0 changed, 0 removed, 1 not found and kept.\n")
    assert "Not found, and kept; --prune takes out those that are surely gone: old" in made.err
    assert path.read_bytes() == (
        b"# mine\r\nversion: 1\r\ndags:\r\n  - dag_id: etl\r\n    tags: [a, b]\r\n  - old  # why\r\n"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    pruned = gate("init", "--update", path, "--dags-folder", source, "--prune")
    assert pruned.out.endswith("0 added, 0 changed, 1 removed, 0 not found and kept.\n")
    assert b"old" not in path.read_bytes()


def test_a_manifest_that_is_up_to_date_is_not_touched(gate, folder, tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("version: 1\ndags: [etl]\n")
    inode, time = path.stat().st_ino, path.stat().st_mtime_ns

    assert gate("init", "--update", path, "--dags-folder", folder(etl=SOURCE)).code == 0
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (inode, time)


def test_what_somebody_else_writes_meanwhile_is_not_written_over(gate, folder, tmp_path, monkeypatch):
    path = tmp_path / "m.yaml"
    path.write_text("version: 1\ndags: [a]\n")

    def slow(*arguments, **options):
        path.write_text("version: 1\ndags: [b]\n")
        return update(*arguments, **options)

    monkeypatch.setattr("validator.draft.update.update", slow)
    made = gate("init", "--update", path, "--dags-folder", folder(etl=SOURCE))

    assert made.code == 2
    assert "was changed by somebody else meanwhile" in made.err
    assert path.read_text() == "version: 1\ndags: [b]\n"


def test_what_somebody_else_begins_meanwhile_is_not_written_over(gate, folder, tmp_path, monkeypatch):
    path = tmp_path / "m.yaml"

    def slow(*arguments, **options):
        path.write_text("version: 1\ndags: [b]\n")
        return write(*arguments, **options)

    monkeypatch.setattr("validator.draft.write.write", slow)
    made = gate("init", "--dags-folder", folder(etl=SOURCE), "-o", path)

    assert (made.code, made.out) == (2, "")
    assert "m.yaml is there by now, and is left as it is" in made.err
    assert path.read_text() == "version: 1\ndags: [b]\n"


def test_stdout_can_be_named_also_where_it_is_a_file(child, folder, tmp_path):
    with (tmp_path / "out").open("wb") as file:
        made = child("init", "--dags-folder", folder(etl=SOURCE), "-o", "/dev/stdout", stdout=file).end()

    assert made.code == 0, made.err
    assert (tmp_path / "out").read_text().endswith("dags:\n  - etl\n")


def test_a_list_that_nobody_began_is_begun_and_nonsense_stays_an_error(gate, folder, tmp_path):
    path = tmp_path / "m.yaml"
    source = folder(etl=SOURCE)
    for text, code in {
        "version: 1\ndags:\n": 0,
        "": 2,
        "# only this\n": 2,
        "? a\n": 2,
        "[": 2,
        "dags:\n": 2,
        "- a": 2,
    }.items():
        path.write_text(text)
        made = gate("init", "--update", path, "--dags-folder", source)
        assert made.code == code, text
        assert path.read_text() == (text + "  - etl\n" if code == 0 else text)
        assert "Traceback" not in made.err


def test_the_manifest_goes_to_whoever_reads_stdout_whatever_its_encoding(child, folder, clean):
    clean.setenv("PYTHONIOENCODING", "ascii")
    clean.setenv("LC_ALL", "C")
    made = child(
        "init", "--dags-folder", folder(etl=SOURCE.replace('"b"', '"\u00fc"')), "--with", "tags"
    ).end()

    assert made.code == 0, made.err
    assert made.out.endswith('tags: [a, "\u00fc"]\n')


def test_a_limited_role_is_told_and_takes_nothing_out(airflow, gate, tmp_path):
    airflow(version="2.10.5", role=Role("Team", frozenset({"etl"})))
    path = tmp_path / "m.yaml"
    path.write_text("version: 1\ndags: [etl, 1e3x]\n")
    made = gate("init", "--env", "sandbox", "--update", path, "--prune", *FAST)

    assert made.code == 0
    assert "1e3x, since the Airflow role that asked may not read every DAG" in made.err
    assert made.out == "0 added, 0 changed, 0 removed, 1 not found and kept.\n"
    written = gate("init", "--env", "sandbox", *FAST)
    assert "# The Airflow role that asked may not read every DAG: there may be others.\n" in written.out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "nothing was named to make a manifest from"),
        (("--env", "e", "--dags-folder", "."), "both a folder of DAG files and an Airflow are named"),
        (("--env", "e", "--dags-prefix", "p"), "--dags-prefix says something of a folder"),
        (("--env", "e", "--airflow", "2"), "--airflow says something of a folder"),
        (("--env", "e", "--prune"), "--prune says something of --update"),
        (("--env", "e", "--dry-run"), "--dry-run says something of --update"),
        (("--env", "e", "-o", "new.yaml", "--update", "m.yaml"), "--output begins a new file"),
        (("--env", "e", "-o", "m.yaml"), "m.yaml is there already"),
        (("--env", "e", "-o", "no/m.yaml"), "its directory does not exist"),
        (("--env", "e", "--update", "none.yaml"), "there is no such file"),
        (("--env", "e", "--update", "."), "is no file that could be changed"),
        (("--env", "e", "--with", "tags,colour"), "'colour' is none of: file, paused"),
        (("--env", "e", "--with", ","), "is none of"),
        (("--env", "not a name"), "not a name"),
        (("--dags-folder", "none"), "there is no such folder"),
        (("--dags-folder", ""), "--dags-folder is empty"),
    ],
)
def test_a_wrong_command_line_calls_nothing_and_says_what_to_do(gate, tmp_path, options, told):
    (tmp_path / "m.yaml").write_text("version: 1\ndags: [a]\n")
    made = gate("init", *options)

    assert made.code == 2
    assert made.out == ""
    assert told in made.err
    assert (tmp_path / "m.yaml").read_text() == "version: 1\ndags: [a]\n"


def test_a_wrong_manifest_is_told_before_anything_is_asked(gate, manifest):
    made = gate("init", "--update", manifest("version: 1\ndags: [a, a]\n"), "--env", "sandbox")

    assert made.code == 2
    assert "line 2" in made.err
