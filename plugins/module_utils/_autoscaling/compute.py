# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a region runs its application on, behind one interface, by the region's entry in the manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.units import (
    Unit,
    group_in,
    service_in,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.compute import (
    ECS,
    NO_COMPUTE,
    compute_of,
)
from ansible_collections.trading.multi_region.plugins.module_utils._control_table.manifest import given


def unit_of(clients: Any, entry: Mapping[str, Any]) -> Unit:
    """Return what has the capacity of a region that has compute."""
    region = entry["region"]
    if compute_of(entry) == ECS:
        return service_in(clients, region, given(entry, "ecs_service"))
    return group_in(clients, region, given(entry, "autoscaling_group_name"))


def compute_readers(clients: Any, entry: Mapping[str, Any]) -> dict[str, Callable[[], Any]]:
    """Return the call that observes the fact ``group`` (_core/observation.py), none where there is no compute."""
    if compute_of(entry) == NO_COMPUTE:
        return {}
    return {"group": lambda: unit_of(clients, entry).read()}
