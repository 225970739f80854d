"""Facts of the way through AWS to lines. Pure; what AWS means by its answers: AWS.md sections 1 and 2."""

from __future__ import annotations

import difflib
import json
from datetime import timedelta

from validator.airflow.dialect import parse_version
from validator.airflow.settings import DEAD, SETTLED
from validator.doctor.facts import AwsFacts, Credentials, Failure, Identity, Region, Wants
from validator.doctor.model import Line, first_problem, ok, problem, sentence, skipped, warning
from validator.durations import format_duration
from validator.errors import CallFailed
from validator.reasons import ADVICE, Reason
from validator.transport.aws_errors import BAD_CREDENTIALS
from validator.transport.interface import EnvironmentFacts
from validator.transport.invoke_rest_api import UPDATE

SOON = timedelta(minutes=15)
"""Credentials that nobody renews should last longer: a gate waits for ten minutes and more."""
OLDEST = (2, 4, 3)
"""The first Airflow of MWAA that InvokeRestApi asks (AWS.md section 1)."""
PRIVATE = "PRIVATE_ONLY"
_PUBLIC = ("PUBLIC_ONLY", "PUBLIC_AND_PRIVATE")
_CALLED_TOO_OFTEN = "Look for who else calls at that moment, and run the doctor again."
_LISTED = 10
_WAYS = {
    "env": "environment variables",
    "shared-credentials-file": "the shared credentials file",
    "config-file": "AWS's configuration file",
    "custom-process": "the profile's credential_process",
    "sso": "a profile with SSO",
    "login": "a login with the AWS CLI",
    "assume-role": "an assumed role",
    "assume-role-with-web-identity": "a role assumed by web identity (OIDC)",
    "container-role": "the container's role",
    "iam-role": "the instance's role",
}
"""botocore's words for people."""
_GET_CREDENTIALS = (
    "Give credentials as for any AWS tool: AWS_* variables, --profile, `aws sso login`, or in a pipeline an OIDC role "
    "(in GitHub Actions aws-actions/configure-aws-credentials with `permissions: id-token: write`)."
)

_REACH = (
    "Check the network path to it: a role is given by STS (a private subnet needs an endpoint for it), others by the "
    "metadata service of the instance or the container, or by the profile's own program."
)
_RENEW = (
    "Renew the credentials; if the signature is called expired or not yet current, look at the line `clock`."
)
_OTHERWISE = (
    "Check that the region is enabled for the account (an opt-in region refuses all credentials until then), and the line "
    "`clock`."
)
_NO_ANSWER = (502, 503, 504)
"""Airflow's statuses that MWAA gives where the web server did not answer."""


def judge_aws(facts: AwsFacts, name: str, wants: Wants) -> list[Line]:
    """The lines of the way to the environment `name`, but for the clock's."""
    lines = [_credentials(facts), _region(facts)]
    cause = first_problem(lines[:1])
    caller = _caller(facts) if cause is None else skipped("caller", cause)
    lines.append(caller)
    cause = first_problem(lines)
    if cause is not None:
        return lines + [skipped(each, cause) for each in ("environment", "web-server", "invoke-rest-api")]
    lines.append(_environment(facts, name, wants))
    for judge, each in ((_web_server, "web-server"), (_invoke, "invoke-rest-api")):
        cause = _cause(facts, lines)
        lines.append(judge(facts, name) if cause is None else skipped(each, cause))
    return lines


def _cause(facts: AwsFacts, lines: list[Line]) -> str | None:
    """The line that is why Airflow did not answer; None: it did, or none of them is."""
    if _airflow_answered(facts):
        return None
    told, invoked = facts.environment, facts.invoked
    gone = any(isinstance(one, Failure) and one.reason is Reason.NOT_FOUND for one in (told, invoked))
    unread = isinstance(told, Failure) and not gone and told.code not in BAD_CREDENTIALS
    # That GetEnvironment tells nothing keeps nobody from asking Airflow.
    return first_problem(line for line in lines if not (unread and line.id == "environment"))


def _credentials(facts: AwsFacts) -> Line:
    found = facts.credentials
    if isinstance(found, Failure):
        if found.silent:
            said = f"What gives the credentials did not answer: {sentence(found.message)}"
            return problem("credentials", said, found.advice or _REACH)
        return problem("credentials", sentence(found.message), found.advice or _GET_CREDENTIALS)
    way = _WAYS.get(found.method, found.method or "an unknown way")
    details = {
        "method": found.method,
        "temporary": found.temporary,
        "expires_at": found.expires.isoformat() if found.expires is not None else None,
        "renewed": found.renews,
    }
    told, left = _validity(found, facts)
    if left is not None and left < SOON:
        return warning(
            "credentials",
            f"Found by {way}; {told}, and a gate may wait longer.",
            "Renew them before the gate is run, or let a profile or a role renew them.",
            **details,
        )
    return ok("credentials", f"Found by {way}; {told}.", **details)


def _validity(found: Credentials, facts: AwsFacts) -> tuple[str, timedelta | None]:
    """How long they last, in words; the time left where nobody renews them and an end is known."""
    if found.renews:
        return "they are renewed before they expire", None
    if found.expires is not None:
        left = found.expires - facts.now
        return f"they expire in {format_duration(max(0.0, left.total_seconds()))}", left
    if found.temporary:
        return "they are temporary, and when they expire is not told", None
    return "they do not expire", None


def _region(facts: AwsFacts) -> Line:
    region = facts.region
    if isinstance(region, Failure):
        if isinstance(facts.credentials, Failure):  # a profile that is none: one problem, told once
            return skipped("region", "credentials")
        return problem("region", sentence(region.message), region.advice or ADVICE[region.reason])
    if region.name is None:
        return problem(
            "region",
            "No AWS region is set.",
            "Give --region, `region:` in the manifest, AWS_REGION, or a profile that has one.",
        )
    details = {"region": region.name, "told_by": region.told_by, "partition": region.partition}
    said = f"{region.name}, by {region.told_by}."
    reached = isinstance(facts.environment, EnvironmentFacts) or _airflow_answered(facts)
    if not region.known or region.name in region.known or reached:
        return ok("region", said, **details)
    near = difflib.get_close_matches(region.name, region.known, 3)
    advice = (f"Did you mean {_or(near)}? " if near else "") + "Check the region's spelling."
    message = f"{said} The AWS SDK at hand knows no MWAA there."
    if any(isinstance(one, Failure) and one.silent for one in (facts.environment, facts.invoked)):
        return problem("region", f"{message} Nothing answers there.", advice, **details)
    return warning("region", message, f"{advice} A new region may be newer than the SDK.", **details)


def _caller(facts: AwsFacts) -> Line:
    told = facts.identity
    if isinstance(told, Identity):
        return ok("caller", f"{told.arn}, account {told.account}.", arn=told.arn, account=told.account)
    if told is None:
        return skipped("caller", "credentials")
    accepted = isinstance(facts.environment, EnvironmentFacts) or _airflow_answered(facts)
    everywhere = (told, facts.environment, facts.invoked)
    refusals = [one for one in everywhere if isinstance(one, Failure) and one.code in BAD_CREDENTIALS]
    if refusals and not accepted:
        return problem("caller", sentence(refusals[0].message), _RENEW, code=refusals[0].code)
    if told.code in BAD_CREDENTIALS:
        return warning(
            "caller",
            f"{sentence(told.message)} MWAA does accept them: the two are not the same AWS.",
            "Look at the AWS_ENDPOINT_URL variables, if that is not meant.",
            code=told.code,
        )
    said = told.message.rstrip(".")
    if told.silent:
        return warning(
            "caller",
            f"Who the credentials are is not known: {said}.",
            told.advice
            or "A private subnet needs an endpoint for STS (com.amazonaws.REGION.sts) to be told. The gate itself needs STS "
            "only where a role is assumed.",
        )
    mend = told.advice or (_CALLED_TOO_OFTEN if told.throttled else ADVICE[told.reason])
    if told.reason is Reason.ACCESS_DENIED and told.code:
        mend = "Look at the policy of the VPC endpoint for STS."
    return warning(
        "caller",
        f"Who the credentials are is not known: {said}.",
        f"{mend} The gate itself needs STS only where a role is assumed.",
        code=told.code,
    )


def _environment(facts: AwsFacts, name: str, wants: Wants) -> Line:
    told = facts.environment
    if isinstance(told, EnvironmentFacts):
        return _told_environment(told, name)
    invoked = facts.invoked
    missing = next(
        (one for one in (told, invoked) if isinstance(one, Failure) and one.reason is Reason.NOT_FOUND), None
    )
    if missing is not None:
        return _missing(facts, name, missing)
    if told is None:
        return skipped("environment", "region")
    if told.code in BAD_CREDENTIALS and not _airflow_answered(facts):
        return problem(
            "environment", f"{sentence(told.message)} STS does accept them.", _OTHERWISE, code=told.code
        )
    needed = "environment" in wants.reads
    optional = (
        "The manifest's `mwaa` needs it."
        if needed
        else "It is optional: without it the scan intervals and the settle time are not known, and `mwaa` in a manifest "
        "cannot be judged."
    )
    advice = told.advice or (_CALLED_TOO_OFTEN if told.throttled else ADVICE[told.reason])
    if told.reason is Reason.ACCESS_DENIED and told.code:
        advice = f"Add to the caller's policy: {_statement(facts, 'GetEnvironment', f'environment/{name}')}"
    status = problem if needed else warning
    return status("environment", f"{sentence(told.message)} {optional}", advice, code=told.code)


def _told_environment(told: EnvironmentFacts, name: str) -> Line:
    kind = f", {told.environment_class}" if told.environment_class else ""
    version = told.airflow_version
    message = (
        f"{name} is {told.status or 'of unknown status'}: Airflow {version or 'of unknown version'}{kind}."
    )
    details = {
        "status": told.status,
        "airflow_version": version,
        "environment_class": told.environment_class,
        "webserver_access": told.webserver_access,
    }
    if version is not None and _too_old(version):
        return problem(
            "environment",
            f"{message} InvokeRestApi asks Airflow {'.'.join(map(str, OLDEST))} and later.",
            "Upgrade the environment: aws mwaa update-environment --airflow-version.",
            **details,
        )
    if told.status in DEAD:
        return problem(
            "environment",
            f"{message} It cannot become AVAILABLE by itself, so the gate can tell nothing.",
            "Look at its events in the MWAA console, and create or update it anew.",
            **details,
        )
    if told.status == "UPDATE_FAILED":
        return warning(
            "environment",
            f"{message} Its last update failed and was rolled back; it can be used as it was before.",
            "Look at its events in the MWAA console.",
            **details,
        )
    if told.status not in SETTLED:
        return warning(
            "environment",
            f"{message} While it is not AVAILABLE the gate cannot tell.",
            ADVICE[Reason.ENVIRONMENT_NOT_AVAILABLE],
            **details,
        )
    return ok("environment", message, **details)


def _too_old(version: str) -> bool:
    try:
        parsed = parse_version(version)
    except CallFailed:
        return False  # the line `version` says what is wrong with it
    micro = version.split(".")[2:3]
    third = int(micro[0]) if micro and micro[0].isdecimal() else OLDEST[2]
    return (parsed.major, parsed.minor, third) < OLDEST


def _missing(facts: AwsFacts, name: str, missing: Failure) -> Line:
    named = facts.environments
    where = facts.region.name if isinstance(facts.region, Region) else None
    advice = "Check its spelling, the region and the account of the line `caller`"
    details: dict[str, object] = {}
    if isinstance(named, tuple):
        near = difflib.get_close_matches(name, named, len(named) or 1, 0.5)
        sorted_names = [*near, *sorted(set(named).difference(near))]
        details["environments"] = sorted_names
        there = f"There are {', '.join(sorted_names[:_LISTED])}{' and others' if len(sorted_names) > _LISTED else ''}"
        there = there if named else "There is none at all"
        advice = f"{there} in {where} of this account. {advice}"
    elif isinstance(named, Failure):
        advice += f"; which there are could not be listed ({named.message})"
    return problem("environment", sentence(missing.message), f"{advice}.", **details)


def _web_server(facts: AwsFacts, name: str) -> Line:  # noqa: ARG001 - called like its neighbours
    told, invoked = facts.environment, facts.invoked
    answered = _airflow_answered(facts)
    access = told.webserver_access if isinstance(told, EnvironmentFacts) else None
    if access != PRIVATE:
        if answered:
            return ok("web-server", "It answers from here.", access=access)
        return _unasked_web_server(access)
    if answered:
        return ok("web-server", "It is private (PRIVATE_ONLY), and answers from here.", access=access)
    if isinstance(invoked, Failure) and (invoked.silent or invoked.status in _NO_ANSWER):
        return problem(
            "web-server",
            f"It is private (PRIVATE_ONLY), and does not answer from here: {invoked.message}.",
            "It can only be asked from inside its VPC: run the gate there (a self-hosted runner, CodeBuild with a VPC, or "
            "the Lambda function with its subnets), or set the web server's access to PUBLIC_ONLY.",
            access=access,
        )
    return skipped("web-server", "invoke-rest-api")


def _unasked_web_server(access: str | None) -> Line:
    """One that is not private by what GetEnvironment says, and was not seen to answer."""
    if access is None:
        return skipped("web-server", "environment")
    if access not in _PUBLIC:
        return warning(
            "web-server",
            f"Whether it can be asked from here is not known: its access is {access!r}, a word that is new.",
            "Look at the environment's web server access in the MWAA console.",
            access=access,
        )
    return ok("web-server", "It is public: it can be asked from anywhere.", access=access)


def _invoke(facts: AwsFacts, name: str) -> Line:
    told = facts.invoked
    if told is None:
        return skipped("invoke-rest-api", "region")
    if not isinstance(told, Failure):
        return ok("invoke-rest-api", "Allowed: Airflow answers through it.")
    said = sentence(told.message)
    if told.status is not None:
        return _airflow_refused(told, said)
    if "update your environment" in told.message.lower():
        advice = UPDATE
    elif told.code in BAD_CREDENTIALS:
        said, advice = f"{said} STS does accept them.", _OTHERWISE
    elif told.throttled:
        said = f"{said} Everybody in the account shares about 10 calls a second."
        advice = _CALLED_TOO_OFTEN
    elif told.reason is Reason.ACCESS_DENIED and told.code:
        advice = _permission(facts, name, told)
    else:
        advice = told.advice or ADVICE[told.reason]
    return problem("invoke-rest-api", said, advice, code=told.code)


def _permission(facts: AwsFacts, name: str, denied: Failure) -> str:
    """What to do about AWS's own denial of InvokeRestApi (AWS.md section 2)."""
    statement = _statement(facts, "InvokeRestApi", f"role/{name}/Viewer")
    if "explicit deny" in denied.message.lower():
        return (
            "An explicit deny wins over every permission: look for it in the organisation's policies, the permissions "
            f"boundary, the session policy and the VPC endpoint's policy. What has to be allowed is {statement}"
        )
    return (
        f"Add to the caller's policy: {statement}. The resource names an Airflow role: a permission on environment/{name} "
        "allows nothing here. Grant one role to a caller; Viewer is enough, but for variables and connections (Op)."
    )


def _airflow_refused(told: Failure, said: str) -> Line:
    if told.reason is Reason.ACCESS_DENIED:
        return problem(
            "invoke-rest-api",
            f"AWS allows it, and Airflow refuses: {told.message}.",
            "The Airflow role that the caller's policy names does not exist in this Airflow, or may do nothing: name Viewer "
            "in the resource role/ENVIRONMENT/Viewer, and look at the role in Airflow (Security, List Roles).",
            status=told.status,
        )
    return problem("invoke-rest-api", said, told.advice or ADVICE[told.reason], status=told.status)


def _airflow_answered(facts: AwsFacts) -> bool:
    """Airflow itself answered, if only to refuse."""
    told = facts.invoked
    if isinstance(told, Failure):
        return told.status is not None and told.status not in _NO_ANSWER
    return told is not None


def _statement(facts: AwsFacts, action: str, resource: str) -> str:
    """The IAM statement that is missing, as JSON in one line; what is not known is told in capitals."""
    region = facts.region if isinstance(facts.region, Region) else Region(None, "")
    arn = f"arn:{region.partition}:airflow:{region.name or 'REGION'}:{facts.account or 'ACCOUNT'}:{resource}"
    return json.dumps({"Effect": "Allow", "Action": f"airflow:{action}", "Resource": arn})


def _or(names: list[str]) -> str:
    return " or ".join(names)
