"""A DAG is as the manifest describes it: judged on the new version only, and red at the second parse that shows it."""

from dataclasses import replace

import pytest
from demands import POOLS, TOO_LONG, play, tasks
from rounds import UNREAD, dag, error, judge, manifest, seen, short, view

from validator.airflow.models import Attributes, Details
from validator.finding import Finding, Status
from validator.manifest.model import ExpectedDag
from validator.plan import inquiry_of
from validator.provenance import SPOT_CHECKS
from validator.state import Mark, State

FITS = {
    "schedule": ("@daily", "0 0 * * *"),
    "tags": (("team:data", "v2"), ("v2", "other", "team:data")),
    "owners": (("ann", "bob"), ("bob", "ann")),
    "max_active_runs": (1, 1),
    "description": ("Loads", "Loads"),
}
"""By attribute: what is demanded, and what Airflow tells of a DAG that has it."""
DIFFERS = [
    ("schedule", "@daily", "0 1 * * *"),
    ("schedule", "none", "0 0 * * *"),
    ("schedule", "@daily", "none"),
    ("tags", ("v2",), ("v1",)),
    ("tags", ("v2", "team:data"), ("v2",)),
    ("tags", ("v2",), ("V2",)),
    ("tags", ("v2",), ()),
    ("owners", ("ann",), ("ann", "bob")),
    ("owners", ("ann", "bob"), ("ann",)),
    ("owners", ("ann",), ()),
    ("max_active_runs", 1, 16),
    ("description", "Loads", ""),
    ("description", "", "Loads"),
    ("description", "Loads", "loads"),
]


def judged(name, wanted, told, **row):
    expected = manifest(ExpectedDag("a", **{name: wanted}))
    return judge(expected, seen(dag(**{name: told}, **row)))[f"dags/a/{name}"]


@pytest.mark.parametrize("name", FITS)
def test_an_attribute_that_fits_passes(name):
    found = judged(name, *FITS[name])

    assert short(found) == ("passed", None)
    assert (found.area, found.subject) == ("dags", "a")


@pytest.mark.parametrize(("name", "wanted", "told"), DIFFERS)
def test_an_attribute_that_differs_is_on_the_way_to_red(name, wanted, told):
    found = judged(name, wanted, told)

    assert short(found) == ("pending", "dag-attribute-mismatch")
    assert (found.ripens.polls, found.ripens.parse) == (2, seen(dag()).dags.rows[0].last_parsed)
    assert set(found.details) == {"seen", "expected"}
    assert not found.had_its_turn, "its second parse is due soon"


def test_a_mismatch_tells_what_is_seen_and_what_is_expected():
    assert (
        "'0 1 * * *' is seen, and '@daily' is expected" in judged("schedule", "@daily", "0 1 * * *").message
    )
    assert "nothing is expected" in judged("description", "", "Loads").message
    assert "lacks the tag 'v2'; it has 'v1'" in judged("tags", ("v2",), ("v1",)).message


@pytest.mark.parametrize("name", FITS)
def test_an_attribute_that_nobody_demands_is_not_judged(name):
    found = judge(manifest(ExpectedDag("a")), seen(dag(**{name: FITS[name][1]})))

    assert f"dags/a/{name}" not in found


def test_no_description_at_all_can_be_demanded():
    assert short(judged("description", "", "")) == ("passed", None)


@pytest.mark.parametrize("name", FITS)
def test_what_airflow_does_not_tell_is_an_error(name):
    found = judged(name, FITS[name][0], None)

    assert short(found) == ("error", "bad-response")
    assert name in found.message


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize(
    "row",
    [{"parsed": 89}, {"parsed": None}, {"parsed": 131}, {"broken": True}, {"active": False}],
    ids=["stale", "never parsed", "from the future", "broken", "gone"],
)
def test_only_the_new_version_is_judged(name, row):
    wanted, told = FITS[name]

    assert short(judged(name, wanted, told, **row)) == ("skipped", "undecided")
    assert short(judged(name, wanted, None, **row)) == ("skipped", "undecided")


def test_beside_an_import_error_of_its_file_nothing_is_judged():
    expected = manifest(ExpectedDag("a", tags=("v2",), tasks=("t",)))

    found = judge(expected, seen(dag(tags=("v1",)), errors=[error()]))

    assert short(found["dags/a/tags"]) == short(found["dags/a/tasks"]) == ("skipped", "undecided")


def test_names_of_a_long_list_are_not_all_told():
    found = judged("tags", ("v2",), tuple(f"t{n:02d}" for n in range(30)))

    assert "'t09' and 20 more" in found.message


def parsed_at(*moments, tags=("v1",)):
    """Rounds that show the last of these parses that is over."""

    def answer(now):
        return seen(dag(parsed=max((p for p in moments if p <= now), default=-50), tags=tags), now=now)

    return answer


WANTS_V2 = manifest(ExpectedDag("a", tags=("v2",)))


def test_one_parse_that_shows_a_mismatch_in_many_rounds_is_not_final():
    wait = play(parsed_at(100), WANTS_V2, rules={"timeout": 300.0})

    assert wait.ended >= 299, "only the deadline ends it"
    assert wait.word == "failed"


def test_the_second_parse_that_shows_a_mismatch_makes_it_final():
    wait = play(parsed_at(100, 135), WANTS_V2)

    assert (wait.word, wait.ended) == ("failed", 140.0)
    assert short(wait.found["dags/a/tags"]) == ("failed", "dag-attribute-mismatch")


def test_a_mismatch_of_the_old_version_does_not_count_as_a_first():
    wait = play(parsed_at(70, 85, 100, 135), WANTS_V2)

    assert wait.ended == 140.0


def test_a_mismatch_that_heals_at_the_second_parse_is_green():
    def answer(now):
        return seen(dag(parsed=135, tags=("v2",)) if now >= 135 else dag(parsed=100, tags=("v1",)), now=now)

    wait = play(answer, WANTS_V2)

    assert (wait.word, wait.ended) == ("passed", 140.0)


# Tasks: a call for each DAG, once its serialized form is surely the new one.

WANTS_TASKS = manifest(ExpectedDag("a", tasks=("extract", "load")))


def tasks_of(told, expected=WANTS_TASKS, **row):
    details = Details(tasks={} if told is None else {"a": told})
    return judge(expected, seen(dag(**row), details=details))["dags/a/tasks"]


def test_exactly_the_expected_tasks_in_any_order_pass_and_stand():
    found = tasks_of(tasks("load", "extract"))

    assert short(found) == ("passed", None)
    assert found.keeps


@pytest.mark.parametrize(
    ("told", "says"),
    [
        (("extract",), "it lacks 'load'."),
        (("extract", "load", "new"), "'new' is not expected."),
        (("extract", "new", "newer"), "it lacks 'load' and 'new', 'newer' are not expected."),
        ((), "it lacks 'extract', 'load'."),
    ],
)
def test_tasks_that_miss_or_are_too_many_are_named(told, says):
    found = tasks_of(tasks(*told))

    assert short(found) == ("pending", "dag-tasks-mismatch")
    assert found.message.endswith(says)
    assert not found.keeps, "asked again until it is equal"
    assert found.ripens.polls == 2
    assert found.ripens.parse is not None


def test_that_a_dag_has_no_task_can_be_demanded():
    expected = manifest(ExpectedDag("a", tasks=()))

    assert short(tasks_of((), expected)) == ("passed", None)
    assert short(tasks_of(tasks("t"), expected)) == ("pending", "dag-tasks-mismatch")


def test_tasks_that_were_not_asked_for_yet_are_pending():
    found = tasks_of(None)

    assert short(found) == ("pending", "undecided")
    assert not found.had_its_turn
    assert found.due, "at the deadline nothing was seen to be wrong"


def test_tasks_of_an_old_version_are_not_judged_whatever_was_read():
    assert short(tasks_of(tasks("extract", "load"), parsed=89)) == ("skipped", "undecided")
    assert short(tasks_of(tasks("other"), parsed=89)) == ("skipped", "undecided")


def test_tasks_that_could_not_be_read_are_an_error_that_may_heal():
    found = tasks_of(UNREAD)

    assert short(found) == ("error", "unreachable")
    assert found.heals


def test_tasks_of_too_long_an_id_can_never_be_known():
    found = tasks_of(TOO_LONG)

    assert short(found) == ("error", "path-too-long")
    assert not found.heals


def due(held, parsed=100, *, status=Status.PASSED, served_for=10.0, kept=None, expected=WANTS_TASKS):
    state = State(marks={"dags/a": Mark(status, None, since=120.0 - held)}, kept=kept or {})
    round_ = view(expected, seen(dag(parsed=parsed)), state=state, served_for=served_for)
    return inquiry_of(round_).tasks


def test_tasks_are_asked_for_only_once_no_web_server_can_show_its_own_older_copy():
    assert due(9.9) == ()
    assert due(10.0) == ("a",)
    assert due(10.0, served_for=30.0) == ()
    assert due(0.0, served_for=0.0) == ("a",), "without a deploy there is no older copy to fear"


def test_tasks_are_not_asked_for_while_the_dag_is_not_current():
    assert due(60.0, parsed=89) == ()
    assert due(60.0, status=Status.PENDING) == ()


def test_of_tasks_that_were_equal_only_a_few_are_asked_for_again_in_turn():
    ids = [f"d{number}" for number in range(6)]
    expected = replace(manifest(*(ExpectedDag(one, tasks=("t",)) for one in ids)), warnings="ignore")
    kept = {f"dags/{one}/tasks": Finding(f"dags/{one}/tasks", "dags", one, Status.PASSED, "") for one in ids}
    rows = [dag(one) for one in ids]

    asked = [
        inquiry_of(view(expected, seen(*rows), state=State(kept=kept), gate_now=now)).tasks
        for now in range(200, 212)
    ]
    assert all(len(one) == SPOT_CHECKS for one in asked)
    assert {one for some in asked for one in some} == set(ids)


def at_100(now):
    return seen(dag(parsed=100 if now >= 100 else -50), dag("b", 170 if now >= 170 else -50), now=now)


def test_equal_tasks_are_read_again_for_as_long_as_the_wait_lasts():
    expected = manifest(ExpectedDag("a", tasks=("t",)), "b")

    wait = play(at_100, expected, tasks={"a": tasks("t")}, pools=POOLS)

    assert wait.word == "passed"
    assert wait.ended >= 170, "it waited for the other"
    times = wait.airflow.times_of("tasks")
    assert times[0] == 110.0, "the second round that showed the new version"
    assert times[-1] == wait.ended, "stable_for would mean nothing without"
    assert short(wait.found["dags/a/tasks"]) == ("passed", None)


def test_tasks_that_differ_are_asked_for_until_a_second_parse_shows_it():
    def answer(now):
        return seen(dag(parsed=145 if now >= 145 else 100 if now >= 100 else -50), now=now)

    wait = play(answer, manifest(ExpectedDag("a", tasks=("t",))), tasks={"a": tasks("old")})

    assert (wait.word, wait.ended) == ("failed", 150.0)
    assert wait.airflow.times_of("tasks") == [110.0, 120.0, 130.0, 140.0, 150.0]


def test_a_web_servers_older_copy_of_the_tasks_is_no_red():
    def told(now):
        return {"a": tasks("new" if now >= 125 else "old")}

    wait = play(at_100, manifest(ExpectedDag("a", tasks=("new",))), tasks=told)

    assert (wait.word, wait.ended) == ("passed", 130.0)


def test_an_id_too_long_to_be_asked_for_ends_the_wait_as_cannot_tell():
    wait = play(at_100, manifest(ExpectedDag("a", tasks=("t",))), tasks={"a": TOO_LONG})

    assert (wait.word, wait.ended) == ("error", 110.0)
    assert short(wait.found["dags/a/tasks"]) == ("error", "path-too-long")


def test_attributes_that_are_told_are_none_of_a_default():
    assert Attributes() == Attributes(None, None, None, None, None), "what is not told is not assumed"
