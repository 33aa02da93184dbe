# SPDX-License-Identifier: GPL-3.0-or-later
"""Every read of the known operations that a platform has something to show for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

Client = Callable[[str, str], Any]
EC2 = (
    "instances",
    "nat_gateways",
    "route_tables",
    "security_groups",
    "subnets",
    "vpc_endpoints",
    "vpc_peering_connections",
    "vpcs",
)
# Of a bucket; those without the configuration answer with an error.
BUCKET = (
    "get_bucket_acl",
    "get_bucket_encryption",
    "get_bucket_lifecycle_configuration",
    "get_bucket_location",
    "get_bucket_ownership_controls",
    "get_bucket_policy",
    "get_bucket_replication",
    "get_bucket_tagging",
    "get_bucket_versioning",
    "get_public_access_block",
)


def read_platform(client: Client, regions: Iterable[str]) -> None:
    """Read everything, in each region. client: as `lab.client.Lab.client`."""
    first, *_ = regions
    read_global(client, first)
    for region in regions:
        for read in (read_network, read_balancers, read_groups, read_tables, read_database, read_secrets, read_rest):
            read(client, region)


def read_global(client: Client, region: str) -> None:
    client("sts", region).get_caller_identity()
    route53, s3 = client("route53", region), client("s3", region)
    for check in route53.list_health_checks()["HealthChecks"]:
        route53.list_tags_for_resource(ResourceType="healthcheck", ResourceId=check["Id"])
    for zone in route53.list_hosted_zones()["HostedZones"]:
        route53.list_resource_record_sets(HostedZoneId=zone["Id"])
        route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone["Id"].rpartition("/")[2])
    for bucket in s3.list_buckets()["Buckets"]:
        for name in BUCKET:
            try:
                getattr(s3, name)(Bucket=bucket["Name"])
            except ClientError as error:  # the form of the error is compared too
                assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404, error


def read_network(client: Client, region: str) -> None:
    ec2 = client("ec2", region)
    for name in EC2:
        getattr(ec2, f"describe_{name}")()
    for template in ec2.describe_launch_templates()["LaunchTemplates"]:
        ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"])


def read_balancers(client: Client, region: str) -> None:
    elb = client("elbv2", region)
    for balancer in elb.describe_load_balancers()["LoadBalancers"]:
        arn = balancer["LoadBalancerArn"]
        elb.describe_load_balancer_attributes(LoadBalancerArn=arn)
        elb.describe_listeners(LoadBalancerArn=arn)
        elb.describe_tags(ResourceArns=[arn])
    for group in elb.describe_target_groups()["TargetGroups"]:
        elb.describe_target_group_attributes(TargetGroupArn=group["TargetGroupArn"])
        elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])


def read_groups(client: Client, region: str) -> None:
    client("autoscaling", region).describe_auto_scaling_groups()
    client("autoscaling", region).describe_policies()


def read_tables(client: Client, region: str) -> None:
    dynamodb = client("dynamodb", region)
    for name in dynamodb.list_tables()["TableNames"]:
        arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
        dynamodb.describe_continuous_backups(TableName=name)
        dynamodb.list_tags_of_resource(ResourceArn=arn)


def read_database(client: Client, region: str) -> None:
    rds = client("rds", region)
    rds.describe_global_clusters()
    for cluster in rds.describe_db_clusters()["DBClusters"]:
        rds.describe_db_cluster_parameters(DBClusterParameterGroupName=cluster["DBClusterParameterGroup"])
    for instance in rds.describe_db_instances()["DBInstances"]:
        for group in instance["DBParameterGroups"]:
            rds.describe_db_parameters(DBParameterGroupName=group["DBParameterGroupName"])
    metric = {"Namespace": "AWS/RDS", "MetricName": "CPUUtilization"}
    now = datetime.now(UTC)
    client("cloudwatch", region).get_metric_data(
        MetricDataQueries=[{"Id": "cpu", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Average"}}],
        StartTime=now - timedelta(minutes=10),
        EndTime=now,
    )


def read_secrets(client: Client, region: str) -> None:
    secrets, kms = client("secretsmanager", region), client("kms", region)
    for secret in secrets.list_secrets()["SecretList"]:
        secrets.describe_secret(SecretId=secret["ARN"])
        secrets.list_secret_version_ids(SecretId=secret["ARN"])
    for alias in kms.list_aliases()["Aliases"]:
        if key := alias.get("TargetKeyId"):
            kms.describe_key(KeyId=key)


def read_rest(client: Client, region: str) -> None:
    client("cloudwatch", region).describe_alarms()
    client("events", region).list_rules()
    client("lambda", region).list_functions()
    client("logs", region).describe_log_groups()
    client("ssm", region).describe_parameters()
    sns = client("sns", region)
    for topic in sns.list_topics()["Topics"]:
        sns.get_topic_attributes(TopicArn=topic["TopicArn"])
        sns.list_subscriptions_by_topic(TopicArn=topic["TopicArn"])
