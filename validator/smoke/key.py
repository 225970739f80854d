"""What makes a gate run the same one as another try of it."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validator.settings import Settings

_CI = (
    ("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "GITHUB_ACTION"),
    ("CODEBUILD_BUILD_ID",),
    ("CI_JOB_ID", "CI_PIPELINE_ID"),
    ("BUILD_TAG",),
)
"""Variables that tell one run of a step from all others: of GitHub Actions, CodeBuild, GitLab and Jenkins."""


def key_of_ci(environ: Mapping[str, str]) -> str:
    """What the pipeline calls this run of its step; empty where it is no known pipeline."""
    for names in _CI:
        if environ.get(names[0]):
            return "/".join(environ.get(name, "") for name in names)
    return ""


def key_of(settings: Settings, otherwise: str) -> str:
    """What the ids of a gate's smoke runs are made of: its run, the Airflow, and all that it expects.

    Args:
        settings: the gate's.
        otherwise: what stands for the run where the settings do not name it; another each time.
    """
    manifest = sha256(repr(settings.manifest).encode("utf-8", "surrogatepass")).hexdigest()
    folder = settings.folder.fingerprint() if settings.folder is not None else ""
    return f"{settings.run_key or otherwise}\n{settings.target.name}\n{manifest}\n{folder}"
