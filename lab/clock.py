# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's clock: AWS seconds pass `scale` times faster than ours.

Only durations are scaled (an interval between health checks, the minutes of a promotion). Timestamps that the lab
reports are real wall-clock times, so that they can be compared with logs.
"""

from __future__ import annotations

import os
import time

DEFAULT_SCALE = 10.0


class Clock:
    """`scale` is AWS seconds per lab second."""

    def __init__(self, scale: float = DEFAULT_SCALE) -> None:
        self.scale = scale

    def now(self) -> float:
        """Real monotonic seconds."""
        return time.monotonic()

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
