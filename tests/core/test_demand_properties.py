"""What holds for every wait with demands beyond presence: green never hides one that the last answers did not show."""

from dataclasses import replace

from demands import folder, local_file, play
from demands import walk as walked
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from rounds import UNREAD, dag, manifest, seen

from validator.airflow.models import Connection, DagWarning, Pool, Task, Unread
from validator.manifest.model import (
    ExpectedConnection,
    ExpectedDag,
    ExpectedPattern,
    ExpectedPool,
    HealthRule,
    InventoryRule,
)

thorough = settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
unhurried = settings(thorough, max_examples=75)
TIMEOUT = 260.0
INTERVAL = 10.0
ARRIVED, SETTLE = 60.0, 30.0
OURS, OLDER, THEIRS = "ours\n", "older\n", "theirs\n"
IDS = ("a", "b")


def mostly(good, *odd):
    """What is well comes up so often that green does at all."""
    return st.sampled_from([good] * (6 * len(odd)) + list(odd))


@st.composite
def expectations(draw):
    dags = [
        ExpectedDag(
            dag_id,
            tags=draw(st.sampled_from([(), ("v2",)])),
            owners=draw(st.sampled_from([(), ("ann",)])),
            schedule=draw(st.sampled_from([None, "@daily"])),
            max_active_runs=draw(st.sampled_from([None, 1])),
            tasks=draw(st.sampled_from([None, ("t",)])),
        )
        for dag_id in IDS
    ]
    return replace(
        manifest(*dags),
        warnings=draw(st.sampled_from(["fail", "warn", "ignore"])),
        variables=draw(st.sampled_from([(), ("key", "other")])),
        connections=draw(st.sampled_from([(), (ExpectedConnection("db", "postgres"),)])),
        pools=draw(st.sampled_from([(), (ExpectedPool("etl", 4),)])),
        inventory=InventoryRule(draw(st.sampled_from(["ignore", "ignore", "fail"]))),
    )


@st.composite
def worlds(draw):
    """What Airflow says in each of some spans of time; the last one stays."""
    airflow = draw(st.sampled_from(["2", "3.0", "3.3"]))
    count = draw(st.integers(1, 5))
    spans = [draw(spans_of(airflow)) for _ in range(count)]
    return airflow, draw(st.sampled_from([25.0, 40.0, 70.0])), spans


@st.composite
def spans_of(draw, airflow):
    pool = Pool("etl", draw(mostly(4, 3, -1, 0)))
    named = draw(mostly("etl", "no_such"))
    return {
        "airflow": airflow,
        "every": draw(st.sampled_from([1, 20, 35])),
        "rows": {
            dag_id: {
                "tags": draw(mostly(("v2", "x"), ("v1",), None)),
                "owners": draw(mostly(("ann",), ("bob",), ("ann", "bob"))),
                "schedule": draw(mostly("0 0 * * *", "none")),
                "max_active_runs": draw(mostly(1, 16, None)),
            }
            for dag_id in IDS
        },
        "stray": draw(mostly(False, True)),  # noqa: FBT003 - a choice
        "tasks": {
            dag_id: draw(mostly((Task("t", named),), (Task("t", None), Task("u", None)), (), UNREAD))
            for dag_id in IDS
        },
        "sources": {f"{dag_id}.py": draw(mostly(OURS, OLDER, THEIRS, UNREAD)) for dag_id in IDS},
        "warnings": draw(
            mostly(walked(), walked(DagWarning("a", "k", "m")), walked(unread=UNREAD), walked(whole=False))
        ),
        "variables": {key: draw(mostly(True, False, UNREAD)) for key in ("key", "other")},  # noqa: FBT003 - a choice
        "connections": draw(
            mostly(
                walked(Connection("db", "postgres")),
                walked(Connection("db", "x")),
                walked(),
                walked(unread=UNREAD),
                walked(whole=False),
            )
        ),
        "pools": draw(mostly(walked(pool), walked(), walked(unread=UNREAD), walked(whole=False))),
    }


class World:
    """Airflow as the spans have it; remembers every answer that it gave."""

    def __init__(self, world, *, with_folder):
        self.airflow, self.long, self.spans = world
        self.files = (
            folder(*(local_file(f"{one}.py", one, text=OURS) for one in IDS)) if with_folder else None
        )
        self.given = []
        """`(second, kind, key, answer)`; of a list the key is empty."""
        self.shown = None

    def span(self, now):
        return self.spans[min(int(now // self.long), len(self.spans) - 1)]

    def answer(self, now):
        span = self.span(now)
        parsed = now - now % span["every"]
        rows = [dag(one, parsed, airflow=self.airflow, **told) for one, told in span["rows"].items()]
        if span["stray"]:
            rows.append(dag("stray", parsed, airflow=self.airflow))
        self.shown = seen(*rows, now=now, airflow=self.airflow)
        return self.shown

    def detail(self, kind):
        def told(now):
            value = self.span(now)[kind]
            if isinstance(value, dict):
                return Remembered(value, lambda key, one: self.given.append((now, kind, key, one)))
            self.given.append((now, kind, "", value))
            return value

        return told

    def play(self, expected):
        kinds = ("tasks", "sources", "warnings", "variables", "connections", "pools")
        return play(
            self.answer,
            expected,
            self.files,
            rules={"timeout": TIMEOUT, "interval": INTERVAL},
            **{kind: self.detail(kind) for kind in kinds},
        )

    def last(self, kind, key=""):
        """The last answer of this kind, and when it came; None: none did."""
        return next(
            ((now, one) for now, k, name, one in reversed(self.given) if (k, name) == (kind, key)), None
        )


class Remembered(dict):
    """Answers by key; each that is taken is told of."""

    def __init__(self, values, take):
        super().__init__(values)
        self.take = take

    def get(self, key):
        self.take(key, self[key])
        return self[key]


# The oracle: written from the manifest's documentation, and knows neither reasons nor patience.


def not_held(expected, world, ended):
    """Every demand that the last answers do not show to hold."""
    rows = {row.dag_id: row for row in world.shown.dags.rows}
    bad = []
    for one in expected.dags:
        told = rows[one.dag_id].attributes
        held = {
            "tags": (told.tags is not None and set(one.tags) <= set(told.tags)) or not one.tags,
            "owners": not one.owners or set(one.owners) == set(told.owners),
            "schedule": one.schedule is None or told.schedule == "0 0 * * *",
            "max_active_runs": one.max_active_runs in (None, told.max_active_runs),
        }
        bad += [f"{one.dag_id}: {name}" for name, holds in held.items() if not holds]
        if one.tasks is not None:
            bad += tasks_not_held(expected, one, world)
    if expected.inventory.unexpected == "fail" and "stray" in rows:
        bad.append("inventory")
    bad += [
        f"variable {key}"
        for key in expected.variables
        if (world.last("variables", key) or (0, 0))[1] is not True
    ]
    return bad + lists_not_held(expected, world, ended) + texts_not_held(world, rows)


def tasks_not_held(expected, one, world):
    told = world.last("tasks", one.dag_id)
    if told is None or isinstance(told[1], Unread) or {task.task_id for task in told[1]} != set(one.tasks):
        return [f"{one.dag_id}: tasks"]
    if world.airflow == "2" or expected.warnings != "fail":
        return []
    pools = world.last("pools")
    known = {pool.name for pool in pools[1].rows} if pools is not None and pools[1].whole else None
    named = {task.pool for task in told[1]}
    return [] if known is not None and named <= known else [f"{one.dag_id}: pools of its tasks"]


def lists_not_held(expected, world, ended):
    """Lists are read in the very round that ends the wait."""
    bad = []
    if expected.warnings == "fail":
        told = world.last("warnings")
        if told is None or told[0] != ended or not told[1].whole or told[1].rows:
            bad.append("warnings")
    if expected.connections:
        now, told = world.last("connections")
        if now != ended or not any((row.conn_id, row.conn_type) == ("db", "postgres") for row in told.rows):
            bad.append("connections")
    if expected.pools:
        now, told = world.last("pools")
        if now != ended or not any(
            row.name == "etl" and (row.slots >= 4 or row.slots < 0) for row in told.rows
        ):
            bad.append("pools")
    return bad


def texts_not_held(world, rows):
    """A parse counts from the start of the last unbroken row of equal texts, and settle."""
    bad = []
    for dag_id in IDS:
        parsed = (rows[dag_id].last_parsed - seen(now=0).began).total_seconds()
        since = 0.0
        if world.files is not None and world.airflow != "2":
            texts = [
                (now, one)
                for now, kind, key, one in world.given
                if (kind, key) == ("sources", f"{dag_id}.py")
            ]
            texts = [(now, one) for now, one in texts if not isinstance(one, Unread)]
            equal = [now for n, (now, _) in enumerate(texts) if all(one == OURS for _, one in texts[n:])]
            since = equal[0] if equal else TIMEOUT
        if parsed < max(ARRIVED, since) + SETTLE:
            bad.append(f"{dag_id}: not parsed since")
    return bad


@thorough
@given(expectations(), worlds(), st.booleans())
def test_green_never_hides_a_demand_that_the_last_answers_do_not_show(expected, world, with_folder):
    airflow = World(world, with_folder=with_folder)

    wait = airflow.play(expected)

    wrong = not_held(expected, airflow, wait.airflow.began[-1])
    event(f"{wait.word}, {'not held' if wrong else 'all held'}")
    if wait.word == "passed":
        assert wrong == []


@unhurried
@given(expectations(), worlds(), st.booleans())
def test_what_always_holds_is_green(expected, world, with_folder):
    """The other side: the first span, as good as it can be, for ever."""
    airflow, long, (span, *_) = world
    good = span | {
        "rows": {
            one: {"tags": ("v2",), "owners": ("ann",), "schedule": "0 0 * * *", "max_active_runs": 1}
            for one in IDS
        },
        "stray": False,
        "tasks": {one: (Task("t", "etl"),) for one in IDS},
        "sources": {f"{one}.py": OURS for one in IDS},
        "warnings": walked(),
        "variables": {"key": True, "other": True},
        "connections": walked(Connection("db", "postgres")),
        "pools": walked(Pool("etl", 4)),
    }
    wait = World((airflow, long, [good]), with_folder=with_folder).play(expected)

    assert wait.word == "passed"


MORE = {
    "absent": ("b_old", "a_old"),
    "connections": (
        ExpectedConnection("db", "postgres"),
        ExpectedConnection("gone"),
        ExpectedConnection("away"),
    ),
    "pools": (ExpectedPool("etl", 4), ExpectedPool("gone"), ExpectedPool("away")),
    "patterns": (ExpectedPattern("b*"), ExpectedPattern("a*"), ExpectedPattern("zz*")),
}
"""What may come on top of `expectations`: of each some that are there, and some that are not."""
PARTS = ("triggerer", "dag_processor", "nothing_of_that_name")


@st.composite
def orders(draw):
    """A manifest in two orders of all that stands in lists."""
    before = replace(draw(expectations()), health=HealthRule(require=draw(st.sampled_from([(), PARTS]))))
    more = {name: draw(st.sampled_from([getattr(before, name), some])) for name, some in MORE.items()}
    before = replace(before, **more)

    def other(listed):
        return None if listed is None else tuple(draw(st.permutations(listed)))

    lists = {name: other(getattr(before, name)) for name in ("dags", "variables", *MORE)}
    dags = tuple(
        replace(one, tags=other(one.tags), owners=other(one.owners), tasks=other(one.tasks))
        for one in lists["dags"]
    )
    health = replace(before.health, require=other(before.health.require))
    return before, replace(before, **lists | {"dags": dags}, health=health)


@unhurried
@given(orders(), worlds(), st.booleans())
def test_the_order_of_the_manifest_changes_nothing(two_orders, world, with_folder):
    one, two = (World(world, with_folder=with_folder).play(expected) for expected in two_orders)

    event(one.word)
    assert (one.word, one.ended) == (two.word, two.ended)
    assert one.found == two.found


@unhurried
@given(expectations(), worlds(), st.booleans())
def test_a_wait_ends_with_nothing_pending_and_a_reason_for_all_that_did_not_pass(
    expected, world, with_folder
):
    wait = World(world, with_folder=with_folder).play(expected)

    assert wait.ended <= TIMEOUT
    assert all(str(one.status) != "pending" for one in wait.found.values())
    assert all(one.reason is not None for one in wait.found.values() if str(one.status) != "passed")
    assert (wait.word == "failed") == any(str(one.status) == "failed" for one in wait.found.values())
