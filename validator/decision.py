"""The decision: from findings, and what is remembered, to the next state and either patience or a verdict.

Pure: no clock, no network. The rules are DESIGN section 5, "Final or pending" and "Cannot tell".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from validator.durations import format_duration
from validator.finding import Finding, Status
from validator.reasons import Reason
from validator.state import Mark, Recalled, State, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from validator.rules import Rules

FAIL_FAST_WAIT = 60.0
"""Seconds that a first final red waits, at most, for the others to have had their turn."""
SILENCE = 90.0
"""Seconds without one sensible answer after which there is nobody to wait for."""
DENIED_ROUNDS = 3
"""Rounds in a row in which Airflow may refuse: a web server that restarts may do so for a moment."""
BLIND_INTERVALS = 3
"""Intervals before the deadline within which a round must have been complete for a pending finding to be red."""
FLAP_LASTS = 2.0
"""Seconds for which a component that lives may be called unhealthy (AIRFLOW.md section 1)."""
CONFIRM_AFTER = 0.5
"""Seconds until the next look, where only a second look is missing to a final red."""
LOST = "gate/earlier-looks"
"""The finding that stands for final reds of another process that cannot be named any more; its details `count` them."""


@dataclass(frozen=True)
class Wait:
    """Not decided: look again."""

    seconds: float


@dataclass(frozen=True)
class Verdict:
    """Decided."""

    status: Status
    """`passed`, `failed` or `error`."""
    findings: tuple[Finding, ...]
    """None of them pending."""


def decide(  # noqa: PLR0913 - the state, the round, and what the clock says of it
    state: State,
    findings: Sequence[Finding],
    now: float,
    rules: Rules,
    *,
    last: bool,
    left: float = 0.0,
) -> tuple[State, Wait | Verdict]:
    """Judge one round.

    Args:
        state: what is remembered; its deploy time and files are already those of this round.
        findings: this round's, of every check.
        now: seconds since the gate's start.
        rules: interval, stable_for and fail_fast count here.
        last: no further round fits before the deadline.
        left: seconds from the round's lists until the deadline.
    """
    changing = any(_is_changing(finding) for finding in findings)
    if changing:  # what Airflow says while its environment changes proves nothing, no red either
        findings = [replace(f, ripens=None) if f.status is Status.PENDING else f for f in findings]
    recalled = state.recalled or Recalled()
    if last:  # one look at a component that flaps is no word on it
        findings = [replace(f, due=True) if _is_a_moment(f, state, recalled) else f for f in findings]
    marks = {f.id: _mark(_before(f.id, state, recalled), f, now) for f in findings}
    ripe = {
        f.id: replace(f, status=Status.FAILED, ripens=None) for f in findings if _is_ripe(f, marks[f.id], now)
    }
    finals = {**ripe, **_still_red(findings, recalled), **state.finals}
    standing = standing_of(findings, finals)
    unread = [f for f in standing if f.status is Status.ERROR]
    pending = [f for f in standing if f.status is Status.PENDING]
    denied = any(f.reason in (Reason.ACCESS_DENIED, Reason.LIMITED_ROLE) for f in unread)
    holds = not (unread or pending or finals)
    flaps = not (unread or finals) and all(f.flaps and marks[f.id].ripe_polls == 1 for f in pending)
    new = replace(
        state,
        marks={**{key: mark for key, mark in state.marks.items() if key in finals}, **marks},
        finals=finals,
        first_final=(state.first_final if state.first_final is not None else now) if finals else None,
        green_since=_green_since(state.green_since, now, holds=holds, flaps=flaps),
        kept={} if changing else {f.id: f for f in findings if f.keeps},
        denied_rounds=state.denied_rounds + 1 if denied else 0,
        recalled=_named(recalled),
    )
    blind = last and left > BLIND_INTERVALS * rules.interval
    return new, _judge(new, standing, now, rules, last=last, blind=blind)


def _before(name: str, state: State, recalled: Recalled) -> Mark | None:
    """How a finding stood in the round before, or in another process."""
    mark = state.marks.get(name)
    return recalled.marks.get(key_of(name)) if mark is None and recalled.marks else mark


def _is_a_moment(finding: Finding, state: State, recalled: Recalled) -> bool:
    """Whether it may be over at the next look: it flaps, and all was well with it in the look before."""
    before = _before(finding.id, state, recalled)
    is_pending = finding.status is Status.PENDING and finding.flaps
    return is_pending and before is not None and before.status is Status.PASSED


def _named(recalled: Recalled) -> Recalled | None:
    """What is still to be taken up once a round's findings have got their marks and reds back; None: nothing."""
    rest = replace(recalled, marks={}, finals={}, more_finals=0)
    return rest if rest != Recalled() else None


def _still_red(findings: Sequence[Finding], recalled: Recalled) -> dict[str, Finding]:
    """The reds that were final in another process, by the finding's id: as they show now, and one for those that do not."""
    if not recalled.finals and not recalled.more_finals:
        return {}
    reds = {f.id: _red(f, recalled.finals[key_of(f.id)]) for f in findings if key_of(f.id) in recalled.finals}
    gone = len(recalled.finals) - len(reds) + recalled.more_finals
    if gone:
        reason = next(iter(recalled.finals.values()), Reason.UNDECIDED)
        message = (
            f"Of what was finally red in an earlier look {gone} cannot be named any more; the first red's reason was "
            f"{reason}."
        )
        lost = Finding(LOST, "gate", "earlier looks", Status.FAILED, message, reason, details={"count": gone})
        reds[lost.id] = lost
    return reds


def _red(finding: Finding, reason: Reason) -> Finding:
    if finding.status in (Status.PENDING, Status.FAILED):
        return replace(finding, status=Status.FAILED, ripens=None)
    message = f"It was finally red in an earlier look ({reason}). Now: {finding.message}"
    return replace(finding, status=Status.FAILED, reason=reason, message=message, ripens=None, keeps=False)


def standing_of(findings: Sequence[Finding], finals: Mapping[str, Finding]) -> list[Finding]:
    """One round's findings as they stand: a red that was final stays one, also where its subject is gone."""
    ids = {finding.id for finding in findings}
    return [finals.get(f.id, f) for f in findings] + [f for f in finals.values() if f.id not in ids]


def _judge(  # noqa: PLR0911, PLR0913 - a return for each row of the table; the state, the round, and what the clock says of it
    state: State, standing: Sequence[Finding], now: float, rules: Rules, *, last: bool, blind: bool
) -> Wait | Verdict:
    unread = [f for f in standing if f.status is Status.ERROR]
    pending = [f for f in standing if f.status is Status.PENDING]
    hopeless = (
        any(not f.heals for f in unread)
        or state.denied_rounds >= DENIED_ROUNDS
        or (not state.answered and now >= SILENCE and not any(_is_changing(f) for f in unread))
    )
    if state.first_final is not None:
        turns_over = all(f.had_its_turn for f in pending) and not unread
        waited = now - state.first_final >= FAIL_FAST_WAIT
        nothing_open = not (pending or unread) or any(f.ends for f in state.finals.values())
        if nothing_open or hopeless or last or (rules.fail_fast and (turns_over or waited)):
            return Verdict(Status.FAILED, _settle(standing, red=last and not unread))
    elif unread:
        if hopeless or last:
            return Verdict(Status.ERROR, _settle(standing, red=False))
    elif pending:
        # The last look that fits may be too long before the deadline to speak for it; or only calls were missing.
        if blind or (last and all(f.due for f in pending)):
            return Verdict(Status.ERROR, _settle(standing, red=False))
        if last:
            return Verdict(Status.FAILED, _settle(standing, red=True))
    elif state.green_since is not None and now - state.green_since >= rules.stable_for:
        return Verdict(Status.PASSED, tuple(standing))
    elif last:
        return Verdict(Status.FAILED, (*standing, _too_short(state, now, rules)))
    return Wait(_pause(standing, state, now, rules))


def _is_changing(finding: Finding) -> bool:
    """Whether it says that the environment is not what it will be."""
    return finding.status is Status.ERROR and finding.reason is Reason.ENVIRONMENT_NOT_AVAILABLE


def _green_since(before: float | None, now: float, *, holds: bool, flaps: bool) -> float | None:
    """From when on everything has held; one look at a component that flaps does not break it."""
    if holds:
        return before if before is not None else now
    return before if flaps else None


def _mark(before: Mark | None, finding: Finding, now: float) -> Mark:
    """How long `finding` has stood, given how it stood in the round before."""
    same = before is not None and (before.status, before.reason) == (finding.status, finding.reason)
    since = before.since if before is not None and same else now
    if finding.ripens is None:
        return Mark(finding.status, finding.reason, since)
    if before is not None and same and before.ripe_since is not None:
        return replace(before, ripe_polls=before.ripe_polls + 1)
    return Mark(finding.status, finding.reason, since, now, 1, finding.ripens.parse)


def _is_ripe(finding: Finding, mark: Mark, now: float) -> bool:
    """Whether a pending finding has become a final red."""
    if finding.status is Status.FAILED:
        return True
    if finding.status is not Status.PENDING or finding.ripens is None or mark.ripe_since is None:
        return False
    shown_again = finding.ripens.parse is None or mark.parse is None or finding.ripens.parse > mark.parse
    waited = now - mark.ripe_since >= finding.ripens.seconds
    return shown_again and waited and mark.ripe_polls >= finding.ripens.polls


def _settle(standing: Sequence[Finding], *, red: bool) -> tuple[Finding, ...]:
    """The last word on each: what is pending at the deadline is red, otherwise it stays undecided."""
    return tuple(_last_word(finding, red=red) for finding in standing)


def _last_word(finding: Finding, *, red: bool) -> Finding:
    if finding.status is not Status.PENDING:
        return finding
    if red and not finding.due:
        return replace(finding, status=Status.FAILED, ripens=None)
    return undecided(finding)


def undecided(finding: Finding) -> Finding:
    """`finding` as the report shows it when the gate ended before it was decided."""
    details = {**finding.details, "waiting_for": str(finding.reason)}
    return replace(
        finding,
        status=Status.SKIPPED,
        reason=Reason.UNDECIDED,
        message=f"Not decided when the gate ended: {finding.message}",
        details=details,
        ripens=None,
    )


def _too_short(state: State, now: float, rules: Rules) -> Finding:
    held = now - (state.green_since if state.green_since is not None else now)
    return Finding(
        id="gate/stable_for",
        area="gate",
        subject="stable_for",
        status=Status.FAILED,
        reason=Reason.UNDECIDED,
        message=(
            f"Everything has held for {format_duration(held)} when the timeout came, and stable_for demands "
            f"{format_duration(rules.stable_for)}."
        ),
        details={"held_s": round(held, 1), "needed_s": rules.stable_for},
    )


def _takes_a_look(finding: Finding, state: State) -> bool:
    """Whether it may be decided by a look, however soon after the last."""
    ripens = finding.ripens
    return finding.status is Status.PENDING and (
        finding.due
        or (
            ripens is not None
            and ripens.seconds <= 0
            and ripens.parse is None
            and state.marks[finding.id].ripe_polls < ripens.polls
        )
    )


def _pause(standing: Sequence[Finding], state: State, now: float, rules: Rules) -> float:
    """Seconds until the next look; a moment that ends the wait by itself is not slept through."""
    # What cannot be read now is not read sooner by asking at once.
    unread = any(f.status is Status.ERROR for f in standing)
    ends = [] if unread else [now + max(CONFIRM_AFTER, f.due_in) for f in standing if _takes_a_look(f, state)]
    pending = [f for f in standing if f.status is Status.PENDING]
    if pending and all(f.flaps for f in pending):
        ends.append(now + FLAP_LASTS)
    if state.first_final is not None and rules.fail_fast:
        ends.append(state.first_final + FAIL_FAST_WAIT)
    if not state.answered:
        ends.append(SILENCE)
    return min([rules.interval, *(max(CONFIRM_AFTER, end - now) for end in ends)])
