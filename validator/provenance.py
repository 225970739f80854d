"""Which bytes Airflow parsed: its own texts of the local files, compared over the rounds. Pure.

DESIGN section 5, "Fresh and settled". A text that Airflow stores was read from a DAG processor's disk when a parse was
written down (AIRFLOW.md section 14), so it can only change with `last_parsed_time`. With several processors each has
its own copy: during a sync an older text may come back for a while.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from validator.state import SourceTrack

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from validator.airflow.models import Dag
    from validator.checks.interface import View

READ_AT_ONCE = 100
"""Sources that one round reads at most: the lists must not grow old meanwhile."""
SPOT_CHECKS = 2
"""So many of what was right, and stands without being asked for, are read again in a round, in turn: somebody else may
deploy meanwhile."""
_LOOK_AGAIN = 30.0
"""Seconds after which a source that differs is read again even if no new parse shows."""


def sources_due(view: View) -> dict[str, str]:
    """What to ask by, for each file: every text not read yet or read before the last parse, then spot checks."""
    due: list[str] = []
    equal: list[str] = []
    for name in view.local:
        row = view.asked_of(name)
        if row is None or not view.compares(name):
            continue
        track = view.sources.get(name)
        if track is not None and track.equal_since is not None:
            equal.append(name)
        elif track is None or _is_older(track, row, view.times.gate_now):
            due.append(name)
    # Those that were never read come first: a round reads only so many.
    due.sort(key=lambda name: (name in view.sources, name))
    equal.sort(key=lambda name: (view.sources[name].read_at, name))
    due = due[:READ_AT_ONCE]
    again = equal[:SPOT_CHECKS] if len(due) < READ_AT_ONCE else []
    rows = {name: view.asked_of(name) for name in [*due, *again]}
    return {name: row.source_key for name, row in rows.items() if row is not None and row.source_key}


def _is_older(track: SourceTrack, row: Dag, now: float) -> bool:
    return row.last_parsed != track.parse or now - track.read_at >= _LOOK_AGAIN


def compared(view: View, asked: Iterable[str]) -> Mapping[str, SourceTrack]:
    """The tracks with what this round read of the files that were asked for."""
    tracks = dict(view.sources)
    for name in asked:
        text = view.seen.details.sources.get(name)
        row = view.asked_of(name)
        if isinstance(text, str) and row is not None:
            tracks[name] = _compared(view, name, text, row, tracks.get(name))
    return tracks


def _compared(view: View, name: str, text: str, row: Dag, before: SourceTrack | None) -> SourceTrack:
    now, ended = view.times.gate_now, view.seen.ended
    track = replace(before or SourceTrack(now), read_at=now, parse=row.last_parsed)
    if newlines(text) == view.local[name].text:
        return replace(track, equal_since=track.equal_since or ended, held=True, lost=None)
    digest = digest_of(text)
    if not track.held:
        return replace(track, equal_since=None, other=digest, moved=True)
    # From a processor that the sync has not reached the text before it comes back; any other is somebody's newer
    # one. One parse does not tell: a slow processor may show a version between, or the one before the first look.
    late = digest == track.other or (not track.other and ended < view.arrived_at(row.file))
    again = track.lost is not None and row.last_parsed is not None and row.last_parsed > track.lost
    return replace(
        track,
        equal_since=None,
        moved=True,
        superseded=not late and again,
        # The text may be that of a parse which came after the list was read.
        lost=None if late else track.lost or max(ended, row.last_parsed or ended),
    )


def newlines(text: str) -> str:
    """`text` with universal newlines, as Airflow reads files."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def digest_of(text: str) -> str:
    """A short digest that tells one text from another."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
