"""What is fuzzed by coverage: each target takes any bytes, and raises where something does not hold that must.

Its seeds are the tests' own examples.
"""

from __future__ import annotations

import base64
import io
import json
import math
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from dag_examples import EXAMPLES
from hostile_texts import TEXTS, of_smoke
from inert import READERS, is_told
from manifest_forms import holds
from replayed_airflow import kept
from stated_examples import STATED_EXAMPLES

from validator.airflow import details
from validator.airflow.dialect import (
    AIRFLOW_2_DIALECT,
    AIRFLOW_3_DIALECT,
    read_dag,
    read_health,
    read_import_error,
    read_page,
    read_version,
)
from validator.airflow.pages import read_list
from validator.airflow.run_rows import read_run, read_task_instance
from validator.airflow.task_log import end_of_log
from validator.errors import CallFailed, UsageError
from validator.finding import Status
from validator.gate import begun
from validator.local.definitions import read_definitions
from validator.local.imports import imported_words
from validator.local.model import LocalFile, LocalFolder, Reading
from validator.local.select import dag_files, hidden, ignore_problems
from validator.local.stated import stated_by
from validator.manifest.model import ExpectedDag, Manifest
from validator.memory import BUCKETS
from validator.reasons import Reason
from validator.report import Check, Report
from validator.serverless import token
from validator.serverless.job import job_id, read_job
from validator.serverless.parameters import parse_parameters
from validator.service import Memory
from validator.settings import Settings
from validator.state import Mark, Places, Recalled, Standing, State, key_of
from validator.target import Target
from validator.transport.caller import refused, told_by
from validator.transport.interface import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT.parent / "shared" / "recordings"
STARTED = datetime(2026, 1, 31, 8, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Fuzzed:
    """One target."""

    run: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]
    runs: int
    """So many executions are a usual run."""
    most: int = 4_096
    """Bytes of an input."""


def _json(data):
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode("utf-8", "replace")


def sure(holds):
    if not holds:
        raise AssertionError


# API bodies


def _paged(body):
    pages = body if isinstance(body, list) and body else [body]
    asked = iter(range(1_000))

    def page(offset):
        return read_page(pages[next(asked) % len(pages)], "dags")

    def read(row):
        return read_dag(row, AIRFLOW_3_DIALECT)

    return read_list("a list", page, read, lambda dag: dag.dag_id, most_pages=5)


BODIES = (
    read_version,
    read_health,
    *(
        lambda body, key=key: read_page(body, key)
        for key in (
            "dags",
            "import_errors",
            "pools",
            "connections",
            "dag_warnings",
            "dag_runs",
            "task_instances",
        )
    ),
    lambda row: read_dag(row, AIRFLOW_2_DIALECT),
    lambda row: read_dag(row, AIRFLOW_3_DIALECT),
    read_import_error,
    lambda row: read_run(row, airflow_3=False),
    lambda row: read_run(row, airflow_3=True),
    read_task_instance,
    lambda body: end_of_log(body, 4_000),
    lambda body: details._read_tasks(body, "a"),
    lambda body: details._read_source(body, "a.py"),
    details._read_warning,
    details._read_connection,
    details._read_pool,
    _paged,
)


def bodies(data):
    """Read, or a bad response; and whatever its status, it is told in one short text."""
    if not data:
        return
    body = _json(data[1:])
    try:
        BODIES[data[0] % len(BODIES)](body)
    except CallFailed as failed:
        sure(failed.reason is Reason.BAD_RESPONSE and failed.message)
    assert len(told_by(body)) <= 300
    assert refused(Request("/dags"), Answer(500 if data[0] % 2 else 404, body, None)) is not None


def recorded_bodies():
    """The recorded answers, whole and row by row, each for a reader."""
    found = {}
    for path in sorted(RECORDINGS.glob("*/*.json")):
        told = json.loads(path.read_text(encoding="utf-8"))
        body = kept(told.get("response")) if isinstance(told, dict) else None
        rows = (
            [one for value in body.values() if isinstance(value, list) for one in value[:1]]
            if isinstance(body, dict)
            else []
        )
        for number, one in enumerate([body, *rows]):
            found.setdefault((path.stem, number), json.dumps(one).encode())
    texts = [text for text in dict.fromkeys(found.values()) if len(text) < 2_000]
    for number, text in enumerate(texts):
        yield bytes([number % len(BODIES)]) + text


# Files of DAGs


def scan(data):
    """No bytes make it raise, and what it tells is of this file."""
    found = read_definitions(data)
    lines = data.count(b"\n") + data.count(b"\r") + data.count(b"\f") + 1
    assert all(one.dag_id and 1 <= one.line <= lines for one in found.certain)
    assert not found.problem or (found.computes and not found.certain)
    with suppress(UnicodeDecodeError):
        text = io.TextIOWrapper(io.BytesIO(data), "utf-8").read()
        for major in (None, 2, 3):
            stated_by(text, major)
        imported_words(text)


# .airflowignore

READINGS = tuple(Reading(glob=glob, assets=assets) for glob in (True, False) for assets in (True, False))
NAMES = ("a.py", "b/a.py", "b/c/d.py", "b/aa.zip", "é.py", "x-1.py", "[a].py", "b/.py")
"""Short ones: an expression of the user's own may take exponential time, here and in Airflow 3."""


def ignore(data):
    """Every file is read or hidden with a reason, whatever the ignore files hold."""
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    root, _, inner = text.partition("\f")
    files = tuple(LocalFile(name, words=frozenset({"airflow", "dag"})) for name in sorted(NAMES))
    folder = LocalFolder("dags", "team", files, {"": root, "b": inner})
    for reading in READINGS:
        read, left_out = dag_files(folder, reading), hidden(folder, reading)
        assert {*read, *(file for file, _ in left_out)} == set(files)
        assert len(read) + len(left_out) == len(files)
        assert all(why for _, why in left_out)
        for problem in ignore_problems(folder, reading):
            lines = (inner if problem.file.startswith("b/") else root).split("\n")
            assert problem.text
            assert problem.pattern in lines[problem.line - 1]


def ignore_seeds():
    patterns = (
        "a.py", "/a.py", "etl", "etl/", "*.py", "**/a.py", "!a.py", "b/**", "[a-c].py", "[!a]*", "\\#a", "a\\ ", "# x", " a",
        "a{2}", "(a|b)\\.py$", "^team/", "(?i)A", "(?=a)", "(?P<n>a)(?P=n)", "\\1", "[[:alpha:]]", "a++", "(", "[", "*", "?",
        "\\", "!", "/", "!/", "**", "a/**/b", "\\d+", "\\Z", "x*?", "(?:)", "[^]a]", "[]a]", "[z-a]", "\\p{L}", "\\u0061",
    )  # fmt: skip
    yield from (pattern.encode() for pattern in patterns)
    yield "\n".join(patterns).encode()
    yield b"*.py\n!a.py\f/c\n!d.py"


# The Lambda function's input

SETTINGS = Settings(Manifest(dags=(ExpectedDag("a"),)), Target("prod"))
EVENT = {
    "environment": "prod", "manifest": {"version": 1}, "artifact": "Source", "dags_folder": "dags", "dags_prefix": "team",
    "verify_s3": True, "dags_s3": "s3://bucket/dags", "s3_exclude": ["*.md"], "timeout": "1h30m", "interval": "500ms",
    "sync": "0s", "fail_fast": False, "deployed_at": "2026-01-31T08:00:00Z", "max_tps": 2, "region": "eu-west-1",
    "role_arn": "arn:aws:iam::111122223333:role/gate", "variables": {"COMMIT": "abc"}, "on_error": "succeed",
    "reports": "s3://reports/gate/", "token": "1.abc", "answer": "short", "invocation": "40s",
}  # fmt: skip
JOB = {
    "CodePipeline.job": {
        "id": "11111111-abcd-1111-abcd-111111abcdef",
        "accountId": "111111111111",
        "data": {
            "actionConfiguration": {"configuration": {"FunctionName": "gate", "UserParameters": '{"environment": "prod"}'}},
            "inputArtifacts": [
                {"name": "Source", "revision": None,
                 "location": {"type": "S3", "s3Location": {"bucketName": "b", "objectKey": "k"}}}
            ],
            "outputArtifacts": [],
            "artifactCredentials": {"accessKeyId": "a", "secretAccessKey": "b", "sessionToken": "c"},
            "continuationToken": "1.x",
        },
    }
}  # fmt: skip


def signed(payload):
    """A token that nobody damaged."""
    whole = token._digest(SETTINGS, payload) + payload
    return "1." + base64.urlsafe_b64encode(whole).decode().rstrip("=")


def _refused_or(read):
    try:
        return read()
    except UsageError as error:
        sure(error.message and error.advice)
        return None


def tokens(data):
    """It is refused, or it is the same once it is packed again."""
    _refused_or(lambda: token.unpack(data.decode("utf-8", "surrogateescape"), SETTINGS))
    memory = _refused_or(lambda: token.unpack(signed(data), SETTINGS))
    if isinstance(memory, Memory):
        again = token.pack(memory, SETTINGS)
        assert len(again) <= token.LIMIT
        assert token.pack(token.unpack(again, SETTINGS), SETTINGS) == again


def token_seeds():
    began = Memory(begun(SETTINGS.rules), STARTED)
    marks = {key_of("a"): Mark(Status.PENDING, Reason.DAG_MISSING, 3.0, 2.0, 1, STARTED)}
    finals = {key_of("b"): Reason.DAG_STALE}
    for recalled in (
        Recalled(marks, finals, 2),
        Recalled(places=Places(tuple(range(BUCKETS)), frozenset({1}), 4.0, frozenset({2}), 7)),
        Recalled(standing=Standing(9, (True, False, True), STARTED, moved=True)),
    ):
        state = State(STARTED, 1.0, answered=True, first_final=5.0, recalled=recalled)
        memory = replace(began, outcome=replace(began.outcome, state=state, timeout=60.0))
        text = token.pack(memory, SETTINGS)
        yield base64.urlsafe_b64decode(text[2:] + "=" * (-len(text[2:]) % 4))[token._DIGEST :]
        yield text.encode()


def events(data):
    """Parameters, or what is wrong with them; a job, or why it is none."""
    given = _json(data)
    found = _refused_or(lambda: parse_parameters(given))
    assert found is None or not math.isnan(found.max_tps)
    with suppress(UsageError):
        job_id(given)
    with suppress(UsageError):
        read_job(given)


def event_seeds():
    yield json.dumps(EVENT).encode()
    for key, value in EVENT.items():
        yield json.dumps({"manifest": "version: 1\ndags: [a]\n", key: value}).encode()
    yield json.dumps(JOB).encode()


# Traces and names, in every report

QUICK = [name for name in READERS if name != "html"]


def reports(data):
    """The text in every place of a report: each way to tell it is inert. The page takes a browser, and has its own test."""
    try:
        text = data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    checks = (
        Check(f"dags/{text}", "dags", text, Status.FAILED, f"{text} is bad.", Reason.DAG_IMPORT_ERROR,
              {"stack_trace": text, text: text, "diff": [text]}, text, 3, text),
        Check(f"health/{text}/x", text, text, Status.WARNING, text, Reason.COMPONENT_UNHEALTHY, {"needed": [text]}),
        Check("x/y", "x", text, Status.SKIPPED, text, Reason.UNDECIDED),
        of_smoke(text),
    )  # fmt: skip
    report = Report(
        Status.FAILED,
        1,
        text,
        text,
        text,
        "0.1.0",
        STARTED,
        STARTED,
        None,
        (text,),
        1.0,
        3,
        checks,
        (text,),
        None,
        (text,),
    )
    is_told(report, QUICK)


def files(*patterns):
    """The bytes of these files of the repository."""
    return lambda: [path.read_bytes() for pattern in patterns for path in sorted(ROOT.glob(pattern))]


TARGETS = {
    "manifest": Fuzzed(
        holds, files("tests/manifest/good/*.yaml", "tests/manifest/bad/*.yaml", "manifests/*.yaml"), 5_000
    ),
    "bodies": Fuzzed(bodies, recorded_bodies, 40_000),
    "scan": Fuzzed(
        scan,
        lambda: [one.source for one in EXAMPLES] + [one.source.encode() for one in STATED_EXAMPLES],
        4_000,
    ),
    "ignore": Fuzzed(ignore, ignore_seeds, 600, 256),
    "tokens": Fuzzed(tokens, token_seeds, 20_000, 2_048),
    "events": Fuzzed(events, event_seeds, 25_000),
    "reports": Fuzzed(
        reports, lambda: [text.encode("utf-8", "surrogatepass") for text in TEXTS.values()], 150, 512
    ),
}
"""Every target by its name."""
