"""What is stated of DAGs without running their files, beside what Airflow itself makes of these files."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
from install import PINS, base_environment, install

sys.path.insert(0, str(Path(__file__).parent.parent / "builders"))  # test folders are no packages

from dag_examples import EXAMPLES
from stated_examples import STATED_EXAMPLES
from stated_templates import template

from validator import schedules
from validator.local.stated import Stated, stated_by

pytestmark = pytest.mark.airflow

SCRIPT = Path(__file__).with_name("airflow_lists.py")
SEED = 20261122
TEMPLATES = 150
KEYS = [field.name for field in fields(Stated)]


@dataclass(frozen=True)
class Answers:
    """What one Airflow lists."""

    version: str
    folder: Path
    shipped: Path
    """Its own examples."""
    files: dict[str, dict[str, object]]

    @property
    def major(self) -> int:
        return int(self.version[0])

    def below(self, folder: Path) -> list[Path]:
        return sorted(Path(name) for name in self.files if folder in Path(name).parents)


def written(folder: Path, major: int) -> None:
    chance = random.Random(SEED)  # noqa: S311 - files, no secrets
    stocks = {
        "plain": [(one.name, one.source) for one in EXAMPLES if major == 3 or not one.airflow_3],
        "own": [(one.name, one.source.encode()) for one in STATED_EXAMPLES if one.major in (None, major)],
        "made": [(f"made_{number}", template(chance, major).encode()) for number in range(TEMPLATES)],
    }
    for name, files in stocks.items():
        (folder / name).mkdir(parents=True)
        for stem, source in files:
            (folder / name / f"{stem}.py").write_bytes(source)


@pytest.fixture(scope="module", params=list(PINS))
def airflow(request, tmp_path_factory):
    """The answers of one Airflow; they are asked for once."""
    installed = install(request.param)
    folder = tmp_path_factory.mktemp(f"stated-{request.param}-").resolve()
    written(folder, int(request.param[0]))
    (shipped,) = (installed.folder / "venv").glob("lib/python*/site-packages/airflow/example_dags")
    database = folder / "airflow.db"
    shutil.copy(installed.database, database)
    paths = sorted([*folder.rglob("*.py"), *shipped.glob("*.py"), *shipped.glob("standard/*.py")])
    done = subprocess.run(
        [installed.python, "-W", "ignore", SCRIPT, folder / "answer.json"],
        input=json.dumps([str(path) for path in paths]),
        env=base_environment(folder / "home", database) | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    return Answers(request.param, folder, shipped, answer)


def as_listed(key: str, value: object, major: int) -> object:
    """What Airflow told, in the form that the gate compares."""
    if key == "schedule" and value is not None:
        return schedules.of_interval(value) if major == 2 else schedules.canonical(value)
    if key == "schedule":
        return schedules.NONE
    if key == "owners":
        return sorted(one.strip() for one in value.split(","))
    return value


def as_stated(key: str, value: object) -> object:
    if key == "schedule":
        return schedules.canonical(value)
    return list(value) if isinstance(value, tuple) else value


def compared(airflow: Answers, paths: list[Path]) -> tuple[list[str], Counter[str]]:
    """What is stated otherwise than Airflow lists it, for people, and how many values were compared of each kind."""
    wrong, counts = [], Counter()
    for path in paths:
        told = airflow.files[str(path)]
        if told["error"]:
            counts["files that Airflow cannot import"] += 1
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        counts["dags"] += len(told["dags"])
        for major in (airflow.major, None):
            for dag_id, stated in stated_by(text, major).items():
                listed = told["dags"][dag_id]
                if "error" in listed:
                    continue
                for key in KEYS:
                    value = getattr(stated, key)
                    if value is None:
                        continue
                    counts[key] += major is not None
                    ours, theirs = as_stated(key, value), as_listed(key, listed[key], airflow.major)
                    if ours != theirs:
                        wrong.append(f"{path.name} {dag_id} ({major}): {key} {ours}, Airflow lists {theirs}")
    print(f"Airflow {airflow.version}: {dict(counts)}")  # noqa: T201 - shown where a test fails, or on demand
    return wrong, counts


def test_of_modules_as_people_write_them_only_what_is_true_is_stated(airflow):
    wrong, counts = compared(airflow, airflow.below(airflow.folder / "plain"))

    assert wrong == []
    assert counts["tasks"] > 50


def test_of_every_example_only_what_is_true_is_stated(airflow):
    wrong, counts = compared(airflow, airflow.below(airflow.folder / "own"))

    assert wrong == []
    assert all(counts[key] > 5 for key in KEYS if key != "max_active_runs")


def test_airflow_can_import_nearly_all_examples_so_that_they_prove_something(airflow):
    own = airflow.below(airflow.folder / "own")
    failed = [
        f"{path.stem}: {airflow.files[str(path)]['error'].strip().splitlines()[-1]}"
        for path in own
        if airflow.files[str(path)]["error"]
    ]

    assert failed == []


def test_of_airflows_own_examples_only_what_is_true_is_stated(airflow):
    wrong, counts = compared(airflow, airflow.below(airflow.shipped))

    assert wrong == []
    assert counts["dags"] > 50
    assert counts["tags"] > 0.9 * counts["dags"]
    assert counts["tasks"] > 0.7 * counts["dags"]


def test_of_made_files_only_what_is_true_is_stated(airflow):
    wrong, counts = compared(airflow, airflow.below(airflow.folder / "made"))

    assert wrong == []
    assert counts["dags"] > 0.9 * TEMPLATES
    assert all(counts[key] > 10 for key in KEYS)
