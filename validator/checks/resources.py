"""Do the variables, connections and pools exist that the DAGs need? Never what they hold.

A Viewer may not read variables and connections (AIRFLOW.md section 8): that is "cannot tell", never "missing".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.airflow.models import Unread
from validator.finding import About, Ripens, Status
from validator.reasons import Reason
from validator.transport.interface import EnvironmentFacts

if TYPE_CHECKING:
    from validator.airflow.models import Connection, Pool, Walk
    from validator.checks.interface import View
    from validator.finding import Finding
    from validator.manifest.model import ExpectedConnection, ExpectedPool

_OP = (
    "Grant the caller airflow:InvokeRestApi on arn:aws:airflow:REGION:ACCOUNT:role/ENVIRONMENT/Op: a Viewer or User may "
    "not read variables and connections. Or take them off the manifest."
)


def check(view: View) -> list[Finding]:
    """One finding for every variable, connection and pool that the manifest demands."""
    if view.seen.version is None or view.seen.dags.unread is not None:
        return [_not_asked(about) for about in _all(view)]
    details = view.seen.details
    return [
        *(_variable(key, view) for key in view.manifest.variables),
        *(_connection(one, details.connections, view) for one in view.manifest.connections),
        *(_pool(one, details.pools, view) for one in view.manifest.pools),
    ]


def _all(view: View) -> list[About]:
    return [
        *(about_variable(key) for key in view.manifest.variables),
        *(_about_connection(one) for one in view.manifest.connections),
        *(_about_pool(one) for one in view.manifest.pools),
    ]


def _not_asked(about: About) -> Finding:
    return about.finds(Status.SKIPPED, "Not judged: Airflow could not be asked.", Reason.UNDECIDED)


def _variable(key: str, view: View) -> Finding:
    about = about_variable(key)
    told = view.seen.details.variables.get(key)
    if told is None:
        return view.kept.get(about.id) or _not_asked(about)
    if isinstance(told, Unread):
        return _unread(about, told)
    if told:
        return about.finds(Status.PASSED, "It exists.", keeps=True)
    return _missing(about, "The variable does not exist.", Reason.VARIABLE_MISSING, view)


def _connection(expected: ExpectedConnection, walk: Walk[Connection] | None, view: View) -> Finding:
    about = _about_connection(expected)
    if walk is None:
        return _not_asked(about)
    row = next((row for row in walk.rows if row.conn_id == expected.conn_id), None)
    if row is None:
        if walk.unread is not None:
            return _unread(about, walk.unread)
        if not walk.whole:
            return about.finds(
                Status.ERROR, "The list of connections kept changing while it was read.", Reason.BAD_RESPONSE
            )
        return _missing(about, "The connection does not exist.", Reason.CONNECTION_MISSING, view)
    if expected.conn_type is not None and row.conn_type != expected.conn_type:
        message = f"Its type is {row.conn_type!r}, and {expected.conn_type!r} is expected."
        return about.finds(
            Status.PENDING,
            message,
            Reason.CONNECTION_MISSING,
            ripens=Ripens(seconds=view.times.grace),
            had_its_turn=True,
        )
    return about.finds(Status.PASSED, f"It exists, of type {row.conn_type!r}.")


def _pool(expected: ExpectedPool, walk: Walk[Pool] | None, view: View) -> Finding:
    about = _about_pool(expected)
    if walk is None:
        return _not_asked(about)
    row = next((row for row in walk.rows if row.name == expected.name), None)
    if row is None:
        if walk.unread is not None:
            return about.unread(walk.unread, f"The pools could not be read: {walk.unread.message}")
        if not walk.whole:
            return about.finds(
                Status.ERROR, "The list of pools kept changing while it was read.", Reason.BAD_RESPONSE
            )
        return about.finds(
            Status.PENDING,
            "The pool does not exist.",
            Reason.POOL_MISSING,
            ripens=Ripens(seconds=view.times.grace),
            had_its_turn=True,
        )
    if expected.min_slots is not None and 0 <= row.slots < expected.min_slots:
        message = f"It has {row.slots} slots, and at least {expected.min_slots} are expected."
        return about.finds(
            Status.PENDING,
            message,
            Reason.POOL_MISSING,
            {"slots": row.slots, "min_slots": expected.min_slots},
            ripens=Ripens(seconds=view.times.grace),
            had_its_turn=True,
        )
    slots = "without limit" if row.slots < 0 else f"with {row.slots} slots"
    return about.finds(Status.PASSED, f"It exists, {slots}.")


def _unread(about: About, told: Unread) -> Finding:
    advice = _OP if told.reason is Reason.ACCESS_DENIED else told.advice
    # Too long a key stays too long: nothing but its own path tells of a variable without showing all the others.
    heals = told.heals and told.reason is not Reason.PATH_TOO_LONG
    message = f"Whether it exists could not be read: {told.message}"
    return about.finds(Status.ERROR, message, told.reason, heals=heals, advice=advice)


def _missing(about: About, message: str, reason: Reason, view: View) -> Finding:
    backend = _backend(view)
    if backend is not None:
        message = (
            f"{message[:-1]} in Airflow's own database, but this environment also takes them from {backend}, which the API "
            "does not show: whether it is there cannot be told."
        )
        return about.finds(Status.ERROR, message, reason, heals=False)
    if isinstance(view.seen.environment, Unread):
        message += " (Whether a secrets backend provides it is not known: GetEnvironment could not be read.)"
    return about.finds(
        Status.PENDING, message, reason, ripens=Ripens(seconds=view.times.grace), had_its_turn=True
    )


def _backend(view: View) -> str | None:
    """The secrets backend that GetEnvironment tells of; None: none that is known."""
    told = view.seen.environment
    options = told.options if isinstance(told, EnvironmentFacts) else {}
    backend = options.get("secrets.backend", "").strip()
    return backend.rpartition(".")[2] or None


def about_variable(key: str) -> About:
    """What is judged of one variable."""
    return About(f"variables/{key}", "variables", key)


def _about_connection(expected: ExpectedConnection) -> About:
    return About(f"connections/{expected.conn_id}", "connections", expected.conn_id)


def _about_pool(expected: ExpectedPool) -> About:
    return About(f"pools/{expected.name}", "pools", expected.name)
