"""Asks AWS about the way to one environment: Get and List calls only."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from validator.doctor.ask_airflow import ask_version
from validator.doctor.attempt import refusal_behind
from validator.doctor.facts import AwsFacts, Credentials, Failure, Identity, Region
from validator.errors import CallFailed
from validator.reasons import Reason
from validator.transport.aws_errors import DENIED, code_of, explain_botocore, explain_refusal
from validator.transport.aws_session import AwsSession
from validator.transport.invoke_rest_api import parse_date

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_mwaa import MWAAClient
    from mypy_boto3_sts import STSClient

    from validator.airflow.models import Version
    from validator.doctor.facts import OddVersion
    from validator.doctor.watched import Means, Ticks
    from validator.target import Target
    from validator.transport.interface import EnvironmentFacts

ANYWHERE = "us-east-1"
"""Where STS is asked who the caller is while no region is known."""
MOST_NAMES = 500
"""Environments of a region that are looked at for a name that is like the one given."""
_NONE_FOUND = "no AWS credentials were found"


def ask_aws(target: Target, told_by: str, session: AwsSession, means: Means) -> AwsFacts:
    """What can be seen of the way to the environment `target`. Never raises a GateError.

    Args:
        target: the environment.
        told_by: what gave `target.region`, for people.
        session: as the target says.
        means: what is asked with; its calls of Airflow go through that session.
    """
    patience, ticks = means.patience, means.ticks
    region = patience.ask(lambda: _region(session, told_by))
    where = region.name if isinstance(region, Region) else None
    if where is None:  # who calls can be told all the same
        session = AwsSession(ANYWHERE, target.profile, target.role_arn)
    found = patience.ask(session.signer)
    if found is None:
        found = Failure(Reason.ACCESS_DENIED, _NONE_FOUND)
    now = ticks.now()
    if isinstance(found, Failure):
        return AwsFacts(now, region, found)
    patience.hide(found.secrets)
    credentials = Credentials(found.method, found.temporary, found.expires, found.renews)
    calls: dict[str, Callable[[], object]] = {"identity": lambda: identity_of(session, ticks)}
    if where is not None:
        calls |= {
            "environment": means.watched.environment,
            "invoked": lambda: ask_version(means.asking),
        }
    told = patience.ask_all(calls)
    identity = cast("Identity | Failure", told["identity"])
    environment = cast("EnvironmentFacts | Failure | None", told.get("environment"))
    environments = None
    if isinstance(environment, Failure) and environment.reason is Reason.NOT_FOUND:
        environments = patience.ask(lambda: _names(session, ticks))
    return AwsFacts(
        now,
        region,
        credentials,
        identity,
        environment,
        cast("Version | OddVersion | Failure | None", told.get("invoked")),
        environments,
        _account(identity, target.role_arn),
    )


def identity_of(session: AwsSession, ticks: Ticks) -> Identity:
    """Who the credentials are, by STS.

    Raises:
        CallFailed: denied, throttled, not answered, or answered with nonsense.
        CannotTell: STS does not know the credentials.
    """
    client = cast("STSClient", session.client("sts"))
    answer = _asked("sts:GetCallerIdentity", client.get_caller_identity, ticks)
    arn, account = answer.get("Arn"), answer.get("Account")
    if not isinstance(arn, str) or not isinstance(account, str):
        raise CallFailed(
            Reason.BAD_RESPONSE, "the answer of sts:GetCallerIdentity names nobody: it was cut off"
        )
    return Identity(arn, account)


def _names(session: AwsSession, ticks: Ticks) -> tuple[str, ...]:
    """The names of the region's environments, at most `MOST_NAMES` and a page."""
    client = cast("MWAAClient", session.client("mwaa"))
    names: list[str] = []
    following: Callable[[], Any] = client.list_environments
    while True:
        page = _asked("airflow:ListEnvironments", following, ticks)
        found = page.get("Environments")
        if not isinstance(found, list):
            raise CallFailed(Reason.BAD_RESPONSE, "the answer of airflow:ListEnvironments holds no list")
        names += [name for name in found if isinstance(name, str)]
        if not page.get("NextToken") or len(names) >= MOST_NAMES:
            return tuple(names)
        following = partial(client.list_environments, NextToken=page["NextToken"])


def _asked(operation: str, call: Callable[[], Any], ticks: Ticks) -> Any:  # noqa: ANN401 - boto3's answers have a type each
    """What a call of AWS gives."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - heavy

    sent = ticks.now()
    try:
        answer = call()
    except ClientError as error:
        ticks.see(refusal_behind(error)[1], sent)
        code, message, status = code_of(error)
        refusal = explain_refusal(operation, (operation.partition(":")[2],), error)
        if refusal is not None:
            raise refusal from error
        denied = code in DENIED or status == 403  # noqa: PLR2004 - HTTP's Forbidden
        reason = Reason.ACCESS_DENIED if denied else Reason.UNREACHABLE
        raise CallFailed(reason, f"{operation} was refused with {code}: {message}") from error
    except BotoCoreError as error:
        raise explain_botocore(operation, error) from error
    ticks.see(parse_date(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")), sent)
    return answer


def _region(session: AwsSession, told_by: str) -> Region:
    name, by = session.region()
    if name is None:
        return Region(None, "")
    partition, known = session.mwaa_regions(name)
    return Region(name, by or told_by, partition, known)


def _account(identity: Identity | Failure, role_arn: str | None) -> str | None:
    if isinstance(identity, Identity):
        return identity.account
    match = re.match(r"arn:[a-z-]+:iam::([0-9]{12}):", role_arn or "")
    return match[1] if match else None
