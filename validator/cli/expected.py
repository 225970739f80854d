"""What the command line names as expected: the manifest, the local folder, or both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validator.local.model import LocalFolder
    from validator.manifest.model import Manifest


def expected(
    manifest: str | None, options: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[Manifest, LocalFolder | None]:
    """The manifest, and the local folder if one is given.

    Raises:
        UsageError: neither is given, one of them cannot be used, they contradict each other, or nothing is expected.
    """
    from validator.errors import UsageError  # noqa: PLC0415 - --help must stay quick
    from validator.manifest import Manifest, load_manifest  # noqa: PLC0415 - the same

    folder = _folder(options)
    if manifest is None and folder is None:
        raise UsageError(
            "no manifest was given",
            advice="mwaa-gate check MANIFEST.yaml; the smallest one is `version: 1` and `dags: [my_dag_id]`. Or give "
            "the DAG files themselves: --dags-folder DIR.",
        )
    makes_dags = folder is not None and folder.makes_dags
    wanted = Manifest()
    if manifest is not None:
        wanted = load_manifest(manifest, environ, expects_more=makes_dags)
        if folder is not None:
            from validator.local.contradictions import refuse_contradictions  # noqa: PLC0415 - few checks have a folder

            refuse_contradictions(manifest, wanted, folder)
    elif not makes_dags:
        raise UsageError(
            f"--dags-folder {options['dags_folder']}: no file in it makes DAGs, so nothing would be expected",
            advice="Give the folder that is deployed as the environment's DAGs folder, or as a part of it.",
        )
    return wanted, folder


def refuse_nothing_of_plain(wanted: Manifest, folder: LocalFolder | None) -> None:
    """Refuse what expects nothing of an Airflow that is no MWAA environment.

    Raises:
        UsageError: all that is expected is what only GetEnvironment tells.
    """
    from validator.errors import UsageError  # noqa: PLC0415 - --help must stay quick
    from validator.manifest.model import EnvironmentRule  # noqa: PLC0415 - the same

    told = EnvironmentRule(airflow_version=wanted.mwaa.airflow_version)
    if replace(wanted, mwaa=told).expects_nothing and not (folder is not None and folder.makes_dags):
        raise UsageError(
            "the manifest expects only what MWAA tells, and --airflow-url names another Airflow: nothing would be checked",
            advice="Name DAGs in the manifest, give --dags-folder DIR, or ask the environment itself by --env.",
        )


def _folder(options: Mapping[str, Any]) -> LocalFolder | None:
    """The local folder, as the options name it."""
    from validator.errors import UsageError  # noqa: PLC0415 - --help must stay quick

    root = options["dags_folder"]
    if root is None:
        needs = {"dags_prefix": "--dags-prefix", "dags_s3": "--dags-s3", "s3_exclude": "--s3-exclude"}
        alone = [name for key, name in {**needs, "verify_s3": "--verify-s3"}.items() if options[key]]
        if alone:
            raise UsageError(
                f"{alone[0]} says something of a local folder, and none was given",
                advice="Give --dags-folder DIR: the folder with the DAG files that were deployed.",
            )
        return None
    if root == "":  # --dags-folder "$UNSET" would look at whatever folder this is
        raise UsageError("--dags-folder is empty", advice="Give the folder that holds the DAG files.")
    from validator.local.scan import read_folder  # noqa: PLC0415 - the same

    folder = read_folder(root, options["dags_prefix"] or "")
    if not options["verify_s3"]:
        for key, name in (("dags_s3", "--dags-s3"), ("s3_exclude", "--s3-exclude")):
            if options[key]:
                raise UsageError(
                    f"{name} does nothing without --verify-s3", advice="Add --verify-s3, or leave it out."
                )
        return folder
    from validator.local.digest import digests  # noqa: PLC0415 - the same
    from validator.s3.location import parse_location  # noqa: PLC0415 - the same

    if options["dags_s3"] is not None:
        parse_location(options["dags_s3"])
    return replace(folder, digests=digests(root, options["s3_exclude"]))
