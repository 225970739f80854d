"""What a manifest and a local folder cannot both demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.errors import ManifestError
from validator.local.model import Reading
from validator.local.select import dag_files

if TYPE_CHECKING:
    from validator.local.model import LocalFolder
    from validator.manifest.model import Manifest


def refuse_contradictions(source: str, manifest: Manifest, folder: LocalFolder) -> None:
    """A DAG that the manifest wants gone and a local file defines can be neither.

    Raises:
        ManifestError: there is one; `source` names the manifest.
    """
    absent = set(manifest.absent)
    # A file that .airflowignore hides was retired: which syntax counts is only known once Airflow is asked.
    readings = (Reading(glob=True, assets=True), Reading(glob=False, assets=False))
    read = set.intersection(*({file.name for file in dag_files(folder, each)} for each in readings))
    problems = [
        f"absent: {one.dag_id} must be gone, and {folder.path(folder.deployed_name(file.name))}, line {one.line}, "
        "defines it; take it out of one of them"
        for file in folder.files
        if file.name in read
        for one in file.certain
        if one.dag_id in absent
    ]
    if problems:
        raise ManifestError(source, problems)
