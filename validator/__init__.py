"""mwaa-gate: proof that the DAGs you deployed are the DAGs that Airflow runs.

The public Python API is what `__all__` names. It is loaded on first use, so that `import validator` stays as
cheap as the version string it holds.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # the name is enough for a type checker; to import typing takes longer than all of this

if TYPE_CHECKING:
    from validator.manifest import Manifest, load_manifest, parse_manifest
    from validator.report.interface import Check, Report
    from validator.rules import Deploy, Rules
    from validator.service import check
    from validator.settings import Settings
    from validator.transport.invoke_rest_api import connect

__version__ = "0.1.0"

__all__ = [
    "Check",
    "Deploy",
    "Manifest",
    "Report",
    "Rules",
    "Settings",
    "__version__",
    "check",
    "connect",
    "load_manifest",
    "parse_manifest",
]

_HOME = {
    "Check": "validator.report.interface",
    "Deploy": "validator.rules",
    "Manifest": "validator.manifest",
    "Report": "validator.report.interface",
    "Rules": "validator.rules",
    "Settings": "validator.settings",
    "check": "validator.service",
    "connect": "validator.transport.invoke_rest_api",
    "load_manifest": "validator.manifest",
    "parse_manifest": "validator.manifest",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module when it is first asked for (PEP 562)."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
