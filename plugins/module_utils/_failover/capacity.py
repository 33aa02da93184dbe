# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How much capacity the target region needs before traffic arrives. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import NO_COMPUTE
from ansible_collections.trading.multi_region.plugins.module_utils._core.observation import Facts
from ansible_collections.trading.multi_region.plugins.module_utils._failover.values import State


@dataclass(frozen=True)
class Capacity:
    """How many healthy targets are wanted, the sentence that explains it, and whether the group's maximum limits it."""

    wanted: int
    reason: str
    is_capped: bool


def build_capacity(
    state: State, target: str, left: Collection[str], fenced_sizes: Mapping[str, int] | None
) -> Capacity:
    """Return how many healthy targets the target region must have before traffic moves there.

    Capacity comes before traffic: at least what the regions to move away from run or should run by the manifest, never
    less than the target region runs now, and never more than the maximum of its group. Of a region whose group cannot
    be read, what the health checks last saw counts instead: it may have been raised since the manifest was written.
    Nothing is wanted of a target region without compute of its own: what runs behind its targets is not ours to raise.

    left: regions to move away from. fenced_sizes: {min, desired, max} that fencing removed from the target's group and
    that the step unfence restores, or None.
    """
    if state.compute.get(target) == NO_COMPUTE:
        return Capacity(0, f"none: {target} has no compute of its own, so no step raises or awaits capacity.", False)
    own = _group(state, target)
    limit = own.get("max")
    figures = {f"{target} now": own.get("desired", 0)}
    if fenced_sizes:
        figures[f"{target} before it was fenced"] = fenced_sizes.get("desired", 0)
        limit = max(limit or 0, fenced_sizes["max"]) if fenced_sizes.get("max") else limit
    for region in sorted(left):
        figures[f"{region} by the manifest"] = state.capacity.get(region, {}).get("desired", 0)
        if _is_known(state, region):
            figures[f"{region} now"] = _group(state, region).get("desired", 0)
        else:
            figures[f"{region} when last seen"] = state.capacity_seen.get(region, 0)
    wanted = max(figures.values())
    shown = ", ".join(f"{name}: {count}" for name, count in figures.items() if count)
    if limit is not None and wanted > limit:
        why = f"{limit}, the maximum of {target}, although {wanted} are wanted ({shown})."
        return Capacity(limit, why, True)
    return Capacity(wanted, f"{wanted}, the largest of {shown or 'nothing'}.", False)


def _is_known(state: State, region: str) -> bool:
    facts: Facts | None = state.facts.get(region)
    return facts is not None and facts["group"].known


def _group(state: State, region: str) -> Mapping[str, int]:
    facts: Facts | None = state.facts.get(region)
    return (facts.value("group") if facts else None) or {}
