"""`mwaa-gate demo`: the real check against the simulated sandbox, red first and then green."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from validator.sandbox.server import Sandbox

_MANIFEST = """\
version: 1
environment: demo
dags:
  - etl_daily
  - dag_id: report_weekly
    file: reports/weekly.py
  - ml_scoring
"""
_ENVIRONMENT = "demo"
_OPTIONS = ("--interval", "500ms", "--sync", "1s", "--settle", "2s", "--timeout", "20s")
"""The demo's Airflow does in a second what a real one does in a minute."""


@click.command()
@click.option(
    "--folder",
    default="mwaa-gate-demo",
    show_default=True,
    metavar="DIR",
    help="Where the manifest and the reports are put.",
)
def demo(folder: str) -> int:
    """Watch the gate judge a deploy that breaks a DAG, and one that mends it.

    It runs the real check against a simulated Airflow 3 on this machine: no account, no network.
    """
    from validator.errors import UsageError  # noqa: PLC0415 - --help must stay quick
    from validator.sandbox.files import DagFile, SimDag, one_dag  # noqa: PLC0415 - the same

    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        manifest = place / "manifest.yaml"
        manifest.write_text(_MANIFEST, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the folder {folder} cannot be written to: {error.strerror}", advice="Name another by --folder."
        ) from error

    files = {
        "etl/daily.py": one_dag("etl_daily"),
        "reports/weekly.py": one_dag("report_weekly"),
        "ml.py": DagFile((SimDag("ml_scoring"),)),
    }
    with _airflow(files) as sandbox:
        world = sandbox.backend.world  # type: ignore[attr-defined]  # the simulation's
        click.secho("1. A deploy goes out, and etl/daily.py has lost a parenthesis.", bold=True)
        world.damage("etl/daily.py")
        red = _check(sandbox, manifest, place / "red")
        click.secho("\n2. The file is mended and deployed again.", bold=True)
        world.put("etl/daily.py", one_dag("etl_daily", version="2"))
        green = _check(sandbox, manifest, place / "green")
    click.echo(
        f"\nExit {red} for the broken deploy, exit {green} for the mended one.\n"
        f"The reports lie in {place}: red and green, each as .xml, .json and .html.\n"
        "For an environment of your own: mwaa-gate check manifest.yaml --env NAME, with AWS credentials that may "
        "call airflow:InvokeRestApi."
    )
    expected = (1, 0)
    if (red, green) != expected:
        click.echo(f"This should have been exit {expected[0]} and exit {expected[1]}.", err=True)
        return 1
    return 0


def _airflow(files: dict) -> Sandbox:  # type: ignore[type-arg]  # path to DagFile
    """A simulated Airflow in a hurry, behind an MWAA endpoint."""
    from validator.sandbox.rules import Rules  # noqa: PLC0415 - --help must stay quick
    from validator.sandbox.server import Sandbox  # noqa: PLC0415 - the same
    from validator.sandbox.simulation import Simulation  # noqa: PLC0415 - the same
    from validator.sandbox.world import World  # noqa: PLC0415 - the same

    quick = Rules(
        airflow="3.0.6",
        sync=(0.2, 0.8),
        min_file_process_interval=1.0,
        dir_list_interval=1.0,
        min_serialized_dag_update_interval=2.0,
        parse=(0.01, 0.05),
        loop=0.1,
    )
    options = {"dag_processor.refresh_interval": "1", "core.min_serialized_dag_update_interval": "2"}
    return Sandbox(Simulation(World(quick, files=files), options=options), environment=_ENVIRONMENT)


def _check(sandbox: Sandbox, manifest: Path, reports: Path) -> int:
    """Run the real command in a process of its own, as a pipeline does; its exit code."""
    import os  # noqa: PLC0415 - --help must stay quick
    import subprocess  # noqa: PLC0415 - the same

    junit, json, page = (reports.with_suffix(suffix) for suffix in (".xml", ".json", ".html"))
    shown = ["mwaa-gate", "check", str(manifest), "--env", _ENVIRONMENT, *_OPTIONS]
    shown += ["--junit", str(junit), "--json", str(json), "--html", str(page)]
    click.secho(f"$ {' '.join(shown)}", dim=True)
    if sys.stdout is not None:
        sys.stdout.flush()
    own = ("MWAA_", "AWS_", "GITHUB_")  # also in a workflow: a red of the demo is none of it
    ours = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    env = {
        **ours,
        "AWS_ENDPOINT_URL_MWAA": sandbox.url,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_REGION": "us-east-1",
    }
    done = subprocess.run([sys.executable, "-m", "validator", *shown[1:]], env=env, check=False)  # noqa: S603 - our own command
    click.echo(f"exit {done.returncode}")
    return done.returncode
