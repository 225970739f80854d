"""Is every DAG gone that must be gone?

Airflow keeps a removed DAG on its list for up to two minutes (AIRFLOW.md section 4), with a parse time that stands
still. A parse after the deploy proves the contrary: some file still defines it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.airflow.models import Unread
from validator.finding import About, Ripens, Status
from validator.reasons import Reason

if TYPE_CHECKING:
    from validator.checks.interface import View
    from validator.finding import Finding

AREA = "absent"


def check(view: View) -> list[Finding]:
    """One finding for every DAG that must be absent."""
    return [_absent(dag_id, view) for dag_id in view.manifest.absent]


def _absent(dag_id: str, view: View) -> Finding:  # noqa: PLR0911 - one for each cause
    about = About(f"absent/{dag_id}", AREA, dag_id)
    walk = view.seen.dags
    row = view.listed.get(dag_id)
    if row is not None:
        file = view.folder.name(row.file)
        details = {"file": file, "last_parsed_time": row.last_parsed.isoformat() if row.last_parsed else None}
        # A parse from the future is the clocks' fault: it proves nothing.
        newest = view.stamps_allowed_until
        defined = row.last_parsed is not None and view.times.fresh_after <= row.last_parsed <= newest
        message = (
            f"{file} still defines it: Airflow parsed it there after the new files had arrived."
            if defined
            else f"Airflow still lists it, from {file}; a DAG that was removed stays listed for up to two minutes."
        )
        return about.finds(
            Status.PENDING,
            message,
            Reason.DAG_NOT_ABSENT,
            details,
            # Without a deploy a parse of minutes ago may be from before its file was deleted.
            ripens=Ripens(polls=2, parse=None if view.times.deploy else row.last_parsed) if defined else None,
        )
    if walk.unread is not None:
        message = "Not judged: the DAG list could not be read."
        return about.finds(
            Status.ERROR, message, walk.unread.reason, heals=walk.unread.heals, advice=walk.unread.advice
        )
    if not walk.whole:
        message = "It was not seen on the DAG list, but the list kept changing while it was read."
        return about.finds(Status.ERROR, message, Reason.BAD_RESPONSE)
    if view.seen.reads_all is not True:
        return _unseen(about, view.seen.reads_all)
    gone = view.gone.get(dag_id)
    if gone is not None and gone.has_import_errors and view.errors.of(gone.file):
        file = view.folder.name(gone.file)
        message = f"It is not listed only because {file}, which defines it, has an import error."
        return about.finds(Status.PENDING, message, Reason.DAG_NOT_ABSENT, {"file": file}, file=file)
    if view.seen.began < view.times.fresh_after or not view.cycle_is_settled:
        message = (
            "It is not listed now, but it could come back until Airflow has parsed everything since the new files "
            f"arrived ({to_go(view)})."
        )
        waits = {"not_parsed_yet": list(view.behind[:5])}
        return about.finds(Status.PENDING, message, Reason.DAG_NOT_ABSENT, waits)
    return about.finds(
        Status.PASSED, "It is not listed, and everything was parsed since the new files arrived."
    )


def to_go(view: View) -> str:
    """How much of the two cycles of parses is still missing, for people."""
    return f"{len(view.behind)} of the listed DAGs to go" if view.behind else "a second time, to be sure"


def _unseen(about: About, reads_all: bool | Unread) -> Finding:  # noqa: FBT001 - False, or why it is not known
    """A role that may not read every DAG is not shown this one either."""
    if isinstance(reads_all, Unread):
        message = f"Whether the Airflow role would see it could not be found out: {reads_all.message}"
        return about.finds(Status.ERROR, message, reads_all.reason, heals=reads_all.heals)
    message = "It is not listed, but the caller's Airflow role may not read every DAG: it may just be hidden from it."
    return about.finds(Status.ERROR, message, Reason.LIMITED_ROLE)
