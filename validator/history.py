"""What happened while the gate waited, for pictures of it. No verdict rests on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.report.interface import Change, Look, Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from validator.finding import Finding
    from validator.gate import Progress


class History:
    """A `Progress` that remembers every look and every change of a finding, and passes all on to another."""

    def __init__(
        self,
        progress: Progress,
        calls: Callable[[], int],
        repeats: Callable[[], int],
        taken_up: float | None = None,
    ) -> None:
        """Take who else is told, how many calls were made and repeated so far, and when the wait was taken up.

        `taken_up` is in seconds from the gate's start; None: it begins here.
        """
        self._progress = progress
        self._calls = calls
        self._repeats = repeats
        self._before = Look(taken_up, calls(), repeats()) if taken_up is not None else None
        self._looks: list[Look] = []
        self._changes: dict[str, list[Change]] = {}

    @property
    def timeline(self) -> Timeline | None:
        """All that was remembered; None: no round was judged."""
        if not self._looks:
            return None
        changes = {key: tuple(found) for key, found in self._changes.items()}
        return Timeline(tuple(self._looks), changes, self._before)

    def started(self, where: str, note: str) -> None:
        """The wait begins."""
        self._progress.started(where, note)

    def round(self, findings: Sequence[Finding], elapsed: float, deadline: float | None) -> None:
        """A round is judged."""
        self._looks.append(Look(elapsed, self._calls(), self._repeats()))
        for finding in findings:
            known = self._changes.setdefault(finding.id, [])
            change = Change(elapsed, finding.status, finding.reason, finding.had_its_turn)
            last = known[-1] if known else None
            if last is None or (last.status, last.reason, last.parsed) != (
                change.status,
                change.reason,
                change.parsed,
            ):
                known.append(change)
        self._progress.round(findings, elapsed, deadline)

    def note(self, text: str) -> None:
        """Something worth a line."""
        self._progress.note(text)

    def finished(self) -> None:
        """The wait is over."""
        self._progress.finished()
