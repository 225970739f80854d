"""`mwaa-gate sandbox`: an MWAA endpoint on loopback, simulated or in front of a real Airflow."""

from __future__ import annotations

from typing import Any

import click

VERSIONS = ("2.4.3", "2.10.5", "3.0.6", "3.3.2")
"""The versions that can be simulated; a test compares them with the simulation's own."""


@click.command()
@click.option(
    "--airflow", type=click.Choice(VERSIONS), help="The Airflow that is simulated.  [default: 3.0.6]"
)
@click.option("--scenario", metavar="FILE", help="What is there and what happens, in YAML.")
@click.option(
    "--airflow-url",
    metavar="URL",
    help="Stand in front of this Airflow instead. Credentials come from MWAA_GATE_AIRFLOW_USER and "
    "MWAA_GATE_AIRFLOW_PASSWORD, or MWAA_GATE_AIRFLOW_TOKEN.",
)
@click.option(
    "--environment", default="sandbox", show_default=True, metavar="NAME", help="The environment's name."
)
@click.option(
    "--port", default=0, type=click.IntRange(0, 65535), metavar="N", help="The port; 0 is any.  [default: 0]"
)
@click.option(
    "--calls-per-second",
    default=10.0,
    type=click.FloatRange(0),
    metavar="N",
    help="Throttle calls beyond this rate; 0 never.  [default: 10]",
)
@click.option(
    "--airflow-config",
    multiple=True,
    metavar="KEY=VALUE",
    help="An Airflow option that GetEnvironment reports, such as core.x=5. Repeatable.",
)
@click.option(
    "--role",
    type=click.Choice(("Admin", "Op", "User", "Viewer", "Public")),
    help="Who calls the simulation: User may trigger DAG runs, Op may do more.  [default: Viewer, or the scenario's]",
)
@click.option("--deny-get-environment", is_flag=True, help="Answer GetEnvironment with AccessDenied.")
def sandbox(**options: Any) -> int:  # noqa: ANN401 - click's values
    """Run an MWAA endpoint on 127.0.0.1 until interrupted.

    Any AWS SDK can call it with any credentials. Without a scenario it holds three healthy DAGs.
    """
    from validator.sandbox.serve import run  # noqa: PLC0415 - the simulation, which --help must not take

    return run(options)
