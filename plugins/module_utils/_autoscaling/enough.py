# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""How much capacity is enough, and whether an Auto Scaling group can get more. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# Scaling processes without which a larger group gets no additional healthy targets.
# Source: "Suspend and resume processes for an Auto Scaling group" of the Amazon EC2 Auto Scaling User Guide.
NEEDED_PROCESSES = frozenset({"Launch", "AddToLoadBalancer"})


def sufficient(at_least: int, percent: int) -> int:
    """Return how many healthy targets are enough once not all can be had: the percentage, and at least one."""
    return min(at_least, max(1, math.ceil(at_least * percent / 100)))


def stopped_processes(group: Mapping[str, Any]) -> list[str]:
    """Return the suspended processes without which the group gets no additional healthy targets."""
    return sorted(NEEDED_PROCESSES.intersection(group.get("suspended", ())))


def running(group: Mapping[str, Any]) -> int:
    """Return how many instances the group runs for certain."""
    return min(group["desired"], group.get("in_service", group["desired"]))
