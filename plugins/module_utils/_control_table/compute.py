# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a region runs its application on, as its entry in the manifest names it by ``compute``. Pure.

An entry without it names an Auto Scaling group, as all entries did up to 0.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

AUTOSCALING, ECS, NO_COMPUTE = "autoscaling", "ecs", "none"
# The members that an entry needs because of its compute.
COMPUTE_MEMBERS: Mapping[str, tuple[str, ...]] = {
    AUTOSCALING: ("autoscaling_group_name", "capacity"),
    # cluster/service, as the resource id of its scalable target has it.
    ECS: ("ecs_service", "capacity"),
    NO_COMPUTE: (),
}


def compute_of(entry: Mapping[str, Any]) -> str:
    """Return the compute of an entry: one of COMPUTE_MEMBERS, if the manifest has no problems."""
    return entry.get("compute") or AUTOSCALING
