"""The backend in front of a real Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.errors import CallFailed, UsageError
from validator.reasons import Reason
from validator.transport.interface import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from validator.transport.http import HttpTransport

_LIMIT = 10.0
_STATUS = {Reason.UNREACHABLE: 504, Reason.ACCESS_DENIED: 401}
"""What a reason becomes; 502 where it is none of these. Airflow did not know the sandbox, and so the caller."""


class AirflowProxy:
    """Passes method, path, query and body on to an Airflow, and its status and body back.

    Args:
        transport: how Airflow is called, and as whom.
        options: what GetEnvironment shall tell as AirflowConfigurationOptions.
    """

    def __init__(self, transport: HttpTransport, options: Mapping[str, str] | None = None) -> None:
        self._transport = transport
        self._options = dict(options or {})

    def call(self, method: str, path: str, query: Mapping[str, object], body: object) -> tuple[int, object]:
        """Airflow's answer; 401, 502 or 504 in its name where it gives none."""
        if body is not None and not isinstance(body, dict):
            return 400, {"detail": "the sandbox passes JSON objects only", "status": 400}
        # A list in QueryParameters goes on as a repeated parameter: nothing documents what MWAA does.
        request = Request(path, query, method, body)  # type: ignore[arg-type]
        try:
            answer = self._transport.call(request, timeout=_LIMIT)
        except CallFailed as error:
            return _STATUS.get(error.reason, 502), error.message
        return answer.status, answer.body

    def environment(self) -> Mapping[str, object]:
        """The version that Airflow tells, and the options given; no version while Airflow does not answer."""
        status, body = self.call("GET", "/version", {}, None)
        facts: dict[str, object] = {"AirflowConfigurationOptions": self._options}
        if status == 200 and isinstance(body, dict) and isinstance(body.get("version"), str):  # noqa: PLR2004 - HTTP
            facts["AirflowVersion"] = body["version"]
        return facts


def read_options(pairs: tuple[str, ...]) -> dict[str, str]:
    """AirflowConfigurationOptions from `section.key=value` texts.

    Raises:
        UsageError: one is not of that form.
    """
    options = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or "." not in key.strip("."):
            raise UsageError(
                f"{pair!r} is no Airflow option", advice="Write it like core.min_file_process_interval=5."
            )
        options[key.strip()] = value
    return options
