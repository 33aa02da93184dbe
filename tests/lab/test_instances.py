# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS does with groups by itself: launches that fail, scale-in of what idles, scheduled actions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.clock import CLOCK
from lab.world import WORLD
from tests.lab.in_process import Aws, refused
from tests.lab.test_autoscaling import Fleet

GROUP = {"AutoScalingGroupName": "asg"}
TRACKING = {"PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"}, "TargetValue": 50.0}


@pytest.fixture
def fleet(aws: Aws) -> Fleet:
    """Time passes by `pass_time` only, so that a busy machine changes nothing: a second of it is one of AWS."""
    CLOCK.scale = 1.0  # `aws` restores it
    fleet = Fleet(aws)
    fleet.scaling.update_auto_scaling_group(**GROUP, HealthCheckGracePeriod=300)
    return fleet


def short(fleet: Fleet, most: int, kind: str | None = None) -> None:
    WORLD.instance_limits[fleet.region, kind] = most


def pass_time(fleet: Fleet, seconds: float) -> None:
    fleet.aws.tick()
    CLOCK.advance(seconds)
    fleet.aws.tick()


def activities(fleet: Fleet, status: str) -> list[dict[str, Any]]:
    found = fleet.scaling.describe_scaling_activities(**GROUP)["Activities"]
    return [one for one in found if one["StatusCode"] == status]


def test_what_aws_has_not_got_is_a_failed_activity_in_its_words(fleet: Fleet) -> None:
    short(fleet, 3)
    fleet.resize(5)
    assert (len(fleet.instances()), fleet.read()["DesiredCapacity"]) == (3, 5)
    (failed,) = activities(fleet, "Failed")
    said = "We currently do not have sufficient t3.medium capacity in the Availability Zone you requested (us-east-1"
    assert failed["StatusMessage"].startswith(said) and failed["StatusMessage"].endswith(
        "Launching EC2 instance failed."
    )
    assert failed["Description"] == f"Launching a new EC2 instance.  Status Reason: {failed['StatusMessage']}"
    assert (failed["Progress"], len(activities(fleet, "Successful"))) == (100, 3)
    assert fleet.scaling.describe_scaling_activities(**GROUP, MaxRecords=1)["Activities"] == [failed]


def test_a_group_goes_on_to_request_what_it_lacks(fleet: Fleet) -> None:
    short(fleet, 2)
    fleet.resize(4)
    pass_time(fleet, 90)
    assert (len(fleet.instances()), len(activities(fleet, "Failed"))) == (2, 2)
    WORLD.instance_limits.clear()
    pass_time(fleet, 90)
    assert len(fleet.instances()) == 4
    pass_time(fleet, 60)
    assert fleet.states() == ["healthy"] * 4


def test_a_group_whose_launches_are_suspended_launches_nothing(fleet: Fleet) -> None:
    fleet.scaling.suspend_processes(**GROUP, ScalingProcesses=["Launch"])
    fleet.resize(4)
    assert len(fleet.instances()) == 2 and activities(fleet, "Failed") == []


def test_a_mixed_instances_policy_takes_the_next_type(fleet: Fleet) -> None:
    specification = {"LaunchTemplateName": "template", "Version": "$Latest"}
    overrides = [{"InstanceType": "t3.medium"}, {"InstanceType": "t3a.medium"}]
    policy = {"LaunchTemplate": {"LaunchTemplateSpecification": specification, "Overrides": overrides}}
    fleet.scaling.update_auto_scaling_group(**GROUP, MixedInstancesPolicy=policy)
    fleet.scaling.update_auto_scaling_group(**GROUP, MinSize=1)
    assert fleet.read()["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"] == overrides, "an update keeps it"
    short(fleet, 2, "t3.medium")
    fleet.resize(4)
    assert sorted(one["InstanceType"] for one in fleet.read()["Instances"]) == ["t3.medium"] * 2 + ["t3a.medium"] * 2
    short(fleet, 2, "t3a.medium")
    fleet.resize(5)
    said = (
        "Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have sufficient t3a"
    )
    assert activities(fleet, "Failed")[0]["StatusMessage"].startswith(said)


def track(fleet: Fleet, **more: Any) -> None:
    given = {"PolicyName": "cpu", "PolicyType": "TargetTrackingScaling"}
    fleet.scaling.put_scaling_policy(**GROUP, **given, TargetTrackingConfiguration={**TRACKING, **more})
    fleet.scaling.update_auto_scaling_group(**GROUP, MinSize=1)


def test_an_idle_group_is_lowered_to_its_minimum_and_no_further(fleet: Fleet) -> None:
    track(fleet)
    fleet.resize(3)
    pass_time(fleet, 600)
    assert fleet.read()["DesiredCapacity"] == 3, "not before 15 minutes below the alarm"
    for desired in (2, 1, 1):
        pass_time(fleet, 400)
        assert fleet.read()["DesiredCapacity"] == desired
    fleet.resize(3)
    pass_time(fleet, 120)
    assert fleet.read()["DesiredCapacity"] == 3, "not while instances warm up"
    pass_time(fleet, 300)
    assert fleet.read()["DesiredCapacity"] == 2


@pytest.mark.parametrize("reason", ["no samples", "disabled", "busy enough", "minimum"])
def test_a_group_is_not_lowered(fleet: Fleet, reason: str) -> None:
    track(fleet, **({"DisableScaleIn": True} if reason == "disabled" else {}))
    if reason == "minimum":
        fleet.scaling.update_auto_scaling_group(**GROUP, MinSize=3, DesiredCapacity=3)
    fleet.resize(3)
    fleet.aws.settings(idle_cpu_percent={"no samples": None, "busy enough": 45.0}.get(reason, 5.0))
    pass_time(fleet, 1000)
    pass_time(fleet, 100)
    assert fleet.read()["DesiredCapacity"] == 3


def test_a_scheduled_action_sets_sizes_once_at_its_time(fleet: Fleet) -> None:
    start = datetime.now(UTC) + timedelta(seconds=600)
    action = {**GROUP, "ScheduledActionName": "later", "StartTime": start}
    fleet.scaling.put_scheduled_update_group_action(**action, MinSize=4)
    fleet.scaling.put_scheduled_update_group_action(**action, MinSize=3)
    (shown,) = fleet.scaling.describe_scheduled_actions(**GROUP)["ScheduledUpdateGroupActions"]
    assert (shown["MinSize"], abs((shown["StartTime"] - start).total_seconds()) < 1) == (3, True)
    pass_time(fleet, 500)
    assert fleet.read()["MinSize"] == 0
    pass_time(fleet, 200)
    assert (fleet.read()["MinSize"], fleet.read()["DesiredCapacity"], len(fleet.instances())) == (3, 3, 3)
    assert fleet.scaling.describe_scheduled_actions(**GROUP)["ScheduledUpdateGroupActions"] == []
    past = {**action, "StartTime": datetime.now(UTC) - timedelta(seconds=60)}
    refused("ValidationError", fleet.scaling.put_scheduled_update_group_action, **past, MinSize=2)
