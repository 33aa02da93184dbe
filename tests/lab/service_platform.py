# SPDX-License-Identifier: GPL-3.0-or-later
"""A platform in a lab whose application is an ECS service that somebody else has made."""

from __future__ import annotations

from typing import Any

from lab.client import Lab
from tests.lab.failover_platform import Platform

SERVICE = "trading/orders"
RESOURCE = {
    "ServiceNamespace": "ecs",
    "ResourceId": f"service/{SERVICE}",
    "ScalableDimension": "ecs:service:DesiredCount",
}


def make_service(
    lab: Lab, region: str, subnets: list[str], target_group_arn: str, count: int = 2, name: str = "orders", **more: Any
) -> None:
    """Make the cluster and the service on Fargate; without a target group it registers its tasks nowhere."""
    balanced = {"targetGroupArn": target_group_arn, "containerName": "app", "containerPort": 8080}
    ecs = lab.client("ecs", region)
    ecs.create_cluster(clusterName="trading")
    ecs.register_task_definition(
        family="orders",
        networkMode="awsvpc",
        containerDefinitions=[
            {"name": "app", "image": "app", "memory": 512, "portMappings": [{"containerPort": 8080}]}
        ],
    )
    ecs.create_service(
        cluster="trading",
        serviceName=name,
        taskDefinition="orders",
        launchType="FARGATE",
        desiredCount=count,
        loadBalancers=[balanced] if target_group_arn else [],
        networkConfiguration={"awsvpcConfiguration": {"subnets": subnets, "securityGroups": []}},
        **more,
    )


def scale(lab: Lab, region: str, low: int = 2, high: int = 6) -> None:
    """Have Application Auto Scaling know the service."""
    scaling = lab.client("application-autoscaling", region)
    scaling.register_scalable_target(**RESOURCE, MinCapacity=low, MaxCapacity=high)


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
