# SPDX-License-Identifier: GPL-3.0-or-later
"""When something breaks: before failover.yml starts, or as one of its steps does."""

from __future__ import annotations

START = "start"

# Name of the step in the table: the last words of the task that takes it, in the order in which they come.
STEPS = {
    "plan": "ask every region in parallel",
    "lease": "take the lease of the target",
    "fence": "keep the old region's database from being written to",
    "promote_request": "ask Aurora for it",
    "capacity_ask": "ask for what the active region has",
    "announce": "tell people that it has begun",
    "promote_wait": "wait until the target is the writer",
    "capacity_wait": "wait until the targets are healthy",
    "traffic": "turn the switch in the target's own region",
    "verify": "ask for the name and its endpoint from outside",
    "notify": "Notify | tell people",
    "record": "ask every region for its health",
    "release": "give the lease back",
}
MOMENTS = (START, *STEPS)
