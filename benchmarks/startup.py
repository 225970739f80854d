"""What a start costs, beside the plain approach: the CPU of imports, of a whole small check, of the Lambda function.

Run it from the repository with the package installed: python benchmarks/startup.py [ZIP]
With ZIP, which `make lambda` builds, the Lambda function is measured as it is deployed, without bytecode, else from the
checkout. It exits with 1 when a target is missed. With --profile it prints what a check's imports cost, the dearest first.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from cost import row
from measure import GATE, PLAIN, aws, endpoint, manifest, pairs

HANDLER_OVER_BOTO3 = 0.080
"""Seconds that the import of the handler may cost more than `import boto3`."""
CHECK_TARGET = 1.25
START_TARGET = 1.5
_NAME = "import time:"
_SHOWN = 40
_WITHOUT_NEW_BYTECODE = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
"""In Lambda no file can be written beside the code."""

_EVENT = """
import sys
sys.path.insert(0, {where!r})
from validator.codepipeline import handler

class Context:
    def get_remaining_time_in_millis(self):
        return 600_000

answer = handler({event}, Context())
sys.exit(0 if answer["verdict"] == "passed" else str(answer))
"""


def main(arguments: list[str]) -> int:
    """Print every number beside its target."""
    if arguments == ["--profile"]:
        return profile()
    with TemporaryDirectory() as folder:
        where = str(Path(__file__).resolve().parents[1])
        if arguments:
            with zipfile.ZipFile(arguments[0]) as archive:
                archive.extractall(folder)
            where = folder
        print(f"the Lambda function from {arguments[0] if arguments else 'the checkout'}")
        good = [version(), check("3.0.6"), check("2.10.5"), handler(where), event("3.0.6", where)]
    return 0 if all(good) else 1


def _code(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def _ratio(name: str, numbers: tuple[float, float, float], most: float | None = None) -> bool:
    mine, plain, ratio = numbers
    target = f"ratio <= {most}" if most is not None else "-"
    good = most is None or ratio <= most
    return row(name, f"{mine * 1e3:.0f}", f"{plain * 1e3:.0f}", f"{ratio:.2f}", target, good=good)


def version() -> bool:
    """CPU of --version, beside importing click."""
    numbers = pairs([GATE, "--version"], _code("import click"))
    return _ratio("CPU of --version, beside `import click` (ms)", numbers, START_TARGET)


def check(airflow: str) -> bool:
    """CPU of one check on which everything holds, a single round, 20 DAGs, beside a boto3 script."""
    with endpoint(20, airflow) as sandbox, manifest(20) as path:
        numbers = pairs([GATE, "check", path, "--deployed-at", "none"], [*PLAIN, "20", airflow], aws(sandbox))
    return _ratio(f"CPU of a check, 20 DAGs, Airflow {airflow}, beside boto3 (ms)", numbers, CHECK_TARGET)


def handler(where: str) -> bool:
    """CPU of importing the handler, beside importing boto3, each over an interpreter that imports nothing."""
    code = f"import sys; sys.path.insert(0, {where!r}); import validator.codepipeline"
    mine, bare, _ = pairs(_code(code), _code("pass"), _WITHOUT_NEW_BYTECODE)
    theirs, also_bare, _ = pairs(_code("import boto3"), _code("pass"), _WITHOUT_NEW_BYTECODE)
    ours, boto3 = mine - bare, theirs - also_bare
    over = ours - boto3
    good = over <= HANDLER_OVER_BOTO3
    name = "CPU of importing the handler, beside `import boto3` (ms)"
    target = f"over it <= {HANDLER_OVER_BOTO3 * 1e3:.0f} ms: {over * 1e3:+.0f}"
    return row(name, f"{ours * 1e3:.0f}", f"{boto3 * 1e3:.0f}", f"{ours / boto3:.2f}", target, good=good)


def event(airflow: str, where: str) -> bool:
    """CPU of a new function's first event, a check of 20 DAGs, beside a boto3 script: what was put off is paid here."""
    expected = {"version": 1, "dags": [f"dag_{number:05}" for number in range(20)]}
    given = {"environment": "sandbox", "deployed_at": "none", "settle": "0s", "manifest": expected}
    code = _EVENT.format(where=where, event=json.dumps(given))
    with endpoint(20, airflow) as sandbox:
        numbers = pairs(
            _code(code), [*PLAIN, "20", airflow], {**aws(sandbox), "PYTHONDONTWRITEBYTECODE": "1"}
        )
    return _ratio("CPU of a new function's first event, beside boto3 (ms)", numbers)


def profile() -> int:
    """Print the imports of a check by what each costs itself."""
    with endpoint(20, "3.0.6") as sandbox, manifest(20) as path:
        command = [
            sys.executable,
            "-X",
            "importtime",
            "-m",
            "validator",
            "check",
            path,
            "--deployed-at",
            "none",
        ]
        told = subprocess.run(command, env=aws(sandbox), capture_output=True, text=True, check=True).stderr
    rows = re.findall(rf"^{_NAME}\s+(\d+) \|\s+\d+ \|\s+(\S+)$", told, re.MULTILINE)
    for microseconds, name in sorted(rows, key=lambda one: -int(one[0]))[:_SHOWN]:
        print(f"{int(microseconds) / 1e3:8.2f} ms  {name}")
    total = sum(int(microseconds) for microseconds, _ in rows)
    mine = sum(int(microseconds) for microseconds, name in rows if name.partition(".")[0] == "validator")
    print(
        f"{total / 1e3:8.2f} ms  all {len(rows)}, {mine / 1e3:.2f} of them the gate's own; tracing adds to each"
    )
    return 0


if __name__ == "__main__":
    print(f"{'':62} {'mwaa-gate':>12} {'plain':>12} {'ratio':>8}   {'target':22}")
    sys.exit(main(sys.argv[1:]))
