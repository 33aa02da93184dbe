# SPDX-License-Identifier: GPL-3.0-or-later
"""ECS services as the owner of an application makes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lab.client import Lab

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


def make_services(lab: Lab, regions: Iterable[str]) -> None:
    """Make what site.yml asks for when it stops: a service in each region, of two tasks behind its target group."""
    for region in regions:
        (group,) = lab.client("elbv2", region).describe_target_groups(Names=["trading-tg-dev"])["TargetGroups"]
        found = lab.client("ec2", region).describe_subnets(Filters=[{"Name": "vpc-id", "Values": [group["VpcId"]]}])
        private = sorted(one["SubnetId"] for one in found["Subnets"])[:2]
        make_service(lab, region, private, group["TargetGroupArn"])
        scale(lab, region)
