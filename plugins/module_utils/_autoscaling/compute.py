# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a region runs its application on, behind one interface, by the region's entry in the manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.api import healthy_of
from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.units import (
    Unit,
    group_in,
    service_in,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import (
    ECS,
    RESOURCE_MEMBERS,
    ComputeGroup,
    groups_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.manifest import given


def unit_of(clients: Any, region: str, group: ComputeGroup) -> Unit:
    """Return what has the capacity of a group."""
    name = given({"region": region, **group.as_member()}, RESOURCE_MEMBERS[group.compute])
    return (service_in if group.compute == ECS else group_in)(clients, region, name)


def compute_readers(clients: Any, entry: Mapping[str, Any]) -> dict[str, Callable[[], Any]]:
    """Return the calls that observe the groups of a region (_core/observation.py), none where there is no compute.

    The targets of the platform's own are a fact of their own. Of another group the fact has ``healthy`` too.
    """
    region = entry["region"]

    def read(group: ComputeGroup) -> dict[str, Any] | None:
        seen = unit_of(clients, region, group).read()
        if seen is None or group.is_own:
            return seen
        return {**seen, "healthy": healthy_of(clients("elbv2", region), seen)}

    return {group.fact: partial(read, group) for group in groups_of(entry)}
