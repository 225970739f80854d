"""Options that more than one command has, and what they mean together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from validator.manifest.model import Manifest
    from validator.target import Target

PREFIX = "MWAA_GATE"
"""Every option has an environment variable: this, an underscore, and the option's name."""


def option(name: str, **attributes: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # noqa: ANN401 - click's own
    """An option with its environment variable; `names` are click's declarations, `also_from` more variables."""
    variable = f"{PREFIX}_{name.removeprefix('--').replace('-', '_').upper()}"
    names = attributes.pop("names", (name,))
    variables = [variable, *attributes.pop("also_from", ())]
    return click.option(*names, envvar=variables, **attributes)


dags_prefix_option = option(
    "--dags-prefix", metavar="P", help="Where they lie in the environment's DAGs folder, if not at its top."
)
"""Goes with --dags-folder."""


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that name the Airflow to ask; `target_from` reads them."""
    for one in reversed(_TARGET):
        command = one(command)
    return command


_TARGET = (
    option(
        "--env",
        names=("--env", "environment"),
        also_from=("MWAA_ENV_NAME",),
        metavar="NAME",
        help="The MWAA environment.",
    ),
    option("--region", metavar="R", help="Its AWS region, instead of AWS's own configuration."),
    option("--profile", metavar="P", help="A profile of AWS's configuration files."),
    option("--role-arn", metavar="ARN", help="A role to assume for the calls."),
    option(
        "--airflow-url",
        metavar="URL",
        help="Any other Airflow instead, 2.4 or later, by its URL. Who calls is told by MWAA_GATE_AIRFLOW_USER and "
        "MWAA_GATE_AIRFLOW_PASSWORD, or MWAA_GATE_AIRFLOW_TOKEN, or a file.",
    ),
    option(
        "--airflow-credentials",
        metavar="FILE",
        help="A YAML or JSON file with `user` and `password`, or `token`, for --airflow-url.",
    ),
    option(
        "--airflow-ca",
        metavar="FILE",
        help="Certificates to trust for --airflow-url, instead of the system's.",
    ),
)


def named_target(options: Mapping[str, Any], wanted: Manifest, *, asks_s3: bool = False) -> Target:
    """As `target_from`, with what the manifest says.

    Raises:
        UsageError: nothing names an Airflow, or as `target_from`.
    """
    target = target_from(options, wanted.environment, wanted.region, asks_s3=asks_s3)
    if target is None:
        from validator.errors import UsageError  # noqa: PLC0415 - --help must stay quick

        raise UsageError(
            "no environment was named",
            advice="Give --env NAME, MWAA_ENV_NAME, or `environment:` in the manifest; or --airflow-url URL.",
        )
    return target


def target_from(
    options: Mapping[str, Any],
    environment: str | None = None,
    region: str | None = None,
    *,
    asks_s3: bool = False,
) -> Target | None:
    """The Airflow that the options of the command at hand name; None: they name none.

    The command line goes before variables, and these before the manifest.

    Args:
        options: the command's own, `target_options` among them.
        environment: the manifest's.
        region: the manifest's.
        asks_s3: whether AWS is called for something else, too.

    Raises:
        UsageError: two Airflows are named, options do not go together, or the credentials cannot be used.
    """
    from validator.errors import UsageError  # noqa: PLC0415 - --help must stay quick
    from validator.target import Target  # noqa: PLC0415 - the same

    url, name = options["airflow_url"], options["environment"]
    if url is not None and not _on_the_line("environment") and not os.environ.get(f"{PREFIX}_ENV"):
        name = None  # MWAA_ENV_NAME is there for other tools, too
    if url is not None and name is not None:
        if _on_the_line("airflow_url") == _on_the_line("environment"):
            raise UsageError(
                "both an MWAA environment and the URL of an Airflow are named",
                advice="Give --env (MWAA_GATE_ENV) or --airflow-url (MWAA_GATE_AIRFLOW_URL), not both.",
            )
        url = url if _on_the_line("airflow_url") else None
    if url is not None:
        return _plain_airflow(url, options, asks_s3=asks_s3)
    for key in ("airflow_credentials", "airflow_ca"):
        if options[key] is not None and _on_the_line(key):
            raise UsageError(
                f"--{key.replace('_', '-')} says something of a plain Airflow, and none was given",
                advice="Give --airflow-url URL, or leave it out: an MWAA environment is called with AWS credentials.",
            )
    name = name if name is not None else environment
    if not name:  # also --env "$UNSET": falling back to the manifest's would ask another environment
        return None
    return Target(name, options["region"] or region, options["profile"], options["role_arn"])


def _plain_airflow(url: str, options: Mapping[str, Any], *, asks_s3: bool) -> Target:
    from validator.errors import UsageError  # noqa: PLC0415 - --help must stay quick
    from validator.target import Http, Target  # noqa: PLC0415 - the same
    from validator.transport.airflow_auth import airflow_auth  # noqa: PLC0415 - the same

    for key in ("region", "profile", "role_arn"):
        if options[key] is not None and _on_the_line(key) and not asks_s3:
            raise UsageError(
                f"--{key.replace('_', '-')} says how AWS is called, and with --airflow-url nothing of it is",
                advice="Leave it out, or name an MWAA environment by --env.",
            )
    auth = airflow_auth(os.environ, options["airflow_credentials"])
    http = Http(auth, options["airflow_ca"])
    return Target(url, options["region"], options["profile"], options["role_arn"], http)


def _on_the_line(name: str) -> bool:
    """Whether the option was given on the command line itself."""
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE
