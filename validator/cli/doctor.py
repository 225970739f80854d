"""`mwaa-gate doctor`: what keeps the gate from seeing an environment, and what it will see. It changes nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from validator.cli.options import PREFIX, named_target, option, target_options
from validator.cli.parameters import Rate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validator.doctor.examine import Case
    from validator.manifest import Manifest
    from validator.target import Target


@click.command()
@click.argument("manifest", envvar=f"{PREFIX}_MANIFEST", required=False)
@target_options
@option(
    "--max-tps",
    type=Rate(min=0.1, max=1000),
    help="Calls a second, at most (5; 25 with --airflow-url).",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
@click.option("--no-color", is_flag=True, envvar=f"{PREFIX}_NO_COLOR", help="No colours.")
def doctor(manifest: str | None, **options: Any) -> int:  # noqa: ANN401 - click's values
    """Say what keeps the gate from seeing an environment, and what it will see.

    A line each for credentials, region, permissions, the Airflow role and what it may read, health, clocks, intervals
    and pace, with what to do. It changes nothing, and takes a minute at most. MANIFEST can name the environment and its
    region; what it demands is then looked at, too. Exit code: 0 no problem, 1 at least one, 2 wrong command line or
    manifest, 130 and 143 interrupted.
    """
    import os  # noqa: PLC0415 - with the rest of what only a real run needs

    from validator.cli.signals import interruptible  # noqa: PLC0415 - --help must stay quick
    from validator.doctor.examine import examine  # noqa: PLC0415 - the same
    from validator.doctor.render import as_json, as_text  # noqa: PLC0415 - the same
    from validator.errors import EXIT_SIGNAL  # noqa: PLC0415 - the same
    from validator.gate import Interrupted  # noqa: PLC0415 - the same
    from validator.manifest import Manifest, load_manifest  # noqa: PLC0415 - the same
    from validator.report.streams import SafeStream, wants_colour  # noqa: PLC0415 - the same

    wanted = load_manifest(manifest, os.environ) if manifest is not None else Manifest()
    target = named_target(options, wanted)

    try:
        with interruptible() as signals:
            diagnosis = examine(_case(target, wanted, options))
            signals.hold()
    except Interrupted as interrupted:
        click.echo("mwaa-gate: interrupted, so nothing was told.", err=True)
        return EXIT_SIGNAL + interrupted.signal
    stream = SafeStream(sys.stdout)
    if options["as_json"]:
        stream.write(as_json(diagnosis))
    else:
        colour = wants_colour(stream, os.environ, no_color=options["no_color"])
        stream.write(as_text(diagnosis, colour=colour))
    stream.flush()
    return diagnosis.exit_code


def _case(target: Target, manifest: Manifest, options: Mapping[str, Any]) -> Case:
    """What is to be looked at, as the options and the manifest say."""
    from validator.doctor.examine import Case  # noqa: PLC0415 - --help must stay quick
    from validator.doctor.wants import wants_of  # noqa: PLC0415 - the same
    from validator.manifest import GateOptions  # noqa: PLC0415 - the same
    from validator.rules import Deploy  # noqa: PLC0415 - the same
    from validator.settings import rules_from, usual_max_tps, usual_rules  # noqa: PLC0415 - the same

    return Case(
        target=target,
        max_tps=options["max_tps"] or usual_max_tps(target),
        rules=rules_from(GateOptions(), manifest.gate, Deploy.NOW, usual_rules(target)),
        wants=wants_of(manifest),
        region_by=_region_by(options),
    )


def _region_by(options: Mapping[str, Any]) -> str:
    """What gave the region, where anything but AWS's own configuration did."""
    if not options["region"]:
        return "`region:` in the manifest"
    source = click.get_current_context().get_parameter_source("region")
    return "--region" if source is ParameterSource.COMMANDLINE else f"{PREFIX}_REGION"
