"""Live progress on stderr while the gate waits. It never fails, and never says what a report would not."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Protocol, TextIO

from validator.durations import format_duration
from validator.finding import Status
from validator.report.sanitize import one_line
from validator.report.streams import SafeStream, wants_colour

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.text import Text

    from validator.finding import Finding

HEARTBEAT_S = 60.0
"""A log without a new line for longer looks like a hang."""
_NAMED = 3
_NAME_LIMIT = 120

_Standing = tuple[str, Status, str]
"""Subject, status, reason."""


class Progress(Protocol):
    """What the loop tells while it waits. No method ever raises."""

    def started(self, where: str, note: str = "") -> None:
        """The first call is about to be made to `where`; `note` is what to know beforehand, or empty."""
        ...

    def round(self, findings: Sequence[Finding], elapsed: float, deadline: float | None) -> None:
        """A round was judged, `elapsed` seconds after the start.

        `deadline` is on the same clock as `elapsed`; None: there is no end.
        """
        ...

    def note(self, text: str) -> None:
        """Something happened that is worth a line."""
        ...

    def finished(self) -> None:
        """The report follows, or the gate was interrupted. May be called twice."""
        ...


class NoProgress:
    """Says nothing (`-q`)."""

    def started(self, where: str, note: str = "") -> None:
        """Say nothing."""

    def round(self, findings: Sequence[Finding], elapsed: float, deadline: float | None) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def finished(self) -> None:
        """Say nothing."""


class PlainProgress:
    """A line when something changes, and one a minute when nothing does: for logs."""

    def __init__(self, stream: TextIO | None) -> None:
        """Print to `stream`, usually stderr."""
        self._out = SafeStream(stream)
        self._before: dict[str, _Standing] | None = None
        self._counts = ""
        self._spoke_at = 0.0

    def started(self, where: str, note: str = "") -> None:
        """Say what is checked."""
        self._print(f"Checking {one_line(where)}")
        if note:
            self.note(note)

    def round(self, findings: Sequence[Finding], elapsed: float, deadline: float | None) -> None:
        """Say what changed, if anything did or a minute has passed."""
        now = _standing(findings)
        counts = _counts(findings)
        changes = _changes(self._before or {}, now)
        is_due = elapsed - self._spoke_at >= HEARTBEAT_S
        if self._before is not None and counts == self._counts and not changes and not is_due:
            return
        told = changes or _named(list(now.values()))
        self._print(f"[{format_duration(elapsed)}] {counts}{_left(elapsed, deadline)}{told and ': ' + told}")
        self._before, self._counts, self._spoke_at = now, counts, elapsed

    def note(self, text: str) -> None:
        """Say it in a line of its own."""
        self._print(f"Note: {one_line(text)}")

    def finished(self) -> None:
        """Leave the lines as they are."""
        self._out.flush()

    def _print(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()


class LiveProgress:
    """One line that renews itself, with the time left: for a terminal. It is gone when the report comes."""

    def __init__(self, stream: TextIO | None, clock: Callable[[], float] = time.monotonic) -> None:
        """Draw on `stream`, a terminal; `clock` counts seconds and moves the time between rounds."""
        from rich.console import Console  # noqa: PLC0415 - only a terminal needs rich
        from rich.live import Live  # noqa: PLC0415 - the same

        self._clock = clock
        self._told_at = clock()
        self._elapsed = 0.0
        self._deadline: float | None = None
        self._words = "waiting for the first answer"
        self._console = Console(
            file=SafeStream(stream).as_text_io(),
            force_terminal=True,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self._live = Live(
            get_renderable=self._line,
            console=self._console,
            transient=True,
            refresh_per_second=2,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def started(self, where: str, note: str = "") -> None:
        """Say what is checked, and begin to draw."""
        self._above(f"Checking {one_line(where)}")
        if note:
            self.note(note)
        self._told_at = self._clock()
        self._live.start()

    def round(self, findings: Sequence[Finding], elapsed: float, deadline: float | None) -> None:
        """Draw the counts and what is waited for."""
        told = _named(list(_standing(findings).values()))
        self._words = f"{_counts(findings)}{told and ': ' + told}"
        self._elapsed, self._deadline, self._told_at = elapsed, deadline, self._clock()
        if not self._live.is_started:  # a second phase goes on where the first ended
            self._live.start()
        self._live.refresh()

    def note(self, text: str) -> None:
        """Say it above the line."""
        self._above(f"Note: {one_line(text)}")

    def finished(self) -> None:
        """Wipe the line."""
        self._live.stop()

    def _above(self, line: str) -> None:
        from rich.text import Text  # noqa: PLC0415 - loaded already by now

        self._console.print(Text(line), soft_wrap=True)

    def _line(self) -> Text:
        from rich.text import Text  # noqa: PLC0415 - loaded already by now

        elapsed = self._elapsed + max(0.0, self._clock() - self._told_at)
        line = f"[{format_duration(int(elapsed))}] {self._words}{_left(elapsed, self._deadline)}"
        return Text(line, no_wrap=True, overflow="ellipsis")


def progress_for(
    stream: TextIO | None,
    *,
    quiet: bool = False,
    no_color: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Progress:
    """The progress that suits `stream`: live on a terminal, plain lines elsewhere, nothing when quiet."""
    if quiet:
        return NoProgress()
    if wants_colour(SafeStream(stream), environ, no_color=no_color):
        return LiveProgress(stream)
    return PlainProgress(stream)


def _standing(findings: Sequence[Finding]) -> dict[str, _Standing]:
    """What has not passed: id to subject, status and reason."""
    return {
        finding.id: (finding.subject, finding.status, str(finding.reason or ""))
        for finding in findings
        if finding.status is not Status.PASSED
    }


def _counts(findings: Sequence[Finding]) -> str:
    counts = dict.fromkeys(Status, 0)
    for finding in findings:
        counts[finding.status] += 1
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "nothing judged yet"


def _left(elapsed: float, deadline: float | None) -> str:
    return "" if deadline is None else f", {format_duration(max(0, int(deadline - elapsed)))} left"


def _changes(before: Mapping[str, _Standing], now: Mapping[str, _Standing]) -> str:
    """Who stands differently than before, and how; empty: nobody. What is no longer there has passed."""
    changed = [standing for key, standing in now.items() if before.get(key) != standing]
    passed = [(subject, Status.PASSED, "") for key, (subject, _, _) in before.items() if key not in now]
    return _named(changed + passed)


def _named(standings: Sequence[_Standing]) -> str:
    named = [
        f"{one_line(subject, _NAME_LIMIT)} {status}" + (f" ({reason})" if reason else "")
        for subject, status, reason in standings[:_NAMED]
    ]
    if len(standings) > _NAMED:
        named.append(f"and {len(standings) - _NAMED} more")
    return ", ".join(named)
