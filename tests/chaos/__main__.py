# SPDX-License-Identifier: GPL-3.0-or-later
"""`make chaos`: every fault at every moment, each in a copy of the same platform; .build/chaos/chaos.md and chaos.json.

FAULT and MOMENT: run only those whose names contain these words. CHAOS_SHARE: only those of this share (shares.py).
WORKERS: cells at a time (2).
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.chaos import report
from tests.chaos.cell import NOT_RUN, Result, run_any_cell
from tests.chaos.faults import FAULTS, LOST, TARGET, Fault
from tests.chaos.moments import MOMENTS
from tests.chaos.shares import VARIABLE, cells_of, chosen
from tests.integration.platforms import TOP, Platform, Platforms

PLACE = TOP / ".build/chaos"
ORDER = {(fault.name, moment): number for number, (fault, moment) in enumerate((f, m) for f in FAULTS for m in MOMENTS)}


def cells() -> list[tuple[Fault, str]]:
    fault_words, moment_words = os.environ.get("FAULT", ""), os.environ.get("MOMENT", "")
    # Ordered by moment, so that a matrix that is stopped part-way has tested every fault.
    share = cells_of(chosen()) if os.environ.get(VARIABLE) else None
    found = [(f, m) for m in MOMENTS for f in FAULTS if fault_words in f.name and moment_words in m]
    return [cell for cell in found if share is None or cell in share]


def run_copy(platforms: Platforms, fault: Fault, moment: str, folder: Path) -> Result:
    """The result of a cell; on a busy machine a run may fail before its moment, so that is tried once more."""
    for _try in range(2):
        platform: Platform = platforms.copy(LOST, TARGET)
        with platform.lab:
            result = run_any_cell(platform, fault, moment, folder)
        if result.ended != NOT_RUN:
            break
    return result


def run_all(folder: Path) -> Iterator[Result]:
    """Results as they come, in no order."""
    platforms = Platforms(folder)
    try:
        platforms.original(LOST, TARGET)
        with ThreadPoolExecutor(int(os.environ.get("WORKERS") or 2)) as pool:
            asked = [pool.submit(run_copy, platforms, fault, moment, folder) for fault, moment in cells()]
            for done in as_completed(asked):
                yield done.result()
    finally:
        platforms.leave()


def main() -> int:
    try:
        found = cells()
    except ValueError as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 2
    if not found:
        print("chaos: no fault or no moment has FAULT or MOMENT in its name", file=sys.stderr)
        return 2
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder:
        for result in run_all(Path(folder)):
            results.append(result)
            again = f", resumed in {result.resumed_seconds} s" if result.resumed_seconds else ""
            again = (f", lease over after {result.waited_seconds} s" if result.waited_seconds else "") + again
            print(
                f"{len(results):4} {result.fault} at {result.moment}: {result.ended} in {result.seconds} s{again}",
                flush=True,
            )
            for sentence in result.broken:
                print(f"     BROKEN {sentence}", flush=True)
            # After each cell, so that a matrix that is stopped part-way has reported its findings.
            results.sort(key=lambda one: ORDER[one.fault, one.moment])
            report.write(results, PLACE)
    totals = report.summary(results)
    print(
        f"{totals['cells']} cells: {totals['ended']}, {totals['broken']} broken,"
        f" {totals['silent_successes']} silent successes"
    )
    return 1 if totals["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
