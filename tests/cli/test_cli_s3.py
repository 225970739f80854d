"""`--verify-s3` by the whole command: moto's S3 beside a simulated Airflow, both over HTTP on loopback."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from validator.sandbox.files import DagFile, SimDag
from validator.sandbox.rules import Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

BUCKET = "sandbox-bucket"
"""What the sandbox's GetEnvironment tells, with the path `dags`."""
FAST = ("--env", "sandbox", "--interval", "100ms", "--max-tps", "1000", "--grace", "300ms", "--verify-s3")
TIMES = (*FAST, "--sync", "0s", "--settle", "0s")
DENIED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>'


def text_of(dag_id, version="2", imports=""):
    return f"{imports}from airflow import DAG\n\nwith DAG({dag_id!r}, tags=[]) as dag:\n    version = {version!r}\n"


def file_of(dag_id, version="2", imports=""):
    return DagFile((SimDag(dag_id, version=version),), source=text_of(dag_id, version, imports))


@pytest.fixture(scope="module")
def moto():
    """One S3 for all tests of this module; each has a bucket of its own making."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


class Bucket:
    """A bucket, and how old its objects look."""

    def __init__(self, url, the_time, name=BUCKET):
        self.name = name
        self.now = the_time.utc
        self.client = boto3.client("s3", endpoint_url=url, region_name="us-east-1")
        self.client.create_bucket(Bucket=name)

    def put(self, key, text, *, age=0.0):
        self.client.put_object(
            Bucket=self.name, Key=key, Body=text.encode() if isinstance(text, str) else text
        )
        keys = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[self.name].keys
        keys[key].last_modified = self.now().replace(tzinfo=None) - timedelta(seconds=age)

    def upload(self, folder, path="dags", *, age=0.0):
        """The folder, as `aws s3 cp --recursive` copies it."""
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                self.put(
                    f"{path}/{file.relative_to(folder).as_posix()}".lstrip("/"), file.read_bytes(), age=age
                )

    def delete(self, key):
        self.client.delete_object(Bucket=self.name, Key=key)

    def close(self):
        self.client.close()
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].reset()


@contextmanager
def refusing(status=403, body=DENIED):
    """The URL of an S3 that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def bucket(clean, moto, the_time):
    clean.setenv("AWS_ENDPOINT_URL_S3", moto)
    made = Bucket(moto, the_time)
    yield made
    made.close()


@pytest.fixture
def dags(tmp_path):
    """A local folder: two DAGs, and a helper that one of them imports."""
    folder = tmp_path / "dags"
    (folder / "lib").mkdir(parents=True)
    (folder / "a.py").write_text(text_of("a"))
    (folder / "b.py").write_text(text_of("b", imports="import lib.util\n"))
    (folder / "lib/util.py").write_text("LIMIT = 5\n")
    return folder


@pytest.fixture
def airflow(request):
    return getattr(request, "param", "3.0.6")


@pytest.fixture
def new_sandbox(airflow, clean, the_time):
    running = []

    def go(files=None, *, facts=None, **rules):
        quick = {
            "min_file_process_interval": 0.1,
            "dir_list_interval": 0.2,
            "loop": 0.05,
            "parse": (0.0, 0.01),
        }
        files = files or {"a.py": file_of("a"), "b.py": file_of("b", imports="import lib.util\n")}
        world = World(Rules(airflow=airflow, **{**quick, **rules}), now=the_time.utc, files=files)
        one = Sandbox(Simulation(world, facts=facts), calls_per_second=0, now=the_time.utc)
        one.start()
        one.world = world
        running.append(one)
        clean.setenv("AWS_ENDPOINT_URL_MWAA", one.url)
        return one

    yield go
    for one in running:
        one.close()


def judged(reports):
    return {one["id"]: (one["status"], one["reason"]) for one in reports.json["checks"]}


def only_one_round(reports, sandbox):
    """Whether the gate ended with its first look."""
    return (
        sum(1 for call in sandbox.calls if call.path == "/monitor/health") == 1
        and reports.json["duration_s"] < 20
    )


def at(moment):
    return ("--deployed-at", str(moment))


@pytest.mark.parametrize("airflow", ["2.10.5", "3.0.6", "3.3.2"], indirect=True)
def test_what_s3_holds_as_it_is_here_is_green(gate, new_sandbox, bucket, dags, reports, airflow):
    new_sandbox()
    bucket.upload(dags, age=1.0)
    ended = gate("check", "--dags-folder", dags, *TIMES, "--timeout", "10s", *reports.options)
    assert ended.code == 0, ended.out
    told = judged(reports)
    assert told["s3/folder"][0] == told["dags/a"][0] == told["dags/b"][0] == "passed"
    (folder,) = [one for one in reports.json["checks"] if one["id"] == "s3/folder"]
    assert folder["subject"] == f"s3://{BUCKET}/dags"
    assert folder["details"]["compared_by_content"] == 3


@pytest.mark.parametrize("airflow", ["2.10.5", "3.3.2"], indirect=True)
@pytest.mark.parametrize("aged", [True, False])
def test_what_an_old_deploy_brought_needs_no_parse_after_now(
    gate, new_sandbox, bucket, dags, reports, airflow, aged
):
    one = new_sandbox(min_file_process_interval=3600.0)  # nothing is parsed again
    with one.backend.lock:
        for row in one.world.metadata.dags.values():
            row.last_parsed = -60.0
    bucket.upload(dags, age=900.0 if aged else 0.0)
    times = ("--timeout", "20s" if aged else "900ms", "--interval", "400ms")
    ended = gate("check", "--dags-folder", dags, *TIMES, *times, *reports.options)
    assert ended.code == (0 if aged else 1), ended.out
    assert judged(reports)["dags/a"] == (("passed", None) if aged else ("failed", "dag-stale"))


@pytest.mark.parametrize("airflow", ["2.10.5", "3.0.6"], indirect=True)
def test_each_file_counts_from_its_own_time_and_from_the_newest_helpers(
    gate, new_sandbox, bucket, dags, reports, airflow
):
    one = new_sandbox(min_file_process_interval=3600.0)
    with one.backend.lock:
        for row in one.world.metadata.dags.values():
            row.last_parsed = -60.0
    bucket.upload(dags, age=900.0)
    bucket.put("dags/b.py", (dags / "b.py").read_bytes())
    times = (*TIMES, "--timeout", "700ms", "--interval", "400ms", *reports.options)
    assert gate("check", "--dags-folder", dags, *times).code == 1
    told = judged(reports)
    assert (told["dags/a"][0], told["dags/b"]) == ("passed", ("failed", "dag-stale"))
    bucket.upload(dags, age=900.0)
    bucket.put("dags/lib/util.py", (dags / "lib/util.py").read_bytes())
    assert gate("check", "--dags-folder", dags, *times).code == 1
    told = judged(reports)
    assert told["dags/a"] == told["dags/b"] == ("failed", "dag-stale"), "any DAG may need the helper"


WRONG = {
    "missing": (lambda bucket: bucket.delete("dags/a.py"), "s3/a.py", "object-missing"),
    "a missing helper": (
        lambda bucket: bucket.delete("dags/lib/util.py"),
        "s3/lib/util.py",
        "object-missing",
    ),
    "of another size": (lambda bucket: bucket.put("dags/a.py", "x"), "s3/a.py", "object-mismatch"),
    "another content": (
        lambda bucket: bucket.put("dags/a.py", text_of("a", "1")),
        "s3/a.py",
        "object-mismatch",
    ),
    "another helper": (
        lambda bucket: bucket.put("dags/lib/util.py", "LIMIT = 6\n"),
        "s3/lib/util.py",
        "object-mismatch",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_deploy_that_did_not_happen_is_red_at_once(gate, new_sandbox, bucket, dags, reports, what):
    one = new_sandbox()
    bucket.upload(dags, age=5.0)
    act, name, reason = WRONG[what]
    act(bucket)
    ended = gate("check", "--dags-folder", dags, *FAST, "--timeout", "5m", *reports.options)
    assert ended.code == 1, ended.out
    told = judged(reports)
    assert told[name] == told["s3/folder"] == ("failed", reason)
    assert only_one_round(reports, one), "nothing that Airflow shows later can mend it"
    (red,) = [one for one in reports.json["checks"] if one["id"] == name]
    assert red["file"] == f"{dags}/{name.removeprefix('s3/')}"
    assert reason in {failure.get("type") for failure in reports.junit.iter("failure")}


def test_an_empty_folder_in_s3_names_every_file(gate, new_sandbox, bucket, dags, reports):
    one = new_sandbox()
    bucket.upload(dags, path="elsewhere/team_a")
    ended = gate("check", "--dags-folder", dags, *FAST, "--timeout", "5m", *reports.options)
    assert ended.code == 1, ended.out
    reds = {name for name, (status, _) in judged(reports).items() if status == "failed"}
    assert reds == {"s3/folder", "s3/a.py", "s3/b.py", "s3/lib/util.py"}
    assert only_one_round(reports, one)


def test_a_prefix_that_was_forgotten_is_told(gate, new_sandbox, bucket, dags, reports):
    new_sandbox()
    bucket.upload(dags, path="dags/team_a")
    ended = gate("check", "--dags-folder", dags, *FAST, "--timeout", "5m", *reports.options)
    assert ended.code == 1, ended.out
    assert "--dags-prefix team_a" in ended.out


def test_the_prefix_is_a_part_of_the_place_in_s3(gate, new_sandbox, bucket, dags, reports):
    new_sandbox({"team_a/a.py": file_of("a"), "team_a/b.py": file_of("b", imports="import lib.util\n")})
    bucket.upload(dags, path="dags/team_a", age=1.0)
    command = ("check", "--dags-folder", dags, "--dags-prefix", "team_a", *TIMES, "--timeout", "10s")
    ended = gate(*command, *reports.options)
    assert ended.code == 0, ended.out
    (folder,) = [one for one in reports.json["checks"] if one["id"] == "s3/folder"]
    assert folder["subject"] == f"s3://{BUCKET}/dags/team_a"


def test_what_came_after_the_time_of_the_deploy_is_somebody_elses(
    gate, the_time, new_sandbox, bucket, dags, reports
):
    new_sandbox()
    bucket.upload(dags, age=60.0)
    bucket.put("dags/a.py", text_of("a", "3"), age=5.0)
    deployed = the_time.utc().timestamp() - 50
    ended = gate("check", "--dags-folder", dags, *TIMES, *at(deployed), "--timeout", "5m", *reports.options)
    assert ended.code == 3, ended.out
    assert judged(reports)["s3/a.py"] == ("error", "superseded")
    assert reports.json["duration_s"] < 20


def test_what_was_there_and_then_is_not_is_somebody_elses(gate, new_sandbox, bucket, dags, reports):
    one = new_sandbox()
    bucket.upload(dags, age=1.0)
    looks = []

    def deploy_over_it_at_the_third_look(call):
        if call.path == "/monitor/health":
            looks.append(call)
            if len(looks) == 3:
                bucket.put("dags/a.py", text_of("a", "3"))

    one.fault = deploy_over_it_at_the_third_look
    command = ("check", "--dags-folder", dags, *FAST, "--sync", "0s", "--settle", "1m", "--timeout", "5m")
    ended = gate(*command, *reports.options)
    assert ended.code == 3, ended.out
    assert judged(reports)["s3/a.py"] == ("error", "superseded")
    assert len(looks) == 3


def test_a_bucket_that_is_not_there_cannot_tell(gate, new_sandbox, bucket, dags, reports):
    new_sandbox()
    command = ("check", "--dags-folder", dags, *TIMES, "--dags-s3", "s3://nobodys-bucket/dags")
    ended = gate(*command, "--timeout", "5m", *reports.options)
    assert ended.code == 3, ended.out
    assert judged(reports)["s3/folder"] == ("error", "not-found")
    assert "nobodys-bucket" in ended.out
    assert reports.json["duration_s"] < 20


def test_a_bucket_that_may_not_be_listed_cannot_tell(gate, new_sandbox, bucket, dags, reports, clean):
    new_sandbox()
    bucket.upload(dags)
    with refusing() as url:
        clean.setenv("AWS_ENDPOINT_URL_S3", url)
        ended = gate("check", "--dags-folder", dags, *TIMES, "--timeout", "5m", *reports.options)
    assert ended.code == 3, ended.out
    assert judged(reports)["s3/folder"] == ("error", "access-denied")
    assert "s3:ListBucket" in ended.out
    assert reports.json["duration_s"] < 20


def test_an_s3_that_answers_nonsense_is_never_green(gate, new_sandbox, dags, reports, clean):
    new_sandbox()
    with refusing(200, b"<html>hello</html>") as url:
        clean.setenv("AWS_ENDPOINT_URL_S3", url)
        ended = gate(
            "check",
            "--dags-folder",
            dags,
            *TIMES,
            "--timeout",
            "900ms",
            "--interval",
            "400ms",
            *reports.options,
        )
    assert ended.code == 3, ended.out
    assert judged(reports)["s3/folder"] == ("error", "bad-response")


def test_the_place_in_s3_can_be_given(gate, the_time, new_sandbox, bucket, moto, dags, reports):
    one = new_sandbox()
    other = Bucket(moto, the_time, "another-bucket")
    try:
        other.upload(dags, path="some/where", age=1.0)
        command = ("check", "--dags-folder", dags, *TIMES, "--timeout", "10s", *reports.options)
        assert gate(*command, "--dags-s3", "s3://another-bucket/some/where/").code == 0
        one.deny_get_environment = True
        assert gate(*command, "--dags-s3", "s3://another-bucket/some/where").code == 0
    finally:
        other.client.close()


def test_the_place_in_s3_is_what_getenvironment_tells(gate, new_sandbox, bucket, dags, reports):
    new_sandbox(facts={"SourceBucketArn": f"arn:aws-us-gov:s3:::{BUCKET}", "DagS3Path": "deep/er/dags/"})
    bucket.upload(dags, path="deep/er/dags", age=1.0)
    ended = gate("check", "--dags-folder", dags, *TIMES, "--timeout", "10s", *reports.options)
    assert ended.code == 0, ended.out


@pytest.mark.parametrize("denied", [True, False])
def test_a_place_that_nobody_tells_cannot_tell(gate, new_sandbox, bucket, dags, reports, denied):
    one = new_sandbox(facts={} if denied else {"SourceBucketArn": None})
    one.deny_get_environment = denied
    bucket.upload(dags)
    ended = gate("check", "--dags-folder", dags, *TIMES, "--timeout", "2s", *reports.options)
    assert ended.code == 3, ended.out
    assert judged(reports)["s3/folder"][0] == "error"
    assert "--dags-s3" in ended.out


@pytest.mark.parametrize(
    "uri", ["https://my-bucket/dags", "my-bucket", "s3://", "s3://B/dags", "s3://my-bucket/a//b"]
)
def test_a_place_that_can_be_none_is_a_wrong_command_line(gate, new_sandbox, dags, uri):
    one = new_sandbox()
    ended = gate("check", "--dags-folder", dags, *TIMES, "--dags-s3", uri)
    assert ended.code == 2
    assert re.search(r"s3://\S+", ended.err)
    assert one.calls == ()


def test_files_that_are_not_deployed_can_be_left_out(gate, new_sandbox, bucket, dags, reports):
    new_sandbox()
    bucket.upload(dags, age=1.0)
    (dags / "docs").mkdir()
    (dags / "docs/notes.csv").write_text("1")
    (dags / "README.md").write_text("hello")
    command = ("check", "--dags-folder", dags, *TIMES, "--timeout", "10s", *reports.options)
    assert gate(*command).code == 1
    assert {"s3/README.md", "s3/docs/notes.csv"} <= judged(reports).keys()
    ended = gate(*command, "--s3-exclude", "*.md", "--s3-exclude", "docs/*")
    assert ended.code == 0, ended.out


@pytest.mark.parametrize("airflow", ["2.10.5", "3.0.6"], indirect=True)
def test_the_installed_command_asks_s3_too(child, new_sandbox, bucket, dags, reports, airflow):
    new_sandbox()
    bucket.upload(dags, age=1.0)
    ended = child("check", "--dags-folder", dags, *TIMES, "--timeout", "10s", *reports.options).end()
    assert ended.code == 0, ended.err
    bucket.delete("dags/lib/util.py")
    ended = child("check", "--dags-folder", dags, *TIMES, "--timeout", "10s", *reports.options).end()
    assert ended.code == 1
    assert "object-missing" in ended.out
