"""Is every expected DAG there, current, free of import errors, from its one file, and paused as expected?

DESIGN section 5, "Listed", "Fresh and settled", "One id, two files"; measured in AIRFLOW.md sections 4, 13 and 14.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from validator.airflow.models import Unread
from validator.checks import patterns
from validator.checks.traces import cause_of, line_in
from validator.durations import format_duration
from validator.finding import About, Ripens, Status
from validator.manifest.model import ExpectedDag
from validator.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from validator.airflow.models import Dag, DagImportError
    from validator.checks.interface import View
    from validator.finding import Finding
    from validator.local.model import LocalFile

AREA = "dags"
_SUSPECTS = 5


def check(view: View) -> list[Finding]:
    """For every expected DAG a finding each of its presence, `file` and `paused`; then one for every pattern."""
    findings: list[Finding] = []
    passed: set[str] = set()
    for expected in [*view.manifest.dags, *map(ExpectedDag, view.matched)]:
        row = view.listed.get(expected.dag_id)
        presence = _presence(expected, row, view)
        findings.append(presence)
        if presence.status is Status.PASSED:
            passed.add(expected.dag_id)
        if expected.file is not None:
            findings.append(_file(expected, expected.file, row, view))
        if expected.paused is not None:
            findings.append(_paused(expected, expected.paused, row, view))
    return findings + patterns.judged(view, passed)


def _presence(expected: ExpectedDag, row: Dag | None, view: View) -> Finding:  # noqa: PLR0911 - one for each cause, worst first
    dag_id = expected.dag_id
    errors = view.errors_of(dag_id, expected.file)
    if row is None:
        return _not_listed(expected, errors, view)
    if errors or row.has_import_errors:
        return _broken(dag_id, errors, view)
    file = view.folder.name(row.file)
    fresh_after = view.fresh_after(row.file)
    details: dict[str, Any] = {"file": file, "needed": _iso(fresh_after)}
    if row.last_parsed is None:
        return _about(dag_id).finds(
            Status.PENDING, "It is listed but was never parsed.", Reason.DAG_STALE, details, file=file
        )
    parsed = details["last_parsed_time"] = row.last_parsed.isoformat()
    if row.last_parsed > view.stamps_allowed_until:
        ahead = (row.last_parsed - view.seen.ended).total_seconds()
        message = (
            f"Its last parse, {_time(row.last_parsed)}, lies {timedelta(seconds=round(ahead))} in the future of the "
            "web server's clock: the environment's clocks disagree, so nothing can be called new."
        )
        return _about(dag_id).finds(Status.ERROR, message, Reason.BAD_RESPONSE, details, file=file)
    if fresh_after is not None and row.last_parsed >= fresh_after:
        return _moving(dag_id, view) or _about(dag_id).finds(
            Status.PASSED, f"Parsed {_shown(parsed)} from {file}.", None, details, file=file
        )
    turn = row.last_parsed >= view.arrived_at(row.file)
    if fresh_after is None:
        message = (
            f"Last parsed {_time(row.last_parsed)}, but Airflow's text of {file} was not seen to be the local file's: only "
            "a parse after that is a parse of the new version."
        )
        return _about(dag_id).finds(
            Status.PENDING,
            message,
            Reason.DAG_STALE,
            details,
            file=file,
            had_its_turn=turn,
            advice="See what differs under the file's own dag-source-mismatch: Airflow has another version of it.",
        )
    message = (
        f"Last parsed {_time(row.last_parsed)}; a parse at {_time(fresh_after)} or later is needed to "
        "be sure that Airflow runs the new version."
    )
    return _about(dag_id).finds(
        Status.PENDING, message, Reason.DAG_STALE, details, file=file, had_its_turn=turn
    )


def _not_listed(expected: ExpectedDag, errors: Sequence[DagImportError], view: View) -> Finding:
    dag_id = expected.dag_id
    walk = view.seen.dags
    if walk.unread is not None:
        message = "Not judged: the DAG list could not be read."
        return _about(dag_id).finds(
            Status.ERROR, message, walk.unread.reason, heals=walk.unread.heals, advice=walk.unread.advice
        )
    if errors:
        return _broken(dag_id, errors, view)
    if not walk.whole and dag_id not in walk.named:
        message = (
            "It is not on the DAG list, but the list kept changing while it was read, so that proves nothing."
        )
        return _about(dag_id).finds(Status.ERROR, message, Reason.BAD_RESPONSE)
    gone = view.gone.get(dag_id)
    if gone is not None:
        return _inactive(dag_id, gone, view)
    details: dict[str, Any] = {}
    message = "Airflow does not know it: no file that was parsed defines it."
    if view.seen.reads_all is False:
        message = "It is not on the list of DAGs that the caller's Airflow role may read, and that is not all of them."
    if isinstance(view.seen.gone, Unread):
        message = f"It is not on the DAG list (whether it was there before could not be read: {view.seen.gone.message})."
    hidden = [
        f"{name} defines it, but Airflow does not read that file: {why}."
        for name, (file, why) in view.hidden.items()
        if any(one.dag_id == dag_id for one in file.certain)
    ]
    if hidden:
        message += f" {hidden[0]}"
    elif expected.file is not None:
        message += f" It is expected from {expected.file}, which shows no import error."
    else:
        suspects = _suspects(dag_id, view)
        if suspects:
            details["suspects"] = suspects
            message += f" Files with import errors that may be its own: {', '.join(suspects)}."
    return _about(dag_id).finds(Status.PENDING, message, Reason.DAG_MISSING, details, file=expected.file)


def _inactive(dag_id: str, gone: Dag, view: View) -> Finding:
    file = view.folder.name(gone.file)
    parsed = _time(gone.last_parsed) if gone.last_parsed is not None else "never"
    details = {"file": file, "last_parsed_time": gone.last_parsed.isoformat() if gone.last_parsed else None}
    if gone.has_import_errors:
        message = f"Airflow took it off the list (last parsed {parsed}) and flags an import error in {file}"
        message += ", but shows no trace of it."
        return _about(dag_id).finds(Status.PENDING, message, Reason.DAG_IMPORT_ERROR, details, file=file)
    message = f"It is inactive: {file} was last seen to define it {parsed}, and defines it no more."
    return _about(dag_id).finds(Status.PENDING, message, Reason.DAG_INACTIVE, details, file=file)


def _broken(dag_id: str, errors: Sequence[DagImportError], view: View) -> Finding:
    """The DAG's own file has an import error; it may also be a good DAG beside a bad one."""
    row = view.listed.get(dag_id) or view.gone.get(dag_id)
    if not errors:
        file = view.folder.name(row.file) if row is not None else None
        message = f"Airflow flags an import error in its file {file or ''}, and no trace of it can be read."
        return _about(dag_id).finds(Status.PENDING, message, Reason.DAG_IMPORT_ERROR, file=file)
    error = errors[0]
    file = view.folder.name(error.file)
    line = line_in(error.stack_trace, view.folder.located(error.file))
    at = f"{file}, line {line}" if line is not None else file
    message = f"{at}: {cause_of(error.stack_trace)}"
    details: dict[str, Any] = {
        "file": file,
        "stamp": error.stamp.isoformat() if error.stamp is not None else None,
        "stack_trace": error.stack_trace,
    }
    after = view.stamped_after_arrival(error)
    if not after:
        message += " (not parsed again since the new files arrived)"
    return _about(dag_id).finds(
        Status.PENDING,
        message,
        Reason.DAG_IMPORT_ERROR,
        details,
        file=file,
        line=line,
        ripens=Ripens(polls=2) if after else None,
        had_its_turn=False,
    )


def _moving(dag_id: str, view: View) -> Finding | None:
    """Two files with one id: Airflow says nothing, the file just alternates from parse to parse."""
    track = view.tracks.get(dag_id)
    if track is None or track.moved_at is None:
        return None
    now = view.folder.name(track.now)
    details = {"files": sorted({view.folder.name(file) for file in (*track.earlier, track.now)})}
    if track.is_defined_twice:
        both = " and ".join(sorted({view.folder.name(file) for file in track.shown}))
        if len(track.shown) == 1:
            both += " and, before, in another file"
        message = (
            f"Parses since the new files arrived show it in {both}: more than one file defines this id, and which of "
            "them runs changes from parse to parse."
        )
        advice = (
            "Take the id out of all but one of them. If this deploy moved it from one to the other, the old file went later "
            "than sync allows: run the gate again."
        )
        return _about(dag_id).finds(
            Status.FAILED, message, Reason.DAG_WRONG_FILE, details, file=now, advice=advice
        )
    stays = view.times.gate_now - track.moved_at
    if stays >= view.times.grace:
        return None
    if track.earlier:
        moved = f"It moved from {view.folder.name(track.earlier[-1])} to {now}"
    else:  # seen by its bucket's digest only
        moved = f"It is in {now}, and it or another DAG came, went or moved"
    message = (
        f"{moved} {format_duration(stays)} ago; it must stay there for {format_duration(view.times.grace)} to show that "
        "only one file defines it."
    )
    return _about(dag_id).finds(Status.PENDING, message, Reason.DAG_WRONG_FILE, details, file=now)


def _file(expected: ExpectedDag, file: str, row: Dag | None, view: View) -> Finding:
    if row is None:
        return _about(expected.dag_id, "file").finds(
            Status.SKIPPED,
            "Not judged: the DAG is not listed.",
            Reason.UNDECIDED,
            file=file,
        )
    if not view.folder.names(row.file):
        message = f"Airflow does not say which file it comes from; {file} is expected."
        return _about(expected.dag_id, "file").finds(Status.ERROR, message, Reason.BAD_RESPONSE, file=file)
    if view.folder.holds(row.file, file):
        return _about(expected.dag_id, "file").finds(Status.PASSED, f"It comes from {file}.", file=file)
    seen = view.folder.name(row.file)
    # Before it is parsed again it may just not be known yet that it left that file.
    turn = row.last_parsed is not None and row.last_parsed >= view.arrived_at(row.file)
    return _about(expected.dag_id, "file").finds(
        Status.PENDING,
        f"It comes from {seen}, and {file} is expected.",
        Reason.DAG_WRONG_FILE,
        file=seen,
        details={"seen": seen, "expected": file},
        ripens=Ripens(seconds=view.times.grace) if turn else None,
        had_its_turn=turn,
        advice=_prefix_advice(seen, view.local.get(file)),
    )


def _prefix_advice(seen: str, file: LocalFile | None) -> str:
    """What to do where Airflow has the local file's name, but below another folder; empty: it does not."""
    if file is None or not f"/{seen}".endswith(f"/{file.name}"):
        return ""
    prefix = seen[: -len(file.name)].rstrip("/")
    if prefix:
        return f"If the local folder lies in {prefix}/ of the environment's DAGs folder, give --dags-prefix {prefix}."
    return "If the local folder is the environment's DAGs folder itself, leave out --dags-prefix."


def _paused(expected: ExpectedDag, paused: bool, row: Dag | None, view: View) -> Finding:  # noqa: FBT001 - the manifest's own word
    wanted = "paused" if paused else "unpaused"
    if row is None:
        return _about(expected.dag_id, "paused").finds(
            Status.SKIPPED, "Not judged: the DAG is not listed.", Reason.UNDECIDED
        )
    if row.paused is None:
        return _about(expected.dag_id, "paused").finds(
            Status.ERROR, "Airflow does not say if it is paused.", Reason.BAD_RESPONSE
        )
    if row.paused is paused:
        return _about(expected.dag_id, "paused").finds(Status.PASSED, f"It is {wanted}.")
    seen = "paused" if row.paused else "unpaused"
    return _about(expected.dag_id, "paused").finds(
        Status.PENDING,
        f"It is {seen}, and {wanted} is expected.",
        Reason.DAG_PAUSED,
        details={"seen": row.paused, "expected": paused},
        ripens=Ripens(seconds=view.times.grace),
    )


def _suspects(dag_id: str, view: View) -> list[str]:
    """Files with import errors that no listed DAG comes from: one of them may be the missing DAG's own."""
    owned = [dag.file for dag in view.listed.values()]
    files = [e.file for e in view.errors.rows if not any(file.same_as(e.file) for file in owned)]
    names = sorted({view.folder.name(file) for file in files}, key=lambda name: (dag_id not in name, name))
    return names[:_SUSPECTS]


def _time(moment: datetime) -> str:
    """A time of the server's for people."""
    return _shown(moment.isoformat())


def _shown(iso: str) -> str:
    """The same, of a time for programs: strftime takes three times as long, and there may be 10,000 DAGs."""
    return f"{iso[:10]} {iso[11:19]} UTC"


@lru_cache(maxsize=100)
def _iso(moment: datetime | None) -> str | None:
    """A time for programs; most DAGs share the one from which on a parse counts."""
    return moment.isoformat() if moment is not None else None


def _about(dag_id: str, part: str = "") -> About:
    """What a DAG's findings are about: its presence, or one attribute that the manifest demands."""
    return About(f"dags/{dag_id}/{part}" if part else f"dags/{dag_id}", AREA, dag_id)
