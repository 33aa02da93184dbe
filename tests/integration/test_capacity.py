# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves while AWS has no more instances, and what a move changes of the target's group for some time."""

from __future__ import annotations

from tests.integration.aws import GROUP, capacity, healthy_targets, name_points_at, runs, writer_region

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
