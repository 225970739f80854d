"""What a scenario on a real Airflow works with: a folder of its own, DAG sources, and the gate."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gate import COMMAND, Children, Gate, Outcome, Sandbox, clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_server import AirflowServer

ENVIRONMENT = "sandbox"
"""The MWAA environment that the sandbox serves."""


@dataclass
class Stage:
    """One scenario's part of an Airflow: a sub-folder of its DAGs folder, and DAG ids that start with its name."""

    name: str
    airflow: AirflowServer
    sandbox: Sandbox
    folder: Path
    """Where its gates' manifests and reports go."""
    children: Children
    others: tuple[str, ...]
    """The names of the scenarios on the same Airflow: their folders."""
    gates: list[Gate] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What was measured, shown at the end of the run."""

    def id(self, word: str) -> str:
        return f"{self.name}_{word}"

    def file(self, name: str) -> str:
        """A file's path in the DAGs folder."""
        return f"{self.name}/{name}"

    def is_file(self, told: str, name: str) -> bool:
        """Whether `told` names that file: Airflow 2 does not say where its DAGs folder is, so it is absolute."""
        return (
            told == self.file(name) if self.airflow.is_3 else told == str(self.airflow.dags / self.file(name))
        )

    def put(self, name: str, source: str) -> float:
        """Write a file; returns when, as an epoch."""
        return self.airflow.put(self.file(name), source)

    def remove(self, name: str) -> None:
        self.airflow.remove(self.file(name))

    def dag(self, word: str, *, before: str = "", task: str = '"task"') -> str:
        """The source of a DAG file; `before` stands ahead of the DAG, `task` is its task id's expression."""
        if self.airflow.is_3:
            imports = "from airflow.sdk import DAG\nfrom airflow.providers.standard.operators.empty import EmptyOperator"
        else:
            imports = "from airflow import DAG\nfrom airflow.operators.empty import EmptyOperator"
        body = f'with DAG("{self.id(word)}", schedule=None):\n    EmptyOperator(task_id={task})\n'
        return f"{imports}\n{before}\n{body}"

    def wait_for(self, *words: str, after: float = 0.0) -> None:
        """Wait until Airflow has parsed these DAGs, later than `after`."""
        self.wait_until(
            lambda: all(self.airflow.last_parsed(self.id(word)) > after for word in words),
            f"a parse of {words}",
        )

    def wait_until(self, holds: Callable[[], bool], what: str, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            self.sleep(0.5)
            if time.monotonic() > deadline:
                raise AssertionError(f"Airflow gave no {what} within {seconds} s")

    def sleep(self, seconds: float) -> None:
        if self.children.closed.wait(timeout=max(0.0, seconds)):
            raise RuntimeError("the tests are being ended")

    def start(self, manifest: str, *options: str, environment: str = ENVIRONMENT, endpoint: str = "") -> Gate:
        """Start the gate on `manifest`; options given here win over the usual ones, "" leaves one out."""
        folder = self.folder / f"gate-{len(self.gates)}"
        folder.mkdir(parents=True)
        (folder / "manifest.yaml").write_text(f"version: 1\n{manifest}", encoding="utf-8")
        usual = {
            "--env": environment,
            "--settle": "5s",
            "--sync": "0s",
            "--interval": "1s",
            "--timeout": "60s",
        }
        usual |= {"--json": "report.json", "--junit": "junit.xml"}
        given = dict(zip(options[::2], options[1::2], strict=True))
        line = [str(COMMAND), "check", "manifest.yaml"]
        line += [word for pair in (usual | given).items() if pair[1] for word in pair]
        variables = {
            "AWS_ENDPOINT_URL_MWAA": endpoint or self.sandbox.url,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        gate = Gate(self.children, folder, line, clean_environment(folder, variables))
        self.gates.append(gate)
        return gate

    def check(self, manifest: str, *options: str, **where: str) -> Outcome:
        """Run the gate on `manifest` to its end."""
        return self.start(manifest, *options, **where).finish()

    def allow_others(self) -> str:
        """A list for `import_errors.allow` that hides all other scenarios' files."""
        return json.dumps([f"{name}/**" for name in self.others])

    def note(self, text: str) -> None:
        self.notes.append(text)

    def story(self) -> str:
        return "\n".join([*(gate.story() for gate in self.gates), self.airflow.log_tails()])
