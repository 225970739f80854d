"""The timeline of a wait, turned into lanes."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from validator.finding import Status
from validator.reasons import Reason
from validator.report import lanes
from validator.report.interface import Change, Look, Timeline
from validator.report.lanes import Stage, picture_of

PASSED, PENDING, FAILED = Status.PASSED, Status.PENDING, Status.FAILED
LOOKS = (Look(0.5, 4, 0), Look(30.0, 8, 0), Look(60.0, 12, 1))
HOSTILE = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def change(at, status, reason=None, *, parsed=False):
    return Change(at, status, reason, parsed)


def missing(at):
    return change(at, PENDING, Reason.DAG_MISSING)


def stale(at, *, parsed=False):
    return change(at, PENDING, Reason.DAG_STALE, parsed=parsed)


@pytest.fixture
def drawn(report):
    """The picture of a wait with these checks and changes, 60 s long unless told."""

    def draw(checks, changes, looks=LOOKS, **kwargs):
        timeline = Timeline(tuple(looks), {key: tuple(found) for key, found in changes.items()})
        return picture_of(report(*checks, timeline=timeline, **{"duration_s": 60.0, **kwargs}))

    return draw


def stages(lane):
    return [(span.start, span.end, span.stage) for span in lane.spans]


def test_without_a_timeline_there_is_no_picture(report):
    assert picture_of(report()) is None
    assert picture_of(report(timeline=Timeline((), {}))) is None


def test_the_last_part_of_a_wait_counts_its_own_calls_and_says_where_it_begins(check, report):
    story = {"dags/etl": (change(330.0, PASSED),)}
    looks = (Look(330.0, 104, 5), Look(340.0, 108, 6))
    timeline = Timeline(looks, story, Look(325.0, 100, 5))
    picture = picture_of(report(check("etl"), timeline=timeline, duration_s=341.0))

    assert picture.taken_up == 325.0
    assert [(bar.calls, bar.repeats) for bar in picture.bars] == [(4, 0), (4, 1)]


def test_a_whole_wait_begins_nowhere_else(drawn, check):
    assert drawn([check("etl")], {"dags/etl": [change(0.5, PASSED)]}).taken_up is None


def test_a_new_dag_is_listed_then_parsed_then_settled(drawn, check):
    story = [missing(0.5), stale(10), stale(20, parsed=True), change(50, PASSED)]

    [lane] = drawn([check("etl")], {"dags/etl": story}).dags

    assert stages(lane) == [
        (0.5, 10, Stage.MISSING),
        (10, 20, Stage.LISTED),
        (20, 50, Stage.PARSED),
        (50, 60, Stage.HELD),
    ]
    assert (lane.listed, lane.parsed, lane.settled, lane.red) == (10, 20, 50, None)
    assert (lane.subject, lane.check, lane.status) == ("etl", "dags/etl", PASSED)


def test_a_dag_that_settled_at_once_was_listed_and_parsed_then(drawn, check):
    [lane] = drawn([check("etl")], {"dags/etl": [change(0.5, PASSED)]}).dags

    assert (lane.listed, lane.parsed, lane.settled) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("seen", "stage"),
    [
        (change(1, PENDING, Reason.DAG_MISSING), Stage.MISSING),
        (change(1, PENDING, Reason.DAG_INACTIVE), Stage.MISSING),
        (change(1, PENDING, Reason.DAG_STALE), Stage.LISTED),
        (change(1, PENDING, Reason.DAG_STALE, parsed=True), Stage.PARSED),
        (change(1, PENDING, Reason.DAG_IMPORT_ERROR), Stage.BROKEN),
        (change(1, PENDING, Reason.DAG_WRONG_FILE), Stage.WAITING),
        (change(1, PENDING), Stage.WAITING),
        (change(1, PASSED), Stage.HELD),
        (change(1, Status.WARNING, Reason.DAG_WARNING), Stage.WARNED),
        (change(1, FAILED, Reason.DAG_MISSING), Stage.FAILED),
        (change(1, Status.ERROR, Reason.UNREACHABLE), Stage.UNSEEN),
        (change(1, Status.SKIPPED, Reason.UNDECIDED), Stage.SKIPPED),
    ],
    ids=lambda value: str(value) if isinstance(value, Stage) else "",
)
def test_every_standing_is_a_stage_with_words(drawn, check, seen, stage):
    [lane] = drawn([check("etl")], {"dags/etl": [seen]}).dags

    assert stages(lane) == [(1, 60, stage)]
    assert lanes.WORDS[stage]


def test_what_was_never_listed_has_no_such_moment(drawn, check):
    red = check("etl", FAILED)

    [lane] = drawn([red], {"dags/etl": [missing(1), change(60, FAILED, Reason.DAG_MISSING)]}).dags

    assert (lane.listed, lane.parsed, lane.settled, lane.red) == (None, None, None, 60)
    assert stages(lane)[-1] == (60, 60, Stage.FAILED), "it is drawn, though it lasted no time"


def test_a_dag_that_fell_back_settled_only_when_it_stayed(drawn, check):
    story = [change(1, PASSED), stale(20), change(40, PASSED)]

    [lane] = drawn([check("etl")], {"dags/etl": story}).dags

    assert lane.settled == 40


def test_a_lane_is_never_called_settled_against_the_reports_last_word(drawn, check):
    undecided = check("etl", Status.SKIPPED, reason=Reason.UNDECIDED)

    [lane] = drawn([undecided], {"dags/etl": [change(1, PASSED)]}).dags

    assert lane.settled is None
    assert lane.status is Status.SKIPPED


def test_a_red_attribute_makes_the_dags_lane_red(drawn, check):
    tags = check("etl", FAILED, id="dags/etl/tags", reason=Reason.DAG_ATTRIBUTE_MISMATCH)
    changes = {
        "dags/etl": [stale(1), change(20, PASSED)],
        "dags/etl/tags": [
            change(1, Status.SKIPPED, Reason.UNDECIDED),
            change(20, PENDING, Reason.DAG_ATTRIBUTE_MISMATCH),
            change(40, FAILED, Reason.DAG_ATTRIBUTE_MISMATCH),
        ],
    }

    [lane] = drawn([check("etl"), tags], changes).dags

    assert [stage for _, _, stage in stages(lane)] == [Stage.LISTED, Stage.WAITING, Stage.FAILED]
    assert (lane.settled, lane.red, lane.status, lane.check) == (None, 40, FAILED, "dags/etl/tags")


def test_an_attribute_that_could_not_be_seen_is_no_settled_lane(drawn, check):
    tasks = check("etl", Status.ERROR, id="dags/etl/tasks", reason=Reason.UNREACHABLE)
    changes = {
        "dags/etl": [change(1, PASSED)],
        "dags/etl/tasks": [change(1, Status.ERROR, Reason.UNREACHABLE)],
    }

    [lane] = drawn([check("etl"), tasks], changes).dags

    assert stages(lane) == [(1, 60, Stage.UNSEEN)]
    assert (lane.settled, lane.status, lane.check) == (None, Status.ERROR, "dags/etl/tasks")


def test_an_attribute_that_is_not_judged_does_not_hide_that_the_dag_settled(drawn, check):
    tasks = check("etl", Status.SKIPPED, id="dags/etl/tasks", reason=Reason.PATH_TOO_LONG)
    changes = {
        "dags/etl": [change(1, PASSED)],
        "dags/etl/tasks": [change(1, Status.SKIPPED, Reason.PATH_TOO_LONG)],
    }

    [lane] = drawn([check("etl"), tasks], changes).dags

    assert (stages(lane), lane.status) == ([(1, 60, Stage.HELD)], PASSED)


def test_patterns_and_other_areas_have_no_lane(drawn, check):
    checks = [check("team_*", id="patterns/team_*"), check("a.py", area="sources"), check("etl")]

    assert [lane.subject for lane in drawn(checks, {}).dags] == ["etl"]


def test_a_check_that_no_look_judged_has_an_empty_lane(drawn, check):
    [lane] = drawn([check("etl", Status.SKIPPED)], {}).dags

    assert (lane.spans, lane.settled) == ((), None)


def test_reds_come_first_and_then_what_waited_longest(drawn, check):
    checks = [
        check("quick"),
        check("slow"),
        check("open", Status.SKIPPED),
        check("red", FAILED),
        check("unseen", Status.ERROR),
    ]
    changes = {
        "dags/quick": [change(1, PASSED)],
        "dags/slow": [stale(1), change(50, PASSED)],
        "dags/open": [stale(1)],
        "dags/red": [change(1, FAILED, Reason.DAG_MISSING)],
        "dags/unseen": [change(1, Status.ERROR, Reason.UNREACHABLE)],
    }

    order = [lane.subject for lane in drawn(checks, changes).dags]

    assert order == ["red", "unseen", "open", "slow", "quick"]


def test_health_has_a_lane_for_each_component(drawn, check):
    checks = [check("scheduler", area="health"), check("triggerer", area="health")]
    changes = {
        "health/scheduler": [change(1, PASSED)],
        "health/triggerer": [change(1, PENDING, Reason.HEARTBEAT_OLD), change(20, PASSED)],
    }

    picture = drawn(checks, changes)

    assert picture.dags == ()
    assert [lane.subject for lane in picture.health] == ["scheduler", "triggerer"]
    assert stages(picture.health[1]) == [(1, 20, Stage.WAITING), (20, 60, Stage.HELD)]
    assert (picture.health[1].settled, picture.health[1].listed, picture.health[1].parsed) == (20, None, None)


def test_the_legend_has_the_stages_that_occur_and_no_others(drawn, check):
    picture = drawn([check("etl")], {"dags/etl": [change(30, PASSED), stale(1)]})

    assert picture.stages == (Stage.LISTED, Stage.HELD)


def test_a_bar_has_the_calls_of_its_look_alone(drawn):
    bars = drawn([], {}).bars

    assert [(bar.start, bar.calls, bar.repeats) for bar in bars] == [(0.5, 4, 0), (30, 4, 0), (60, 4, 1)]


@pytest.mark.parametrize("count", [1, lanes.BARS, lanes.BARS + 1, 5_000])
def test_bars_are_bounded_and_lose_no_call(drawn, count):
    looks = [Look(float(number), 3 * (number + 1), number // 7) for number in range(count)]

    picture = drawn([], {}, looks=looks)

    assert len(picture.bars) <= lanes.BARS
    assert sum(bar.calls for bar in picture.bars) == looks[-1].calls
    assert sum(bar.repeats for bar in picture.bars) == looks[-1].repeats
    assert picture.looks == count


@pytest.mark.parametrize("end", [0.0, 0.3, 4.1, 60.0, 95.25, 600.2, 3_600.0, 86_400.0, float("nan"), 1e7])
def test_the_axis_has_a_few_round_times_within_the_picture(drawn, end):
    picture = drawn([], {}, looks=[Look(0.0, 1, 0)], duration_s=end)

    assert picture.end > 0
    assert 1 <= len(picture.ticks) <= lanes.TICKS + 1
    assert picture.ticks[0] == 0
    assert picture.ticks[-1] <= picture.end + 0.1
    assert len(set(picture.ticks)) == len(picture.ticks)


def test_the_picture_reaches_to_the_last_look_at_least(drawn):
    assert drawn([], {}, duration_s=1.0).end == 60.0


def test_deploy_and_arrival_are_marked_where_they_are_known(drawn, report):
    started = report().started_at

    marks = drawn(
        [], {}, deployed_at=started - timedelta(seconds=5), arrived_at=started + timedelta(seconds=55)
    ).marks

    assert [(mark.label, mark.at) for mark in marks] == [("deployed", -5), ("files arrived", 55)]
    assert drawn([], {}, deployed_at=None, arrived_at=None).marks == ()


def test_a_time_without_a_zone_is_no_traceback(drawn, report):
    naive = report().started_at.replace(tzinfo=None)

    assert [mark.at for mark in drawn([], {}, deployed_at=naive, arrived_at=None).marks] == [0]


_TIME = st.floats(0, 1e5) | st.sampled_from([float("nan"), float("inf"), -1.0])
_CHANGES = st.lists(
    st.builds(Change, _TIME, st.sampled_from(Status), st.none() | st.sampled_from(Reason), st.booleans()),
    max_size=6,
).map(tuple)


@HOSTILE
@given(data=st.data())
def test_spans_follow_each_other_within_the_picture_whatever_the_timeline(check, report, data):
    status = st.sampled_from([status for status in Status if status is not PENDING])
    checks = [
        check("a", data.draw(status)),
        check("a", data.draw(status), id="dags/a/tags"),
        check("h", area="health"),
    ]
    looks = data.draw(
        st.lists(st.builds(Look, _TIME, st.integers(0, 99), st.integers(0, 9)), min_size=1, max_size=5)
    )
    changes = {each.id: data.draw(_CHANGES) for each in checks}

    picture = picture_of(
        report(*checks, timeline=Timeline(tuple(looks), changes), duration_s=data.draw(_TIME))
    )

    for lane in (*picture.dags, *picture.health):
        assert all(0 <= span.start <= span.end <= picture.end for span in lane.spans)
        assert all(a.end == b.start for a, b in zip(lane.spans, lane.spans[1:], strict=False))
        assert not lane.spans or lane.spans[-1].end == picture.end
        assert lane.settled is None or lane.status is PASSED
    assert all(0 <= bar.start <= bar.end and bar.calls >= 0 and bar.repeats >= 0 for bar in picture.bars)
