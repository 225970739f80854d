"""Plays schedules by the thousand, or one of them again, and makes the table of wrong greens: `soak.py --help`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "builders")]

from fault_oracle import complaints  # noqa: E402 - after the path
from fault_rates import cells, rate_of, table  # noqa: E402 - the same
from fault_run import cpu_of_children, manifest_of, play  # noqa: E402 - the same
from fault_schedule import schedule_of  # noqa: E402 - the same


def tell(*lines: object) -> None:
    """Print lines at once, whatever else is going on."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def told_of(seed: int) -> tuple[int, int, list[str]]:
    """A seed, how its schedule ended, and what was wrong with that."""
    schedule = schedule_of(seed)
    run = play(schedule)
    wrong = complaints(schedule, run)
    if wrong:
        wrong = [*wrong, f"{schedule}", f"felt: {run.felt}", f"starved: {run.starved:.2f} s"]
    return seed, run.code, wrong


def one(seed: int) -> bool:
    """Play one schedule and tell all of it; whether all was right."""
    schedule = schedule_of(seed)
    tell(schedule, manifest_of(schedule))
    run = play(schedule)
    for line in complaints(schedule, run):
        tell(f"WRONG {line}")
    start = run.began
    tell(
        f"exit code {run.code} after {run.waited:.2f} s (starved {run.starved:.2f}), {run.report.get('summary')}"
    )
    for check in run.report.get("checks", ()):
        tell(f"  {check['status']:8}{check['id']} {check['reason'] or ''}: {check['message'][:150]}")
    for look in run.looks:
        tell(f"  {look}")
    for felt in run.felt[:50]:
        tell(f"  {felt.at - start:6.2f} {felt.kind} {felt.path}")
    for at, path in run.calls:
        tell(f"  {at - start:6.2f} {path}")
    tell(run.err)
    return not complaints(schedule, run)


def many(first: int, count: int, at_once: int) -> bool:
    """Play `count` schedules; whether all were right."""
    codes: Counter[int] = Counter()
    bad: list[int] = []
    began, done = time.monotonic(), 0
    with ThreadPoolExecutor(at_once) as pool:
        for seed, code, wrong in pool.map(told_of, range(first, first + count)):
            codes[code] += 1
            done += 1
            if wrong:
                bad.append(seed)
                tell(f"seed {seed}:", *wrong)
            if done % 100 == 0:
                gone = time.monotonic() - began
                tell(
                    f"{done} of {count} in {gone:.0f} s, exit codes {dict(sorted(codes.items()))}, wrong {bad}"
                )
    gone = time.monotonic() - began
    tell(
        f"{count} schedules from seed {first} on in {gone:.0f} s, {cpu_of_children() / count:.2f} s of CPU each: "
        f"exit codes {dict(sorted(codes.items()))}, {len(bad)} wrong{f': {bad}' if bad else ''}"
    )
    return not bad


def rates(worlds: int) -> bool:
    """Print the table of wrong greens over lag and sync; whether all within what the gate assumes were right."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for cell in cells():
            found[cell] = rate_of(cell, range(worlds), Path(folder))
    tell(f"Wrong greens, of {worlds} worlds each ({worlds * len(found)} in all):\n\n{table(found)}\n")
    wrong = [cell for cell, rate in found.items() if cell.factor <= 1 and rate.green < worlds]
    tell(*(f"WRONG: {cell} within the assumed sync: {found[cell]}" for cell in wrong))
    return not wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=20_000, help="how many (20000)")
    parser.add_argument("--first", type=int, default=0, help="the first one's seed (0)")
    parser.add_argument("--at-once", type=int, default=12, help="gates side by side (12)")
    parser.add_argument("--seed", type=int, help="play this one alone, and tell all of it")
    parser.add_argument(
        "--worlds", type=int, default=200, help="of each cell of the table; 0: no table (200)"
    )
    given = parser.parse_args()
    if given.seed is not None:
        return 0 if one(given.seed) else 1
    right = rates(given.worlds) if given.worlds else True
    return 0 if many(given.first, given.schedules, given.at_once) and right else 1


if __name__ == "__main__":
    sys.exit(main())
