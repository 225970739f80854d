"""The group of all commands. A command's module is imported only when that command is called."""

from __future__ import annotations

from importlib import import_module

import click

from validator import __version__

COMMANDS = {
    "check": "Check an environment after a deploy.",
    "init": "Write a manifest from what an Airflow runs, or from a folder of DAG files.",
    "lint": "Find mistakes in a manifest and a folder of DAG files, without asking Airflow.",
    "doctor": "Say what keeps the gate from seeing an environment, and what it will see.",
    "schema": "Print the manifest's JSON Schema.",
    "sandbox": "Run an MWAA endpoint on loopback, for trying things out.",
    "demo": "Watch the gate judge a deploy that breaks, and one that mends it.",
}
"""Every command with its line of help. Each is the function of that name in `validator.cli.<name>`."""


class LazyGroup(click.Group):
    """A group that knows its commands' names and loads one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """Every command's name, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's own signature
        """The command of that name; None: there is none."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"validator.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)  # noqa: S101 - a mistake of ours, not of a user
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's own signature
        """The list of commands in the help, without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, "--version", prog_name="mwaa-gate", message="%(prog)s %(version)s")
def cli() -> None:
    """Tell whether the DAGs you deployed to Amazon MWAA are the DAGs that Airflow runs."""
