"""A whole manifest from what was found: its text, and the proof that it says what was meant. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from validator.draft.sayable import sayable
from validator.draft.yaml_text import attribute, comment, scalar
from validator.errors import EXIT_FAILED, GateError, ManifestError, UsageError
from validator.manifest import Manifest, parse_manifest
from validator.manifest.nodes import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from validator.draft.found import Found, Note
    from validator.manifest.model import ExpectedDag

MOST_SUBJECTS = 100
"""So many of a note's subjects are named in the manifest; the rest is counted."""


class NothingToWrite(GateError):
    """There is nothing that a manifest could expect and that could ever be green."""

    exit_code = EXIT_FAILED


class Unfaithful(GateError):
    """What would be written does not say what was meant; nothing was written."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the manifest that would be written does not say what was meant, so nothing was written: {why}",
            advice="Ask for less, by --with and --only; or, with --update, change by hand what it names.",
        )


def write(
    found: Found, asked: Sequence[str], *, made_by: Sequence[str], environment: str | None, region: str | None
) -> bytes:
    """The manifest that expects what was found, ready to be a file.

    Args:
        found: what is there.
        asked: the attributes that are demanded, in their order.
        made_by: comment lines that say where it comes from.
        environment: the MWAA environment's name; None: there is none.
        region: its AWS region; None: as AWS's own configuration says.

    Raises:
        UsageError: it would be larger than a manifest may be.
        Unfaithful: it does not come back from the loader as it was meant.
    """
    dags = tuple(dag.demands(asked) for dag in found.dags)
    named = {key: value if value is not None and sayable(key, value) else None
             for key, value in (("environment", environment), ("region", region))}  # fmt: skip
    lines = [comment(line) for line in made_by]
    for note in found.told(asked):
        lines += ["#", *_note(note)]
    lines += ["version: 1", *(f"{key}: {scalar(value)}" for key, value in named.items() if value is not None)]
    lines.append("dags:")
    for dag in dags:
        lines += entry(dag, "  ")
    data = ("\n".join(lines) + "\n").encode()
    if len(data) > MAX_BYTES:
        raise UsageError(
            f"the manifest would be {len(data) / 1024:,.0f} KiB large, and {MAX_BYTES >> 10:,} KiB are possible; "
            "nothing was written",
            advice="Ask for less: fewer attributes by --with, fewer DAGs by --only.",
        )
    prove(data, Manifest(named["environment"], named["region"], dags=dags), {})
    return data


def entry(expected: ExpectedDag, indent: str) -> list[str]:
    """The lines of an entry of `dags` that is indented so."""
    values = demands(expected)
    if not values:
        return [f"{indent}- {scalar(expected.dag_id)}"]
    lines = [f"{indent}- dag_id: {scalar(expected.dag_id)}"]
    for name, value in values.items():
        lines += attribute(name, value, f"{indent}  ")
    return lines


def demands(expected: ExpectedDag) -> dict[str, object]:
    """What an expectation demands beyond its DAG's id, by attribute."""
    values = {name: value for name, value in vars(expected).items() if name != "dag_id" and value is not None}
    return {name: value for name, value in values.items() if value != () or name == "tasks"}


def prove(data: bytes, meant: Manifest, environ: Mapping[str, str]) -> None:
    """Load what would be written, and compare it with what is meant; the order of DAGs and of lists does not matter.

    Raises:
        Unfaithful: it says something else.
    """
    try:
        told = parse_manifest(data, "the new manifest", environ)
    except ManifestError as error:
        raise Unfaithful(error.problems[0]) from None
    one, other = _comparable(told), _comparable(meant)
    if replace(told, dags=()) != replace(meant, dags=()) or one != other:
        odd = sorted(dag_id for dag_id in {*one, *other} if one.get(dag_id) != other.get(dag_id))
        raise Unfaithful(
            f"the DAG {odd[0]} would be another one" if odd else "something beside the DAGs would be another"
        )


def _comparable(manifest: Manifest) -> dict[str, ExpectedDag]:
    return {
        dag.dag_id: replace(
            dag,
            tags=tuple(sorted(dag.tags)),
            owners=tuple(sorted(dag.owners)),
            tasks=None if dag.tasks is None else tuple(sorted(dag.tasks)),
        )
        for dag in manifest.dags
    }


def _note(note: Note) -> list[str]:
    lines = [comment(note.text), *(comment(f"  {subject}") for subject in note.subjects[:MOST_SUBJECTS])]
    if len(note.subjects) > MOST_SUBJECTS:
        lines.append(comment(f"  and {len(note.subjects) - MOST_SUBJECTS:,} more"))
    return lines
