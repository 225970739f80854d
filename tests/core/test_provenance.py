"""Which bytes Airflow parsed: what is asked for, what each text proves, and from when on a parse counts."""

from dataclasses import replace

import pytest
from demands import TOO_LONG, folder, local_file, play
from hypothesis import given
from hypothesis import strategies as st
from rounds import UNREAD, at, dag, dag_file, manifest, seen, view

from validator.airflow.models import Details
from validator.checks.interface import SLOWEST_SYNC
from validator.checks.sources import check
from validator.finding import Status
from validator.provenance import (
    READ_AT_ONCE,
    SPOT_CHECKS,
    compared,
    newlines,
    sources_due,
)
from validator.rules import Deploy
from validator.state import SourceTrack, State

NEW = "the new text\n"
OLD = "the old text\n"
THIRD = "somebody's text\n"
A = local_file("a.py", "a", text=NEW)
LOCAL = {"a.py": A}


def looked(*readings, parsed=100, parses=False, local=None):
    """The view after rounds at these seconds that read these texts of a.py; None: it was not asked for.

    With `parses` every round shows a parse of its own.
    """
    state, last = State(), None
    for now, text in readings:
        parsed = now if parses else parsed
        details = Details(sources={} if text is None else {"a.py": text})
        observation = seen(dag(parsed=parsed), now=now, details=details)
        last = view(manifest("a"), observation, state=state, local=local or LOCAL, settle=30.0, gate_now=now)
        tracks = compared(last, [] if text is None else ["a.py"])
        state = replace(state, sources=tracks)
        last = replace(last, sources=tracks)
    return last


def track(*readings, **given):
    return looked(*readings, **given).sources.get("a.py")


def short(last):
    (found,) = check(last)
    return str(found.status), str(found.reason) if found.reason else None


# What each text proves.


def test_an_equal_text_is_equal_from_the_end_of_the_round_that_read_it():
    assert track((70, NEW)) == SourceTrack(70, at(100), at(70), held=True)


def test_equal_again_counts_from_the_first_of_the_row():
    assert track((70, NEW), (80, NEW), (90, NEW)).equal_since == at(70)


def test_a_text_that_differs_is_not_equal_and_remembered():
    found = track((70, OLD))

    assert found.equal_since is None
    assert found.other
    assert not found.superseded


def test_unequal_again_starts_anew():
    assert track((70, OLD), (80, NEW), (90, OLD)).equal_since is None
    assert track((70, OLD), (80, NEW), (90, OLD), (100, NEW)).equal_since == at(100)


@pytest.mark.parametrize(
    ("readings", "superseded"),
    [
        (((10, OLD),), False),
        (((10, OLD), (20, THIRD)), False),
        (((10, OLD), (20, NEW), (30, OLD)), False),
        (((70, OLD), (80, NEW), (90, OLD)), False),
        (((10, NEW), (20, OLD)), False),
        (((10, NEW), (59, OLD)), False),
        (((10, NEW), (60, OLD)), False),
        (((10, NEW), (60, OLD), (70, OLD)), True),
        (((70, NEW), (80, OLD), (90, NEW), (100, OLD)), False),
        (((10, OLD), (20, NEW), (30, THIRD)), False),
        (((10, OLD), (20, NEW), (30, THIRD), (40, THIRD)), True),
        (((70, OLD), (80, NEW), (90, THIRD), (100, OLD), (110, THIRD)), False),
        (((70, NEW), (80, THIRD), (90, OLD)), True),
        (((70, NEW), (80, THIRD), (90, NEW)), False),
    ],
)
def test_a_text_after_the_equal_one_is_an_older_one_or_somebody_elses(readings, superseded):
    """Older: the one from before, or one before the files arrived. Such a processor the sync had not reached.

    Somebody else's: it is seen in two parses.
    """
    assert track(*readings, parses=True).superseded is superseded


def test_one_parse_however_often_it_is_read_does_not_tell_whose_a_text_is():
    assert not track((70, NEW), (80, THIRD), (90, THIRD)).superseded


def test_what_could_not_be_read_changes_nothing():
    before = track((70, NEW))

    assert track((70, NEW), (80, UNREAD)) == before
    assert track((70, UNREAD)) is None


@pytest.mark.parametrize("text", ["the new text\r\n", "the new text\r"])
def test_newlines_are_airflows(text):
    assert track((70, text)).equal_since == at(70)


@pytest.mark.parametrize(
    "text", ["the new text", "the new text\n\n", " the new text\n", "The new text\n", ""]
)
def test_every_other_byte_counts(text):
    assert track((70, text)).equal_since is None


@given(st.text(), st.text())
def test_two_texts_never_look_equal(one, other):
    one = newlines(one)
    found = track((70, other), local={"a.py": replace(A, text=one)})

    assert (found.equal_since is not None) == (newlines(other) == one)


def test_texts_that_no_encoding_takes_are_compared_all_the_same():
    assert track((70, "\ud800"), (80, "\udfff")).other


# From when on a parse counts.


def fresh_after(*readings, **given):
    last = looked(*readings, **given)
    return last.fresh_after(last.listed["a"].file)


def test_before_a_text_was_equal_no_parse_counts():
    assert fresh_after((70, None)) is None
    assert fresh_after((70, OLD)) is None
    assert fresh_after((70, NEW), (80, OLD)) is None


def test_a_parse_counts_from_the_first_equal_text_and_settle():
    assert fresh_after((70, NEW)) == at(101), "and a second: a Date cuts it off"
    assert fresh_after((70, OLD), (200, NEW), (210, NEW)) == at(231)


def test_an_equal_text_never_makes_a_parse_count_earlier():
    assert fresh_after((0, NEW)) == at(90)


@pytest.mark.parametrize(("first", "moment"), [(659.9, 690.9), (660, 90)])
def test_a_text_that_was_equal_long_after_the_files_arrived_proves_them_long_there(first, moment):
    assert SLOWEST_SYNC.total_seconds() == 600
    assert fresh_after((first, NEW)) == at(moment)


def test_a_text_that_was_seen_to_differ_first_is_not_long_there():
    assert fresh_after((660, OLD), (700, NEW)) == at(731)


def test_on_airflow_2_no_text_is_waited_for():
    last = view(manifest("a"), seen(dag(airflow="2"), airflow="2"), local=LOCAL)

    assert last.fresh_after(last.listed["a"].file) == at(90)


def test_a_file_without_a_text_counts_by_its_arrival():
    last = view(manifest("a"), seen(dag()), local={"a.py": replace(A, text=None)})

    assert last.fresh_after(last.listed["a"].file) == at(90)


# What is asked for.


def due(*names, tracks=None, rows=None, airflow="3.0", files=None, now=120.0):
    files = files or {name: local_file(name, name[:-3]) for name in names}
    rows = rows if rows is not None else [dag(name[:-3], airflow=airflow) for name in names]
    state = State(sources=tracks or {})
    observation = seen(*rows, airflow=airflow, now=now)
    return sources_due(view(manifest(), observation, state=state, local=files, gate_now=now))


def equal(read_at):
    return SourceTrack(read_at, at(100), at(60))


def unequal(read_at, parsed=100):
    return SourceTrack(read_at, at(parsed), None, "other")


def test_every_file_that_was_not_read_yet_is_asked_for_by_one_of_its_dags():
    assert due("a.py", "b.py") == {"a.py": "a", "b.py": "b"}


def test_a_file_of_which_no_dag_is_listed_is_not_asked_for():
    assert due("a.py", "b.py", rows=[dag("a"), dag("b", active=False)]) == {"a.py": "a"}


def test_the_shortest_id_is_asked_for_since_paths_are_short():
    rows = [dag("longer", path="a.py"), dag("b", path="a.py"), dag("a", path="a.py")]

    assert due("a.py", rows=rows) == {"a.py": "a"}


def test_airflow_2_is_asked_for_nothing():
    assert due("a.py", airflow="2") == {}


def test_archives_and_other_encodings_are_not_asked_for():
    files = {"a.py": local_file("a.py", "a", text=None)}

    assert due(files=files, rows=[dag()]) == {}


def test_a_text_that_differs_is_read_again_after_the_next_parse_or_in_a_while():
    assert due("a.py", tracks={"a.py": unequal(110)}) == {}
    assert due("a.py", tracks={"a.py": unequal(110, parsed=80)}) == {"a.py": "a"}
    assert due("a.py", tracks={"a.py": unequal(90)}) == {"a.py": "a"}


def test_equal_texts_are_read_again_only_two_a_round_the_longest_unread_first():
    names = [f"f{n}.py" for n in range(5)]
    tracks = {name: equal(read_at) for name, read_at in zip(names, [50, 40, 30, 20, 10], strict=True)}

    assert SPOT_CHECKS == 2
    assert list(due(*names, tracks=tracks)) == ["f4.py", "f3.py"]


def test_a_round_reads_only_so_many_those_never_read_first():
    names = [f"f{n:03d}.py" for n in range(READ_AT_ONCE + 5)]
    tracks = {"f000.py": unequal(0), "f001.py": equal(0)}

    asked = due(*names, tracks=tracks)

    assert len(asked) == READ_AT_ONCE
    assert not {"f000.py", "f001.py"} & set(asked)


# A whole wait.


def parses(*moments, dag_ids=("a",)):
    def answer(now):
        parsed = max((p for p in moments if p <= now), default=-50)
        return seen(*[dag(dag_id, parsed) for dag_id in dag_ids], now=now)

    return answer


EVERY_20 = range(0, 900, 20)


def waited(texts, moments=EVERY_20, **rules):
    return play(
        parses(*moments), manifest(), folder(A), sources=lambda now: {"a.py": texts(now)}, rules=rules
    )


def test_a_text_that_is_equal_from_the_start_costs_no_time_but_spot_checks():
    wait = waited(lambda now: NEW)

    assert (wait.word, wait.ended) == ("passed", 100.0)
    assert all(len(inquiry.sources) == 1 for _, inquiry in wait.airflow.asked)


def test_a_slower_sync_than_assumed_is_waited_for():
    wait = waited(lambda now: NEW if now >= 145 else OLD)

    assert (wait.word, wait.ended) == ("passed", 200.0), "equal at the parse of 160, and the next 30 s later"


def test_a_dag_that_was_parsed_before_the_text_was_seen_to_be_equal_is_stale():
    wait = waited(lambda now: NEW if now >= 95 else OLD, moments=(95, 110), timeout=400.0)

    assert wait.word == "failed"
    assert str(wait.found["dags/a"].reason) == "dag-stale"


def test_a_processor_that_the_sync_has_not_reached_starts_the_wait_anew():
    def texts(now):
        return NEW if 65 <= now < 75 or now >= 95 else OLD

    wait = waited(texts)

    assert (wait.word, wait.ended) == ("passed", 140.0), "equal again at 100, and a parse at 140"


def test_an_upload_that_never_happened_is_red_at_the_deadline():
    wait = waited(lambda now: OLD, timeout=300.0)

    assert wait.word == "failed"
    assert str(wait.found["sources/a.py"].reason) == "dag-source-mismatch"


@pytest.mark.parametrize("before", [OLD, NEW])
def test_a_deploy_over_ours_is_neither_green_nor_red(before):
    def texts(now):
        return before if now < 62 else NEW if now < 85 else THIRD

    wait = waited(texts)

    assert wait.word == "error"
    assert str(wait.found["sources/a.py"].reason) == "superseded"
    assert wait.ended == 100.0, "the second parse that shows it"


def test_without_a_deploy_an_equal_text_and_a_recent_parse_are_enough():
    wait = waited(lambda now: NEW, deployed_at=Deploy.NONE)

    assert (wait.word, wait.ended) == ("passed", 0.5), "the warnings are read in the second look"


def test_without_a_deploy_another_text_is_red_all_the_same():
    assert waited(lambda now: OLD, deployed_at=Deploy.NONE, timeout=120.0).word == "failed"


def test_no_more_than_so_many_are_read_at_once_and_the_rest_at_the_next_look():
    files = [local_file(f"f{n:03d}.py", f"f{n:03d}", text=NEW) for n in range(250)]
    ids = [file.certain[0].dag_id for file in files]
    wait = play(
        parses(*EVERY_20, dag_ids=ids),
        manifest(),
        folder(*files),
        sources={file.name: NEW for file in files},
    )

    assert wait.word == "passed"
    assert [now for now, _ in wait.airflow.asked[:4]] == [0.0, 0.5, 1.0, 11.0]
    assert [len(inquiry.sources) for _, inquiry in wait.airflow.asked[:4]] == [100, 100, 52, 2]


def test_an_id_too_long_to_be_asked_for_is_skipped_and_not_asked_again():
    wait = waited(lambda now: TOO_LONG)

    assert (wait.word, wait.ended) == ("passed", 100.0)
    assert wait.airflow.times_of("sources") == [0.0]
    assert str(wait.found["sources/a.py"].status) == "skipped"


def test_what_could_not_be_read_keeps_everything_from_being_green():
    assert waited(lambda now: UNREAD, timeout=200.0).word == "error"
    assert waited(lambda now: UNREAD if now < 65 else NEW).word == "passed"


names = st.sampled_from([NEW, NEW, OLD, THIRD])


@given(st.lists(names, min_size=1, max_size=12))
def test_never_green_while_the_last_text_that_was_read_is_not_the_local_one(texts):
    """Whatever the order of texts: green only on an unbroken row of equal ones, and a parse settle after its start."""
    read = []

    def told(now):
        text = texts[min(int(now // 20), len(texts) - 1)]
        read.append((now, text))
        return text

    wait = waited(told, timeout=400.0)

    if wait.word == "passed":
        since = next(now for n, (now, _) in enumerate(read) if all(text == NEW for _, text in read[n:]))
        last = wait.outcome.seen.dags.rows[0].last_parsed
        assert last >= at(max(90, since + 30))
    else:
        assert str(wait.found["sources/a.py"].status) != Status.PASSED or wait.word == "error"


def test_a_shorter_id_that_shows_later_is_asked_for():
    made = local_file("a.py", text=NEW, computes=True)
    long = "x" * 80

    def answer(now):
        rows = [dag(long, now, path="a.py"), *([dag("short", now, path="a.py")] if now >= 50 else [])]
        return seen(*rows, now=now)

    def told(now):
        return {"a.py": OLD if now >= 50 else TOO_LONG}

    wait = play(answer, manifest(), folder(made), sources=told, rules={"timeout": 300.0})

    assert wait.word == "failed"
    assert str(wait.found["sources/a.py"].reason) == "dag-source-mismatch"


def test_a_text_of_a_parse_that_the_list_did_not_show_yet_counts_as_that_parse():
    """The list was read first: the parse that it shows later is the one that the text was of."""
    rounds = [(70, NEW, 65), (80, THIRD, 70), (90, THIRD, 79)]
    state = State()
    for now, text, parsed in rounds:
        observation = seen(dag(parsed=parsed), now=now, details=Details(sources={"a.py": text}))
        last = view(manifest("a"), observation, state=state, local=LOCAL, settle=30.0, gate_now=now)
        state = replace(state, sources=compared(last, ["a.py"]))

    assert not state.sources["a.py"].superseded


def test_where_the_folder_is_unknown_a_file_is_the_local_one_that_fits_best():
    both = {"a.py": A, "etl/a.py": local_file("etl/a.py", "b")}
    row = dag("b", file=dag_file("etl/a.py", "2", root="/home/me/dags"), airflow="2")

    assert view(manifest("b"), seen(row, airflow="2"), local=both).local_name(row.file) == "etl/a.py"
