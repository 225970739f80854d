"""The built zip under AWS's own runtime client, with nothing else to import, against a stand-in of Lambda's Runtime API."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import queue
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import jsonschema_rs
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "deploy"))  # scripts are no package

import build_zip  # noqa: E402 - after the path

RUNNING = f"{sys.version_info[0]}.{sys.version_info[1]}"
MACHINE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine())
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or MACHINE is None,
    reason="what runs in Lambda runs on Linux alone, on x86_64 and arm64",
)
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text("utf-8"))
MANIFEST = {"version": 1, "dags": ["etl"]}
SECRETS = ("artifact-secret-key", "artifact-session-token", "hush-hush", "own-secret")
START = """
import sys
sys.path[:0] = {paths!r}
from awslambdaric.__main__ import main
main(["awslambdaric", {handler!r}])
"""


@pytest.fixture(scope="session")
def task():
    """The folder that Lambda makes of the zip: built once for the same inputs."""
    inputs = [
        path for path in (ROOT / "validator").rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    digest = hashlib.sha256(f"{RUNNING} {MACHINE}".encode())
    for path in sorted([*inputs, build_zip.LOCK, Path(build_zip.__file__)]):
        digest.update(f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    cache = ROOT / ".cache" / "lambda"
    folder = cache / digest.hexdigest()[:16]
    if not folder.exists():
        mine = cache / f"{folder.name}.{os.getpid()}"  # others may be building it, too
        build_zip.build(mine / "gate.zip", RUNNING, MACHINE)
        with zipfile.ZipFile(mine / "gate.zip") as archive:
            archive.extractall(mine / "task")
        try:
            mine.rename(folder)
        except OSError:  # somebody else was quicker
            assert folder.exists()
    return folder / "task"


@dataclass
class Ended:
    """How an invocation ended."""

    answer: object = None
    error: dict | None = None
    """What the runtime said of an exception."""
    took: float = 0.0


class Runtime:
    """Lambda's Runtime API on loopback, and the function's process: one event at a time, as Lambda does."""

    def __init__(self, folder, variables, log, handler="validator.codepipeline.handler"):
        self._events, self._ended = queue.Queue(), queue.Queue()
        runtime = self

        class Api(BaseHTTPRequestHandler):
            def do_GET(self):  # /2018-06-01/runtime/invocation/next
                event, seconds = runtime._events.get()
                if event is None:
                    return  # the process is gone
                body = event.encode()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "request-1")
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + seconds) * 1000)))
                self.send_header(
                    "Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:1:function:gate"
                )
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):  # …/response, …/error, /2018-06-01/runtime/init/error
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                runtime._ended.put(Ended(body) if self.path.endswith("/response") else Ended(error=body))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        client = Path(find_spec("awslambdaric").origin).parents[1]
        paths = [str(folder), str(log.parent / "runtime")]
        _link_runtime(client, log.parent / "runtime")
        api = f"127.0.0.1:{self._server.server_port}"
        start = START.format(paths=paths, handler=handler)
        environment = {
            "PATH": os.defpath,
            "AWS_LAMBDA_RUNTIME_API": api,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",  # its answers are UTF-8, and not ASCII
            "LAMBDA_TASK_ROOT": str(folder),
            "AWS_LAMBDA_FUNCTION_NAME": "gate",
            **variables,
        }
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-B", "-c", start],
                env=environment, cwd=log.parent, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip

    @property
    def log(self):
        return self._log.read_text("utf-8")

    @property
    def peak(self):
        """The most memory that the process ever had, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    @property
    def cpu(self):
        """Seconds of CPU that the process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def invoke(self, event, seconds=900.0, patience=60.0):
        began = time.monotonic()
        self._events.put((event if isinstance(event, str) else json.dumps(event), seconds))
        while self._ended.empty():
            gone = self.process.poll() is not None or time.monotonic() - began > patience
            assert not gone, f"no answer; the log says:\n{self.log}"
            time.sleep(0.01)
        ended = self._ended.get()
        ended.took = time.monotonic() - began
        return ended

    def close(self):
        self.process.kill()
        self.process.wait()
        self._events.put((None, 0))  # a request may still wait for one
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _link_runtime(site, folder):
    """What Lambda's own image has beside the function: its runtime client, and nothing of the venv's."""
    folder.mkdir(exist_ok=True)
    for pattern in ("awslambdaric", "runtime_client*.so", "simplejson", "snapshot_restore_py"):
        for path in site.glob(pattern):
            (folder / path.name).symlink_to(path)


@pytest.fixture
def runtime(task, clean, tmp_path):
    """Starts the function; it sees the endpoints of the other fixtures."""
    started = []

    def go(**options):
        aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        folder = tmp_path / f"runtime-{len(started)}"
        folder.mkdir()
        started.append(Runtime(task, aws, folder / "log", **options))
        return started[-1]

    yield go
    for one in started:
        one.close()


def _through(runtime):
    """What the pipeline calls in place of the handler; an error of the function is one here."""

    def invoke(event, context):
        ended = runtime.invoke(event, context.get_remaining_time_in_millis() / 1000)
        assert ended.error is None, ended.error
        return ended.answer

    return invoke


def test_whole_jobs_run_from_the_zip_alone_and_log_no_secret(
    pipeline, sandbox, world, aws, runtime, fast, source
):
    function = runtime()
    pipeline.invoke = _through(function)
    artifact = pipeline.artifact({"gate.yaml": "version: 1\ndags: [etl]\n", "dags/etl.py": source})
    given = {**fast, "manifest": "gate.yaml", "dags_folder": "dags", "variables": {"PASSWORD": "hush-hush"}}
    *before, green = pipeline.run(given, artifact)
    assert before
    assert green.variables["verdict"] == "passed"
    world.damage("etl.py", lags=0)
    red = pipeline.run({**given, "reports": "s3://reports/x"}, artifact)[-1]
    assert red.failure[0] == "JobFailed"
    assert "dag-import-error" in red.failure[1]
    assert sorted(aws.keys("reports")) == [
        f"x/sandbox/{name}" for name in ("junit.xml", "report.html", "report.json")
    ]
    assert pipeline.once("{").failure[0] == "ConfigurationError"
    assert "PASSED: sandbox" in function.log
    assert "FAILED: sandbox" in function.log
    assert [secret for secret in SECRETS if secret in function.log + str(aws.answers)] == []


def test_other_events_are_answered_through_the_runtime_whatever_characters_are_in_them(
    sandbox, world, runtime, once
):
    function = runtime()
    trace = 'Traceback:\n  File "{path}", line 3\nValueError: \ud800 \U0001f680 \x1b[31m ::error::x\n'
    world.damage("etl.py", trace, lags=0)
    given = {
        **once,
        "timeout": "1500ms",
        "manifest": {"version": 1, "dags": ["etl"]},
        "deployed_at": "now",
        "sync": "0s",
    }
    ended = function.invoke(given)
    assert ended.error is None
    answer = dict(ended.answer)
    assert answer.pop("state") == "done"
    answer.pop("reports")
    jsonschema_rs.validator_for(SCHEMA).validate(answer)
    assert answer["verdict"] == "failed"
    assert "\\ud800 \U0001f680" in json.dumps(answer, ensure_ascii=False).replace("\\\\", "\\")
    for event in ("null", "[]", '"x"', "7", "true", "{}", '{"environment": "\\ud800"}', '{"detail-type": 1}'):
        ended = function.invoke(event)
        assert ended.error is None
        assert ended.answer["exit_code"] == 2
    assert function.invoke('{"CodePipeline.job": {}}').error["errorType"] == "UsageError"


def test_an_answer_that_is_refused_is_an_error_of_the_function_without_its_event(
    pipeline, aws, runtime, once
):
    function = runtime()
    aws.faults["PutJobFailureResult"] = [(400, "AccessDeniedException"), "..."]
    event = pipeline.event({**once, "manifest": "no.yaml", "variables": {"PASSWORD": "hush-hush"}})
    ended = function.invoke(event)
    assert ended.error["errorType"] == "ClientError"
    assert "PutJobFailureResult" in ended.error["errorMessage"]
    assert [secret for secret in SECRETS if secret in function.log + json.dumps(ended.error)] == []


def test_a_job_is_answered_while_its_transport_hangs_and_lambdas_own_deadline_comes(
    pipeline, sandbox, aws, runtime, once
):
    answered = threading.Event()
    aws.watch = lambda environ: answered.set()
    sandbox.fault = lambda call: (
        None if answered.wait(20.0) else pytest.fail("it was not answered while it hung")
    )
    pipeline.invoke = _through(runtime())
    kind, message = pipeline.once({**once, "manifest": MANIFEST, "timeout": "1m"}, seconds=9.0).failure
    assert kind == "SystemUnavailable"
    assert "The function's timeout came before" in message


def test_five_thousand_dag_files_fit_into_the_functions_memory_and_a_message(
    pipeline, sandbox, aws, runtime, once
):
    function = runtime()
    pipeline.invoke = _through(function)
    text = (
        'from airflow import DAG\n\ndag_{0} = DAG("dag_{0}", schedule=None, tags=["team:data"])\n'
        + "# more\n" * 60
    )
    artifact = pipeline.artifact(
        {f"dags/team/dag_{number}.py": text.format(number) for number in range(5_000)}
    )
    given = {**once, "dags_folder": "dags", "timeout": "3s", "interval": "1s", "reports": "s3://reports/x"}
    kind, message = pipeline.once(given, artifact).failure
    assert kind == "JobFailed", message
    assert "dag-missing" in message
    assert "more" in message
    report = json.loads(aws.get("s3://reports/x/sandbox/report.json"))
    assert len([check for check in report["checks"] if check["reason"] == "dag-missing"]) == 5_000
    print(f"peak {function.peak:.0f} MB, CPU {function.cpu:.1f} s")  # noqa: T201 - a number for people who run it with -s
    assert function.peak < 400  # of the 512 MB that docs/lambda.md calls plenty


def test_the_first_event_finds_little_imported_and_the_import_is_cheap(task):
    code = (
        "import sys, time\n"
        f"sys.path.insert(0, {str(task)!r})\n"
        "began = time.process_time()\n"
        "import validator.codepipeline\n"
        "print(time.process_time() - began)\n"
        "print(*sorted(name for name in sys.modules if '.' not in name))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    seconds, names = done.stdout.splitlines()
    assert not {"botocore", "jinja2", "jsonschema_rs", "yaml", "urllib3", "zipfile"} & set(names.split())
    assert (
        float(seconds) < 0.4
    )  # 10 s of CPU are free in Lambda's init phase; a run of it takes a tenth of this
