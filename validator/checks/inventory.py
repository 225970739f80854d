"""Are there DAGs that nobody expects?

Airflow lets a DAG whose file is gone go after up to two minutes, once it has looked at the folder (AIRFLOW.md section
4): until then it is a leftover. A parse after the new files arrived proves that some file still defines it.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from validator.airflow.models import Unread
from validator.checks.absent import to_go
from validator.finding import About, Ripens, Status
from validator.reasons import Reason

if TYPE_CHECKING:
    from validator.airflow.models import Dag
    from validator.checks.interface import View
    from validator.finding import Finding

AREA = "inventory"
LEFTOVERS_GO = 130.0
"""Seconds: the longest that was measured is 122, from the moment that Airflow saw that the file is gone."""


def check(view: View) -> list[Finding]:
    """One finding for the list as such, and one for every DAG on it that is neither expected nor allowed."""
    rule = view.manifest.inventory
    if rule.unexpected == "ignore":
        return []
    expected = {dag.dag_id for dag in view.manifest.dags} | {*view.matched, *view.manifest.absent}
    unexpected = [
        row
        for dag_id, row in sorted(view.listed.items())
        if dag_id not in expected
        and not any(fnmatchcase(dag_id, glob) for glob in rule.allow)
        and not view.may_come_from(row.file)
    ]
    fails = rule.unexpected == "fail"
    judged = [_unexpected(row, view, fails=fails) for row in unexpected]
    return [_list(view, len(unexpected), fails=fails), *judged]


def _unexpected(row: Dag, view: View, *, fails: bool) -> Finding:
    about = About(f"inventory/{row.dag_id}", AREA, row.dag_id)
    file = view.folder.name(row.file)
    details = {"file": file, "last_parsed_time": row.last_parsed.isoformat() if row.last_parsed else None}
    if not fails:
        message = f"{file} defines it, and nobody expects it."
        return about.finds(Status.WARNING, message, Reason.UNEXPECTED_DAG, details, file=file)
    parsed = row.last_parsed
    if parsed is not None and view.times.fresh_after <= parsed <= view.stamps_allowed_until:
        message = f"{file} defines it, parsed there after the new files had arrived, and nobody expects it."
        return about.finds(
            Status.PENDING,
            message,
            Reason.UNEXPECTED_DAG,
            details,
            file=file,
            # Without a deploy a parse of minutes ago may be from before its file was deleted.
            ripens=Ripens(polls=2, parse=None if view.times.deploy else parsed)
            if view.files_are_sure
            else None,
            had_its_turn=True,
        )
    message = (
        f"Airflow still lists it, from {file}, and nobody expects it; a DAG whose file is gone stays listed for up to two "
        "minutes."
    )
    seen_gone = view.seen.began >= view.times.fresh_after and view.times.settled_after is not None
    return about.finds(
        Status.PENDING,
        message,
        Reason.UNEXPECTED_DAG,
        details,
        file=file,
        ripens=Ripens(seconds=view.times.scan_interval + LEFTOVERS_GO)
        if seen_gone and view.files_are_sure
        else None,
    )


def _list(view: View, count: int, *, fails: bool) -> Finding:
    about = About("inventory", AREA, "inventory")
    walk = view.seen.dags
    wrong = Status.ERROR if fails else Status.SKIPPED
    if walk.unread is not None:
        message = "Not judged: the DAG list could not be read."
        return about.finds(
            wrong, message, walk.unread.reason, heals=walk.unread.heals, advice=walk.unread.advice
        )
    if not walk.whole:
        message = "The DAG list kept changing while it was read: a DAG may have been overlooked."
        return about.finds(wrong, message, Reason.BAD_RESPONSE)
    if view.seen.reads_all is not True:
        return _limited(about, view.seen.reads_all, wrong)
    if fails and (view.seen.began < view.times.fresh_after or not view.cycle_is_settled):
        message = (
            "A DAG that nobody expects could still come until Airflow has parsed everything since the new files arrived "
            f"({to_go(view)})."
        )
        return about.finds(Status.PENDING, message, Reason.UNEXPECTED_DAG)
    found = (
        f"{count} of {len(view.listed)} listed DAGs" if count else f"none of {len(view.listed)} listed DAGs"
    )
    return about.finds(Status.PASSED, f"Unexpected: {found}.", None, {"unexpected": count})


def _limited(about: About, reads_all: bool | Unread, wrong: Status) -> Finding:  # noqa: FBT001 - False, or why it is not known
    if isinstance(reads_all, Unread):
        message = f"Whether the Airflow role sees every DAG could not be found out: {reads_all.message}"
        return about.finds(wrong, message, reads_all.reason, heals=reads_all.heals)
    message = "The caller's Airflow role may not read every DAG: whether there are others cannot be told."
    return about.finds(wrong, message, Reason.LIMITED_ROLE)
