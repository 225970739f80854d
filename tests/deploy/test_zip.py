"""The Lambda function's zip: built for the Python and the machine that run this, and run from there alone."""

from __future__ import annotations

import ast
import csv
import filecmp
import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile

import build_zip
import pytest
from contents import record_digest
from lambda_zip import MACHINE, build, snapshot

from validator.sandbox.files import one_dag
from validator.sandbox.server import Sandbox
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

PACKAGES = {"_yaml", "botocore", "dateutil", "jinja2", "jmespath", "jsonschema_rs", "junit_xml", "markupsafe"}
PACKAGES |= {"pathspec", "six.py", "urllib3", "validator", "yaml"}
LEFT_OUT = {name.removesuffix(".py") for name in build_zip.NOT_THE_HANDLERS}
ONLY_ON_A_TERMINAL = {("validator/report/console.py", "rich"), ("validator/report/progress.py", "rich")}
"""Imports in a function that a log never reaches."""
ELF_MACHINE = {62: "x86_64", 183: "arm64"}


def digests(path):
    """What a zip holds, short enough for pytest to show a difference."""
    with zipfile.ZipFile(path) as archive:
        return {entry.filename: (entry.CRC, entry.file_size) for entry in archive.infolist()}


@pytest.fixture(scope="module")
def folder(built, tmp_path_factory):
    """What Lambda makes of it."""
    target = tmp_path_factory.mktemp("var") / "task"
    with zipfile.ZipFile(built) as archive:
        archive.extractall(target)
    return target


@pytest.fixture
def alone(folder, tmp_path):
    """Runs code in an interpreter that sees nothing but the standard library and the zip."""

    def go(code, **variables):
        start = f"import sys; sys.path.insert(0, {str(folder)!r})\n{code}"
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-W", "error", "-c", start],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=tmp_path,
            env={"PATH": os.defpath, "AWS_EC2_METADATA_DISABLED": "true", **variables},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return go


def sources(under):
    """The package's own files, relative to it, without what Python leaves there."""
    files = {path.relative_to(under) for path in under.rglob("*") if path.is_file()}
    return {path for path in files if "__pycache__" not in path.parts and not path.name.startswith(".")}


def test_the_same_inputs_give_the_same_bytes_wherever_they_lie_and_however_old_they_are(
    built, checkout, tmp_path
):
    elsewhere = snapshot(checkout, tmp_path / "else" / "where")
    for path in (elsewhere / "validator").rglob("*.py"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    again = tmp_path / "again.zip"
    done = build(elsewhere, again)
    assert done.returncode == 0, done.stderr
    assert digests(again) == digests(built)
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(built.read_bytes()).digest()


def test_it_holds_what_the_handler_needs_and_nothing_else(folder):
    tops = {path.name for path in folder.iterdir() if not path.name.endswith(".dist-info")}
    assert tops == {*PACKAGES, "LICENSE"}
    files = [path.relative_to(folder) for path in folder.rglob("*")]
    unwanted = {"__pycache__", "tests", "bin", "INSTALLER", "direct_url.json", *build_zip.NOT_THE_HANDLERS}
    assert [path for path in files if unwanted & set(path.parts)] == []
    assert [path for path in files if path.suffix == ".pyc"] == []


def test_the_package_is_the_checkouts_but_for_the_command_line(checkout, folder):
    package = checkout / "validator"
    expected = {path for path in sources(package) if path.parts[0] not in build_zip.NOT_THE_HANDLERS}
    assert sources(folder / "validator") == expected
    for path in expected:
        assert filecmp.cmp(folder / "validator" / path, package / path, shallow=False), path


def test_every_dependency_is_the_locked_one_and_brings_its_licence(folder):
    locked = dict(re.findall(r"^([\w-]+)==(\S+)", build_zip.LOCK.read_text("utf-8"), re.MULTILINE))
    found = {}
    for described in folder.glob("*.dist-info"):
        metadata = (described / "METADATA").read_text("utf-8")
        name = re.search(r"^Name: (.*)$", metadata, re.MULTILINE)[1].lower().replace("_", "-")
        found[name] = re.search(r"^Version: (.*)$", metadata, re.MULTILINE)[1]
        told = [path for path in described.rglob("*") if re.match(r"(?i)licen[cs]e|notice", path.name)]
        assert told or re.search(r"^License(-Expression)?: ", metadata, re.MULTILINE), name
    assert found == {name: version for name, version in locked.items() if name not in build_zip.LEFT_OUT}


def test_each_record_names_what_is_there_and_nothing_else(folder):
    recorded = {}
    for record in folder.glob("*.dist-info/RECORD"):
        for name, digest, size in csv.reader(record.read_text("utf-8").splitlines()):
            assert name not in recorded
            recorded[name] = digest
            content = (folder / name).read_bytes()
            assert name.endswith("/RECORD") or (digest, int(size)) == (record_digest(content), len(content))
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    own = {name for name in there if name == "LICENSE" or name.startswith("validator/")}
    assert set(recorded) == there - own
    assert len(own) > 100


def test_a_zips_entries_are_in_order_with_one_time_and_readable_by_everybody(built):
    with zipfile.ZipFile(built) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}


def test_it_is_far_below_lambdas_limits(built, folder):
    assert built.stat().st_size < 15e6
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 40e6


def test_every_module_can_be_imported_with_nothing_else_there(alone):
    told = alone(
        "import importlib, json, pkgutil, validator\n"
        "names = [found.name for found in pkgutil.walk_packages(validator.__path__, 'validator.')]\n"
        "for name in names: importlib.import_module(name)\n"
        "print(json.dumps(names))"
    )
    assert {"validator.codepipeline", "validator.service", "validator.report.junit"} <= set(json.loads(told))


def runtime_imports(tree):
    """The names that a module imports when it runs, at its top or later; not what only a type checker sees."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            if node.module.split(".")[0] == "validator":
                yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name.islower())
        yield from runtime_imports(node)


def test_nothing_in_it_imports_what_was_left_out_not_even_late(folder):
    there = {path.name.removesuffix(".py") for path in folder.iterdir()}
    missing = set()
    for path in (folder / "validator").rglob("*.py"):
        own = path.relative_to(folder).as_posix()
        for name in runtime_imports(ast.parse(path.read_text("utf-8"))):
            top, *rest = name.split(".")
            if top not in there and top not in sys.stdlib_module_names:
                missing.add((own, top))
            if top == "validator" and rest and rest[0] in LEFT_OUT:
                missing.add((own, name))
    assert missing == ONLY_ON_A_TERMINAL


def test_every_aws_service_that_the_gate_calls_is_in_it(folder):
    called = {"sts"}  # for a role to assume
    for path in (folder / "validator").rglob("*.py"):
        called |= set(re.findall(r"\bclient\(\s*\"(\w+)\"", path.read_text("utf-8")))
    assert called == set(build_zip.SERVICES)
    data = folder / "botocore" / "data"
    assert {path.name for path in data.iterdir() if path.is_dir()} == called
    assert {"endpoints.json", "partitions.json", "sdk-default-configuration.json", "_retry.json"} <= {
        path.name for path in data.iterdir()
    }


def test_clients_of_every_service_can_be_made_from_it_in_every_partition(alone):
    alone(
        "from botocore.session import Session\n"
        "for region in ('us-east-1', 'cn-north-1', 'us-gov-west-1'):\n"
        f"    for service in {build_zip.SERVICES!r}:\n"
        "        client = Session().create_client(service, region_name=region)\n"
        "        assert region in client.meta.endpoint_url or service in ('s3', 'sts'), client.meta.endpoint_url\n"
    )


@pytest.fixture
def environment():
    with Sandbox(Simulation(World(files={"etl.py": one_dag("etl")})), calls_per_second=0) as sandbox:
        yield {
            "AWS_ENDPOINT_URL_MWAA": sandbox.url,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_REGION": "us-east-1",
        }


ASK = """
import json
from validator.codepipeline import handler

class Context:
    def get_remaining_time_in_millis(self):
        return 60_000

event = {"environment": "sandbox", "deployed_at": "none", "timeout": "1s", "interval": "1s", "settle": "0s"}
print(json.dumps([handler({**event, "manifest": {"version": 1, "dags": dags}}, Context()) for dags in
                  (["etl"], ["etl", "nowhere"], [])]))
"""


def test_the_handler_judges_from_the_zip_alone(alone, environment):
    green, red, wrong = json.loads(alone(ASK, **environment).splitlines()[-1])
    assert (green["verdict"], green["exit_code"]) == ("passed", 0), green
    assert (red["verdict"], red["exit_code"]) == ("failed", 1), red
    assert "dag-missing" in {check["reason"] for check in red["checks"]}
    assert (wrong["verdict"], wrong["exit_code"]) == ("error", 2), wrong


RENDER = """
import io, json
from pathlib import Path
from validator import Settings, check, parse_manifest
from validator.report.console import show
from validator.report.progress import progress_for
from validator.report.registry import FORMATS
from validator.rules import Deploy
from validator.settings import rules_from
from validator.manifest import GateOptions

manifest = parse_manifest(b"version: 1\\ndags: [etl, nowhere]\\n", "m.yaml", {})
rules = rules_from(GateOptions(timeout=1.0, interval=1.0, settle=0.0), manifest.gate, Deploy.NONE)
from validator.service import check_environment
from validator.target import Target
settings = Settings(manifest=manifest, target=Target("sandbox"), rules=rules)
log = io.StringIO()
report = check_environment(settings, progress_for(log, quiet=False, no_color=True), lambda: None)
show(report, log, verbose=True, quiet=False, no_color=True)
assert "nowhere" in log.getvalue()
for format in FORMATS:
    Path(format.name).write_bytes(format.render(report))
"""


def test_every_report_can_be_written_from_the_zip_alone(alone, environment, tmp_path):
    from validator.report.registry import FORMATS  # noqa: PLC0415 - what there is when the test runs

    alone(RENDER, **environment)
    assert len(FORMATS) >= 2
    for file_format in FORMATS:
        assert b"nowhere" in (tmp_path / file_format.name).read_bytes(), file_format.name


def test_another_machines_zip_holds_that_machines_libraries(tmp_path):
    other = "arm64" if MACHINE == "x86_64" else "x86_64"
    path = tmp_path / "other.zip"
    build_zip.build(path, "3.13", other)
    with zipfile.ZipFile(path) as archive:
        libraries = [name for name in archive.namelist() if name.endswith(".so")]
        machines = {ELF_MACHINE.get(archive.read(name)[18]) for name in libraries}
    assert libraries
    assert machines == {other}
    assert [name for name in libraries if "cpython-" in name and "cpython-313-" not in name] == []
