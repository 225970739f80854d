"""A manifest brought up to date: what changes, and that all the rest stays byte for byte."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from awkward_manifests import IDS, awkward_manifest, comments_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from validator.draft.found import Doubt, Found, FoundDag
from validator.draft.update import read_current, update
from validator.draft.write import NothingToWrite, Unfaithful, prove
from validator.errors import ManifestError
from validator.manifest import ExpectedDag, Manifest, parse_manifest

SEEN = {"tags": ("a", "b"), "paused": True, "schedule": "0 0 * * *", "owners": ("o",), "description": "x: #y"}
EXAMPLES = sorted(Path("manifests").glob("*.yaml")) + sorted(Path("tests/manifest/good").glob("*.yaml"))


def found(*dags, doubt=None, **values):
    """These DAGs: ids with SEEN, or whole."""
    whole = [one if isinstance(one, FoundDag) else FoundDag(one, {**SEEN, **values}) for one in dags]
    return Found(tuple(sorted(whole, key=lambda one: one.dag_id)), doubt=doubt or Doubt())


def updated(text, there, asked=(), environ=None, **options):
    environ = environ or {}
    data = text if isinstance(text, bytes) else text.encode()
    return update(read_current(data, "m.yaml", environ), there, asked, environ=environ, **options)


def text_of(text, there, asked=(), **options):
    return updated(text, there, asked, **options).data.decode()


def notes_of(new):
    return {note.text: note.subjects for note in new.notes}


HEAD = "version: 1\n"


def test_new_dags_go_to_their_place_in_a_sorted_list_and_comments_stay_with_what_follows():
    text = HEAD + "dags:\n  # ours\n  - b   # one\n\n  # theirs\n  - d\n# the end\n"

    assert text_of(text, found("a", "b", "c", "d", "e")) == (
        HEAD + "dags:\n  # ours\n  - a\n  - b   # one\n  - c\n\n  # theirs\n  - d\n  - e\n# the end\n"
    )


def test_new_dags_go_to_the_end_of_a_list_that_is_not_sorted():
    assert text_of(HEAD + "dags:\n- d\n- b\n", found("a", "b", "d")) == HEAD + "dags:\n- d\n- b\n- a\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("dags:\n", "dags:\n  - a\n  - b\n"),
        ("dags:   # none yet\nwarnings: fail\n", "dags:   # none yet\n  - a\n  - b\nwarnings: fail\n"),
        ("dags: []  # none yet\nabsent: [x]\n", "dags:  # none yet\n  - a\n  - b\nabsent: [x]\n"),
        ("absent: [x]  # gone\n", "absent: [x]  # gone\ndags:\n  - a\n  - b\n"),
        ("absent: [x]", "absent: [x]\ndags:\n  - a\n  - b"),
        ("absent: [x]\n...\n", "absent: [x]\ndags:\n  - a\n  - b\n...\n"),
        ("dags: [b]\n", "dags: [a, b]\n"),
        ("dags: [b,]", "dags: [a, b,]"),
        ("dags: [\n  a,  # one\n]\n", "dags: [\n  a, b,  # one\n]\n"),
        ("dags: [ # none yet\n]\n", "dags: [a, b # none yet\n]\n"),
        ("dags: [\n]\n", "dags:\n  - a\n  - b\n"),
        ("dags: [a # one\n]\n", "dags: [a, b # one\n]\n"),
        ("dags:\n- a", "dags:\n- a\n- b"),
        ("dags:\n-   a\n", "dags:\n-   a\n- b\n"),
        ("dags:\n- pattern: x*\n", "dags:\n- pattern: x*\n- a\n- b\n"),
    ],
)
def test_new_dags_in_every_style_of_list(before, after):
    assert text_of(HEAD + before, found("a", "b")) == HEAD + after
    assert text_of((HEAD + before).replace("\n", "\r\n"), found("a", "b")) == (HEAD + after).replace(
        "\n", "\r\n"
    )
    assert text_of("\ufeff---\n" + HEAD + before, found("a", "b")) == "\ufeff---\n" + HEAD + after


def test_a_manifest_that_is_one_line():
    assert text_of("{version: 1, absent: [x]}", found("a")) == "{version: 1, absent: [x], dags: [a]}"
    assert text_of("{version: 1, dags: , absent: [x]}", found("a")) == "{version: 1, dags: [a] , absent: [x]}"
    assert text_of("{version: 1, dags: [b]}", found("a", "b"), ("paused",)) == (
        "{version: 1, dags: [{dag_id: a, paused: true}, {dag_id: b, paused: true}]}"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- a   # why", "- dag_id: a   # why\n  paused: true\n  tags: [a, b]"),
        ("-   'a'", "-   dag_id: 'a'\n    paused: true\n    tags: [a, b]"),
        ("-\n  a", "-\n  dag_id: a\n  paused: true\n  tags: [a, b]"),
        ("- dag_id: a # why\n  paused: false  # for now", "- dag_id: a # why\n  paused: true  # for now\n  tags: [a, b]"),
        ("- {dag_id: a}", "- {dag_id: a, paused: true, tags: [a, b]}"),
        ("- {dag_id: a, paused:  false }  # c", "- {dag_id: a, paused:  true, tags: [a, b] }  # c"),
        ("- tags: [ b ]\n  dag_id: a\n  paused: true", "- tags: [ b ]\n  dag_id: a\n  paused: true"),
        ("- dag_id: a\n  paused: true\n  tags: [c,  b]  # x", "- dag_id: a\n  paused: true\n  tags: [b, a]  # x"),
        (
            "- dag_id: a\n  paused: true\n  tags:  # all\n    - c  # old\n    # mine\n    - b  # new",
            "- dag_id: a\n  paused: true\n  tags:  # all\n    # mine\n    - b  # new\n    - a",
        ),
        ("- dag_id: a\n  paused: true\n  tags:\n  - c", "- dag_id: a\n  paused: true\n  tags:\n  - a\n  - b"),
        ("- dag_id: a\n  tags: [a]\n  paused: false", "- dag_id: a\n  tags: [a]\n  paused: true"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["", "\n", "\n# after\nwarnings: fail\n"])
def test_what_is_asked_for_is_added_and_what_does_not_hold_is_changed(before, after, end):
    new = updated(f"{HEAD}dags:\n{before}{end}", found("a"), ("paused", "tags"))

    assert new.data.decode() == f"{HEAD}dags:\n{after}{end}"
    assert (new.added, new.changed, new.removed, new.missing) == (0, int(before != after), 0, 0)


def test_what_holds_stays_as_it_was_written():
    text = HEAD + 'dags:\n- dag_id: a\n  schedule: "@daily"\n  tags: [b]\n  owners: ["o"]\n'

    assert text_of(text, found("a"), ("schedule", "tags", "owners")) == text


def test_what_does_not_hold_stays_where_with_does_not_name_it_and_is_told():
    text = HEAD + "dags:\n- dag_id: a\n  paused: false\n  tags: [z]\n"
    new = updated(text, found("a"), ("tags",))

    assert "paused: false\n  tags: [a, b]\n" in new.data.decode()
    assert notes_of(new)["Do not hold, and stay, because --with does not name them:"] == ("a: paused",)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ('- dag_id: a\n  tags: ["release:${SHA}"]', "environment variables are in it"),
        ("- dag_id: a\n  tags: &t [z]\n- dag_id: b\n  tags: *t", "something else refers to it"),
        ("- dag_id: a\n  description: |  # said\n    so", "a comment stands in it"),
    ],
)
def test_what_cannot_be_changed_without_loss_stays_and_is_told(entry, why):
    text = f"{HEAD}dags:\n{entry}\n"
    new = updated(text, found("a"), ("tags", "description") if "desc" in entry else ("tags",), {"SHA": "1"})

    assert entry in new.data.decode()
    assert any(why in one for one in notes_of(new)["Do not hold, and must be changed by hand:"])


def test_tags_that_are_all_gone_cannot_be_demanded_and_are_told():
    new = updated(HEAD + "dags:\n- dag_id: a\n  tags: [z]\n", found("a", tags=()), ("tags",))

    assert b"tags: [z]" in new.data
    assert "the DAG has no tags" in notes_of(new)["Do not hold, and must be changed by hand:"][0]


def test_what_is_not_known_neither_changes_nor_is_added():
    text = HEAD + "dags:\n- dag_id: a\n  tasks: [t]\n- b\n"

    assert text_of(text, found("a", "b"), ("tasks", "file")) == text


def test_an_id_is_compared_by_what_it_stands_for():
    text = HEAD + 'dags:\n- "${TEAM}_a"\n'

    assert text_of(text, found("x_a"), environ={"TEAM": "x"}) == text
    with pytest.raises(ManifestError):
        updated(text, found("x_a"))


def test_what_the_manifest_speaks_of_otherwise_is_not_added():
    text = HEAD + 'dags:\n- pattern: "p_*"\nabsent: [gone]\ninventory: {unexpected: warn, allow: ["sys_*"]}\n'
    new = updated(text, found("p_1", "gone", "sys_x"))

    assert new.data.decode() == text
    assert notes_of(new) == {
        "Warning: expected to be absent, and there:": ("gone",),
        "Not added, because a pattern of the manifest matches them:": ("p_1",),
        "Not added, because inventory.allow names them:": ("sys_x",),
    }


def test_what_is_not_found_is_kept_and_told_and_only_prune_takes_it_out():
    text = HEAD + "dags:\n- a\n# of b\n- b  # old\n- dag_id: c\n  tags: [x]\n- d"
    kept, pruned = updated(text, found("a")), updated(text, found("a"), prune=True)

    assert (kept.data.decode(), kept.missing) == (text, 3)
    assert (pruned.data.decode(), pruned.removed, pruned.missing) == (HEAD + "dags:\n- a\n# of b", 3, 0)
    assert text_of(HEAD + "dags: [a, b, c]\n", found("a"), prune=True) == HEAD + "dags: [a, ]\n"
    assert text_of(HEAD + "dags: [b, a]\n", found("a"), prune=True) == HEAD + "dags: [a]\n"
    assert text_of(HEAD + "dags: [a, b]\n", found("a"), prune=True) == HEAD + "dags: [a]\n"


def test_prune_leaves_what_something_else_refers_to():
    text = HEAD + "dags:\n- a\n- &x old\ninventory: {unexpected: warn, allow: [*x]}\n"
    new = updated(text, found("a"), prune=True)

    assert (new.data.decode(), new.missing) == (text, 1)
    assert "old, since something else in the manifest refers to it" in next(iter(notes_of(new).values()))


def test_prune_leaves_a_list_that_is_a_list():
    text = HEAD + "dags:  # ours\n- b\nabsent: [x]\n"

    assert text_of(text, found(), prune=True) == HEAD + "dags: []  # ours\nabsent: [x]\n"
    assert text_of(text, found("a"), prune=True) == HEAD + "dags:  # ours\n- a\nabsent: [x]\n"


def test_prune_never_leaves_a_manifest_that_expects_nothing():
    with pytest.raises(NothingToWrite):
        updated(HEAD + "dags: [b]\n", found(), prune=True)


@pytest.mark.parametrize(
    ("doubt", "gone"),
    [
        (Doubt(), ["bare", "inside", "named"]),
        (Doubt(ids={"bare": "it is broken"}), ["inside", "named"]),
        (Doubt(files={"x/a.py": "it has an import error"}), ["bare", "inside"]),
        (Doubt(unnamed="factory.py makes DAGs"), ["inside", "named"]),
        (Doubt(below="t"), ["bare", "inside"]),
        (Doubt(everywhere="the role is limited"), []),
    ],
)
def test_prune_takes_only_what_is_surely_gone(doubt, gone):
    text = HEAD + "dags:\n- bare\n- {dag_id: inside, file: t/a.py}\n- {dag_id: named, file: x/a.py}\n- z\n"
    new = updated(text, found("z", doubt=doubt), prune=True)

    left = {one.dag_id for one in parse_manifest(new.data, "m", {}).dags}
    assert sorted({"bare", "inside", "named"} - left) == gone
    assert new.missing == 3 - len(gone)


def test_only_leaves_the_others_alone():
    text = HEAD + "dags:\n- x_gone\n- y_gone\n"
    new = updated(text, found("x_1", "y_1"), only=("x_*",), prune=True)

    assert new.data.decode() == HEAD + "dags:\n- x_1\n- y_gone\n"


RUNS = "smoke:  # what runs\n- dag_id: a\n  conf: {x:  1.0}\n- {event: {uri: u}, expect_run_of: b, unpause: true}\n"


@pytest.mark.parametrize(
    "dags", ["", "dags: []\n", "dags: [z]\n", "dags: [a]\n", "dags:\n- b\n- pattern: z*\n"]
)
@pytest.mark.parametrize("order", [1, -1])
def test_smoke_runs_stay_as_they_are(dags, order):
    text = HEAD + "".join([dags, RUNS][::order])
    new = updated(text, found("a", "b", "c", paused=False), ("tags", "paused"), prune=True)

    read = parse_manifest(new.data, "m", {})
    assert RUNS in new.data.decode()
    assert read.smoke == parse_manifest(text.encode(), "m", {}).smoke
    assert {one.dag_id for one in read.dags} == {"a", "b", "c"}
    assert all(one.tags == ("a", "b") for one in read.dags)


def test_an_entry_whose_dag_runs_is_not_pruned():
    new = updated(HEAD + "dags: [a, b, y, z]\n" + RUNS, found("z"), prune=True)

    assert new.data.decode() == HEAD + "dags: [a, b, z]\n" + RUNS
    assert notes_of(new)["Not found, and kept:"] == ("a, since smoke runs it", "b, since smoke runs it")


@pytest.mark.parametrize("entry", ["", "- a\n", "- {dag_id: a, paused: false}\n"])
def test_no_pause_is_demanded_of_a_dag_that_runs_as_it_is(entry):
    text = HEAD + f"dags:\n- z\n{entry}" + RUNS
    new = updated(text, found("a", "b", "z"), ("paused",))

    paused = {one.dag_id: one.paused for one in parse_manifest(new.data, "m", {}).dags}
    assert paused == {"a": False if "false" in entry else None, "b": True, "z": True}
    assert notes_of(new)["Warning: paused, and smoke runs them without unpause: true:"] == ("a",)
    assert "Warning: paused" not in str(updated(text, found("a", "z"), only=("z",)).notes)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_line_of_an_example_that_is_not_meant_to_change_stays(path):
    data = path.read_bytes()
    names = re.findall(rb"\$\{(\w+)\}", data)
    new = updated(data, found("zz"), environ={name.decode(): "us-east-1" for name in names})

    lines, after = data.splitlines(keepends=True), new.data.splitlines(keepends=True)
    extra = [line for line in after if line not in lines]
    touched = [line for line in lines if line not in after]
    assert len(after) - len(lines) in (0, 1, 2)
    assert len(touched) <= 1, "the line of a list in brackets, or a last one without an end"
    assert len(extra) - len(touched) <= 2
    assert b"zz" in b"".join(extra)
    assert [line for line in after if line not in extra] == [line for line in lines if line not in touched]


@pytest.mark.parametrize(
    "text",
    [
        "dags: [b]",
        "dags: [a, b]",
        "dags: [{dag_id: a, paused: true}]",
        "dags: [{dag_id: a, tags: [x]}]",
        "dags: [a]\nwarnings: fail",
        "dags: [a, a]",
        "dags: [a",
    ],
)
def test_what_does_not_say_what_is_meant_is_never_written(text):
    prove(b"version: 1\ndags: [a]\n", Manifest(dags=(ExpectedDag("a"),)), {})
    with pytest.raises(Unfaithful) as refused:
        prove(f"version: 1\n{text}\n".encode(), Manifest(dags=(ExpectedDag("a"),)), {})
    assert refused.value.exit_code == 3


def test_a_list_behind_an_alias_is_refused():
    with pytest.raises(Unfaithful, match="alias"):
        updated(HEAD + "inventory: {allow: &x [a]}\ndags: *x\n", found("a"))


def test_an_entry_behind_an_alias():
    text = HEAD + "inventory: {allow: [&x a]}\ndags:\n- *x\n"

    assert text_of(text, found("a"), ("paused",)) == HEAD + (
        "inventory: {allow: [&x a]}\ndags:\n- dag_id: *x\n  paused: true\n"
    )


VALUES = st.fixed_dictionaries(
    {
        "paused": st.booleans(),
        "tags": st.lists(st.sampled_from("xyz"), unique=True).map(lambda tags: tuple(sorted(tags))),
        "tasks": st.sampled_from([(), ("t1",), ("t1", "t2")]),
        "description": st.sampled_from(["", "x: #y", "one\ntwo\n"]),
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.randoms(use_true_random=False),
    st.dictionaries(st.sampled_from(IDS), VALUES, max_size=8),
    st.lists(st.sampled_from(["paused", "tags", "tasks", "description"]), unique=True),
    st.booleans(),
)
def test_an_update_does_what_it_means_keeps_the_rest_and_is_done_at_once(random, there, asked, prune):
    text = awkward_manifest(random)
    before = parse_or_none(text)
    source = found(*(FoundDag(dag_id, values) for dag_id, values in there.items()))
    try:
        new = updated(text, source, asked, prune=prune)
    except NothingToWrite:
        return

    after = parse_manifest(new.data, "m", {}, expects_more=True) if new.data != text.encode() else None
    assert updated(new.data, source, asked, prune=prune).data == new.data
    if new.data == text.encode():
        return
    expected = {one.dag_id: one for one in after.dags}
    for dag_id, values in there.items():
        if dag_id in expected:
            demands = {name: getattr(expected[dag_id], name) for name in asked}
            assert "paused" not in asked or demands["paused"] == values["paused"]
            assert set(demands.get("tags", ())) <= set(values["tags"]) or not values["tags"]
            assert "tasks" not in asked or demands["tasks"] == values["tasks"]
    for old in before.dags if before is not None else ():
        assert old.dag_id in expected or (prune and old.dag_id not in there)
    if not new.removed and not {"tags", "tasks"} & set(asked):
        assert comments_of(new.data.decode()) == comments_of(text)
    tail = text[text.index("absent:") :] if "absent:" in text else ""
    assert new.data.decode().startswith(text[: text.index("dags:")] if "dags:" in text else text[:9])
    assert tail in new.data.decode() or "dags:" not in text


def parse_or_none(text):
    """The manifest; None: its `dags` are still empty."""
    try:
        return parse_manifest(text.encode(), "m", {}, expects_more=True)
    except ManifestError:
        return None
