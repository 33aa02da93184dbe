# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves while AWS has no more instances, and what a move changes of the target's group for some time."""

from __future__ import annotations

import json

import pytest

from tests.integration.aws import GROUP, capacity, group, healthy_targets, name_points_at, runs, writer_region

LOST, TARGET = "us-east-1", "us-east-2"
NO_MORE = "We currently do not have sufficient t3.medium capacity in the Availability Zone you requested"
QUICK = ("-e", "wait_timeout=12", "-e", "capacity_timeout=1")


def grow(platform, desired: int) -> None:
    """The active region has scaled out."""
    platform.lab.client("autoscaling", LOST).set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=desired)


def holds(platform, region: str) -> list[int]:
    scaling = platform.lab.client("autoscaling", region)
    found = scaling.describe_scheduled_actions(AutoScalingGroupName=GROUP)["ScheduledUpdateGroupActions"]
    return [one["MinSize"] for one in found]


def words(run) -> str:
    return " ".join(run.output.split())


def test_the_traffic_of_a_lost_region_does_not_wait_for_instances_that_aws_has_not_got(platform):
    grow(platform, 5)
    platform.lab.limit_instances(TARGET, 2)
    platform.lab.settings(endpoint_dns_s=0)
    # Its applications are gone; what it runs can still be read.
    platform.lab.set_targets(LOST, "unhealthy")
    # Two of five are less than half of them.
    stopped = platform.run("failover", *QUICK)
    assert stopped.code != 0 and "5 are needed, or 3 of them (min_capacity_percent is 50)" in words(stopped)
    assert NO_MORE in words(stopped) and "min_capacity_percent=40 accepts what there is" in words(stopped)
    assert writer_region(platform.lab, TARGET) == TARGET and name_points_at(platform.lab) != TARGET

    went = platform.run("failover", *QUICK, "-e", "min_capacity_percent=40").ends_well()
    assert name_points_at(platform.lab) == TARGET
    assert "WARNING" in went.output and NO_MORE in words(went)
    (record,) = runs(platform.lab, TARGET)
    assert (record["capacity"]["wanted"], record["capacity"]["healthy"]) == (5, 2)
    assert NO_MORE in record["capacity"]["scaling_failure"]["message"] and NO_MORE in record["warnings"][0]

    assert capacity(platform.lab, TARGET) == {"min": 5, "desired": 5, "max": 6}, "the wish stays, and cannot shrink"
    assert holds(platform, TARGET) == [2]
    platform.lab.limit_instances(TARGET)
    platform.lab.advance(120)
    platform.lab.advance(120)
    assert healthy_targets(platform.lab, TARGET) == 5
    platform.lab.advance(3600)
    assert (capacity(platform.lab, TARGET)["min"], holds(platform, TARGET)) == (2, []), "AWS restores it"
    assert capacity(platform.lab, TARGET)["desired"] == 5


@pytest.mark.nightly
def test_capacity_that_was_raised_by_hand_is_there_after_its_region_is_lost(platform):
    platform.lab.settings(endpoint_dns_s=0)
    grow(platform, 4)
    before = len(platform.lab.calls())
    platform.run("health_check").ends_well()
    platform.run("health_check").ends_well()
    written = [call for call in platform.lab.calls()[before:] if call["operation"] == "PutItem"]
    assert len(written) <= 2 * len(platform.regions), "the count and the capacity, once in each region"
    platform.lab.outage(LOST, "reset")
    went = platform.run("failover").ends_well()
    assert f"4, the largest of {TARGET} now: 2, {LOST} by the manifest: 2, {LOST} when last seen: 4." in words(went)
    assert capacity(platform.lab, TARGET)["desired"] == 4 and name_points_at(platform.lab) == TARGET


def test_a_planned_move_waits_for_all_the_capacity_or_moves_nothing(platform):
    grow(platform, 4)
    platform.lab.limit_instances(TARGET, 3)
    stopped = platform.run("switchover", *QUICK, "-e", "min_capacity_percent=1")
    assert stopped.code != 0 and "3 of 3 targets" in words(stopped) and "4 are needed. Last" in words(stopped)
    assert (writer_region(platform.lab, TARGET), name_points_at(platform.lab)) == (LOST, LOST)


@pytest.mark.nightly
def test_a_region_short_of_one_type_takes_another(platform):
    given = json.dumps({"application_instance_types": ["t3.medium", "t3a.medium"]})
    types = ("--tags", "application", "-e", given)
    assert any(platform.run("site", *types).ends_well().changed.values())
    assert not any(platform.run("site", *types).ends_well().changed.values())
    platform.lab.limit_instances(TARGET, 2, type="t3.medium")
    scaling = platform.lab.client("autoscaling", TARGET)
    scaling.set_desired_capacity(AutoScalingGroupName=GROUP, DesiredCapacity=4)
    running = sorted(one["InstanceType"] for one in group(platform.lab, TARGET)["Instances"])
    assert running == ["t3.medium", "t3.medium", "t3a.medium", "t3a.medium"]


@pytest.mark.nightly
def test_a_move_to_a_region_without_capacity_gets_what_is_reserved_there(platform):
    lab, ec2 = platform.lab, platform.lab.client("ec2", TARGET)
    lab.limit_instances(TARGET, 2)
    made = ec2.create_capacity_reservation(
        InstanceType="t3.medium",
        InstancePlatform="Linux/UNIX",
        AvailabilityZone=f"{TARGET}a",
        InstanceCount=2,
        InstanceMatchCriteria="targeted",
    )["CapacityReservation"]
    given = {
        "application_capacity_reservation_preference": "capacity-reservations-first",
        "application_capacity_reservation_ids": {TARGET: [made["CapacityReservationId"]]},
    }
    options = ("-e", json.dumps(given))
    calls = len(lab.calls())
    refused = platform.run("site", *options, "-e", "application_capacity_reservation_preference=none")
    assert refused.code != 0 and "only with application_capacity_reservation_ids" in words(refused)
    assert [call for call in lab.calls()[calls:] if call["mutating"]] == []

    assert any(platform.run("site", "--tags", "application", *options).ends_well().changed.values())
    assert not any(platform.run("site", "--tags", "application", *options).ends_well().changed.values())
    grow(platform, 5)
    short = platform.run("readiness")
    assert "2 of 2 reserved instances" in words(short) and "a failover starts 3" in words(short)
    grow(platform, 4)
    assert "a failover starts 2" in words(platform.run("readiness"))

    platform.run("switchover").ends_well()
    assert name_points_at(lab) == TARGET and healthy_targets(lab, TARGET) == 4
    (seen,) = ec2.describe_capacity_reservations()["CapacityReservations"]
    assert (seen["TotalInstanceCount"], seen["AvailableInstanceCount"]) == (2, 0)
    assert any(platform.run("site", "--tags", "application").ends_well().changed.values())
    assert "CapacityReservationTarget" not in group(lab, TARGET)["CapacityReservationSpecification"]


@pytest.mark.nightly
def test_provisioning_restores_the_minimum_size_and_keeps_the_capacity(platform):
    grow(platform, 4)
    platform.run("switchover").ends_well()
    assert (capacity(platform.lab, TARGET), holds(platform, TARGET)) == ({"min": 4, "desired": 4, "max": 6}, [2])
    platform.run("site").ends_well()
    assert (capacity(platform.lab, TARGET), holds(platform, TARGET)) == ({"min": 2, "desired": 4, "max": 6}, [])
    assert not any(platform.run("site").ends_well().changed.values())
