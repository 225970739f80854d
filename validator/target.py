"""Which Airflow is asked, and how it is reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from validator.transport.airflow_auth import Auth
    from validator.transport.aws_session import AwsSession
    from validator.transport.interface import Transport

CONNECTIONS = 10
"""Calls that may be under way at once."""


@dataclass(frozen=True)
class Http:
    """How an Airflow that is not asked through MWAA is called."""

    auth: Auth
    ca_bundle: str | None = None
    """A file of certificates to trust instead of the system's; None: the system's."""


@dataclass(frozen=True)
class Target:
    """One Airflow: an MWAA environment, or any other by its URL."""

    name: str
    """The MWAA environment's name; or the URL, which has no credentials and may be shown."""
    region: str | None = None
    """AWS's region; None: as AWS's own configuration says."""
    profile: str | None = None
    """A profile of AWS's configuration files; None: as usual."""
    role_arn: str | None = None
    """A role to assume for AWS's calls; None: none."""
    http: Http | None = None
    """How the URL is called; None: it is an MWAA environment."""


def reach(target: Target, session: AwsSession | None = None) -> Transport:
    """A transport to `target`; `session` is one to share with other AWS clients. Nothing is called before its first call.

    Raises:
        UsageError: the name can be no environment's, or the URL cannot be called.
    """
    if target.http is not None:
        from validator.transport.http import HttpTransport  # noqa: PLC0415 - urllib3, for a URL only

        http = target.http
        return HttpTransport(target.name, http.auth, connections=CONNECTIONS, ca_bundle=http.ca_bundle)
    from validator.transport.invoke_rest_api import connect  # noqa: PLC0415 - for MWAA only

    return connect(
        target.name,
        region=target.region,
        profile=target.profile,
        role_arn=target.role_arn,
        connections=CONNECTIONS,
        session=session,
    )
