"""The sandbox command at work: from its options to an endpoint that serves until it is told to end."""

from __future__ import annotations

import os
import signal
import threading
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from validator.errors import EXIT_PASSED, UsageError
from validator.sandbox import scenario
from validator.sandbox.api import Role
from validator.sandbox.proxy import AirflowProxy, read_options
from validator.sandbox.server import Sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from validator.sandbox.server import Backend


def run(options: Mapping[str, Any]) -> int:
    """Serve until SIGINT or SIGTERM; the exit code.

    Raises:
        UsageError: an option or the scenario is wrong, or the port is taken.
    """
    backend = build_backend(options)
    try:
        endpoint = Sandbox(
            backend,
            port=options["port"],
            environment=options["environment"],
            calls_per_second=options["calls_per_second"],
            deny_get_environment=options["deny_get_environment"],
        )
    except OSError as error:
        raise UsageError(f"Port {options['port']} cannot be used: {error.strerror}") from error
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signal module's own signature
        ended.set()

    before = {each: signal.signal(each, end) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        with endpoint:
            print(greeting(endpoint.url, options["environment"]), flush=True)  # noqa: T201 - a command's output
            ended.wait()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    return EXIT_PASSED


def build_backend(options: Mapping[str, Any]) -> Backend:
    """The real Airflow or the simulation that the options ask for.

    Raises:
        UsageError: they contradict each other, or the scenario cannot be used.
    """
    reported = read_options(options["airflow_config"])
    if options["airflow_url"]:
        if options["scenario"] or options["airflow"] or options["role"]:
            raise UsageError("--airflow-url is a real Airflow: it takes no --scenario, --airflow or --role")
        return _proxy(options["airflow_url"], reported)
    if options["scenario"]:
        simulation = scenario.load(Path(options["scenario"]), _now, airflow=options["airflow"])
    else:
        simulation = scenario.default(_now, airflow=options["airflow"] or "3.0.6")
    simulation.options.update(reported)
    if options["role"]:
        simulation.role = Role(options["role"])
    return simulation


def greeting(url: str, environment: str) -> str:
    """What to do with the endpoint."""
    return f"""\
An MWAA endpoint with the environment {environment!r} listens on {url}

In another shell (any credentials do, made up ones too):
  export AWS_ENDPOINT_URL_MWAA={url}
  export AWS_DISABLE_HOST_PREFIX_INJECTION=true
  export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1

For example:
  aws mwaa invoke-rest-api --name {environment} --path /dags --method GET

Ctrl-C ends it."""


def _proxy(url: str, reported: Mapping[str, str]) -> AirflowProxy:
    from validator.transport.airflow_auth import airflow_auth  # noqa: PLC0415 - for a real Airflow only
    from validator.transport.http import HttpTransport  # noqa: PLC0415 - urllib3, for a real Airflow only

    return AirflowProxy(HttpTransport(url, airflow_auth(os.environ, None)), reported)


def _now() -> datetime:
    return datetime.now(timezone.utc)
