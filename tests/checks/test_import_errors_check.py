"""Import errors of files that are no expected DAG's own: warnings, or red with `scope: all`."""

from dataclasses import replace

import pytest
from rounds import UNREAD, dag, error, error_file, judge, manifest, seen, short

from validator.manifest.model import ExpectedDag
from validator.reasons import Reason

MINE, ALL = manifest("a"), manifest("a", scope="all")
AIRFLOWS = ["2", "3.0", "3.3"]


def foreign_of(expected, *errors, rows=None, **others):
    """The findings on errors that no expected DAG answers for, by their subject."""
    found = judge(expected, seen(*(rows or [dag()]), errors=errors, **others))
    keys = [name for name in found if name.startswith("import-errors/") and name != "import-errors/list"]
    return {found[key].subject: found[key] for key in keys}


def list_of(expected, **reading):
    return judge(expected, seen(dag(), **reading))["import-errors/list"]


@pytest.mark.parametrize("scope", ["mine", "all"])
def test_an_expected_dags_own_error_is_told_on_the_dag_alone(scope):
    assert foreign_of(manifest("a", scope=scope), error("a.py")) == {}


def test_an_error_of_a_file_that_the_manifest_names_is_the_dags_own():
    assert foreign_of(manifest(ExpectedDag("x", file="etl/x.py")), error("etl/x.py")) == {}


def test_an_error_of_a_pattern_match_is_the_dags_own():
    assert foreign_of(manifest(patterns=["a*"]), error("a.py")) == {}


@pytest.mark.parametrize("airflow", AIRFLOWS)
def test_an_error_elsewhere_is_a_warning_because_teams_share_environments(airflow):
    found = foreign_of(MINE, error("b.py", airflow=airflow), rows=[dag(airflow=airflow)], airflow=airflow)

    assert short(found["b.py"]) == ("warning", "import-error")


@pytest.mark.parametrize("airflow", AIRFLOWS)
def test_with_scope_all_an_error_stamped_after_the_files_arrived_is_red_at_the_second_poll(airflow):
    found = foreign_of(ALL, error("b.py", 60, airflow=airflow), rows=[dag(airflow=airflow)], airflow=airflow)[
        "b.py"
    ]

    assert short(found) == ("pending", "import-error")
    assert found.ripens.polls == 2


@pytest.mark.parametrize("stamp", [None, -10, 59.9])
def test_with_scope_all_an_earlier_stamp_is_pending_while_anything_waits_for_its_parse(stamp):
    found = foreign_of(ALL, error("b.py", stamp), rows=[dag(), dag("c", parsed=80)])["b.py"]

    assert short(found) == ("pending", "import-error")
    assert found.ripens is None


def test_an_error_that_stays_unstamped_while_every_listed_dag_was_parsed_again_is_a_leftover():
    found = foreign_of(ALL, error("helper.py", 20), rows=[dag(), dag("c", parsed=90)])["helper.py"]

    assert short(found) == ("warning", "import-error")
    assert "leftover" in found.message


def test_nothing_is_a_leftover_before_the_settle_time_is_over():
    found = foreign_of(ALL, error("helper.py", 20), rows=[dag(parsed=90)], now=89)["helper.py"]

    assert short(found)[0] == "pending"


def test_nothing_is_a_leftover_where_the_list_was_not_read_whole():
    assert short(foreign_of(ALL, error("helper.py", 20), whole=False)["helper.py"])[0] == "pending"


@pytest.mark.parametrize(
    "rows",
    [[dag("b", active=False)], [dag("b", broken=True, airflow="2")]],
    ids=["none listed", "all broken"],
)
def test_nothing_is_a_leftover_where_no_parse_was_seen_at_all(rows):
    found = foreign_of(manifest(scope="all"), error("b.py", 20), rows=rows)["b.py"]

    assert short(found)[0] == "pending"


@pytest.mark.parametrize("airflow", AIRFLOWS)
@pytest.mark.parametrize(
    ("glob", "allowed"),
    [
        ("legacy/*.py", True),
        ("legacy/**", True),
        ("**/b.py", True),
        ("legacy/b.p?", True),
        ("*.py", False),
        ("legacy/*.txt", False),
        ("b.py", False),
        ("LEGACY/*.py", False),
    ],
)
def test_an_allowed_file_may_be_broken(airflow, glob, allowed):
    expected = manifest("a", scope="all", allow=[glob])

    found = foreign_of(
        expected, error("legacy/b.py", airflow=airflow), rows=[dag(airflow=airflow)], airflow=airflow
    )["legacy/b.py"]

    assert short(found)[0] == ("passed" if allowed else "pending")


def test_no_allowance_hides_an_expected_dags_own_error():
    found = judge(manifest("a", allow=["**"]), seen(dag(), errors=[error("a.py")]))

    assert short(found["dags/a"]) == ("pending", "dag-import-error")


def test_a_star_stays_within_a_folder():
    expected = manifest("a", scope="all", allow=["legacy/*.py"])

    assert short(foreign_of(expected, error("legacy/deep/b.py"))["legacy/deep/b.py"])[0] == "pending"


def test_errors_of_one_name_in_two_bundles_are_two():
    one, two = (
        error(file=error_file("b.py", "3.3", bundle=bundle), number=number)
        for number, bundle in enumerate(["dags-folder", "team-b"])
    )

    assert set(foreign_of(MINE, one, two, airflow="3.3")) == {"b.py", "team-b:b.py"}


def test_a_red_error_brings_its_trace_and_its_line():
    trace = (
        'Traceback (most recent call last):\n  File "/usr/local/airflow/dags/b.py", line 3\nValueError: no\n'
    )

    found = foreign_of(ALL, error("b.py", trace=trace))["b.py"]

    assert (found.file, found.line, found.message) == ("b.py", 3, "ValueError: no")
    assert found.details["stack_trace"] == trace


@pytest.mark.parametrize("expected", [MINE, ALL, manifest()], ids=["mine", "all", "nothing expected"])
@pytest.mark.parametrize("reading", [{"errors_unread": UNREAD}, {"errors_whole": False}])
def test_import_errors_that_could_not_be_read_whole_are_never_none(expected, reading):
    assert short(list_of(expected, **reading))[0] == "error"


def test_a_limited_role_cannot_prove_that_there_are_no_errors():
    assert short(list_of(ALL, reads_all=False)) == ("error", "limited-role")
    assert short(list_of(ALL, reads_all=UNREAD)) == ("error", "unreachable")
    assert short(list_of(ALL)) == ("passed", None)


@pytest.mark.parametrize("reads_all", [True, False, UNREAD])
def test_with_scope_mine_a_limited_role_is_an_assumption_and_no_error(reads_all):
    assert short(list_of(MINE, reads_all=reads_all)) == ("passed", None)


def test_a_denial_that_cannot_heal_ends_the_wait():
    denied = replace(UNREAD, reason=Reason.ACCESS_DENIED, heals=False)

    assert not list_of(MINE, errors_unread=denied).heals
    assert not list_of(ALL, reads_all=denied).heals


@pytest.mark.parametrize("where", ["own", "foreign"])
def test_a_stamp_from_the_future_never_makes_an_error_final(where):
    """A DAG processor whose clock runs ahead would make an old error, which heals, look new."""
    file = "a.py" if where == "own" else "b.py"
    found = judge(ALL, seen(dag(), errors=[error(file, 140)]))
    finding = found["dags/a"] if where == "own" else found["import-errors/1:b.py"]

    assert short(finding)[0] == "pending"
    assert finding.ripens is None


def test_nothing_is_a_leftover_before_a_second_cycle_of_parses():
    """The broken file may be the very next in the first one."""
    found = foreign_of(ALL, error("helper.py", 20), rows=[dag(parsed=109)])["helper.py"]
    assert short(found) == ("warning", "import-error")

    late = judge(ALL, seen(dag(parsed=109), errors=[error("helper.py", 20)]), settled=110)
    assert short(late["import-errors/1:helper.py"])[0] == "pending"
