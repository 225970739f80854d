"""What a scenario on a real Airflow works with: a folder of its own, DAG sources, and the gate."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gate import COMMAND, Children, Gate, Outcome, Sandbox, clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
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

    @property
    def local(self) -> Path:
        """This machine's copy of the scenario's sub-folder, for --dags-folder; its parent has the DAGs folder's form."""
        return self.folder / "local" / self.name

    def put_local(self, name: str, source: str) -> None:
        """Write a file of the local copy."""
        path = self.local / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")

    def put_both(self, name: str, source: str) -> float:
        """Write a file of the local copy, and deploy it; returns when, as an epoch."""
        self.put_local(name, source)
        return self.put(name, source)

    @property
    def imports(self) -> str:
        """What a DAG file begins with: two lines."""
        if self.airflow.is_3:
            return "from airflow.sdk import DAG\nfrom airflow.providers.standard.operators.empty import EmptyOperator"
        return "from airflow import DAG\nfrom airflow.operators.empty import EmptyOperator"

    def dag(self, word: str, *, before: str = "", task: str = '"task"', options: str = "") -> str:
        """The source of a DAG file, with one task.

        Args:
            word: what is special of the DAG's id.
            before: stands ahead of the DAG, in the file's third line.
            task: the task id's expression; the task's further arguments may follow it.
            options: the DAG's further arguments.
        """
        more = f", {options}" if options else ""
        body = f'with DAG("{self.id(word)}", schedule=None{more}):\n    EmptyOperator(task_id={task})\n'
        return f"{self.imports}\n{before}\n{body}"

    def wait_for(self, *words: str, after: float = 0.0) -> None:
        """Wait until Airflow has parsed these DAGs, later than `after`."""
        self.wait_until(
            lambda: all(self.airflow.last_parsed(self.id(word)) > after for word in words),
            f"a parse of {words}",
        )

    def wait_until(self, holds: Callable[[], bool], what: str, seconds: float = 180) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            self.sleep(0.5)
            if time.monotonic() > deadline:
                raise AssertionError(f"Airflow gave no {what} within {seconds} s")

    def sleep(self, seconds: float) -> None:
        if self.children.closed.wait(timeout=max(0.0, seconds)):
            raise RuntimeError("the tests are being ended")

    def start(
        self,
        manifest: str,
        *options: str,
        environment: str = ENVIRONMENT,
        endpoint: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> Gate:
        """Start the gate on `manifest`; options given here win over the usual ones, "" leaves one out.

        Args:
            manifest: without its version; "" gives the gate none.
            options: names and values in turn.
            environment: the MWAA environment.
            endpoint: the URL to call; "" is the sandbox.
            variables: what to add to the gate's environment variables.
        """
        folder = self.folder / f"gate-{len(self.gates)}"
        folder.mkdir(parents=True)
        if manifest:
            (folder / "manifest.yaml").write_text(f"version: 1\n{manifest}", encoding="utf-8")
        usual = {
            "--env": environment,
            "--settle": "5s",
            "--sync": "0s",
            "--interval": "1s",
            "--timeout": "150s",
        }
        usual |= {"--json": "report.json", "--junit": "junit.xml"}
        given = dict(zip(options[::2], options[1::2], strict=True))
        line = [str(COMMAND), "check", *(["manifest.yaml"] if manifest else [])]
        line += [word for pair in (usual | given).items() if pair[1] for word in pair]
        everything = {
            **(variables or {}),
            "AWS_ENDPOINT_URL_MWAA": endpoint or self.sandbox.url,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        gate = Gate(self.children, folder, line, clean_environment(folder, everything))
        self.gates.append(gate)
        return gate

    def check(self, manifest: str, *options: str, **where: Any) -> Outcome:
        """Run the gate on `manifest` to its end."""
        return self.start(manifest, *options, **where).finish()

    def allow_others(self) -> str:
        """A list for `import_errors.allow` that hides all other scenarios' files."""
        return json.dumps([f"{name}/**" for name in self.others])

    def allow_others_dags(self) -> str:
        """A list for `inventory.allow` with all other scenarios' DAGs."""
        return json.dumps([f"{name}_*" for name in self.others])

    def note(self, text: str) -> None:
        self.notes.append(text)

    def story(self) -> str:
        return "\n".join([*(gate.story() for gate in self.gates), self.airflow.log_tails()])
