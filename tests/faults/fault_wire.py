"""The way to Airflow, with a schedule's faults on it: asked by the endpoint before each call, and behind it for answers."""

from __future__ import annotations

import copy
import re
import threading
import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from validator.sandbox.faults import Fault
from validator.sandbox.wire import AwsError, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fault_schedule import Schedule, Trouble
    from fault_world import Clock, Watched

    from validator.sandbox.faults import LoggedCall

PAGE = "<html>\n<head><title>502 Bad Gateway</title></head>\n<body>::error::no</body></html>\n"
_PAGE = {"Content-Type": "text/html"}
_JSON = {"Content-Type": "application/json"}
_BARE = {**_JSON, "x-amzn-ErrorType": "RestApiServerException"}
SHAPES: tuple[Any, ...] = (None, [], {}, 17, "text", [[]], {"dags": None}, {"dags": {}, "total_entries": "7"})
"""Bodies of a 200 that are not what Airflow promises."""
_WRONG: tuple[Any, ...] = (None, [], {}, "garbled", 17.5, True)
_FIXED = {
    "throttled": Fault(aws=AwsError("ThrottlingException", "Rate exceeded")),
    "throttled-400": Fault(aws=AwsError("ThrottlingException", "Rate exceeded", status=400)),
    "too-many-requests": Fault(airflow=(429, {"detail": "slow down"})),
    "aws-500": Fault(aws=AwsError("InternalServerException", "An internal error has occurred")),
    "http-502": Fault(reply=Reply(502, PAGE.encode(), _PAGE)),
    "http-503": Fault(reply=Reply(503)),
    "bare-server-error": Fault(reply=Reply(400, b'{"message": "no"}', _BARE)),
    "reset": Fault(reset=True),
    "reset-after": Fault(reset=True, after=True),
    "cut-body": Fault(cut="body"),
    "cut-connection": Fault(cut="connection"),
    "half-json": Fault(reply=Reply(200, b'{"RestApiStatusCode": 200, "RestApiResponse": {"da', _JSON)),
    "html": Fault(reply=Reply(200, PAGE.encode(), _PAGE)),
    "airflow-html": Fault(airflow=(200, PAGE)),
    "forbidden": Fault(airflow=(403, {"detail": None})),
    "not-found": Fault(airflow=(404, {"error": "API route not found"})),
    "expired": Fault(aws=AwsError("ExpiredTokenException", "The security token included is expired")),
}
_PROBE = re.compile("/dags/mwaa-gate-probe-.*")


@dataclass(frozen=True)
class Felt:
    """A fault that a call met."""

    kind: str
    path: str
    at: float
    """On the monotonic clock."""


class Wire:
    """The endpoint's `fault`, and the backend in between: one object, so that both know which call it is."""

    def __init__(self, schedule: Schedule, watched: Watched, clock: Clock) -> None:
        self.felt: list[Felt] = []
        self.calls: list[tuple[float, str]] = []
        """When each call came, on the monotonic clock, and its path."""
        self._schedule = schedule
        self._watched = watched
        self._clock = clock
        self._seen = [0] * len(schedule.troubles)
        self._random = Random(f"wire {schedule.seed}")  # noqa: S311 - it can be repeated
        self._lock = threading.Lock()
        self._behind: dict[str, list[Trouble]] = {}

    def __call__(self, call: LoggedCall) -> Fault | None:
        """How a call goes wrong; None: it does not."""
        self._clock.start()
        place = call.operation if call.operation == "GetEnvironment" else call.path.partition("?")[0]
        with self._lock:
            self.calls.append((time.monotonic(), place))
            trouble = self._trouble(place)
            late = self._random.uniform(0.0, self._schedule.jitter) if self._schedule.jitter else 0.0
            if trouble is None:
                return Fault(delay=late) if late else None
            self.felt.append(Felt(trouble.kind, place, time.monotonic()))
            return self._fault(trouble, call, place)

    def call(self, method: str, path: str, query: Mapping[str, object], body: object) -> tuple[int, object]:
        """The backend's answer, late or garbled where that is the fault."""
        with self._lock:
            waiting = self._behind.get(path.partition("?")[0], [])
            trouble = waiting.pop(0) if waiting else None
        if trouble is not None and trouble.kind == "too-late":
            time.sleep(trouble.seconds)
        status, told = self._watched.call(method, path, query, body)
        if trouble is not None and trouble.kind == "wrong-types":
            with self._lock:
                told = garbled(self._random, told)
        return status, told

    def environment(self) -> Mapping[str, object]:
        """What GetEnvironment tells."""
        return self._watched.environment()

    def _trouble(self, place: str) -> Trouble | None:
        chosen = None
        for number, one in enumerate(self._schedule.troubles):
            if not re.fullmatch(one.place, place):
                continue
            # A proxy that says 403 or 404 to the one question about the role tells a lie that nothing gives away.
            if one.kind in ("forbidden", "not-found") and (
                _PROBE.fullmatch(place) or place == "GetEnvironment"
            ):
                continue
            self._seen[number] += 1
            if chosen is None and one.first <= self._seen[number] < one.first + one.times:
                chosen = one
        return chosen

    def _fault(self, trouble: Trouble, call: LoggedCall, place: str) -> Fault | None:  # noqa: PLR0911 - one for each kind
        if trouble.kind in _FIXED:
            return _FIXED[trouble.kind]
        if trouble.kind == "server-error":
            status = self._random.choice((500, 502, 503, 504))
            return Fault(
                airflow=(status, self._random.choice((PAGE, None, {"detail": {"reason": [1]}}, ["no"])))
            )
        if trouble.kind == "wrong-shape":
            return Fault(airflow=(200, self._random.choice(SHAPES)))
        if trouble.kind == "late":
            return Fault(delay=trouble.seconds)
        if call.operation == "GetEnvironment":
            return None
        if trouble.kind == "restart":
            with self._watched.simulation.lock:
                self._watched.simulation.world.restart_webserver(trouble.seconds)
            return None
        self._behind.setdefault(place, []).append(trouble)
        return None


def garbled(random: Random, body: object) -> object:
    """`body` with one value of another type than the one that it had."""
    body = copy.deepcopy(body)
    places: list[tuple[Any, Any]] = []
    todo: list[Any] = [body]
    while todo:
        one = todo.pop()
        keys = one.keys() if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            places.append((one, key))
            todo.append(one[key])
    if not places:
        return "garbled"
    where, key = random.choice(places)
    before = where[key]
    where[key] = random.choice([one for one in _WRONG if type(one) is not type(before)])
    return body
