"""One look is complete, or it is none: what cannot be read whole is never half a manifest."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from rounds import UNREAD, FakeClock, dag, nothing_seen, seen

from validator.airflow.models import Details, Task, Unread
from validator.draft.look import look
from validator.errors import CallFailed, CannotTell
from validator.reasons import Reason
from validator.transport.interface import Answer


class Asking:
    """An Airflow whose rounds are given, each used once and the last one for ever."""

    def __init__(self, *rounds, gone=(), back=(), tasks=None, longest_path=None):
        self.clock = FakeClock()
        self.rounds = list(rounds)
        self.gone = gone
        self.back = back
        self.tasks = tasks or {}
        self.longest_path = longest_path
        self.looked = 0
        self.asked = []
        self.observer = self
        self.caller = SimpleNamespace(get=self.get)

    def observe(self, plan, deadline):
        self.looked += 1
        round_ = self.rounds.pop(0) if len(self.rounds) > 1 else self.rounds[0]
        return replace(round_, longest_path=self.longest_path)

    def inquire(self, inquiry, round_, deadline):
        self.asked.append((inquiry.tasks, deadline - self.clock.now()))
        told = {dag_id: self.tasks.get(dag_id, (Task("t", None),)) for dag_id in inquiry.tasks}
        return replace(round_, details=Details(tasks=told))

    def get(self, request, deadline, instead=None):
        assert dict(request.query) | {"limit": 0} == {"exclude_stale": False, "offset": 0, "limit": 0}
        if isinstance(self.gone, Exception):
            raise self.gone
        rows = [
            {"dag_id": name, "is_stale": stale, "has_import_errors": False, "last_parsed_time": None}
            for names, stale in ((self.gone, True), (self.back, False))
            for name in names
        ]
        return Answer(200, {"dags": rows, "total_entries": len(rows)}, None)


def looked(asking, wants_tasks=lambda row: False, timeout=60.0, told=None):
    return look(asking, timeout, 5.0, wants_tasks, (told if told is not None else []).append)


def test_a_whole_round_is_enough():
    asking = Asking(seen(dag("a")), gone=("old",))

    round_, gone = looked(asking)

    assert [row.dag_id for row in round_.dags.rows] == ["a"]
    assert [row.dag_id for row in gone] == ["old"]
    assert (asking.looked, asking.clock.elapsed, asking.asked) == (1, 0, [])


@pytest.mark.parametrize("later", [{"gone": ["a"]}, {"back": ["a", "b"]}], ids=["went", "came"])
def test_a_dag_that_comes_or_goes_between_the_two_lists_is_looked_at_again(later):
    with pytest.raises(CannotTell, match=r"the DAGs could not be read.* (a|b) came or went"):
        looked(Asking(seen(dag("a")), **later))

    steady = seen(dag("a"), dag("b")) if "back" in later else seen()
    assert looked(Asking(seen(dag("a")), steady, **later))[0].dags.rows == steady.dags.rows


INCOMPLETE = {
    "nothing": nothing_seen(),
    "no list": seen(dags_unread=UNREAD),
    "a list that changed": seen(dag("a"), whole=False),
    "no errors": seen(dag("a"), errors_unread=UNREAD),
    "errors that changed": seen(dag("a"), errors_whole=False),
    "an unknown role": seen(dag("a"), reads_all=UNREAD),
}


@pytest.mark.parametrize(
    "asking",
    [
        Asking(seen(dag("a"), whole=False)),
        Asking(seen(dag("a")), gone=["a"]),
        Asking(seen(dag("a")), tasks={"a": Unread(Reason.NOT_FOUND, "no such DAG", status=404)}),
    ],
    ids=["a list that changed", "a DAG that went", "a DAG without tasks"],
)
def test_what_changes_meanwhile_is_no_fault_of_the_url(asking):
    with pytest.raises(CannotTell) as told:
        looked(asking, lambda row: True)
    assert "run the same command again" in told.value.advice


@pytest.mark.parametrize("round_", INCOMPLETE.values(), ids=INCOMPLETE)
def test_what_is_not_whole_is_asked_for_again_and_then_cannot_be_told(round_):
    assert [row.dag_id for row in looked(Asking(round_, seen(dag("a"))))[0].dags.rows] == ["a"]

    asking = Asking(round_)
    with pytest.raises(CannotTell, match="nothing was written") as told:
        looked(asking)
    assert 55 < asking.clock.elapsed <= 60
    assert told.value.advice


def test_what_cannot_heal_is_told_at_once():
    denied = Unread(Reason.ACCESS_DENIED, "denied", heals=False, advice="Ask for it.")
    asking = Asking(nothing_seen(unread=denied))

    with pytest.raises(CannotTell, match="denied") as told:
        looked(asking)
    assert (asking.clock.elapsed, told.value.advice, told.value.reason) == (
        0,
        "Ask for it.",
        Reason.ACCESS_DENIED,
    )


def test_airflows_own_refusal_is_believed_the_third_time():
    asking = Asking(nothing_seen(unread=Unread(Reason.ACCESS_DENIED, "it answered 403", status=403)))

    with pytest.raises(CannotTell):
        looked(asking)
    assert asking.looked == 3


def test_inactive_dags_that_cannot_be_read_are_not_passed_over():
    with pytest.raises(CannotTell, match="not active"):
        looked(Asking(seen(dag("a")), gone=CallFailed(Reason.UNREACHABLE, "it did not answer")))


def test_tasks_are_asked_for_only_where_they_count_and_with_time_for_each():
    told = []
    asking = Asking(seen(dag("a"), dag("b"), dag("c", broken=True)))

    round_, _ = looked(asking, lambda row: row.dag_id != "b", told=told)

    assert asking.asked == [(("a",), pytest.approx(60 + 2 / 5))]
    assert round_.details.tasks == {"a": (Task("t", None),)}
    assert told == ["Asking for the tasks of 1 DAG, a call each: about 0.2s."]


def test_an_id_that_is_too_long_for_the_path_is_not_asked_for():
    asking = Asking(seen(dag("a" * 53), dag("a" * 52), dag("ü" * 20)), longest_path=64)

    round_, _ = looked(asking, lambda row: True)

    assert asking.asked[0][0] == ("a" * 52,)
    assert {name for name, one in round_.details.tasks.items() if isinstance(one, Unread)} == {
        "a" * 53,
        "ü" * 20,
    }


def test_tasks_that_could_not_be_read_are_never_left_out_in_silence():
    with pytest.raises(CannotTell, match="the tasks of b"):
        looked(Asking(seen(dag("a"), dag("b")), tasks={"b": UNREAD}), lambda row: True)
