"""What a smoke run's state means. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from validator.durations import format_duration
from validator.finding import Status
from validator.reasons import Reason
from validator.smoke.attempts import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from validator.airflow.runs import DagRun, TaskInstance
    from validator.errors import CallFailed
    from validator.finding import Finding
    from validator.smoke.attempts import Attempt

ENDED = ("success", "failed")
"""The states in which a run stays."""
_NAMED = 3
_TASKS = 200
"""Task rows that a report holds."""
_FAILED = ("failed",)
_SECRET = 4
"""Characters: no shorter text is a secret, and most words hold one."""
_ROLE = (
    "Map the caller to Airflow's role User, or to Op for events on Airflow 3: Viewer may not trigger DAG runs. On MWAA "
    "allow airflow:InvokeRestApi on arn:aws:airflow:REGION:ACCOUNT:role/ENVIRONMENT/User (or /Op), and grant one role only."
)


def verdict_of(attempt: Attempt, now: float) -> Finding:
    """How a smoke run stands that was asked for; pending as long as it may still become what is expected."""
    run, wanted = attempt.run, attempt.wanted
    if attempt.stage is Stage.NEW:
        return attempt.about.finds(Status.PENDING, "Not started yet.", Reason.UNDECIDED)
    if run is not None and run.state in ENDED:
        return _ended(attempt, run)
    waited = now - attempt.asked_at
    if waited < wanted.timeout:
        message = f"{_standing(attempt)}, for {format_duration(waited)} now."
        return attempt.about.finds(Status.PENDING, message, Reason.SMOKE_TIMEOUT, details_of(attempt))
    if attempt.unread is not None:
        message = f"Whether it ran could not be seen: {attempt.unread.message}"
        return attempt.about.unread(attempt.unread, message)
    if attempt.stage is Stage.UNSURE:
        message = f"Whether Airflow has it could not be found out within {format_duration(wanted.timeout)}."
        return attempt.about.finds(Status.ERROR, message, Reason.UNREACHABLE, details_of(attempt))
    expected = f"{wanted.expect.state} is expected within {format_duration(wanted.timeout)}"
    message = f"{_standing(attempt)} after {format_duration(waited)}, and {expected}.{_open(attempt.tasks)}"
    advice = _timeout_advice(run)
    return attempt.about.finds(
        Status.FAILED, message, Reason.SMOKE_TIMEOUT, details_of(attempt), advice=advice
    )


def _standing(attempt: Attempt) -> str:
    run = attempt.run
    if run is not None:
        return f"Its run {run.run_id} is {run.state}"
    if attempt.wanted.event is not None and attempt.event_at is not None:
        return f"No run of it was started by the event of {attempt.wanted.event.uri}"
    return "Its run is not seen yet"


def _timeout_advice(run: DagRun | None) -> str:
    if run is None:
        return (
            "Check that the DAG is scheduled on the URI of the event, and on no other one that has no event, and that the "
            "scheduler runs."
        )
    if run.state == "queued":
        return (
            "A queued run waits for the scheduler, for a worker, or for other runs of the DAG (max_active_runs): look at "
            "those, or raise the smoke run's timeout."
        )
    return "Look at the task that still runs and its log in Airflow, or raise the smoke run's timeout."


def _ended(attempt: Attempt, run: DagRun) -> Finding:
    about, expect, details = attempt.about, attempt.wanted.expect, details_of(attempt)
    took = duration_of(run)
    lasted = f" after {format_duration(took)}" if took is not None else ""
    if run.state != expect.state:
        message = f"Its run {run.run_id} ended as {run.state}{lasted}, and {expect.state} is expected.{_causes(attempt)}"
        advice = (
            ""
            if run.state == "failed"
            else "A run that must fail did not: look at the task that should have."
        )
        return about.finds(Status.FAILED, message, Reason.SMOKE_FAILED, details, advice=advice, took=took)
    if expect.tasks and attempt.tasks_unread is not None:
        unread = attempt.tasks_unread
        message = (
            f"Its run {run.run_id} ended as {run.state}, and its tasks could not be read: {unread.message}"
        )
        return about.unread(unread, message)
    others = _other_states(expect.tasks, attempt.tasks)
    if others:
        message = f"Its run {run.run_id} ended as {run.state}, as expected, but {'; '.join(others)}."
        return about.finds(Status.FAILED, message, Reason.SMOKE_FAILED, details, took=took)
    if expect.max_duration is not None and (took is None or took > expect.max_duration):
        longest = format_duration(expect.max_duration)
        seen = "does not say how long it took" if took is None else f"took {format_duration(took)}"
        message = f"Its run {run.run_id} ended as {run.state}, as expected, but {seen}; at most {longest} is expected."
        advice = "Look at what its tasks waited for, or raise `max_duration`."
        return about.finds(Status.FAILED, message, Reason.SMOKE_FAILED, details, advice=advice, took=took)
    message = f"Its run {run.run_id} ended as {run.state}{lasted}, as expected."
    return about.finds(Status.PASSED, message, None, details, took=took)


def duration_of(run: DagRun) -> float | None:
    """Seconds that a run took, by Airflow's own times; None: they are not told."""
    if run.began is None or run.ended is None:
        return None
    return max(0.0, float((run.ended - run.began).total_seconds()))


def _causes(attempt: Attempt) -> str:
    """The tasks that failed; those that only did not get their turn are no causes."""
    failed = [task for task in attempt.tasks if task.state in _FAILED]
    if not failed:
        unread = attempt.tasks_unread
        return f" Its tasks could not be read: {unread.message}" if unread is not None else ""
    names = [f"{_name(task)} failed in try {task.try_number}" for task in failed[:_NAMED]]
    more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
    return f" {', '.join(names)}{more}."


def _open(tasks: Sequence[TaskInstance]) -> str:
    """The tasks that were not over when the run was given up."""
    still = [
        task for task in tasks if task.state in ("running", "queued", "up_for_retry", "deferred", "scheduled")
    ]
    if not still:
        return ""
    names = [f"{_name(task)} is {task.state} (try {task.try_number})" for task in still[:_NAMED]]
    return f" {', '.join(names)}{' and others' if len(still) > _NAMED else ''}."


def _other_states(expected: Mapping[str, str], tasks: Sequence[TaskInstance]) -> list[str]:
    """What is another than expected of tasks; a mapped task has one state for each of its instances."""
    found = []
    for task_id, state in sorted(expected.items()):
        states = Counter(str(task.state) for task in tasks if task.task_id == task_id)
        if not states:
            found.append(f"it has no task {task_id}, and {state} is expected of it")
        elif set(states) != {state}:
            seen = ", ".join(
                f"{name} ({count}x)" if len(states) > 1 else name for name, count in states.items()
            )
            found.append(f"task {task_id} is {seen}, and {state} is expected")
    return found


def _name(task: TaskInstance) -> str:
    return task.task_id if task.map_index < 0 else f"{task.task_id}[{task.map_index}]"


def details_of(attempt: Attempt) -> dict[str, Any]:
    """The evidence: ids, states, durations in seconds, the tasks, the end of the log."""
    details: dict[str, Any] = {"dag_id": attempt.wanted.dag_id, "run_id": attempt.run_id}
    if attempt.wanted.event is not None:
        details["event"] = attempt.wanted.event.uri
        details["event_at"] = attempt.event_at.isoformat() if attempt.event_at is not None else None
    run = attempt.run
    if run is not None:
        details |= {"run_id": run.run_id, "state": run.state, "duration_s": duration_of(run)}
    if attempt.tasks:
        details["tasks"] = [
            {
                "task_id": _name(task),
                "state": task.state,
                "try": task.try_number,
                "duration_s": max(0.0, (task.ended - task.began).total_seconds())
                if task.began is not None and task.ended is not None
                else None,
            }
            for task in attempt.tasks[:_TASKS]
        ]
    if attempt.log:
        details["stack_trace"] = attempt.log  # what every format shows in full: a log's end is mostly one
    return details


def first_failed(attempt: Attempt) -> TaskInstance | None:
    """The task whose log tells most: the first that failed; None: none did."""
    failed = [task for task in attempt.tasks if task.state in _FAILED]
    return min(failed, key=lambda task: (task.ended is None, task.ended, task.task_id), default=None)


def refused(attempt: Attempt, failed: CallFailed) -> Finding:
    """What it means that Airflow, or AWS, would not do what starts a run."""
    event = attempt.wanted.event
    what = "The event was not taken" if event is not None else "The run was not triggered"
    message = f"{what}: {without_sent(attempt, failed.message)}"
    if failed.reason is Reason.ACCESS_DENIED:
        return attempt.about.finds(Status.ERROR, message, failed.reason, advice=_ROLE, heals=False)
    if failed.reason is Reason.PATH_TOO_LONG:
        return attempt.about.finds(Status.ERROR, message, failed.reason, heals=False)
    if is_no(failed):
        advice = (
            "Airflow said no to this DAG, conf or event: mend the manifest's `smoke`, or the DAG's params."
        )
        return attempt.about.finds(Status.FAILED, message, Reason.SMOKE_FAILED, advice=advice)
    return attempt.about.finds(Status.ERROR, message, failed.reason, advice=failed.advice)


def is_no(failed: CallFailed) -> bool:
    """Whether Airflow itself said no, which asking again does not change; 429 only says to ask later."""
    return failed.status is not None and 400 <= failed.status < 500 and not failed.throttled  # noqa: PLR2004 - HTTP's refusals


def without_sent(attempt: Attempt, text: str) -> str:
    """`text` with `***` for each text and number that the run or its event was sent, which may be secrets.

    A refusal may quote them, and a task may print them.
    """
    event = attempt.wanted.event
    for value in sorted(
        _leaves(attempt.wanted.conf if event is None else event.extra), key=len, reverse=True
    ):
        text = text.replace(value, "***")
    return text


def _leaves(value: object) -> list[str]:
    if isinstance(value, dict):
        return [leaf for one in value.values() for leaf in _leaves(one)]
    if isinstance(value, list):
        return [leaf for one in value for leaf in _leaves(one)]
    told = value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""
    return [told] if len(told) >= _SECRET and not isinstance(value, bool) else []
