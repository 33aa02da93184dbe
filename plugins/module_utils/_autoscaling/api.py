# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Readers of an Auto Scaling group and its targets: one function per API call.

They return the shapes listed in _core/observation.py and raise AwsCallError if AWS cannot be queried.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call

MISSING_GROUP = ("TargetGroupNotFound",)


@aws_call("DescribeTargetHealth", missing=MISSING_GROUP)
def describe_targets(client: Any, target_group_arn: str) -> dict[str, Any] | None:
    """Return how many targets are registered and in which state, or None if there is no such group.

    Targets that are being deregistered no longer count as registered.
    """
    answer = client.describe_target_health(TargetGroupArn=target_group_arn)
    states: dict[str, int] = {}
    for description in answer["TargetHealthDescriptions"]:
        state = description.get("TargetHealth", {}).get("State", "unavailable")
        states[state] = states.get(state, 0) + 1
    registered = sum(count for state, count in states.items() if state != "draining")
    return {"registered": registered, "healthy": states.get("healthy", 0), "states": states}


@aws_call("DescribeAutoScalingGroups")
def describe_group(client: Any, name: str) -> dict[str, Any] | None:
    """Return the sizes of an Auto Scaling group, or None if there is none with that name."""
    groups = client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    if not groups:
        return None
    group = groups[0]
    return {
        "min": group["MinSize"],
        "desired": group["DesiredCapacity"],
        "max": group["MaxSize"],
        "in_service": sum(i.get("LifecycleState") == "InService" for i in group.get("Instances", [])),
        "suspended": [process["ProcessName"] for process in group.get("SuspendedProcesses", [])],
    }
