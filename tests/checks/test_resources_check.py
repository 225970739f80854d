"""Variables, connections and pools: they exist, or they do not, or it cannot be told. Never what they hold."""

from dataclasses import replace

import pytest
from demands import DENIED, TOO_LONG, play, walk
from rounds import UNREAD, dag, judge, manifest, nothing_seen, seen, short

from validator.airflow.models import Connection, Details, Pool
from validator.manifest.model import ExpectedConnection, ExpectedPool
from validator.provenance import SPOT_CHECKS
from validator.transport.interface import EnvironmentFacts

VARIABLE = replace(manifest("a"), variables=("key",))
CONNECTION = replace(manifest("a"), connections=(ExpectedConnection("db"),))
POSTGRES = replace(manifest("a"), connections=(ExpectedConnection("db", "postgres"),))
POOL = replace(manifest("a"), pools=(ExpectedPool("etl"),))
FOUR_SLOTS = replace(manifest("a"), pools=(ExpectedPool("etl", 4),))
THERE = [
    (VARIABLE, "variables/key", {"variables": {"key": True}}),
    (CONNECTION, "connections/db", {"connections": walk(Connection("db", "mysql"))}),
    (CONNECTION, "connections/db", {"connections": walk(Connection("db", None))}),
    (
        POSTGRES,
        "connections/db",
        {"connections": walk(Connection("x", "http"), Connection("db", "postgres"))},
    ),
    (POOL, "pools/etl", {"pools": walk(Pool("etl", 0))}),
    (FOUR_SLOTS, "pools/etl", {"pools": walk(Pool("etl", 4))}),
    (FOUR_SLOTS, "pools/etl", {"pools": walk(Pool("etl", -1))}),
]
MISSING = [
    (VARIABLE, "variables/key", {"variables": {"key": False}}, "variable-missing"),
    (CONNECTION, "connections/db", {"connections": walk(Connection("DB", "mysql"))}, "connection-missing"),
    (CONNECTION, "connections/db", {"connections": walk()}, "connection-missing"),
    (POOL, "pools/etl", {"pools": walk(Pool("default_pool", 128))}, "pool-missing"),
]
WRONG = [
    (POSTGRES, "connections/db", {"connections": walk(Connection("db", "mysql"))}, "connection-missing"),
    (POSTGRES, "connections/db", {"connections": walk(Connection("db", "Postgres"))}, "connection-missing"),
    (FOUR_SLOTS, "pools/etl", {"pools": walk(Pool("etl", 3))}, "pool-missing"),
    (FOUR_SLOTS, "pools/etl", {"pools": walk(Pool("etl", 0))}, "pool-missing"),
]
EACH = [(VARIABLE, "variables/key"), (CONNECTION, "connections/db"), (POOL, "pools/etl")]


def details(unread, name):
    """The answer to the demand of this name is that it could not be read."""
    kind = name.partition("/")[0]
    return {kind: {"key": unread} if kind == "variables" else walk(unread=unread)}


def judged(expected, name, told, **others):
    return judge(expected, seen(dag(), details=Details(**told), **others))[name]


@pytest.mark.parametrize(("expected", "name", "told"), THERE)
def test_what_is_there_passes(expected, name, told):
    found = judged(expected, name, told)

    assert short(found) == ("passed", None)
    assert (found.area, f"{found.area}/{found.subject}") == (name.partition("/")[0], name)


@pytest.mark.parametrize(("expected", "name", "told", "reason"), MISSING + WRONG)
def test_what_is_missing_or_wrong_is_red_after_the_grace_time(expected, name, told, reason):
    found = judged(expected, name, told)

    assert short(found) == ("pending", reason)
    assert (found.ripens.seconds, found.ripens.parse) == (60.0, None)
    assert found.had_its_turn, "no parse of Airflow's will change it"


def test_what_differs_is_told():
    expected, name, told, _ = WRONG[0]
    assert "'mysql'" in judged(expected, name, told).message
    assert "'postgres' is expected" in judged(expected, name, told).message
    expected, name, told, _ = WRONG[2]
    assert judged(expected, name, told).message == "It has 3 slots, and at least 4 are expected."
    assert judged(expected, name, told).details == {"slots": 3, "min_slots": 4}


def test_a_pool_without_limit_says_so():
    assert "without limit" in judged(FOUR_SLOTS, "pools/etl", {"pools": walk(Pool("etl", -1))}).message


@pytest.mark.parametrize(("expected", "name"), EACH[:2])
def test_what_a_role_may_not_read_is_never_missing(expected, name):
    found = judged(expected, name, details(DENIED, name))

    assert short(found) == ("error", "access-denied")
    assert "role/ENVIRONMENT/Op" in found.advice
    assert "does not exist" not in found.message


@pytest.mark.parametrize(("expected", "name"), EACH)
@pytest.mark.parametrize("unread", [DENIED, UNREAD])
def test_what_could_not_be_read_is_an_error_that_may_heal(expected, name, unread):
    found = judged(expected, name, details(unread, name))

    assert short(found) == ("error", str(unread.reason))
    assert found.heals


@pytest.mark.parametrize(("expected", "name"), EACH[1:])
def test_a_list_that_moved_proves_no_absence(expected, name):
    assert short(judged(expected, name, {name.partition("/")[0]: walk(whole=False)})) == (
        "error",
        "bad-response",
    )


def test_listed_in_half_a_list_is_listed():
    half = replace(walk(Connection("db", "postgres"), unread=UNREAD))

    assert short(judged(POSTGRES, "connections/db", {"connections": half})) == ("passed", None)


def test_a_key_too_long_to_be_asked_for_can_never_be_known():
    found = judged(VARIABLE, "variables/key", {"variables": {"key": TOO_LONG}})

    assert short(found) == ("error", "path-too-long")
    assert not found.heals


@pytest.mark.parametrize(("expected", "name", "told", "reason"), MISSING[:3])
def test_what_a_secrets_backend_may_hold_cannot_be_told(expected, name, told, reason):
    backend = "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend"
    facts = EnvironmentFacts(options={"secrets.backend": backend})

    found = judged(expected, name, told, environment=facts)

    assert short(found) == ("error", reason)
    assert not found.heals
    assert "SecretsManagerBackend" in found.message


def test_a_secrets_backend_holds_no_pools():
    facts = EnvironmentFacts(options={"secrets.backend": "x.Y"})
    expected, name, told, reason = MISSING[3]

    assert short(judged(expected, name, told, environment=facts)) == ("pending", reason)


@pytest.mark.parametrize("options", [{}, {"secrets.backend": " "}, {"secrets.backend_kwargs": "{}"}])
def test_without_a_secrets_backend_what_is_missing_is_missing(options):
    expected, name, told, reason = MISSING[0]

    found = judged(expected, name, told, environment=EnvironmentFacts(options=options))

    assert short(found) == ("pending", reason)


@pytest.mark.parametrize("environment", [None, UNREAD])
def test_where_nothing_is_known_of_a_backend_none_is_assumed(environment):
    expected, name, told, reason = MISSING[0]

    assert short(judged(expected, name, told, environment=environment)) == ("pending", reason)


@pytest.mark.parametrize(("expected", "name"), EACH)
def test_where_airflow_could_not_be_asked_nothing_is_judged(expected, name):
    assert short(judge(expected, nothing_seen())[name]) == ("skipped", "undecided")
    assert short(judge(expected, seen(dags_unread=UNREAD))[name]) == ("skipped", "undecided")


def fresh(now):
    return seen(dag(parsed=95 if now >= 95 else -50), now=now)


def test_a_variable_that_goes_while_the_gate_waits_is_seen():
    wait = play(fresh, VARIABLE, variables=lambda now: {"key": now < 50})

    assert (wait.word, wait.ended) == ("failed", 110.0), "a minute's grace after it went"


def test_of_many_variables_that_exist_only_a_few_are_asked_for_again():
    keys = tuple(f"key{number}" for number in range(9))
    wait = play(fresh, replace(manifest("a"), variables=keys), variables=dict.fromkeys(keys, True))

    assert wait.word == "passed"
    assert len(wait.airflow.asked) > 5
    assert all(len(inquiry.variables) <= SPOT_CHECKS for _, inquiry in wait.airflow.asked[1:])


@pytest.mark.parametrize(
    ("expected", "kind", "bad", "good"),
    [
        (VARIABLE, "variables", {"key": False}, {"key": True}),
        (POSTGRES, "connections", walk(Connection("db", "x")), walk(Connection("db", "postgres"))),
        (FOUR_SLOTS, "pools", walk(), walk(Pool("etl", 4))),
    ],
)
def test_what_is_made_within_the_grace_time_is_green_and_later_is_red(expected, kind, bad, good):
    def made_at(second):
        return play(fresh, expected, **{kind: lambda now: good if now >= second else bad})

    assert made_at(50).word == "passed"
    late = made_at(65)
    assert (late.word, late.ended >= 60.0) == ("failed", True)


@pytest.mark.parametrize(("expected", "name"), EACH)
def test_a_role_that_may_not_read_them_ends_as_cannot_tell_after_three_rounds(expected, name):
    wait = play(fresh, expected, **details(DENIED, name))

    assert (wait.word, wait.ended) == ("error", 20.0)


def test_a_pool_that_shrinks_is_seen_to_the_end():
    wait = play(
        fresh,
        FOUR_SLOTS,
        pools=lambda now: walk(Pool("etl", 4 if now < 95 else 3)),
    )

    assert wait.word == "failed"


def test_a_secrets_backend_that_may_be_there_is_told():
    plain = judge(VARIABLE, seen(dag(), details=Details(variables={"key": False})))["variables/key"]
    unknown = judge(VARIABLE, seen(dag(), details=Details(variables={"key": False}), environment=UNREAD))

    assert "GetEnvironment" not in plain.message
    assert "GetEnvironment could not be read" in unknown["variables/key"].message
