# SPDX-License-Identifier: GPL-3.0-or-later
"""How many resources of each type a region holds, asked of the API as anybody could."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lab.client import Lab


def ours(vpc: dict[str, Any]) -> bool:
    return not vpc["IsDefault"]


def in_region(ec2: Any, operation: str, key: str, vpcs: list[str]) -> int:
    """Resources of our VPCs: every region also has a default VPC."""
    found = getattr(ec2, operation)(Filters=[{"Name": "vpc-id", "Values": vpcs}])[key] if vpcs else []
    return len(found)


def network(lab: Lab, region: str) -> Iterable[tuple[str, int]]:
    ec2 = lab.client("ec2", region)
    vpcs = [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"] if ours(vpc)]
    yield "VPCs", len(vpcs)
    yield "subnets", in_region(ec2, "describe_subnets", "Subnets", vpcs)
    yield "route tables", in_region(ec2, "describe_route_tables", "RouteTables", vpcs)
    yield "security groups", in_region(ec2, "describe_security_groups", "SecurityGroups", vpcs)
    yield "NAT gateways", in_region(ec2, "describe_nat_gateways", "NatGateways", vpcs)
    yield "VPC endpoints", in_region(ec2, "describe_vpc_endpoints", "VpcEndpoints", vpcs)
    yield "VPC peerings", len(ec2.describe_vpc_peering_connections()["VpcPeeringConnections"])
    yield "instances", sum(len(group["Instances"]) for group in ec2.describe_instances()["Reservations"])
    yield "launch templates", len(ec2.describe_launch_templates()["LaunchTemplates"])


def counter(service: str, operation: str, key: str) -> Callable[[Lab, str], int]:
    """Counts what one list operation of a regional service answers."""
    return lambda lab, region: len(getattr(lab.client(service, region), operation)()[key])


def buckets(lab: Lab, region: str) -> int:
    """Bucket lists are global: read each bucket's region. For us-east-1 AWS returns none, for historical reasons."""
    s3 = lab.client("s3", region)
    names = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    places = [s3.get_bucket_location(Bucket=name)["LocationConstraint"] or "us-east-1" for name in names]
    return places.count(region)


def keys(lab: Lab, region: str) -> int:
    """Customer managed keys; those that AWS manages for its services are in every region."""
    kms = lab.client("kms", region)
    found = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    return sum(key["KeyManager"] == "CUSTOMER" for key in found)


OTHERS: dict[str, Callable[[Lab, str], int]] = {
    "load balancers": counter("elbv2", "describe_load_balancers", "LoadBalancers"),
    "target groups": counter("elbv2", "describe_target_groups", "TargetGroups"),
    "auto scaling groups": counter("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"),
    "database clusters": counter("rds", "describe_db_clusters", "DBClusters"),
    "database instances": counter("rds", "describe_db_instances", "DBInstances"),
    "DynamoDB tables": counter("dynamodb", "list_tables", "TableNames"),
    "S3 buckets": buckets,
    "secrets": counter("secretsmanager", "list_secrets", "SecretList"),
    "KMS keys": keys,
    "SNS topics": counter("sns", "list_topics", "Topics"),
    "alarms": counter("cloudwatch", "describe_alarms", "MetricAlarms"),
}


def of_region(lab: Lab, region: str) -> dict[str, int]:
    """{type: how many} in one region, for the types of which there are any."""
    counts = dict(network(lab, region)) | {name: count(lab, region) for name, count in OTHERS.items()}
    return {name: number for name, number in counts.items() if number}


def global_ones(lab: Lab) -> dict[str, int]:
    """The same for what belongs to no region."""
    route53, iam = lab.client("route53"), lab.client("iam")
    zones = [zone["Id"] for zone in route53.list_hosted_zones()["HostedZones"]]
    records = sum(len(route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]) for zone in zones)
    return {
        "hosted zones": len(zones),
        "records": records,
        "health checks": len(route53.list_health_checks()["HealthChecks"]),
        "roles": len(iam.list_roles()["Roles"]),
    }
