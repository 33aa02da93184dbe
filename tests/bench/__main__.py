# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: the table of speeds; .build/bench/bench.md and bench.json.

ROW: run only the rows whose names contain this word. RUNS: of each side of a row (5); rows that provision take
fewer, and the table has their number. The exit code is 0 if the table is complete: a missed goal is reported, not
hidden.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

from tests.bench import durations, failover, health, regions, report, site
from tests.bench.goals import Line
from tests.integration.platforms import TOP, Platforms

PLACE = TOP / ".build/bench"
ROWS: Mapping[str, Callable[[Platforms, int], list[Line]]] = {
    "failover": failover.instant,
    "hanging": failover.hanging,
    "promotion": failover.promotion,
    "health": health.verdict,
    "site": site.provisioning,
    "durations": durations.overlap,
    "regions": regions.counts,
}
# Waits half an hour for AWS's durations, with a minute of work in it: beside the other rows.
BESIDE = "durations"


def machine() -> dict[str, str]:
    """The machine and the versions that the figures depend on."""
    return {
        "cores": str(os.cpu_count()),
        "load before": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        "ansible-core": version("ansible-core"),
        "moto": version("moto"),
    }


def measure(rows: Iterable[str], runs: int) -> tuple[list[Line], dict[str, str]]:
    """The lines of the rows, each printed when it is there; and why a row could not be measured."""
    lines: list[Line] = []
    failed: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        platforms = Platforms(Path(folder))
        try:
            for row in rows:
                try:
                    found = ROWS[row](platforms, runs)
                except (AssertionError, subprocess.TimeoutExpired) as problem:
                    failed[row] = str(problem)
                else:
                    print(*map(report.as_row, found), sep="\n", flush=True)
                    lines += found
        finally:
            platforms.leave()
    return lines, failed


def measure_all(rows: Sequence[str], runs: int) -> tuple[list[Line], dict[str, str]]:
    """`measure`, in the order of ROWS; what waits is in a process of its own, so that its CPU seconds count nowhere."""
    others = [row for row in rows if row != BESIDE]
    with ProcessPoolExecutor(1, get_context("fork")) as process:
        waiting = process.submit(measure, [row for row in rows if row == BESIDE], 1 if others else runs)
        lines, failed = measure(others, runs)
        more, why = waiting.result()
    return sorted([*lines, *more], key=lambda line: [*ROWS].index(line.row)), failed | why


def main() -> int:
    word, runs = os.environ.get("ROW", ""), int(os.environ.get("RUNS") or 5)
    rows = [row for row in ROWS if word in row]
    if not rows:
        print(f"bench: no row has {word!r} in its name; rows: {', '.join(ROWS)}", file=sys.stderr)
        return 2
    on = machine()
    lines, failed = measure_all(rows, runs)
    report.write(lines, on, PLACE)
    print(f"\n{report.as_markdown(lines, on)}")
    for row, why in failed.items():
        print(f"bench: {row} was not measured: {why}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
