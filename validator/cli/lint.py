"""`mwaa-gate lint`: manifests and a folder of DAG files, looked at without asking an Airflow."""

from __future__ import annotations

from typing import Any

import click

from validator.cli.options import PREFIX, dags_prefix_option, option

_FORMATS = ("text", "json", "github")


class _OnePath(click.ParamType):  # type: ignore[type-arg]  # generic only in newer click
    """A path, which a variable holds as a whole, blanks included."""

    name = "path"

    def split_envvar_value(self, rv: str) -> list[str]:
        """The one path that the variable holds."""
        return [rv]


@click.command()
@click.argument("manifests", envvar=f"{PREFIX}_MANIFEST", nargs=-1, type=_OnePath(), metavar="[MANIFEST]...")
@option("--dags-folder", metavar="DIR", help="The folder of DAG files to compare the manifests with.")
@dags_prefix_option
@option(
    "--airflow",
    type=click.Choice(["2", "3"]),
    help="By which Airflow's rules the folder is read; else by those of the manifest's mwaa.airflow_version, or by both.",
)
@option(
    "--format",
    names=("--format", "file_format"),
    type=click.Choice(_FORMATS),
    default="text",
    help="text (the default), json, or github: the text and annotations for GitHub Actions.",
)
@option("--strict", is_flag=True, help="Let a warning fail it, too.")
def lint(manifests: tuple[str, ...], **options: Any) -> int:  # noqa: ANN401 - click's values
    """Find mistakes in a manifest and a folder of DAG files, without asking Airflow.

    Nothing is called, imported or run. With --dags-folder MANIFEST can be left out, and there can be several. Exit
    code: 0 nothing worse than warnings, 1 an error, 2 wrong command line, manifest or folder. Every option has an
    environment variable, such as MWAA_GATE_DAGS_FOLDER.
    """
    import os  # noqa: PLC0415 - with the rest of what only a real run needs
    import sys  # noqa: PLC0415 - the same

    from validator.errors import UsageError  # noqa: PLC0415 - --help must stay quick
    from validator.lint.reading import read_given  # noqa: PLC0415 - the same
    from validator.lint.rules import lint as judge  # noqa: PLC0415 - the same
    from validator.lint.show import annotate, json_bytes, text  # noqa: PLC0415 - the same
    from validator.report.streams import SafeStream  # noqa: PLC0415 - the same

    root = options["dags_folder"]
    if not manifests and root is None:
        raise UsageError(
            "there is nothing to look at: no manifest and no folder was given",
            advice="mwaa-gate lint MANIFEST.yaml --dags-folder DIR; either can be left out.",
        )
    if root == "":  # --dags-folder "$UNSET" would look at whatever folder this is
        raise UsageError("--dags-folder is empty", advice="Give the folder that holds the DAG files.")
    if root is None and options["dags_prefix"]:
        raise UsageError(
            "--dags-prefix says something of a local folder, and none was given",
            advice="Give --dags-folder DIR: the folder with the DAG files.",
        )
    version = int(options["airflow"]) if options["airflow"] else None
    given = read_given(manifests, root, options["dags_prefix"] or "", os.environ, version)
    result = judge(given, python=sys.version_info[:2], strict=options["strict"])
    out = SafeStream(sys.stdout)
    out.write(json_bytes(result).decode() if options["file_format"] == "json" else text(result))
    out.flush()
    if options["file_format"] == "github":
        from validator.cli.github import in_workspace, print_annotations  # noqa: PLC0415 - only there

        print_annotations(annotate(result, in_workspace))
    return result.exit_code
