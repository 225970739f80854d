"""One botocore session for all clients of a run. Facts: AWS.md."""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from validator import __version__
from validator.errors import UsageError
from validator.transport.aws_errors import explaining, unsendable
from validator.transport.interface import CALL_TIMEOUT, CONNECT_TIMEOUT

if TYPE_CHECKING:
    from datetime import datetime

    from botocore.client import BaseClient
    from botocore.session import Session

_ROLE_PATTERN = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+"


@dataclass(frozen=True)
class Credentials:
    """Credentials that somebody else gave for one purpose, as CodePipeline does for a job's artifacts."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Signer:
    """The credentials that sign the calls, as far as they are no secret; the secrets are there only to be hidden."""

    method: str
    """botocore's word for where they come from, such as `env`, `sso` or `assume-role`."""
    temporary: bool
    """They come with a session token."""
    expires: datetime | None
    """UTC; None: never, or nobody tells."""
    renews: bool
    """They are renewed before they expire."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must never be shown: the key's id, the key and the token."""


class AwsSession:
    """Region and credentials as for any AWS tool, shared by every client of a run. Thread-safe.

    Nothing is called, and no credentials are looked for, before the first client is made. The session is kept: a
    second client of the same one costs 6 ms instead of 60 (AWS.md section 8), and a role is assumed once.
    """

    def __init__(
        self,
        region: str | None = None,
        profile: str | None = None,
        role_arn: str | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        """Take what the caller was told.

        Args:
            region: None: as AWS's own configuration says.
            profile: a profile of AWS's configuration files; None: as usual.
            role_arn: a role to assume with the credentials found; it is renewed for as long as the gate waits.
            credentials: those to use; None: as AWS's own configuration says.

        Raises:
            UsageError: `role_arn` can be no role's.
        """
        if role_arn is not None and not re.fullmatch(_ROLE_PATTERN, role_arn, re.ASCII):
            raise UsageError(
                f"{role_arn!r} is not the ARN of an IAM role",
                advice="Write it like arn:aws:iam::123456789012:role/NAME.",
            )
        # botocore itself reads only AWS_DEFAULT_REGION; every other SDK, and most pipelines, mean AWS_REGION.
        self._region = region or os.environ.get("AWS_REGION") or None
        self._region_given = bool(region)
        self._profile = profile
        self._role_arn = role_arn
        self._credentials = credentials
        self._made: Session | None = None
        self._lock = threading.Lock()

    def client(self, service: str, connections: int = 10) -> BaseClient:
        """A new client of `service`, such as `mwaa`, with at most so many calls under way at once.

        Raises:
            CannotTell: no region, no credentials, an unknown profile, or a role that cannot be assumed.
        """
        # boto3 is botocore with resources and S3 transfers on top; without these the same client costs a fifth less.
        from botocore.config import Config  # noqa: PLC0415 - 0.2 s: only when a call is about to be made

        # Retries are the gate's own: botocore's are blind to Airflow's status and end after tens of milliseconds.
        config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=CALL_TIMEOUT,
            retries={"total_max_attempts": 1},
            max_pool_connections=connections,
            user_agent_extra=f"mwaa-gate/{__version__}",
        )
        with explaining(), self._lock:  # making clients is not thread-safe, using them is
            session = self._session()
            client = session.create_client(service, config=config)
            credentials = session.get_credentials()
            if (
                credentials is not None
            ):  # now, and not in the time of a first call: a profile may ask a person
                credentials.get_frozen_credentials()
            return client

    def region(self) -> tuple[str | None, str]:
        """The region, and what sets it: `AWS_REGION` for one; empty where the caller gave it, or nothing does.

        Raises:
            CannotTell: an unknown profile, or a configuration file that cannot be read.
        """
        with explaining(), self._lock:
            region = self._session().get_config_variable("region")
        if region is None or self._region_given:
            return region, ""
        if self._region is not None:
            return region, "AWS_REGION"
        by_variable = os.environ.get("AWS_DEFAULT_REGION") == region
        return region, "AWS_DEFAULT_REGION" if by_variable else "the profile in AWS's configuration file"

    def mwaa_regions(self, region: str) -> tuple[str, tuple[str, ...]]:
        """The partition of `region`, and its regions that have MWAA, as far as the AWS SDK knows: it may be old.

        A region that fits no partition gives `aws`, the usual one.

        Raises:
            CannotTell: `region` can be no region's name.
        """
        from botocore.exceptions import UnknownRegionError  # noqa: PLC0415 - heavy
        from botocore.utils import validate_region_name  # noqa: PLC0415 - the same

        with explaining(), self._lock:
            validate_region_name(region)
            session = self._session()
            try:
                partition = session.get_partition_for_region(region)
            except UnknownRegionError:
                partition = "aws"
            return partition, tuple(session.get_available_regions("mwaa", partition))

    def signer(self) -> Signer | None:
        """The credentials that sign the calls; None: there are none.

        Raises:
            CannotTell: an unknown profile, credentials that are expired or that nothing could be signed with, or a role
                that cannot be assumed.
            CallFailed: what gives them did not answer.
        """
        from botocore.credentials import RefreshableCredentials  # noqa: PLC0415 - heavy

        with explaining(), self._lock:
            found = self._session().get_credentials()
            if found is None:
                return None
            frozen = found.get_frozen_credentials()
        given = tuple(one for one in (frozen.access_key, frozen.secret_key, frozen.token) if one)
        if any("\n" in one or "\r" in one for one in given):
            raise unsendable()
        renewable = isinstance(found, RefreshableCredentials)
        return Signer(
            method=found.method or "",
            temporary=frozen.token is not None,
            expires=getattr(found, "_expiry_time", None),  # there is no public way
            renews=renewable and found.method != "env",  # a process's own variables never change
            secrets=given,
        )

    def _session(self) -> Session:
        """The one session. Under the lock."""
        if self._made is None:
            self._made = self._make()
        return self._made

    def _make(self) -> Session:
        from botocore import session as botocore_session  # noqa: PLC0415 - heavy

        session = botocore_session.Session(profile=self._profile)
        if self._region is not None:
            session.set_config_variable("region", self._region)
        if self._credentials is not None:
            given = self._credentials
            session.set_credentials(given.access_key, given.secret_key, given.token)
        if self._role_arn is not None:
            _assume(session, self._role_arn)
        return session


def _assume(session: Session, role_arn: str) -> None:
    """Let the session act as `role_arn`, with credentials that renew themselves."""
    from botocore.credentials import (  # noqa: PLC0415 - heavy
        AssumeRoleCredentialFetcher,
        DeferredRefreshableCredentials,
    )
    from botocore.exceptions import NoCredentialsError  # noqa: PLC0415 - heavy

    source = session.get_credentials()
    if source is None:
        raise NoCredentialsError
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=session.create_client,
        source_credentials=source,
        role_arn=role_arn,
        extra_args={"RoleSessionName": "mwaa-gate"},
    )
    # The session knows roles only from profiles; this is how its own profile provider builds them.
    session._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]  # noqa: SLF001 - no public way
        refresh_using=fetcher.fetch_credentials, method="assume-role"
    )
