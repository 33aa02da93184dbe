# SPDX-License-Identifier: GPL-3.0-or-later
"""Auto Scaling groups: capacity becomes targets and leaves none behind."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from lab.clock import CLOCK
from tests.lab.in_process import IMAGE, Aws, refused
from tests.lab.test_target_health import Balancer

USER_DATA = base64.b64encode(b"#!/bin/sh\necho ready\n").decode()


class Fleet(Balancer):
    """A group `asg` of 2 to 6 instances from a launch template, registered with a listening target group."""

    def __init__(self, aws: Aws) -> None:
        super().__init__(aws)
        self.listen()
        data = {"ImageId": IMAGE, "InstanceType": "t3.medium", "UserData": USER_DATA}
        self.ec2.create_launch_template(LaunchTemplateName="template", LaunchTemplateData=data)
        self.scaling = aws.client("autoscaling", self.region)
        self.scaling.create_auto_scaling_group(
            AutoScalingGroupName="asg",
            MinSize=0,
            MaxSize=6,
            DesiredCapacity=2,
            LaunchTemplate={"LaunchTemplateName": "template", "Version": "$Latest"},
            VPCZoneIdentifier=",".join(self.subnets),
            TargetGroupARNs=[self.group],
        )

    def instances(self) -> list[str]:
        return sorted(one["InstanceId"] for one in self.read()["Instances"])

    def read(self) -> dict[str, Any]:
        return self.scaling.describe_auto_scaling_groups(AutoScalingGroupNames=["asg"])["AutoScalingGroups"][0]

    def resize(self, desired: int) -> None:
        self.scaling.set_desired_capacity(AutoScalingGroupName="asg", DesiredCapacity=desired)

    def until_targets_are_instances(self) -> None:
        def same() -> bool:
            return sorted(self.health()) == self.instances() and set(self.states()) <= {"healthy"}

        assert self.aws.wait(same), (self.health(), self.instances())


@pytest.fixture
def fleet(aws: Aws) -> Fleet:
    return Fleet(aws)


def test_instances_become_healthy_targets(aws: Aws) -> None:
    aws.settings(target_initial_s=3600)
    fleet = Fleet(aws)
    assert len(fleet.instances()) == 2 and fleet.states() == ["initial", "initial"]
    CLOCK.advance(3600)
    fleet.until_targets_are_instances()
    fleet.resize(4)
    assert sorted(fleet.states()) == ["healthy", "healthy", "initial", "initial"]
    CLOCK.advance(3600)
    fleet.until_targets_are_instances()


def test_scaling_in_deregisters_and_zero_leaves_none(fleet: Fleet) -> None:
    fleet.resize(1)
    assert fleet.states().count("draining") == 1
    fleet.until_targets_are_instances()
    fleet.resize(0)
    fleet.until_targets_are_instances()
    assert fleet.health() == {} and fleet.instances() == []


def test_a_replaced_instance_is_registered(fleet: Fleet) -> None:
    gone = fleet.instances()[0]
    fleet.ec2.terminate_instances(InstanceIds=[gone])
    fleet.until_targets_are_instances()
    assert gone not in fleet.health() and len(fleet.health()) == 2


def test_sizes_out_of_order_are_refused(fleet: Fleet) -> None:
    refused("ValidationError", fleet.scaling.set_desired_capacity, AutoScalingGroupName="asg", DesiredCapacity=7)
    refused("ValidationError", fleet.scaling.update_auto_scaling_group, AutoScalingGroupName="asg", MinSize=7)
    refused("ValidationError", fleet.scaling.set_desired_capacity, AutoScalingGroupName="no", DesiredCapacity=1)


def test_metrics_collection_is_switched_on_and_off(fleet: Fleet) -> None:
    fleet.scaling.enable_metrics_collection(AutoScalingGroupName="asg", Granularity="1Minute")
    assert len(fleet.read()["EnabledMetrics"]) == 13
    fleet.scaling.disable_metrics_collection(AutoScalingGroupName="asg", Metrics=["GroupMinSize"])
    assert len(fleet.read()["EnabledMetrics"]) == 12
    fleet.scaling.disable_metrics_collection(AutoScalingGroupName="asg")
    assert fleet.read()["EnabledMetrics"] == []


def test_settings_moto_drops_read_back(fleet: Fleet) -> None:
    fleet.scaling.update_auto_scaling_group(
        AutoScalingGroupName="asg", DefaultCooldown=60, DefaultInstanceWarmup=90, TerminationPolicies=["OldestInstance"]
    )
    shown = fleet.read()
    assert (shown["DefaultCooldown"], shown["DefaultInstanceWarmup"]) == (60, 90)
    assert shown["TerminationPolicies"] == ["OldestInstance"]


def test_an_instance_refresh_replaces_every_instance(fleet: Fleet) -> None:
    before = fleet.instances()
    version = fleet.ec2.create_launch_template_version(
        LaunchTemplateName="template",
        LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "t3.large", "UserData": USER_DATA},
    )["LaunchTemplateVersion"]["VersionNumber"]
    refresh = fleet.scaling.start_instance_refresh(AutoScalingGroupName="asg")["InstanceRefreshId"]
    refused("InstanceRefreshInProgress", fleet.scaling.start_instance_refresh, AutoScalingGroupName="asg")

    def status() -> str:
        shown = fleet.scaling.describe_instance_refreshes(AutoScalingGroupName="asg", InstanceRefreshIds=[refresh])
        return shown["InstanceRefreshes"][0]["Status"]

    assert status() == "InProgress"
    assert fleet.aws.wait(status, lambda now: now == "Successful") == "Successful"
    fleet.until_targets_are_instances()
    assert not set(before) & set(fleet.instances())
    assert {one["LaunchTemplate"]["Version"] for one in fleet.read()["Instances"]} == {str(version)}


def test_a_target_tracking_policy_reads_back(fleet: Fleet) -> None:
    target = {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
        "TargetValue": 60.0,
        "DisableScaleIn": False,
    }
    fleet.scaling.put_scaling_policy(
        AutoScalingGroupName="asg",
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration=target,
    )
    (policy,) = fleet.scaling.describe_policies(AutoScalingGroupName="asg")["ScalingPolicies"]
    assert policy["TargetTrackingConfiguration"] == target


def test_a_group_with_instances_is_deleted_by_force_only(fleet: Fleet) -> None:
    refused("ResourceInUse", fleet.scaling.delete_auto_scaling_group, AutoScalingGroupName="asg")
    fleet.scaling.delete_auto_scaling_group(AutoScalingGroupName="asg", ForceDelete=True)
    assert fleet.aws.wait(fleet.health, lambda now: now == {}) == {}
    fleet.elbv2.delete_load_balancer(LoadBalancerArn=fleet.arn)
    fleet.elbv2.delete_target_group(TargetGroupArn=fleet.group)
