# SPDX-License-Identifier: GPL-3.0-or-later
"""Target health: states over time, the world's rules, outages; and attributes that read back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.in_process import EAST, IMAGE, Aws


class Balancer:
    """A load balancer with a listener to a target group in the region's default VPC, and instances to register."""

    def __init__(self, aws: Aws, region: str = EAST) -> None:
        self.aws, self.region = aws, region
        self.elbv2, self.ec2 = aws.client("elbv2", region), aws.client("ec2", region)
        subnets = self.ec2.describe_subnets()["Subnets"][:2]
        self.vpc_id, self.subnets = subnets[0]["VpcId"], [one["SubnetId"] for one in subnets]
        self.arn = self.elbv2.create_load_balancer(Name="alb", Subnets=self.subnets)["LoadBalancers"][0][
            "LoadBalancerArn"
        ]
        self.group = self.elbv2.create_target_group(Name="tg", Protocol="HTTP", Port=8080, VpcId=self.vpc_id)[
            "TargetGroups"
        ][0]["TargetGroupArn"]

    def listen(self) -> None:
        action = {"Type": "forward", "TargetGroupArn": self.group}
        self.elbv2.create_listener(LoadBalancerArn=self.arn, Protocol="HTTP", Port=80, DefaultActions=[action])

    def register(self, count: int) -> list[str]:
        started = self.ec2.run_instances(ImageId=IMAGE, MinCount=count, MaxCount=count)["Instances"]
        ids = [one["InstanceId"] for one in started]
        self.elbv2.register_targets(TargetGroupArn=self.group, Targets=[{"Id": one} for one in ids])
        return ids

    def health(self) -> dict[str, dict[str, Any]]:
        shown = self.elbv2.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        return {one["Target"]["Id"]: one["TargetHealth"] for one in shown}

    def states(self) -> list[str]:
        return sorted(one["State"] for one in self.health().values())

    def until(self, *states: str) -> None:
        assert self.aws.wait(self.states, lambda now: now == sorted(states)) == sorted(states)


@pytest.fixture
def balancer(aws: Aws) -> Balancer:
    return Balancer(aws)


def test_a_target_behind_a_network_acl_that_denies_does_not_respond(balancer: Balancer) -> None:
    balancer.listen()
    (instance,) = balancer.register(1)
    balancer.until("healthy")
    denied = {"RuleNumber": 7, "Protocol": "-1", "RuleAction": "deny", "CidrBlock": "0.0.0.0/0", "Egress": False}
    for acl in balancer.ec2.describe_network_acls()["NetworkAcls"]:
        balancer.ec2.create_network_acl_entry(NetworkAclId=acl["NetworkAclId"], **denied)
    assert balancer.health()[instance] | {"Description": ""} == {
        "State": "unhealthy",
        "Reason": "Target.Timeout",
        "Description": "",
    }


def test_a_new_target_is_initial_before_it_is_healthy(balancer: Balancer) -> None:
    balancer.listen()
    (instance,) = balancer.register(1)
    assert balancer.health()[instance]["State"] == "initial"
    assert balancer.health()[instance]["Reason"] == "Elb.RegistrationInProgress"
    balancer.until("healthy")
    assert balancer.health()[instance] == {"State": "healthy"}


def test_a_group_without_listener_is_not_checked(balancer: Balancer) -> None:
    (instance,) = balancer.register(1)
    assert balancer.health()[instance]["State"] == "unused"
    assert balancer.health()[instance]["Reason"] == "Target.NotInUse"


def test_targets_follow_an_outage_of_their_region(balancer: Balancer) -> None:
    balancer.listen()
    (instance,) = balancer.register(1)
    balancer.until("healthy")
    balancer.aws.lose(EAST)
    assert balancer.health()[instance]["Reason"] == "Target.Timeout"
    balancer.aws.restore(EAST)
    balancer.until("healthy")


def test_targets_are_set_for_a_region_or_a_group(balancer: Balancer) -> None:
    balancer.listen()
    ids = balancer.register(4)
    balancer.until(*["healthy"] * 4)
    balancer.aws.targets(EAST, "unhealthy", healthy=1)
    assert [balancer.health()[one]["State"] for one in ids] == ["healthy"] + ["unhealthy"] * 3
    balancer.aws.targets(EAST, "healthy", group=balancer.group)
    balancer.until(*["healthy"] * 4)


def test_a_deregistered_target_drains_and_is_gone(balancer: Balancer) -> None:
    balancer.listen()
    (instance,) = balancer.register(1)
    balancer.elbv2.deregister_targets(TargetGroupArn=balancer.group, Targets=[{"Id": instance}])
    assert balancer.health()[instance]["State"] == "draining"
    balancer.until()
    asked = balancer.elbv2.describe_target_health(TargetGroupArn=balancer.group, Targets=[{"Id": instance}])
    assert asked["TargetHealthDescriptions"][0]["TargetHealth"]["Reason"] == "Target.NotRegistered"


def test_attributes_of_a_new_load_balancer_and_group_are_complete(balancer: Balancer) -> None:
    shown = balancer.elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer.arn)["Attributes"]
    attributes = {one["Key"]: one["Value"] for one in shown}
    assert attributes["idle_timeout.timeout_seconds"] == "60" and attributes["client_keep_alive.seconds"] == "3600"
    change = [{"Key": "idle_timeout.timeout_seconds", "Value": "30"}]
    balancer.elbv2.modify_load_balancer_attributes(LoadBalancerArn=balancer.arn, Attributes=change)
    shown = balancer.elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer.arn)["Attributes"]
    assert change[0] in shown
    name = "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count"
    group = balancer.elbv2.describe_target_group_attributes(TargetGroupArn=balancer.group)["Attributes"]
    assert {"Key": name, "Value": "1"} in group
