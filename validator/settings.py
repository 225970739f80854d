"""All that one `check` needs to know, whichever surface it was started from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from validator.rules import Rules

if TYPE_CHECKING:
    from validator.local.model import LocalFolder
    from validator.manifest.model import GateOptions, Manifest
    from validator.rules import DeployedAt
    from validator.target import Target

DEFAULT_MAX_TPS = 5.0
"""Calls a second: everybody in an account shares about ten."""
HTTP_MAX_TPS = 25.0
"""Calls a second of a plain Airflow, which shares no limit with others."""
HTTP_SYNC = 5.0
"""Seconds until a plain Airflow surely parses new files: they need not be copied anywhere, but a parse that had read
the old ones may be under way (AIRFLOW.md section 14), and is stamped when it is written down."""


def usual_rules(target: Target) -> Rules:
    """The rules where nobody says otherwise."""
    return Rules() if target.http is None else Rules(sync=HTTP_SYNC)


def usual_max_tps(target: Target) -> float:
    """Calls a second where nobody says otherwise."""
    return DEFAULT_MAX_TPS if target.http is None else HTTP_MAX_TPS


AUTO = float("inf")
"""A timeout that was given as `auto`: not the same as one that was not given."""


@dataclass(frozen=True)
class Settings:
    """The manifest, the way to the environment, and the rules of the wait."""

    manifest: Manifest
    target: Target
    max_tps: float = DEFAULT_MAX_TPS
    rules: Rules = field(default_factory=Rules)
    folder: LocalFolder | None = None
    """The local folder of DAG files; with digests of its files S3 is asked about them. None: only the manifest counts."""
    run_key: str = ""
    """What names this run of the gate, and another try of it by the same name; empty: nobody else does."""
    dags_s3: str | None = None
    """The DAGs folder in S3, as an `s3://` URI; None: as GetEnvironment tells."""


def rules_from(
    given: GateOptions, manifest: GateOptions, deployed_at: DeployedAt, plain: Rules | None = None
) -> Rules:
    """The rules: what was given on the command line, else in the manifest, else the default, which `plain` may tell."""
    plain = plain or Rules()

    def pick(name: str) -> float:
        values = (getattr(given, name), getattr(manifest, name), getattr(plain, name))
        return float(next(value for value in values if value is not None))

    timeout = given.timeout if given.timeout is not None else manifest.timeout
    fail_fast = given.fail_fast if given.fail_fast is not None else manifest.fail_fast
    return Rules(
        timeout=None if timeout == AUTO else timeout,
        interval=pick("interval"),
        sync=pick("sync"),
        settle=pick("settle"),
        grace=pick("grace"),
        stable_for=pick("stable_for"),
        fail_fast=fail_fast if fail_fast is not None else plain.fail_fast,
        deployed_at=deployed_at,
    )
