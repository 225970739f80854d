"""What the simulated API does with queries: the limits, filters and patterns of each version."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import boto3
import botocore.config
import pytest

from validator.sandbox.files import DagFile, SimDag, one_dag
from validator.sandbox.rules import VERSIONS, Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

START = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
LIKE = ("PAT_X", "pat-x", "pat.x", "pat_x", "patax")


def simulate(version, *dags, files=None):
    clock = [START]
    rules = Rules(airflow=version, min_file_process_interval=5, dir_list_interval=5, sync=(0, 0))
    world = World(rules, now=lambda: clock[0], files=files or {"all.py": DagFile(dags)})
    simulation = Simulation(world)
    simulation.clock = clock
    return simulation


def ids(simulation, **query):
    status, body = simulation.call("GET", "/dags", query, None)
    assert status == 200, body
    return [dag["dag_id"] for dag in body["dags"]]


@pytest.mark.parametrize(("version", "rows"), [("2.4.3", 7), ("2.10.5", 7), ("3.0.6", 9), ("3.3.2", 7)])
def test_a_page_is_never_longer_than_the_environment_allows(version, rows):
    dags = tuple(SimDag(f"d{number}") for number in range(9))
    world = World(Rules(airflow=version, page_limit=7), files={"all.py": DagFile(dags)})

    status, body = Simulation(world).call("GET", "/dags", {"limit": 500}, None)

    assert (status, len(body["dags"]), body["total_entries"]) == (200, rows, 9)


@pytest.mark.parametrize(
    ("version", "limit", "rows"),
    [
        *((version, limit, 100) for version in VERSIONS[:2] for limit in (None, 0, 1000)),
        *(("3.0.6", limit, rows) for limit, rows in ((None, 50), (0, 0), (1000, 278), (277, 277))),
        *(("3.3.2", limit, rows) for limit, rows in ((None, 50), (0, 0), (1000, 100), (99, 99))),
    ],
)
def test_a_page_is_as_long_as_the_version_says(version, limit, rows):
    simulation = simulate(version, *(SimDag(f"d{number:03}") for number in range(278)))
    query = {} if limit is None else {"limit": limit}
    _, body = simulation.call("GET", "/dags", query, None)
    assert (len(body["dags"]), body["total_entries"]) == (rows, 278)


@pytest.mark.parametrize("version", VERSIONS)
def test_pages_walk_the_whole_list_in_order(version):
    names = [f"d{number:03}" for number in range(60)]
    simulation = simulate(version, *map(SimDag, names))
    walked = [one for offset in range(0, 70, 7) for one in ids(simulation, limit=7, offset=offset)]
    assert walked == names


@pytest.mark.parametrize("version", VERSIONS)
def test_a_pattern_is_an_ilike(version):
    simulation = simulate(version, *map(SimDag, (*LIKE, "other", "pat\\_x")))
    assert ids(simulation, dag_id_pattern="pat_x") == [*LIKE]
    assert ids(simulation, dag_id_pattern="p%x") == sorted([*LIKE, "pat\\_x"])
    assert ids(simulation, dag_id_pattern="THE") == ["other"]
    for literal in ("^pat", "pat*", "pat-x,pat.x"):
        assert ids(simulation, dag_id_pattern=literal) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_only_late_versions_know_a_pattern_of_many(version):
    simulation = simulate(version, *map(SimDag, ("one", "two", "three", "four")))
    many = version == "3.3.2"
    assert ids(simulation, dag_id_pattern="one| two ||four") == (["four", "one", "two"] if many else [])
    assert ids(simulation, dag_id_pattern="|") == []
    assert ids(simulation, dag_id_pattern="~") == (["four", "one", "three", "two"] if version >= "3" else [])


@pytest.mark.parametrize("version", VERSIONS)
def test_tags(version):
    simulation = simulate(version, SimDag("a", tags=("x",)), SimDag("b", tags=("x", "y")), SimDag("c"))
    assert ids(simulation, tags=["x", "y"]) == ["a", "b"]
    assert ids(simulation, tags="x,y") == (["a", "b"] if version < "3" else [])
    if version >= "3":
        assert ids(simulation, tags=["x", "y"], tags_match_mode="all") == ["b"]


@pytest.mark.parametrize("version", VERSIONS)
def test_gone_dags_are_shown_only_when_asked_for_in_the_versions_own_words(version):
    simulation = simulate(version, files={"a.py": one_dag("a"), "b.py": one_dag("b")})
    simulation.world.remove("b.py")
    simulation.clock[0] += timedelta(seconds=10)
    assert ids(simulation) == ["a"]
    asked = {"exclude_stale": False} if version >= "3" else {"only_active": False}
    assert ids(simulation, **asked) == ["a", "b"]
    status, body = simulation.call("GET", "/dags/b", {}, None)
    assert status == 200, "which proves nothing"
    assert body["is_stale"] if version >= "3" else not body["is_active"]
    if version >= "3":
        assert ids(simulation, only_active=False) == ["a"], "ignored"


@pytest.mark.parametrize("version", VERSIONS)
def test_import_errors_are_named_as_the_version_does(version):
    simulation = simulate(version, files={"sub/a.py": one_dag("a").broken("SyntaxError in {path}")})
    _, body = simulation.call("GET", "/importErrors", {}, None)
    (error,) = body["import_errors"]
    absolute = "/usr/local/airflow/dags/sub/a.py"
    assert error["filename"] == ("sub/a.py" if version == "3.3.2" else absolute)
    assert error["stack_trace"] == f"SyntaxError in {absolute}"


def test_a_web_server_that_restarts_answers_503():
    simulation = simulate("3.0.6", SimDag("a"))
    simulation.world.restart_webserver(10, at=5)
    statuses = []
    for _ in range(4):
        statuses.append(simulation.call("GET", "/monitor/health", {}, None)[0])
        simulation.clock[0] += timedelta(seconds=6)
    assert statuses == [200, 503, 503, 200]


def test_the_whole_way_through_boto3(monkeypatch):
    simulation = simulate("3.0.6", SimDag("a"))
    monkeypatch.setenv("AWS_DISABLE_HOST_PREFIX_INJECTION", "true")
    session = boto3.session.Session("any", "any", region_name="us-east-1")
    config = botocore.config.Config(retries={"total_max_attempts": 1})
    with Sandbox(simulation, calls_per_second=0, now=lambda: simulation.clock[0]) as sandbox:
        client = session.client("mwaa", endpoint_url=sandbox.url, config=config)
        simulation.clock[0] += timedelta(seconds=30)
        answer = client.invoke_rest_api(
            Name="sandbox", Path="/dags", Method="GET", QueryParameters={"limit": 1, "exclude_stale": True}
        )
        assert answer["RestApiResponse"]["dags"][0]["last_parsed_time"] > "2026-11-22T02:00:20"
        assert answer["ResponseMetadata"]["HTTPHeaders"]["date"] == "Sun, 22 Nov 2026 02:00:30 GMT"
        with pytest.raises(client.exceptions.RestApiClientException) as caught:
            client.invoke_rest_api(Name="sandbox", Path="/dags/none", Method="GET")
        assert caught.value.response["RestApiStatusCode"] == 404
        assert client.get_environment(Name="sandbox")["Environment"]["AirflowVersion"] == "3.0.6"
        client.close()
