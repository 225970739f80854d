"""What a source shows of DAGs, in the form in which a manifest could demand it. Pure."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from validator import schedules
from validator.draft.sayable import sayable, sayable_id
from validator.manifest.model import ExpectedDag
from validator.manifest.schema_parts import MAX_DAGS, MAX_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ATTRIBUTES = ("file", "paused", "schedule", "tags", "owners", "tasks", "max_active_runs", "description")
"""What an entry can demand of a DAG beyond its id, in the order in which it is written."""
_LISTS = ("tags", "owners", "tasks")
_NOT_EMPTY = ("tags", "owners")
"""A manifest cannot demand that there are none of these."""
_UNKNOWN = "is not known"
_NOT_SAYABLE = "is more than a manifest can say"


@dataclass(frozen=True)
class Note:
    """Something that is not in the manifest, and that its reader must know."""

    text: str
    """A sentence; it ends with a colon where there are subjects."""
    subjects: tuple[str, ...] = ()
    """What it is about, such as DAG ids; foreign text."""
    of_dags: bool = False
    """The subjects are DAG ids, and nothing else."""

    def only(self, globs: Sequence[str]) -> Note:
        """The note without the DAGs whose ids none of these globs matches."""
        if not self.of_dags:
            return self
        return replace(self, subjects=tuple(one for one in self.subjects if matches(one, globs)))


@dataclass(frozen=True)
class Gap:
    """An attribute of a DAG that cannot be demanded as it is."""

    attribute: str
    dag_id: str
    why: str
    """Goes after `its tags`."""


@dataclass(frozen=True)
class FoundDag:
    """One DAG that is there and well."""

    dag_id: str
    values: Mapping[str, Any] = field(default_factory=dict)
    """By attribute, as an `ExpectedDag` has them; lists are sorted. What is not among the keys is not known, or no
    manifest can say it."""

    def demands(self, asked: Iterable[str]) -> ExpectedDag:
        """The expectation that this DAG stays as it is in what is `asked`."""
        return ExpectedDag(
            self.dag_id, **{name: self.values[name] for name in asked if self.can_demand(name)}
        )

    def can_demand(self, attribute: str) -> bool:
        """Whether an entry can demand the attribute as it is here."""
        if attribute not in self.values:
            return False
        return attribute not in _NOT_EMPTY or bool(self.values[attribute])


@dataclass(frozen=True)
class Doubt:
    """What keeps a DAG that was not found from being called gone. Each reason goes after `since`."""

    ids: Mapping[str, str] = field(default_factory=dict)
    """DAGs that are there and not well, each with the reason."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Files that may define more DAGs than are known, each with the reason."""
    unnamed: str = ""
    """Why a DAG of which no file is expected may be there; empty: it is not."""
    everywhere: str = ""
    """Why any DAG may be there; empty: what is not found is not there."""
    below: str = ""
    """The part of the DAGs folder that was looked at; empty: all of it."""

    def about(self, expected: ExpectedDag) -> str:
        """Why this DAG, which was not found, may be there all the same; empty: it is not."""
        if self.everywhere or expected.dag_id in self.ids:
            return self.everywhere or self.ids[expected.dag_id]
        if expected.file is None:
            return self.unnamed
        file = posixpath.normpath(expected.file)
        if self.below and not file.startswith(f"{self.below}/"):
            return f"{file} lies outside of {self.below}"
        return self.files.get(file, "")


@dataclass(frozen=True)
class Found:
    """All that a source shows."""

    dags: tuple[FoundDag, ...] = ()
    """By id, none twice."""
    gaps: tuple[Gap, ...] = ()
    notes: tuple[Note, ...] = ()
    doubt: Doubt = field(default_factory=Doubt)

    def only(self, globs: Sequence[str]) -> Found:
        """What is found of the DAGs whose ids one of these globs matches; of all, where there is none."""
        if not globs:
            return self
        dags = tuple(dag for dag in self.dags if matches(dag.dag_id, globs))
        gaps = tuple(gap for gap in self.gaps if matches(gap.dag_id, globs))
        notes = [note.only(globs) for note in self.notes]
        told = tuple(note for note in notes if note.subjects or not note.of_dags)
        return replace(self, dags=dags, gaps=gaps, notes=told)

    def cut(self) -> Found:
        """As many of the DAGs as one manifest names, and a note where that is not all."""
        if len(self.dags) <= MAX_DAGS:
            return self
        more = len(self.dags) - MAX_DAGS
        text = f"Not written, because a manifest names at most {MAX_DAGS:,} DAGs: the last {more:,} by id."
        return replace(self, dags=self.dags[:MAX_DAGS], notes=(*self.notes, Note(text)))

    def told(self, asked: Sequence[str]) -> tuple[Note, ...]:
        """The notes, with those of the gaps in what is `asked`."""
        groups: dict[tuple[str, str], list[str]] = defaultdict(list)
        for gap in self.gaps:
            if gap.attribute in asked:
                groups[gap.attribute, gap.why].append(gap.dag_id)
        told = []
        for (attribute, why), ids in sorted(groups.items()):
            if len(ids) == len(self.dags) > 1:
                told.append(Note(f"Not demanded of any DAG, because it {why}: its {attribute}."))
            else:
                told.append(Note(f"Not demanded, because it {why}: the {attribute} of", tuple(sorted(ids))))
        return (*self.notes, *told)


class Finder:
    """Collects what a source shows, and tells apart what a manifest can say."""

    def __init__(self) -> None:
        self._dags: dict[str, FoundDag] = {}
        self._gaps: list[Gap] = []
        self._nameless: list[str] = []

    def take(self, dag_id: str, seen: Mapping[str, Any], unknown: Mapping[str, str] | None = None) -> None:
        """A DAG that is there and well.

        Args:
            dag_id: its id.
            seen: what is known of it, by attribute; None: not known.
            unknown: why, by attribute, in words that go after `it`; else it is just not known.
        """
        if not sayable_id(dag_id):
            self._nameless.append(dag_id)
            return
        values: dict[str, Any] = {}
        for name in ATTRIBUTES:
            value = seen.get(name)
            if value is None:
                why = (unknown or {}).get(name, _UNKNOWN)
                self._gaps += [Gap(name, dag_id, why)] if name in seen else []
                continue
            said = _said(name, value)
            if said is None or (name == "tags" and said != _plain(name, value)):
                self._gaps.append(Gap(name, dag_id, _NOT_SAYABLE))
            if said is not None:
                values[name] = said
        self._dags[dag_id] = FoundDag(dag_id, values)

    def found(self, notes: Iterable[Note], doubt: Doubt) -> Found:
        """All that was taken."""
        told = list(notes)
        if self._nameless:
            told.append(
                Note(
                    "Not written, because a manifest cannot name them:",
                    tuple(sorted(self._nameless)),
                    of_dags=True,
                )
            )
        dags = tuple(self._dags[dag_id] for dag_id in sorted(self._dags))
        return Found(dags, tuple(self._gaps), tuple(told), doubt)


def _plain(name: str, value: Any) -> Any:  # noqa: ANN401 - as an ExpectedDag has it
    return tuple(sorted(set(value))) if name in _LISTS else value


def _said(name: str, value: Any) -> Any:  # noqa: ANN401 - the same
    """The value as a manifest says it; None: it cannot. Of tags those that it can: they are a subset demand."""
    plain = _plain(name, value)
    if name == "tags":
        return tuple(tag for tag in plain if sayable("tags", [tag]))[:MAX_NAMES]
    if name == "schedule":
        return _schedule(plain)
    if name in _NOT_EMPTY and not plain:
        return plain
    return plain if sayable(name, list(plain) if name in _LISTS else plain) else None


def _schedule(told: str) -> str | None:
    """A text that means the same schedule, the most readable one that does; None: no manifest can say it."""
    form = schedules.canonical(told)
    for text in (_duration(form), told, form):
        if text and schedules.canonical(text) == form and sayable("schedule", text):
            return text
    return None


def _duration(form: str) -> str:
    """`every 21600 s` as people write it: `6h`; empty: it is no such form."""
    words = form.split(" ")
    if len(words) != 3 or words[0] != "every" or words[2] != "s" or not words[1].isdecimal():  # noqa: PLR2004 - of such a form
        return ""
    rest = int(words[1])
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


def holds(name: str, wanted: Any, seen: Any) -> bool:  # noqa: ANN401 - as an ExpectedDag has them
    """Whether a demand holds for what is there, as `checks.attributes` and `checks.dags` judge it."""
    if name == "schedule":
        return schedules.canonical(wanted) == schedules.canonical(seen)
    if name == "tags":
        return set(wanted) <= set(seen)
    if name in _LISTS:
        return set(wanted) == set(seen)
    if name == "file":
        return bool(posixpath.normpath(wanted) == posixpath.normpath(seen))
    return bool(wanted == seen)


def matches(dag_id: str, globs: Iterable[str]) -> bool:
    """Whether one of these shell globs matches the id."""
    return any(fnmatchcase(dag_id, glob) for glob in globs)
