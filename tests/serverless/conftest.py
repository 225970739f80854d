"""A pipeline around the Lambda function: moto's S3 and CodePipeline, a simulated Airflow, and what CodePipeline sends."""

from __future__ import annotations

import io
import json
import re
import socket
import threading
import time
import zipfile
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import botocore.session
import pytest
from bare_machine import bare_machine, signed
from moto.codepipeline.responses import CodePipelineResponse
from moto.core.exceptions import JsonRESTError
from moto.server import DomainDispatcherApplication, create_backend_app
from turned_time import RealTime, TurnedTime
from werkzeug.serving import WSGIRequestHandler, make_server

from validator.codepipeline import handler
from validator.sandbox.files import one_dag
from validator.sandbox.rules import Rules
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

SOURCE = 'from airflow import DAG\ndag = DAG("etl")\n'
BUCKETS = ("artifacts", "reports", "dags")
FAILURES = {
    "ConfigurationError",
    "JobFailed",
    "PermissionError",
    "RevisionOutOfSync",
    "RevisionUnavailable",
    "SystemUnavailable",
}
QUICK = Rules(
    airflow="3.0.6",
    sync=(0.0, 0.1),
    min_file_process_interval=0.2,
    dir_list_interval=0.3,
    min_serialized_dag_update_interval=0.2,
    min_serialized_dag_fetch_interval=0.2,
    parse=(0.0, 0.01),
    loop=0.05,
)
OPTIONS = {
    "dag_processor.refresh_interval": "1",
    "core.min_serialized_dag_update_interval": "0",
    "core.min_serialized_dag_fetch_interval": "0",
}
FAST = {
    "environment": "sandbox",
    "max_tps": 100,
    "interval": "300ms",
    "sync": "0s",
    "settle": "1500ms",
    "grace": "1s",
    "invocation": "400ms",
}
"""Parameters of a wait that takes seconds, and several invocations."""
ONCE = {
    "environment": "sandbox",
    "max_tps": 100,
    "interval": "1s",
    "settle": "0s",
    "deployed_at": "none",
    "timeout": "2s",
}
"""Parameters of a check without a deploy, which is over after its first look if all is well."""


def _utf16(text):
    """The length that Java, and with it much of AWS, has in mind."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _refuse(message):
    raise JsonRESTError("ValidationException", f"1 validation error detected: {message}")


@dataclass
class Told:
    """One answer to a job that CodePipeline took."""

    operation: str
    body: dict

    @property
    def token(self):
        return self.body.get("continuationToken")

    @property
    def is_failure(self):
        return self.operation == "PutJobFailureResult"

    @property
    def failure(self):
        """The type and the message."""
        assert self.is_failure, self.body
        return self.body["failureDetails"]["type"], self.body["failureDetails"]["message"]

    @property
    def variables(self):
        assert not self.is_failure, self.body
        return self.body["outputVariables"]

    @property
    def summary(self):
        return self.body["executionDetails"]["summary"]


class Aws:
    """moto on loopback, with the two answers that it lacks, as strict as CodePipeline is; and what is to go wrong."""

    def __init__(self):
        self.answers = []
        """What was taken, in order."""
        self.attempts = []
        """Every request to CodePipeline, taken or not."""
        self.watch = lambda environ: None
        """Is shown every request."""
        self.faults = {}
        """By operation (`PutJobSuccessResult`, `GET`, `PUT`): faults, the next one first; `"..."` repeats the last one."""
        app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server(
            "127.0.0.1", 0, self._with_faults(app), threaded=True, request_handler=_Quiet
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.port}"
        session = botocore.session.Session()
        session.set_credentials("own", "secret")
        self.s3 = session.create_client("s3", region_name="us-east-1", endpoint_url=self.url)
        for bucket in BUCKETS:
            self.s3.create_bucket(Bucket=bucket)

    def close(self):
        self.s3.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def forget(self):
        self.answers.clear()
        self.attempts.clear()
        self.watch = lambda environ: None
        self.faults.clear()
        for bucket in BUCKETS:
            for key in self.keys(bucket):
                self.s3.delete_object(Bucket=bucket, Key=key)

    def keys(self, bucket):
        return [one["Key"] for one in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def get(self, uri):
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def put(self, bucket, key, data):
        self.s3.put_object(Bucket=bucket, Key=key, Body=data)

    def take(self, operation, body):
        """What CodePipeline does with an answer (AWS.md section 4)."""
        if body["jobId"] in {told.body["jobId"] for told in self.answers}:
            raise JsonRESTError("InvalidJobStateException", "Job is already in a terminal state")
        if operation == "PutJobFailureResult":
            self._check_failure(body["failureDetails"])
        else:
            self._check_success(body)
        self.answers.append(Told(operation, body))
        return "{}"

    def _check_failure(self, details):
        if details["type"] not in FAILURES:
            _refuse(f"{details['type']} at 'failureDetails.type' must satisfy enum value set")
        if not 1 <= _utf16(details["message"]) <= 5_000:
            _refuse("'failureDetails.message' must have length between 1 and 5000")

    def _check_success(self, body):
        token = body.get("continuationToken")
        if token is not None and not 1 <= _utf16(token) <= 2_048:
            _refuse("'continuationToken' must have length less than or equal to 2048")
        if token is not None and body.get("outputVariables"):
            _refuse("outputVariables beside a continuationToken")
        if _utf16(body.get("executionDetails", {}).get("summary", "")) > 2_048:
            _refuse("'executionDetails.summary' must have length less than or equal to 2048")
        for name, value in (body.get("outputVariables") or {}).items():
            if not re.fullmatch(r"[A-Za-z0-9@\-_]+", name) or not isinstance(value, str):
                _refuse(f"'outputVariables' {name} must satisfy a regular expression pattern")

    def _with_faults(self, app):
        def served(environ, start_response):
            operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2] or environ["REQUEST_METHOD"]
            self.watch(environ)
            if operation.startswith("PutJob"):
                self.attempts.append(operation)
            todo = self.faults.get(operation) or []
            fault = todo[0] if todo else None
            if todo and todo[1:] != ["..."]:
                todo.pop(0)
            if fault is None:
                return app(environ, start_response)
            if fault in ("reset", "late"):
                if fault == "late":  # it was taken, and nobody hears of it
                    list(app(environ, lambda *_: None))
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                return []
            status, code = fault
            body = json.dumps({"__type": code, "message": "as a test wants it"})
            if not environ.get("HTTP_X_AMZ_TARGET"):
                body = f"<Error><Code>{code}</Code><Message>as a test wants it</Message></Error>"
            start_response(f"{status} -", [("Content-Length", str(len(body)))])
            return [body.encode()]

        return served


class _Quiet(WSGIRequestHandler):
    def log(self, *args):
        pass


@pytest.fixture(scope="session")
def _moto():
    one = Aws()
    yield one
    one.close()


@pytest.fixture
def clean(monkeypatch, tmp_path):
    """No setting of AWS or of the gate itself but what a test sets; any credentials; nobody listens."""
    signed(bare_machine(monkeypatch, tmp_path / "aws"))
    for name in ("MWAA", "S3", "CODEPIPELINE"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", "http://127.0.0.1:9")
    return monkeypatch


@pytest.fixture
def aws(_moto, clean):
    """S3 and CodePipeline, empty, which the environment points to."""

    def taker(operation):
        return lambda response: _moto.take(operation, json.loads(response.body))

    for name, operation in (("success", "PutJobSuccessResult"), ("failure", "PutJobFailureResult")):
        clean.setattr(CodePipelineResponse, f"put_job_{name}_result", taker(operation), raising=False)
    for service in ("S3", "CODEPIPELINE"):
        clean.setenv(f"AWS_ENDPOINT_URL_{service}", _moto.url)
    yield _moto
    _moto.forget()


@pytest.fixture
def the_time(request, clean):
    """What the gate and its Airflow go by: turned, but where the function is a process of its own."""
    if "runtime" in request.fixturenames:
        return RealTime()
    turned = TurnedTime()
    turned.govern(clean)
    return turned


@pytest.fixture
def world(the_time):
    """A simulated Airflow in a hurry, in which one DAG is parsed for long; its file's text is `SOURCE`."""
    return World(QUICK, now=the_time.utc, files={"etl.py": replace(one_dag("etl"), source=SOURCE)})


@pytest.fixture
def source():
    return SOURCE


@pytest.fixture
def sandbox(world, the_time, clean):
    """An MWAA endpoint in front of it, which the environment points to."""
    with Sandbox(Simulation(world, options=OPTIONS), calls_per_second=0, now=the_time.utc) as endpoint:
        clean.setenv("AWS_ENDPOINT_URL_MWAA", endpoint.url)
        yield endpoint


def _context(seconds=900.0):
    """What Lambda gives a handler beside the event."""
    return SimpleNamespace(get_remaining_time_in_millis=lambda: int(seconds * 1000))


@pytest.fixture
def context():
    return _context


@dataclass
class Pipeline:
    """CodePipeline: sends jobs, and sends another for each answer that asks for one."""

    aws: Aws
    wait: object = time.sleep
    """Takes the seconds until an answer's next job."""
    invoke: object = handler
    """Takes an event and a context."""
    jobs: int = 0
    credentials: dict = field(
        default_factory=lambda: {
            "accessKeyId": "AKIAARTIFACTKEY",
            "secretAccessKey": "artifact-secret-key",
            "sessionToken": "artifact-session-token",
        }
    )

    def artifact(self, files, name="Source"):
        """An input artifact: a zip of these files by name, or these bytes."""
        if isinstance(files, dict):
            made = io.BytesIO()
            with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
                for path, text in files.items():
                    archive.writestr(path, text)
            files = made.getvalue()
        key = f"pipeline/{name}/{self.jobs}.zip"
        self.aws.put("artifacts", key, files)
        return self.at("artifacts", key, name)

    @staticmethod
    def at(bucket, key, name="Source"):
        """An input artifact, wherever it is."""
        place = {"bucketName": bucket, "objectKey": key}
        return {"name": name, "revision": "1", "location": {"type": "S3", "s3Location": place}}

    def event(self, parameters, *artifacts, token=None):
        """A job's event; `parameters` are UserParameters, as an object or as text."""
        self.jobs += 1
        text = parameters if isinstance(parameters, str) else json.dumps(parameters)
        assert len(text) <= 1_000, "more UserParameters than CodePipeline takes"
        data = {
            "actionConfiguration": {"configuration": {"FunctionName": "gate", "UserParameters": text}},
            "inputArtifacts": list(artifacts),
            "outputArtifacts": [],
            "artifactCredentials": self.credentials,
        }
        if token is not None:
            data["continuationToken"] = token
        return {"CodePipeline.job": {"id": f"job-{self.jobs}", "accountId": "123456789012", "data": data}}

    def once(self, parameters, *artifacts, token=None, seconds=900.0):
        """The one answer to one job."""
        before = len(self.aws.answers)
        self.invoke(self.event(parameters, *artifacts, token=token), _context(seconds))
        assert len(self.aws.answers) == before + 1, "a job is answered exactly once"
        return self.aws.answers[-1]

    def run(self, parameters, *artifacts, between=lambda number: None, most=40):
        """Every answer, to the last one; `between` is called after each, with how many there were."""
        answers = [self.once(parameters, *artifacts)]
        while answers[-1].token is not None:
            assert len(answers) < most, "the job does not end"
            between(len(answers))
            self.wait(0.1)
            answers.append(self.once(parameters, *artifacts, token=answers[-1].token))
        return answers


@pytest.fixture
def pipeline(aws, the_time):
    return Pipeline(aws, the_time.sleep)


@pytest.fixture
def fast():
    return dict(FAST)


@pytest.fixture
def once():
    return dict(ONCE)
