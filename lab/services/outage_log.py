# SPDX-License-Identifier: GPL-3.0-or-later
"""When regions were out, so that state that depends on it can be computed at the next read.

Services keep no threads: a replication lag sample, a resynchronisation or a replicated write is derived from the
times at which regions went and came back. `World.outages` holds only the present; `refresh` notes its changes, and
the world calls it at each change and a few times a second (`World.tick_hooks`).
"""

from __future__ import annotations

from lab.clock import CLOCK
from lab.world import WORLD


class OutageLog:
    """intervals: {region: [[start, end or None], ...]} in monotonic seconds, oldest first."""

    def __init__(self) -> None:
        self.intervals: dict[str, list[list[float | None]]] = {}

    def refresh(self) -> None:
        """Note which regions went or came back since the last call."""
        now, out = CLOCK.now(), set(WORLD.outages)
        for region in out:
            history = self.intervals.setdefault(region, [])
            if not history or history[-1][1] is not None:
                history.append([now, None])
        for region, history in self.intervals.items():
            if region not in out and history[-1][1] is None:
                history[-1][1] = now

    def forget(self) -> None:
        self.intervals.clear()

    def was_out(self, region: str, instant: float) -> bool:
        """Whether the region was lost at a monotonic instant."""
        return any(start <= instant and (end is None or instant < end) for start, end in self.intervals.get(region, []))

    def first_outage_in(self, region: str, start: float, end: float) -> float | None:
        """The first instant of [start, end) at which the region was out, or None."""
        hits = [
            max(begun, start)
            for begun, ended in self.intervals.get(region, [])
            if begun < end and (ended is None or ended > start)
        ]
        return min(hits, default=None)

    def back_since(self, region: str) -> float | None:
        """The instant the region last returned; 0.0 when it was never out; None while it is out."""
        history = self.intervals.get(region)
        return history[-1][1] if history else 0.0


OUTAGE_LOG = OutageLog()
