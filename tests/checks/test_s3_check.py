"""S3 in a wait: what each file's own time proves, when a red ends it, and when nothing can be said any more."""

import hashlib
from dataclasses import replace

import pytest
from demands import DENIED, folder, local_file, play
from rounds import DEPLOYED, UNREAD, at, dag, error, judge, manifest, seen, short

from validator.expectations import Expectations
from validator.gate import look
from validator.reasons import Reason
from validator.rules import Deploy, Rules
from validator.s3.interface import LocalDigest, S3Object
from validator.state import State

CONTENTS = {"a.py": b"dag a", "b.py": b"dag b", "lib/helper.py": b"help"}


def md5(content):
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


DIGESTS = tuple(LocalDigest(name, len(text), md5(text)) for name, text in CONTENTS.items())
FOLDER = folder(
    local_file("a.py", "a", text="a = 1\n"),
    local_file("b.py", "b", text="b = 1\n"),
    local_file("lib/helper.py", text="helper = 1\n", words=frozenset()),
    digests=DIGESTS,
)


def stored(second=0, /, content=None, **names):
    """Every file of the folder, written at this second; `a=30` writes a.py at 30, None leaves it out."""
    told = {}
    for name, text in CONTENTS.items():
        written = names.get(name.rpartition("/")[2][:-3], second)
        if written is not None:
            told[name] = S3Object(len(text), md5(text), at(written))
    if content:
        told["b.py"] = S3Object(len(content), md5(content), at(names.get("b", second)))
    return told


def looked(objects, *rows, rules=None, state=None, now=300, local_folder=FOLDER):
    """The state and the view of one round on Airflow 2, which tells no sources."""
    observation = seen(
        *(rows or (dag(airflow="2"), dag("b", airflow="2"))),
        airflow="2",
        now=now,
        objects=objects,
        objects_in="s3://bucket/dags",
    )
    state = state or State(answered=True, deployed_at=DEPLOYED)
    return look(Expectations(manifest(), local_folder), rules or Rules(), state, observation, now=float(now))


def fresh_of(view):
    return {
        dag_id: (view.fresh_after(row.file) - DEPLOYED).total_seconds() for dag_id, row in view.listed.items()
    }


def test_each_file_arrives_by_its_own_time():
    _, view = looked(stored(-200, a=-100, b=50))

    assert fresh_of(view) == {"a": -10.0, "b": 140.0}


def test_a_helper_that_is_newer_than_the_dag_files_counts_for_all_of_them():
    _, view = looked(stored(-200, a=-100, b=50, helper=80))

    assert fresh_of(view) == {"a": 170.0, "b": 170.0}


def test_a_dag_file_that_another_imports_counts_for_all_of_them():
    files = replace(
        FOLDER, files=(FOLDER.files[0], local_file("b.py", "b", text="import a\n"), FOLDER.files[2])
    )
    _, view = looked(stored(-200, a=80, b=50), local_folder=files)

    assert fresh_of(view) == {"a": 170.0, "b": 170.0}


def test_a_parse_of_long_ago_proves_nothing_however_old_the_file():
    _, view = looked(stored(-90_000), now=1000)

    assert fresh_of(view) == {"a": 400.0, "b": 400.0}, "within the last ten minutes"


def test_what_is_no_local_file_counts_from_the_first_answer_as_ever():
    """Such as a DAG that must be gone: S3 does not show when a file was deleted."""
    state, view = looked(stored(-200, b=50), dag("z", airflow="2"))

    assert state.deployed_at >= DEPLOYED
    assert fresh_of(view)["z"] >= 90.0


def test_a_given_time_of_deploy_is_only_ever_made_later():
    told = Rules(deployed_at=at(20))

    given = State(answered=True, deployed_at=at(20))

    state, view = looked(stored(-200, b=50), rules=told, state=given)
    assert state.deployed_at == at(20)
    assert fresh_of(view) == {"a": 110.0, "b": 140.0}


@pytest.mark.parametrize("objects", [None, DENIED, {}])
def test_where_s3_does_not_tell_the_first_answer_counts(objects):
    state, view = looked(objects)

    assert state.deployed_at >= DEPLOYED
    assert not view.times.arrivals
    assert fresh_of(view)["a"] >= 90.0


def test_objects_that_are_not_the_local_files_tell_no_time():
    _, view = looked(stored(-200, a=-100, b=-100, content=b"another"))

    assert set(view.times.arrivals) == {"a.py", "lib/helper.py"}


def test_below_a_prefix_files_arrive_under_their_names_there():
    _, view = looked(stored(-200, a=-100), local_folder=replace(FOLDER, prefix="team"))

    assert set(view.times.arrivals) == {"team/a.py", "team/b.py", "team/lib/helper.py"}


# What the check says of a round.


def judged(objects, **others):
    return judge(
        manifest("a"), seen(dag(), objects=objects, objects_in="s3://bucket/dags"), digests=DIGESTS, **others
    )


def test_without_s3_nothing_is_said():
    assert not [name for name in judged(None) if name.startswith("s3/")]


def test_a_folder_that_is_there_passes():
    assert short(judged(stored())["s3/folder"]) == ("passed", None)


@pytest.mark.parametrize(
    "unread", [DENIED, UNREAD, replace(UNREAD, reason=Reason.BAD_RESPONSE), replace(DENIED, heals=False)]
)
def test_s3_that_could_not_be_read_is_an_error(unread):
    found = judged(unread)["s3/folder"]

    assert short(found) == ("error", str(unread.reason))
    assert found.heals is unread.heals


@pytest.mark.parametrize(
    ("objects", "reason"),
    [(stored(b=None), "object-missing"), (stored(content=b"another"), "object-mismatch")],
)
def test_a_red_ends_everything(objects, reason):
    found = judged(objects)

    for name in ("s3/folder", "s3/b.py"):
        assert short(found[name]) == ("failed", reason)
        assert found[name].ends


def test_what_was_the_folder_before_is_somebody_elses_now():
    found = judged(stored(content=b"another"), state=State(objects_held=True))

    assert short(found["s3/folder"]) == short(found["s3/b.py"]) == ("error", "superseded")
    assert not found["s3/b.py"].heals


# A whole wait.


def waited(objects, *, parsed=lambda now: now - now % 20, expected=None, **rules):
    def answer(now):
        told = objects(now) if callable(objects) else objects
        rows = [dag(name, parsed(now), airflow="2") for name in ("a", "b")]
        return seen(*rows, airflow="2", now=now, objects=told, objects_in="s3://bucket/dags")

    return play(answer, expected or manifest(), FOLDER, rules={"deployed_at": Deploy.NOW} | rules)


def test_a_folder_that_was_there_long_ago_needs_no_wait():
    wait = waited(stored(-500))

    assert (wait.word, wait.ended) == ("passed", 0.0)


def test_a_folder_that_came_a_moment_ago_is_waited_for():
    wait = waited(stored(-5))

    assert (wait.word, wait.ended) == ("passed", 100.0), "a parse at 85 or later"


def test_a_dag_that_nobody_parsed_for_ten_minutes_is_not_green_however_old_its_file():
    wait = waited(stored(-90_000), parsed=lambda now: -1000, timeout=200.0)

    assert wait.word == "failed"
    assert str(wait.found["dags/a"].reason) == "dag-stale"


def test_a_red_ends_the_wait_at_once_though_others_are_pending():
    wait = waited(stored(b=None), expected=manifest("never"))

    assert (wait.word, wait.ended) == ("failed", 0.0)
    assert short(wait.found["s3/b.py"]) == ("failed", "object-missing")
    assert short(wait.found["dags/never"]) == ("skipped", "undecided")


def test_a_red_ends_the_wait_also_where_nobody_wants_to_fail_fast():
    assert waited(stored(b=None), expected=manifest("never"), fail_fast=False).ended == 0.0


def test_a_role_that_may_not_list_the_bucket_ends_as_cannot_tell():
    wait = waited(DENIED)

    assert wait.word == "error"
    assert short(wait.found["s3/folder"]) == ("error", "access-denied")


def test_s3_that_does_not_answer_for_a_moment_is_waited_for():
    assert waited(lambda now: UNREAD if now < 45 else stored(-500)).word == "passed"


def test_nothing_is_green_while_s3_does_not_answer():
    assert waited(UNREAD, timeout=200.0).word == "error"


def overwritten(second):
    return lambda now: stored(-5) if now < second else stored(-5, b=second, content=b"another")


def test_a_folder_that_was_held_is_remembered_and_a_later_deploy_cannot_be_told():
    wait = waited(overwritten(50))

    assert (wait.word, wait.ended) == ("error", 50.0)
    assert wait.outcome.state.objects_held
    assert short(wait.found["s3/b.py"]) == ("error", "superseded")


def test_only_a_whole_folder_counts_as_held():
    state = waited(stored(b=None)).outcome.state

    assert not state.objects_held
    assert waited(stored(-500)).outcome.state.objects_held


def test_what_is_younger_than_the_given_time_of_deploy_is_somebody_elses():
    wait = waited(stored(-100, b=-10, content=b"another"), deployed_at=at(-50))

    assert (wait.word, wait.ended) == ("error", 0.0)
    assert short(wait.found["s3/b.py"]) == ("error", "superseded")


def test_what_is_older_than_the_given_time_of_deploy_was_not_deployed():
    wait = waited(stored(-100, content=b"another"), deployed_at=at(-50))

    assert (wait.word, wait.ended) == ("failed", 0.0)
    assert short(wait.found["s3/b.py"]) == ("failed", "object-mismatch")


def test_a_file_that_was_written_again_as_it_was_moves_its_arrival():
    """The same bytes anew: nobody can tell that from a deploy, and so a later parse is demanded."""
    wait = waited(lambda now: stored(-5, b=35 if now >= 40 else -5))

    assert (wait.word, wait.ended) == ("passed", 140.0), "b needs a parse at 125"


def test_an_error_from_before_the_gate_knew_the_files_there_is_not_final_however_old_they_are():
    """S3 does not show what was deleted: the error may be that of a deploy that just ended."""
    _, view = looked(stored(-5000), now=300)
    old, new = error("a.py", 0, airflow="2"), error("a.py", 100, airflow="2")

    assert not view.stamped_after_arrival(old)
    assert view.stamped_after_arrival(new)
