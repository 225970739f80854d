"""One gate, start to report: the composition that every surface uses."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from validator.airflow.models import Unread, as_unread
from validator.asking import ask_through
from validator.clock import SystemClock
from validator.conclude import conclude
from validator.errors import CallFailed, CannotTell
from validator.expectations import Expectations
from validator.gate import Interrupted, Leg, Outcome, begun, interrupt, run
from validator.history import History
from validator.memory import leave
from validator.reasons import Reason
from validator.target import reach
from validator.transport.aws_session import AwsSession
from validator.transport.caller import FINISH_WITHIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from validator.airflow.observe import LooksAtS3
    from validator.asking import Asking
    from validator.clock import Clock
    from validator.finding import Finding
    from validator.gate import Progress
    from validator.report.interface import Report
    from validator.s3.interface import S3Object, Witness
    from validator.settings import Settings
    from validator.transport.interface import EnvironmentFacts, Transport


def check_environment(
    settings: Settings, progress: Progress, decided: Callable[[], None] = lambda: None
) -> Report:
    """Check the Airflow that the settings name; see `check`.

    Raises:
        UsageError: the environment's name can be no such name, or the URL none that can be called.
    """
    session = _session(settings)
    transport = reach(settings.target, session)
    return check(settings, transport, progress, decided=decided, witness=_witness(settings, session))


def visit_environment(
    settings: Settings, progress: Progress, memory: Memory | None, seconds: float
) -> Report | Pending:
    """Make one part of a wait on the Airflow that the settings name; see `go_on`.

    Raises:
        UsageError: as for `check_environment`.
    """
    session = _session(settings)
    transport = reach(settings.target, session)
    witness = _witness(settings, session)
    return go_on(settings, transport, progress, witness=witness, memory=memory, seconds=seconds)


@dataclass(frozen=True)
class Memory:
    """What one process leaves to the next that goes on with the same wait."""

    outcome: Outcome
    """How things stand: only its state and its plain values; see `memory.leave`."""
    started_at: datetime
    """UTC, when the gate itself started."""
    calls: int = 0
    """Made so far."""
    repeats: int = 0
    """Those of them that repeated one that had failed."""


@dataclass(frozen=True)
class Pending:
    """A wait that was left off before anything was decided."""

    memory: Memory
    findings: tuple[Finding, ...]
    """As they stand, some of them pending."""
    next_look: float
    """Seconds until the next look is due."""


def check(  # noqa: PLR0913 - all that is not pure comes in from outside
    settings: Settings,
    transport: Transport,
    progress: Progress,
    clock: Clock | None = None,
    decided: Callable[[], None] = lambda: None,
    witness: Witness | None = None,
) -> Report:
    """Check the environment behind `transport`, for as long as the settings allow.

    Args:
        settings: what is expected, and the rules of the wait.
        transport: the way to the environment's Airflow.
        progress: is told of every round.
        clock: None: the machine's own.
        witness: lists what S3 holds; None: S3 is not asked.
        decided: called once the wait is over: `Interrupted` may be raised until then, and never after.
    """
    told = go_on(settings, transport, progress, clock, decided, witness)
    if isinstance(told, Pending):  # pragma: no cover - only a wait in parts is ever left off
        raise TypeError("a wait without parts was left off")
    return told


def go_on(  # noqa: PLR0913 - the same
    settings: Settings,
    transport: Transport,
    progress: Progress,
    clock: Clock | None = None,
    decided: Callable[[], None] = lambda: None,
    witness: Witness | None = None,
    memory: Memory | None = None,
    seconds: float = math.inf,
) -> Report | Pending:
    """Make one part of a wait: like `check`, but for `seconds` at most, and going on where `memory` left off.

    Args:
        settings: those of the whole wait.
        transport: as for `check`.
        progress: as for `check`.
        clock: as for `check`.
        decided: as for `check`.
        witness: as for `check`.
        memory: what the part before left; None: this is the first.
        seconds: after so long no round is begun but the first, and no call repeated. A round under way may take a
            call's time longer.
    """
    clock = clock or SystemClock()
    started_at = datetime.now(timezone.utc)
    is_first = memory is None
    memory = memory or Memory(begun(settings.rules), started_at)
    gone_by = max(0.0, (started_at - memory.started_at).total_seconds())
    asking = ask_through(transport, settings.max_tps, clock, _looks_at_s3(settings, witness, clock))
    caller = asking.caller
    expectations = Expectations(settings.manifest, settings.folder)
    history = History(
        progress,
        lambda: memory.calls + caller.calls,
        lambda: memory.repeats + caller.repeats,
        None if is_first else gone_by,
    )
    outcome = memory.outcome
    leg = Leg(outcome, gone_by, gone_by + seconds)
    try:
        outcome = run(expectations, settings.rules, asking.observer, clock, history, transport.where, leg)
        if outcome.next_look is not None:
            state = leave(outcome.state, outcome.view, outcome.elapsed, settings.rules.grace)
            bare = replace(outcome, state=state, findings=(), seen=None, view=None, next_look=None)
            calls, repeats = memory.calls + caller.calls, memory.repeats + caller.repeats
            return Pending(
                Memory(bare, memory.started_at, calls, repeats), outcome.findings, outcome.next_look
            )
        if settings.manifest.smoke:
            outcome = _with_smoke(settings, outcome, asking, history, decided)
        decided()
    except Interrupted as interrupted:
        outcome = interrupt(outcome, interrupted.signal)
    return conclude(
        expectations,
        settings.rules,
        outcome,
        environment=transport.where,
        started_at=memory.started_at,
        calls=memory.calls + caller.calls,
        request_ids=caller.request_ids,
        timeline=history.timeline,
    )


def _with_smoke(
    settings: Settings, outcome: Outcome, asking: Asking, progress: Progress, decided: Callable[[], None]
) -> Outcome:
    """The outcome with that of the smoke runs."""
    from validator.smoke.key import key_of  # noqa: PLC0415 - few manifests have any
    from validator.smoke.run import smoke  # noqa: PLC0415 - the same

    wanted, key = settings.manifest.smoke, key_of(settings, secrets.token_hex(8))
    return smoke(outcome, wanted, key, asking, progress, decided, settings.rules)


def _session(settings: Settings) -> AwsSession:
    """What every AWS client of the run shares."""
    target = settings.target
    return AwsSession(target.region, target.profile, target.role_arn)


def _witness(settings: Settings, session: AwsSession) -> Witness | None:
    """Who is asked about S3; None: nobody."""
    if settings.folder is None or not settings.folder.digests:
        return None
    from validator.s3.listing import S3Witness  # noqa: PLC0415 - few checks ask S3

    return S3Witness(session)


def _looks_at_s3(settings: Settings, witness: Witness | None, clock: Clock) -> LooksAtS3 | None:
    """What the observer asks once a round: where the folder lies in S3, and what is there.

    A round that only confirms another comes at once: then the listing of a moment ago does.
    """
    folder = settings.folder
    if witness is None or folder is None:
        return None
    from validator.s3.location import location_of  # noqa: PLC0415 - few checks ask S3

    latest: tuple[float, Mapping[str, S3Object]] | None = None

    def look(
        facts: EnvironmentFacts | Unread | None, deadline: float
    ) -> tuple[str, Mapping[str, S3Object] | Unread]:
        nonlocal latest
        location = location_of(settings.dags_s3, facts, folder.prefix)
        if isinstance(location, Unread):
            return "S3", location
        now = clock.now()
        if latest is not None and now - latest[0] < settings.rules.interval / 2:
            return str(location), latest[1]
        if now > deadline + FINISH_WITHIN:
            return str(location), Unread(Reason.UNREACHABLE, "the time was up before it could be asked")
        try:
            latest = (now, witness.objects(location))
            return str(location), latest[1]
        except CannotTell as error:
            return str(location), as_unread(error)
        except CallFailed as failed:
            return str(location), Unread(failed.reason, failed.message, heals=failed.retry)

    return look
