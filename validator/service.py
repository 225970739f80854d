"""One gate, start to report: the composition that every surface uses."""

from __future__ import annotations

import random
import secrets
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from validator.airflow.observe import Observer
from validator.clock import SystemClock
from validator.conclude import conclude
from validator.gate import Interrupted, begun, interrupt, run
from validator.server_clock import ServerClock
from validator.transport.caller import Caller
from validator.transport.invoke_rest_api import connect
from validator.transport.pacing import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Callable

    from validator.clock import Clock
    from validator.gate import Progress
    from validator.report.interface import Report
    from validator.settings import Settings
    from validator.transport.interface import Transport

WORKERS = 8
"""Pages that may be read at once."""


def check_environment(
    settings: Settings, progress: Progress, decided: Callable[[], None] = lambda: None
) -> Report:
    """Check the MWAA environment that the settings name; see `check`.

    Raises:
        UsageError: the environment's name can be no such name.
    """
    transport = connect(
        settings.environment,
        region=settings.region,
        profile=settings.profile,
        role_arn=settings.role_arn,
        connections=WORKERS,
    )
    return check(settings, transport, progress, decided=decided)


def check(
    settings: Settings,
    transport: Transport,
    progress: Progress,
    clock: Clock | None = None,
    decided: Callable[[], None] = lambda: None,
) -> Report:
    """Check the environment behind `transport`, for as long as the settings allow.

    Args:
        settings: what is expected, and the rules of the wait.
        transport: the way to the environment's Airflow.
        progress: is told of every round.
        clock: None: the machine's own.
        decided: called once the wait is over: `Interrupted` may be raised until then, and never after.
    """
    clock = clock or SystemClock()
    server = ServerClock(clock)
    bucket = TokenBucket(settings.max_tps, clock)
    caller = Caller(transport, bucket, clock, server, random.random)
    observer = Observer(caller, server, f"mwaa-gate-probe-{secrets.token_hex(6)}", WORKERS)
    started_at = datetime.now(timezone.utc)
    outcome = begun(settings.rules)
    try:
        outcome = run(settings.manifest, settings.rules, observer, clock, progress, transport.where)
        decided()
    except Interrupted as interrupted:
        outcome = interrupt(outcome, interrupted.signal)
    return conclude(
        settings.manifest,
        settings.rules,
        outcome,
        environment=transport.where,
        started_at=started_at,
        calls=caller.calls,
        request_ids=caller.request_ids,
    )
