"""Clocks, intervals and pace, to lines. Pure; the rules: DESIGN section 5, AWS.md section 1, AIRFLOW.md section 13."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING

from validator.airflow.dialect import AIRFLOW_3
from validator.doctor.facts import AirflowFacts, Failure, Tick
from validator.doctor.model import GROUPS, TIME, Line, ok, problem, skipped, warning
from validator.durations import format_duration
from validator.timing import (
    LONGEST_CYCLE,
    SHORTEST_AUTO,
    cycle_of,
    scan_interval_of,
    settle_of,
    span_of,
    timeout_of,
)
from validator.transport.interface import EnvironmentFacts

if TYPE_CHECKING:
    from validator.airflow.models import Observation
    from validator.rules import Rules

SKEWED = 60.0
"""Seconds that two clocks may differ by."""
REFUSED = 240.0
"""Seconds: AWS refuses signatures that are five minutes off."""
SLOW = 8.0
"""Seconds: MWAA gives a call up after ten (AWS.md section 1)."""
_SET = "Set this machine's clock (NTP)."


def judge_clock(tick: Tick | None, cause: str | None, *, signed: bool) -> Line:
    """The line of the clocks.

    Args:
        tick: the best Date that an answer had; None: none had one.
        cause: the line that kept everything from being asked; None: there is none.
        signed: whether AWS is called, which refuses signatures of other times.
    """
    if tick is None:
        if cause is not None:
            return skipped("clock", cause)
        return problem(
            "clock",
            "No answer has a Date header, so the server's clock is unknown and nothing can be called new.",
            "Look at proxies in between: one of them takes the header out.",
        )
    margin = 0.5 + tick.travel.total_seconds() / 2
    details = {"skew_s": round(tick.skew, 1), "margin_s": round(margin, 1)}
    off = max(0.0, abs(tick.skew) - margin)
    behind = "behind" if tick.skew > 0 else "ahead of"
    said = f"This machine's clock is {format_duration(abs(tick.skew))} {behind} the server's (give or take {margin:.1f}s)."
    if off <= SKEWED:
        within = said if off > 0 else f"This machine's clock and the server's agree within {margin:.1f}s."
        return ok("clock", f"{within} The gate goes by the server's.", **details)
    if signed and off > REFUSED:
        return problem("clock", f"{said} AWS refuses signatures that are 5m off.", _SET, **details)
    limit = " AWS refuses signatures that are 5m off." if signed else ""
    return warning("clock", f"{said} The gate goes by the server's.{limit}", _SET, **details)


def judge_time(facts: AirflowFacts, rules: Rules, max_tps: float) -> list[Line]:
    """The lines of intervals, the timeout that follows, and the pace."""
    seen = facts.seen
    pace = _pace(facts, max_tps)
    if isinstance(seen, Failure) or seen.dags.unread is not None:
        return [pace if each == "pace" else skipped(each, "reads-dags") for each in GROUPS[TIME]]
    return [
        _scan(facts, seen),
        _cycle(seen),
        _timeout(rules, seen),
        pace,
        _round(facts, seen, rules, max_tps),
    ]


def _scan(facts: AirflowFacts, seen: Observation) -> Line:
    section = (
        "dag_processor.refresh_interval"
        if facts.version.major >= AIRFLOW_3
        else "scheduler.dag_dir_list_interval"
    )
    seconds = scan_interval_of(seen)
    told = seen.environment
    details = {"scan_interval_s": seconds, "option": section}
    said = f"A new file is found within {format_duration(seconds)}"
    if not isinstance(told, EnvironmentFacts):
        return ok(
            "scan-interval",
            f"{said}: Airflow's default of {section}, since nobody tells what is set.",
            **details,
        )
    if section not in told.options:
        return ok(
            "scan-interval", f"{said}: Airflow's default, the environment sets no {section}.", **details
        )
    if not _is_number(told.options[section], seconds):
        return warning(
            "scan-interval",
            f"The environment sets {section} to {told.options[section]!r}, which is no number of seconds up to a day: "
            f"the gate takes {format_duration(seconds)}.",
            "Mend the option, or take it off the environment.",
            **details,
        )
    return ok("scan-interval", f"{said}, as the environment sets {section}.", **details)


def _is_number(text: str, seconds: float) -> bool:
    try:
        return float(text) == seconds
    except ValueError:
        return False


def _cycle(seen: Observation) -> Line:
    parsed = [
        (dag.last_parsed, dag.dag_id)
        for dag in seen.dags.rows
        if dag.last_parsed is not None and not dag.has_import_errors
    ]
    if not parsed:
        return ok("parse-cycle", "No DAG on the list was parsed yet, so it is not known.", parse_cycle_s=None)
    oldest, dag_id = min(parsed)
    age = max(0.0, (seen.ended - oldest).total_seconds())
    details = {"oldest_parse_s": round(age, 1), "dag_id": dag_id, "parse_cycle_s": round(cycle_of(seen), 1)}
    said = f"The oldest parse on the list is {format_duration(age)} old, that of {dag_id}"
    if age > LONGEST_CYCLE:
        return warning(
            "parse-cycle",
            f"{said}: longer than a parse cycle takes.",
            "Look whether a DAG processor runs, and whether one dies or times out on that DAG's file: the gate would wait "
            "for it in vain.",
            **details,
        )
    return ok("parse-cycle", f"{said}: a file waits for so long until it is parsed again.", **details)


def _timeout(rules: Rules, seen: Observation) -> Line:
    span, timeout = span_of(rules, seen), timeout_of(rules, seen)
    parts = (
        f"sync {format_duration(rules.sync)} + scan {format_duration(scan_interval_of(seen))} + parse cycle "
        f"{format_duration(cycle_of(seen))} + settle {format_duration(settle_of(rules, seen))}"
    )
    details = {"timeout_s": round(timeout, 1), "span_s": round(span, 1), "auto": rules.timeout is None}
    if rules.timeout is not None and rules.timeout < span:
        return warning(
            "timeout",
            f"The manifest's timeout of {format_duration(timeout)} is shorter than the {format_duration(span)} until "
            f"Airflow surely runs a new file ({parts}): the gate would be flaky.",
            "Set `timeout: auto`, or a longer one.",
            **details,
        )
    named = "`timeout: auto` is" if rules.timeout is None else "The manifest's timeout is"
    least = f", {format_duration(SHORTEST_AUTO)} at least" if rules.timeout is None else ""
    return ok(
        "timeout",
        f"{named} {format_duration(timeout)}{least}. Until Airflow surely runs a new file it takes {format_duration(span)} "
        f"({parts}): a timeout shorter than that would be flaky.",
        **details,
    )


def _pace(facts: AirflowFacts, max_tps: float) -> Line:
    times = [call.seconds for call in facts.sampled if call.answered]
    throttled = sum(call.throttled for call in facts.all_calls)
    if not times:
        return skipped("pace", "reads-health")
    middle, slowest = median(times), max(times)
    details = {
        "calls": len(facts.all_calls),
        "throttled": throttled,
        "median_s": round(middle, 3),
        "slowest_s": round(slowest, 3),
        "max_tps": max_tps,
    }
    said = f"{len(times)} paced calls took {_short(middle)} at the median, {_short(slowest)} at most"
    if throttled:
        return warning(
            "pace",
            f"{said}; {throttled} of {len(facts.all_calls)} calls were throttled at --max-tps {max_tps:g}.",
            "Everybody in an account shares about 10 calls a second: lower --max-tps, or look for who else calls.",
            **details,
        )
    if slowest > SLOW:
        return warning(
            "pace",
            f"{said}. MWAA gives a call up after 10s.",
            "Look at the web server's load and its log: the environment's class may be too small.",
            **details,
        )
    return ok("pace", f"{said}; none was throttled at --max-tps {max_tps:g}.", **details)


def _round(facts: AirflowFacts, seen: Observation, rules: Rules, max_tps: float) -> Line:
    calls, count = facts.round_calls, len(seen.dags.rows)
    needs = max(facts.round_seconds, calls / max_tps)
    details = {"calls": calls, "dags": count, "seconds": round(needs, 1)}
    dags = f"{count} DAG{'' if count == 1 else 's'}"
    said = f"With {dags} a round of the gate makes {calls} calls and takes about {format_duration(needs)}"
    if needs > rules.interval:
        rate = math.ceil(calls / rules.interval)
        return warning(
            "round",
            f"{said}, longer than the interval of {format_duration(rules.interval)}.",
            f"The gate waits for each round, so it only looks less often. --max-tps {rate} would do if the calls are the "
            "limit, but others share it.",
            **details,
        )
    return ok("round", f"{said}, every {format_duration(rules.interval)}.", **details)


def _short(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms" if seconds < 1 else format_duration(seconds)
