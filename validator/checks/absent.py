"""Is every DAG gone that must be gone?

Airflow keeps a removed DAG on its list for up to two minutes (AIRFLOW.md section 4), with a parse time that stands
still. A parse after the deploy proves the contrary: some file still defines it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.finding import About, Ripens, Status
from validator.reasons import Reason

if TYPE_CHECKING:
    from validator.checks.interface import View
    from validator.finding import Finding

AREA = "absent"


def check(view: View) -> list[Finding]:
    """One finding for every DAG that must be absent."""
    return [_absent(dag_id, view) for dag_id in view.manifest.absent]


def _absent(dag_id: str, view: View) -> Finding:
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
            ripens=Ripens(polls=2) if defined else None,
        )
    if walk.unread is not None:
        message = "Not judged: the DAG list could not be read."
        return about.finds(Status.ERROR, message, walk.unread.reason, heals=walk.unread.heals)
    if not walk.whole:
        message = "It was not seen on the DAG list, but the list kept changing while it was read."
        return about.finds(Status.ERROR, message, Reason.BAD_RESPONSE)
    if view.seen.began < view.times.fresh_after or not view.cycle_is_settled:
        to_go = f"{len(view.behind)} of the listed DAGs to go" if view.behind else "a second time, to be sure"
        message = (
            "It is not listed now, but it could come back until Airflow has parsed everything since the new files "
            f"arrived ({to_go})."
        )
        waits = {"not_parsed_yet": list(view.behind[:5])}
        return about.finds(Status.PENDING, message, Reason.DAG_NOT_ABSENT, waits)
    return about.finds(
        Status.PASSED, "It is not listed, and everything was parsed since the new files arrived."
    )
