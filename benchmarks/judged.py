"""What it costs to judge a round of many DAGs and to write the reports: CPU alone, no call is made."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from calls import Counted, Turned
from cost import row

from validator.asking import ask_through
from validator.checks.registry import run_checks
from validator.decision import Verdict, decide
from validator.expectations import Expectations
from validator.finding import Status
from validator.gate import look
from validator.manifest.model import ExpectedDag, Manifest
from validator.plan import Inquiry, Plan, inquiry_of
from validator.reasons import Reason
from validator.report import console
from validator.report.registry import FORMATS
from validator.rules import Deploy
from validator.rules import Rules as GateRules
from validator.sandbox.files import one_dag
from validator.sandbox.rules import Rules
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World
from validator.service import check
from validator.settings import Settings
from validator.state import State
from validator.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from validator.airflow.models import Observation
    from validator.report.interface import Report

EVALUATION = 0.15
REPORT = 1.0
TRACE = (
    "Traceback (most recent call last):\n"
    '  File "/usr/local/airflow/dags/etl/daily.py", line 7, in <module>\n'
    "    import nothing\n"
    "ModuleNotFoundError: No module named 'nothing'\n"
)
_RULES = GateRules(deployed_at=Deploy.NONE)
_TPS = 1000.0


@dataclass(frozen=True)
class Judged:
    """CPU seconds for one round, and what came of it."""

    indexes: float
    """The plan, and the round made ready."""
    findings: float
    """The checks and the decision."""
    status: Status


def way_of(dags: int, airflow: str = "3.3.2") -> tuple[Counted, Turned]:
    """The way to an environment of `dags` DAGs that all hold, with no network in between, and its clock."""
    clock = Turned()
    names = [f"dag_{number:05}" for number in range(dags)]
    rules = Rules(airflow=airflow, min_file_process_interval=300.0, parse=(0.001, 0.001))
    world = World(rules, now=lambda: clock.moment, files={f"{name}.py": one_dag(name) for name in names})
    return Counted(Simulation(world), clock), clock


def expecting(dags: int) -> Manifest:
    """The manifest that expects them all."""
    return Manifest(dags=tuple(ExpectedDag(f"dag_{number:05}") for number in range(dags)))


def observed(dags: int) -> Observation:
    """One round of them, read as the gate reads it."""
    way, clock = way_of(dags)
    everything = Plan(expected=frozenset(dag.dag_id for dag in expecting(dags).dags))
    observer = ask_through(way, _TPS, clock).observer
    return observer.inquire(Inquiry(warnings=True), observer.observe(everything, 600.0), 600.0)


def judge(expectations: Expectations, seen: Observation) -> Judged:
    """Judge a first round."""
    began = time.process_time()
    state, view = look(expectations, _RULES, State(answered=True), seen, 5.0)
    inquiry_of(view)
    ready = time.process_time()
    _, decision = decide(state, run_checks(view), 5.0, _RULES, last=True)
    done = time.process_time()
    status = decision.status if isinstance(decision, Verdict) else Status.PENDING
    return Judged(ready - began, done - ready, status)


def evaluation(dags: int, *, timed: bool = True) -> list[bool]:
    """CPU of judging one round of `dags` DAGs that are all expected and all hold."""
    seen, expectations = observed(dags), Expectations(expecting(dags))
    rounds = [judge(expectations, seen) for _ in range(7)]
    if any(one.status is not Status.PASSED for one in rounds):
        raise SystemExit("the round that was to be judged is not green")
    best = min(rounds, key=lambda one: one.findings)
    what = f"CPU of judging {dags} expectations"
    results = []
    for name, took in (
        ("checks and decision", best.findings),
        ("with the indexes", best.findings + best.indexes),
    ):
        good = not timed or took <= EVALUATION or name != "checks and decision"
        target = f"<= {EVALUATION * 1e3:g}" if name == "checks and decision" else "-"
        results.append(row(f"{what}, {name} (ms)", f"{took * 1e3:.0f}", "", "", target, good=good))
    return results


def reported(dags: int) -> dict[str, Report]:
    """The report of a check of `dags` DAGs: of one on which all holds, and the same with each of them broken."""
    way, clock = way_of(dags)
    green = check(Settings(expecting(dags), Target("simulated"), _TPS, _RULES), way, way, clock)
    if green.exit_code != 0:
        raise SystemExit(green.summary)
    red = replace(
        green,
        verdict=Status.FAILED,
        exit_code=1,
        checks=tuple(
            replace(
                one,
                status=Status.FAILED,
                reason=Reason.DAG_IMPORT_ERROR,
                line=7,
                details={**one.details, "stack_trace": TRACE},
            )
            for one in green.checks
        ),
    )
    return {"green": green, "red": red}


def reports(dags: int, *, timed: bool = True) -> list[bool]:
    """CPU of each report of `dags` checks."""
    results = []
    for kind, report in reported(dags).items():
        for name, write in writers().items():
            began = time.process_time()
            length = write(report)
            took = time.process_time() - began
            what = f"CPU of the {name} report, {dags} checks, {kind}, {length / 1e6:.1f} MB (s)"
            good = not timed or took <= REPORT
            results.append(row(what, f"{took:.2f}", "", "", f"<= {REPORT:g}", good=good))
    return results


def writers() -> dict[str, Callable[[Report], int]]:
    """Every format, and what writes it and tells its length."""

    def shown(report: Report) -> int:
        stream = io.StringIO()
        console.show(report, stream, verbose=True, environ={})
        return len(stream.getvalue())

    def written(number: int) -> Callable[[Report], int]:
        return lambda report: len(FORMATS[number].render(report))

    return {"console": shown, **{one.name: written(number) for number, one in enumerate(FORMATS)}}
