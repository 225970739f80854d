"""From checked data to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from validator.durations import parse_duration
from validator.manifest.model import (
    EnvironmentRule,
    ExpectedConnection,
    ExpectedDag,
    ExpectedPattern,
    ExpectedPool,
    GateOptions,
    HealthRule,
    ImportErrorRule,
    InventoryRule,
    Manifest,
    with_runs,
)
from validator.manifest.smoke_model import AssetEvent, RunExpectation, SmokeRun

if TYPE_CHECKING:
    from collections.abc import Sequence

DURATIONS = ("timeout", "interval", "sync", "settle", "grace", "stable_for")
"""The keys of `gate` that are durations."""
_NO_SCHEDULE = "none"


def build(data: dict[str, Any]) -> Manifest:
    """The model, from data that the schema has passed."""
    gate, health, errors, inventory = (
        data.get(key, {}) for key in ("gate", "health", "import_errors", "inventory")
    )
    dags = _mappings(data.get("dags", ()), "dag_id")
    smoke = tuple(_smoke_run(entry) for entry in data.get("smoke", ()))
    max_age = _seconds(health, "max_heartbeat_age")
    return Manifest(
        environment=data.get("environment"),
        region=data.get("region"),
        gate=GateOptions(**{key: _seconds(gate, key) for key in DURATIONS}, fail_fast=gate.get("fail_fast")),
        health=HealthRule(
            require=tuple(health.get("require", ())),
            ignore=tuple(health.get("ignore", ())),
            max_heartbeat_age=HealthRule.max_heartbeat_age if max_age is None else max_age,
        ),
        dags=with_runs((_dag(entry) for entry in dags if "dag_id" in entry), smoke),
        patterns=tuple(
            ExpectedPattern(entry["pattern"], entry.get("min", 1)) for entry in dags if "pattern" in entry
        ),
        absent=tuple(data.get("absent", ())),
        import_errors=ImportErrorRule(
            scope=errors.get("scope", ImportErrorRule.scope), allow=tuple(errors.get("allow", ()))
        ),
        inventory=InventoryRule(
            unexpected=inventory.get("unexpected", InventoryRule.unexpected),
            allow=tuple(inventory.get("allow", ())),
        ),
        variables=tuple(data.get("variables", ())),
        connections=tuple(
            ExpectedConnection(entry["conn_id"], entry.get("conn_type"))
            for entry in _mappings(data.get("connections", ()), "conn_id")
        ),
        pools=tuple(
            ExpectedPool(entry["name"], entry.get("min_slots"))
            for entry in _mappings(data.get("pools", ()), "name")
        ),
        warnings=data.get("warnings", Manifest.warnings),
        mwaa=EnvironmentRule(**data.get("mwaa", {})),
        smoke=smoke,
    )


def _mappings(entries: Sequence[str | dict[str, Any]], named_by: str) -> list[dict[str, Any]]:
    """The entries of a list, each as a mapping: a bare text is what `named_by` would say."""
    return [{named_by: entry} if isinstance(entry, str) else entry for entry in entries]


def _dag(entry: dict[str, Any]) -> ExpectedDag:
    tasks = entry.get("tasks")
    return ExpectedDag(
        dag_id=entry["dag_id"],
        file=entry.get("file"),
        paused=entry.get("paused"),
        schedule=_schedule(entry["schedule"]) if "schedule" in entry else None,
        tags=tuple(entry.get("tags", ())),
        owners=tuple(entry.get("owners", ())),
        tasks=None if tasks is None else tuple(tasks),
        max_active_runs=entry.get("max_active_runs"),
        description=(entry["description"] or "") if "description" in entry else None,
    )


def _smoke_run(entry: dict[str, Any]) -> SmokeRun:
    event, expect = entry.get("event"), entry.get("expect", {})
    timeout = _seconds(entry, "timeout")
    return SmokeRun(
        dag_id=entry["dag_id"] if event is None else entry["expect_run_of"],
        conf=entry.get("conf", {}),
        timeout=SmokeRun.timeout if timeout is None else timeout,
        unpause=entry.get("unpause", SmokeRun.unpause),
        keep=entry.get("keep", SmokeRun.keep if event is None else "always"),
        expect=RunExpectation(
            state=expect.get("state", RunExpectation.state),
            tasks=expect.get("tasks", {}),
            max_duration=_seconds(expect, "max_duration"),
        ),
        event=None if event is None else AssetEvent(event["uri"], event.get("extra", {})),
    )


def _schedule(told: str | None) -> str:
    # Python's own word for it is what somebody copies from a DAG file, and YAML takes it for text.
    return _NO_SCHEDULE if told is None or told.lower() == _NO_SCHEDULE else told


def _seconds(block: dict[str, Any], key: str) -> float | None:
    text = block.get(key)
    return None if text is None or text == "auto" else parse_duration(text)
