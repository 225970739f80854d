"""One retry policy for all calls, bound to the gate's deadline."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from validator.errors import CallFailed
from validator.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from validator.clock import Clock
    from validator.server_clock import ServerClock
    from validator.transport.interface import Answer, EnvironmentFacts, Request, Transport
    from validator.transport.pacing import TokenBucket

_R = TypeVar("_R")

_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
_UNAUTHORIZED = (401, 403)
_NOT_FOUND = 404
_KEPT_REQUEST_IDS = 10
FINISH_WITHIN = 5.0
"""Seconds after the deadline in which the calls of a round that had begun before may still be made."""
_NESTED = 5
"""Objects inside each other that are looked into for the words of an error: real ones have two."""


@dataclass(frozen=True)
class RetryRule:
    """How often and how patiently a call is repeated."""

    attempts: int = 4
    """In all, of one call in one round; being throttled does not count."""
    first_wait: float = 0.5
    """Seconds before the first repetition; doubles every time."""
    longest_wait: float = 8.0


class Caller:
    """Makes calls: paced, repeated where that can help, counted. Thread-safe."""

    def __init__(  # noqa: PLR0913 - all that is not pure comes in from outside
        self,
        transport: Transport,
        bucket: TokenBucket,
        clock: Clock,
        server: ServerClock,
        jitter: Callable[[], float],
        rule: RetryRule | None = None,
    ) -> None:
        """Take the way to Airflow, the pace, time, the server's clock to keep, and `jitter` in [0, 1)."""
        self._transport = transport
        self._bucket = bucket
        self._server = server
        self._clock = clock
        self._jitter = jitter
        self._rule = rule or RetryRule()
        self._lock = threading.Lock()
        self._calls = 0
        self._repeats = 0
        self._request_ids: deque[str] = deque(maxlen=_KEPT_REQUEST_IDS)

    @property
    def longest_path(self) -> int | None:
        """Characters that a path may have; None: as many as it takes."""
        return self._transport.longest_path

    @property
    def calls(self) -> int:
        """How many calls have been made, repetitions included."""
        return self._calls

    @property
    def repeats(self) -> int:
        """How many of them repeated one that had failed or was throttled."""
        return self._repeats

    @property
    def request_ids(self) -> tuple[str, ...]:
        """The service's ids of the last calls, oldest first."""
        with self._lock:
            return tuple(self._request_ids)

    def environment(self, deadline: float) -> EnvironmentFacts | None:
        """One GetEnvironment call, never repeated: it is optional. Raises as `Transport.environment` does."""

        def attempt() -> EnvironmentFacts | None:
            facts = self._transport.environment()
            self._server.see(facts.date if facts is not None else None)
            return facts

        return self._repeat(attempt, deadline, lambda _: False)

    def get(
        self,
        request: Request,
        deadline: float,
        instead: Callable[[Request, CallFailed], Request] | None = None,
    ) -> Answer:
        """The answer to `request`, which has a status of 2xx.

        Args:
            request: what to ask.
            deadline: on the clock; no repetition begins after it, and no call FINISH_WITHIN after it.
            instead: what to ask after a failure, given what was asked; None: the same again.

        Raises:
            CallFailed: no such answer after the last repetition; `status` is Airflow's, where it had one.
            CannotTell: no call can do better.
        """
        asked = request

        def attempt() -> Answer:
            nonlocal asked
            try:
                return self._accept(asked)
            except CallFailed as failed:
                if instead is not None:
                    asked = instead(asked, failed)
                raise

        return self._repeat(attempt, deadline, lambda failed: failed.retry)

    def send(self, request: Request, deadline: float) -> Answer:
        """The answer to a `request` that must not be made twice, such as a trigger; its status is 2xx.

        Repeated only where it was surely not done: throttled. A `status` of 4xx says the same; of any other failure
        nobody knows whether it was done: look for what it may have left.

        Args:
            request: what to do.
            deadline: as for `get`.

        Raises:
            CallFailed: no such answer; `status` is Airflow's, where it had one.
            CannotTell: no call can do better.
        """
        return self._repeat(lambda: self._accept(request), deadline, lambda failed: failed.throttled)

    def _accept(self, request: Request) -> Answer:
        answer = self._transport.call(request)
        self._server.see(answer.date)
        if answer.request_id is not None:
            with self._lock:
                self._request_ids.append(answer.request_id)
        refusal = refused(request, answer)
        if refusal is not None:
            raise refusal
        return answer

    def _repeat(
        self, attempt: Callable[[], _R], deadline: float, may_repeat: Callable[[CallFailed], bool]
    ) -> _R:
        wait = self._rule.first_wait
        failures = 0
        throttled = False
        before = CallFailed(Reason.UNREACHABLE, "the time was up before it could be asked", retry=False)
        while True:
            # A round that has begun may finish: cut short by its last call it would be worth nothing.
            latest = deadline + FINISH_WITHIN if failures == 0 and not throttled else deadline
            if not self._bucket.take(latest) or self._clock.now() > latest:
                raise before
            with self._lock:
                self._calls += 1
                self._repeats += failures > 0 or throttled
            try:
                result = attempt()
            except CallFailed as failed:
                failed.advice = failed.advice or self._transport.advice.get(failed.reason, "")
                before = failed
                if failed.throttled:
                    throttled = True
                    self._bucket.throttled()
                else:
                    failures += 1
                pause = wait * (0.5 + self._jitter() / 2)
                out_of_time = self._clock.now() + pause >= deadline
                if not may_repeat(failed) or failures >= self._rule.attempts or out_of_time:
                    raise
                self._clock.sleep(pause)
                wait = min(self._rule.longest_wait, wait * 2)
            else:
                self._bucket.served()
                return result


def refused(request: Request, answer: Answer) -> CallFailed | None:
    """Why `answer` is no answer, judged by its status; None where it is 2xx."""
    status = answer.status
    if 200 <= status <= 299:  # noqa: PLR2004 - HTTP's own numbers
        return None
    told = told_by(answer.body)
    what = f"{request.method} {request.path} was answered with {status}{f': {told}' if told else ''}"
    if status in _UNAUTHORIZED:
        return CallFailed(Reason.ACCESS_DENIED, f"Airflow refused: {what}", status=status, retry=False)
    if status == _NOT_FOUND:
        return CallFailed(Reason.NOT_FOUND, what, status=status, retry=False)
    if status == _TOO_MANY_REQUESTS:
        return CallFailed(Reason.UNREACHABLE, what, status=status, throttled=True)
    if status >= _SERVER_ERROR:
        return CallFailed(Reason.UNREACHABLE, what, status=status)
    return CallFailed(Reason.BAD_RESPONSE, what, status=status, retry=False)


def told_by(body: object, limit: int = 300) -> str:
    """What an error body says, in one short text. Its shape is never certain (AIRFLOW.md section 9)."""
    for _ in range(_NESTED):
        if isinstance(body, dict):
            body = next((body[key] for key in ("detail", "error", "title", "message") if body.get(key)), None)
    if body is None:
        return ""
    if isinstance(body, str):
        text = body.strip()
        if text.startswith("<"):
            return "an HTML page"
    else:
        try:
            text = repr(body)
        except RecursionError:
            text = "a body that is nested too deeply"
    return text if len(text) <= limit else text[: limit - 1] + "…"
