# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's clock: AWS seconds pass `scale` times faster than ours.

Only durations are scaled (an interval between health checks, the minutes of a promotion). Timestamps that the lab
reports are real wall-clock times, so that they can be compared with logs. `advance` lets AWS seconds pass without
waiting: what has begun is as much older then, by its timestamps too.
"""

from __future__ import annotations

import os
import time

DEFAULT_SCALE = 10.0
LONGEST_ADVANCE_S = 31_536_000  # a year


class Clock:
    """`scale` is AWS seconds per lab second."""

    def __init__(self, scale: float = DEFAULT_SCALE) -> None:
        self.scale = scale
        self.advanced = 0.0  # seconds that have passed without waiting

    def now(self) -> float:
        """Monotonic seconds: real ones, and those that were advanced by."""
        return time.monotonic() + self.advanced

    def advance(self, aws_seconds: float) -> None:
        """Let AWS seconds pass immediately."""
        self.advanced += aws_seconds / self.scale

    def unix(self, instant: float) -> float:
        """The Unix time of a monotonic instant, as the present sees it."""
        return time.time() - (self.now() - instant)

    def after(self, aws_seconds: float) -> float:
        """The monotonic instant at which `aws_seconds` of AWS time will have passed from now."""
        return self.now() + aws_seconds / self.scale

    def reached(self, deadline: float) -> bool:
        """Whether an instant given by `after` has come."""
        return self.now() >= deadline

    def aws_seconds_since(self, instant: float) -> float:
        """AWS seconds passed since a monotonic instant."""
        return (self.now() - instant) * self.scale


CLOCK = Clock(float(os.environ.get("LAB_TIME_SCALE") or DEFAULT_SCALE))
