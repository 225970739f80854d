"""However a wait ends, all reports, GitHub, the console and the exit code tell the same, read by readers of their own."""

from __future__ import annotations

from dataclasses import replace

import told
from hypothesis import event, given, settings
from hypothesis import strategies as st
from played import unhurried, waits
from rounds import DEPLOYED, FakeClock, no_warnings, silent_progress

from validator.conclude import conclude, cut_short
from validator.expectations import Expectations
from validator.gate import Interrupted, run
from validator.history import History
from validator.report.console import render_plain
from validator.report.github import annotate
from validator.report.registry import FORMATS

some = settings(unhurried, max_examples=60)


class Airflow:
    """Plays rounds, the last of them for ever; a signal comes in one of them."""

    def __init__(self, clock, rounds, signal_in):
        self.clock, self.rounds, self.signal_in, self.count = clock, rounds, signal_in, 0

    def inquire(self, inquiry, seen, deadline):
        return no_warnings(inquiry, seen)

    def observe(self, plan, deadline):
        self.clock.time += 0.1
        self.count += 1
        if self.count == self.signal_in:
            raise Interrupted(15)
        return self.rounds[min(self.count, len(self.rounds)) - 1][1]


def report_of(wait, signal_in):
    manifest, rules, rounds = wait
    clock = FakeClock()
    history = History(silent_progress(), lambda: clock.time, lambda: 0, None)
    expectations = Expectations(manifest)
    airflow = Airflow(clock, rounds, signal_in)
    outcome = run(expectations, replace(rules, timeout=60.0), airflow, clock, history, "prod")
    return conclude(
        expectations,
        rules,
        outcome,
        environment="prod",
        started_at=DEPLOYED,
        calls=5,
        request_ids=[],
        timeline=history.timeline,
    )


def all_agree(report):
    """The one thing that all reports tell."""
    read = {one.name: told.read(one.name, one.render(report)) for one in FORMATS}
    assert set(read) == set(told.READS)
    first = read["json"]
    for name, one in read.items():
        assert one == first, name
    assert (first.verdict, first.exit_code) == (str(report.verdict), report.exit_code)
    assert first.verdict == {0: "passed", 1: "failed"}.get(first.exit_code, "error")
    if first.verdict == "passed":
        assert not {"failed", "error"} & set(first.titles)

    lines = told.of_console(render_plain(report, verbose=True))
    assert (lines.verdict, lines.exit_code, lines.counts) == (first.verdict, first.exit_code, first.counts)
    for status, titles in first.titles.items():
        for title in titles:
            assert any(line.startswith(f"{title}: ") for line in lines.titles[status]), title
    levels = [one.level for one in annotate(report, lambda file: None)]
    assert ("error" in levels) == (first.verdict != "passed")
    assert ("warning" in levels) == ("warning" in first.titles)
    return first


@some
@given(waits(), st.sampled_from([None, None, None, 1, 2, 3]))
def test_whatever_a_wait_ends_with_all_that_is_told_agrees(wait, signal_in):
    report = report_of(wait, signal_in)

    one = all_agree(report)

    event(f"{one.verdict} {one.exit_code}")
    if one.verdict == "passed":
        late = all_agree(cut_short(report, 15))
        assert (late.verdict, late.exit_code, late.titles) == ("error", 143, one.titles)


@some
@given(waits())
def test_a_final_red_is_red_in_every_report(wait):
    """What was final in any look is there in the end, also where it has healed since, or its subject is gone."""
    manifest, rules, rounds = wait
    clock = FakeClock()
    airflow = Airflow(clock, rounds, None)
    expectations = Expectations(manifest)
    outcome = run(
        expectations, replace(rules, fail_fast=False, timeout=60.0), airflow, clock, silent_progress(), "prod"
    )
    report = conclude(
        expectations, rules, outcome, environment="prod", started_at=DEPLOYED, calls=1, request_ids=[]
    )

    reds = all_agree(report).titles.get("failed", ())
    shown = {check.id for check in report.checks if check.status == "failed"}

    event(f"{len(outcome.state.finals)} final")
    assert set(outcome.state.finals) <= shown
    assert len(shown) == len(reds)
    assert not outcome.state.finals or report.exit_code == 1
