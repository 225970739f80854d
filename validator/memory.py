"""A wait that goes on in another process: what the state leaves behind, and how it is taken up again. Pure.

What is forgotten makes the wait longer: a red ripens anew, a text is read again, and DAGs that may have moved between
files meanwhile must stay where they are. One thing is lost: that two files define a DAG which shares its bucket with others,
where each process saw it in one of them only (docs/rules.md).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from validator.checks.attributes import about_tasks
from validator.checks.interface import SLOWEST_SYNC
from validator.checks.resources import about_variable
from validator.checks.sources import about_source
from validator.checks.warnings import about_pools
from validator.decision import LOST
from validator.finding import Status
from validator.reasons import Reason
from validator.state import Places, Recalled, SourceTrack, Standing, State, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from validator.airflow.models import Observation
    from validator.checks.interface import View
    from validator.expectations import Wanted
    from validator.finding import About
    from validator.state import FileTrack

BUCKETS = 64
"""Of DAGs: with more DAGs several share one."""
BITS = 1_536
"""Of what stands: with more of it several neighbours share one."""
MARKS = 16
"""So many findings keep how long they have been on the way to a final red."""
FINALS = 24
"""So many final reds are remembered one by one."""

_HELD = "It was right in an earlier look, and is asked for again only now and then."


def leave(state: State, view: View | None, now: float, grace: float) -> State:
    """What another process needs of `state` to go on: a few values, and `recalled` of bounded size.

    Args:
        state: as the last round left it.
        view: that round; None: none was judged.
        now: seconds since the gate's start.
        grace: seconds for which a DAG that moved must stay where it is.
    """
    before = state.recalled or Recalled()
    ripening = [(key, mark) for key, mark in state.marks.items() if mark.ripe_since is not None]
    ripening.sort(key=lambda item: (item[1].ripe_since, item[0]))
    # Tasks are read only once their DAG has been current for a while.
    current = [
        (name, state.marks[name])
        for name in (_presences(view) if view is not None else ())
        if name in state.marks
    ]
    marks = {**before.marks, **{key_of(name): mark for name, mark in [*ripening, *current]}}
    named = {name: red for name, red in state.finals.items() if name != LOST}
    unnamed = sum(red.details["count"] for red in state.finals.values() if red.id == LOST)
    reds = {
        **before.finals,
        **{key_of(name): red.reason or Reason.UNDECIDED for name, red in named.items()},
    }
    recalled = Recalled(
        marks=dict(list(marks.items())[:MARKS]),
        finals=dict(list(reds.items())[:FINALS]),
        more_finals=before.more_finals + unnamed + max(0, len(reds) - FINALS),
        places=_places(state.files, now, grace, before.places, _Buckets(view)),
        standing=before.standing or (_standing(state, view) if view is not None else None),
    )
    # One that is gone for so long is not among the places: where it comes back nobody will know that it moved.
    gone = any(now - track.seen_at >= grace for track in state.files.values())
    changed_at = now if gone else state.changed_at
    return replace(
        state, marks={}, finals={}, files={}, sources={}, kept={}, changed_at=changed_at, recalled=recalled
    )


def may_have_moved(state: State) -> bool:
    """Whether a DAG that is seen for the first time here may have been in another file before, and that is forgotten."""
    return state.changed_at is not None and (state.recalled is None or state.recalled.places is None)


def take_up(state: State, wanted: Wanted, seen: Observation, now: float) -> State:
    """The state with what can be taken up of another process's rounds, now that a round tells the names.

    Args:
        state: its files are already those of this round.
        wanted: what this Airflow must show.
        seen: this round.
        now: seconds since the gate's start.
    """
    recalled = state.recalled
    if recalled is None:
        return state
    if recalled.places is not None:
        state = _compare_places(state, recalled.places, now, _Buckets(wanted), whole=seen.dags.whole)
        recalled = replace(recalled, places=None if seen.dags.whole else recalled.places)
    if recalled.standing is not None and seen.version is not None:
        state = _take_up_standing(state, recalled.standing, wanted, now)
        recalled = replace(recalled, standing=None)
    known = {
        name: recalled.marks[key_of(name)] for name in _presences(wanted) if key_of(name) in recalled.marks
    }
    state = replace(state, marks={**known, **state.marks})
    return replace(state, recalled=recalled if recalled != Recalled() else None)


def _presences(wanted: Wanted | View) -> list[str]:
    """The ids of what is found of the presence of DAGs whose tasks matter."""
    return [f"dags/{dag.dag_id}" for dag in wanted.manifest.dags if dag.tasks is not None]


class _Buckets:
    """Which bucket each DAG falls into. Few that are expected by their ids have one each."""

    def __init__(self, wanted: Wanted | View | None) -> None:
        ids = sorted(dag.dag_id for dag in wanted.manifest.dags) if wanted is not None else []
        self._named = {dag_id: number % BUCKETS for number, dag_id in enumerate(ids)}
        self.names = int.from_bytes(key_of("\0".join(ids))[:2], "big")
        """A digest of those that are expected by their ids: with others the buckets are others, too."""

    def of(self, dag_id: str) -> int:
        return self._named.get(dag_id, key_of(dag_id)[0] % BUCKETS)

    def digests(self, tracks: Mapping[str, FileTrack]) -> tuple[int, ...]:
        digests = [0] * BUCKETS
        for dag_id, track in tracks.items():
            file = track.now
            # One that is known to be defined twice must look moved to the next process, too.
            twice = "twice" if track.is_defined_twice else ""
            place = "\0".join((dag_id, file.absolute or "", file.relative or "", file.bundle or "", twice))
            digests[self.of(dag_id)] ^= int.from_bytes(key_of(place)[:3], "big")
        return tuple(digests)

    def alone(self, tracks: Iterable[str]) -> dict[int, str]:
        """The DAGs, of those expected by their ids, that share their bucket with no other; by bucket."""
        found: dict[int, list[str]] = {}
        for dag_id in tracks:
            found.setdefault(self.of(dag_id), []).append(dag_id)
        return {bucket: ids[0] for bucket, ids in found.items() if len(ids) == 1 and ids[0] in self._named}


def _places(
    tracks: Mapping[str, FileTrack], now: float, grace: float, before: Places | None, buckets: _Buckets
) -> Places | None:
    """Where the DAGs are that are still there; None: none was ever seen.

    `before`: what is not taken up yet, since no list was whole. It still counts, with what moved since.
    """
    if not tracks:
        return before
    there = {dag_id: track for dag_id, track in tracks.items() if now - track.seen_at < grace}
    moved = {
        dag_id: track.moved_at
        for dag_id, track in there.items()
        if track.moved_at is not None and now - track.moved_at < grace
    }
    moving, moved_at = frozenset(buckets.of(dag_id) for dag_id in moved), max(moved.values(), default=0.0)
    digests = buckets.digests(there)
    if before is not None:
        both = enumerate(zip(digests, before.digests, strict=True))
        digests = tuple(now_ if bucket in moving else then for bucket, (now_, then) in both)
        moved_at = max(before.moved_at, moved_at)
        return Places(digests, before.moving | moving, moved_at, before.new - moving, before.names)
    new = frozenset(bucket for bucket, dag_id in buckets.alone(tracks).items() if tracks[dag_id].shown)
    return Places(digests, moving, moved_at, new, buckets.names)


def _compare_places(state: State, places: Places, now: float, buckets: _Buckets, *, whole: bool) -> State:
    """The tracks with what moved since; of a list that is not `whole` also what shared a bucket with a DAG not on it."""
    there = {dag_id: track for dag_id, track in state.files.items() if track.seen_at == now}
    same = buckets.names == places.names
    both = enumerate(zip(buckets.digests(there), places.digests, strict=True))
    changed = {number for number, (one, other) in both if one != other or not same}
    alone = buckets.alone(there)
    files = dict(state.files)
    for dag_id, track in there.items():
        bucket = buckets.of(dag_id)
        if bucket in changed:
            # Alone there before and now, it is the same DAG: in another file.
            twice = same and whole and bucket in places.new and alone.get(bucket) == dag_id
            files[dag_id] = replace(track, moved_at=now, elsewhere=track.elsewhere or twice)
        elif bucket in places.moving:
            files[dag_id] = replace(track, moved_at=max(track.moved_at or 0.0, places.moved_at))
    return replace(state, files=files, changed_at=now if changed and whole else state.changed_at)


def _things(wanted: Wanted | View) -> list[About]:
    """All that stands once it was right, in an order that every process finds."""
    of_tasks = [dag.dag_id for dag in wanted.manifest.dags if dag.tasks is not None]
    return [
        *(about_source(name) for name in sorted(wanted.local)),
        *(about_tasks(dag_id) for dag_id in sorted(of_tasks)),
        *(about_pools(dag_id) for dag_id in sorted(of_tasks)),
        *(about_variable(key) for key in sorted(wanted.manifest.variables)),
    ]


def _names(things: list[About]) -> int:
    return int.from_bytes(key_of("\0".join(thing.id for thing in things))[:4], "big")


def _standing(state: State, view: View) -> Standing | None:
    """What stands; None: nothing can."""
    things = _things(view)
    equal = {
        about_source(name).id: track
        for name, track in state.sources.items()
        if track.equal_since is not None and not track.superseded
    }
    kept = {name for name, finding in state.kept.items() if finding.status is Status.PASSED}
    stands = [thing.id in equal or (thing.id in kept and thing.id not in _sources(view)) for thing in things]
    if not any(stands):
        return None
    size = min(BITS, len(things))
    bits = [True] * size
    for number, one in enumerate(stands):
        bits[number * size // len(things)] &= one
    since = {track.equal_since for track in equal.values() if track.equal_since is not None}
    latest = max(since, default=None)
    moved = any(track.moved for track in equal.values()) or _long_by_the_latest(state, view, latest)
    return Standing(_names(things), tuple(bits), latest, moved)


def _long_by_the_latest(state: State, view: View, latest: datetime | None) -> bool:
    """Whether a text counted as there for long by the `latest` of all first looks, and does not by its own."""
    if latest is None:
        return False
    return any(
        track.equal_since is not None
        and track.equal_since < view.times.arrivals.get(name, view.times.arrived_at) + SLOWEST_SYNC <= latest
        for name, track in state.sources.items()
    )


def _sources(view: View) -> frozenset[str]:
    return frozenset(about_source(name).id for name in view.local)


def _take_up_standing(state: State, standing: Standing, wanted: Wanted, now: float) -> State:
    things = _things(wanted)
    if _names(things) != standing.names or len(standing.bits) != min(BITS, len(things)):
        return state
    local = {about_source(name).id: name for name in wanted.local}
    sources, kept = dict(state.sources), dict(state.kept)
    for number, thing in enumerate(things):
        if not standing.bits[number * len(standing.bits) // len(things)]:
            continue
        name = local.get(thing.id)
        if name is None:
            kept[thing.id] = thing.finds(Status.PASSED, _HELD, keeps=True)
        elif standing.equal_since is not None:
            # A second ago at most, so that spot checks begin anywhere.
            read_at = now - key_of(f"{name} {now}")[0] / 256
            # What one that was not equal at first was then is forgotten: it may come back, and is nobody's new one.
            sources[name] = SourceTrack(
                read_at, equal_since=standing.equal_since, held=not standing.moved, moved=standing.moved
            )
    return replace(state, sources=sources, kept=kept)
