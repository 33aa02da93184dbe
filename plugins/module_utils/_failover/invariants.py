# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The invariants that no plan may violate, checked by simulating its steps on the observed state. Pure.

1. Two regions never accept writes and have traffic at the same time.
2. Traffic never moves to a region before its database is the proven writer and its capacity is ready; of several
   groups none starts before those ahead of it that it awaits.
3. Capacity is never reduced in the region that has the traffic.
4. A switchover never follows a fence, because it needs the region that fencing isolates.
5. The last steps of a plan are verify, notify and record: success is announced, and the lease released, after all else.

The lease itself guarantees that it is released or expires (_control_table/lease.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import OWN, WHEN_HEALTHY
from ansible_collections.trading.multi_region.plugins.module_utils._failover.capacity import Raised
from ansible_collections.trading.multi_region.plugins.module_utils._failover.situation import Situation
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import Step

DETACH_CALL, SWITCHOVER_CALL = "rds:RemoveFromGlobalCluster", "rds:SwitchoverGlobalCluster"
ENDING = ("verify", "notify", "record")


class InvariantViolation(Exception):
    """A plan that would violate an invariant: a bug in this collection, never a mistake of the operator."""


@dataclass
class World:
    """The state between two steps. writers: regions that accept writes. traffic: regions that receive traffic.

    ready: the names of the target's groups that have their healthy capacity.
    """

    seen: Situation
    writers: set[str]
    traffic: set[str]
    is_proven: bool
    ready: set[str]
    is_leaving: bool
    fenced: set[str] = field(default_factory=set)

    def demand(self, is_satisfied: bool, sentence: str) -> None:
        """Raise InvariantViolation unless the condition is satisfied."""
        if not is_satisfied:
            raise InvariantViolation(f"{sentence} (move to {self.seen.target} by {self.seen.method})")

    def of_step(self, step: Step) -> Raised:
        """Return the group of the target that a step raises or awaits: the platform's own, unless the step names it."""
        name = (step.group or {}).get("name", OWN)
        return next(one for one in self.seen.raised if one.group.name == name)


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
        ready={one.group.name for one in seen.raised if one.is_ready},
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


def _capacity_ask(world: World, step: Step) -> None:
    one = world.of_step(step)
    runs, wanted = (one.seen or {}).get("desired", 0), one.capacity.wanted
    world.demand(wanted >= runs, f"The capacity of {world.seen.target} would be reduced from {runs} to {wanted}")
    for other in world.seen.raised:
        if other is one:
            break
        is_awaited = other.group.start_next == WHEN_HEALTHY and other.group.name not in world.ready
        world.demand(not is_awaited, f"{one.group.name} would start before {other.group.name} is healthy")


def _capacity_wait(world: World, step: Step) -> None:
    world.ready.add(world.of_step(step).group.name)


def _traffic(world: World, _step: Step) -> None:
    target = world.seen.target
    world.demand(
        world.is_proven and target in world.writers, f"Traffic would move to {target} before its writer is proven"
    )
    is_ready = world.ready.issuperset(one.group.name for one in world.seen.raised)
    world.demand(is_ready, f"Traffic would move to {target} before its capacity is ready")
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
        if effect := EFFECTS.get((step.group or {}).get("step", step.step)):
            effect(world, step)
        both = world.writers & world.traffic
        world.demand(len(both) < 2, f"{' and '.join(sorted(both))} would both accept writes and have traffic")
    names = tuple(step.step for step in steps)
    world.demand(
        names[-len(ENDING) :] == ENDING, f"The plan would not end with {', '.join(ENDING)}: {', '.join(names)}"
    )
