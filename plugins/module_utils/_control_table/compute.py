# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a region runs its application on, as its entry in the manifest names it. Pure.

The entry itself names the group or service behind the platform's load balancer, by ``compute``; without it, an Auto
Scaling group, as in all entries up to 0.2. ``compute_groups`` lists those beside it, in the order in which a move
raises them, with the same members as the entry has. The platform's own comes last, unless the list places it by its
name, ``application``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

AUTOSCALING, ECS, NO_COMPUTE = "autoscaling", "ecs", "none"
# The member that names what has the capacity.
RESOURCE_MEMBERS = {
    AUTOSCALING: "autoscaling_group_name",
    # cluster/service, as the resource id of its scalable target has it.
    ECS: "ecs_service",
}
# The members that an entry needs because of its compute.
COMPUTE_MEMBERS: Mapping[str, tuple[str, ...]] = {
    **{compute: (member, "capacity") for compute, member in RESOURCE_MEMBERS.items()},
    NO_COMPUTE: (),
}
# The name of the platform's own group or service among the others.
OWN = "application"
# When the next group starts: once this one has its healthy capacity, or together with it.
WHEN_HEALTHY, AT_ONCE = "when_healthy", "at_once"
GROUPS = "compute_groups"


@dataclass(frozen=True)
class ComputeGroup:
    """A group or service of a region. resource: its name for AWS. sizes: what it should run, {min, desired, max}."""

    name: str = OWN
    compute: str = AUTOSCALING
    resource: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)
    start_next: str = WHEN_HEALTHY

    @property
    def is_own(self) -> bool:
        """Whether it is the one behind the platform's load balancer."""
        return self.name == OWN

    @property
    def fact(self) -> str:
        """The name of the fact that is observed of it."""
        return self.named("group")

    def named(self, what: str) -> str:
        """Return the name of a fact, or of a step of a move, for this group."""
        return what if self.is_own else f"{what}_{self.name}"

    def seen_as(self, region: str) -> str:
        """Return the key under which the health checks keep its desired capacity."""
        return region if self.is_own else f"{region}/{self.name}"

    def as_member(self) -> dict[str, str]:
        """Return {autoscaling_group_name or ecs_service: its name for AWS}."""
        return {RESOURCE_MEMBERS[self.compute]: self.resource}


def compute_of(entry: Mapping[str, Any]) -> str:
    """Return the compute of an entry: one of COMPUTE_MEMBERS, if the manifest has no problems."""
    return entry.get("compute") or AUTOSCALING


def groups_of(entry: Mapping[str, Any]) -> tuple[ComputeGroup, ...]:
    """Return the groups of a region in the order in which a move raises them; its own only if it has compute."""
    return tuple(_groups_in(entry))


def group_of(entry: Mapping[str, Any], name: str) -> ComputeGroup | None:
    """Return the group of that name, or None if the region has none."""
    return next((one for one in groups_of(entry) if one.name == name), None)


def _groups_in(entry: Mapping[str, Any]) -> Iterator[ComputeGroup]:
    listed = list(entry.get(GROUPS) or ())
    if all(one["name"] != OWN for one in listed):
        listed.append({"name": OWN})
    for one in listed:
        source = entry if one["name"] == OWN else one
        if compute_of(source) != NO_COMPUTE:
            yield ComputeGroup(
                name=one["name"],
                compute=compute_of(source),
                resource=source.get(RESOURCE_MEMBERS[compute_of(source)]) or "",
                sizes={size: int(count) for size, count in (source.get("capacity") or {}).items()},
                start_next=one.get("start_next") or WHEN_HEALTHY,
            )
