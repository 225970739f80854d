"""Asking without ever failing: whatever goes wrong becomes a `Failure`, and nothing takes longer than it may."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar, cast

from validator.doctor.facts import Failure
from validator.errors import CallFailed, CannotTell, GateError
from validator.reasons import Reason
from validator.transport.interface import WHOLE_CALL
from validator.transport.within import within

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from botocore.exceptions import ClientError

    from validator.clock import Clock

_R = TypeVar("_R")

_KEY_ID = re.compile(r"\bA[KS]IA[A-Z0-9]{4,}\b")


class Patience:
    """How long a whole run may take. Thread-safe, but for `hide`."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        """Let the run take `seconds` from now."""
        self._clock = clock
        self._ends = clock.now() + seconds
        self._secrets: tuple[str, ...] = ()

    @property
    def ends(self) -> float:
        """On the clock."""
        return self._ends

    @property
    def left(self) -> float:
        """Seconds; 0 once the time is up."""
        return max(0.0, self._ends - self._clock.now())

    def hide(self, secrets: tuple[str, ...]) -> None:
        """Let no failure's words show any of these: a server may quote what it was sent."""
        self._secrets += tuple(secret for secret in secrets if secret)

    def ask(self, call: Callable[[], _R], at_most: float = WHOLE_CALL) -> _R | Failure:
        """What `call` gives, or why it gave nothing within `at_most` seconds and the run's own time."""
        seconds = min(at_most, self.left)
        if seconds <= 0:
            return Failure(Reason.UNREACHABLE, "the time was up before it could be asked")
        try:
            return within(seconds, call)
        except TimeoutError as error:
            return Failure(Reason.UNREACHABLE, str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what the line tells
            return self._failure(error)

    def ask_all(self, calls: Mapping[str, Callable[[], _R]]) -> dict[str, _R | Failure]:
        """What each of `calls` gives, all at once; see `ask`."""
        if not calls:
            return {}
        pool = ThreadPoolExecutor(len(calls), thread_name_prefix="ask")
        try:
            asked = {name: pool.submit(self.ask, call) for name, call in calls.items()}
            return {name: one.result() for name, one in asked.items()}
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _failure(self, error: Exception) -> Failure:
        code, _ = refusal_behind(error)
        if not isinstance(error, GateError):
            # Its own words are nobody's message, and may hold anything.
            return Failure(
                Reason.BAD_RESPONSE, f"it gave nothing that can be read ({type(error).__name__})", code=code
            )
        reason = error.reason if isinstance(error, (CallFailed, CannotTell)) else Reason.NOT_FOUND
        status, throttled = None, False
        if isinstance(error, CallFailed):
            status, throttled = error.status, error.throttled
        return Failure(reason, self._shown(error.message), error.advice, status, code, throttled)

    def _shown(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return _KEY_ID.sub("***", text)


def refusal_behind(error: BaseException) -> tuple[str, datetime | None]:
    """The code and the Date of the AWS error that is behind `error`; empty and None where there is none."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(getattr(seen, "response", None), dict):
        seen = seen.__cause__
    if seen is None:
        return "", None
    from validator.transport.aws_errors import code_of  # noqa: PLC0415 - only where AWS is called
    from validator.transport.invoke_rest_api import parse_date  # noqa: PLC0415 - the same

    refusal = cast("ClientError", seen)
    headers = refusal.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return code_of(refusal)[0], parse_date(headers.get("date"))
