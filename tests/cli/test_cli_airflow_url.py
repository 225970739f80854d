"""`--airflow-url`: the same gate in front of any Airflow, by the whole command over plain HTTP."""

from __future__ import annotations

import pytest
from plain_airflow import PASSWORD, TOKEN, USER, PlainAirflow
from worlds import file_of, text_of

from validator.sandbox.rules import Rules
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

FAST = ("--interval", "100ms", "--max-tps", "1000", "--grace", "300ms", "--sync", "0s", "--settle", "0s")
SHORT = ("--timeout", "2s", *FAST)
LONG = "x" * 200


@pytest.fixture
def plain(clean, the_time):
    """Starts a plain Airflow that holds files, each parsed ten times a second."""
    running = []

    def go(*dag_ids, airflow="3.0.6", demands=None, base="", answers=None):
        rules = Rules(
            airflow=airflow,
            min_file_process_interval=0.1,
            dir_list_interval=0.2,
            loop=0.05,
            parse=(0.0, 0.01),
            sync=(0.0, 0.0),
            min_serialized_dag_update_interval=0.0,
            min_serialized_dag_fetch_interval=0.0,
        )
        files = {f"{dag_id}.py": file_of(dag_id) for dag_id in dag_ids}
        backend = Simulation(World(rules, now=the_time.utc, files=files))
        if answers is not None:
            backend.call = answers
        server = PlainAirflow(backend, major=int(airflow[0]), demands=demands, base=base, now=the_time.utc)
        running.append(server.__enter__())
        server.world = backend.world
        return server

    yield go
    for one in running:
        one.__exit__()


@pytest.fixture
def check(gate, manifest, reports):
    def go(server, *options, text="version: 1\nenvironment: prod\ndags: [etl]\n"):
        return gate("check", manifest(text), "--airflow-url", server.url, *reports.options, *options)

    return go


VERSIONS = ("2.4.3", "2.10.5", "3.0.6", "3.3.2")


@pytest.mark.parametrize("airflow", VERSIONS)
@pytest.mark.parametrize("base", ["", "/team/airflow"])
def test_what_is_as_expected_is_green(plain, check, reports, airflow, base):
    server = plain("etl", airflow=airflow, base=base)

    ended = check(server, *FAST)

    assert ended.code == 0, ended.out + ended.err
    assert reports.json["environment"] == server.url
    assert reports.json["airflow_version"] == airflow
    assert any("Airflow's defaults are assumed" in text for text in reports.json["assumptions"])


@pytest.mark.parametrize("airflow", VERSIONS)
def test_what_is_not_there_is_red(plain, check, reports, airflow):
    ended = check(plain("other", airflow=airflow), *SHORT)

    assert ended.code == 1, ended.out + ended.err
    assert {one["reason"] for one in reports.json["checks"] if one["status"] == "failed"} == {"dag-missing"}


def test_the_url_names_the_airflow_and_not_the_manifests_environment(plain, check):
    ended = check(plain("etl"), *FAST)

    assert "prod" not in ended.out


@pytest.mark.parametrize("airflow", VERSIONS)
def test_the_local_files_are_compared_on_every_version_and_with_ids_of_any_length(
    plain, gate, reports, tmp_path, airflow
):
    server = plain("etl", LONG, airflow=airflow)
    (tmp_path / "dags").mkdir()
    for dag_id in ("etl", LONG):
        (tmp_path / "dags" / f"{dag_id}.py").write_text(text_of(dag_id))

    ended = gate("check", "--airflow-url", server.url, "--dags-folder", "dags", *reports.options, *FAST)

    assert ended.code == 0, ended.out + ended.err
    compared = [(one["id"], one["status"]) for one in reports.json["checks"] if one["area"] == "sources"]
    assert compared == [("sources/etl.py", "passed"), (f"sources/{LONG}.py", "passed")]


@pytest.mark.parametrize("airflow", VERSIONS)
def test_a_file_that_differs_is_red_on_every_version(plain, gate, reports, tmp_path, airflow):
    server = plain("etl", airflow=airflow)
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "etl.py").write_text(text_of("etl") + "# newer\n")

    ended = gate("check", "--airflow-url", server.url, "--dags-folder", "dags", *reports.options, *SHORT)

    assert ended.code == 1, ended.out + ended.err
    reasons = {one["id"]: one["reason"] for one in reports.json["checks"] if one["status"] == "failed"}
    assert reasons["sources/etl.py"] == "dag-source-mismatch"


@pytest.mark.parametrize("airflow", ["2.10.5", "3.0.6"])
def test_a_user_and_password_come_from_variables_and_reach_no_report(plain, check, clean, tmp_path, airflow):
    demands = "basic" if airflow[0] == "2" else "token"
    server = plain("etl", airflow=airflow, demands=demands)
    clean.setenv("MWAA_GATE_AIRFLOW_USER", USER)
    clean.setenv("MWAA_GATE_AIRFLOW_PASSWORD", PASSWORD)

    ended = check(server, *FAST, "--html", "r.html", "--markdown", "r.md", "-v")

    assert ended.code == 0, ended.out + ended.err
    told = ended.out + ended.err + "".join(path.read_text() for path in tmp_path.glob("r.*"))
    assert PASSWORD not in told
    assert TOKEN not in told


def test_a_token_comes_from_a_file(plain, check, tmp_path):
    (tmp_path / "who.yaml").write_text(f"token: {TOKEN}\n")

    ended = check(plain("etl", demands="token"), "--airflow-credentials", tmp_path / "who.yaml", *FAST)

    assert ended.code == 0, ended.out + ended.err


@pytest.mark.parametrize("airflow", ["2.10.5", "3.0.6"])
@pytest.mark.parametrize("given", [{}, {"USER": USER, "PASSWORD": "wrong"}, {"TOKEN": "wrong"}])
def test_nobody_whom_airflow_knows_cannot_tell_and_says_what_to_check(
    plain, check, clean, reports, airflow, given
):
    server = plain("etl", airflow=airflow, demands="basic" if airflow[0] == "2" else "token")
    for name, value in given.items():
        clean.setenv(f"MWAA_GATE_AIRFLOW_{name}", value)

    ended = check(server, *FAST, "--timeout", "30s")

    assert ended.code == 3, ended.out + ended.err
    assert {one["reason"] for one in reports.json["checks"] if one["status"] == "error"} >= {"access-denied"}
    assert "MWAA_GATE_AIRFLOW_USER" in ended.out
    assert "InvokeRestApi" not in ended.out


def test_a_web_server_that_is_no_airflow_cannot_tell(plain, check, reports):
    server = plain(answers=lambda *_: (200, {"hello": "world"}))

    ended = check(server, *SHORT)

    assert ended.code == 3, ended.out + ended.err
    assert "is no Airflow" in ended.out
    assert "bad-response" in {one["reason"] for one in reports.json["checks"]}


def test_nobody_there_cannot_tell_and_says_nothing_of_aws(check):
    class Nobody:
        url = "http://127.0.0.1:9"

    ended = check(Nobody, *SHORT)

    assert ended.code == 3
    assert "127.0.0.1:9" in ended.out
    assert "VPC" not in ended.out
    assert "region" not in ended.out


WRONG = {
    "both": (["--env", "prod"], "both an MWAA environment and the URL"),
    "a region": (["--region", "eu-west-1"], "--region says how AWS is called"),
    "a profile": (["--profile", "p"], "--profile says how AWS is called"),
    "a role": (["--role-arn", "arn:aws:iam::123456789012:role/x"], "--role-arn says how AWS is called"),
    "a file that is not there": (["--airflow-credentials", "none.yaml"], "none.yaml"),
    "no certificates": (["--airflow-ca", "none.pem"], "none.pem"),
}


@pytest.mark.parametrize(("options", "said"), WRONG.values(), ids=WRONG)
def test_what_does_not_go_with_a_url_is_wrong_input(plain, check, options, said):
    server = plain("etl")

    ended = check(server, *options)

    assert ended.code == 2
    assert said in ended.err
    assert server.asked == []


@pytest.mark.parametrize("option", ["--airflow-credentials", "--airflow-ca"])
def test_what_only_goes_with_a_url_is_wrong_input_without(gate, manifest, option):
    ended = gate("check", manifest(), "--env", "prod", option, "file")

    assert ended.code == 2
    assert f"{option} says something of a plain Airflow" in ended.err


@pytest.mark.parametrize(
    ("variables", "options", "code"),
    [
        ({"MWAA_ENV_NAME": "prod"}, ["--airflow-url"], 0),
        ({"MWAA_ENV_NAME": "prod", "MWAA_GATE_AIRFLOW_URL": "URL"}, [], 0),
        ({"MWAA_GATE_ENV": "prod", "MWAA_GATE_AIRFLOW_URL": "URL"}, [], 2),
        ({"MWAA_GATE_AIRFLOW_URL": "URL"}, [], 0),
        ({"MWAA_GATE_AIRFLOW_URL": "URL"}, ["--env", "prod"], 3),
        ({"AWS_REGION": "eu-west-1", "MWAA_GATE_REGION": "eu-west-1"}, ["--airflow-url"], 0),
    ],
    ids=[
        "the line wins",
        "the gate's own variable wins",
        "two variables",
        "a variable",
        "the line wins over it",
        "variables for others",
    ],
)
def test_what_is_named_nearest_is_asked(plain, gate, clean, manifest, variables, options, code):
    server = plain("etl")
    for name, value in variables.items():
        clean.setenv(name, value.replace("URL", server.url))
    given = [one for option in options for one in ([option, server.url] if "url" in option else [option])]

    ended = gate("check", manifest("version: 1\nenvironment: m\ndags: [etl]\n"), *given, *SHORT)

    assert ended.code == code, ended.out + ended.err
    assert bool(server.asked) == (code == 0)


@pytest.mark.parametrize("url", ["", "airflow.example.com", "https://user:hush@host/", "ftp://host"])
def test_a_url_that_cannot_be_called_is_wrong_input(gate, manifest, url):
    ended = gate("check", manifest(), f"--airflow-url={url}")

    assert ended.code == 2
    assert "hush" not in ended.err


def test_s3_can_be_compared_with_only_where_its_folder_is_named(plain, gate, tmp_path):
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "etl.py").write_text(text_of("etl"))

    ended = gate("check", "--airflow-url", plain("etl").url, "--dags-folder", "dags", "--verify-s3")

    assert ended.code == 2
    assert "--dags-s3" in ended.err


@pytest.mark.parametrize(("version", "code"), [("3.0.6", 0), ("3.0.7", 1)])
def test_the_version_of_mwaa_is_demanded_of_a_plain_airflow_too(plain, check, reports, version, code):
    text = f'version: 1\ndags: [etl]\nmwaa: {{airflow_version: "{version}", environment_class: mw1.small}}\n'

    ended = check(plain("etl"), *FAST, text=text)

    assert ended.code == code, ended.out + ended.err
    found = {one["id"]: one["status"] for one in reports.json["checks"]}
    assert found["environment/environment_class"] == "skipped"


def test_a_manifest_that_demands_only_what_mwaa_has_is_wrong_input(plain, check):
    ended = check(plain("etl"), text="version: 1\nmwaa: {environment_class: mw1.small}\n")

    assert ended.code == 2
    assert "nothing" in ended.err


def test_files_need_no_sync_but_a_parse_under_way_has_its_time(plain, check, reports):
    ended = check(plain("etl"), "--settle", "0s", "--interval", "100ms", "--timeout", "20s")

    assert ended.code == 0, ended.out + ended.err
    assert 4.0 <= reports.json["duration_s"] <= 12.0
