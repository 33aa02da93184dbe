# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform in a lab whose application is an ECS service that somebody else has made."""

from __future__ import annotations

from typing import Any

from tests.lab.ecs_service import SERVICE, make_service, scale
from tests.lab.failover_platform import Platform


class ServicePlatform(Platform):
    """The platform, with a service in place of the Auto Scaling group."""

    def _application(self, region: str) -> dict[str, Any]:
        ec2, elb = self.lab.client("ec2", region), self.lab.client("elbv2", region)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{region}{zone}")["Subnet"]
            for n, zone in enumerate("ab")
        ]
        subnet_ids = [subnet["SubnetId"] for subnet in subnets]
        group = elb.create_target_group(Name="trading-tg-dev", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip")
        arn = group["TargetGroups"][0]["TargetGroupArn"]
        balancer = elb.create_load_balancer(Name="trading-alb-dev", Subnets=subnet_ids)["LoadBalancers"][0]
        elb.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
        )
        make_service(self.lab, region, subnet_ids, arn)
        scale(self.lab, region)
        return {
            "compute": "ecs",
            "ecs_service": SERVICE,
            "target_group_arn": arn,
            "load_balancer_arn": balancer["LoadBalancerArn"],
            "load_balancer_dns_name": balancer["DNSName"],
        }
