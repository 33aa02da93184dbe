# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How much capacity the target region needs before traffic arrives, of each of its groups, and in which order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.enough import (
    running,
    stopped_processes,
    sufficient,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import (
    OWN,
    WHEN_HEALTHY,
    ComputeGroup,
)
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import State


@dataclass(frozen=True)
class Capacity:
    """How many healthy targets are wanted, the sentence that explains it, and whether the group's maximum limits it."""

    wanted: int
    reason: str
    is_capped: bool


@dataclass(frozen=True)
class Raised:
    """A group of the target region in a move: what is wanted of it, and what it has now.

    seen: its fact, None if it does not exist or could not be read. healthy: how many targets, instances or tasks are.
    """

    group: ComputeGroup
    capacity: Capacity
    seen: Mapping[str, Any] | None
    healthy: int

    @property
    def needed(self) -> int:
        """How many must be healthy before traffic arrives; traffic itself needs a destination."""
        return max(1, self.capacity.wanted) if self.group.is_own else self.capacity.wanted

    @property
    def is_asked(self) -> bool:
        """Whether it is already as large as wanted, and cannot be lowered by its scaling policies."""
        seen = self.seen or {}
        return min(seen.get("desired", -1), seen.get("min", -1)) >= self.capacity.wanted

    @property
    def is_ready(self) -> bool:
        """Whether as many as wanted are healthy."""
        return self.healthy >= self.needed

    @property
    def stopped(self) -> list[str]:
        """The suspended processes without which it gets no additional healthy targets."""
        return stopped_processes(self.seen or {})

    def is_enough(self, percent: int) -> bool:
        """Return whether it runs this percentage of what is wanted as it is, in case it gets no more."""
        return self.seen is not None and running(self.seen) >= sufficient(self.capacity.wanted, percent)


def waves(groups: Iterable[Raised]) -> list[list[Raised]]:
    """Return the groups in the order in which they are raised; those of one wave are raised side by side.

    A wave ends with a group whose healthy capacity the next one awaits.
    """
    found: list[list[Raised]] = [[]]
    for one in groups:
        found[-1].append(one)
        if one.group.start_next == WHEN_HEALTHY:
            found.append([])
    return [wave for wave in found if wave]


def build_capacity(
    state: State, target: str, left: Collection[str], fenced_sizes: Mapping[str, int] | None, name: str = OWN
) -> Capacity:
    """Return how many healthy targets a group of the target region must have before traffic moves there.

    Capacity comes before traffic: at least what the regions to move away from run or should run by the manifest, never
    less than the target region runs now, and never more than the maximum of its group. Of a region whose group cannot
    be read, what the health checks last saw counts instead: it may have been raised since the manifest was written.
    Nothing is wanted of a target region without compute of its own: what runs behind its targets is not ours to raise.

    left: regions to move away from. fenced_sizes: {min, desired, max} that fencing removed from the target's group and
    that the step unfence restores, or None. name: of the group, which is the same in all regions.
    """
    if not _find(state, target, name):
        return Capacity(0, f"none: {target} has no compute of its own, so no step raises or awaits capacity.", False)
    own = _seen(state, target, name)
    limit = own.get("max")
    figures = {f"{target} now": own.get("desired", 0)}
    if fenced_sizes:
        figures[f"{target} before it was fenced"] = fenced_sizes.get("desired", 0)
        limit = max(limit or 0, fenced_sizes["max"]) if fenced_sizes.get("max") else limit
    for region in sorted(left):
        group = _find(state, region, name) or ComputeGroup(name)
        figures[f"{region} by the manifest"] = group.sizes.get("desired", 0)
        if _is_known(state, region, group):
            figures[f"{region} now"] = _seen(state, region, name).get("desired", 0)
        else:
            figures[f"{region} when last seen"] = state.capacity_seen.get(group.seen_as(region), 0)
    wanted = max(figures.values())
    shown = ", ".join(f"{what}: {count}" for what, count in figures.items() if count)
    if limit is not None and wanted > limit:
        why = f"{limit}, the maximum of {target}, although {wanted} are wanted ({shown})."
        return Capacity(limit, why, True)
    return Capacity(wanted, f"{wanted}, the largest of {shown or 'nothing'}.", False)


def _find(state: State, region: str, name: str) -> ComputeGroup | None:
    return next((one for one in state.groups_of(region) if one.name == name), None)


def _is_known(state: State, region: str, group: ComputeGroup) -> bool:
    facts: Facts | None = state.facts.get(region)
    return facts is not None and facts[group.fact].known


def _seen(state: State, region: str, name: str) -> Mapping[str, int]:
    facts: Facts | None = state.facts.get(region)
    return (facts.value(ComputeGroup(name).fact) if facts else None) or {}
