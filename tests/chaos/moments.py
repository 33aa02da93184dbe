# SPDX-License-Identifier: GPL-3.0-or-later
"""When something fails: before failover.yml starts, or when one of its steps does."""

from __future__ import annotations

START = "start"

# Name of the step in the table: the last words of the task that takes it, in the order in which they come.
STEPS = {
    "plan": "ask every region in parallel",
    "lease": "take the lease of the target",
    "fence": "prevent writes to the old region's database",
    "promote_request": "request the promotion",
    "capacity_ask": "request what the active region has",
    "announce": "notify operators of the start",
    "promote_wait": "wait until the target is the writer",
    "capacity_wait": "wait until the targets are healthy",
    "endpoint_wait": "wait until the global writer endpoint resolves to the target",
    "traffic": "turn the switch in the target's own region",
    "verify": "resolve the name and probe its endpoint from outside",
    "notify": "Notify | notify operators",
    "record": "read the health of every region",
    "release": "release the lease",
}
MOMENTS = (START, *STEPS)
