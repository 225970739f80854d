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
    DAG_ATTRIBUTE_MISMATCH = "dag-attribute-mismatch"
    DAG_TASKS_MISMATCH = "dag-tasks-mismatch"
    DAG_SOURCE_MISMATCH = "dag-source-mismatch"
    DAG_WARNING = "dag-warning"
    DAG_NOT_ABSENT = "dag-not-absent"
    UNEXPECTED_DAG = "unexpected-dag"
    IMPORT_ERROR = "import-error"
    COMPONENT_UNHEALTHY = "component-unhealthy"
    COMPONENT_MISSING = "component-missing"
    HEARTBEAT_OLD = "heartbeat-old"
    VARIABLE_MISSING = "variable-missing"
    CONNECTION_MISSING = "connection-missing"
    POOL_MISSING = "pool-missing"
    SMOKE_FAILED = "smoke-failed"
    SMOKE_TIMEOUT = "smoke-timeout"
    ENVIRONMENT_NOT_AVAILABLE = "environment-not-available"
    ENVIRONMENT_MISMATCH = "environment-mismatch"
    OBJECT_MISSING = "object-missing"
    OBJECT_MISMATCH = "object-mismatch"
    SUPERSEDED = "superseded"
    PATH_TOO_LONG = "path-too-long"
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
        "Check that the file reached the environment's DAGs folder (MWAA: the bucket's), that .airflowignore does not "
        "hide it, that it mentions both `dag` and `airflow`, and that the id is spelled as in the manifest. A new file "
        "is found only at the next directory scan (300 s by default): give the gate at least that time."
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
    Reason.DAG_ATTRIBUTE_MISMATCH: (
        "Change the DAG or the manifest, whichever is wrong. A release marker in `tags` that differs means that an older "
        "version of the file runs: check that the upload reached this environment."
    ),
    Reason.DAG_TASKS_MISMATCH: "Change the DAG or the manifest's `tasks`, whichever is wrong.",
    Reason.DAG_SOURCE_MISMATCH: (
        "Airflow parsed other bytes than those of the local file: check that the upload went to this environment and its "
        "DAGs folder, that no step rewrites files on the way, and that the files given are those deployed."
    ),
    Reason.DAG_WARNING: (
        "Mend what Airflow warns of (create the pool, for example), or set the manifest's `warnings` to warn or ignore."
    ),
    Reason.DAG_NOT_ABSENT: (
        "Delete the file that still defines the DAG from the DAGs folder (MWAA: from the bucket; `aws s3 sync` needs "
        "--delete), or take the id off `absent`. Airflow takes up to two minutes to let a removed DAG go."
    ),
    Reason.UNEXPECTED_DAG: (
        "Add the DAG to the manifest, allow it under `inventory.allow`, or delete the file that defines it from the DAGs "
        "folder (MWAA: from the bucket; `aws s3 sync` needs --delete)."
    ),
    Reason.IMPORT_ERROR: (
        "Mend the file, allow it under `import_errors.allow`, or use `scope: mine` where other teams share "
        "the environment."
    ),
    Reason.COMPONENT_UNHEALTHY: (
        "Look at the component's log (MWAA: its log group in CloudWatch). A component that is scaled to zero on purpose "
        "goes under `health.ignore`."
    ),
    Reason.COMPONENT_MISSING: "Start the component, or take it off `health.require`.",
    Reason.HEARTBEAT_OLD: (
        "The component stopped without a word: look at its log (MWAA: its log group in CloudWatch) and restart it, or "
        "raise `health.max_heartbeat_age` if its heartbeat interval is longer."
    ),
    Reason.VARIABLE_MISSING: (
        "Create the variable in Airflow, or take it off the manifest. What a secrets backend or an environment variable "
        "provides does not show in Airflow's API."
    ),
    Reason.CONNECTION_MISSING: (
        "Create the connection in Airflow, or mend the manifest. What a secrets backend or an environment variable "
        "provides does not show in Airflow's API."
    ),
    Reason.POOL_MISSING: "Create the pool in Airflow or give it more slots, or mend the manifest.",
    Reason.SMOKE_FAILED: (
        "The deployed DAG does not run as expected here: look at the task that failed and its log in Airflow, at the "
        "connections, variables and pools that it needs, or mend the manifest's `smoke`."
    ),
    Reason.SMOKE_TIMEOUT: (
        "Look at what the run waited for in Airflow (the scheduler, a worker, a pool, other runs of the DAG), or raise the "
        "smoke run's `timeout`."
    ),
    Reason.ENVIRONMENT_NOT_AVAILABLE: (
        "Wait until the environment is AVAILABLE and run the gate again; if it cannot become so, look at its events in "
        "the MWAA console."
    ),
    Reason.ENVIRONMENT_MISMATCH: (
        "Update the environment (aws mwaa update-environment), or the manifest's `mwaa` block, whichever is behind."
    ),
    Reason.OBJECT_MISSING: (
        "The deploy itself did not happen: check the upload step, its bucket and path. Files that are not meant to be "
        "deployed go under --s3-exclude."
    ),
    Reason.OBJECT_MISMATCH: (
        "The deploy itself did not happen: S3 holds another version of the file than the local folder. Check the upload "
        "step, its bucket and path, and that nothing rewrites files on the way."
    ),
    Reason.SUPERSEDED: (
        "Somebody deployed over this version while the gate looked: nothing can be said of it any more. Let deploys of "
        "one environment wait for each other, and run the gate of the last one."
    ),
    Reason.PATH_TOO_LONG: (
        "MWAA takes paths of at most 64 characters, so this cannot be asked for so long a name: take the demand off the "
        "manifest, or use a shorter name."
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
