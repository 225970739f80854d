"""What holds for every manifest, and for every file that is none."""

from dataclasses import asdict

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from manifest_forms import literal

from validator.errors import ManifestError
from validator.manifest import (
    SCHEMA,
    AssetEvent,
    EnvironmentRule,
    ExpectedConnection,
    ExpectedDag,
    ExpectedPattern,
    ExpectedPool,
    GateOptions,
    HealthRule,
    ImportErrorRule,
    InventoryRule,
    Manifest,
    RunExpectation,
    SmokeRun,
    parse_manifest,
)
from validator.manifest.model import with_runs

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
    "schedule:",
    "tags: [a]",
    "tasks:",
    "description:",
    "max_active_runs: 1",
    "inventory: {unexpected: fail}",
    "variables:",
    "connections:",
    "conn_id: a",
    "pools:",
    "name: a",
    "warnings: fail",
    "mwaa:",
    "airflow_version: 2.10",
    "smoke:",
    "conf: {a: no}",
    "event: {uri: a}",
    "expect_run_of: a",
    "expect: {tasks: {a: success}}",
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


def known_keys(schema):
    """Every key that the manifest may hold anywhere."""
    if isinstance(schema, dict):
        yield from schema.get("properties", ())
        for child in schema.values():
            yield from known_keys(child)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates()
keys = st.sampled_from(sorted({"unknown", *known_keys(SCHEMA)}))
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
lines = st.text(
    st.characters(codec="utf-8", max_codepoint=0x2FFF, exclude_categories=("C", "Z"), include_characters=" "),
    min_size=1,
    max_size=40,
).filter(lambda text: text == text.strip())
owners = lines.filter(lambda text: "," not in text)
choices = st.sampled_from(["ignore", "warn", "fail"])
seconds = st.none() | st.integers(1, 86_400).map(float)


def several(entries, least=0, **unlike):
    return st.lists(entries, min_size=least, max_size=4, unique=not unlike, **unlike).map(tuple)


def maybe_several(entries):
    return st.just(()) | several(entries, 1)


def expected_dags(dag_id):
    return st.builds(
        ExpectedDag,
        st.just(dag_id),
        file=st.none() | paths,
        paused=st.none() | st.booleans(),
        schedule=st.none() | st.just("none") | lines.filter(lambda text: text.lower() != "none"),
        tags=maybe_several(lines),
        owners=maybe_several(owners),
        tasks=st.none() | several(ids),
        max_active_runs=st.none() | st.integers(1, 100_000),
        description=st.none() | st.just("") | lines,
    )


words = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | lines
objects = st.dictionaries(
    lines, words | st.lists(words, max_size=2) | st.dictionaries(lines, words, max_size=2), max_size=2
)
states = st.sampled_from(["success", "failed", "skipped", "upstream_failed", "removed"])


@st.composite
def smoke_runs(draw, dag_id, paused):
    timeout = draw(st.integers(1, 86_400))
    event = draw(st.none() | st.builds(AssetEvent, lines, objects))
    return SmokeRun(
        dag_id,
        conf=draw(objects) if event is None else {},
        timeout=float(timeout),
        unpause=bool(paused) or draw(st.booleans()),
        keep=draw(st.sampled_from(["always", "on-failure", "never"])),
        expect=RunExpectation(
            draw(st.sampled_from(["success", "failed"])),
            draw(st.dictionaries(ids, states, max_size=3)),
            draw(st.none() | st.integers(1, timeout).map(float)),
        ),
        event=event,
    )


@st.composite
def manifests(draw):
    all_ids = draw(st.lists(ids, min_size=1, max_size=12, unique=True))
    cut = draw(st.integers(0, len(all_ids) - 1))
    require = draw(components)
    dags = tuple(draw(expected_dags(dag_id)) for dag_id in all_ids[cut:])
    named = {dag.dag_id: dag.paused for dag in dags}
    runnable = st.sampled_from(list(named)) | ids.filter(lambda one: one not in all_ids[:cut])
    runs = draw(st.lists(runnable, max_size=2, unique=True))
    smoke = tuple(draw(smoke_runs(dag_id, named.get(dag_id))) for dag_id in runs)
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
        dags=with_runs(dags, smoke),
        patterns=tuple(
            ExpectedPattern(pattern + "*", draw(st.integers(1, 20_000)))
            for pattern in draw(st.lists(ids, max_size=4, unique=True))
        ),
        absent=tuple(all_ids[:cut]),
        import_errors=ImportErrorRule(
            draw(st.sampled_from(["mine", "all"])), tuple(draw(st.lists(paths, max_size=3, unique=True)))
        ),
        inventory=InventoryRule(draw(choices), draw(several(ids.map("{}*".format)))),
        variables=draw(several(lines)),
        connections=draw(
            several(
                st.builds(ExpectedConnection, lines, st.none() | lines), unique_by=lambda one: one.conn_id
            )
        ),
        pools=draw(
            several(
                st.builds(ExpectedPool, lines, st.none() | st.integers(0, 2**31 - 1)),
                unique_by=lambda one: one.name,
            )
        ),
        warnings=draw(choices),
        mwaa=draw(
            st.builds(
                EnvironmentRule,
                st.none() | st.from_regex(r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}", fullmatch=True),
                st.none() | st.sampled_from(["mw1.micro", "mw1.2xlarge"]),
                st.none() | st.from_regex(r"[A-Za-z0-9_+/.-]{1,64}", fullmatch=True),
                st.none() | st.just("null"),
            )
        ),
        smoke=smoke,
    )


def given_only(block):
    return {key: value for key, value in block.items() if value is not None}


def bare_where_alone(entry, key):
    return entry[key] if list(entry) == [key] else entry


def written_dag(dag):
    entry = given_only(asdict(dag))
    for key in ("tags", "owners"):
        if not entry[key]:
            del entry[key]
    for key in {"tags", "owners", "tasks"} & set(entry):
        entry[key] = list(entry[key])
    for key, nothing in (("schedule", "none"), ("description", "")):
        if entry.get(key) == nothing and dag.paused:  # two ways to write it
            entry[key] = None
    return bare_where_alone(entry, "dag_id")


def duration(value):
    return f"{value:.0f}s" if isinstance(value, float) else value


def written_run(run):
    expect = given_only({**asdict(run.expect), "max_duration": duration(run.expect.max_duration)})
    if not expect["tasks"]:
        del expect["tasks"]
    entry = {"timeout": duration(run.timeout), "unpause": run.unpause, "keep": run.keep, "expect": expect}
    if run.event is not None:
        return {"event": asdict(run.event), "expect_run_of": run.dag_id, **entry}
    return {"dag_id": run.dag_id, "conf": run.conf, **entry}


def written(manifest):
    """The manifest as somebody would write it."""
    # What only `smoke` names needs no entry of its own.
    cuts = range(len(manifest.dags) + 1)
    own = next(cut for cut in cuts if with_runs(manifest.dags[:cut], manifest.smoke) == manifest.dags)
    dags = [written_dag(dag) for dag in manifest.dags[:own]]
    dags += [{"pattern": entry.pattern, "min": entry.minimum} for entry in manifest.patterns]
    data = given_only(
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
            "inventory": {
                "unexpected": manifest.inventory.unexpected,
                "allow": list(manifest.inventory.allow),
            },
            "variables": list(manifest.variables),
            "connections": [
                bare_where_alone(given_only(asdict(one)), "conn_id") for one in manifest.connections
            ],
            "pools": [bare_where_alone(given_only(asdict(one)), "name") for one in manifest.pools],
            "warnings": manifest.warnings,
            "smoke": [written_run(run) for run in manifest.smoke],
        }
    )
    mwaa = given_only(asdict(manifest.mwaa))
    return literal({**data, "mwaa": mwaa} if mwaa else data)


@pytest.mark.parametrize("name", ["${", "$${", "$$${", "${A}", "a$${b", "${${"])
def test_a_text_that_looks_like_a_variable_can_be_written(name):
    manifest = Manifest(dags=(ExpectedDag("a"),), pools=(ExpectedPool(name),))

    assert parse_manifest(yaml.safe_dump(written(manifest)).encode(), "manifest.yaml", {}) == manifest


@unhurried
@given(manifests(), st.booleans(), st.booleans())
def test_a_written_manifest_is_read_as_it_was_meant(manifest, flow, escaped):
    text = yaml.safe_dump(written(manifest), default_flow_style=flow, allow_unicode=not escaped)
    assert parse_manifest(text.encode(), "manifest.yaml", {}) == manifest
