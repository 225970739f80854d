"""Does Airflow read every local DAG file without an error, and find DAGs where there must be some?

Files that surely define DAGs are judged by these (checks/dags.py). What is left: files whose ids are computed, of which
at least one DAG is expected; files without DAGs that Airflow parses all the same; ids that two files define.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from validator.airflow.models import Unread
from validator.checks.absent import to_go
from validator.checks.dags import AREA as DAGS
from validator.checks.import_errors import judged
from validator.checks.traces import cause_of
from validator.finding import About, Status
from validator.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validator.airflow.models import DagImportError
    from validator.checks.interface import View
    from validator.finding import Finding
    from validator.local.model import LocalFile

AREA = "files"


def check(view: View) -> list[Finding]:
    """One finding for every local file that no certain DAG answers for, and for every id that is defined twice."""
    errors: dict[str, list[DagImportError]] = defaultdict(list)
    for error in view.errors.rows:
        name = view.local_name(error.file)
        if name is not None:
            errors[name].append(error)
    answered = {dag.file for dag in view.manifest.dags}
    findings = [
        _file(name, file, errors.get(name, ()), view)
        for name, file in sorted(view.local.items())
        if not file.certain or name not in answered
    ]
    return [
        *_nothing(view),
        *_twice(view),
        *findings,
        *(_hidden(name, *known) for name, known in sorted(view.hidden.items())),
    ]


def _file(  # noqa: PLR0911 - one for each cause
    name: str, file: LocalFile, errors: Sequence[DagImportError], view: View
) -> Finding:
    about = About(f"files/{name}", AREA, name)
    if errors:
        newest = max(errors, key=lambda e: (e.stamp is not None, e.stamp, e.error_id))
        makes_none = not (file.computes or file.certain)
        if makes_none and view.folder.matches(newest.file, view.manifest.import_errors.allow):
            message = f"Its import error is allowed by import_errors.allow: {cause_of(newest.stack_trace)}"
            return about.finds(Status.PASSED, message, file=name)
        return judged(about, newest, view)
    walk = view.seen.import_errors if view.seen.import_errors.unread is not None else view.seen.dags
    if walk.unread is not None:
        message = "Not judged: Airflow's lists could not be read."
        return about.unread(walk.unread, message, file=name)
    if file.computes or file.certain:
        return _yields(about, name, view)
    if not view.seen.import_errors.whole:
        message = (
            "The list of import errors kept changing while it was read: its own may have been overlooked."
        )
        return about.finds(Status.ERROR, message, Reason.BAD_RESPONSE, file=name)
    if isinstance(view.seen.reads_all, Unread):
        unread = view.seen.reads_all
        message = f"Whether the Airflow role sees its import error could not be found out: {unread.message}"
        return about.unread(unread, message, file=name)
    if not view.seen.reads_all:
        message = "Not judged: the Airflow role may not see the import error of a file without DAGs."
        return about.finds(Status.SKIPPED, message, Reason.LIMITED_ROLE, file=name)
    if view.is_long_in_s3:
        return about.finds(
            Status.PASSED, "Airflow has no import error of it, and S3 has had it for long.", file=name
        )
    if view.seen.began < view.times.fresh_after or not view.cycle_is_settled:
        message = (
            "It has no import error now, but no DAG tells when it was last parsed: one may come until Airflow has parsed "
            f"everything since the new files arrived ({to_go(view)})."
        )
        return about.finds(Status.PENDING, message, Reason.UNDECIDED, file=name)
    return about.finds(Status.PASSED, "Airflow has no import error of it.", file=name)


def _yields(about: About, name: str, view: View) -> Finding:
    """A file that makes DAGs whose ids only running it tells."""
    rows = view.yields.get(name, ())
    current = [row for row in rows if view.is_current(row)]
    details = {"dags": sorted(row.dag_id for row in rows)[:20], "count": len(rows)}
    if current:
        some = f"{len(current)} DAG{'s' if len(current) > 1 else ''}"
        return about.finds(Status.PASSED, f"Airflow finds {some} in it.", None, details, file=name)
    if rows:
        turn = any(
            row.last_parsed is not None and row.last_parsed >= view.arrived_at(row.file) for row in rows
        )
        message = f"Airflow lists {len(rows)} of its DAGs, but shows no parse of the new version yet."
        return about.finds(Status.PENDING, message, Reason.DAG_STALE, details, file=name, had_its_turn=turn)
    if not view.seen.dags.whole:
        message = "No DAG of it was seen, but the DAG list kept changing while it was read."
        return about.finds(Status.ERROR, message, Reason.BAD_RESPONSE, file=name)
    message = "Airflow lists no DAG of it: it makes DAGs when it runs, so that at least one is expected."
    if view.local[name].problem:
        message += f" It could not be read here: {view.local[name].problem}."
    return about.finds(Status.PENDING, message, Reason.DAG_MISSING, details, file=name)


def _nothing(view: View) -> list[Finding]:
    """A gate that checks nothing must not pass: a folder of which Airflow reads no DAG file demands nothing."""
    given = view.local or view.hidden
    if (
        not given
        or not view.files_are_sure
        or not view.manifest.expects_nothing
        or any(file.computes for file in view.local.values())
    ):
        return []
    message = (
        "Of the local files this Airflow reads none that makes DAGs, so that nothing is expected at all."
    )
    advice = (
        "Give the folder with the DAG files, or name what is expected in a manifest; check .airflowignore."
    )
    about = About("files", AREA, "local files")
    return [about.finds(Status.ERROR, message, Reason.UNDECIDED, heals=False, advice=advice)]


def _hidden(name: str, file: LocalFile, why: str) -> Finding:
    """A file that was meant to make DAGs, or was once: nothing is expected of it."""
    ids = ", ".join(one.dag_id for one in file.certain[:5]) or "its DAGs"
    message = f"Airflow does not read it ({why}), so that nothing is expected of {ids}."
    return About(f"files/{name}", AREA, name).finds(Status.SKIPPED, message, Reason.UNDECIDED, file=name)


def _twice(view: View) -> list[Finding]:
    """Ids that are surely defined more than once: Airflow says nothing, and runs now one, now the other."""
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for name, file in sorted(view.local.items()):
        for one in file.certain:
            places[one.dag_id].append((name, one.line))
    findings = []
    for dag_id, where in sorted(places.items()):
        if len(where) > 1:
            text = " and ".join(f"{name}, line {line}" for name, line in where)
            last, line = where[-1]
            about = About(f"dags/{dag_id}/defined-once", DAGS, dag_id)
            findings.append(
                about.finds(
                    Status.FAILED if view.files_are_sure else Status.PENDING,
                    f"{text} define it: Airflow says nothing, and which of them runs changes from parse to parse.",
                    Reason.DAG_WRONG_FILE,
                    {"places": [f"{name}:{line}" for name, line in where]},
                    file=last,
                    line=line,
                )
            )
    return findings
