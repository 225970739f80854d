"""Are the bytes that Airflow parsed those of the local files?

Airflow 3 tells each file's text (`/dagSources/{dag_id}`). What an equal text proves, and what it does not, is in DESIGN
section 5: it proves the file's own bytes, not those of what it imports.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from validator.airflow.models import Unread
from validator.finding import About, Status
from validator.provenance import newlines
from validator.reasons import Reason

if TYPE_CHECKING:
    from validator.checks.interface import View
    from validator.finding import Finding

AREA = "sources"
_ADVICE_2 = (
    "Check that the upload reached this Airflow, and that the files given are those deployed. Airflow 2 stores a file's "
    "text anew only if the file's modification time is later than its last look: where the upload keeps older times "
    "(rsync -a, cp -p), touch the file in the DAGs folder."
)
"""Measured on 2.10.5: a newer text with an older time is parsed and served, and its source stays the old one."""
_DIFF_LINES = 30
_LINE = 200
_MOST_DIFFED = 5_000
"""Lines of a file: telling two longer ones apart line by line takes too long."""


def check(view: View) -> list[Finding]:
    """One finding for every local file whose text Airflow can tell; on Airflow 2 one that says that it cannot."""
    if not view.local or view.seen.version is None:
        return []
    if not view.tells_sources:
        message = (
            "Airflow 2 tells a source only by a token that is longer than MWAA's paths, so the local files were not "
            "compared with it; --verify-s3 compares them with the bucket."
        )
        about = About("sources", AREA, "sources")
        return [about.finds(Status.SKIPPED, message, Reason.PATH_TOO_LONG)]
    return [_source(name, view) for name in sorted(view.local) if _has_dags(name, view)]


def _has_dags(name: str, view: View) -> bool:
    file = view.local[name]
    return bool(file.certain or file.computes or view.yields.get(name))


def about_source(name: str) -> About:
    """What is judged of one local file's text, by the file's name relative to the DAGs folder."""
    return About(f"sources/{name}", AREA, name)


def _source(name: str, view: View) -> Finding:  # noqa: PLR0911 - one for each cause
    about = about_source(name)
    file = view.local[name]
    if file.text is None:
        what = "it is an archive" if file.archive else "it is not UTF-8"
        return about.finds(Status.SKIPPED, f"Not compared: {what}.", Reason.UNDECIDED, file=name)
    asked = view.asked_of(name)
    if asked is not None and asked.source_key is None:
        message = f"Airflow does not say how its text of DAG {asked.dag_id} can be asked for."
        return about.finds(Status.ERROR, message, Reason.BAD_RESPONSE, file=name)
    told = view.seen.details.sources.get(name)
    track = view.sources.get(name)
    if isinstance(told, Unread):
        if told.reason is Reason.PATH_TOO_LONG:
            message = f"Not compared: {told.message}"
            details: dict[str, Any] = {"dag_id": asked.dag_id if asked is not None else None}
            return about.finds(Status.SKIPPED, message, told.reason, details, file=name, keeps=True)
        return about.unread(told, f"Airflow's text of it could not be read: {told.message}", file=name)
    if track is None:
        if about.id in view.kept:
            return view.kept[about.id]
        if view.yields.get(name):
            readable = view.seen.dags.unread is None
            message = "Not compared yet: each comparison is a call, and a round makes only so many."
            return about.finds(Status.PENDING, message, Reason.UNDECIDED, file=name, due=readable)
        message = "Not compared: no DAG of it is listed."
        return about.finds(Status.SKIPPED, message, Reason.UNDECIDED, file=name)
    if track.superseded:
        message = (
            "Airflow had the local file's text, and now has another one: somebody deployed over it meanwhile."
        )
        diff = {"diff": _diff(file.text, told)} if told is not None else {}
        return about.finds(Status.ERROR, message, Reason.SUPERSEDED, diff, file=name, heals=False)
    if track.equal_since is not None:
        return about.finds(
            Status.PASSED, "Airflow parsed exactly the local file's text.", file=name, keeps=True
        )
    return _differs(about, name, told, view)


def _differs(about: About, name: str, told: str | None, view: View) -> Finding:
    # Airflow stores no text of a file that it cannot import: nothing more will come of this parse.
    broken = any(view.local_name(error.file) == name for error in view.errors.rows)
    if told is None and about.id in view.kept:
        return replace(view.kept[about.id], had_its_turn=broken)
    diff = _diff(view.local[name].text or "", told) if told is not None else []
    late = view.seen.ended < view.times.arrived_at
    wait = " The new files may still be on their way." if late else ""
    line = _first_difference(view.local[name].text or "", told or "")
    at = f" (first at line {line})" if told is not None else ""
    return about.finds(
        Status.PENDING,
        f"Airflow's text of it is not that of the local file{at}.{wait}",
        Reason.DAG_SOURCE_MISMATCH,
        {"diff": diff},
        file=name,
        line=line if told is not None else None,
        had_its_turn=broken,
        keeps=True,
        advice=_ADVICE_2 if view.is_airflow_2 else "",
    )


def _first_difference(local: str, airflow: str) -> int:
    """The 1-based line at which two texts first differ."""
    ours, theirs = local.split("\n"), newlines(airflow).split("\n")
    for number, (one, other) in enumerate(zip(ours, theirs, strict=False), start=1):
        if one != other:
            return number
    return min(len(ours), len(theirs))


def _diff(local: str, airflow: str | None) -> list[str]:
    """What differs, in few and short lines: `-` is Airflow's, `+` the local file's."""
    ours, theirs = local.split("\n"), newlines(airflow or "").split("\n")
    if max(len(ours), len(theirs)) > _MOST_DIFFED:
        return []
    from difflib import unified_diff  # noqa: PLC0415 - only a text that differs pays for it

    lines = unified_diff(theirs, ours, "airflow", "local", lineterm="", n=1)
    return [line if len(line) <= _LINE else line[: _LINE - 1] + "…" for line in islice(lines, _DIFF_LINES)]
