"""The moments and spans that a wait is judged by. Pure; sources: DESIGN sections 1 and 5, AWS.md section 1."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from validator.airflow.dialect import AIRFLOW_3
from validator.checks.interface import Times
from validator.durations import MAX_SECONDS
from validator.rules import Deploy
from validator.server_clock import DATE_RESOLUTION
from validator.transport.interface import EnvironmentFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validator.airflow.models import Observation
    from validator.checks.objects import Deployed
    from validator.rules import Rules
    from validator.state import State

RECENT = timedelta(minutes=10)
"""Without a deploy a parse within this time is demanded all the same."""
SHORTEST_AUTO = 600.0
"""Seconds: `timeout: auto` is never shorter."""
LONGEST_CYCLE = 1800.0
"""Seconds: a DAG that was not parsed for longer is stuck, and says nothing of how long a parse cycle takes."""
SCAN_INTERVAL = 300.0
"""Seconds until Airflow finds a new file, by default."""
SERVED_FOR = 10.0
"""Seconds for which a web server shows its own copy of a serialized DAG, by default (read in 2.10.5 and 3.0.6)."""
_FETCH_OPTION = "core.min_serialized_dag_fetch_interval"
_SETTLE_OPTION = "core.min_serialized_dag_update_interval"


def deployed_at_of(rules: Rules, seen: Observation) -> datetime | None:
    """When the deploy ended, on the server's clock; None: there was none.

    `now` is the server's time at the first answer. A Date header cuts the second off, so it is rounded up:
    a deploy that is taken for older than it is would make a false green.
    """
    if isinstance(rules.deployed_at, datetime):
        return rules.deployed_at
    return seen.began + DATE_RESOLUTION if rules.deployed_at is Deploy.NOW else None


def later_deploy(rules: Rules, state: State, seen: Observation, gate_now: float) -> datetime | None:
    """The deploy's end by what is known of the server's clock by now.

    A Date that comes closer to the server's true time moves it later; nothing ever moves it back.
    """
    if rules.deployed_at is not Deploy.NOW or state.deployed_at is None:
        return state.deployed_at
    by_now = seen.ended - timedelta(seconds=gate_now - state.answered_at) + DATE_RESOLUTION
    return max(state.deployed_at, by_now)


def times_of(
    rules: Rules, state: State, seen: Observation, gate_now: float, deployed: Deployed | None = None
) -> Times:
    """The moments that this round is judged by; `deployed`: when S3 says that each file was written."""
    recent = seen.ended - RECENT
    if state.deployed_at is None:
        scan = scan_interval_of(seen)
        return Times(recent, recent, rules.grace, gate_now, recent, deploy=False, scan_interval=scan)
    sync = timedelta(seconds=rules.sync)
    settle = settle_of(rules, seen)
    arrived_at = state.deployed_at + sync
    fresh_after = arrived_at + timedelta(seconds=settle)
    over = state.cycle_over_at
    # A cycle that was over before was the old files': the deploy may have turned out to be later.
    settled_after = max(over, fresh_after) if over is not None and over >= arrived_at else None
    return Times(
        arrived_at,
        fresh_after,
        rules.grace,
        gate_now,
        settled_after,
        settle=settle,
        served_for=_number(_options(seen), _FETCH_OPTION, SERVED_FOR),
        scan_interval=scan_interval_of(seen),
        told=rules.deployed_at if isinstance(rules.deployed_at, datetime) else None,
        arrivals=_arrivals(rules, deployed, sync),
        folder_arrived=deployed.folder + sync if deployed is not None and deployed.folder else None,
        # Written long ago is no word on whether anything still parses.
        recent=recent if deployed is not None else None,
    )


def _arrivals(rules: Rules, deployed: Deployed | None, sync: timedelta) -> dict[str, datetime]:
    """When each file arrived, by what S3 says; what S3 says only ever makes a given time of deploy later."""
    if deployed is None:
        return {}
    told = rules.deployed_at if isinstance(rules.deployed_at, datetime) else None
    return {name: max(moment, told or moment) + sync for name, moment in deployed.files.items()}


def settle_of(rules: Rules, seen: Observation) -> float:
    """Seconds: the larger of the option and what the environment sets."""
    return max(rules.settle, _number(_options(seen), _SETTLE_OPTION, 0.0))


def scan_interval_of(seen: Observation) -> float:
    """Seconds until a new file is found: as the environment sets it, or Airflow's default."""
    airflow_3 = seen.version is not None and seen.version.major >= AIRFLOW_3
    option = "dag_processor.refresh_interval" if airflow_3 else "scheduler.dag_dir_list_interval"
    return _number(_options(seen), option, SCAN_INTERVAL)


def cycle_of(seen: Observation) -> float:
    """Seconds that a parse cycle takes: the age of the oldest parse on the list, within reason."""
    parses = [
        dag.last_parsed for dag in seen.dags.rows if dag.last_parsed is not None and not dag.has_import_errors
    ]
    if not parses:
        return 0.0
    return min(LONGEST_CYCLE, max(0.0, (seen.ended - min(parses)).total_seconds()))


def span_of(rules: Rules, seen: Observation) -> float:
    """Seconds from a deploy until Airflow runs the new version at the latest, by what the first round showed."""
    return rules.sync + scan_interval_of(seen) + cycle_of(seen) + settle_of(rules, seen)


def timeout_of(rules: Rules, seen: Observation) -> float:
    """Seconds that the gate waits, from its start."""
    return rules.timeout if rules.timeout is not None else max(SHORTEST_AUTO, 1.5 * span_of(rules, seen))


def too_short_by(rules: Rules, state: State, seen: Observation) -> float:
    """Seconds that the timeout misses for a new file to be sure to show; 0 where it is long enough."""
    if state.deployed_at is None or rules.timeout is None:
        return 0.0
    gone_by = max(0.0, (seen.began - state.deployed_at).total_seconds())
    return max(0.0, span_of(rules, seen) - gone_by - rules.timeout)


def _options(seen: Observation) -> Mapping[str, str]:
    return seen.environment.options if isinstance(seen.environment, EnvironmentFacts) else {}


def _number(options: Mapping[str, str], key: str, default: float) -> float:
    try:
        number = float(options[key])
    except (KeyError, ValueError):
        return default
    return number if 0 <= number <= MAX_SECONDS else default
