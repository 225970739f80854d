"""An existing manifest brought up to date: what to change, and the changed text. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from validator.draft.edits import Editor
from validator.draft.found import ATTRIBUTES, Note, holds, matches
from validator.draft.places import find_places
from validator.draft.write import NothingToWrite, Unfaithful, demands, entry, prove
from validator.draft.yaml_text import flow, scalar
from validator.errors import ManifestError
from validator.manifest import parse_manifest
from validator.manifest.model import with_runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from validator.draft.found import Found, FoundDag
    from validator.draft.places import Place, Places
    from validator.manifest import Manifest
    from validator.manifest.model import ExpectedDag

_RUNS = "smoke runs it"
_VARIABLE = re.compile(r"(?<!\$)\$\{")


@dataclass(frozen=True)
class Current:
    """The manifest as it is."""

    data: bytes
    manifest: Manifest
    places: Places

    def leaves_out(self, dag_id: str) -> str:
        """Why a DAG that has no entry gets none; empty: it gets one."""
        if dag_id in self.manifest.absent:
            return "absent"
        if matches(dag_id, [one.pattern for one in self.manifest.patterns]):
            return "pattern"
        return "allow" if matches(dag_id, self.manifest.inventory.allow) else ""


@dataclass(frozen=True)
class Updated:
    """What came of it."""

    data: bytes
    """The new text; the old one where nothing changes."""
    added: int
    changed: int
    removed: int
    missing: int
    """Entries that were not found and stay."""
    notes: tuple[Note, ...]


def read_current(data: bytes, source: str, environ: Mapping[str, str]) -> Current:
    """The manifest in `data`; it may be one that expects nothing yet.

    Raises:
        ManifestError: it is wrong.
        Unfaithful: it cannot be changed in place.
    """
    text = data.decode("utf-8-sig", "replace")
    try:
        manifest = parse_manifest(data, source, environ, expects_more=True)
    except ManifestError:
        # `dags:` with nothing behind it is how a list begins that is to be filled.
        empty = _empty_dags(text)
        if empty is None:
            raise
        filled = f"{text[: empty.start]} []{text[empty.start :]}".encode()
        manifest = parse_manifest(filled, source, environ, expects_more=True)
    return Current(data, manifest, _places(text))


def _empty_dags(text: str) -> Place | None:
    try:
        dags = _places(text).root.entries.get("dags")
    except Unfaithful:
        return None
    return dags if dags is not None and dags.kind == "scalar" and dags.start == dags.end else None


def _places(text: str) -> Places:
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415 - only --update needs it

    try:
        return find_places(text)
    except (YAMLError, ValueError) as error:
        raise Unfaithful(f"it is read in two ways: {' '.join(str(error).split())[:200]}") from None


@dataclass
class _Plan:
    """What is to be done, and what is to be told."""

    dags: dict[str, ExpectedDag] = field(default_factory=dict)
    """What the new manifest means."""
    gone: set[int] = field(default_factory=set)
    """Indices of entries to take out."""
    changed: int = 0
    missing: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)
    asleep: list[str] = field(default_factory=list)
    """DAGs that are paused, and that smoke runs as they are."""
    left_out: dict[str, list[str]] = field(default_factory=lambda: {"absent": [], "pattern": [], "allow": []})


def update(  # noqa: PLR0913 - all that it depends on
    current: Current,
    found: Found,
    asked: Sequence[str],
    *,
    only: Sequence[str] = (),
    prune: bool = False,
    environ: Mapping[str, str],
) -> Updated:
    """The manifest with what was found.

    Args:
        current: the manifest as it is.
        found: what is there.
        asked: the attributes that may be added to entries, and changed.
        only: globs of the ids that count; empty: all.
        prune: whether entries are taken out whose DAGs are surely not there.
        environ: the environment variables.

    Raises:
        Unfaithful: the new text would not say what is meant.
    """
    place = current.places.root.entries.get("dags")
    if place is not None and place.kind == "alias":
        raise Unfaithful("its `dags` stand behind an alias; write them out")
    entries = _entries(current, place)
    editor, plan = Editor(current.places), _Plan()
    found = _awake(plan, current, found, only)
    by_id = {dag.dag_id: dag for dag in found.dags}
    runs = {run.dag_id for run in current.manifest.smoke}
    for index, expected in entries.items():
        assert place is not None  # noqa: S101 - it has entries
        seen = by_id.get(expected.dag_id)
        plan.dags[expected.dag_id] = expected
        if only and not matches(expected.dag_id, only):
            continue
        if seen is None:
            doubt = found.doubt.about(expected) or (_RUNS if expected.dag_id in runs else "")
            _judge_missing(plan, current.places, place, index, expected, doubt, prune=prune)
        else:
            _bring_up(plan, editor, current.places, place, index, expected, seen, asked)
    new = _new(plan, current, found.only(only), asked)
    for index in plan.gone:
        del plan.dags[entries[index].dag_id]
    _put_in(editor, current.places, place, entries, plan.gone, new)
    plan.dags.update((one.dag_id, one) for one in new)
    data = _encoded(current, editor)
    if data != current.data:
        _prove(current, plan, data, environ)
    return Updated(data, len(new), plan.changed, len(plan.gone), len(plan.missing), _notes(plan, prune=prune))


def _awake(plan: _Plan, current: Current, found: Found, only: Sequence[str]) -> Found:
    """What is found, without the pause of a DAG that smoke runs as it is: no manifest can demand both."""
    as_it_is = {run.dag_id for run in current.manifest.smoke if not run.unpause}
    asleep = {dag.dag_id for dag in found.dags if dag.dag_id in as_it_is and dag.values.get("paused")}
    plan.asleep += sorted(dag_id for dag_id in asleep if not only or matches(dag_id, only))

    def awake(dag: FoundDag) -> FoundDag:
        return replace(dag, values={name: value for name, value in dag.values.items() if name != "paused"})

    return replace(found, dags=tuple(awake(dag) if dag.dag_id in asleep else dag for dag in found.dags))


def _new(plan: _Plan, current: Current, found: Found, asked: Sequence[str]) -> list[ExpectedDag]:
    """The expectations to add."""
    new = []
    for seen in found.dags:
        if seen.dag_id in plan.dags:
            continue
        why = current.leaves_out(seen.dag_id)
        if why:
            plan.left_out[why].append(seen.dag_id)
        else:
            new.append(seen.demands(asked))
    return new


def _prove(current: Current, plan: _Plan, data: bytes, environ: Mapping[str, str]) -> None:
    meant = replace(current.manifest, dags=with_runs(plan.dags.values(), current.manifest.smoke))
    if meant.expects_nothing:
        raise NothingToWrite(
            "without the entries that are not found the manifest would expect nothing",
            advice="Delete the file, or leave --prune out. Nothing was written.",
        )
    prove(data, meant, environ)


def _entries(current: Current, place: Place | None) -> dict[int, ExpectedDag]:
    """The entries that name one DAG, by their index in the list."""
    if place is None:
        return {}
    anchored = {one.anchor: one for one in _walk(current.places.root) if one.kind != "alias"}

    def is_pattern(item: Place) -> bool:
        return "pattern" in (anchored[item.anchor] if item.kind == "alias" else item).entries

    singles = [index for index, item in enumerate(place.items) if not is_pattern(item)]
    own = current.manifest.dags[: len(singles)]  # what only `smoke` names comes behind them
    return dict(zip(singles, own, strict=True))


def _walk(place: Place) -> list[Place]:
    inner = [*place.items, *place.keys.values(), *place.entries.values()]
    return [place, *(one for child in inner for one in _walk(child))]


def _judge_missing(  # noqa: PLR0913 - one entry's whole context, private to this module
    plan: _Plan, places: Places, dags: Place, index: int, expected: ExpectedDag, doubt: str, *, prune: bool
) -> None:
    if prune and not doubt and places.aliased.intersection(dags.items[index].anchors()):
        doubt = "something else in the manifest refers to it"
    if prune and not doubt:
        plan.gone.add(index)
    else:
        plan.missing.append(f"{expected.dag_id}, since {doubt}" if doubt else expected.dag_id)


def _bring_up(  # noqa: PLR0913 - one entry's whole context, private to this module
    plan: _Plan,
    editor: Editor,
    places: Places,
    dags: Place,
    index: int,
    expected: ExpectedDag,
    seen: FoundDag,
    asked: Sequence[str],
) -> None:
    """Change what an entry demands and does not hold, and add what it lacks, as far as it is `asked`."""
    item, told = dags.items[index], demands(expected)
    values: dict[str, Any] = {}
    for name in ATTRIBUTES:
        if name not in told or name not in seen.values or holds(name, told[name], seen.values[name]):
            continue
        if name not in asked:
            plan.unasked.append(f"{seen.dag_id}: {name}")
        elif why := _why_by_hand(places, item, name, seen):
            plan.by_hand.append(f"{seen.dag_id}: {name}, since {why}")
        else:
            editor.change(item, name, seen.values[name])
            values[name] = seen.values[name]
    lacking = {name: seen.values[name] for name in asked if name not in told and seen.can_demand(name)}
    if lacking and item.kind != "mapping":
        editor.to_mapping(item, lacking, in_flow=dags.flow)
    elif lacking:
        editor.add(item, lacking)
    if values or lacking:
        plan.changed += 1
        plan.dags[seen.dag_id] = replace(expected, **values, **lacking)


def _why_by_hand(places: Places, item: Place, name: str, seen: FoundDag) -> str:
    """Why what an entry demands cannot be changed here; empty: it can."""
    old = item.entries[name]
    text = places.text[old.start : old.end]
    if not seen.can_demand(name):
        return f"the DAG has no {name}, and no manifest can say so"
    if _VARIABLE.search(text):
        return "environment variables are in it"
    if places.aliased.intersection(old.anchors()):
        return "something else refers to it"
    if old.style in ("|", ">") and "#" in text.split("\n", 1)[0]:
        return "a comment stands in it"
    return ""


def _put_in(  # noqa: PLR0913 - the list's whole context, private to this module
    editor: Editor,
    places: Places,
    place: Place | None,
    entries: Mapping[int, ExpectedDag],
    gone: set[int],
    new: Sequence[ExpectedDag],
) -> None:
    """Take entries out of the list and put new ones in: at their place if it is sorted, else at its end."""
    root = places.root
    if (
        place is None
        or place.kind == "scalar"
        or not (place.items or root.flow or _is_commented(places, place))
    ):
        if new:
            _begin_list(editor, places, place, new)
        return
    column = " " * (0 if place.flow else places.column(place.marks[0]))
    ids = [one.dag_id for one in entries.values()]
    is_sorted = ids == sorted(ids)
    at = [min(entries, default=len(place.items)) - 1, *entries]
    slots: dict[int, list[list[str]]] = {}
    for one in new:
        lines = [_in_flow(one)] if place.flow else entry(one, column)
        slot = at[bisect_left(ids, one.dag_id)] if is_sorted else len(place.items) - 1
        slots.setdefault(slot, []).append(lines)
    if new or gone:
        editor.change_list(root.keys["dags"], place, gone, slots)


def _is_commented(places: Places, place: Place) -> bool:
    """Whether a comment stands within the brackets of an empty list."""
    return "#" in places.text[place.start : place.end]


def _begin_list(editor: Editor, places: Places, place: Place | None, new: Sequence[ExpectedDag]) -> None:
    """Put in the first entries of all."""
    root = places.root
    if root.flow:
        text = f"[{', '.join(map(_in_flow, new))}]"
        if place is None:
            editor.insert_in(root, f"dags: {text}")
        else:
            editor.insert(place.start, f" {text}")
        return
    column = " " * places.column(min(key.start for key in root.keys.values()))
    lines = [line for one in new for line in entry(one, f"{column}  ")]
    if place is None:
        editor.lines_after(root.end, [f"{column}dags:", *lines])
        return
    if place.start < place.end:
        editor.drop(place)
    editor.lines_after(place.end, lines)


def _in_flow(expected: ExpectedDag) -> str:
    values = demands(expected)
    if not values:
        return scalar(expected.dag_id)
    return (
        "{"
        + ", ".join(
            [
                f"dag_id: {scalar(expected.dag_id)}",
                *(f"{key}: {flow(value)}" for key, value in values.items()),
            ]
        )
        + "}"
    )


def _encoded(current: Current, editor: Editor) -> bytes:
    mark = b"\xef\xbb\xbf" if current.data.startswith(b"\xef\xbb\xbf") else b""
    try:
        return mark + editor.result().encode()
    except ValueError as error:
        raise Unfaithful(str(error)) from None


def _notes(plan: _Plan, *, prune: bool) -> tuple[Note, ...]:
    kept = "Not found, and kept" + ("" if prune else "; --prune takes out those that are surely gone")
    notes = [
        Note("Warning: expected to be absent, and there:", tuple(plan.left_out["absent"])),
        Note("Warning: paused, and smoke runs them without unpause: true:", tuple(plan.asleep)),
        Note("Not added, because a pattern of the manifest matches them:", tuple(plan.left_out["pattern"])),
        Note("Not added, because inventory.allow names them:", tuple(plan.left_out["allow"])),
        Note("Do not hold, and stay, because --with does not name them:", tuple(plan.unasked)),
        Note("Do not hold, and must be changed by hand:", tuple(plan.by_hand)),
        Note(f"{kept}:", tuple(plan.missing)),
    ]
    return tuple(note for note in notes if note.subjects)
