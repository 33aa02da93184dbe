# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: the table of speeds; .build/bench/bench.md and bench.json.

ROW: take only the rows whose names have this word in them. RUNS: of each side of a row (5); what provisions takes
fewer, and the table says how many. The exit code is 0 when the table is whole: a goal that is not met is told, not
hidden.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

from tests.bench import failover, report
from tests.bench.goals import Line
from tests.chaos.faults import LOST, TARGET
from tests.integration.platforms import TOP, Platforms

PLACE = TOP / ".build/bench"
ROWS: Mapping[str, Callable[[Platforms, int], list[Line]]] = {
    "failover": failover.instant,
    "promotion": failover.promotion,
}


def machine() -> dict[str, str]:
    """What the figures depend on."""
    return {
        "cores": str(os.cpu_count()),
        "load before": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        "ansible-core": version("ansible-core"),
        "moto": version("moto"),
    }


def measure(rows: list[str], runs: int) -> list[Line]:
    """The lines of the rows; each row is printed when it is there."""
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as folder:
        platforms = Platforms(Path(folder))
        try:
            platforms.original(LOST, TARGET)
            for row in rows:
                found = ROWS[row](platforms, runs)
                print(*map(report.as_row, found), sep="\n", flush=True)
                lines += found
        finally:
            platforms.leave()
    return lines


def main() -> int:
    word, runs = os.environ.get("ROW", ""), int(os.environ.get("RUNS") or 5)
    rows = [row for row in ROWS if word in row]
    if not rows:
        print(f"bench: no row has {word!r} in its name; rows: {', '.join(ROWS)}", file=sys.stderr)
        return 2
    on = machine()
    lines = measure(rows, runs)
    report.write(lines, on, PLACE)
    print(f"\n{report.as_markdown(lines, on)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
