# SPDX-License-Identifier: GPL-3.0-or-later
"""When something written in one region has reached another."""

from __future__ import annotations

from lab.clock import CLOCK
from lab.services.outage_log import OUTAGE_LOG
from lab.services.settings import SETTINGS
from lab.world import WORLD


def has_reached(written: float, origin: str, destination: str) -> bool:
    """Whether a write of a monotonic instant is through: after `replication_s`, once neither region is out."""
    due = written + SETTINGS.replication_s / CLOCK.scale
    if not CLOCK.reached(due):
        return False
    regions = (origin, destination)
    if not any(OUTAGE_LOG.was_out(region, due) for region in regions):
        return True
    return not any(WORLD.region_is_out(region) for region in regions)
