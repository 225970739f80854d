"""What Airflow warns of in expected DAGs, and the pools that their tasks name: told, or red where the manifest says so."""

from dataclasses import replace

import pytest
from demands import DENIED, POOLS, folder, local, local_file, play, tasks, walk
from rounds import UNREAD, at, dag, judge, seen, short, view
from rounds import manifest as expects

from validator.airflow.models import DagWarning, Details, Pool
from validator.manifest.model import ExpectedDag
from validator.plan import inquiry_of
from validator.rules import Deploy

NO_POOL = "Dag 'a' references non-existent pools: ['no_such']"


def manifest(*dags, warnings="fail", **others):
    return replace(expects(*dags, **others), warnings=warnings)


def warned(*dag_ids, message=NO_POOL):
    return walk(*(DagWarning(dag_id, "non-existent pool", message) for dag_id in dag_ids))


def judged(expected, told, *rows, airflow="2", **others):
    rows = rows or (dag(airflow=airflow),)
    return judge(expected, seen(*rows, airflow=airflow, details=Details(warnings=told), **others))


def of_warnings(found):
    return {name: short(one) for name, one in found.items() if name.partition("/")[0] == "warnings"}


def test_where_nobody_cares_nothing_is_asked_and_nothing_judged():
    expected = manifest("a", warnings="ignore")

    assert of_warnings(judged(expected, warned("a"))) == {}
    assert not inquiry_of(view(expected, seen(dag()))).warnings


def test_without_an_expected_dag_there_is_nothing_to_warn_of():
    assert of_warnings(judged(manifest(absent=["old"]), warned("a"))) == {}


@pytest.mark.parametrize("warnings", ["warn", "fail"])
def test_no_warning_passes(warnings):
    assert of_warnings(judged(manifest("a", warnings=warnings), walk())) == {"warnings": ("passed", None)}


def test_a_warning_of_an_expected_dag_is_told():
    found = judged(manifest("a", warnings="warn"), warned("a"))

    assert of_warnings(found) == {
        "warnings": ("passed", None),
        "warnings/a": ("warning", "dag-warning"),
    }
    assert found["warnings/a"].message == NO_POOL


def test_a_warning_is_red_where_it_must_be_at_the_second_parse_that_shows_it():
    found = judged(manifest("a"), warned("a"))["warnings/a"]

    assert short(found) == ("pending", "dag-warning")
    assert (found.ripens.polls, found.ripens.parse) == (2, at(100))


@pytest.mark.parametrize("warnings", ["warn", "fail"])
def test_warnings_of_other_dags_are_nobodys_business(warnings):
    found = judged(
        manifest("a", warnings=warnings), warned("b", "A"), dag(airflow="2"), dag("b", airflow="2")
    )

    assert of_warnings(found) == {"warnings": ("passed", None)}


def test_matches_of_a_pattern_are_expected_too():
    found = judged(manifest(patterns=["team_*"]), warned("team_x", "b"), dag("team_x", airflow="2"))

    assert set(of_warnings(found)) == {"warnings", "warnings/team_x"}


def test_several_warnings_of_one_dag_are_one_finding():
    both = walk(DagWarning("a", "one", "First."), DagWarning("a", "two", "Second."))

    assert judged(manifest("a"), both)["warnings/a"].message == "First. Second."


@pytest.mark.parametrize("unread", [DENIED, UNREAD])
def test_warnings_that_could_not_be_read_are_skipped_where_nobody_demands_them(unread):
    found = judged(manifest("a", warnings="warn"), walk(unread=unread))

    assert of_warnings(found) == {"warnings": ("skipped", str(unread.reason))}


@pytest.mark.parametrize("unread", [DENIED, UNREAD])
def test_warnings_that_could_not_be_read_are_an_error_where_there_must_be_none(unread):
    found = judged(manifest("a"), walk(unread=unread))

    assert of_warnings(found) == {"warnings": ("error", str(unread.reason))}


def test_a_list_that_moved_proves_no_absence():
    assert of_warnings(judged(manifest("a"), walk(whole=False))) == {"warnings": ("error", "bad-response")}


@pytest.mark.parametrize(
    ("rows", "asked"),
    [
        ((dag(), dag("b")), True),
        ((dag(), dag("b", parsed=89)), False),
        ((dag(),), False),
        ((dag(), dag("b", broken=True)), False),
    ],
)
def test_warnings_are_not_asked_for_until_every_expected_dag_is_current(rows, asked):
    assert inquiry_of(view(manifest("a", "b"), seen(*rows))).warnings is asked


def test_an_unasked_list_says_so_and_nothing_else():
    old = dag(parsed=89, airflow="2")
    found = judged(manifest("a"), None, old)
    assert of_warnings(judged(manifest("a", warnings="warn"), None, old)) == {
        "warnings": ("skipped", "undecided")
    }

    assert of_warnings(found) == {"warnings": ("pending", "undecided")}


def parsed_at(*moments, airflow="2"):
    def answer(now):
        parsed = max((p for p in moments if p <= now), default=-50)
        return seen(dag(parsed=parsed, airflow=airflow), now=now, airflow=airflow)

    return answer


def test_a_warning_that_a_second_parse_shows_too_is_red():
    wait = play(parsed_at(95, 125), manifest("a"), warnings=warned("a"))

    assert (wait.word, wait.ended) == ("failed", 130.0)


def test_a_warning_that_is_gone_at_the_next_parse_is_none():
    wait = play(parsed_at(95, 125), manifest("a"), warnings=lambda now: walk() if now >= 125 else warned("a"))

    assert (wait.word, wait.ended) == ("passed", 130.0)


@pytest.mark.parametrize(("warnings", "word"), [("warn", "passed"), ("fail", "error"), ("ignore", "passed")])
def test_a_role_that_may_not_read_warnings_matters_only_where_they_are_demanded(warnings, word):
    wait = play(parsed_at(95), manifest("a", warnings=warnings), warnings=walk(unread=DENIED))

    assert wait.word == word


@pytest.mark.parametrize("deploy", ["none", "long ago"])
def test_warnings_are_read_before_green_also_where_all_turns_current_at_the_first_comparison(deploy):
    """The list is asked for in one breath with the sources, when no DAG was seen to be current yet."""

    def answer(now):
        return seen(dag(parsed=now - 5), now=now)

    given = {"deployed_at": Deploy.NONE if deploy == "none" else at(-10_000)}
    wait = play(
        answer,
        manifest(warnings="fail"),
        folder(local_file("a.py", "a")),
        sources={"a.py": "the new text\n"},
        warnings=warned("a"),
        rules=given,
    )

    assert wait.word == "failed"
    assert short(wait.found["warnings/a"]) == ("failed", "dag-warning")


# Airflow 3 warns of no pool that does not exist: those that tasks name are compared.

WITH_TASKS = ExpectedDag("a", tasks=("t",))


def pools_of(told, pools, warnings="fail", kept=None):
    details = Details(tasks={"a": told} if told is not None else {}, pools=pools, warnings=walk())
    found = judge(manifest(WITH_TASKS, warnings=warnings), seen(dag(), details=details))
    return found.get("warnings/a/pools")


def test_tasks_whose_pools_exist_pass_and_stand():
    found = pools_of(tasks("t"), POOLS)

    assert short(found) == ("passed", None)
    assert found.keeps


def test_a_task_in_a_pool_that_does_not_exist_is_warned_of():
    found = pools_of(tasks("t", pool="no_such"), POOLS, "warn")

    assert short(found) == ("warning", "dag-warning")
    assert "'no_such' (task t)" in found.message
    assert found.keeps


def test_a_task_in_a_pool_that_does_not_exist_is_on_the_way_to_red_where_it_must_be():
    found = pools_of(tasks("t", pool="no_such"), POOLS)

    assert short(found) == ("pending", "dag-warning")
    assert (found.ripens.polls, found.ripens.parse) == (2, at(100))


def test_pools_that_could_not_be_read_cannot_tell():
    for pools in (walk(unread=DENIED), walk(unread=UNREAD), walk(whole=False)):
        assert str(pools_of(tasks("t"), pools).status) == "error"
        assert str(pools_of(tasks("t"), pools, "warn").status) == "skipped"


def test_a_pool_that_airflow_does_not_tell_is_never_taken_for_one_that_exists():
    found = pools_of(tasks("t", pool=None), POOLS)

    assert short(found) == ("error", "bad-response")
    assert short(pools_of(tasks("t", pool=None), POOLS, "warn")) == ("skipped", "bad-response")


def test_pools_of_tasks_that_were_not_read_are_not_judged():
    assert pools_of(None, POOLS) is None
    assert pools_of(UNREAD, POOLS) is None


def test_on_airflow_2_the_tasks_pools_are_airflows_own_business():
    wait = play(parsed_at(95), manifest(WITH_TASKS), tasks={"a": tasks("t", pool="no_such")})

    assert wait.word == "passed"
    assert wait.airflow.times_of("pools") == []


def airflow_3(*moments):
    return parsed_at(*moments, airflow="3.0")


def test_a_missing_pool_is_never_forgotten_when_the_tasks_are_known():
    wait = play(airflow_3(95, 145), manifest(WITH_TASKS), tasks={"a": tasks("t", pool="x")}, pools=POOLS)

    assert (wait.word, wait.ended) == ("failed", 150.0)
    assert short(wait.found["warnings/a/pools"]) == ("failed", "dag-warning")


def test_a_missing_pool_that_is_never_parsed_again_is_red_at_the_deadline():
    wait = play(airflow_3(95), manifest(WITH_TASKS), tasks={"a": tasks("t", pool="x")}, pools=POOLS)

    assert wait.word == "failed"
    assert short(wait.found["warnings/a/pools"]) == ("failed", "dag-warning")


def test_a_pool_that_is_made_meanwhile_is_seen():
    def pools(now):
        return walk(Pool("x", 1)) if now >= 135 else POOLS

    wait = play(airflow_3(95, 200), manifest(WITH_TASKS), tasks={"a": tasks("t", pool="x")}, pools=pools)

    assert (wait.word, wait.ended) == ("passed", 140.0)


def test_a_missing_pool_is_one_warning_and_one_call_where_it_ends_nothing():
    def answer(now):
        return seen(dag(parsed=95 if now >= 95 else -50), dag("b", 195 if now >= 195 else -50), now=now)

    wait = play(
        answer, manifest(WITH_TASKS, "b", warnings="warn"), tasks={"a": tasks("t", pool="x")}, pools=POOLS
    )

    assert wait.word == "passed"
    assert wait.airflow.times_of("tasks")[0] == 110.0
    assert wait.airflow.times_of("pools") == [110.0]
    assert short(wait.found["warnings/a/pools"]) == ("warning", "dag-warning")


@pytest.mark.parametrize("pools", [walk(unread=DENIED), walk(unread=UNREAD), walk(whole=False)])
def test_nothing_is_green_while_the_pools_were_not_read_and_nothing_may_be_missing(pools):
    wait = play(airflow_3(95, 145), manifest(WITH_TASKS), tasks={"a": tasks("t")}, pools=pools)

    assert wait.word == "error"


def test_dags_of_a_local_file_that_computes_them_are_expected_too():
    made = local(local_file("made.py", computes=True))
    rows = [dag("made_1", path="made.py", airflow="2")]

    asked = inquiry_of(view(manifest(), seen(*rows, airflow="2"), local=made))
    assert asked.warnings
    details = Details(warnings=walk(DagWarning("made_1", "non-existent pool", "no pool x")))
    found = judge(manifest(), seen(*rows, airflow="2", details=details), local=made)
    assert short(found["warnings/made_1"]) == ("pending", "dag-warning")
