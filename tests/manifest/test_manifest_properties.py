"""What holds for every manifest, and for every file that is none."""

from dataclasses import asdict

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from validator.errors import ManifestError
from validator.manifest import (
    ExpectedDag,
    ExpectedPattern,
    GateOptions,
    HealthRule,
    ImportErrorRule,
    Manifest,
    parse_manifest,
)

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""
PIECES = [
    *"[]{},:-?&*!|>'\"%@`#~=<",
    "\n",
    "\n  ",
    "\n    - ",
    "\t",
    "\r\n",
    "\ufeff",
    "\u2028",
    "- ",
    ": ",
    "<<: ",
    "&a ",
    "*a",
    "!!str ",
    "!!binary ",
    "!x ",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "${A}",
    "${B}",
    "$${",
    "${",
    "version: 1\n",
    "dags:",
    "dag_id: a",
    "pattern: a*",
    "min: 1",
    "file: a.py",
    "gate:",
    "timeout: 90s",
    "health:",
    "ignore:",
    "absent:",
    "import_errors:",
    "scope: all",
    "no",
    "1e3",
    ".nan",
    "0o7",
    "1:30",
    "2024-01-01",
    "null",
    '"\\ud800"',
    '"\\U00110000"',
]


def must_load_or_tell(data):
    problems = ["-"]
    try:
        parse_manifest(data, "manifest.yaml", {"A": "etl", "C": "\udc80"})
    except ManifestError as error:
        problems = error.problems
    assert problems
    assert all(problem.isprintable() for problem in problems)


@unhurried
@given(st.binary())
def test_no_bytes_end_in_anything_but_a_manifest_error(data):
    must_load_or_tell(data)


@unhurried
@given(st.text())
def test_no_text_ends_in_anything_but_a_manifest_error(text):
    must_load_or_tell(text.encode("utf-8", "replace"))


@unhurried
@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_no_scraps_of_a_manifest_end_in_anything_but_a_manifest_error(text):
    must_load_or_tell(text.encode())
    must_load_or_tell(b"version: 1\n" + text.encode())


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates()
keys = st.sampled_from(["version", "gate", "timeout", "dags", "dag_id", "pattern", "min", "absent", "health"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys | scalars, inner, max_size=4),
    max_leaves=12,
)


@unhurried
@given(st.dictionaries(keys, values, max_size=6))
def test_no_values_in_the_wrong_places_end_in_anything_but_a_manifest_error(data):
    must_load_or_tell(yaml.safe_dump(data, allow_unicode=True).encode("utf-8", "replace"))


ids = st.from_regex(r"[\w.-]{1,40}", fullmatch=True).filter(
    # Rust and Python may know different editions of Unicode.
    lambda text: text.isascii() or all(ord(letter) < 0x3000 for letter in text)
)
names = st.from_regex(r"[A-Za-z0-9_. *-]{1,12}", fullmatch=True).filter(lambda name: name not in {".", ".."})
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
components = st.lists(st.sampled_from(["triggerer", "dag_processor", "other_1"]), unique=True).map(tuple)
seconds = st.none() | st.integers(1, 86_400).map(float)


@st.composite
def manifests(draw):
    all_ids = draw(st.lists(ids, min_size=1, max_size=12, unique=True))
    cut = draw(st.integers(0, len(all_ids) - 1))
    require = draw(components)
    return Manifest(
        environment=draw(st.none() | st.from_regex(r"[a-zA-Z][0-9a-zA-Z_-]{0,79}", fullmatch=True)),
        region=draw(
            st.sampled_from([None, "us-east-1", "eusc-de-east-1", "us-isob-east-1", "ap-southeast-11"])
        ),
        gate=GateOptions(
            **{
                key: draw(seconds) for key in ("timeout", "interval", "sync", "settle", "grace", "stable_for")
            },
            fail_fast=draw(st.none() | st.booleans()),
        ),
        health=HealthRule(
            require=require,
            ignore=tuple(name for name in draw(components) if name not in require),
            max_heartbeat_age=float(draw(st.integers(1, 86_400))),
        ),
        dags=tuple(
            ExpectedDag(dag_id, draw(st.none() | paths), draw(st.none() | st.booleans()))
            for dag_id in all_ids[cut:]
        ),
        patterns=tuple(
            ExpectedPattern(pattern + "*", draw(st.integers(1, 20_000)))
            for pattern in draw(st.lists(ids, max_size=4, unique=True))
        ),
        absent=tuple(all_ids[:cut]),
        import_errors=ImportErrorRule(
            draw(st.sampled_from(["mine", "all"])), tuple(draw(st.lists(paths, max_size=3, unique=True)))
        ),
    )


def written(manifest):
    """The manifest as somebody would write it."""

    def given_only(block):
        return {key: value for key, value in block.items() if value is not None}

    def duration(value):
        return f"{value:.0f}s" if isinstance(value, float) else value

    dags = [given_only(asdict(dag)) for dag in manifest.dags]
    dags = [dag["dag_id"] if list(dag) == ["dag_id"] else dag for dag in dags]
    dags += [{"pattern": entry.pattern, "min": entry.minimum} for entry in manifest.patterns]
    return given_only(
        {
            "version": 1,
            "environment": manifest.environment,
            "region": manifest.region,
            "gate": {key: duration(value) for key, value in given_only(asdict(manifest.gate)).items()},
            "health": {
                "require": list(manifest.health.require),
                "ignore": list(manifest.health.ignore),
                "max_heartbeat_age": duration(manifest.health.max_heartbeat_age),
            },
            "dags": dags,
            "absent": list(manifest.absent),
            "import_errors": {
                "scope": manifest.import_errors.scope,
                "allow": list(manifest.import_errors.allow),
            },
        }
    )


@unhurried
@given(manifests(), st.booleans(), st.booleans())
def test_a_written_manifest_is_read_as_it_was_meant(manifest, flow, escaped):
    text = yaml.safe_dump(written(manifest), default_flow_style=flow, allow_unicode=not escaped)
    assert parse_manifest(text.encode(), "manifest.yaml", {}) == manifest
