"""How calls of the endpoint go wrong, and which."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Literal

    from validator.sandbox.wire import AwsError, Reply


@dataclass(frozen=True)
class Fault:
    """How one call is to go wrong. Without any of these but `delay`, it is answered late but well."""

    delay: float = 0.0
    """Seconds before anything else happens; with `after`, between the backend's answer and its sending."""
    aws: AwsError | None = None
    """AWS's own error."""
    airflow: tuple[int, object] | None = None
    """The status and body that Airflow is made to answer; the backend is not asked."""
    reply: Reply | None = None
    """The whole HTTP answer, raw; its headers may replace Content-Length and Date."""
    cut: Literal["", "body", "connection"] = ""
    """`body`: half of the answer in good HTTP. `connection`: half of what Content-Length promised, then the
    end. boto3 reads both as an empty success."""
    reset: bool = False
    """The connection is reset instead of an answer."""
    after: bool = False
    """The backend does the call first, and its own answer is lost: `aws`, `airflow`, `reply` or `reset` comes
    in its place. Without it they come before the call was done. A `cut` is always of what was done."""


@dataclass(frozen=True)
class LoggedCall:
    """One call that reached the sandbox."""

    operation: str
    """`InvokeRestApi`, `GetEnvironment`, or the HTTP request line of anything else."""
    method: str
    path: str
    query: Mapping[str, object]
    body: object
    status: int | None
    """Airflow's status; None where AWS answered, or nobody did."""
    error: str
    """AWS's error code, `reset` or `raw` for such a fault, or nothing."""
    at: datetime


@dataclass(frozen=True)
class Planned:
    """A fault, and the calls that it is for."""

    fault: Fault
    method: str = ""
    """Empty: any."""
    path: str = ".*"
    """A regular expression of the whole path, without its query."""
    first: int = 1
    """The number of the first call that it befalls, among those whose method and path match."""
    times: int = 1
    """How many in a row it befalls."""

    def matches(self, call: LoggedCall) -> bool:
        """Whether a call is one of those that are counted."""
        path = call.path.partition("?")[0]
        return self.method in ("", call.method) and re.fullmatch(self.path, path) is not None


class Faults:
    """A script of faults, for Sandbox's `fault`. Of several for the same call the first one given befalls it.

    Faults(Planned(Fault(reset=True, after=True), "POST", "/dags/[^/]+/dagRuns"))  # the first trigger's answer is lost
    """

    def __init__(self, *planned: Planned) -> None:
        self._planned = planned
        self._seen = [0] * len(planned)
        self._lock = threading.Lock()

    def __call__(self, call: LoggedCall) -> Fault | None:
        """The fault of this call, which is counted."""
        chosen = None
        with self._lock:
            for number, plan in enumerate(self._planned):
                if not plan.matches(call):
                    continue
                self._seen[number] += 1
                if chosen is None and plan.first <= self._seen[number] < plan.first + plan.times:
                    chosen = plan.fault
        return chosen

    @property
    def left(self) -> int:
        """How many of the planned faults no call has met yet: a test that ends with one has tested nothing."""
        with self._lock:
            return sum(seen < plan.first for plan, seen in zip(self._planned, self._seen, strict=True))
