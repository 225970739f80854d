"""`mwaa-gate schema`: the manifest's JSON Schema, for editors and other tools."""

from __future__ import annotations

import json

import click


@click.command()
def schema() -> None:
    """Print the manifest's JSON Schema."""
    from validator.manifest.schema import SCHEMA  # noqa: PLC0415 - --help needs no schema

    click.echo(json.dumps(SCHEMA, indent=2))
