"""Asks Airflow what the caller may see: one round of the gate, and a few calls more. Only GETs.

What the answers mean for a role: AIRFLOW.md sections 5, 8 and 9. No value of a variable and nothing of a connection
is ever asked for: the keys that are asked for cannot exist.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from validator.airflow.dialect import AIRFLOW_3, dialect_of, read_health, read_version
from validator.airflow.paths import escaped
from validator.doctor.facts import AirflowFacts, Failure, OddVersion, Probe
from validator.errors import CallFailed
from validator.plan import Plan
from validator.reasons import ADVICE, Reason
from validator.transport.interface import CALL_TIMEOUT, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from validator.airflow.models import Component, Dag, Observation, Version
    from validator.asking import Asking
    from validator.doctor.watched import Means

SAMPLES = 5
"""Paced calls whose answer times are told."""
SAMPLING = 10.0
"""Seconds after which no further of them begins: the round needs its own time."""
_ROUND = 30.0
"""Seconds that the one round may take."""
_CALL = CALL_TIMEOUT
"""Seconds in which one call may be repeated: so one that hangs is not."""
_NOT_FOUND = 404
_DENIED = (401, 403)


def ask_version(asking: Asking) -> Version | OddVersion:
    """Airflow's version: the first call of its API.

    Raises:
        CallFailed: no such answer.
        CannotTell: no call can do better.
    """
    deadline = asking.clock.now() + _CALL
    answer = asking.caller.get(Request("/version"), deadline)
    try:
        return read_version(answer.body)
    except CallFailed as odd:
        return OddVersion(odd.message)


def ask_airflow(version: Version, means: Means) -> AirflowFacts:
    """What can be seen of Airflow, whose version is known by now. Never raises a GateError."""
    clock = means.asking.clock
    before = len(means.watched.calls)
    samples = tuple(_samples(version, means))
    health_at = means.asking.server.now() if means.asking.server.known else None
    first, began = len(means.watched.calls), clock.now()
    deadline = began + min(_ROUND, means.patience.left)
    seen = means.patience.ask(lambda: means.asking.observer.observe(Plan(), deadline), _ROUND)
    round_seconds = clock.now() - began
    every_round = (dialect_of(version).health_path, "/dags", "/importErrors")
    round_calls = sum(call.path in every_round for call in means.watched.calls[first:])
    probes: dict[str, Probe] = {}
    if not isinstance(seen, Failure) and seen.dags.unread is None:
        asked = means.patience.ask_all(_probes(version, seen, means))
        probes = {name: _told(outcome) for name, outcome in asked.items()}
    return AirflowFacts(
        version=version,
        seen=seen,
        probes=probes,
        samples=samples,
        sampled=means.watched.calls[before:first],
        all_calls=means.watched.calls,
        round_calls=round_calls,
        round_seconds=round_seconds,
        health_at=health_at,
    )


def _probes(version: Version, seen: Observation, means: Means) -> Mapping[str, Callable[[], Probe]]:
    """What is asked for beyond a round, by the line that tells it."""
    nobody = f"mwaa-gate-probe-{secrets.token_hex(6)}"
    dag = min((one for one in seen.dags.rows if one.active), key=lambda one: len(one.dag_id), default=None)
    tasks = f"/dags/{escaped(dag.dag_id if dag is not None else nobody)}/tasks"
    return {
        "reads-tasks": lambda: _ask(tasks, means, exists=dag is not None),
        "reads-sources": lambda: _source(version, dag, nobody, means),
        "reads-pools": lambda: _ask("/pools", means, limit=1),
        "reads-warnings": lambda: _ask("/dagWarnings", means, limit=1),
        "reads-variables": lambda: _ask(f"/variables/{nobody}", means, exists=False),
        "reads-connections": lambda: _ask(f"/connections/{nobody}", means, exists=False),
    }


def _source(version: Version, dag: Dag | None, nobody: str, means: Means) -> Probe:
    """Whether a DAG's source may be read: by its id (Airflow 3), or by its file's token (2.x), which no MWAA path holds."""
    longest = means.asking.caller.longest_path
    if version.major < AIRFLOW_3 and longest is not None:
        return Probe(
            None,
            f"Airflow 2 is asked for a source by a long token, and MWAA takes paths of {longest} characters",
            limit=True,
        )
    if dag is not None and dag.source_key is None:
        seen = f"Airflow tells no key by which the source of {dag.dag_id} could be asked for"
        return Probe(None, seen, ADVICE[Reason.BAD_RESPONSE])
    key = dag.source_key if dag is not None and dag.source_key is not None else nobody
    path = f"/dagSources/{escaped(key)}"
    if longest is not None and len(path) > longest:
        return Probe(None, f"every DAG id is too long for a path of {longest} characters", limit=True)
    return _ask(path, means, exists=dag is not None)


def _ask(path: str, means: Means, *, exists: bool = True, **query: int) -> Probe:
    """Whether `path` may be read; of one that does not exist 404 says so, and 403 that it may not.

    Raises:
        CallFailed: neither can be told.
        CannotTell: no call can do better.
    """
    caller, clock = means.asking.caller, means.asking.clock
    deadline = clock.now() + min(_CALL, means.patience.left)
    try:
        caller.get(Request(path, query), deadline)
    except CallFailed as failed:
        if failed.status in _DENIED:
            return Probe(allowed=False, seen=failed.message)
        if failed.status == _NOT_FOUND and not exists:
            return Probe(allowed=True)
        raise
    if not exists:
        return Probe(None, f"Airflow says that {path} exists, and it cannot", ADVICE[Reason.BAD_RESPONSE])
    return Probe(allowed=True)


def _told(outcome: Probe | Failure) -> Probe:
    if isinstance(outcome, Failure):
        return Probe(None, outcome.message, outcome.advice or ADVICE[outcome.reason])
    return outcome


def _samples(version: Version, means: Means) -> list[Mapping[str, Component] | Failure]:
    """Health, a few times in a row: Airflow 3.0 calls its live DAG processor unhealthy for a second now and then."""
    path = dialect_of(version).health_path
    caller, clock = means.asking.caller, means.asking.clock

    def one() -> Any:  # noqa: ANN401 - read_health's, or a failure's
        return read_health(caller.get(Request(path), clock.now() + _CALL).body)

    began = clock.now()
    samples: list[Mapping[str, Component] | Failure] = []
    for _ in range(SAMPLES):
        samples.append(means.patience.ask(one))
        if isinstance(samples[-1], Failure) or clock.now() - began > SAMPLING:
            break  # a server that hangs would eat the time of the others
    return samples
