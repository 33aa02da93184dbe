# SPDX-License-Identifier: GPL-3.0-or-later
"""teardown.yml leaves nothing behind, asked of the lab resource type by resource type."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.integration.aws import DOMAIN, name_points_at
from tests.integration.permissions import KINDS, Runner, as_runner, gaps

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


def left_in(lab, region: str) -> dict[str, list]:
    left = {}
    for service, operation, key in LEFT_IN_A_REGION:
        answer = getattr(lab.client(service, region), operation)()
        left[f"{service}.{key}"] = answer[key]
    # Terminated instances, deleted gateways and deleted peerings stay listed for a while, as in AWS.
    ec2, kms, iam = lab.client("ec2", region), lab.client("kms", region), lab.client("iam", region)
    left["ec2.Vpcs"] = [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]
    left["ec2.Instances"] = [
        instance["InstanceId"]
        for reservation in ec2.describe_instances()["Reservations"]
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
        alias["TargetKeyId"]: alias["AliasName"] for alias in kms.list_aliases()["Aliases"] if "TargetKeyId" in alias
    }
    keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    left["kms.Keys"] = [
        key
        for key in keys
        if key["KeyState"] == "Enabled" and not aliases.get(key["KeyId"], "").startswith("alias/aws/")
    ]
    secrets = lab.client("secretsmanager", region).list_secrets()["SecretList"]
    left["secretsmanager.Secrets"] = [secret for secret in secrets if not secret.get("DeletedDate")]
    ours = [role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].startswith("trading-")]
    left["iam.Roles"] = ours
    left["cloudtrail.Trails"] = lab.client("cloudtrail", region).describe_trails()["trailList"]
    left["wafv2.WebACLs"] = lab.client("wafv2", region).list_web_acls(Scope="REGIONAL")["WebACLs"]
    # The account's administrator has made the one to provision with.
    policies = iam.list_policies(Scope="Local")["Policies"]
    left["iam.Policies"] = [one for one in policies if not one["PolicyName"].startswith(KINDS["provisioning"])]
    parameters = lab.client("ssm", region).describe_parameters()["Parameters"]
    left["ssm.Parameters"] = [parameter for parameter in parameters if parameter["Name"].startswith("/trading/")]
    return {kind: found for kind, found in left.items() if found}


def tear_down(platform) -> tuple[Runner, list[dict]]:
    """Remove the platform as whoever may provision it and nothing else, and look for what is left.

    Return who did it, and the calls.
    """
    assert all(left_in(platform.lab, region) for region in platform.regions), "there is something to remove"
    provisioner, began = as_runner(platform, "provisioning"), time.time()
    provisioner.run("teardown", "-e", json.dumps({"confirm": "dev"})).ends_well()
    calls = platform.lab.calls(began)
    assert {region: left_in(platform.lab, region) for region in platform.regions} == {
        region: {} for region in platform.regions
    }
    return provisioner, calls


def test_leaves_the_lab_empty(platform):
    """Also of a launch template with several versions."""
    for region in platform.regions:
        platform.lab.client("ec2", region).create_launch_template_version(
            LaunchTemplateName="trading-app-dev", SourceVersion="1", LaunchTemplateData={"InstanceType": "t3.large"}
        )
    tear_down(platform)


def test_a_record_that_keeps_the_zone_is_named_before_anything_of_the_name_is_removed(platform):
    route53 = platform.lab.client("route53")
    zone = route53.list_hosted_zones()["HostedZones"][0]["Id"]
    foreign = {"Name": f"mail.{DOMAIN}", "Type": "MX", "TTL": 300, "ResourceRecords": [{"Value": "10 mx.example.org"}]}
    changes = [{"Action": "CREATE", "ResourceRecordSet": foreign}]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})
    before, calls = name_points_at(platform.lab), len(platform.lab.calls())
    run = platform.run(Path(__file__).with_name("retire_traffic.yml"))
    assert run.code != 0 and f"mail.{DOMAIN} MX" in " ".join(run.output.split()), run.output[-3000:]
    assert name_points_at(platform.lab) == before
    assert [one for one in platform.lab.calls()[calls:] if one["mutating"]] == []


@pytest.mark.nightly
def test_leaves_the_lab_empty_also_after_a_failover_and_needs_no_right_but_the_policys(copy_of):
    platform = copy_of("eu-west-1", "ap-southeast-1", "us-west-2")
    provisioning = platform.lab.calls()
    platform.lab.outage("eu-west-1", "reset")
    platform.run("failover").ends_well()
    platform.lab.restore("eu-west-1")
    provisioner, calls = tear_down(platform)
    assert gaps("provisioning", provisioner.documents, provisioning + calls) == []
