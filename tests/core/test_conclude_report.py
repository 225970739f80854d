"""From the end of a wait to the report: the exit code, one sentence, what was assumed, what to do."""

from dataclasses import replace

import pytest
from demands import folder, local, local_file
from findings import failed, passed, pending, skipped, unread, warning
from rounds import DEPLOYED, UNREAD, at, dag, manifest, seen, view

from validator.airflow.models import DagFile
from validator.conclude import conclude
from validator.expectations import Expectations
from validator.finding import Status
from validator.gate import Outcome
from validator.manifest.model import ExpectedDag
from validator.reasons import ADVICE, Reason
from validator.rules import Deploy, Rules
from validator.state import Mark, State
from validator.transport.interface import EnvironmentFacts

STATE = State(deployed_at=DEPLOYED, answered=True)


def ended(status, *findings, state=STATE, round_=None, **others):
    return Outcome(status, findings, state, round_ or seen(dag()), 95.0, 600.0, **others)


def report_of(outcome, expected=None, rules=None, local_folder=None):
    return conclude(
        Expectations(expected or manifest("a"), local_folder),
        rules or Rules(deployed_at=DEPLOYED),
        outcome,
        environment="prod",
        started_at=at(-3),
        calls=12,
        request_ids=["r1"],
    )


@pytest.mark.parametrize(
    ("status", "signal", "code"),
    [
        (Status.PASSED, None, 0),
        (Status.FAILED, None, 1),
        (Status.ERROR, None, 3),
        (Status.ERROR, 2, 130),
        (Status.ERROR, 15, 143),
    ],
)
def test_the_exit_code_is_the_verdict_or_the_signal(status, signal, code):
    report = report_of(ended(status, passed(), interrupted_by=signal))

    assert (report.verdict, report.exit_code) == (status, code)


def test_green_counts_what_passed_and_names_the_warnings():
    report = report_of(ended(Status.PASSED, passed("a"), passed("b"), warning(), skipped()))

    assert report.summary == "Everything that is expected holds: 2 checks passed, with 1 warning."
    assert report.next_steps == ()


def test_red_names_the_first_cause_and_how_many_more():
    report = report_of(ended(Status.FAILED, passed("x"), failed("a"), unread("u"), failed("b")))

    assert report.summary == "a does not hold: dag-wrong-file (and 1 more). a is bad."


def test_cannot_tell_names_what_was_not_seen():
    report = report_of(ended(Status.ERROR, passed("x"), skipped(), unread("u")))

    assert report.summary == "u could not be seen: unreachable. u was not seen."


def test_an_interruption_names_the_signal_and_what_was_open():
    open_one = replace(pending(), status=Status.SKIPPED, reason=Reason.UNDECIDED)

    report = report_of(ended(Status.ERROR, passed("x"), open_one, interrupted_by=15))

    assert report.summary.startswith("Interrupted by SIGTERM after 1m35s")
    assert "1 of 2 expectations" in report.summary
    assert "red" not in report.summary


def test_an_interruption_names_the_reds_that_were_final():
    report = report_of(ended(Status.ERROR, failed("x"), passed(), interrupted_by=2))

    assert "1 was red" in report.summary
    assert "nothing was decided" not in report.summary


def test_next_steps_tell_each_cause_once_with_its_subjects():
    reds = [failed(f"d{n}") for n in range(5)] + [failed("m", Reason.DAG_MISSING)]

    steps = report_of(ended(Status.FAILED, *reds)).next_steps

    assert steps == (
        f"dag-wrong-file (d0, d1, d2 and 2 more): {ADVICE[Reason.DAG_WRONG_FILE]}",
        f"dag-missing (m): {ADVICE[Reason.DAG_MISSING]}",
    )


def test_a_findings_own_advice_comes_before_that_of_its_reason():
    red = replace(unread(), advice="Ask Ada.")

    assert report_of(ended(Status.ERROR, red)).next_steps == ("unreachable (a): Ask Ada.",)


def test_a_short_timeout_is_told_in_the_red_too():
    steps = report_of(ended(Status.FAILED, failed(), too_short_by=30.0)).next_steps

    assert "timeout" in steps[-1]
    assert report_of(ended(Status.PASSED, passed(), too_short_by=30.0)).next_steps == ()


def test_every_check_tells_since_when_it_stood_so():
    state = replace(STATE, marks={"dags/a": Mark(Status.PASSED, None, 40.0)})

    checks = report_of(ended(Status.PASSED, passed("a"), passed("b"), state=state)).checks

    assert [check.first_seen_s for check in checks] == [40.0, 95.0]


def test_the_report_carries_times_versions_and_calls():
    report = report_of(ended(Status.PASSED, passed()), rules=Rules(sync=42.0, deployed_at=DEPLOYED))

    assert (report.deployed_at, report.arrived_at, report.started_at) == (DEPLOYED, at(42), at(-3))
    assert (report.airflow_version, report.environment) == ("3.0.6", "prod")
    assert (report.calls, report.request_ids, report.duration_s) == (12, ("r1",), 95.0)


@pytest.mark.parametrize(
    ("named", "shown"),
    [
        ("/srv/airflow/code/etl/a.py", "dags/etl/a.py"),
        ("/srv/airflow/code/other.py", "/srv/airflow/code/other.py"),
        ("old.py", "dags/old.py"),
        ("etl/a.py", "dags/etl/a.py"),
    ],
    ids=["local", "somebody else's", "hidden", "relative"],
)
def test_a_finding_is_shown_at_its_local_path_also_where_airflows_folder_is_unknown(named, shown):
    file, hidden = local_file("etl/a.py", "a"), {"old.py": (local_file("old.py", "old"), ".airflowignore")}
    paths = [DagFile(f"/srv/airflow/code/{name}", None, None) for name in ("etl/a.py", "other.py")]
    round_ = seen(dag("a", file=paths[0]), dag("b", file=paths[1]), airflow="2")
    one = view(manifest("a"), round_, local=local(file), hidden=hidden)
    outcome = ended(Status.FAILED, replace(failed("x"), file=named), round_=round_, view=one)

    (check,) = report_of(outcome, local_folder=folder(file)).checks

    assert one.folder.root is None
    assert check.file == shown


def assumptions(expected=None, rules=None, state=STATE, **round_):
    outcome = ended(Status.PASSED, passed(), state=state, round_=seen(dag(), **round_))
    return " ".join(report_of(outcome, expected, rules).assumptions)


def test_nothing_is_assumed_of_what_was_never_seen():
    outcome = ended(Status.ERROR, unread(), state=State())

    assert report_of(outcome).assumptions == ()


def test_the_deploy_the_sync_and_the_settle_time_are_always_stated():
    told = assumptions(
        environment=EnvironmentFacts(options={"core.min_serialized_dag_update_interval": "45"})
    )

    assert "2026-01-31 08:00:00 UTC (as given by --deployed-at" in told
    assert "within 1m of that, and no parse that had read the old ones was still under way (sync)" in told
    assert "45s after that" in told
    assert "/health shows one job of a kind" in told
    assert "workers' own copies" in told


def test_a_deploy_taken_for_now_says_so():
    assert "the gate's first answer" in assumptions(rules=Rules(deployed_at=Deploy.NOW))


def test_a_check_without_a_deploy_says_what_it_does_not_prove():
    told = assumptions(rules=Rules(deployed_at=Deploy.NONE), state=State(answered=True))

    assert "not which version" in told
    assert "(sync)" not in told


def test_that_one_file_defines_each_dag_is_not_proven_even_where_the_manifest_names_it():
    named = manifest(ExpectedDag("a", file="a.py"))

    assert "only one file" in assumptions(named)
    assert "only one file" in assumptions(manifest("a"))
    assert "only one file" in assumptions(manifest(patterns=["a*"]))


@pytest.mark.parametrize(
    ("reads_all", "words"),
    [(True, None), (False, "may not read every DAG:"), (UNREAD, "could not be found out")],
)
def test_what_the_role_may_read_is_stated(reads_all, words):
    told = assumptions(reads_all=reads_all)

    assert (words in told) if words else ("role" not in told)


def test_unknown_settings_are_stated():
    assert "Airflow's defaults are assumed" in assumptions(environment=UNREAD)
    assert "Airflow's defaults are" not in assumptions(environment=EnvironmentFacts())
    assert "no MWAA environment" in assumptions(environment=None)


def of_folder(finding, *files, prefix=""):
    """The check of a finding in the report of a gate with a local folder."""
    given = folder(*files, prefix=prefix)
    names = {given.deployed_name(one.name): one for one in files}
    outcome = ended(Status.FAILED, finding, view=view(manifest("a"), seen(dag()), local=names))
    report = conclude(
        Expectations(manifest("a"), given),
        Rules(deployed_at=DEPLOYED),
        outcome,
        environment="prod",
        started_at=at(-3),
        calls=12,
        request_ids=[],
    )
    return report.checks[0]


A = local_file("etl/a.py", "a")


def test_a_red_points_to_the_local_file_and_to_the_line_that_defines_its_dag():
    check = of_folder(replace(failed("a"), file="team/etl/a.py"), A, prefix="team")

    assert (check.file, check.line) == ("dags/etl/a.py", 3)


def test_a_line_that_a_trace_names_goes_before_the_definition():
    check = of_folder(replace(failed("a"), file="etl/a.py", line=17), A)

    assert (check.file, check.line) == ("dags/etl/a.py", 17)


@pytest.mark.parametrize("file", [None, "elsewhere/a.py", "/opt/other/a.py"])
def test_where_airflow_sees_a_dag_elsewhere_or_nowhere_the_local_file_is_what_to_mend(file):
    check = of_folder(replace(failed("a"), file=file), A)

    assert (check.file, check.line) == ("dags/etl/a.py", 3)


def test_a_file_that_is_not_local_keeps_airflows_name():
    check = of_folder(replace(failed("z"), file="other/z.py", line=4), A)

    assert (check.file, check.line) == ("other/z.py", 4)
