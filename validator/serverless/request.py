"""From parameters to the gate's settings: what the command line does with options."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from validator.errors import UsageError
from validator.manifest import Manifest, parse_manifest
from validator.manifest.nodes import MAX_BYTES
from validator.settings import Settings, rules_from
from validator.target import Target

if TYPE_CHECKING:
    from validator.local.model import LocalFolder
    from validator.serverless.artifact import Artifact
    from validator.serverless.parameters import Parameters


def needs_artifact(parameters: Parameters) -> bool:
    """Whether the parameters name something in an artifact."""
    return parameters.dags_folder is not None or _is_path(parameters.manifest)


def settings_of(parameters: Parameters, artifact: Artifact | None) -> Settings:
    """The gate's settings.

    Args:
        parameters: what was asked for.
        artifact: where its paths lead; None: there is none.

    Raises:
        UsageError: something is not there, is wrong, or nothing is expected.
    """
    if artifact is None and needs_artifact(parameters):
        what = "dags_folder" if parameters.dags_folder is not None else "manifest"
        raise UsageError(
            f"{what} is a path in an artifact, and there is none",
            advice="Give the manifest itself, as an object; only a CodePipeline job brings an artifact.",
        )
    folder = _folder(parameters, artifact) if artifact is not None else None
    makes_dags = folder is not None and folder.makes_dags
    if parameters.manifest is None and not makes_dags:
        raise UsageError(
            f"dags_folder {parameters.dags_folder}: no file in it makes DAGs, so nothing would be expected",
            advice="Give the folder of the artifact that is deployed as the environment's DAGs folder.",
        )
    manifest = Manifest()
    if parameters.manifest is not None:
        source, data = _manifest(parameters, artifact)
        manifest = parse_manifest(data, source, parameters.variables, expects_more=makes_dags)
        if folder is not None:
            from validator.local.contradictions import refuse_contradictions  # noqa: PLC0415 - few have a folder

            refuse_contradictions(source, manifest, folder)
    if manifest.smoke:
        raise UsageError(
            "the manifest has smoke runs, and this function starts none: a run may outlive each of its invocations",
            advice="Take `smoke` out of the manifest that the function gets, and run the gate with it as a command (the "
            "container, a CodeBuild or GitHub Actions step).",
        )
    environment = parameters.environment or manifest.environment
    if not environment:
        raise UsageError(
            "no environment was named", advice="Give `environment`, or `environment:` in the manifest."
        )
    return Settings(
        manifest=manifest,
        target=Target(environment, parameters.region or manifest.region, role_arn=parameters.role_arn),
        max_tps=parameters.max_tps,
        rules=rules_from(parameters.gate, manifest.gate, parameters.deployed_at),
        folder=folder,
        dags_s3=parameters.dags_s3,
    )


def _is_path(manifest: object) -> bool:
    """Whether it is a path: YAML that is written out has a line break, or is a flow mapping."""
    return isinstance(manifest, str) and "\n" not in manifest and not manifest.lstrip().startswith("{")


def _manifest(parameters: Parameters, artifact: Artifact | None) -> tuple[str, bytes]:
    """What messages call the manifest, and its bytes."""
    given = parameters.manifest
    if isinstance(given, str) and _is_path(given) and artifact is not None:
        return given, artifact.read(given, MAX_BYTES + 1)
    text = given if isinstance(given, str) else _as_yaml(given)
    return "the event's manifest", text.encode("utf-8", "surrogatepass")


def _as_yaml(manifest: object) -> str:
    """An object as text that YAML reads as the same: of JSON's escapes it knows no pairs of surrogates."""
    text = json.dumps(manifest, ensure_ascii=False)
    return re.sub(r"[^\x20-\x7e]", lambda found: f"\\U{ord(found[0]):08x}", text)


def _folder(parameters: Parameters, artifact: Artifact) -> LocalFolder | None:
    if parameters.dags_folder is None:
        return None
    folder = artifact.folder(parameters.dags_folder, parameters.dags_prefix)
    if not parameters.verify_s3:
        return folder
    return replace(folder, digests=artifact.digests(parameters.dags_folder, parameters.s3_exclude))
