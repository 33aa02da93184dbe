# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which Capacity Reservations an Auto Scaling group launches into.

The group's own setting, and not that of its launch template: amazon.aws.ec2_launch_template compares a template's
newest version with its own options only, so it would undo a version with another setting on each run. Sources:
CapacityReservationSpecification and UpdateAutoScalingGroup of the Amazon EC2 Auto Scaling API Reference; botocore knows
the setting since 1.35.66.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

try:
    import botocore
except ImportError:  # AnsibleAWSModule reports it to the user before any call is made
    botocore = None

from ansible_collections.trading.multi_region.plugins.module_utils._core.errors import AwsCallError, Refused, aws_call
from ansible_collections.trading.multi_region.plugins.module_utils._core.waiting import timed, wait_until_visible
from ansible_collections.trading.multi_region.plugins.module_utils._options.rules import RESERVING

DEFAULT = "default"
NEEDED_BOTOCORE = (1, 35, 66)


def specification_in(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return {preference, capacity_reservation_ids} of an AutoScalingGroup of the API, as AWS applies it. Pure."""
    found = group.get("CapacityReservationSpecification") or {}
    target = found.get("CapacityReservationTarget") or {}
    return {
        "preference": found.get("CapacityReservationPreference") or DEFAULT,
        "capacity_reservation_ids": sorted(target.get("CapacityReservationIds") or []),
    }


@aws_call("DescribeAutoScalingGroups")
def get_specification(client: Any, name: str) -> dict[str, Any] | None:
    """Return the group's setting, or None if there is no such group."""
    groups = client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"]
    return specification_in(groups[0]) if groups else None


@aws_call("UpdateAutoScalingGroup")
def set_specification(client: Any, name: str, wanted: Mapping[str, Any]) -> None:
    """Set it."""
    specification: dict[str, Any] = {"CapacityReservationPreference": wanted["preference"]}
    if wanted["capacity_reservation_ids"]:
        specification["CapacityReservationTarget"] = {"CapacityReservationIds": wanted["capacity_reservation_ids"]}
    client.update_auto_scaling_group(AutoScalingGroupName=name, CapacityReservationSpecification=specification)


@aws_call("DescribeCapacityReservations", missing=("InvalidCapacityReservationId.NotFound",))
def describe_reservations(client: Any, identifiers: list[str]) -> list[dict[str, Any]] | None:
    """Return [{id, type, state, total, available}] of these reservations or the open ones, None if one is gone."""
    open_ones = [{"Name": "instance-match-criteria", "Values": ["open"]}]
    named = {"CapacityReservationIds": identifiers} if identifiers else {"Filters": open_ones}
    return [
        {
            "id": one["CapacityReservationId"],
            "type": one["InstanceType"],
            "state": one["State"],
            "total": one["TotalInstanceCount"],
            "available": one["AvailableInstanceCount"],
        }
        for page in client.get_paginator("describe_capacity_reservations").paginate(**named)
        for one in page["CapacityReservations"]
    ]


def wanted_in(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the setting that the options ask for. Raises Refused if AWS would refuse their combination. Pure."""
    preference, identifiers = params["preference"], sorted(set(params.get("capacity_reservation_ids") or []))
    if identifiers and preference not in RESERVING:
        raise Refused(
            f"preference is {preference!r} with capacity_reservation_ids {', '.join(identifiers)}; allowed with them:"
            f" {' or '.join(RESERVING)}."
        )
    return {"preference": preference, "capacity_reservation_ids": identifiers}


def words(specification: Mapping[str, Any]) -> str:
    """Return a setting as messages show it. Pure."""
    identifiers = specification["capacity_reservation_ids"]
    return specification["preference"] + (f" of {', '.join(identifiers)}" if identifiers else "")


def check_botocore() -> None:
    """Raise Refused if the installed botocore does not know the setting."""
    if tuple(map(int, re.findall(r"\d+", botocore.__version__)[:3])) < NEEDED_BOTOCORE:
        needed = ".".join(map(str, NEEDED_BOTOCORE))
        raise Refused(
            f"botocore is {botocore.__version__}, which does not know Capacity Reservations of Auto Scaling groups;"
            f" {needed} or later does."
        )


def write(client: Any, name: str, wanted: Mapping[str, Any]) -> None:
    """Set it, and return once the group shows it."""
    failure = None
    try:
        set_specification(client, name, wanted)
    except AwsCallError as error:
        if not error.ambiguous:
            raise
        failure = error
    wait_until_visible(
        lambda: get_specification(client, name),
        lambda now: now == wanted,
        failure,
        f"The Capacity Reservation setting of {name} was set",
    )


@timed
def run(params: Mapping[str, Any], clients: Any, check_mode: bool = False) -> dict[str, Any]:
    """Set which Capacity Reservations a group launches into.

    Returns {changed, reason, before, after, diff, seconds}. Raises Refused or AwsCallError.
    """
    name, wanted = params["name"], wanted_in(params)
    client = clients("autoscaling", params.get("region"))
    before = get_specification(client, name)
    # In check mode the group may not exist yet, because the task that creates it has not run.
    if before is None and not check_mode:
        raise Refused(f"There is no Auto Scaling group {name} (name).")
    before = before or specification_in({})
    changed = before != wanted
    if changed:
        check_botocore()
    if changed and not check_mode:
        write(client, name, wanted)
    verb = "would use" if check_mode else "uses"
    return {
        "changed": changed,
        "reason": (
            f"The group {name} used Capacity Reservations by {words(before)} and {verb} them by {words(wanted)}."
            if changed
            else f"The group {name} uses Capacity Reservations by {words(wanted)}."
        ),
        "before": before,
        "after": wanted,
        "diff": {"before": before, "after": wanted},
    }
