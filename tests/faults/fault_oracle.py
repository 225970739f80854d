"""What a gate may say of a schedule, from what the environment knows: written without a look at how the gate decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fault_run import Run
    from fault_schedule import Schedule

PASSED, FAILED, CANNOT_TELL = 0, 1, 3
_SLACK = 0.75
"""Seconds that the gate's own work may take after its last call, on an idle machine."""
_LAST_WORDS = 3.0
"""Seconds before the deadline: a fault that is met so late may leave a gate without a whole last look."""
_ADMITTED = {
    *("dag-stale", "dag-missing", "dag-inactive", "dag-not-absent", "dag-wrong-file", "undecided"),
    *("dag-import-error", "dag-source-mismatch", "component-unhealthy", "heartbeat-old"),
}
"""What a deadline that came too early may make red: what was still to come."""
_HINTS = ("/dagWarnings", "/pools")
"""What no schedule's manifest demands: where these cannot be read a green says so, and stays one."""


def complaints(schedule: Schedule, run: Run) -> list[str]:
    """What is wrong with how the gate ended; nothing: it kept all its promises."""
    return [
        *_manners(schedule, run),
        *_verdict(schedule, run),
        *([] if run.code != PASSED or not schedule.within else _green(schedule, run)),
        *([] if run.code != FAILED or not schedule.within else _red(schedule, run)),
    ]


def wrongly_green(schedule: Schedule, run: Run) -> bool:
    """Whether the gate was green and something was not as expected."""
    return run.code == PASSED and bool(_green(schedule, run))


def allowed(schedule: Schedule, run: Run) -> frozenset[int]:
    """The exit codes that are right."""
    if not schedule.within:
        return frozenset({PASSED, FAILED, CANNOT_TELL})
    for_ever = {one.kind for one in schedule.troubles if one.times > 10**6}
    hidden = any(one.kind in for_ever and one.path not in _HINTS for one in run.felt)
    is_dark = hidden or schedule.updating_until == float("inf")
    if is_dark:
        # A red that was final before the darkness came stays one; before the first look there is none.
        seen = any(look.what == "dags" for look in run.looks) and schedule.updating_until is None
        return frozenset({CANNOT_TELL, FAILED} if schedule.bad and seen else {CANNOT_TELL})
    if schedule.hurried or for_ever:  # or the deadline came before the darkness did
        return frozenset({PASSED, FAILED, CANNOT_TELL} - ({PASSED} if schedule.bad else set()))
    unclear = any(one.at > run.began + run.took - _LAST_WORDS for one in run.felt) or run.strained > 0.3
    if not schedule.bad:
        too_short = schedule.told.timeout < 20 and (unclear or _used_up(schedule, run))
        right = {PASSED, FAILED, CANNOT_TELL} if too_short else {PASSED}
        return frozenset(right | {CANNOT_TELL} if _crosses(schedule) else right)
    return frozenset({FAILED, CANNOT_TELL} if unclear or _used_up(schedule, run) else {FAILED})


def _crosses(schedule: Schedule) -> bool:
    """Whether the text before the last may still come to one processor when the other shows the last, as if newer."""
    twice = any(story.fate == "twice" for story in schedule.stories)
    return schedule.told.folder and schedule.processors > 1 and twice


def _manners(schedule: Schedule, run: Run) -> list[str]:
    found = []
    if "Traceback" in run.err or "this is a mistake" in run.err:
        found.append(f"a traceback: {run.err[-2000:]}")
    if run.code not in (PASSED, FAILED, CANNOT_TELL):
        found.append(f"exit code {run.code}: {run.err[-2000:]}")
    elif run.report.get("exit_code") != run.code:
        found.append(f"exit code {run.code}, and the report says {run.report.get('exit_code')}")
    latest = schedule.told.timeout + schedule.longest_call + run.strained + _SLACK
    if not schedule.smoke and run.waited > latest:
        found.append(f"late: {run.waited:.2f} s, and {latest:.2f} s are the most")
    if schedule.smoke and run.code in (PASSED, FAILED) and run.runs_left:
        found.append(f"{run.runs_left} DAG runs are left against `keep: never`")
    return found


def _verdict(schedule: Schedule, run: Run) -> list[str]:
    right = allowed(schedule, run)
    if run.code in right or run.code not in (PASSED, FAILED, CANNOT_TELL):
        return []
    said = run.report.get("summary", run.err[-500:])
    return [f"exit code {run.code}, and {' or '.join(map(str, sorted(right)))} is right: {said}"]


def _green(schedule: Schedule, run: Run) -> list[str]:
    """What was not as expected when the gate last looked, and when it ended."""
    found = [f"wrong green: {name} is not as expected" for name in sorted(schedule.bad)]
    looks = {look.what: look for look in run.looks}
    found += [
        f"wrong green: at the last look at {look.what} {', '.join(look.wrong)} was not as deployed"
        for look in looks.values()
        if look.wrong
    ]
    if len(looks) < 2:
        found.append("wrong green: not everything was looked at")
    if run.wrong_at_the_end:
        found.append(f"wrong green: in the end {', '.join(run.wrong_at_the_end)} was not as deployed")
    return found


def _red(schedule: Schedule, run: Run) -> list[str]:
    """The red checks that are not true, and whether one of them is what is wrong."""
    culprits = {*schedule.bad, *(path for story in schedule.stories for path in _files_of(schedule, story))}
    blamed = [one for one in run.failed if _names(one, culprits)]
    found = []
    # No look is begun that would not be over in time, and one with repetitions takes long.
    latest = min(0.7 * schedule.told.timeout, schedule.told.timeout - 1.0)
    at_the_deadline = run.waited > latest - run.strained
    too_short = schedule.hurried or schedule.dead or run.strained > 0.3 or _used_up(schedule, run)
    if schedule.bad and not blamed and not schedule.dead and not (at_the_deadline and too_short):
        found.append(
            f"a red that does not name {', '.join(sorted(schedule.bad))}: {run.report.get('summary')}"
        )
    for one in run.failed:
        excused = at_the_deadline and too_short and one["reason"] in _ADMITTED
        if one not in blamed and not excused:
            found.append(f"false red: {one['id']} ({one['reason']}): {one['message']}")
    return found


def _used_up(schedule: Schedule, run: Run) -> bool:
    """Whether faults may have used up the time that the truth needs to show."""
    return len(run.felt) > 2 and schedule.told.timeout < 10


def _files_of(schedule: Schedule, story: object) -> set[str]:
    if story.dag_id not in schedule.bad:
        return set()
    return {story.file, *(one.path for one in story.uploads)}


def _names(check: dict[str, object], culprits: set[str]) -> bool:
    where = f"/{check['id']}/{check['subject']}/{check['file'] or ''}/"
    return any(f"/{culprit}/" in where or where.endswith(f"{culprit}/") for culprit in culprits)
