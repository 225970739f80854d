# ruff: noqa: INP001 - a script, no package
"""Write the bill of materials (CycloneDX 1.6, JSON) of a release artefact: `python deploy/sbom.py lambda FILE.zip`.

It is made of what the artefact holds, and every distribution in it must be one that the lock files name, with its
hashes; else there is none. The same artefact gives the same bytes: no serial number, and no time but
SOURCE_DATE_EPOCH's. It needs nothing but Python. Contract: docs/sbom.md.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import json
import os
import re
import sys
import tarfile
import zipfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

from contents import ContentsError, Distribution, Folder, Zipped, described, distributions
from lockfile import PROJECT, Locked, LockError, read_lock

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "requirements"
PREFIX = "/opt/mwaa-gate/lib"
"""Where the image has its packages, below the interpreter's folder."""
SPDX_IDS = {
    "Apache-2.0": "Apache-2.0",
    "BSD-2-Clause": "BSD-2-Clause",
    "BSD-3-Clause": "BSD-3-Clause",
    "MIT": "MIT",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""What metadata says, where it can mean only one licence of SPDX's list."""

Json = dict[str, Any]


class SbomError(Exception):
    """There is no bill of materials; the message says why."""


def of_package(path: Path) -> Json:
    """That of a wheel or an sdist: itself, and what it asks for, in the versions that are locked.

    Raises:
        SbomError: the lock is not this package's.
        ContentsError, LockError: as they say.
    """
    own = _own_metadata(path)
    lock = read_lock(LOCKS / "runtime.txt")
    asked = {name for name, one in lock.items() if PROJECT in one.wanted_by}
    if own.name != PROJECT or set(own.requires) != asked:
        odd = ", ".join(sorted(set(own.requires) ^ asked)) or own.name
        raise SbomError(f"{path.name} and requirements/runtime.txt do not agree on {odd}: run `make lock`")
    root = {**_own("library", own.version), "hashes": [_sha256(path.read_bytes())]}
    return _document(root, [_locked_component(one) for one in lock.values()], _edges_of_lock(lock))


def of_lambda(path: Path) -> Json:
    """That of the Lambda function's zip, by its own metadata.

    Raises:
        SbomError, ContentsError, LockError: as for `of_site_packages`.
    """
    files = Zipped(path)
    source = files.read("validator/__init__.py").decode() if "validator/__init__.py" in files.names else ""
    version = re.search(r'^__version__ = "([^"]+)"$', source, re.MULTILINE)
    if version is None:
        raise SbomError(f"{path.name} is not the Lambda function's zip: it holds no validator with a version")
    lock = read_lock(LOCKS / "runtime.txt")
    found = distributions(files, own=("validator/", "LICENSE"))
    root = {**_own("application", version[1], "lambda"), "hashes": [_sha256(path.read_bytes())]}
    return _document(root, [_component(one, lock) for one in found], _edges(found, lock))


def of_image(root: Path, base: str) -> Json:
    """That of the container image's Python part: `root` holds its files, `base` names what it was built on.

    Raises:
        SbomError: `base` has no digest, the packages are not in `root`, or one is not the locked one.
        ContentsError, LockError: as they say.
    """
    named = re.fullmatch(
        r"(?P<name>[^@:]+(?::\d+/[^@:]+)?)(?::(?P<tag>[\w.-]+))?@sha256:(?P<digest>[0-9a-f]{64})", base
    )
    if named is None:
        raise SbomError(f"{base} names no image by its digest: write NAME:TAG@sha256:...")
    folders = sorted((root / PREFIX.lstrip("/")).glob("python3.*/site-packages"))
    if len(folders) != 1:
        raise SbomError(f"{root} does not hold the image's files: {PREFIX} has {len(folders)} interpreters")
    found = distributions(Folder(folders[0]))
    lock = read_lock(LOCKS / "runtime.txt")
    own = next((one for one in found if one.name == PROJECT), None)
    if own is None:
        raise SbomError(f"{folders[0]} does not hold {PROJECT}")
    missing = sorted(
        name for name, one in lock.items() if one.marker is None and name not in {d.name for d in found}
    )
    if missing:
        raise SbomError(f"{', '.join(missing)} is locked for the image, and not in it")
    others = [one for one in found if one is not own]
    title = named["name"].rpartition("/")[2]
    tag = f"&tag={named['tag']}" if named["tag"] else ""
    below: Json = {
        "type": "container",
        "bom-ref": f"pkg:oci/{title}@sha256:{named['digest']}",
        "name": named["name"],
        "version": f"sha256:{named['digest']}",
        "purl": f"pkg:oci/{title}@sha256:{named['digest']}?repository_url={named['name']}{tag}",
        "hashes": [{"alg": "SHA-256", "content": named["digest"]}],
    }
    edges = _edges(others, lock)
    edges[PROJECT] = sorted([*edges[PROJECT], below["bom-ref"]])
    parts = [*(_component(one, lock) for one in others), below]
    document = _document(_own("container", own.version, "image"), parts, edges)
    # Of the base it is known which one it is, and not here what it holds.
    document["compositions"] = [{"aggregate": "incomplete", "assemblies": [below["bom-ref"]]}]
    return document


def of_action() -> Json:
    """That of the GitHub Action: what its first step installs, on whichever machine.

    Raises:
        SbomError: the two lock files pin different versions of one package.
        LockError: as it says.
    """
    parts: dict[str, Json] = {}
    edges: dict[str, list[str]] = {PROJECT: []}
    for file in ("build.txt", "runtime.txt"):
        lock = read_lock(LOCKS / file)
        for name, one in lock.items():
            part = parts.setdefault(name, _locked_component(one))
            if part["version"] != one.version:
                raise SbomError(f"{name} is locked as {part['version']} and as {one.version}")
            part.setdefault("properties", []).append({"name": f"{PROJECT}:lock", "value": file})
        for name, needed in _edges_of_lock(lock).items():
            edges[name] = sorted({*edges.get(name, ()), *needed})
    return _document(_own("application", _version(), "action"), list(parts.values()), edges)


def _own_metadata(path: Path) -> Distribution:
    """The metadata of a wheel or an sdist."""
    if path.suffix == ".whl":
        found = distributions(Zipped(path))
        if len(found) == 1:
            return found[0]
    elif path.name.endswith(".tar.gz"):
        with tarfile.open(path) as archive:
            names = [name for name in archive.getnames() if re.fullmatch(r"[^/]+/PKG-INFO", name)]
            told = archive.extractfile(names[0]) if names else None
            if told is not None:
                return described(told.read().decode())
    raise SbomError(f"{path.name} is neither a wheel nor an sdist")


def _version() -> str:
    source = (ROOT / "validator" / "__init__.py").read_text(encoding="utf-8")
    return source.partition('__version__ = "')[2].partition('"')[0]


def _own(kind: str, version: str, artefact: str | None = None) -> Json:
    """The component that the whole is: the package itself, or one of the artefacts that hold it."""
    name = PROJECT if artefact is None else f"{PROJECT}-{artefact}"
    licences = [{"license": {"id": "Apache-2.0"}}]
    told: Json = {
        "type": kind,
        "bom-ref": f"{name}@{version}",
        "name": name,
        "version": version,
        "licenses": licences,
    }
    return told if artefact else {**told, "purl": _purl(PROJECT, version)}


def _component(one: Distribution, lock: dict[str, Locked]) -> Json:
    """A distribution that is there, with the hashes that the lock admits for it."""
    pin = lock.get(one.name)
    if pin is None or pin.version != one.version:
        locked = "is in no lock file" if pin is None else f"is locked as {pin.version}"
        raise SbomError(f"{one.name} {one.version} is in the artefact and {locked}: where does it come from?")
    told: Json = {
        "type": "library",
        "bom-ref": one.name,
        "name": one.name,
        "version": one.version,
        "scope": "required",
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in pin.hashes],
        "purl": _purl(one.name, one.version),
    }
    licences = _licences(one)
    return {**told, "licenses": licences} if licences else told


def _locked_component(pin: Locked) -> Json:
    """A package that the lock names; its licence is known where it is installed beside this script in that version."""
    try:
        metadata = importlib.metadata.distribution(pin.name).read_text("METADATA") or ""
        one = described(metadata)
    except importlib.metadata.PackageNotFoundError:
        one = None
    if one is None or one.version != pin.version:
        one = Distribution(pin.name, pin.version, (), None, None, (), frozenset())
    told = _component(one, {pin.name: pin})
    if pin.marker is not None:
        told["scope"] = "optional"
        told["properties"] = [{"name": f"{PROJECT}:only-if", "value": pin.marker}]
    return told


def _licences(one: Distribution) -> list[Json]:
    """As CycloneDX has them: an SPDX expression, or else SPDX's id where there is one, or else the words."""
    if one.expression:
        return [{"expression": one.expression}]
    if one.licence in SPDX_IDS:
        return [{"license": {"id": SPDX_IDS[one.licence]}}]
    words = one.classifiers or ((one.licence,) if one.licence else ())
    return [{"license": {"id": SPDX_IDS[word]} if word in SPDX_IDS else {"name": word}} for word in words]


def _edges(found: list[Distribution], lock: dict[str, Locked]) -> dict[str, list[str]]:
    """Who needs whom, of what is there. What nobody there asks for is there for the gate itself."""
    there = {one.name for one in found}
    edges = {one.name: [name for name in one.requires if name in there] for one in found}
    asked = {name for needed in edges.values() for name in needed}
    own = {name for name in there if name not in asked or PROJECT in lock[name].wanted_by}
    return {**edges, PROJECT: sorted(own)}


def _edges_of_lock(lock: dict[str, Locked]) -> dict[str, list[str]]:
    """Who needs whom, by the lock."""
    return {
        one: sorted(name for name, pin in lock.items() if one in pin.wanted_by) for one in (PROJECT, *lock)
    }


def _document(root: Json, parts: list[Json], edges: dict[str, list[str]]) -> Json:
    """The whole, everything in an order that depends on nothing but its content."""
    named = {part["name"]: part["bom-ref"] for part in parts}
    graph = [
        {"ref": root["bom-ref"] if name == PROJECT else named[name], "dependsOn": edges[name]}
        for name in sorted(edges)
    ]
    graph += [{"ref": ref, "dependsOn": []} for name, ref in named.items() if name not in edges]
    metadata: Json = {"component": root, "lifecycles": [{"phase": "build"}]}
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        moment = datetime.fromtimestamp(int(epoch), timezone.utc)
        metadata = {"timestamp": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), **metadata}
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": metadata,
        "components": sorted(parts, key=lambda part: str(part["name"])),
        "dependencies": sorted(graph, key=lambda one: str(one["ref"])),
    }


def _purl(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{quote(version, safe='')}"


def _sha256(content: bytes) -> Json:
    return {"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(
        description="Write the bill of materials of one of mwaa-gate's release artefacts."
    )
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    kinds.add_parser("package", help="a wheel or an sdist").add_argument("path", type=Path)
    kinds.add_parser("lambda", help="the Lambda function's zip").add_argument("path", type=Path)
    image = kinds.add_parser("image", help="the container image, unpacked into a folder")
    image.add_argument("path", type=Path)
    image.add_argument("--base", required=True, metavar="NAME:TAG@sha256:...", help="what it was built on")
    kinds.add_parser("action", help="what the GitHub Action installs")
    for kind in kinds.choices.values():
        kind.add_argument("--output", type=Path, required=True, metavar="FILE")
    given = parser.parse_args(arguments)
    try:
        if given.kind == "action":
            document = of_action()
        elif given.kind == "image":
            document = of_image(given.path, given.base)
        else:
            document = {"package": of_package, "lambda": of_lambda}[given.kind](given.path)
        given.output.parent.mkdir(parents=True, exist_ok=True)
        given.output.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except (
        SbomError,
        ContentsError,
        LockError,
        OSError,
        zipfile.BadZipFile,
        tarfile.TarError,
        ValueError,
    ) as error:
        print(f"sbom: {error}", file=sys.stderr)  # noqa: T201 - a script talks to its user
        return 1
    print(f"{given.output}: {len(document['components'])} components")  # noqa: T201 - the same
    return 0


if __name__ == "__main__":
    sys.exit(main())
