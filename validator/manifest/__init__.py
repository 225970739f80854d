"""The manifest: what is expected of an environment, its schema and its loader."""

from validator.manifest.loader import load_manifest, parse_manifest
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
)
from validator.manifest.schema import SCHEMA
from validator.manifest.smoke_model import AssetEvent, RunExpectation, SmokeRun

__all__ = [
    "SCHEMA",
    "AssetEvent",
    "EnvironmentRule",
    "ExpectedConnection",
    "ExpectedDag",
    "ExpectedPattern",
    "ExpectedPool",
    "GateOptions",
    "HealthRule",
    "ImportErrorRule",
    "InventoryRule",
    "Manifest",
    "RunExpectation",
    "SmokeRun",
    "load_manifest",
    "parse_manifest",
]
