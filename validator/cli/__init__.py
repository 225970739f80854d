"""The command line: one file a command, each loaded only when it is called."""

from validator.cli.main import cli

__all__ = ["cli"]
