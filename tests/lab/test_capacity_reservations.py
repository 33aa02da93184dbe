# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: Contributors to the trading.multi_region project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Capacity Reservations as EC2 and Auto Scaling keep them, and our module that has a group use them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.trading.multi_region.plugins.module_utils._autoscaling.reservations import (
    describe_reservations,
    run,
)
from lab.client import Lab
from tests.lab.failover_platform import EAST, clients_of
from tests.lab.test_timeline import make_group

FIRST, ONLY = "capacity-reservations-first", "capacity-reservations-only"


class Reserved:
    """A group of t3.medium without instances, and a region that has none of them but those reserved."""

    def __init__(self, lab: Lab) -> None:
        make_group(lab, EAST, 0)
        lab.limit_instances(EAST, 0)
        self.lab, self.ec2, self.scaling = lab, lab.client("ec2", EAST), lab.client("autoscaling", EAST)

    def reserve(self, count: int, criteria: str = "targeted") -> str:
        made = self.ec2.create_capacity_reservation(
            InstanceType="t3.medium",
            InstancePlatform="Linux/UNIX",
            AvailabilityZone=f"{EAST}a",
            InstanceCount=count,
            InstanceMatchCriteria=criteria,
        )
        return made["CapacityReservation"]["CapacityReservationId"]

    def use(self, preference: str, *identifiers: str, check_mode: bool = False) -> dict[str, Any]:
        named = {"preference": preference, "capacity_reservation_ids": list(identifiers)}
        return run({"region": EAST, "name": "app", **named}, clients_of(self.lab), check_mode)

    def running(self, desired: int) -> int:
        """How many instances run of those that the group is to have."""
        self.scaling.set_desired_capacity(AutoScalingGroupName="app", DesiredCapacity=desired)
        (group,) = self.scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        return len(group["Instances"])

    def last_failure(self) -> str:
        found = self.scaling.describe_scaling_activities(AutoScalingGroupName="app")["Activities"]
        return next(one["StatusMessage"] for one in found if one["StatusCode"] == "Failed")


@pytest.fixture
def reserved(lab: Lab) -> Reserved:
    return Reserved(lab)


def test_a_region_without_capacity_launches_what_is_reserved_for_the_group(reserved: Reserved) -> None:
    identifier = reserved.reserve(2)
    assert reserved.running(1) == 0, "a targeted reservation is used by who names it"
    reserved.use(FIRST, identifier)
    assert reserved.running(3) == 2
    (shown,) = describe_reservations(reserved.ec2, [identifier])
    assert (shown["total"], shown["available"], shown["state"]) == (2, 0, "active")


def test_beyond_its_reservations_a_group_takes_on_demand_capacity_or_fails_as_it_prefers(reserved: Reserved) -> None:
    identifier = reserved.reserve(1)
    reserved.lab.limit_instances(EAST)
    reserved.use(ONLY, identifier)
    assert reserved.running(3) == 1 and "ReservationCapacityExceeded" in reserved.last_failure()
    reserved.use(FIRST, identifier)
    assert reserved.running(3) == 3


def test_an_open_reservation_needs_no_setting_and_none_uses_none(reserved: Reserved) -> None:
    reserved.reserve(2, "open")
    assert reserved.running(1) == 1
    reserved.use("none")
    assert reserved.running(2) == 1


def test_the_module_changes_the_setting_once_and_only_that(reserved: Reserved) -> None:
    identifier = reserved.reserve(1)
    assert not reserved.use("default")["changed"]
    planned = reserved.use(FIRST, identifier, check_mode=True)
    assert planned["changed"] and reserved.use("default")["changed"] is False
    done = reserved.use(FIRST, identifier)
    assert done["diff"] == planned["diff"] and done["diff"]["after"]["capacity_reservation_ids"] == [identifier]
    reserved.lab.clear_calls()
    assert not reserved.use(FIRST, identifier)["changed"]
    assert [call for call in reserved.lab.calls() if call["mutating"]] == []
    (group,) = reserved.scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    assert (group["MinSize"], group["MaxSize"]) == (0, 5)
    assert reserved.use("default")["changed"] and reserved.use("default")["changed"] is False


def test_aws_refuses_a_target_without_a_preference_for_it(reserved: Reserved) -> None:
    target = {"CapacityReservationIds": [reserved.reserve(1)]}
    with pytest.raises(reserved.scaling.exceptions.ClientError, match="ValidationError"):
        reserved.scaling.update_auto_scaling_group(
            AutoScalingGroupName="app",
            CapacityReservationSpecification={
                "CapacityReservationPreference": "none",
                "CapacityReservationTarget": target,
            },
        )


def test_a_cancelled_reservation_has_no_room_and_one_that_is_gone_is_not_there(reserved: Reserved) -> None:
    identifier = reserved.reserve(1)
    reserved.ec2.cancel_capacity_reservation(CapacityReservationId=identifier)
    (shown,) = describe_reservations(reserved.ec2, [identifier])
    assert (shown["state"], shown["available"]) == ("cancelled", 0)
    assert describe_reservations(reserved.ec2, ["cr-00000000000000000"]) is None
    assert describe_reservations(reserved.ec2, []) == [], "it is not an open one"
