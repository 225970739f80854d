"""Fuzzes one target by coverage, or runs inputs again: `python tests/fuzz/libfuzzer.py TARGET [FILE ...]`.

An input that something does not hold for is kept in .cache/fuzz/TARGET, and how to run it again is said.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from hashlib import sha1
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "builders"))
SLOW = 20
"""Seconds of one input, which are too many."""
MEMORY_MB = 2_048


def again(name, path):
    """What its reader is to do with an input."""
    return (
        f"\nThe input is kept. Run it again:  {sys.executable} tests/fuzz/libfuzzer.py {name} {path}\n"
        f"Once it is mended, keep it:       cp {path} tests/fuzz/regressions/{name}/\n"
    )


def fuzz(name, options):
    """Let libFuzzer try; it ends the process."""
    import atheris  # noqa: PLC0415 - to run an input again needs none

    with atheris.instrument_imports(include=["validator"], enable_loader_override=False):
        from fuzz_targets import TARGETS  # noqa: PLC0415 - what it imports is to be instrumented

    target = TARGETS[name]
    kept = ROOT / ".cache" / "fuzz" / name
    kept.mkdir(parents=True, exist_ok=True)
    scratch = tempfile.TemporaryDirectory(prefix=f"fuzz-{name}-")
    seeds, found = Path(scratch.name, "seeds"), Path(scratch.name, "found")
    seeds.mkdir()
    found.mkdir()
    for number, seed in enumerate(target.seeds()):
        (seeds / f"{number:05}").write_bytes(seed[: target.most])

    def one(data):
        try:
            target.run(data)
        except Exception:
            print(again(name, kept / f"crash-{sha1(data).hexdigest()}"), file=sys.stderr, flush=True)  # noqa: S324, T201 - libFuzzer's name
            raise

    sys.stderr.write(f"{name}, seed {options.seed}\n")
    given = [
        f"-seed={options.seed}",
        f"-max_total_time={options.seconds}",
        f"-max_len={target.most}",
        f"-timeout={SLOW}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-artifact_prefix={kept}/",
        *([f"-runs={target.runs}"] if options.bounded else []),
    ]
    atheris.Setup([sys.argv[0], *given, str(found), str(seeds)], one)
    atheris.Fuzz()


def main():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("inputs", nargs="*", type=Path, help="run only these, without a fuzzer")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("--bounded", action="store_true", help="end after as many executions as in CI, too")
    options = parser.parse_args()
    if not options.inputs:
        fuzz(options.target, options)
        return
    from fuzz_targets import TARGETS  # noqa: PLC0415 - only where it is needed

    for path in options.inputs:
        TARGETS[options.target].run(path.read_bytes())
        sys.stdout.write(f"{path}: all holds\n")


if __name__ == "__main__":
    main()
