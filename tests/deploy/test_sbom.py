"""The bills of materials: valid for another reader, true of the artefact, and none where something is odd."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import build_zip
import pytest
import sbom
from contents import record_digest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[2]
ALLOWED = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MPL-2.0"}
"""Licences that let a company use the gate as it is; each other one is for a person to decide."""
ALLOWED_IN_WORDS = {"jinja2": {"BSD License"}, "python-dateutil": {"BSD License", "Apache Software License"}}
ALLOWED_IN_WORDS |= {name: {"Apache Software License"} for name in ("s3transfer", "trove-classifiers")}
"""Metadata that names no licence of SPDX's list; read by a person, in the files that the package brings."""
BASE = f"docker.io/library/python:3.13-slim-bookworm@sha256:{'ab' * 32}"


def pins(*names):
    """Versions and hashes by name, read from lock files in another way than the script's."""
    found = {}
    for name in names:
        for block in re.split(
            r"^(?=\w)", (ROOT / "requirements" / name).read_text("utf-8"), flags=re.MULTILINE
        ):
            if block:
                package, version = re.match(r"([\w-]+)==(\S+)", block).groups()
                found[package] = (version, set(re.findall(r"sha256:([0-9a-f]{64})", block)))
    return found


def write(output, *arguments, **environ):
    """Run the script; how it ended."""
    return subprocess.run(
        [sys.executable, ROOT / "deploy" / "sbom.py", *arguments, "--output", output],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": "", **environ},
    )


@pytest.fixture(scope="module")
def packages(checkout, tmp_path_factory):
    """A wheel and an sdist."""
    folder = tmp_path_factory.mktemp("packages")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=checkout, check=True, timeout=120
    )
    return {path.suffix: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def image(built, tmp_path_factory):
    """What the image's files look like: the zip's packages, and the rest of what is locked, as pip lays it out."""
    root = tmp_path_factory.mktemp("image")
    site = root / "opt/mwaa-gate/lib/python3.13/site-packages"
    with zipfile.ZipFile(built) as archive:
        archive.extractall(site)
    shutil.rmtree(site / "validator")
    (site / "LICENSE").unlink()
    for name in (*build_zip.LEFT_OUT, "mwaa-gate"):
        version = pins("runtime.txt")[name][0] if name != "mwaa-gate" else sbom._version()
        needs = "Requires-Dist: boto3>=1\n" if name == "mwaa-gate" else ""
        add(site, name, version, f"{needs}License: MIT\n")
    return root


def add(site, name, version, more="", **files):
    """Lay a distribution out in the folder `site`."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    files = {
        f"{info.name}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}\n",
        **files,
    }
    rows = []
    for path, text in files.items():
        (site / path).write_text(text, "utf-8")
        rows.append(f"{path},{record_digest(text.encode())},{len(text)}\n")
    (info / "RECORD").write_text(
        "".join([*rows, f"../../../bin/{name},,\n", f"{info.name}/RECORD,,\n"]), "utf-8"
    )


@pytest.fixture(scope="module")
def artefacts(built, packages, image):
    """The script's arguments for each kind of artefact."""
    return {
        "lambda": ("lambda", built),
        "wheel": ("package", packages[".whl"]),
        "sdist": ("package", packages[".gz"]),
        "image": ("image", image, "--base", BASE),
        "action": ("action",),
    }


@pytest.fixture(scope="module")
def boms(artefacts, tmp_path_factory):
    """Every artefact's bill of materials, as text."""
    found = {}
    for name, arguments in artefacts.items():
        path = tmp_path_factory.mktemp("boms") / "made" / f"{name}.cdx.json"
        done = write(path, *arguments)
        assert done.returncode == 0, done.stderr
        found[name] = path.read_text("utf-8")
        assert done.stdout == f"{path}: {len(json.loads(found[name])['components'])} components\n"
    return found


KINDS = pytest.mark.parametrize("kind", ["lambda", "wheel", "sdist", "image", "action"])


def parts(text):
    return {part["name"]: part for part in json.loads(text)["components"] if part["type"] == "library"}


@KINDS
def test_it_is_valid_by_the_official_schema_and_another_reader_sees_the_same(boms, kind):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(boms[kind]) is None
    told = json.loads(boms[kind])
    read = Bom.from_json(told)
    assert read.validate()
    assert {str(part.purl) for part in read.components} == {part["purl"] for part in told["components"]}
    assert read.metadata.component.name == told["metadata"]["component"]["name"]


def test_the_validator_would_say_so(boms):
    wrong = boms["lambda"].replace('"type": "library"', '"type": "book"')
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(wrong) is not None


@KINDS
def test_each_part_has_the_locks_version_and_the_locks_hashes(boms, kind):
    locked = pins("build.txt", "runtime.txt") if kind == "action" else pins("runtime.txt")
    for name, part in parts(boms[kind]).items():
        version, hashes = locked[name]
        assert part["version"] == version
        assert {one["content"] for one in part["hashes"]} == hashes
        assert part["purl"] == f"pkg:pypi/{name}@{version}"
    left_out = set(build_zip.LEFT_OUT) if kind == "lambda" else set()
    assert set(parts(boms[kind])) == set(locked) - left_out


def test_the_zips_parts_are_what_another_reader_finds_installed_in_it(boms, built, tmp_path):
    with zipfile.ZipFile(built) as archive:
        archive.extractall(tmp_path)
    found = {
        re.sub(r"[-_.]+", "-", one.metadata["Name"]).lower(): one.version
        for one in importlib.metadata.distributions(path=[str(tmp_path)])
    }
    assert found == {name: part["version"] for name, part in parts(boms["lambda"]).items()}


@KINDS
def test_the_whole_is_named_with_its_version_and_a_file_with_its_digest(boms, artefacts, kind):
    root = json.loads(boms[kind])["metadata"]["component"]
    assert root["version"] == sbom._version() == importlib.metadata.version("mwaa-gate")
    if kind in ("action", "image"):
        assert "hashes" not in root
    else:
        digest = hashlib.sha256(artefacts[kind][1].read_bytes()).hexdigest()
        assert root["hashes"] == [{"alg": "SHA-256", "content": digest}]


@KINDS
def test_everything_is_reached_from_the_whole_and_nothing_else_is_named(boms, kind):
    told = json.loads(boms[kind])
    graph = {one["ref"]: one["dependsOn"] for one in told["dependencies"]}
    root = told["metadata"]["component"]["bom-ref"]
    assert set(graph) == {root, *(part["bom-ref"] for part in told["components"])}
    seen, todo = set(), [root]
    while todo:
        ref = todo.pop()
        if ref not in seen:
            seen.add(ref)
            todo += graph[ref]
    assert seen == set(graph)
    assert set(graph["botocore"]) == {"jmespath", "python-dateutil", "urllib3"}
    assert graph["jinja2"] == ["markupsafe"]


def test_the_image_names_what_it_was_built_on_by_digest_and_claims_no_more(boms):
    told = json.loads(boms["image"])
    (base,) = [part for part in told["components"] if part["type"] == "container"]
    assert (base["name"], base["version"]) == ("docker.io/library/python", f"sha256:{'ab' * 32}")
    assert base["hashes"] == [{"alg": "SHA-256", "content": "ab" * 32}]
    assert "tag=3.13-slim-bookworm" in base["purl"]
    assert told["compositions"] == [{"aggregate": "incomplete", "assemblies": [base["bom-ref"]]}]


def test_the_action_tells_what_only_some_machines_get_and_which_lock_says_so(boms):
    tomli = parts(boms["action"])["tomli"]
    assert tomli["scope"] == "optional"
    assert {"name": "mwaa-gate:only-if", "value": "python_full_version < '3.11'"} in tomli["properties"]
    locks = [
        one["value"]
        for one in parts(boms["action"])["pathspec"]["properties"]
        if one["name"] == "mwaa-gate:lock"
    ]
    assert locks == ["build.txt", "runtime.txt"]


@KINDS
def test_the_same_artefact_gives_the_same_bytes_and_no_time(boms, artefacts, kind, tmp_path):
    assert write(tmp_path / "again.json", *artefacts[kind]).returncode == 0
    assert (tmp_path / "again.json").read_text("utf-8") == boms[kind]
    assert "timestamp" not in boms[kind]
    assert "serialNumber" not in boms[kind]
    assert str(ROOT) not in boms[kind]


def test_the_time_is_the_one_that_is_given(artefacts, tmp_path):
    path = tmp_path / "timed.json"
    assert write(path, *artefacts["action"], SOURCE_DATE_EPOCH="1700000000").returncode == 0
    assert json.loads(path.read_text("utf-8"))["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(path.read_text("utf-8")) is None


@pytest.mark.parametrize("kind", ["lambda", "wheel", "action"])
def test_every_part_has_a_licence_that_lets_people_use_it(boms, kind):
    for name, part in parts(boms[kind]).items():
        if part["scope"] == "optional":  # not installed here, so that nobody tells
            continue
        for one in part["licenses"]:
            told = one.get("expression") or one["license"].get("id") or one["license"]["name"]
            known = ALLOWED | ALLOWED_IN_WORDS.get(name, set())
            assert any(set(choice.split(" AND ")) <= known for choice in told.split(" OR ")), (name, told)


# What is refused


@pytest.fixture
def site(image, tmp_path):
    """A copy of the image's site-packages, to spoil."""
    target = tmp_path / "root"
    shutil.copytree(image, target)
    return next(target.glob("opt/mwaa-gate/lib/python3.*/site-packages"))


def refused(tmp_path, *arguments):
    done = write(tmp_path / "none.json", *arguments)
    assert done.returncode == 1, done.stdout
    assert not (tmp_path / "none.json").exists()
    assert done.stderr.startswith("sbom: ")
    assert "Traceback" not in done.stderr
    return done.stderr


def spoil_foreign(site):
    (site / "extra.py").write_text("x = 1\n", "utf-8")


def spoil_changed(site):
    (site / "six.py").write_text("x = 1\n", "utf-8")


def spoil_missing(site):
    (site / "six.py").unlink()


def spoil_record(site):
    next(site.glob("six-*.dist-info/RECORD")).unlink()


def spoil_unlocked(site):
    add(site, "leftpad", "1.0", **{"leftpad.py": ""})


def spoil_version(site):
    old = next(site.glob("six-*.dist-info"))
    shutil.rmtree(old)
    add(site, "six", "1.0", **{"six.py": ""})


def spoil_locked(site):
    shutil.rmtree(next(site.glob("click-*.dist-info")))


def spoil_itself(site):
    shutil.rmtree(next(site.glob("mwaa_gate-*.dist-info")))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (spoil_foreign, "extra.py belongs to no distribution"),
        (spoil_changed, "six.py is not the file that six-"),
        (spoil_missing, "six.py is missing: six-"),
        (spoil_record, "RECORD is missing, so that nobody can tell"),
        (spoil_unlocked, "leftpad 1.0 is in the artefact and is in no lock file"),
        (spoil_version, "six 1.0 is in the artefact and is locked as "),
        (spoil_locked, "click is locked for the image, and not in it"),
        (spoil_itself, "does not hold mwaa-gate"),
    ],
)
def test_an_artefact_that_is_not_what_was_locked_gets_none(site, tmp_path, spoil, why):
    spoil(site)
    assert why in refused(tmp_path, "image", tmp_path / "root", "--base", BASE)


@pytest.mark.parametrize("base", ["python:3.13", "python@sha256:12", "python:3.13@sha256:", ""])
def test_a_base_that_is_not_named_by_its_digest_is_refused(image, tmp_path, base):
    assert "names no image by its digest" in refused(tmp_path, "image", image, "--base", base)


def test_a_registry_with_a_port_is_a_part_of_the_bases_name(image, tmp_path):
    base = f"localhost:5000/team/python@sha256:{'cd' * 32}"
    assert write(tmp_path / "one.json", "image", image, "--base", base).returncode == 0
    assert '"name": "localhost:5000/team/python"' in (tmp_path / "one.json").read_text("utf-8")


def test_what_is_no_such_artefact_is_refused(packages, built, tmp_path):
    assert "is neither a wheel nor an sdist" in refused(tmp_path, "package", ROOT / "README.md")
    assert "No such file" in refused(tmp_path, "lambda", tmp_path / "gone.zip")
    assert "not a zip file" in refused(tmp_path, "lambda", packages[".gz"])
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("index.py", "")
    assert "it holds no validator with a version" in refused(tmp_path, "lambda", other)
    assert "does not hold the image's files" in refused(tmp_path, "image", tmp_path, "--base", BASE)


def test_a_zip_with_one_more_file_gets_none(built, tmp_path):
    other = tmp_path / "other.zip"
    shutil.copyfile(built, other)
    with zipfile.ZipFile(other, "a") as archive:
        archive.writestr("botocore/extra.py", "")
    assert "botocore/extra.py belongs to no distribution" in refused(tmp_path, "lambda", other)


@pytest.fixture
def locks(monkeypatch, tmp_path):
    """A copy of the lock files, to spoil."""
    folder = tmp_path / "requirements"
    shutil.copytree(ROOT / "requirements", folder)
    monkeypatch.setattr(sbom, "LOCKS", folder)
    return folder


def test_a_part_without_a_hash_in_the_lock_gets_none(built, locks, tmp_path, capsys):
    path = locks / "runtime.txt"
    path.write_text(re.sub(r"(?m)(^six==.*\n)((    --hash.*\n)+)", r"\1", path.read_text("utf-8")), "utf-8")
    assert sbom.main(["lambda", str(built), "--output", str(tmp_path / "none.json")]) == 1
    assert "six has no hash" in capsys.readouterr().err


def test_a_lock_that_is_not_the_packages_gets_none(packages, locks, tmp_path, capsys):
    path = locks / "runtime.txt"
    path.write_text(path.read_text("utf-8").replace("mwaa-gate (pyproject.toml)", "other", 1), "utf-8")
    for package in packages.values():
        assert sbom.main(["package", str(package), "--output", str(tmp_path / "none.json")]) == 1
        assert "do not agree on boto3: run `make lock`" in capsys.readouterr().err


def test_two_locks_that_pin_one_package_differently_get_none(locks, tmp_path, capsys):
    path = locks / "build.txt"
    path.write_text(re.sub(r"(?m)^pathspec==\S+", "pathspec==0.1", path.read_text("utf-8")), "utf-8")
    assert sbom.main(["action", "--output", str(tmp_path / "none.json")]) == 1
    assert "pathspec is locked as 0.1 and as " in capsys.readouterr().err
