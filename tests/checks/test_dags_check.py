"""An expected DAG is listed, free of import errors, fresh and settled, and paused as expected."""

import pytest
from rounds import UNREAD, dag, error, error_file, judge, manifest, nothing_seen, seen, short

from validator.airflow.models import Walk
from validator.manifest.model import ExpectedDag

AIRFLOWS = ["2", "3.0", "3.3"]


def dag_of(observation, expected=None, **moments):
    return judge(expected or manifest("a"), observation, **moments)["dags/a"]


@pytest.mark.parametrize("airflow", AIRFLOWS)
def test_a_listed_dag_that_was_parsed_late_enough_passes(airflow):
    assert short(dag_of(seen(dag(parsed=90, airflow=airflow), airflow=airflow))) == ("passed", None)


@pytest.mark.parametrize("airflow", AIRFLOWS)
def test_a_parse_a_microsecond_before_the_settle_time_is_over_is_stale(airflow):
    found = dag_of(seen(dag(parsed=90 - 1e-6, airflow=airflow), airflow=airflow))

    assert short(found) == ("pending", "dag-stale")
    assert found.ripens is None, "only the deadline makes it red"


@pytest.mark.parametrize(("parsed", "turn"), [(59, False), (60, True), (89, True)])
def test_a_dag_had_its_turn_once_it_was_parsed_after_the_files_arrived(parsed, turn):
    assert dag_of(seen(dag(parsed=parsed))).had_its_turn is turn


def test_a_stale_dag_tells_which_parse_it_had_and_which_it_needs():
    found = dag_of(seen(dag(parsed=50)))

    assert found.details["last_parsed_time"] == "2026-01-31T08:00:50+00:00"
    assert found.details["needed"] == "2026-01-31T08:01:30+00:00"
    assert found.file == "a.py"


def test_a_dag_that_was_never_parsed_is_stale():
    assert short(dag_of(seen(dag(parsed=None)))) == ("pending", "dag-stale")


def test_a_parse_slightly_ahead_of_the_web_servers_clock_counts():
    assert short(dag_of(seen(dag(parsed=130)))) == ("passed", None)


def test_a_parse_from_the_future_proves_nothing():
    found = dag_of(seen(dag(parsed=131)))

    assert short(found) == ("error", "bad-response")
    assert "clocks disagree" in found.message


@pytest.mark.parametrize("listed", ["A", "a ", "aa", "á"])
def test_ids_are_compared_exactly(listed):
    assert short(dag_of(seen(dag(listed, path="a.py")))) == ("pending", "dag-missing")


def test_a_row_that_is_not_active_is_not_listed():
    assert short(dag_of(seen(dag(active=False)))) == ("pending", "dag-missing")


def test_a_missing_dag_waits_for_the_deadline():
    found = dag_of(seen(dag("b")))

    assert short(found) == ("pending", "dag-missing")
    assert found.ripens is None
    assert not found.had_its_turn


def test_a_dag_that_was_looked_for_in_vain_may_have_been_listed_before():
    found = dag_of(seen(dag("b"), gone=UNREAD))

    assert short(found) == ("pending", "dag-missing")
    assert "could not be read" in found.message


def test_a_dag_that_no_file_defines_any_more_is_inactive():
    found = dag_of(seen(gone={"a": dag(active=False, parsed=-50)}))

    assert short(found) == ("pending", "dag-inactive")
    assert found.file == "a.py"
    assert found.ripens is None


def test_a_dag_that_an_unseen_import_error_took_off_the_list_says_so():
    found = dag_of(seen(gone={"a": dag(active=False, broken=True)}))

    assert short(found) == ("pending", "dag-import-error")


def test_a_missing_dag_is_not_judged_where_the_list_could_not_be_read():
    assert short(dag_of(seen(dags_unread=UNREAD))) == ("error", "unreachable")
    assert short(dag_of(nothing_seen())) == ("error", "unreachable")


def test_a_list_that_kept_changing_does_not_prove_that_a_dag_is_missing():
    assert short(dag_of(seen(dag("b"), whole=False))) == ("error", "bad-response")


@pytest.mark.parametrize("reading", [{"whole": False}, {"dags_unread": UNREAD}])
def test_listed_in_any_walk_is_listed(reading):
    assert short(dag_of(seen(dag(), **reading))) == ("passed", None)


def test_a_broken_list_as_a_whole_is_told_once_with_what_is_missing():
    found = judge(manifest("a"), seen(dag(), dags_unread=UNREAD))["environment/answers"]

    assert short(found) == ("error", "unreachable")
    assert "the DAG list" in found.details["unread"]


@pytest.mark.parametrize("airflow", AIRFLOWS)
def test_an_import_error_of_its_file_breaks_a_listed_dag_however_fresh(airflow):
    observation = seen(dag(airflow=airflow), errors=[error(airflow=airflow)], airflow=airflow)

    found = dag_of(observation)

    assert short(found) == ("pending", "dag-import-error")
    assert (found.file, found.line) == ("a.py", 7)
    assert "No module named 'nothing'" in found.message
    assert found.details["stack_trace"].startswith("Traceback")


@pytest.mark.parametrize("airflow", AIRFLOWS)
def test_an_import_error_takes_a_dag_off_the_list_of_airflow_3_at_once(airflow):
    gone = {"a": dag(active=False, broken=True, airflow=airflow)}

    found = dag_of(seen(gone=gone, errors=[error(airflow=airflow)], airflow=airflow))

    assert short(found) == ("pending", "dag-import-error")
    assert found.line == 7


@pytest.mark.parametrize("airflow", AIRFLOWS)
def test_a_broken_file_that_never_parsed_is_known_by_the_manifests_file(airflow):
    expected = manifest(ExpectedDag("a", file="etl/daily.py"))
    observation = seen(dag("b"), errors=[error("etl/daily.py", airflow=airflow)], airflow=airflow)

    found = dag_of(observation, expected)

    assert short(found) == ("pending", "dag-import-error")
    assert found.file == "etl/daily.py"


@pytest.mark.parametrize("airflow", AIRFLOWS)
def test_a_good_dag_beside_a_bad_one_in_one_file_is_broken_with_it(airflow):
    observation = seen(
        dag("a", path="two.py", broken=airflow == "2", airflow=airflow),
        errors=[error("two.py", trace="AirflowTimetableInvalid: [61 25 * * *]", airflow=airflow)],
        airflow=airflow,
    )

    found = dag_of(observation)

    assert short(found) == ("pending", "dag-import-error")
    assert "AirflowTimetableInvalid" in found.message


@pytest.mark.parametrize("airflow", AIRFLOWS)
def test_an_import_error_elsewhere_breaks_nothing(airflow):
    observation = seen(dag(airflow=airflow), errors=[error("b.py", airflow=airflow)], airflow=airflow)

    assert short(dag_of(observation)) == ("passed", None)


def test_a_file_of_the_same_name_in_another_bundle_is_another_file():
    other = error(file=error_file("a.py", "3.3", bundle="team-b"))

    assert short(dag_of(seen(dag(airflow="3.3"), errors=[other], airflow="3.3"))) == ("passed", None)


def test_a_flag_without_a_trace_is_an_import_error_all_the_same():
    assert short(dag_of(seen(dag(broken=True)))) == ("pending", "dag-import-error")


@pytest.mark.parametrize(("stamp", "ripens"), [(59.9, None), (None, None), (60, 2), (100, 2)])
def test_an_import_error_ripens_once_it_is_stamped_after_the_files_arrived(stamp, ripens):
    found = dag_of(seen(dag(), errors=[error(stamp=stamp)]))

    assert short(found) == ("pending", "dag-import-error")
    assert (found.ripens.polls if found.ripens else None) == ripens
    assert ("not parsed again" in found.message) is (ripens is None)


def test_of_several_errors_the_latest_is_told():
    errors = [
        error(number=1, stamp=None),
        error(number=2, stamp=110, trace="ValueError: late"),
        error(number=3, stamp=20),
    ]

    assert "ValueError: late" in dag_of(seen(dag(), errors=errors)).message


def test_a_redacted_trace_is_an_error_present():
    trace = "REDACTED - you do not have read permission on all DAGs in the file"

    found = dag_of(seen(dag(), errors=[error(trace=trace)], reads_all=False))

    assert short(found) == ("pending", "dag-import-error")
    assert "may not see the stack trace" in found.message


def test_new_errors_are_named_as_suspects_while_a_dag_is_missing_and_its_file_unknown():
    errors = [error("x.py", number=1), error("team/a.py", number=2), error("b.py", number=3)]

    found = dag_of(seen(dag("b"), errors=errors))

    assert short(found) == ("pending", "dag-missing")
    assert found.details["suspects"] == ["team/a.py", "x.py"], "likely ones first, never files of listed DAGs"


def test_no_more_than_five_suspects_are_named():
    errors = [error(f"{n}.py", number=n) for n in range(9)]

    assert len(dag_of(seen(errors=errors)).details["suspects"]) == 5


def test_suspects_are_no_matter_where_the_manifest_names_the_file():
    expected = manifest(ExpectedDag("a", file="a.py"))

    found = dag_of(seen(dag("b"), errors=[error("x.py")]), expected)

    assert "suspects" not in found.details


@pytest.mark.parametrize("wanted", [True, False])
def test_paused_as_expected_passes(wanted):
    expected = manifest(ExpectedDag("a", paused=wanted))

    assert short(judge(expected, seen(dag(paused=wanted)))["dags/a/paused"]) == ("passed", None)


@pytest.mark.parametrize("wanted", [True, False])
def test_paused_otherwise_has_the_grace_time(wanted):
    expected = manifest(ExpectedDag("a", paused=wanted))

    found = judge(expected, seen(dag(paused=not wanted)), grace=45.0)["dags/a/paused"]

    assert short(found) == ("pending", "dag-paused")
    assert found.ripens.seconds == 45


def test_paused_is_not_judged_where_the_manifest_does_not_say():
    assert "dags/a/paused" not in judge(manifest("a"), seen(dag(paused=True)))


def test_paused_that_airflow_does_not_tell_is_an_error():
    expected = manifest(ExpectedDag("a", paused=False))

    assert short(judge(expected, seen(dag(paused=None)))["dags/a/paused"]) == ("error", "bad-response")


def test_what_a_missing_dag_should_be_is_not_judged():
    expected = manifest(ExpectedDag("a", file="a.py", paused=False))

    found = judge(expected, seen(dag("b")))

    assert short(found["dags/a/paused"]) == short(found["dags/a/file"]) == ("skipped", "undecided")
    assert short(found["dags/a"]) == ("pending", "dag-missing")


def test_an_empty_round_of_answers_gives_no_green():
    found = judge(manifest("a"), seen(health={}, dags=Walk(whole=True), reads_all=True))

    assert short(found["dags/a"]) == ("pending", "dag-missing")
    assert short(found["health/scheduler"]) == ("pending", "component-missing")
