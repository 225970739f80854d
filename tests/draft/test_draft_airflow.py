"""What a running Airflow shows becomes a manifest that holds there at once."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rounds import dag, dag_file, error, judge, seen, short

from validator import schedules
from validator.airflow.models import DagFile, Details, Task, Unread
from validator.draft.found import ATTRIBUTES, Doubt, Finder, FoundDag, holds
from validator.draft.from_airflow import found_in_airflow
from validator.draft.write import Unfaithful, write
from validator.manifest import ExpectedDag, parse_manifest
from validator.reasons import Reason

ALL = {"schedule": "none", "tags": ("b", "a"), "owners": ("o",), "max_active_runs": 16, "description": ""}


def drafted(round_, asked=ATTRIBUTES, gone=()):
    """The text and what its loader makes of it."""
    found = found_in_airflow(round_, gone)
    text = write(found, asked, made_by=["made by a test"], environment=None, region=None)
    return text.decode(), parse_manifest(text, "drafted", {})


def with_tasks(round_, **told):
    """The round with the tasks of these DAGs."""
    from dataclasses import replace  # noqa: PLC0415 - of this builder only

    tasks = {name: one if isinstance(one, Unread) else tuple(Task(task, None) for task in one)
             for name, one in told.items()}  # fmt: skip
    return replace(round_, details=Details(tasks=tasks, warnings=round_.details.warnings))


TEXT = st.text(max_size=300)
HOSTILE = st.one_of(
    TEXT, st.sampled_from(["${HOME}", "a: b", "null", "1e3", "a,b", "x" * 101, "\ud800", "\n"])
)
ROWS = st.fixed_dictionaries(
    {
        "paused": st.one_of(st.none(), st.booleans()),
        "schedule": st.one_of(
            st.none(), HOSTILE.map(schedules.canonical), st.integers(0, 10**12).map("every {} s".format)
        ),
        "tags": st.one_of(st.none(), st.lists(HOSTILE, max_size=4).map(tuple)),
        "owners": st.one_of(st.none(), st.lists(HOSTILE, max_size=3).map(tuple)),
        "max_active_runs": st.one_of(st.none(), st.integers(-1, 200_000)),
        "description": st.one_of(st.none(), HOSTILE, st.just("x" * 5001)),
    }
)
IDS = st.one_of(
    st.from_regex(r"[\w.-]{1,30}", fullmatch=True),
    st.sampled_from(["null", "1e3", "yes", "2024-01-01", "a b"]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(IDS, ROWS, min_size=1, max_size=4), st.lists(st.sampled_from(ATTRIBUTES), unique=True))
def test_whatever_airflow_shows_the_manifest_loads_and_holds_there(rows, asked):
    told = {
        dag_id: {key: value for key, value in row.items() if value is not None}
        for dag_id, row in rows.items()
    }
    round_ = seen(*(dag(dag_id, path="a/b.py", **row) for dag_id, row in told.items()))
    found = found_in_airflow(round_)
    if not found.dags:
        return
    asked = [name for name in ATTRIBUTES if name in asked and name != "tasks"]
    text = write(found, asked, made_by=["x"], environment="e", region=None)

    manifest = parse_manifest(text, "drafted", {"HOME": "/root"})

    assert [one.dag_id for one in manifest.dags] == sorted(one.dag_id for one in found.dags)
    wrong = {name: short(one) for name, one in judge(manifest, round_).items() if str(one.status) != "passed"}
    assert wrong == {}
    assert text == write(found, asked, made_by=["x"], environment="e", region=None)


@pytest.mark.parametrize("airflow", ["2", "3.0", "3.3"])
def test_all_attributes_of_a_plain_dag(airflow):
    row = dag("etl", path="sub/etl.py", airflow=airflow, paused=True, **ALL | {"schedule": "every 93600 s"})
    text, manifest = drafted(with_tasks(seen(row, airflow=airflow), etl=("t2", "g.t1")))

    body = text.split("version: 1\n")[1]
    assert body == (
        'dags:\n  - dag_id: etl\n    file: sub/etl.py\n    paused: true\n    schedule: "1d2h"\n    tags: [a, b]\n'
        '    owners: [o]\n    tasks: [g.t1, t2]\n    max_active_runs: 16\n    description: ""\n'
    )  # fmt: skip
    assert manifest.dags[0].tasks == ("g.t1", "t2")


def test_nothing_asked_is_a_bare_id():
    text, _ = drafted(seen(dag("b", **ALL), dag("a", **ALL)), ())

    assert text == "# made by a test\nversion: 1\ndags:\n  - a\n  - b\n"


def test_dags_that_are_not_well_are_named_and_not_written():
    round_ = seen(
        dag("fine"),
        dag("beside", path="bad.py"),
        dag("flagged", broken=True),
        dag("never", None),
        errors=[error("bad.py"), error("new.py", number=2)],
    )
    text, manifest = drafted(
        round_, gone=[dag("old", active=False), dag("stale", active=False, path="bad.py")]
    )

    assert [one.dag_id for one in manifest.dags] == ["fine"]
    assert "# Files with import errors:\n#   bad.py\n#   new.py\n" in text
    assert "import errors:\n#   beside\n#   flagged\n#   stale\n" in text
    assert "# Not written, because Airflow never parsed them:\n#   never\n" in text
    assert "# Not written, because no file defines them any more:\n#   old\n" in text


def test_only_names_no_dag_that_it_leaves_out():
    kinds = {"fine": {}, "broken": {"broken": True}, "never": {"parsed": None}, " odd": {}}
    rows = [dag(f"{team}_{kind}", **how) for team in ("x", "y") for kind, how in kinds.items()]
    round_ = seen(*rows, errors=[error("other.py")])
    found = found_in_airflow(round_, [dag("x_gone", active=False), dag("y_gone", active=False)])

    told = [subject for note in found.only(["x_*"]).notes for subject in note.subjects]
    assert sorted(told) == ["other.py", "x_ odd", "x_broken", "x_gone", "x_never"]
    assert found.only(["z_*"]).notes == (found.notes[0],), "which DAGs the broken file has nobody knows"


@pytest.mark.parametrize("airflow", ["2", "3.0", "3.3"])
def test_the_file_of_an_import_error_is_known_by_whichever_name_a_version_tells(airflow):
    round_ = seen(
        dag("a", airflow=airflow), dag("b", airflow=airflow), airflow=airflow, errors=[error(airflow=airflow)]
    )

    assert [one.dag_id for one in found_in_airflow(round_).dags] == ["b"]


def test_a_broken_file_may_define_a_dag_that_airflow_never_saw():
    broken = seen(dag("a", path="bad.py"), errors=[error("bad.py")])

    assert "bad.py has an import error" in found_in_airflow(broken).doubt.about(ExpectedDag("new"))
    assert found_in_airflow(broken).doubt.about(ExpectedDag("new", file="bad.py"))
    assert not found_in_airflow(broken).doubt.about(ExpectedDag("new", file="other.py"))
    assert not found_in_airflow(seen(dag("a"))).doubt.about(ExpectedDag("new"))


def test_a_role_that_may_not_read_every_dag_is_told():
    text, _ = drafted(seen(dag("a"), reads_all=False))

    assert "# The Airflow role that asked may not read every DAG: there may be others.\n" in text


def test_a_file_is_not_guessed_where_the_dags_folder_is_unknown():
    rows = [
        dag("a", file=dag_file("x/a.py", "2", "/srv/dags")),
        dag("b", file=dag_file("x/b.py", "2", "/srv/dags")),
    ]
    text, manifest = drafted(seen(*rows, airflow="2"), ("file",))

    assert [one.file for one in manifest.dags] == [None, None]
    assert "does not say where its DAGs folder is: its file." in text


def test_a_file_of_another_bundle_is_named_with_it():
    rows = [dag("a"), dag("b", file=dag_file("b.py", root="/other", bundle="team"))]
    _, manifest = drafted(seen(*rows), ("file",))

    assert [one.file for one in manifest.dags] == ["a.py", "team:b.py"]


def test_tasks_that_cannot_be_asked_for_are_left_out_and_told():
    too_long = Unread(Reason.PATH_TOO_LONG, "too long")
    text, manifest = drafted(with_tasks(seen(dag("a"), dag("b")), a=too_long, b=()), ("tasks",))

    assert [one.tasks for one in manifest.dags] == [None, ()]
    assert "paths of at most 64 characters: the tasks of\n#   a\n" in text


def test_what_airflow_does_not_tell_is_not_demanded_and_told():
    text, manifest = drafted(seen(dag("a", **ALL), dag("b", **ALL | {"tags": None})), ("tags",))

    assert [one.tags for one in manifest.dags] == [("a", "b"), ()]
    assert "# Not demanded, because it is not known: the tags of\n#   b\n" in text


def test_what_no_manifest_can_say_is_left_out_and_told():
    rows = [
        dag("a", tags=("fine", "x" * 101), owners=("a,b",), description="x" * 5001, max_active_runs=0),
        dag("with space"),
    ]
    text, manifest = drafted(seen(*rows), ("tags", "owners", "description", "max_active_runs"))

    assert len(manifest.dags) == 1
    assert (manifest.dags[0].tags, manifest.dags[0].owners, manifest.dags[0].description) == (
        ("fine",),
        (),
        None,
    )
    for name in ("tags", "owners", "description", "max_active_runs"):
        assert f"more than a manifest can say: the {name} of\n#   a\n" in text
    assert "because a manifest cannot name them:\n#   with space\n" in text


def test_more_dags_than_a_manifest_takes_are_cut_and_counted():
    finder = Finder()
    for number in range(20_003):
        finder.take(f"d{number:05}", {})
    found = finder.found((), Doubt()).cut()

    assert (len(found.dags), found.dags[-1].dag_id) == (20_000, "d19999")
    assert [note.text.endswith("at most 20,000 DAGs: the last 3 by id.") for note in found.notes] == [True]


def test_hostile_names_stay_within_their_comment():
    hostile = error(file=DagFile("/usr/local/airflow/dags/a\n::error::x\x1b.py", None, None))
    text, manifest = drafted(seen(dag("a", airflow="2"), errors=[hostile], airflow="2"))

    assert "\x1b" not in text
    assert not any(line.lstrip("# ").startswith("::") for line in text.splitlines())
    assert [one.dag_id for one in manifest.dags] == ["a"]


@settings(deadline=None)
@given(st.integers(0, 10**9))
def test_a_duration_is_written_as_people_do_and_means_the_same(seconds):
    form = f"every {seconds} s"
    (found,) = found_in_airflow(seen(dag("a", schedule=form))).dags

    assert schedules.canonical(found.values["schedule"]) == form
    assert "every" not in found.values["schedule"] or seconds >= 86_400_000_000


def test_what_holds_is_what_the_checks_say():
    assert holds("tags", ("a",), ("a", "b"))
    assert not holds("tags", ("a", "c"), ("a", "b"))
    assert holds("owners", ("b", "a"), ("a", "b"))
    assert not holds("owners", ("a",), ("a", "b"))
    assert holds("schedule", "@daily", "0 0 * * *")
    assert holds("file", "a/./b.py", "a/b.py")
    assert not holds("max_active_runs", 1, 2)
    assert not FoundDag("a", {"tags": ()}).can_demand("tags")
    assert FoundDag("a", {"tasks": ()}).can_demand("tasks")


def test_a_text_that_comes_back_as_another_is_no_manifest(monkeypatch):
    monkeypatch.setattr("validator.draft.write.entry", lambda one, indent: [f"{indent}- {one.dag_id}_x"])

    with pytest.raises(Unfaithful, match="the DAG a would be another one"):
        drafted(seen(dag("a")))
