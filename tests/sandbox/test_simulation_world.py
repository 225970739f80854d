"""The simulated world keeps the measured rules: each row of what an existing DAG does, version by version."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import count, pairwise

import pytest

from validator.sandbox.files import DagFile, SimDag, helper, one_dag
from validator.sandbox.rules import VERSIONS, Rules
from validator.sandbox.world import World

START = datetime(2026, 11, 22, 2, tzinfo=timezone.utc)
AIRFLOW_2, AIRFLOW_3 = VERSIONS[:2], VERSIONS[2:]


def test_at_the_start_all_is_listed_parsed_and_serialized(version, lab_with_a):
    lab = lab_with_a(version)
    assert lab.active("a")
    assert lab.world.truth("a") == lab.world.deployed("a")[0]
    first = lab.row("a").last_parsed
    lab.pass_(15)
    assert lab.row("a").last_parsed > first


@pytest.mark.parametrize("version", AIRFLOW_2)
def test_on_2_a_broken_dag_stays_listed_then_drops_after_threshold_and_cleanup(version, lab_with_a):
    lab = lab_with_a(version)
    lab.world.put("a.py", one_dag("a").broken())
    lab.until(lambda: "a.py" in lab.errors, 10)
    frozen = lab.row("a").last_parsed
    assert lab.row("a").has_import_errors
    assert lab.active("a")
    assert 45 <= lab.until(lambda: not lab.active("a")) <= 125
    assert lab.row("a").last_parsed == frozen
    assert lab.active("b")


@pytest.mark.parametrize("version", AIRFLOW_3)
def test_on_3_a_broken_dag_is_stale_at_once(version, lab_with_a):
    lab = lab_with_a(version)
    lab.world.put("a.py", one_dag("a").broken())
    lab.until(lambda: "a.py" in lab.errors, 10)
    assert not lab.active("a")
    assert lab.row("a").has_import_errors


def test_an_import_error_is_stamped_anew_at_each_parse_and_heals_at_the_next_good_one(version, lab_with_a):
    lab = lab_with_a(version)
    lab.world.put("a.py", one_dag("a").broken())
    lab.until(lambda: "a.py" in lab.errors, 10)
    first = lab.errors["a.py"]
    lab.pass_(12)
    second = lab.errors["a.py"]
    assert (second.id, second.trace) == (first.id, first.trace)
    assert second.stamped > first.stamped
    assert "/usr/local/airflow/dags/a.py" in second.trace
    lab.world.put("a.py", one_dag("a"))
    assert lab.until(lambda: "a.py" not in lab.errors) <= 10
    assert lab.active("a")
    assert not lab.row("a").has_import_errors


def test_a_file_that_never_parsed_has_an_error_and_no_dag(version, lab_with_a):
    lab = lab_with_a(version)
    lab.world.put("new.py", one_dag("new").broken())
    lab.until(lambda: "new.py" in lab.errors, 12)
    assert "new" not in lab.world.metadata.dags
    lab.world.remove("new.py")
    assert lab.until(lambda: "new.py" not in lab.errors) <= 6


@pytest.mark.parametrize("hidden", [None, DagFile((SimDag("a"),), listed=False)])
def test_a_deleted_or_hidden_file_takes_its_dag_at_the_next_listing(version, hidden, lab_with_a):
    lab = lab_with_a(version)
    if hidden is None:
        lab.world.remove("a.py")
    else:
        lab.world.put("a.py", hidden)
    assert lab.until(lambda: not lab.active("a")) <= 5.5
    assert lab.world.truth("a") is None
    assert lab.world.deployed("a") == ()
    lab.world.put("a.py", one_dag("a"))
    lab.until(lambda: lab.active("a"), 12)
    assert lab.world.truth("a") is not None


@pytest.mark.parametrize("after", [one_dag("renamed"), DagFile()])
def test_a_renamed_away_id_stays_listed_and_frozen_for_up_to_two_minutes(version, after, lab_with_a):
    lab = lab_with_a(version)
    lab.world.put("a.py", after)
    if after.dags:
        assert lab.until(lambda: lab.active("renamed")) <= 8
    frozen = lab.row("a").last_parsed
    assert 40 <= lab.until(lambda: not lab.active("a")) <= 125
    assert lab.row("a").last_parsed == frozen
    assert not lab.errors


def test_two_files_with_one_id_alternate_in_silence(version, lab_with_a):
    lab = lab_with_a(version)
    lab.world.put("twin.py", one_dag("a", tags=("twin",)))
    seen = []
    for _ in range(200):
        lab.pass_(0.25)
        seen.append((lab.row("a").path, lab.row("a").dag.tags))
    turns = sum(one != two for one, two in pairwise(seen))
    assert set(seen) == {("a.py", ("old",)), ("twin.py", ("twin",))}
    assert turns >= 4
    assert not lab.errors
    assert len(lab.world.deployed("a")) == 2


def test_a_moved_dag_is_unlisted_for_a_moment_at_most(version, lab_with_a):
    lab = lab_with_a(version)
    lab.world.remove("a.py", lags=0)
    lab.world.put("moved.py", one_dag("a"), lags=0)
    gaps = 0
    for _ in range(120):
        lab.pass_(0.1)
        gaps += not lab.active("a")
    assert lab.row("a").path == "moved.py"
    assert gaps * 0.1 <= 1.5


def test_a_good_dag_beside_a_bad_one(version, lab_with_a):
    lab = lab_with_a(version)
    lab.world.put("a.py", DagFile(error="AirflowTimetableInvalid: no", dags=(SimDag("a", tags=("new",)),)))
    lab.until(lambda: "a.py" in lab.errors, 10)
    first = lab.row("a").last_parsed
    lab.pass_(12)
    assert lab.row("a").dag.tags == ("new",)
    assert lab.row("a").last_parsed > first
    assert lab.row("a").has_import_errors
    assert lab.active("a") is (version in AIRFLOW_2)


@pytest.mark.parametrize(("asked", "paused"), [(None, True), (False, False), (True, True)])
def test_a_new_dag_is_paused_unless_it_says_otherwise(version, asked, paused, lab_with_a):
    lab = lab_with_a(version)
    lab.world.put("new.py", one_dag("new", paused_upon_creation=asked))
    lab.until(lambda: lab.active("new"), 12)
    assert lab.row("new").paused is paused
    lab.world.pause("new", paused=not paused)
    lab.pass_(20)
    assert lab.row("new").paused is not paused, "a parse does not change it"


def test_a_new_file_waits_for_the_listing_and_a_changed_one_does_not(version, lab_with_a):
    lab = lab_with_a(version, dir_list_interval=300.0)
    lab.until(lambda: lab.world.elapsed > 1)
    lab.world.put("a.py", one_dag("a", tags=("v2",)))
    lab.world.put("new.py", one_dag("new"))
    assert lab.until(lambda: lab.row("a").dag.tags == ("v2",)) <= 8
    assert lab.until(lambda: lab.active("new")) > 10


def test_a_list_shows_the_parse_and_the_serialized_dag_follows_30_s_after_its_last_write(version, lab_with_a):
    lab = lab_with_a(version)
    lab.world.put("a.py", one_dag("a", tags=("v2",), version="2"))
    lab.until(lambda: lab.row("a").dag.tags == ("v2",), 10)
    assert lab.world.truth("a").dag.version == "2", "the last write was long ago: in the same parse"
    written = lab.world.metadata.serialized["a"].written
    lab.world.put("a.py", one_dag("a", tags=("v3",), version="3"))
    lab.until(lambda: lab.row("a").dag.tags == ("v3",), 10)
    assert lab.world.truth("a").dag.version == "2"
    lab.until(lambda: lab.world.truth("a").dag.version == "3")
    assert 30 <= lab.world.metadata.serialized["a"].written - written <= 37


def test_a_parse_that_changes_nothing_does_not_restart_the_30_s(version, lab_with_a):
    lab = lab_with_a(version)
    before = lab.world.metadata.serialized["a"].written
    lab.pass_(100)
    assert lab.world.metadata.serialized["a"].written == before


def test_a_half_synced_deploy_restarts_the_30_s(version, new_lab):
    lab = new_lab(version, {"a.py": DagFile((SimDag("a"),), imports={"lib/h.py": ""}), "lib/h.py": helper()})
    lab.world.put("a.py", DagFile((SimDag("a", version="2"),), imports={"lib/h.py": ""}), at=8, lags=0)
    lab.world.put("lib/h.py", helper(version="2"), at=18, lags=0)
    lab.pass_(30)
    assert lab.row("a").last_parsed > 20
    assert lab.world.truth("a") not in lab.world.deployed("a"), "new DAG, old helper"
    lab.until(lambda: lab.world.truth("a") in lab.world.deployed("a"))
    assert 38 <= lab.world.elapsed <= 46, "measured: 39.9 s"


def test_a_dag_that_arrives_before_its_helper_is_broken_until_it_comes(version, lab_with_a):
    lab = lab_with_a(version)
    lab.world.put("a.py", DagFile((SimDag("a", version="2"),), imports={"lib/h.py": "run"}), lags=0)
    lab.world.put("lib/h.py", helper("run"), lags=20)
    lab.until(lambda: "a.py" in lab.errors, 10)
    assert "No module named 'lib.h'" in lab.errors["a.py"].trace
    lab.until(lambda: "a.py" not in lab.errors, 30)
    assert lab.world.elapsed > 20
    assert lab.active("a")


def test_an_old_helper_without_the_name_breaks_its_importers(version, new_lab):
    lab = new_lab(version, {"a.py": one_dag("a"), "lib/h.py": helper("run")})
    lab.world.put("a.py", DagFile((SimDag("a"),), imports={"lib/h.py": "walk"}))
    lab.until(lambda: "a.py" in lab.errors, 10)
    assert "cannot import name 'walk'" in lab.errors["a.py"].trace


def test_on_3_a_healed_file_without_dags_keeps_its_error(version, lab_with_a):
    lab = lab_with_a(version)
    lab.world.put("h.py", helper(listed=True).broken())
    lab.until(lambda: "h.py" in lab.errors, 12)
    lab.world.put("h.py", helper(listed=True))
    lab.pass_(20)
    if version in AIRFLOW_2:
        assert "h.py" not in lab.errors
        return
    stamp = lab.errors["h.py"].stamped
    lab.pass_(60)
    assert lab.errors["h.py"].stamped == stamp


def test_a_parser_that_dies_leaves_no_error_but_a_frozen_dag(version, lab_with_a):
    lab = lab_with_a(version)
    lab.world.put("a.py", DagFile(dies=True))
    lab.pass_(40)
    assert lab.active("a")
    assert lab.row("a").last_parsed < 6
    lab.until(lambda: not lab.active("a"), 90)
    assert not lab.errors


def test_a_parse_is_stamped_at_its_end_with_the_bytes_of_its_start(version, lab_with_a):
    slow = DagFile((SimDag("a", tags=("v2",)),), parse_seconds=10.0)
    lab = lab_with_a(version)
    lab.world.put("a.py", slow)
    lab.pass_(7)
    lab.world.put("a.py", one_dag("a", tags=("v3",)))
    lab.until(lambda: lab.row("a").dag.tags == ("v2",), 20)
    assert lab.row("a").last_parsed >= 10, "after v3 arrived, and v2 all the same"


@pytest.mark.parametrize(("keep", "limit"), [(True, (20, 40)), (False, (0, 3))])
def test_a_changed_file_jumps_its_interval_only_if_its_mtime_is_later(version, keep, limit, lab_with_a):
    lab = lab_with_a(version, min_file_process_interval=30.0, keep_mtime=keep, parsers=4)
    lab.until(lambda: lab.row("a").last_parsed > 0, 60)
    lab.world.put("a.py", one_dag("a", tags=("v2",)), at=lab.world.elapsed, lags=3)
    if keep:
        lab.until(lambda: lab.row("a").dag.tags == ("v2",), 60)
        assert lab.world.elapsed - lab.row("a").last_parsed < 1
        return
    assert lab.until(lambda: lab.row("a").dag.tags == ("v2",), 60) - 3 <= limit[1]


def test_the_queue_is_refilled_only_when_it_is_empty(version, new_lab):
    files = {f"f{number}.py": one_dag(f"d{number}") for number in range(10)}
    lab = new_lab(version, files, parsers=1, parse=(2.0, 2.0))
    lab.pass_(30)
    lab.world.put("f0.py", one_dag("d0", tags=("v2",)))
    waited = lab.until(lambda: lab.row("d0").dag.tags == ("v2",), 60)
    assert waited > 3, "it waits for the files that were queued before it"


def test_processors_with_their_own_lags_disagree_until_the_last_has_the_file(version, lab_with_a):
    lab = lab_with_a(version, processors=2)
    lab.world.put("a.py", one_dag("a", tags=("v2",)), lags=[0.0, 40.0])
    assert lab.world.last_arrival == 40.0
    seen = []
    for _ in range(300):
        lab.pass_(0.25)
        seen.append((lab.world.elapsed, lab.row("a").dag.tags))
    assert {tags for at, tags in seen if 10 < at < 40} == {("old",), ("v2",)}
    assert {tags for at, tags in seen if at > 48} == {("v2",)}


def test_a_lag_is_drawn_from_the_seed_within_its_bounds(new_lab):
    arrivals = []
    for seed in (1, 1, 2):
        lab = new_lab("3.0.6", {"a.py": one_dag("a")}, seed=seed, sync=(5.0, 30.0))
        lab.world.put("a.py", one_dag("a", version="2"))
        arrivals.append(lab.world.last_arrival)
    assert arrivals[0] == arrivals[1] != arrivals[2]
    assert all(5 <= one <= 30 for one in arrivals)


def test_how_often_the_world_is_asked_does_not_change_it(lab_with_a):
    def run(step):
        lab = lab_with_a("3.0.6", processors=2)
        lab.world.put("a.py", one_dag("a", version="2"), at=7.0)
        while lab.world.elapsed < 60:
            lab.pass_(step)
        return vars(lab.row("a")), lab.world.truth("a")

    assert run(0.5) == run(60.0)


def test_every_time_scales_together():
    rules = Rules(airflow="2.10.5", processors=2).scaled(0.01)
    assert (rules.dir_list_interval, rules.sync, rules.processors) == (3.0, (0.05, 0.3), 2)
    assert rules.airflow == "2.10.5"


@pytest.mark.parametrize("at", [-1.0, 4.0])
def test_the_past_cannot_be_changed(at, lab_with_a):
    lab = lab_with_a("3.0.6")
    lab.pass_(5)
    with pytest.raises(ValueError, match="past"):
        lab.world.put("a.py", one_dag("a"), at=at)


def test_unknown_components_and_wrong_lags_are_refused(lab_with_a):
    lab = lab_with_a("3.0.6")
    with pytest.raises(ValueError, match="no component"):
        lab.world.kill("worker")
    with pytest.raises(ValueError, match="2 lags"):
        lab.world.put("a.py", one_dag("a"), lags=[1, 2])


def test_a_scripted_action_may_change_the_world_again(lab_with_a):
    lab = lab_with_a("3.0.6")
    lab.world.at(5.0, lambda: lab.world.put("a.py", one_dag("a", tags=("v2",)), lags=1))
    lab.pass_(20)
    assert lab.row("a").dag.tags == ("v2",)
    assert lab.world.last_arrival == 6.0


def test_a_clock_that_never_stands_still_does_not_make_now_the_past():
    ticks = count()
    world = World(now=lambda: START + timedelta(milliseconds=next(ticks)), files={"a.py": one_dag("a")})
    world.put("a.py", one_dag("a", version="2"))
    world.damage("a.py")
    world.heal("a.py")
    world.remove("a.py")
    world.kill("triggerer")
    world.restart_webserver(1.0)
    assert not world.alive("webserver")
