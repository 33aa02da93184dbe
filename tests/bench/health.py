# SPDX-License-Identifier: GPL-3.0-or-later
"""The health verdict of all regions, one of which hangs, against the longest that one call may wait for it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.bench.goals import Goal, Line
from tests.chaos.faults import LOST, TARGET
from tests.integration.platforms import Platforms

# The defaults of region_health_info: a call reads so long, and is tried once more.
READ_TIMEOUT_S, RETRIES = 3, 1
SAID = re.compile(rf"seconds=([\d.]+) unknown={LOST} healthy={TARGET}")
OPTIONS = ("-e", f"bench_read_timeout={READ_TIMEOUT_S}", "-e", f"bench_retries={RETRIES}")


def take(platforms: Platforms) -> tuple[float, float]:
    """Seconds of the verdict and of the whole command. Raises AssertionError where the verdict is another."""
    platform = platforms.copy(LOST, TARGET)
    with platform.lab as lab:
        lab.outage(LOST, "hang")
        run = platform.run(Path(__file__).with_suffix(".yml"), *OPTIONS).ends_well()
    said = SAID.search(run.output)
    assert said, run.output[-6000:]
    return float(said[1]), run.seconds


def verdict(platforms: Platforms, runs: int) -> list[Line]:
    taken = [take(platforms) for _run in range(runs)]
    return [
        Line(
            "health",
            "health verdict of two regions, one hanging",
            [seconds for seconds, _whole in taken],
            (Goal("over", 1),),
            f"one call's time-outs: {1 + RETRIES} tries of {READ_TIMEOUT_S} s",
            [(1 + RETRIES) * READ_TIMEOUT_S],
            evidence={"command_seconds": [whole for _seconds, whole in taken]},
        )
    ]
