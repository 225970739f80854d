"""The list of DAGs where few of many are expected: asked for by name if that is cheaper, and never less sure."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_airflow import Clock, ScriptedAirflow

from validator.airflow.dag_list import DagList, searches_for
from validator.airflow.dialect import parse_version
from validator.reasons import Reason
from validator.sandbox.api import ilike
from validator.server_clock import ServerClock
from validator.transport.caller import Caller, RetryRule
from validator.transport.pacing import TokenBucket

DEADLINE = 1000.0
PAGE = 100
STAMP = "2026-11-22T02:00:00+00:00"


def row(dag_id, version):
    return {
        "dag_id": dag_id,
        **({"is_active": True} if version.startswith("2") else {"is_stale": False}),
        "is_paused": False,
        "has_import_errors": False,
        "last_parsed_time": STAMP,
        "fileloc": f"/d/{dag_id}.py",
    }


class Listing:
    """A server with these DAGs; `search` replaces its answer to a search, given its text."""

    def __init__(self, version, dag_ids, *, page=PAGE, search=None):
        self.version = version
        self.rows = [row(dag_id, version) for dag_id in dag_ids]
        self.page = page
        self.search = search
        self.airflow = ScriptedAirflow(self._answer)
        clock = Clock()
        retry = RetryRule(attempts=1)
        caller = Caller(self.airflow, TokenBucket(1e9, clock), clock, ServerClock(clock), lambda: 0.5, retry)
        self.dags = DagList(caller, 4)

    def _answer(self, request):
        text = request.query.get("dag_id_pattern")
        if text is not None and self.search is not None:
            return self.search(text)
        rows = self.rows
        if text is not None:
            many = self.version in ("3.2.2", "3.3.2")
            patterns = [ilike(part) for part in (text.split("|") if many else [text])]
            rows = [one for one in rows if any(pattern.search(one["dag_id"]) for pattern in patterns)]
        start = request.query["offset"]
        return 200, {
            "dags": rows[start : start + min(request.query["limit"], self.page)],
            "total_entries": len(rows),
        }

    def read(self, *enough, whole=False):
        """The walk, and how many calls it took."""
        before = len(self.airflow.asked)
        wanted = None if whole else frozenset(enough)
        walk = self.dags.read(wanted, parse_version(self.version), DEADLINE)
        return walk, len(self.airflow.asked) - before


MANY = [f"dag_{number:04}" for number in range(5000)]
FEW = MANY[150:5000:250]


@pytest.mark.parametrize(
    ("version", "most"), [("2.4.3", 21), ("2.10.5", 21), ("3.1.0", 21), ("3.2.2", 2), ("3.3.2", 2)]
)
def test_few_of_many_are_asked_for_by_name(version, most):
    walk, calls = Listing(version, MANY).read(*FEW)

    assert len(FEW) == 20
    assert calls <= most
    assert set(FEW) <= {dag.dag_id for dag in walk.rows}
    assert walk.named == set(FEW)
    assert walk.total == 5000
    assert walk.unread is None
    assert not walk.whole, "what was not asked for is not known"


def test_a_server_that_gives_as_many_as_asked_is_not_searched_where_its_pages_are_fewer():
    walk, calls = Listing("3.0.6", MANY, page=10_000).read(*FEW)

    assert walk.whole
    assert calls == 10


@pytest.mark.parametrize("version", ["2.10.5", "3.3.2"])
def test_whoever_needs_the_whole_list_gets_it(version):
    walk, calls = Listing(version, MANY[:1000]).read(whole=True)

    assert (walk.whole, len(walk.rows), calls, walk.named) == (True, 1000, 10, frozenset())


@pytest.mark.parametrize("version", ["2.10.5", "3.3.2"])
def test_a_list_of_one_page_is_whole(version):
    walk, calls = Listing(version, MANY[:90]).read(MANY[3], "not_there")

    assert (walk.whole, calls) == (True, 1)


@pytest.mark.parametrize("version", ["2.10.5", "3.3.2"])
def test_what_is_on_the_first_page_is_not_asked_for_again(version):
    walk, calls = Listing(version, MANY).read(*MANY[:50])

    assert calls == 1
    assert walk.named == set(MANY[:50])


@pytest.mark.parametrize(
    ("version", "of_the_first_page", "calls"),
    [("2.10.5", 0, [21, 20]), ("3.3.2", 0, [2, 1]), ("2.10.5", 9, [12, 12]), ("2.10.5", 20, [1, 1])],
)
def test_once_it_is_known_that_the_list_is_long_its_first_page_is_read_only_where_that_saves_more(
    version, of_the_first_page, calls
):
    listing = Listing(version, MANY)
    wanted = (*MANY[:of_the_first_page], *FEW[of_the_first_page:])
    walks = [listing.read(*wanted) for _ in calls]

    assert [count for _, count in walks] == calls
    assert all(set(wanted) <= {dag.dag_id for dag in walk.rows} for walk, _ in walks)
    assert [walk.total for walk, _ in walks] == [5000, 5000]


def test_who_needs_the_whole_list_later_gets_it():
    listing = Listing("3.3.2", MANY[:1000])
    listing.read(*MANY[500:509])
    walk, calls = listing.read(whole=True)

    assert (walk.whole, len(walk.rows), calls) == (True, 1000, 10)


def test_as_many_names_as_pages_are_not_worth_it():
    walk, calls = Listing("2.10.5", MANY[:1000]).read(*MANY[500:509])

    assert walk.whole
    assert calls == 10, "the first page is read once"


@pytest.mark.parametrize("version", ["2.10.5", "3.3.2"])
def test_what_is_not_there_is_not_among_the_rows_and_was_asked_for(version):
    walk, _ = Listing(version, MANY).read(MANY[700], "dag_070", "Dag_0701")

    assert "dag_070" in walk.named
    assert {"dag_070", "Dag_0701"}.isdisjoint(dag.dag_id for dag in walk.rows), "compared exactly"


def test_a_search_for_several_that_finds_nothing_is_no_proof():
    """An Airflow that does not know the search for several finds nothing, whatever it has."""
    listing = Listing("3.3.2", MANY, search=lambda _: (200, {"dags": [], "total_entries": 0}))
    walk, _ = listing.read(*FEW)

    assert walk.whole
    assert set(FEW) <= {dag.dag_id for dag in walk.rows}


@pytest.mark.parametrize("version", ["2.10.5", "3.3.2"])
def test_a_name_that_half_of_all_have_in_theirs_costs_once(version):
    listing = Listing(version, [*MANY, "zag", "zag_2"])
    first, _ = listing.read("dag", "zag_2")
    again, calls = listing.read("dag", "zag_2")

    assert first.whole
    assert again.whole
    assert calls == 51


@pytest.mark.parametrize("status", [400, 404, 414, 422])
def test_a_server_that_does_not_take_a_search_is_walked(status):
    listing = Listing("3.3.2", MANY, search=lambda _: (status, {"detail": "no"}))
    first, _ = listing.read(*FEW)
    again, calls = listing.read(*FEW)

    assert first.whole
    assert again.whole
    assert calls == 50


@pytest.mark.parametrize("answer", [(500, "<html>"), (200, {}), (200, []), (200, {"dags": 1})])
def test_a_search_that_cannot_be_read_is_told(answer):
    walk, _ = Listing("2.10.5", MANY, search=lambda _: answer).read(*FEW)

    assert walk.unread is not None
    assert walk.unread.reason in (Reason.UNREACHABLE, Reason.BAD_RESPONSE)
    assert not walk.named
    assert not walk.whole


@pytest.mark.parametrize(
    "answer",
    [{"dags": [], "total_entries": 3}, {"dags": [{"dag_id": 7}], "total_entries": 1}],
    ids=["rows missing", "nonsense"],
)
def test_a_search_whose_answer_is_odd_is_not_believed(answer):
    walk, _ = Listing("2.10.5", MANY, search=lambda _: (200, answer)).read(FEW[0])

    assert walk.whole


@pytest.mark.parametrize("dag_id", ["a|b", "a b", "100%", "~", "a\\b", ""])
def test_an_id_that_means_something_else_in_a_search_is_not_searched_for(dag_id):
    assert searches_for(frozenset({dag_id, "a"}), parse_version("3.3.2")) is None


IDS = st.text(st.sampled_from("abAB_.-é"), min_size=1, max_size=70)


@given(st.frozensets(IDS, max_size=150), st.sampled_from(["2.10.5", "3.1.8", "3.2.2", "3.3.2"]))
def test_every_id_is_in_exactly_one_search_of_bearable_length(dag_ids, version):
    groups = searches_for(dag_ids, parse_version(version))

    assert sorted(one for group in groups for one in group) == sorted(dag_ids)
    assert all(len("|".join(group)) <= 3100 for group in groups)
    if version in ("2.10.5", "3.1.8"):
        assert all(len(group) == 1 for group in groups)
    else:
        assert len(groups) <= math.ceil(len(dag_ids) / 40)


@given(
    st.frozensets(st.text(st.sampled_from("abA_"), min_size=1, max_size=4), max_size=60),
    st.frozensets(st.text(st.sampled_from("abA_"), min_size=1, max_size=4), max_size=6),
    st.sampled_from(["2.10.5", "3.0.6", "3.3.2"]),
    st.integers(1, 9),
)
def test_of_what_is_expected_both_ways_tell_the_same(listed, enough, version, page):
    whole, _ = Listing(version, sorted(listed), page=page).read(whole=True)
    listing = Listing(version, sorted(listed), page=page)
    for _ in range(3):
        narrow, _ = listing.read(*enough)
        assert {dag for dag in narrow.rows if dag.dag_id in enough} == {
            dag for dag in whole.rows if dag.dag_id in enough
        }
        assert narrow.unread is None
        assert narrow.whole or enough <= narrow.named
