# SPDX-License-Identifier: GPL-3.0-or-later
"""Security groups of load balancers: who reaches them, and how many rules fit."""

from __future__ import annotations

from typing import Any

import pytest

from lab.services.security_groups import CHECKERS, admits
from tests.lab.in_process import EAST, Aws, refused


def rule(port: int, **source: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **source}


def of(*cidrs: str) -> dict[str, Any]:
    return {"IpRanges": [{"CidrIp": cidr} for cidr in cidrs]}


class Front:
    """A load balancer with one security group."""

    def __init__(self, aws: Aws) -> None:
        self.ec2 = aws.client("ec2", EAST)
        vpc = self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        zones = ("a", "b")
        subnets = [
            self.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{EAST}{zone}")
            for number, zone in enumerate(zones)
        ]
        self.group = self.ec2.create_security_group(GroupName="front", Description="front", VpcId=vpc)["GroupId"]
        (made,) = aws.client("elbv2", EAST).create_load_balancer(
            Name="front", Subnets=[one["Subnet"]["SubnetId"] for one in subnets], SecurityGroups=[self.group]
        )["LoadBalancers"]
        self.arn = made["LoadBalancerArn"]
        names = [{"Name": "prefix-list-name", "Values": [f"com.amazonaws.{EAST}.route53-healthchecks"]}]
        (self.checkers,) = self.ec2.describe_managed_prefix_lists(Filters=names)["PrefixLists"]

    def allow(self, *rules: dict[str, Any]) -> None:
        self.ec2.authorize_security_group_ingress(GroupId=self.group, IpPermissions=list(rules))

    def admits(self, port: int, *networks: str) -> bool:
        return admits(EAST, self.arn, [port], networks)


@pytest.fixture
def front(aws: Aws) -> Front:
    return Front(aws)


def test_only_who_is_let_in_reaches_a_load_balancer(front: Front) -> None:
    assert not front.admits(80, "192.0.2.10")
    front.allow(rule(80, **of("192.0.2.0/24")))
    assert front.admits(80, "192.0.2.10") and not front.admits(443, "192.0.2.10") and not front.admits(80, *CHECKERS)
    front.allow(rule(80, PrefixListIds=[{"PrefixListId": front.checkers["PrefixListId"]}]))
    assert front.admits(80, *CHECKERS)


def test_what_a_network_acl_denies_reaches_no_load_balancer_whatever_its_groups_allow(front: Front) -> None:
    front.allow(rule(80, **of("0.0.0.0/0")))
    assert front.admits(80, "192.0.2.10")
    acls = front.ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [front.vpc]}])["NetworkAcls"]
    denied = {"RuleNumber": 7, "Protocol": "-1", "RuleAction": "deny", "CidrBlock": "192.0.2.0/24", "Egress": False}
    for acl in acls:
        front.ec2.create_network_acl_entry(NetworkAclId=acl["NetworkAclId"], **denied)
    assert not front.admits(80, "192.0.2.10") and front.admits(80, "198.51.100.1")


def test_the_checkers_prefix_list_counts_as_25_of_60_rules(front: Front) -> None:
    checkers = {"PrefixListIds": [{"PrefixListId": front.checkers["PrefixListId"]}]}
    front.allow(rule(80, **checkers), rule(443, **checkers))
    front.allow(*(rule(80, **of(f"192.0.2.{number}/32")) for number in range(10)))
    refused("RulesPerSecurityGroupLimitExceeded", lambda: front.allow(rule(80, **of("192.0.2.99/32"))))
