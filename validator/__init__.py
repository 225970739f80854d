"""mwaa-gate: proof that the DAGs you deployed are the DAGs that Airflow runs.

The public Python API is what `__all__` names. It is loaded on first use, so that
`import validator` stays as cheap as the version string it holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = ["__version__"]
