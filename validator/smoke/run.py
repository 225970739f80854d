"""From a green wait to its last word: the smoke runs, and what they change of it."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from validator.airflow.runs import RunCalls
from validator.finding import Status
from validator.gate import Interrupted, interrupt
from validator.smoke.attempts import attempts_of, not_started
from validator.smoke.phase import POLL, Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from validator.asking import Asking
    from validator.finding import Finding
    from validator.gate import Outcome, Progress
    from validator.manifest import SmokeRun
    from validator.rules import Rules


def smoke(  # noqa: PLR0913 - the wait before it, and all that is not pure
    outcome: Outcome,
    wanted: Sequence[SmokeRun],
    key: str,
    asking: Asking,
    progress: Progress,
    decided: Callable[[], None],
    rules: Rules,
) -> Outcome:
    """The outcome of a wait with that of its smoke runs, which start only if it was green.

    Whatever ends them, also a signal or a mistake of the gate's own, what they leave in Airflow against `keep` is removed.

    Args:
        outcome: of the wait, decided.
        wanted: the manifest's smoke runs.
        key: what their ids are made of; see `smoke.key`.
        asking: what asks the Airflow.
        progress: is told of every look.
        decided: called once no signal may interrupt any more: cleaning up has begun.
        rules: those of the wait.
    """
    version = outcome.seen.version if outcome.seen is not None else None
    if outcome.status is not Status.PASSED or outcome.interrupted_by is not None or version is None:
        return replace(outcome, findings=(*outcome.findings, *not_started(wanted)))
    attempts = list(attempts_of(wanted, key))
    start = asking.clock.now() - outcome.elapsed
    longest = max(one.timeout for one in wanted)

    def tell(findings: Sequence[Finding], elapsed: float) -> None:
        progress.round((*outcome.findings, *findings), elapsed, outcome.elapsed + longest)

    calls = RunCalls(asking.caller, version)
    not_before = rules.deployed_at if isinstance(rules.deployed_at, datetime) else None
    pause = min(POLL, rules.interval)
    phase = Phase(attempts, calls, asking.clock, start, asking.server.now, tell, not_before, pause)
    signal: int | None = None
    progress.note(f"Everything else is green: {_counted(len(attempts))} now.")
    try:
        phase.run(math.inf)
        decided()
    except Interrupted as interrupted:
        signal = interrupted.signal
        progress.note("Interrupted: what the smoke runs must not leave in Airflow is removed first.")
    except BaseException:
        with suppress(Interrupted):  # what must not stay is removed all the same
            decided()
        phase.clean()
        raise
    phase.clean()
    progress.finished()
    findings = (*outcome.findings, *phase.findings())
    ended = replace(outcome, status=_status(findings), findings=findings, elapsed=phase.elapsed)
    return ended if signal is None else interrupt(ended, signal)


def _counted(count: int) -> str:
    return "one smoke run starts" if count == 1 else f"{count} smoke runs start"


def _status(findings: Sequence[Finding]) -> Status:
    """The verdict: a red before what could not be seen, and that before green."""
    seen = {finding.status for finding in findings}
    if Status.FAILED in seen:
        return Status.FAILED
    return Status.ERROR if seen & {Status.ERROR, Status.PENDING} else Status.PASSED
