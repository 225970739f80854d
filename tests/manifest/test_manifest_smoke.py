"""Smoke runs: what reaches the model, what is expected with them, and what goes to Airflow as JSON."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from validator.errors import ManifestError
from validator.manifest import (
    AssetEvent,
    ExpectedDag,
    Manifest,
    RunExpectation,
    SmokeRun,
    load_manifest,
    parse_manifest,
)
from validator.manifest.places import parse_places

GOOD = Path(__file__).parent / "good"


def load(text, **environ):
    return parse_manifest(f"version: 1\n{text}\n".encode(), "manifest.yaml", environ)


def problems(text, **environ):
    with pytest.raises(ManifestError) as caught:
        load(text, **environ)
    return caught.value.problems


def test_every_key_of_a_run_reaches_the_model():
    manifest = load_manifest(GOOD / "smoke.yaml", {"GIT_SHA": "1e3"})
    assert manifest.smoke == (
        SmokeRun(
            "smoke_dag",
            conf={
                "probe": True,
                "off": None,
                "release": "1e3",
                "text": ["no", "42", "2024-01-01", "1e3", "v1.2", "-", ".5.5", "1e3x"],
                "numbers": [0, -7, 0.25, 1.0, 1500.0, 1763820507000000000],
                "nested": {"a": [[], {}, {"b": {"c": [1, {"d": ""}]}}]},
            },
            timeout=90,
            keep="never",
            expect=RunExpectation(
                "failed", {"load": "success", "group.größe_1": "upstream_failed"}, max_duration=90
            ),
        ),
        SmokeRun("nightly", unpause=True),
        SmokeRun(
            "orders_consumer",
            keep="always",
            event=AssetEvent("s3://lake/orders", {"file": "probe.csv", "rows": 0.5}),
        ),
        SmokeRun(
            "other_consumer",
            keep="on-failure",
            expect=RunExpectation(tasks={"notify": "skipped"}),
            event=AssetEvent("s3://lake/orders"),
        ),
    )


def test_a_whole_number_with_a_point_stays_one_in_a_conf_and_is_none_elsewhere():
    numbers = load("smoke: [{dag_id: a, conf: {x: [1, 1.0]}}]").smoke[0].conf["x"]
    assert [type(number) for number in numbers] == [int, float]
    assert (
        "max_active_runs: is the number 1.0; it must be a whole number"
        in (problems("dags: [{dag_id: a, max_active_runs: 1.0}]")[0])
    )


def test_what_is_not_said_of_a_run_is_the_default():
    assert load_manifest(GOOD / "only-smoke.yaml", {}).smoke == (SmokeRun("smoke_dag"),)
    assert (SmokeRun.timeout, SmokeRun.unpause, SmokeRun.keep) == (300, False, "on-failure")


def test_an_events_run_is_airflows_own_and_stays_unless_it_is_said_otherwise():
    entry = "event: {uri: 's3://a'}, expect_run_of: a"
    assert load(f"smoke: [{{{entry}}}]").smoke[0].keep == "always"
    assert load(f"smoke: [{{{entry}, keep: never}}]").smoke[0].keep == "never"


def test_every_dag_that_runs_is_expected_behind_those_that_the_manifest_names():
    manifest = load_manifest(GOOD / "smoke.yaml", {"GIT_SHA": "1"})
    assert manifest.dags == (
        ExpectedDag("nightly", paused=True),
        ExpectedDag("smoke_dag"),
        ExpectedDag("orders_consumer"),
        ExpectedDag("other_consumer"),
    )


def test_a_manifest_of_runs_alone_expects_something_and_one_of_none_does_not():
    assert not Manifest(smoke=(SmokeRun("a"),)).expects_nothing
    assert "nothing is expected" in problems("smoke: []")[0]


def test_no_repr_shows_what_a_run_is_given():
    manifest = load(
        "smoke:\n"
        "- {dag_id: a, conf: {token: ['${TOKEN}']}}\n"
        "- {event: {uri: 's3://a', extra: {token: '${TOKEN}'}}, expect_run_of: b}",
        TOKEN="hunter2",
    )
    assert manifest.smoke[0].conf == {"token": ["hunter2"]}
    assert "hunter2" not in repr(manifest)


def test_equal_runs_have_equal_hashes_and_other_confs_make_other_runs():
    one, same, other = SmokeRun("a", {"x": [1]}), SmokeRun("a", {"x": [1]}), SmokeRun("a", {"x": [2]})
    assert len({one, same, other}) == 2


@pytest.mark.parametrize(
    "entry",
    [
        "{dag_id: '${TOKEN}', timeout: '${TOKEN}', keep: '${TOKEN}', unpause: '${TOKEN}'}",
        "{dag_id: a, conf: '${TOKEN}', expect: {state: '${TOKEN}', max_duration: '${TOKEN}'}}",
        "{dag_id: a, conf: {'a b': ['${TOKEN}', no]}, expect: {tasks: {x: '${TOKEN}'}}}",
        "{event: {uri: '${TOKEN}', extra: '${TOKEN}'}, expect_run_of: '${TOKEN}'}",
        "'${TOKEN}'",
    ],
)
def test_a_value_of_a_variable_is_never_shown(entry):
    told = problems(f"smoke: [{entry}]", TOKEN="hunter 2\x1b ")
    assert not any("hunter" in problem for problem in told)


@pytest.mark.parametrize(
    ("timeout", "longest", "good"),
    [("1m", "60s", True), ("1m", "60.001s", False), (None, "5m", True), (None, "301s", False)],
)
def test_no_run_may_take_longer_than_it_is_waited_for(timeout, longest, good):
    waits = f"timeout: {timeout}, " if timeout else ""
    text = f"smoke: [{{dag_id: a, {waits}expect: {{max_duration: {longest}}}}}]"
    if good:
        assert load(text)
    else:
        assert "more than the entry's timeout" in problems(text)[0]


@pytest.mark.parametrize("key", ["dag_id: a", "event: {uri: x}, expect_run_of: a"])
@pytest.mark.parametrize(
    ("paused", "unpause", "good"),
    [("true", "false", False), ("true", "true", True), ("false", "false", True), ("false", "true", True)],
)
def test_a_dag_that_must_be_paused_runs_only_if_it_is_unpaused(key, paused, unpause, good):
    text = f"dags: [{{dag_id: a, paused: {paused}}}]\nsmoke: [{{{key}, unpause: {unpause}}}]"
    if good:
        assert load(text).smoke
    else:
        assert [problem.split(":")[1].strip() for problem in problems(text)] == [
            "smoke[0].dag_id" if key == "dag_id: a" else "smoke[0].expect_run_of"
        ]


def test_a_hundred_runs_are_enough():
    assert len(load("smoke:\n" + "".join(f"- dag_id: d{n}\n" for n in range(100))).smoke) == 100
    assert problems("smoke:\n" + "".join(f"- dag_id: d{n}\n" for n in range(101))) == (
        "line 3: smoke: has 101 entries; at most 100 are possible",
    )


@pytest.mark.parametrize(("length", "good"), [(250, True), (251, False)])
def test_a_tasks_id_is_as_long_as_airflow_takes_it(length, good):
    text = f"smoke: [{{dag_id: a, expect: {{tasks: {{{'x' * length}: success}}}}}}]"
    if good:
        assert load(text)
    else:
        assert "does not fit" in problems(text)[0]


@pytest.mark.parametrize("key", ["dags: [&a {dag_id: x}, *a]", "smoke: [&a {dag_id: x}, *a]"])
def test_what_an_alias_repeats_stands_twice(key):
    assert "the text 'x' stands twice" in problems(key)[0]


def test_a_very_wrong_conf_is_told_soon_and_in_short():
    told = problems("smoke: [{dag_id: a, conf: {x: [" + ("[" + "no," * 300 + "],") * 20 + "]}}]")
    assert len(told) == 51
    assert told[-1].startswith("… and at least ")
    assert "nested deeper" in problems("smoke: [{dag_id: a, conf: {x: " + "[" * 40 + "]" * 40 + "}}]")[-1]


def test_places_point_to_the_runs_whose_dags_have_no_entry():
    text = 'version: 1\ndags: [a]\nsmoke:\n- dag_id: a\n- dag_id: b\n- {event: {uri: x}, expect_run_of: "${C}"}\n'
    dags = parse_places(text.encode(), "m", {"C": "c"}).dags
    assert [(dag.dag_id.value, dag.dag_id.shown, dag.dag_id.line) for dag in dags] == [
        ("a", "a", 2),
        ("b", "b", 5),
        ("c", "${C}", 6),
    ]
    assert [dag.dag_id.value for dag in parse_places(text.encode(), "m", {}).dags] == ["a", "b", None]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False).filter(
        # 1e+16 is text to YAML 1.1, and refused.
        lambda number: "e" not in repr(number) or "." in repr(number)
    )
    | st.text(st.characters(codec="utf-8", max_codepoint=0xFFFF), max_size=12).map(
        lambda text: text.replace("${", "$")
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abé0 -:#", max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text("xyz", min_size=1, max_size=3), json_values, max_size=4))
def test_json_in_a_conf_is_what_it_was(conf):
    text = "smoke:\n- dag_id: a\n  conf: " + json.dumps(conf)
    read = load(text).smoke[0].conf
    assert read == conf
    assert json.dumps(read) == json.dumps(conf)


def no_constant(name):
    raise ValueError(f"{name} is Python's, not JSON's")


scraps = st.text("0123456789.:-+_eExXoOnaifNAIFTtrueyslo~ =<", max_size=8)


@settings(max_examples=300, deadline=None)
@given(scraps)
def test_a_bare_word_in_a_conf_is_never_another_value_than_json_has(word):
    try:
        value = load(f"smoke:\n- dag_id: a\n  conf:\n    x: {word}").smoke[0].conf["x"]
    except ManifestError:
        return
    word = word.partition(" #")[0].strip()
    try:
        meant = json.loads(word, parse_constant=no_constant)
    except ValueError:
        meant = word
    if word.lower() in {"true", "false"}:
        meant = word.lower() == "true"
    if word in {"~", "null", "Null", "NULL"}:
        meant = None
    assert value == meant
    assert type(value) is type(meant)
