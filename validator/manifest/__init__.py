"""The manifest: what is expected of an environment, its schema and its loader."""

from validator.manifest.loader import load_manifest, parse_manifest
from validator.manifest.model import (
    ExpectedDag,
    ExpectedPattern,
    GateOptions,
    HealthRule,
    ImportErrorRule,
    Manifest,
)
from validator.manifest.schema import SCHEMA

__all__ = [
    "SCHEMA",
    "ExpectedDag",
    "ExpectedPattern",
    "GateOptions",
    "HealthRule",
    "ImportErrorRule",
    "Manifest",
    "load_manifest",
    "parse_manifest",
]
