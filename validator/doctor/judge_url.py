"""Facts of the way to an Airflow by its URL to lines. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from validator.doctor.facts import Failure, OddVersion, UrlFacts
from validator.doctor.model import Line, ok, problem, sentence, skipped, warning
from validator.reasons import ADVICE, Reason

if TYPE_CHECKING:
    from validator.airflow.models import Version

NOBODY = "nobody"
"""Who calls where no credentials are given."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LOG_IN = (
    "Set MWAA_GATE_AIRFLOW_USER and MWAA_GATE_AIRFLOW_PASSWORD, or MWAA_GATE_AIRFLOW_TOKEN, or name a file by "
    "--airflow-credentials."
)
_OTHER_LOGIN = (
    "Check the user and the password, or renew the token: they expire, and Airflow 3 answers a bad one with 403. Airflow 2 "
    "takes a password only with airflow.api.auth.backend.basic_auth among api.auth_backends."
)


def judge_url(facts: UrlFacts) -> list[Line]:
    """The lines of the way, but for the clock's and the version's."""
    refused = facts.version if isinstance(facts.version, Failure) else None
    if refused is not None and refused.reason is not Reason.ACCESS_DENIED:
        advice = refused.advice or ADVICE[refused.reason]
        return [problem("url", sentence(refused.message), advice), skipped("login", "url")]
    if isinstance(facts.version, OddVersion):
        return [_url(facts), skipped("login", "version")]
    return [_url(facts), _login(facts, refused or facts.listed)]


def judge_version(told: Version, assumed: Version | None = None) -> Line:
    """The line of Airflow's version, which is one that the gate knows how to ask.

    Args:
        told: what Airflow says.
        assumed: by which the gate asks: GetEnvironment's, where that tells one; None: not known.
    """
    api = "/api/v2" if told.major > 2 else "/api/v1"  # noqa: PLR2004 - Airflow 2
    details = {"airflow_version": told.text, "api": api}
    message = f"Airflow {told.text}, asked by {api}."
    if assumed is not None and (assumed.major, assumed.minor) != (told.major, told.minor):
        return (problem if assumed.major != told.major else warning)(
            "version",
            f"Airflow says that it is {told.text}, and GetEnvironment that it is {assumed.text}, by which the gate asks.",
            "Wait until an update of the environment has ended, and run the doctor again.",
            **details,
        )
    if (told.major, told.minor) < (2, 4):
        return warning(
            "version", f"{message} The gate is made for 2.4 and later.", "Upgrade Airflow.", **details
        )
    return ok("version", message, **details)


def _url(facts: UrlFacts) -> Line:
    parts = urlsplit(facts.url)
    if parts.scheme == "https":
        by = (
            f"the certificates in {facts.ca_bundle}"
            if facts.ca_bundle is not None
            else "the system's certificates"
        )
        return ok("url", f"An Airflow answers at {facts.url}; {by} vouch for it.", tls=True)
    if parts.hostname in _LOOPBACK or facts.credentials == NOBODY:
        return ok("url", f"An Airflow answers at {facts.url}; nothing is encrypted.", tls=False)
    return warning(
        "url",
        f"An Airflow answers at {facts.url}, and {facts.credentials} goes there unencrypted.",
        "Use https, if the way there is not a private one.",
        tls=False,
    )


def _login(facts: UrlFacts, refused: Failure | None) -> Line:
    details = {"credentials": facts.credentials}
    if refused is None:
        taken = "No credentials are given, and none are needed." if facts.credentials == NOBODY else None
        return ok("login", taken or f"Airflow takes {facts.credentials}.", **details)
    if refused.reason is not Reason.ACCESS_DENIED:
        return problem(
            "login", sentence(refused.message), refused.advice or ADVICE[refused.reason], **details
        )
    if facts.credentials == NOBODY:
        return problem("login", f"{sentence(refused.message)} No credentials are given.", _LOG_IN, **details)
    return problem(
        "login", f"{sentence(refused.message)} Called by {facts.credentials}.", _OTHER_LOGIN, **details
    )
