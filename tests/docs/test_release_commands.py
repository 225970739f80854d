"""The README's commands for a developer's own machine do what it says, in front of a plain Airflow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from plain_airflow import PlainAirflow
from worlds import file_of, text_of

from validator.__main__ import run
from validator.sandbox.rules import Rules
from validator.sandbox.simulation import Simulation
from validator.sandbox.world import World

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SECTION = README.partition("## Before a release")[2].partition("\n## ")[0]
LINES = re.findall(r"^\$ mwaa-gate (.+)$", SECTION, re.MULTILINE)
QUICK = ["--interval", "100ms", "--max-tps", "1000", "--sync", "0s", "--settle", "0s"]


@pytest.mark.parametrize("airflow", ["2.10.5", "3.0.6"])
def test_the_commands_before_a_release_lead_to_green(tmp_path, monkeypatch, capfd, airflow):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "etl.py").write_text(text_of("etl"))
    rules = Rules(
        airflow=airflow, min_file_process_interval=0.1, dir_list_interval=0.2, loop=0.05, parse=(0.0, 0.01)
    )
    world = World(rules, files={"etl.py": file_of("etl")})
    with PlainAirflow(Simulation(world), major=rules.major) as server:
        for line in LINES:
            words = line.replace("http://localhost:8080", server.url).split()
            code = run([*words, *(QUICK if words[0] == "check" else [])])
            said = capfd.readouterr()
            assert code == 0, f"{line}\n{said.out}{said.err}"
    assert [line.split()[0] for line in LINES] == ["init", "lint", "check"]
