"""Each target under a coverage-guided fuzzer, for a bounded number of executions by a fixed seed; in a soak for long."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz_targets import TARGETS
from fuzzing import SOAK

ROOT = Path(__file__).parents[2]
FUZZER = [sys.executable, str(ROOT / "tests" / "fuzz" / "libfuzzer.py")]
SECONDS = 2
BROKEN = """
import sys
sys.path[:0] = [{folder!r}, {builders!r}]
import libfuzzer, pathlib, tempfile, fuzz_targets
libfuzzer.ROOT = pathlib.Path({root!r})
def run(data):
    assert b"\\x07" not in data
fuzz_targets.TARGETS["broken"] = fuzz_targets.Fuzzed(run, lambda: [b"a"], 100_000, 16)
sys.argv = ["x", "broken", "--seed", "1", "--bounded", "--seconds", "60"]
libfuzzer.main()
"""


@pytest.fixture
def environ():
    """There are wheels of the fuzzer for this platform alone; there it must be installed."""
    if importlib.util.find_spec("atheris") is None and (sys.platform, platform.machine()) != (
        "linux",
        "x86_64",
    ):
        pytest.skip("atheris has wheels for x86_64 Linux only")
    return {**os.environ, "PYTHONHASHSEED": "0"}


@pytest.mark.timeout(120 + 2 * SECONDS * max(SOAK, 1))
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_breaks_it(name, environ):
    how = ["--seconds", str(SECONDS * max(SOAK, 1)), *([] if SOAK else ["--seed", "1", "--bounded"])]

    ran = subprocess.run([*FUZZER, name, *how], capture_output=True, env=environ, cwd=ROOT, check=False)

    said = ran.stderr.decode("utf-8", "replace")
    seed = re.search(rf"^{name}, seed \d+$", said, re.MULTILINE)
    assert seed, said[-6_000:]
    assert ran.returncode == 0, f"{seed[0]}\n{said[-6_000:]}"
    done = re.search(r"Done (\d+) runs", said)
    assert done, said[-6_000:]
    assert int(done[1]) > 0
    print(f"{seed[0]}: {done[1]} executions")  # noqa: T201 - shown with -rP


def test_what_breaks_a_target_is_kept_and_it_is_said_how_to_run_it_again(environ, tmp_path):
    code = BROKEN.format(
        folder=str(ROOT / "tests" / "fuzz"), builders=str(ROOT / "tests" / "builders"), root=str(tmp_path)
    )

    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environ, cwd=tmp_path, check=False
    )

    said = ran.stderr.decode("utf-8", "replace")
    assert ran.returncode != 0
    (kept,) = (tmp_path / ".cache" / "fuzz" / "broken").iterdir()
    assert b"\x07" in kept.read_bytes()
    assert f"tests/fuzz/libfuzzer.py broken {kept}\n" in said
    assert f"cp {kept} tests/fuzz/regressions/broken/" in said
