"""The events of a scenario: each one put on the world's timeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from validator.sandbox.files import SYNTAX_ERROR
from validator.sandbox.scenario_parts import connection_of, file_of, role_of, slots_of, status_of, value_of
from validator.sandbox.scenario_values import mapping, seconds, text, wrong

if TYPE_CHECKING:
    from pathlib import Path

    from validator.sandbox.api import Role
    from validator.sandbox.simulation import Simulation

_DEEDS = (
    *("put", "break", "heal", "remove", "kill", "start", "restart_webserver", "pause", "unpause", "role"),
    *("pool", "connection", "variable", "status"),
)
_MORE = {
    "put": ("file", "lag"),
    "break": ("trace", "lag"),
    "heal": ("lag",),
    "remove": ("lag",),
    "pool": ("value",),
    "connection": ("value",),
    "variable": ("value",),
}


def script(simulation: Simulation, value: object, where: str, limited: Role, folder: Path) -> None:
    """Put one event on the timeline.

    Args:
        simulation: whose.
        value: the event's YAML.
        where: its place in the scenario.
        limited: what a role of the scenario's own may read and run.
        folder: where the paths in it count from.

    Raises:
        Wrong: the event cannot be used.
    """
    event = mapping(value, where)
    deeds = [name for name in _DEEDS if name in event]
    if len(deeds) != 1:
        wrong(where, f"must do exactly one of {', '.join(_DEEDS)}")
    deed = deeds[0]
    mapping(event, where, ("at", deed, *_MORE.get(deed, ())))
    if "at" not in event:
        wrong(where, "has no `at`")
    at = seconds(event["at"], f"{where}.at")
    target = str(event[deed])
    lag = seconds(event["lag"], f"{where}.lag") if "lag" in event else None
    world = simulation.world
    if deed == "put":
        world.put(target, file_of(event.get("file"), f"{where}.file", folder), at=at, lags=lag)
    elif deed == "role":
        role = role_of(target, limited)
        world.at(at, lambda: setattr(simulation, "role", role))
    elif deed == "status":
        simulation.become(status_of(target, f"{where}.status"), at=at)
    elif deed in ("pool", "connection", "variable"):
        _stock(simulation, deed, event, where, at)
    elif deed == "restart_webserver":
        world.restart_webserver(seconds(event[deed], f"{where}.{deed}"), at=at)
    elif deed in ("kill", "start"):
        try:
            (world.kill if deed == "kill" else world.revive)(target, at=at)
        except ValueError as error:
            wrong(f"{where}.{deed}", str(error))
    else:
        trace = text(event.get("trace", SYNTAX_ERROR), f"{where}.trace")
        {
            "break": lambda: world.damage(target, trace, at=at, lags=lag),
            "heal": lambda: world.heal(target, at=at, lags=lag),
            "remove": lambda: world.remove(target, at=at, lags=lag),
            "pause": lambda: world.pause(target, at=at),
            "unpause": lambda: world.pause(target, paused=False, at=at),
        }[deed]()


def _stock(simulation: Simulation, deed: str, event: dict[str, object], where: str, at: float) -> None:
    """Make, change or, with a value of null, delete one pool, connection or variable."""
    if "value" not in event:
        wrong(where, "has no `value`; null deletes")
    value, place, name, world = event["value"], f"{where}.value", str(event[deed]), simulation.world
    gone = value is None
    if deed == "pool":
        world.set_pool(name, None if gone else slots_of(value, place), at=at)
    elif deed == "connection":
        world.set_connection(name, None if gone else connection_of(value, place), at=at)
    else:
        world.set_variable(name, None if gone else value_of(value, place), at=at)
