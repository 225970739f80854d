"""What Airflow showed, to lines: the role, what it may read, and Airflow's own health. Pure.

Roles by what they may read: AIRFLOW.md section 8. Viewer and User read the same, and so do Op and Admin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.airflow.dialect import AIRFLOW_3
from validator.airflow.models import Unread
from validator.doctor.facts import AirflowFacts, Failure, Wants
from validator.doctor.model import GROUPS, READS, Line, ok, problem, sentence, skipped, warning
from validator.durations import format_duration
from validator.reasons import ADVICE, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validator.airflow.models import Component, Observation

OLD = 60.0
"""Seconds: what `health.max_heartbeat_age` is by default."""
AHEAD = 10.0
"""Seconds that a heartbeat may lie in the future of the web server's clock."""
_NAMED = 5
"""Files with import errors that are named."""
_NEEDED_BY = {
    "reads-tasks": "`tasks` in a manifest",
    "reads-sources": "the comparison with --dags-folder",
    "reads-pools": "`pools` in a manifest",
    "reads-warnings": "`warnings` in a manifest",
    "reads-variables": "`variables` in a manifest",
    "reads-connections": "`connections` in a manifest",
}
_KEEPERS = ("reads-variables", "reads-connections")
"""What Viewer and User may not read, and Op and Admin may."""
_SLOW = (
    "Airflow answered another call just before: look at the web server's load and its log, and whether the list takes "
    "longer than a call may (MWAA gives one up after 10s)."
)
_VIEWER = "Let the caller be an Airflow role that may read every DAG: Viewer is enough."
_OP = "Let the caller be the Airflow role Op, or take them off the manifest."


def judge_airflow(facts: AirflowFacts, wants: Wants) -> list[Line]:
    """The lines of the role, of what it may read, and of Airflow's health and import errors."""
    seen = facts.seen
    if isinstance(seen, Failure):
        unseen = [each for each in GROUPS[READS] if each not in ("reads-dags", "reads-health")]
        lines = [_broken_round(seen), *(skipped(each, "reads-dags") for each in unseen)]
        return [*lines, _reads_health(facts), _health(facts, wants), skipped("import-errors", "reads-dags")]
    return [
        _role(facts, seen),
        _reads_health(facts),
        _reads_dags(seen, wants),
        _reads_import_errors(seen, wants),
        *(_reads(each, facts, wants) for each in _NEEDED_BY),
        _health(facts, wants),
        _import_errors(seen),
    ]


def role_of(facts: AirflowFacts, seen: Observation) -> str:
    """The roles that read what this one does, in words; empty: that cannot be told."""
    if _denied(seen.dags.unread):
        return "Public, or a custom role that may read no DAGs"
    if seen.dags.unread is not None or isinstance(seen.reads_all, Unread):
        return ""
    probed = {each: facts.probes[each].allowed for each in facts.probes}
    keeps = {probed.get(each) for each in _KEEPERS}
    others = {allowed for each, allowed in probed.items() if each not in _KEEPERS}
    if not seen.reads_all or _denied(seen.import_errors.unread) or False in others or keeps == {True, False}:
        return "a custom role"
    if keeps == {True}:
        return "Op or Admin"
    return "Viewer or User" if keeps == {False} else ""


def _role(facts: AirflowFacts, seen: Observation) -> Line:
    role = role_of(facts, seen)
    if not role:
        if seen.dags.unread is not None:
            return skipped("role", "reads-dags")
        return warning(
            "role",
            "Which Airflow role it is cannot be told: not all that tells roles apart was answered.",
            "Look at the lines below, and run the doctor again.",
        )
    if role.startswith("Public"):
        return problem("role", f"{role}: the gate sees nothing.", _VIEWER, role=role)
    if not seen.reads_all:
        return warning(
            "role", f"{role[:1].upper()}{role[1:]} that may read some DAGs only.", _VIEWER, role=role
        )
    if role == "a custom role":
        return warning(
            "role",
            "A custom role: it may read every DAG, but not all that Viewer may.",
            "Look at the lines below for what is missing.",
            role=role,
        )
    more = (
        "it may read every DAG, and variables and connections. Viewer is enough for manifests that name none of them"
        if role == "Op or Admin"
        else "it may read every DAG, and neither variables nor connections"
    )
    return ok("role", f"{role}: {more}.", role=role)


def _broken_round(failure: Failure) -> Line:
    return problem("reads-dags", sentence(failure.message), failure.advice or _advice(failure.reason))


def _reads_health(facts: AirflowFacts) -> Line:
    failed = next((one for one in facts.samples if isinstance(one, Failure)), None)
    if failed is None and facts.samples:
        return ok("reads-health", "Allowed: no role is needed.")
    if failed is None:
        return skipped("reads-health", "reads-dags")
    answered = sum(not isinstance(one, Failure) for one in facts.samples)
    if answered:
        return warning(
            "reads-health",
            f"Allowed, but of {len(facts.samples)} calls {answered} {_were(answered)} answered: {failed.message}.",
            failed.advice or _advice(failed.reason),
        )
    return problem("reads-health", sentence(failed.message), failed.advice or ADVICE[failed.reason])


def _reads_dags(seen: Observation, wants: Wants) -> Line:
    unread = seen.dags.unread
    details = {"allowed": unread is None, "dags": len(seen.dags.rows), "total": seen.dags.total}
    if unread is not None:
        return problem("reads-dags", sentence(unread.message), _mend(unread), **details)
    listed = sum(dag.active for dag in seen.dags.rows)
    if isinstance(seen.reads_all, Unread):
        return warning(
            "reads-dags",
            f"Whether it may read every DAG cannot be told: {seen.reads_all.message}. {listed} {_are(listed)} listed.",
            seen.reads_all.advice or ADVICE[seen.reads_all.reason],
            **details,
        )
    if not seen.reads_all:
        told = problem if "reads-dags" in wants.reads else warning
        need = "The manifest needs all" if "reads-dags" in wants.reads else "Absence and inventory need all"
        return told(
            "reads-dags",
            f"Some only: {listed} {_are(listed)} listed. {need}, and import errors of other files are hidden.",
            _VIEWER,
            **details,
        )
    moving = "" if seen.dags.whole else " The list changed while it was read."
    return ok("reads-dags", f"Every DAG: {listed} {_are(listed)} listed.{moving}", **details)


def _reads_import_errors(seen: Observation, wants: Wants) -> Line:
    unread = seen.import_errors.unread
    if unread is not None:
        return problem("reads-import-errors", sentence(unread.message), _mend(unread), allowed=False)
    if seen.reads_all is True:
        return ok("reads-import-errors", "Allowed: those of all files.", allowed=True)
    if isinstance(seen.reads_all, Unread):
        return warning(
            "reads-import-errors",
            "Allowed; whether those of all files cannot be told.",
            "Mend what the line `reads-dags` says.",
            allowed=True,
        )
    told = problem if "reads-dags" in wants.reads else warning
    return told(
        "reads-import-errors",
        "Those of some files only: of a file with no DAG that the role may read, the error is hidden or redacted.",
        _VIEWER,
        allowed=True,
    )


def _reads(each: str, facts: AirflowFacts, wants: Wants) -> Line:
    probe = facts.probes.get(each)
    if probe is None:
        return skipped(each, "reads-dags")
    details = {"allowed": probe.allowed}
    if probe.allowed or probe.limit:
        return ok(each, f"Not asked: {probe.seen}." if probe.limit else "Allowed.", **details)
    if probe.allowed is None:
        told = problem if each in wants.reads else warning
        return told(each, f"It cannot be told: {probe.seen}.", probe.advice, **details)
    need = f"Not allowed; {_NEEDED_BY[each]} needs it"
    if each in wants.reads:
        return problem(
            each, f"{need}, and the manifest has it.", _OP if each in _KEEPERS else _VIEWER, **details
        )
    if each not in _KEEPERS:
        return warning(each, f"{need}. {sentence(probe.seen)}", _VIEWER, **details)
    return ok(each, f"{need}, and the role Op then.", **details)


def _health(facts: AirflowFacts, wants: Wants) -> Line:
    samples = [one for one in facts.samples if not isinstance(one, Failure)]
    if not samples:
        return skipped("health", "reads-health")
    required = ["metadatabase", "scheduler", *(["dag_processor"] if facts.version.major >= AIRFLOW_3 else [])]
    best = {
        name: _best(name, samples)
        for name in sorted({name for one in samples for name in one} | set(required))
    }
    told: list[str] = []
    dead: list[str] = []
    wavering: list[str] = []
    details: dict[str, object] = {}
    for name, component in best.items():
        said, bad = _component(component, facts)
        details[name] = component.status if component is not None else None
        told.append(f"{name} {said}")
        if bad == "dead" and (name in required or (component is not None and component.status is not None)):
            (wavering if name in wants.ignored and name not in required else dead).append(name)
        elif bad == "flaps":
            wavering.append(name)
    message = f"{'; '.join(told)}."
    if dead:
        return problem(
            "health",
            message,
            f"The gate will be red for {', '.join(dead)}: look at the log of it. What is scaled to zero on purpose, such as "
            "a triggerer, goes under `health.ignore` in the manifest.",
            **details,
        )
    if wavering:
        return warning(
            "health",
            message,
            f"Look again: {', '.join(wavering)} may come back by itself, and the gate waits for it unless it is ignored.",
            **details,
        )
    return ok("health", message, **details)


def _best(name: str, samples: list[Mapping[str, Component]]) -> Component | None:
    """The sample that speaks best of a component: a live one is called unhealthy for a moment now and then."""
    found = [one[name] for one in samples if name in one]
    return max(found, key=lambda one: (one.status == "healthy", one.status is not None), default=None)


def _component(component: Component | None, facts: AirflowFacts) -> tuple[str, str]:
    """How it is, in words; and `dead`, `flaps`, or nothing."""
    if component is None or component.status is None:
        return "does not run", "dead"
    if component.heartbeat is None or facts.health_at is None:
        alive = component.status == "healthy"
        return component.status, "" if alive else "dead"
    age = (facts.health_at - component.heartbeat).total_seconds()
    if age < -AHEAD:
        said = f"{component.status}, its heartbeat {format_duration(-age)} in the web server's future"
        return said, "dead"
    said = f"{component.status}, heartbeat {format_duration(max(0.0, age))} old"
    if age > OLD:
        return said, "dead"
    return said, "" if component.status == "healthy" else "flaps"


def _import_errors(seen: Observation) -> Line:
    errors = seen.import_errors
    if errors.unread is not None:
        return skipped("import-errors", "reads-import-errors")
    names = sorted({error.file.name for error in errors.rows})
    if not names:
        hidden = "" if seen.reads_all is True else " that this role may see"
        return ok("import-errors", f"None{hidden}.", files=names)
    count = f"{len(names)} file{'s have' if len(names) > 1 else ' has'} an import error"
    more = " …" if len(names) > _NAMED else ""
    return warning(
        "import-errors",
        f"{count}: {', '.join(names[:_NAMED])}{more}.",
        "The gate is red for expected DAGs of these files. Mend them, or allow them under `import_errors.allow` where other "
        "teams share the environment.",
        files=names,
    )


def _mend(unread: Unread) -> str:
    """What to do about a list that could not be read."""
    return _VIEWER if _denied(unread) else unread.advice or _advice(unread.reason)


def _advice(reason: Reason) -> str:
    """Of a list that was asked for after Airflow had told its version: the way there is no question any more."""
    return _SLOW if reason is Reason.UNREACHABLE else ADVICE[reason]


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _denied(unread: Unread | None) -> bool:
    return unread is not None and unread.reason is Reason.ACCESS_DENIED
