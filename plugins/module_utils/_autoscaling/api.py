# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Readers of an Auto Scaling group and its targets: one function per API call.

They return the shapes listed in _core/observation.py and raise AwsCallError if AWS cannot be queried.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import aws_call

MISSING_GROUP = ("TargetGroupNotFound",)
# The scheduled action that restores a group's minimum size.
HOLD_NAME = "multi-region-min-size"
# "StatusCode" of Activity in the Amazon EC2 Auto Scaling API Reference: those that launched nothing.
FAILED_STATES = ("Failed", "Cancelled")
NEWEST_ACTIVITIES = 20


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


def healthy_of(client: Any, group: Mapping[str, Any]) -> int:
    """Return how much of a group or service is healthy: its healthy targets, in the target group with the fewest.

    group: the fact ``group`` (_core/observation.py). Without a target group what is in service counts.
    """
    found = [describe_targets(client, arn) for arn in group["target_group_arns"]]
    return min((one["healthy"] for one in found if one), default=group["in_service"])


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
        "target_group_arns": list(group.get("TargetGroupARNs", [])),
    }


@aws_call("UpdateAutoScalingGroup")
def update_group(client: Any, name: str, sizes: Mapping[str, int]) -> None:
    """Set the given sizes of an Auto Scaling group."""
    names = {"min": "MinSize", "desired": "DesiredCapacity", "max": "MaxSize"}
    given = {names[size]: value for size, value in sizes.items()}
    client.update_auto_scaling_group(AutoScalingGroupName=name, **given)


@aws_call("SetDesiredCapacity")
def set_desired_capacity(client: Any, name: str, desired: int) -> None:
    """Set the desired capacity regardless of cooldowns, because a region is being lost."""
    client.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=desired, HonorCooldown=False)


@aws_call("DescribeScalingActivities")
def last_failed_activity(client: Any, name: str, since: float) -> dict[str, Any] | None:
    """Return the newest failed scaling activity that began after a time in epoch seconds, or None.

    Returns status, message (AWS's reason) and started_at.
    """
    answer = client.describe_scaling_activities(AutoScalingGroupName=name, MaxRecords=NEWEST_ACTIVITIES)
    for activity in answer["Activities"]:
        started = activity["StartTime"]
        if activity["StatusCode"] in FAILED_STATES and started.timestamp() >= since:
            return {
                "status": activity["StatusCode"],
                "message": activity.get("StatusMessage") or activity.get("Description") or "AWS gives no reason",
                "started_at": f"{started.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            }
    return None


@aws_call("DescribeScheduledActions")
def describe_hold(client: Any, name: str) -> dict[str, Any] | None:
    """Return {min, until} of the scheduled action that restores the group's minimum size, or None."""
    answer = client.describe_scheduled_actions(AutoScalingGroupName=name, ScheduledActionNames=[HOLD_NAME])
    for action in answer["ScheduledUpdateGroupActions"]:
        return {"min": action["MinSize"], "until": action["StartTime"].timestamp()}
    return None


@aws_call("PutScheduledUpdateGroupAction")
def put_hold(client: Any, name: str, minimum: int, until: float) -> None:
    """Have AWS set the group's minimum size at a time in epoch seconds; replaces an earlier request."""
    client.put_scheduled_update_group_action(
        AutoScalingGroupName=name,
        ScheduledActionName=HOLD_NAME,
        StartTime=datetime.fromtimestamp(until, UTC),
        MinSize=minimum,
    )


@aws_call("DeleteScheduledAction")
def delete_hold(client: Any, name: str) -> None:
    """Delete the scheduled action."""
    client.delete_scheduled_action(AutoScalingGroupName=name, ScheduledActionName=HOLD_NAME)
