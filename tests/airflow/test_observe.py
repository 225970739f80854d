"""One round of calls: what is asked, what is remembered, and what is told when something cannot be read."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from validator.airflow.models import Unread
from validator.airflow.observe import Observer
from validator.errors import CallFailed, CannotTell
from validator.plan import Plan
from validator.reasons import Reason
from validator.transport.interface import EnvironmentFacts

PROBE = "/dags/probe"
START = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
STAMP = "2026-11-22T02:00:00+00:00"
HEALTH = {
    "metadatabase": {"status": "healthy"},
    "scheduler": {"status": "healthy", "latest_scheduler_heartbeat": STAMP},
}
DENIED = CallFailed(Reason.ACCESS_DENIED, "denied", retry=False)


def row(dag_id, *, version="2.10.5", active=True, errors=False):
    state = {"is_active": active} if version.startswith("2") else {"is_stale": not active}
    return {
        "dag_id": dag_id,
        **state,
        "is_paused": False,
        "has_import_errors": errors,
        "last_parsed_time": STAMP,
        "fileloc": f"/d/{dag_id}.py",
    }


def page(key, rows):
    return 200, {key: rows, "total_entries": len(rows)}


def like(pattern, text):
    """The server's own search: ILIKE with `_` and `%` as wildcards."""
    text, pattern = text.lower(), f"%{pattern.lower()}%"
    if not pattern:
        return not text
    ends = {0}
    for char in pattern:
        if char == "%":
            ends = set(range(min(ends), len(text) + 1)) if ends else set()
        else:
            ends = {end + 1 for end in ends if end < len(text) and char in ("_", text[end])}
    return len(text) in ends


@pytest.fixture
def observer(memory):
    """Sets a server up and gives its observer."""

    def go(version="2.10.5", listed=("a",), gone=(), errors=()):
        def dags(query):
            rows = [row(name, version=version) for name in listed]
            if "only_active" in query or "exclude_stale" in query:
                assert ("only_active" in query) == version.startswith("2"), "only what that version knows"
                rows += [row(name, version=version, active=False) for name in gone]
            wanted = query.get("dag_id_pattern", "")
            assert set(query) <= {"limit", "offset", "only_active", "exclude_stale", "dag_id_pattern"}
            rows = [one for one in rows if like(wanted, one["dag_id"])]
            limit = min(query["limit"], 100)
            return 200, {"dags": rows[query["offset"] :][:limit], "total_entries": len(rows)}

        memory.airflow.routes = {
            "/version": (200, {"version": version}),
            "/health" if version.startswith("2") else "/monitor/health": (200, HEALTH),
            "/dags": dags,
            "/importErrors": page("import_errors", list(errors)),
        }
        return Observer(memory.caller, memory.server, "probe")

    return go


@pytest.fixture
def look(memory):
    return lambda observer, *expected, patterns=(): observer.observe(
        Plan(frozenset(expected), tuple(patterns)), memory.clock.now() + 1000
    )


@pytest.mark.parametrize("version", ["2.4.3", "2.10.5", "3.0.6", "3.3.2"])
def test_a_whole_round_is_read_with_as_few_calls_as_can_be(memory, observer, look, version):
    watcher = observer(version, listed=("a", "b"))
    for _ in range(3):
        seen = look(watcher, "a", "b")
    assert seen.answered
    assert seen.version.text == version
    assert {dag.dag_id for dag in seen.dags.rows} == {"a", "b"}
    assert seen.dags.whole
    assert seen.import_errors.whole
    assert set(seen.health) == {"metadatabase", "scheduler"}
    assert seen.reads_all is True
    assert seen.gone is None
    assert len(memory.airflow.asked) == 3 * 3 + 2, "the version and the role are asked for once"


@pytest.mark.parametrize(("status", "reads_all"), [(404, True), (403, False)])
def test_the_role_is_known_from_a_dag_that_cannot_exist(memory, observer, look, status, reads_all):
    watcher = observer()
    memory.airflow.routes[PROBE] = (status, {"detail": None})
    for _ in range(3):
        assert look(watcher).reads_all is reads_all
    assert len(memory.airflow.paths(PROBE)) == 1, "a role does not change"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((200, row("probe")), Reason.BAD_RESPONSE),
        ((401, None), Reason.ACCESS_DENIED),
        ((500, "<html>"), Reason.UNREACHABLE),
    ],
)
def test_a_probe_that_tells_nothing_is_told_and_asked_again(memory, observer, look, answer, reason):
    watcher = observer()
    memory.airflow.routes[PROBE] = answer
    seen = look(watcher)
    assert isinstance(seen.reads_all, Unread)
    assert seen.reads_all.reason is reason
    assert seen.dags.whole, "the rest of the round counts"
    del memory.airflow.routes[PROBE]
    assert look(watcher).reads_all is True


def test_the_version_of_getenvironment_saves_a_call(memory, observer, look):
    watcher = observer("3.0.6")
    memory.airflow.facts = EnvironmentFacts(airflow_version="3.0.6", status="AVAILABLE", date=START)
    for _ in range(3):
        seen = look(watcher)
    assert seen.version.text == "3.0.6"
    assert seen.environment.status == "AVAILABLE"
    assert memory.airflow.paths("/version") == []


@pytest.mark.parametrize("told", [None, "", "weird", "1.10.12"])
def test_without_a_usable_version_airflow_itself_is_asked(memory, observer, look, told):
    watcher = observer("3.0.6")
    memory.airflow.facts = EnvironmentFacts(airflow_version=told)
    assert look(watcher).version.text == "3.0.6"


def test_a_denied_getenvironment_is_asked_once_only(memory, observer, look):
    watcher = observer()
    memory.airflow.facts = DENIED
    for _ in range(4):
        seen = look(watcher)
        assert seen.environment == Unread(Reason.ACCESS_DENIED, "denied")
        assert seen.answered
    assert memory.airflow.facts_asked == 1


def test_a_getenvironment_that_got_no_answer_is_asked_again(memory, observer, look):
    watcher = observer()
    facts = EnvironmentFacts(airflow_version="2.10.5", status="AVAILABLE", date=START)
    memory.airflow.facts = lambda n: CallFailed(Reason.UNREACHABLE, "no answer") if n <= 2 else facts
    assert look(watcher).environment.reason is Reason.UNREACHABLE
    assert memory.airflow.facts_asked == 1, "once a round: it is optional"
    assert look(watcher).environment.reason is Reason.UNREACHABLE
    assert look(watcher).environment == facts
    look(watcher)
    assert memory.airflow.facts_asked == 3


def test_a_getenvironment_that_never_answers_is_given_up(memory, observer, look):
    watcher = observer()
    memory.airflow.facts = lambda n: CallFailed(Reason.UNREACHABLE, "no answer")
    for _ in range(6):
        assert look(watcher).environment.reason is Reason.UNREACHABLE
    assert memory.airflow.facts_asked == 3


@pytest.mark.parametrize("later", [CallFailed(Reason.UNREACHABLE, "gone"), DENIED])
def test_an_environment_that_was_changing_is_not_forgotten_when_it_cannot_be_asked(
    memory, observer, look, later
):
    watcher = observer("3.0.6")
    options = {"core.min_serialized_dag_update_interval": "300"}
    changing = EnvironmentFacts(airflow_version="3.0.6", status="UPDATING", options=options, date=START)
    memory.airflow.facts = lambda n: changing if n == 1 else later
    for _ in range(5):
        assert look(watcher).environment == changing


def test_the_role_is_not_known_from_a_server_that_answers_anything_with_404(memory, observer, look):
    watcher = observer("3.0.6")
    whole = dict(memory.airflow.routes)
    memory.airflow.routes = {"/version": whole["/version"]}
    assert isinstance(look(watcher).reads_all, Unread)
    memory.airflow.routes = {**whole, PROBE: (403, {"detail": "Forbidden"})}
    assert look(watcher).reads_all is False


def test_a_total_that_is_no_count_is_a_bad_answer(memory, observer, look):
    watcher = observer()
    memory.airflow.routes["/dags"] = (200, {"dags": [row("a")], "total_entries": 10**9})
    assert look(watcher, "b").dags.unread.reason is Reason.BAD_RESPONSE


def test_a_version_that_was_not_told_is_asked_for_again(memory, observer, look):
    watcher = observer()
    good = memory.airflow.routes["/version"]
    memory.airflow.routes["/version"] = (500, "<html>")
    assert not look(watcher).answered
    memory.airflow.routes["/version"] = good
    assert look(watcher).answered


@pytest.mark.parametrize(
    ("version", "gone_query"), [("2.10.5", ("only_active", False)), ("3.0.6", ("exclude_stale", False))]
)
def test_a_missing_dag_is_looked_for_among_the_inactive(memory, observer, look, version, gone_query):
    watcher = observer(version, listed=("a",), gone=("old", "other"))
    seen = look(watcher, "a", "old", "never")
    assert set(seen.gone) == {"old"}
    assert not seen.gone["old"].active
    searches = [query for query in memory.airflow.paths("/dags") if gone_query[0] in query]
    assert [(query[gone_query[0]], query["dag_id_pattern"]) for query in searches] == [
        (False, "never"),
        (False, "old"),
    ]


def test_ids_that_only_look_alike_to_the_server_are_told_apart(observer, look):
    watcher = observer(listed=("PAT_X", "pat-x", "my_pat_x"), gone=("patAx", "pat_x"))
    seen = look(watcher, "pat_x")
    assert not seen.gone["pat_x"].active
    assert "PAT_X" not in seen.gone, "case counts, and active DAGs are not gone"
    watcher = observer(listed=("PAT_X",), gone=("patAx",))
    assert "pat_x" not in look(watcher, "pat_x").gone


def test_many_missing_dags_are_looked_for_in_one_walk(memory, observer, look):
    watcher = observer(listed=("a",), gone=[f"g{number}" for number in range(150)])
    seen = look(watcher, *(f"g{number}" for number in range(30)))
    assert {f"g{number}" for number in range(30)} <= set(seen.gone)
    assert len([query for query in memory.airflow.paths("/dags") if "only_active" in query]) == 2
    assert not any("dag_id_pattern" in query for query in memory.airflow.paths("/dags"))


def test_nothing_is_looked_for_among_the_inactive_when_the_list_could_not_be_read(memory, observer, look):
    watcher = observer()
    memory.airflow.routes["/dags"] = (500, None)
    seen = look(watcher, "a")
    assert seen.gone is None
    assert seen.dags.unread.reason is Reason.UNREACHABLE


def test_inactive_dags_that_cannot_be_read_are_told(memory, observer, look):
    watcher = observer()
    listing = memory.airflow.routes["/dags"]
    memory.airflow.routes["/dags"] = lambda query: (400, None) if "only_active" in query else listing(query)
    seen = look(watcher, "missing")
    assert isinstance(seen.gone, Unread)
    assert seen.dags.whole


def test_broken_dags_that_a_pattern_means_are_looked_for_by_its_longest_part(memory, observer, look):
    error = {"import_error_id": 1, "timestamp": STAMP, "filename": "/d/team_b.py", "stack_trace": "x"}
    watcher = observer(gone=("team_b",), errors=[error])
    assert set(look(watcher, patterns=["t?am_*"]).gone) == {"team_b"}
    assert memory.airflow.paths("/dags")[-1]["dag_id_pattern"] == "am_"
    assert look(observer(gone=("team_b",)), patterns=["team_*"]).gone is None, "no error, no question"


def test_without_a_date_header_nothing_can_be_judged(memory, observer, look):
    watcher = observer()
    memory.airflow.dated = False
    seen = look(watcher, "a")
    assert not seen.answered
    assert seen.dags.rows == ()
    for part in (seen.health, seen.dags.unread, seen.import_errors.unread, seen.reads_all):
        assert part.reason is Reason.BAD_RESPONSE
        assert "Date header" in part.message


@pytest.mark.parametrize("where", ["GetEnvironment", "/version", "/health", "/dags", "/importErrors", PROBE])
def test_what_no_call_can_mend_leaves_everything_unread_for_good(memory, observer, look, where):
    watcher = observer()
    hopeless = CannotTell(Reason.ACCESS_DENIED, "AWS denied it", advice="Ask for it.")
    if where == "GetEnvironment":
        memory.airflow.facts = hopeless
    else:
        memory.airflow.routes[where] = hopeless
    seen = look(watcher, "a")
    expected = Unread(Reason.ACCESS_DENIED, "AWS denied it", heals=False, advice="Ask for it.")
    assert (seen.health, seen.dags.unread, seen.import_errors.unread, seen.reads_all) == (expected,) * 4
    assert not seen.answered
    assert not seen.dags.whole


@pytest.mark.parametrize("path", ["/health", "/dags", "/importErrors"])
@pytest.mark.parametrize("answer", [(500, None), (200, {}), (200, None), (404, {"error": "x"}), (200, [])])
def test_one_part_that_cannot_be_read_leaves_the_others(memory, observer, look, path, answer):
    watcher = observer()
    memory.airflow.routes[path] = answer
    seen = look(watcher, "a")
    parts = {"/health": seen.health, "/dags": seen.dags.unread, "/importErrors": seen.import_errors.unread}
    unread = {name for name, part in parts.items() if isinstance(part, Unread)}
    assert unread == {path}
    assert parts[path].heals
    assert seen.answered


def test_a_round_begins_and_ends_on_the_servers_clock(memory, observer, look):
    watcher = observer()
    look(watcher)
    memory.clock.sleep(30)
    slow = memory.airflow.routes["/importErrors"]

    def late(query):
        memory.clock.sleep(7)
        return slow

    memory.airflow.routes["/importErrors"] = late
    seen = look(watcher)
    assert seen.ended - seen.began >= timedelta(seconds=7)


def test_an_environment_is_asked_for_its_status_until_it_is_available_and_no_longer(memory, observer, look):
    watcher = observer("3.0.6")
    statuses = ["UPDATING", "UPDATING", "AVAILABLE"]

    def facts(number):
        return EnvironmentFacts(airflow_version="3.0.6", status=statuses[number - 1], date=START)

    memory.airflow.facts = facts
    assert [look(watcher).environment.status for _ in range(5)] == [*statuses, "AVAILABLE", "AVAILABLE"]
    assert memory.airflow.facts_asked == 3


def test_where_each_round_needs_its_own_environment_an_old_answer_is_none(memory, observer, look):
    watcher = observer("3.0.6")

    def facts(number):
        if number == 2:
            raise CallFailed(Reason.UNREACHABLE, "no answer")
        return EnvironmentFacts(airflow_version="3.0.6", status="AVAILABLE", date=START)

    memory.airflow.facts = facts
    later = memory.clock.now() + 1000
    seen = [watcher.observe(Plan(environment=True), later) for _ in range(3)]
    assert [isinstance(one.environment_unread, Unread) for one in seen] == [False, True, False]
    assert {one.environment.airflow_version for one in seen} == {"3.0.6"}, "its options still hold"


LONG = tuple(f"d{number:03}" for number in range(450))


@pytest.mark.parametrize("version", ["2.10.5", "3.3.2"])
def test_the_import_errors_of_a_long_list_are_read_after_all_of_it(memory, observer, look, version):
    """An error that the parse left which a row shows must be among them."""
    watcher = observer(version, listed=LONG)
    seen = look(watcher, patterns=("d*",))
    paths = [asked[0] for asked in memory.airflow.asked]

    assert seen.dags.whole
    assert seen.import_errors.whole
    assert seen.reads_all is True
    assert len(paths) == 1 + 1 + 5 + 1 + 1
    assert max(place for place, path in enumerate(paths) if path == "/dags") < paths.index("/importErrors")
    assert paths.index(PROBE) > max(place for place, path in enumerate(paths) if path == "/dags")


def test_what_is_said_of_the_role_beside_errors_that_cannot_be_read_does_not_count(memory, observer, look):
    watcher = observer(listed=LONG)
    errors = memory.airflow.routes["/importErrors"]
    memory.airflow.routes["/importErrors"] = (500, "<html>")
    first = look(watcher, patterns=("d*",))
    memory.airflow.routes["/importErrors"] = errors
    memory.airflow.routes[PROBE] = (403, {})
    second = look(watcher, patterns=("d*",))

    assert isinstance(first.reads_all, Unread)
    assert second.reads_all is False
