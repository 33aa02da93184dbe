# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left of a platform, asked of the lab resource type by resource type; and inventories without a region."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.integration.aws import control_item, members
from tests.integration.permissions import KINDS
from tests.integration.platforms import Platform

# Service, operation, key of the answer. What every AWS account has by itself is taken off below.
LEFT_IN_A_REGION = [
    ("ec2", "describe_launch_templates", "LaunchTemplates"),
    ("ec2", "describe_addresses", "Addresses"),
    ("elbv2", "describe_load_balancers", "LoadBalancers"),
    ("elbv2", "describe_target_groups", "TargetGroups"),
    ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"),
    ("rds", "describe_global_clusters", "GlobalClusters"),
    ("rds", "describe_db_clusters", "DBClusters"),
    ("rds", "describe_db_instances", "DBInstances"),
    ("rds", "describe_db_subnet_groups", "DBSubnetGroups"),
    ("rds", "describe_db_cluster_parameter_groups", "DBClusterParameterGroups"),
    ("rds", "describe_db_cluster_snapshots", "DBClusterSnapshots"),
    ("dynamodb", "list_tables", "TableNames"),
    ("sns", "list_topics", "Topics"),
    ("logs", "describe_log_groups", "logGroups"),
    ("lambda", "list_functions", "Functions"),
    ("events", "list_rules", "Rules"),
    ("cloudwatch", "describe_alarms", "MetricAlarms"),
    ("cloudwatch", "list_dashboards", "DashboardEntries"),
    ("s3", "list_buckets", "Buckets"),
    ("route53", "list_hosted_zones", "HostedZones"),
    ("route53", "list_health_checks", "HealthChecks"),
    ("iam", "list_instance_profiles", "InstanceProfiles"),
]


def everything(client, operation: str, key: str, **options) -> list:
    """What an operation lists, all pages of it."""
    if client.can_paginate(operation):
        return client.get_paginator(operation).paginate(**options).build_full_result().get(key, [])
    return getattr(client, operation)(**options)[key]


def delete_kept_snapshots(lab, region: str, of: str = "trading-") -> None:
    """A failover and a rebuild keep snapshots for whoever looks for lost writes, and a teardown keeps them too."""
    rds = lab.client("rds", region)
    for snapshot in everything(rds, "describe_db_cluster_snapshots", "DBClusterSnapshots", SnapshotType="manual"):
        name = snapshot["DBClusterSnapshotIdentifier"]
        if of in name and ("-rescue-" in name or "-final-" in name):
            rds.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier=name)


def left_in(lab, region: str) -> dict[str, list]:
    left = {
        f"{service}.{key}": everything(lab.client(service, region), operation, key)
        for service, operation, key in LEFT_IN_A_REGION
    }
    # Terminated instances, deleted gateways and deleted peerings stay listed for a while, as in AWS.
    ec2, kms, iam = lab.client("ec2", region), lab.client("kms", region), lab.client("iam", region)
    left["ec2.Vpcs"] = [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
    left["ec2.Instances"] = [
        instance["InstanceId"]
        for reservation in everything(ec2, "describe_instances", "Reservations")
        for instance in reservation["Instances"]
        if instance["State"]["Name"] != "terminated"
    ]
    left["ec2.NatGateways"] = [
        gateway
        for gateway in ec2.describe_nat_gateways()["NatGateways"]
        if gateway["State"] not in ("deleted", "deleting")
    ]
    left["ec2.VpcPeeringConnections"] = [
        peering
        for peering in ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]
        if peering["Status"]["Code"] not in ("deleted", "deleting")
    ]
    # A key waits 7 days at the least, a secret for its recovery window, and AWS's own keys stay.
    aliases = {
        alias["TargetKeyId"]: alias["AliasName"]
        for alias in everything(kms, "list_aliases", "Aliases")
        if "TargetKeyId" in alias
    }
    keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in everything(kms, "list_keys", "Keys")]
    left["kms.Keys"] = [
        key
        for key in keys
        if key["KeyState"] == "Enabled" and not aliases.get(key["KeyId"], "").startswith("alias/aws/")
    ]
    secrets = everything(lab.client("secretsmanager", region), "list_secrets", "SecretList")
    left["secretsmanager.Secrets"] = [secret for secret in secrets if not secret.get("DeletedDate")]
    ours = [
        role["RoleName"] for role in everything(iam, "list_roles", "Roles") if role["RoleName"].startswith("trading-")
    ]
    left["iam.Roles"] = ours
    left["cloudtrail.Trails"] = lab.client("cloudtrail", region).describe_trails()["trailList"]
    left["wafv2.WebACLs"] = lab.client("wafv2", region).list_web_acls(Scope="REGIONAL")["WebACLs"]
    # The account's administrator has made the one to provision with.
    policies = everything(iam, "list_policies", "Policies", Scope="Local")
    left["iam.Policies"] = [one for one in policies if not one["PolicyName"].startswith(KINDS["provisioning"])]
    parameters = everything(lab.client("ssm", region), "describe_parameters", "Parameters")
    left["ssm.Parameters"] = [parameter for parameter in parameters if parameter["Name"].startswith("/trading/")]
    return {kind: found for kind, found in left.items() if found}


def without(platform: Platform, folder, *regions: str) -> Platform:
    """The same platform with an inventory that no longer has these regions."""
    lines = [line for line in (platform.inventory / "hosts").read_text().splitlines() if line.split()[0] not in regions]
    folder.mkdir(exist_ok=True)
    (folder / "hosts").write_text("\n".join([*lines, ""]))
    if not (folder / "group_vars").exists():
        (folder / "group_vars").symlink_to(platform.inventory / "group_vars")
    return replace(platform, inventory=folder, regions=tuple(one for one in platform.regions if one not in regions))


def asked(region: str, **more) -> tuple[str, str]:
    return "-e", json.dumps({"retire_region": region, "confirm": region, **more})


def left_of_platform_in(platform: Platform, region: str) -> dict[str, list]:
    """What a region still has, without what belongs to no region."""
    found = left_in(platform.lab, region)
    trails = [one for one in found.pop("cloudtrail.Trails", []) if one["HomeRegion"] == region]
    shared = ("s3.Buckets", "route53.", "iam.", "rds.GlobalClusters")
    left = {kind: value for kind, value in found.items() if not kind.startswith(shared)}
    return {**left, **({"cloudtrail.Trails": trails} if trails else {})}


def mentions(platform: Platform, region: str) -> dict[str, object]:
    """Where the rest of the account still names the region."""
    lab, (home, *_) = platform.lab, platform.regions
    buckets = [one["Name"] for one in lab.client("s3", home).list_buckets()["Buckets"] if region in one["Name"]]
    checks = lab.client("route53").list_health_checks()["HealthChecks"]
    short = {"ap-southeast-1": "apse1", "eu-west-1": "euw1", "us-west-2": "usw2"}[region]
    iam = lab.client("iam")
    policies = [
        iam.get_policy_version(PolicyArn=one["Arn"], VersionId=one["DefaultVersionId"])["PolicyVersion"]["Document"]
        for one in iam.list_policies(Scope="Local")["Policies"]
        if "provisioning" not in one["PolicyName"]
    ]
    roles = [
        iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
        for role in iam.list_roles()["Roles"]
        if role["RoleName"].startswith("trading-")
        for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    ]
    zone = lab.client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
    records = lab.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    of_regions = {
        one: {
            "replication": lab.client("s3", one).get_bucket_replication(Bucket=f"trading-data-{one}-dev"),
            "manifest": control_item(lab, one, "manifest"),
            "table": lab.client("dynamodb", one).describe_table(TableName="trading-sessions-dev"),
            "secret": lab.client("secretsmanager", one).describe_secret(SecretId="trading-database-dev"),
            "peering": [
                peering
                for peering in lab.client("ec2", one).describe_vpc_peering_connections()["VpcPeeringConnections"]
                if peering["Status"]["Code"] not in ("deleted", "deleting")
            ],
            "alarms": [alarm["AlarmName"] for alarm in lab.client("cloudwatch", one).describe_alarms()["MetricAlarms"]],
            "dashboard": lab.client("cloudwatch", one).get_dashboard(DashboardName=f"trading-{one}-dev"),
            "function": lab.client("lambda", one).get_function(FunctionName="trading-trigger-dev")["Configuration"],
            "global database": members(lab, one),
        }
        for one in platform.regions
    }
    found = {
        "buckets": buckets,
        "checks": [one["CallerReference"] for one in checks if short in one["CallerReference"]],
        "policies": policies,
        "roles": roles,
        "records": records,
        **{f"{name} of {one}": value for one, parts in of_regions.items() for name, value in parts.items()},
    }
    return {name: value for name, value in found.items() if region in str(value) or (name == "checks" and value)}
