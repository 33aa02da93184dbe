# SPDX-License-Identifier: GPL-3.0-or-later
"""The matrix as Markdown and JSON."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.cell import LEASE_S, SILENT, Result
from tests.chaos.invariants import INVARIANTS
from tests.chaos.moments import MOMENTS
from tests.integration.platforms import TOP


def summary(results: Sequence[Result]) -> dict:
    """Counts: cells, faults, moments, how they ended, silent successes, broken (cells with a breach of any kind)."""
    return {
        "cells": len(results),
        "faults": len({result.fault for result in results}),
        "moments": len({result.moment for result in results}),
        "ended": dict(Counter(result.ended for result in results)),
        "silent_successes": sum(result.ended == SILENT for result in results),
        "not_met": sum(result.struck == 0 for result in results),
        "broken": sum(not result.good for result in results),
        "invariants": [check.__name__ for check in INVARIANTS],
    }


def as_markdown(results: Sequence[Result]) -> str:
    """A row for each fault, a column for each moment: how the run ended, in seconds, and how long resuming took."""
    found = {(result.fault, result.moment): result for result in results}
    faults = dict.fromkeys(result.fault for result in results)
    moments = [moment for moment in MOMENTS if any(result.moment == moment for result in results)]
    lines = [
        "# Faults and moments",
        "",
        "failover.yml in the lab. Each cell: how the run ended that met the fault at that step, its seconds, and + the",
        "seconds of the command run again with the fault fixed; of a killed run also those until its lease had expired",
        f"({LEASE_S} s). **BROKEN**: a promise did not hold, see below.",
        "",
        f"| fault | {' | '.join(moments)} |",
        "|---" * (len(moments) + 1) + "|",
    ]
    lines += [
        f"| {fault} | {' | '.join(_cell(found.get((fault, moment))) for moment in moments)} |" for fault in faults
    ]
    counts = summary(results)
    commit = subprocess.run(
        ["git", "-C", str(TOP), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    ended = ", ".join(f"{number} {how}" for how, number in counts["ended"].items())
    lines += [
        "",
        f"{counts['cells']} cells, {counts['faults']} faults, {counts['moments']} moments: {ended}.",
        f"Run on {datetime.now(UTC):%Y-%m-%d} at commit {commit.stdout.strip() or 'unknown'}.",
        f"{counts['broken']} broken, {counts['silent_successes']} silent successes.",
        f"In {counts['not_met']} the fault was not met: from that step on the run made no call that it affects.",
        "",
        "Checked in every cell: " + ", ".join(name.replace("_", " ") for name in counts["invariants"]) + ".",
    ]
    lines += [f"- {one.fault}, {one.moment}: {sentence}" for one in results for sentence in one.broken]
    return "\n".join([*lines, ""])


def _cell(result: Result | None) -> str:
    if result is None:
        return ""
    waited = "" if result.waited_seconds is None else f" + {result.waited_seconds:.0f} (lease)"
    again = "" if result.resumed_seconds is None else f"{waited} + {result.resumed_seconds:.0f}"
    unmet = " (not met)" if result.struck == 0 else ""
    text = f"{result.ended} {result.seconds:.0f}{again} s{unmet}"
    return text if result.good else f"**BROKEN** {text}"


def write(results: Sequence[Result], folder: Path) -> None:
    """Write chaos.md and chaos.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "chaos.md").write_text(as_markdown(results))
    document = {"summary": summary(results), "cells": [result.as_dict() for result in results]}
    (folder / "chaos.json").write_text(json.dumps(document, indent=2) + "\n")
