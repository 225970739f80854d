"""Run a command, and write what it cost to a file, as JSON: CPU and wall seconds, peak memory in MB, exit code.

Usage: launch.py FILE COMMAND... It stands between a benchmark and the command because Linux counts the memory of the
process that starts another one as the other one's peak: this one is small.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    """Run it, with this process's streams and environment."""
    file, *command = sys.argv[1:]
    began = time.perf_counter()
    child = os.posix_spawn(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    told = {
        "cpu": usage.ru_utime + usage.ru_stime,
        "wall": time.perf_counter() - began,
        "memory": usage.ru_maxrss / 1024,
        "code": os.waitstatus_to_exitcode(status),
    }
    with open(file, "w", encoding="utf-8") as out:  # noqa: PTH123 - pathlib would double this process's memory
        json.dump(told, out)


main()
