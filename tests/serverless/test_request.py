"""From parameters to settings: what the function cannot do it refuses."""

from __future__ import annotations

import pytest

from validator.errors import UsageError
from validator.serverless.parameters import parse_parameters
from validator.serverless.request import settings_of

PLAIN = {"version": 1, "dags": ["etl"]}


def settings(manifest):
    return settings_of(parse_parameters({"environment": "prod", "manifest": manifest}), None)


def test_a_manifest_without_smoke_runs_is_one():
    assert settings(PLAIN).target.name == "prod"


def test_a_manifest_with_smoke_runs_is_refused_before_anything_is_called():
    with pytest.raises(UsageError, match="smoke") as refused:
        settings({**PLAIN, "smoke": [{"dag_id": "etl"}]})

    assert "command" in refused.value.advice
