"""Findings to decide on, and the decision played round after round."""

from validator.decision import Verdict, decide
from validator.finding import Finding, Ripens, Status
from validator.reasons import Reason
from validator.rules import Rules
from validator.state import State

ANSWERED = State(answered=True)


def passed(name="a"):
    return Finding(f"dags/{name}", "dags", name, Status.PASSED, "It is there.")


def pending(name="a", reason=Reason.DAG_MISSING, *, polls=None, seconds=0.0, turn=True):
    ripens = None if polls is None and not seconds else Ripens(polls or 1, seconds)
    return Finding(
        f"dags/{name}",
        "dags",
        name,
        Status.PENDING,
        f"{name} is not there.",
        reason,
        ripens=ripens,
        had_its_turn=turn,
    )


def failed(name="a", reason=Reason.DAG_WRONG_FILE):
    return Finding(f"dags/{name}", "dags", name, Status.FAILED, f"{name} is bad.", reason)


def unread(name="a", reason=Reason.UNREACHABLE, *, heals=True):
    return Finding(f"dags/{name}", "dags", name, Status.ERROR, f"{name} was not seen.", reason, heals=heals)


def warning(name="w"):
    return Finding(f"dags/{name}", "dags", name, Status.WARNING, "Worth knowing.", Reason.IMPORT_ERROR)


def skipped(name="s"):
    return Finding(f"dags/{name}", "dags", name, Status.SKIPPED, "Not judged.", Reason.ACCESS_DENIED)


def play(*rounds, rules=None, state=ANSWERED, timeout=float("inf")):
    """Decide on rounds of `(now, finding, ...)` until a verdict; the last state and decision."""
    decision = None
    for now, *findings in rounds:
        assert not isinstance(decision, Verdict), "the gate would have ended before this round"
        state, decision = decide(state, findings, now, rules or Rules(), last=now >= timeout)
    return state, decision


def word(decision):
    """The verdict as a word; None: the gate waits."""
    return str(decision.status) if isinstance(decision, Verdict) else None


def words(verdict):
    """How each subject ended."""
    return {finding.subject: str(finding.status) for finding in verdict.findings}
