"""Everything that asks one Airflow, put together: the pace, the repetitions, the server's clock, the observer."""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from validator.airflow.observe import Observer
from validator.clock import SystemClock
from validator.server_clock import ServerClock
from validator.target import CONNECTIONS
from validator.transport.caller import Caller
from validator.transport.pacing import TokenBucket

if TYPE_CHECKING:
    from validator.airflow.observe import LooksAtS3
    from validator.clock import Clock
    from validator.transport.interface import Transport


@dataclass(frozen=True)
class Asking:
    """What one run asks an Airflow with. Thread-safe."""

    caller: Caller
    observer: Observer
    server: ServerClock
    clock: Clock


def ask_through(
    transport: Transport, max_tps: float, clock: Clock | None = None, objects: LooksAtS3 | None = None
) -> Asking:
    """Make what asks the Airflow behind `transport`.

    Args:
        transport: the way to it.
        max_tps: calls a second, at most.
        clock: None: the machine's own.
        objects: what looks at S3 once a round; None: nobody does.
    """
    clock = clock or SystemClock()
    server = ServerClock(clock)
    caller = Caller(transport, TokenBucket(max_tps, clock), clock, server, random.random)
    probe_id = f"mwaa-gate-probe-{secrets.token_hex(6)}"
    return Asking(caller, Observer(caller, server, probe_id, CONNECTIONS, objects), server, clock)
