"""What a round asks for: the whole DAG list only where a check rests on more than the expected DAGs' own rows."""

from dataclasses import replace
from random import Random

import pytest
from rounds import dag, seen, view
from worlds import SETTLE, SLOWEST_PARSE, SYNC, Direct, Turned, file_of, rules_of

from validator.airflow.models import DagFile
from validator.expectations import Wanted
from validator.local.model import Definition, LocalFile
from validator.manifest.model import (
    ExpectedDag,
    ExpectedPattern,
    ImportErrorRule,
    InventoryRule,
    Manifest,
)
from validator.plan import plan
from validator.rules import Rules as GateRules
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World
from validator.service import check
from validator.settings import Settings
from validator.state import Places, Recalled, State
from validator.target import Target

A = Manifest(dags=(ExpectedDag("a"),))
CERTAIN = LocalFile("a.py", certain=(Definition("a", 1),))


def enough(manifest, *, state=None, before=None, **wanted):
    return plan(Wanted(manifest, **wanted), state or State(), before).enough


def test_dags_that_are_expected_by_their_ids_are_enough():
    assert enough(A) == {"a"}


def test_where_nothing_is_expected_of_dags_none_is_needed():
    assert enough(Manifest(variables=("bucket",))) == frozenset()


@pytest.mark.parametrize(
    "more",
    [
        {"absent": ("old",)},
        {"patterns": (ExpectedPattern("a*"),)},
        {"inventory": InventoryRule("warn")},
        {"inventory": InventoryRule("fail")},
        {"import_errors": ImportErrorRule("all")},
    ],
    ids=lambda more: next(iter(more)),
)
def test_whatever_is_judged_by_the_other_dags_needs_the_whole_list(more):
    assert enough(replace(A, **more)) is None


@pytest.mark.parametrize(
    ("file", "whole"),
    [
        (CERTAIN, False),
        (replace(CERTAIN, computes=True), True),
        (LocalFile("helper.py"), True),
        (LocalFile("dynamic.py", computes=True), True),
    ],
    ids=["certain", "certain and more", "no DAG", "computed"],
)
def test_local_files_whose_dags_are_not_all_known_need_the_whole_list(file, whole):
    assert (enough(A, local={file.name: file}) is None) is whole


def test_an_expected_file_needs_the_whole_list_until_it_is_known_where_the_dags_folder_is():
    manifest = Manifest(dags=(ExpectedDag("a", file="a.py"),))
    unknown = view(manifest, seen(dag(file=DagFile("/srv/dags/a.py", None, None))))
    known = view(manifest, seen(dag()))

    assert unknown.folder.root is None
    assert enough(manifest) is None
    assert enough(manifest, before=unknown) is None
    assert enough(manifest, before=known) == {"a"}


def test_what_another_process_left_is_compared_with_a_whole_list_first():
    left = State(recalled=Recalled(places=Places((0,) * 64)))

    assert enough(A, state=left) is None
    assert enough(A, state=replace(left, recalled=Recalled())) == {"a"}


class Counting(Direct):
    """Counts the calls of each round."""

    def __init__(self, simulation, clock):
        super().__init__(simulation, clock)
        self.rounds = []
        self._calls = 0

    def call(self, request):
        self._calls += 1
        return super().call(request)

    def round(self, *_):
        self.rounds.append(self._calls)
        self._calls = 0

    def started(self, *_):
        """Progress that nobody watches."""

    note = finished = started


def among_many(version, seed, *, broken=(), missing=(), count=1200):
    """How a gate ends that expects few of many DAGs, some of which were changed, broken or never deployed."""
    draw = Random(seed)  # noqa: S311 - a test that can be repeated
    clock = Turned()
    rules = rules_of(version, parsers=400)
    names = [f"d{number:04}" for number in range(count)]
    wanted = draw.sample(names, 6)
    files = {f"{name}.py": file_of(name, "1") for name in names}
    world = World(rules, now=lambda: clock.moment, files=files, seed=seed)
    for name in wanted:
        world.put(f"{name}.py", file_of(name), at=1.0, lags=[draw.uniform(0.0, SYNC)])
    for number in broken:
        path = f"{wanted[number]}.py"
        world.put(path, file_of(wanted[number]).broken(), at=2.0, lags=[draw.uniform(0.0, SYNC)])
    clock.time = 3.0
    world.advance()
    expected = (*wanted, *missing)
    gate = GateRules(timeout=200.0, interval=7.0, sync=SYNC, settle=SETTLE + SLOWEST_PARSE)
    settings = Settings(
        Manifest(dags=tuple(map(ExpectedDag, expected))), Target("simulated"), max_tps=1e9, rules=gate
    )
    way = Counting(Simulation(world), clock)
    return check(settings, way, way, clock), way, world, wanted


@pytest.mark.parametrize(("version", "most"), [("2.10.5", 8), ("3.3.2", 3), ("3.0.6", 5)])
def test_few_of_many_are_green_with_few_calls_a_round(version, most):
    report, way, world, wanted = among_many(version, 1)

    assert report.exit_code == 0, report.summary
    assert all(world.truth(name) in world.deployed(name) for name in wanted)
    assert max(way.rounds[1:-1]) == most
    assert way.rounds[-1] == most + 1, "warnings are asked for once all is current"
    assert way.rounds[0] <= most + 2, "the role is asked for once, and the list's first page"


@pytest.mark.parametrize("version", ["2.10.5", "3.3.2"])
@pytest.mark.parametrize(
    ("wrong", "reason"), [({"broken": (2,)}, "dag-import-error"), ({"missing": ("d9999",)}, "dag-missing")]
)
def test_what_is_wrong_among_many_is_red(version, wrong, reason):
    report, *_ = among_many(version, 2, **wrong)

    assert report.exit_code == 1
    assert [str(one.reason) for one in report.checks if str(one.status) == "failed"] == [reason]


@pytest.mark.parametrize("version", ["2.10.5", "3.3.2"])
def test_an_id_that_only_looks_like_an_expected_one_is_not_taken_for_it(version):
    report, *_ = among_many(version, 3, missing=("D0003", "d_003", "0003"))

    reds = {one.subject for one in report.checks if str(one.status) == "failed"}
    assert reds == {"D0003", "d_003", "0003"}
