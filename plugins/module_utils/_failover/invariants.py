# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The invariants that no plan may violate, checked by simulating its steps on the observed state. Pure.

1. Two regions never accept writes and have traffic at the same time.
2. Traffic never moves to a region before its database is the proven writer and its capacity is ready.
3. Capacity is never reduced in the region that has the traffic.
4. A switchover never follows a fence, because it needs the region that fencing isolates.
5. The last steps of a plan are verify, notify and record: success is announced, and the lease released, after all else.

The lease itself guarantees that it is released or expires (_control_table/lease.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Step

DETACH_CALL, SWITCHOVER_CALL = "rds:RemoveFromGlobalCluster", "rds:SwitchoverGlobalCluster"
ENDING = ("verify", "notify", "record")


class InvariantViolation(Exception):
    """A plan that would violate an invariant: a bug in this collection, never a mistake of the operator."""


@dataclass
class World:
    """The state between two steps. writers: regions that accept writes. traffic: regions that receive traffic."""

    seen: Situation
    writers: set[str]
    traffic: set[str]
    is_proven: bool
    is_capacity_ready: bool
    is_leaving: bool
    fenced: set[str] = field(default_factory=set)

    def demand(self, is_satisfied: bool, sentence: str) -> None:
        """Raise InvariantViolation unless the condition is satisfied."""
        if not is_satisfied:
            raise InvariantViolation(f"{sentence} (move to {self.seen.target} by {self.seen.method})")


def before(seen: Situation) -> World:
    """Return the state before the first step."""
    writers = {seen.member_writer} | ({seen.target} if seen.is_detached else set()) - {None}
    if seen.is_outside(seen.traffic):
        writers.add(seen.traffic)
    return World(
        seen=seen,
        writers={region for region in writers if region},
        traffic={seen.traffic} if seen.traffic else set(),
        is_proven=seen.is_writer_proven,
        is_capacity_ready=seen.is_capacity_ready,
        is_leaving=seen.is_detached,
    )


def _fence(world: World, step: Step) -> None:
    world.demand(step.region != world.seen.target, f"{step.region} would be fenced although it is the target")
    world.fenced.add(step.region)


def _promote_request(world: World, step: Step) -> None:
    if SWITCHOVER_CALL in step.calls:
        world.demand(not world.fenced, f"A switchover would follow the fencing of {sorted(world.fenced)}")
    world.is_leaving = DETACH_CALL in step.calls


def _promote_wait(world: World, _step: Step) -> None:
    # A managed move takes the writer role from the old region; a detach leaves the old region writing.
    kept = world.writers if world.is_leaving else world.writers - {world.seen.member_writer}
    world.writers = kept | {world.seen.target}
    world.is_proven = True


def _capacity_ask(world: World, _step: Step) -> None:
    target, wanted = world.seen.target, world.seen.capacity.wanted
    runs = (world.seen.facts.value("group") or {}).get("desired", 0)
    world.demand(wanted >= runs, f"The capacity of {target} would be reduced from {runs} to {wanted}")


def _capacity_wait(world: World, _step: Step) -> None:
    world.is_capacity_ready = True


def _traffic(world: World, _step: Step) -> None:
    target = world.seen.target
    world.demand(
        world.is_proven and target in world.writers, f"Traffic would move to {target} before its writer is proven"
    )
    world.demand(world.is_capacity_ready, f"Traffic would move to {target} before its capacity is ready")
    world.traffic = {target}


def _fence_application(world: World, step: Step) -> None:
    world.demand(step.region not in world.traffic, f"The capacity of {step.region} would be reduced, which has traffic")
    _fence(world, step)


def _verify(world: World, _step: Step) -> None:
    target = world.seen.target
    world.demand(
        world.traffic == {target}, f"{target} would be verified while the traffic is in {sorted(world.traffic)}"
    )


EFFECTS: dict[str, Callable[[World, Step], None]] = {
    "fence": _fence,
    "promote_request": _promote_request,
    "promote_wait": _promote_wait,
    "capacity_ask": _capacity_ask,
    "capacity_wait": _capacity_wait,
    "traffic": _traffic,
    "fence_application": _fence_application,
    "verify": _verify,
}


def check(seen: Situation, steps: tuple[Step, ...]) -> None:
    """Raise InvariantViolation unless every invariant holds after every step."""
    world = before(seen)
    for step in steps:
        if effect := EFFECTS.get(step.step):
            effect(world, step)
        both = world.writers & world.traffic
        world.demand(len(both) < 2, f"{' and '.join(sorted(both))} would both accept writes and have traffic")
    names = tuple(step.step for step in steps)
    world.demand(
        names[-len(ENDING) :] == ENDING, f"The plan would not end with {', '.join(ENDING)}: {', '.join(names)}"
    )
