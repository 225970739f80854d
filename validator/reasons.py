"""Why a finding is not simply passed: stable codes, each with what to do about it.

The codes are part of the contract (JSON `reason`, JUnit `type`): they may be added to, never renamed.
The README's table of reason codes is compared with `ADVICE` by a test.
"""

from __future__ import annotations

from enum import Enum


class Reason(str, Enum):
    """A stable reason code."""

    DAG_MISSING = "dag-missing"
    DAG_IMPORT_ERROR = "dag-import-error"
    DAG_STALE = "dag-stale"
    DAG_INACTIVE = "dag-inactive"
    DAG_PAUSED = "dag-paused"
    DAG_WRONG_FILE = "dag-wrong-file"
    DAG_NOT_ABSENT = "dag-not-absent"
    IMPORT_ERROR = "import-error"
    COMPONENT_UNHEALTHY = "component-unhealthy"
    COMPONENT_MISSING = "component-missing"
    HEARTBEAT_OLD = "heartbeat-old"
    ENVIRONMENT_NOT_AVAILABLE = "environment-not-available"
    ACCESS_DENIED = "access-denied"
    LIMITED_ROLE = "limited-role"
    NOT_FOUND = "not-found"
    UNREACHABLE = "unreachable"
    BAD_RESPONSE = "bad-response"
    UNDECIDED = "undecided"

    def __str__(self) -> str:
        """The code itself, as it stands in reports."""
        return self.value


ADVICE: dict[Reason, str] = {
    Reason.DAG_MISSING: (
        "Check that the file reached the bucket's DAGs folder, that .airflowignore does not hide it, that it "
        "mentions both `dag` and `airflow`, and that the id is spelled as in the manifest. A new file is "
        "found only at the next directory scan (300 s by default): give the gate at least that time."
    ),
    Reason.DAG_IMPORT_ERROR: "Mend the line that the stack trace names, and deploy again.",
    Reason.DAG_STALE: (
        "Airflow still shows the version from before the deploy. Check that the upload changed the file, that "
        "a DAG processor runs and that none dies or times out on this file (its log says so; Airflow 3.0 "
        "reports no import error then); or give the gate more time."
    ),
    Reason.DAG_INACTIVE: (
        "Airflow knows the DAG but no file defines it any more: it was deleted, renamed, hidden by "
        ".airflowignore, or its file no longer mentions `dag` and `airflow`."
    ),
    Reason.DAG_PAUSED: "Pause or unpause the DAG in Airflow, or change `paused` in the manifest.",
    Reason.DAG_WRONG_FILE: (
        "Make sure that only one file in the DAGs folder defines the id, and that the manifest's `file` is its "
        "path relative to that folder."
    ),
    Reason.DAG_NOT_ABSENT: (
        "Delete the file that still defines the DAG from the bucket (`aws s3 sync` needs --delete), or take the "
        "id off `absent`. Airflow takes up to two minutes to let a removed DAG go."
    ),
    Reason.IMPORT_ERROR: (
        "Mend the file, allow it under `import_errors.allow`, or use `scope: mine` where other teams share "
        "the environment."
    ),
    Reason.COMPONENT_UNHEALTHY: (
        "Look at the component's log group in CloudWatch. A component that is scaled to zero on purpose goes "
        "under `health.ignore`."
    ),
    Reason.COMPONENT_MISSING: "Start the component, or take it off `health.require`.",
    Reason.HEARTBEAT_OLD: (
        "The component stopped without a word: look at its log group in CloudWatch and restart it, or raise "
        "`health.max_heartbeat_age` if its heartbeat interval is longer."
    ),
    Reason.ENVIRONMENT_NOT_AVAILABLE: (
        "Wait until the environment is AVAILABLE and run the gate again; if it cannot become so, look at its events in "
        "the MWAA console."
    ),
    Reason.ACCESS_DENIED: (
        "Grant the caller airflow:InvokeRestApi on arn:aws:airflow:REGION:ACCOUNT:role/ENVIRONMENT/Viewer "
        "(not on the environment's ARN), and check that the credentials are the intended ones and not expired."
    ),
    Reason.LIMITED_ROLE: (
        "Map the caller to an Airflow role that may read every DAG (Viewer is enough), or use "
        "`import_errors.scope: mine` and no `absent`."
    ),
    Reason.NOT_FOUND: "Check the environment's name, the region and the account of the credentials.",
    Reason.UNREACHABLE: (
        "Check the region's spelling, the network path and the environment's state, and the logs of its web server. A "
        "private web server can only be asked from inside its VPC: run the gate there."
    ),
    Reason.BAD_RESPONSE: (
        "Something answered that is not the Airflow API, or only half of it. Look at the web server's log, and "
        "at proxies in between."
    ),
    Reason.UNDECIDED: "Mend what is red and deploy again, or give the gate more time.",
}
"""What to do about each reason, in one or two sentences, for people."""
