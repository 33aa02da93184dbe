# SPDX-License-Identifier: GPL-3.0-or-later
"""What site.yml opens to whom, as an auditor looks at it: asked of the lab with boto3, changing nothing."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

import pytest

from tests.integration.aws import SUFFIX

NETWORK = f"trading-{SUFFIX}"
INSTANCES = f"trading-app-{SUFFIX}"


@pytest.fixture(scope="module")
def platform(platforms):
    """One copy for all tests here: they look at it and touch nothing."""
    copy = platforms.copy("us-east-1", "us-east-2")
    yield copy
    copy.lab.stop()


def is_world(network: str) -> bool:
    """Whether a CIDR is wider than any one organization: 0.0.0.0/0, ::/0, and their halves."""
    return ipaddress.ip_network(network).prefixlen < 8


def open_to_the_world(groups: list[dict[str, Any]], side: str) -> set[tuple[str, str, int | None, int | None]]:
    """{(group, protocol, first port, last port)} of the rules for the world. side: IpPermissions[Egress]."""
    return {
        (group["GroupName"], rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort"))
        for group in groups
        for rule in group[side]
        if any(is_world(one["CidrIp"]) for one in rule["IpRanges"])
        or any(is_world(one["CidrIpv6"]) for one in rule.get("Ipv6Ranges", []))
    }


def platform_vpc(lab, region: str) -> dict[str, Any]:
    (vpc,) = lab.client("ec2", region).describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [NETWORK]}])["Vpcs"]
    return vpc


def test_nothing_is_open_to_the_world_but_80_and_443_of_the_load_balancer(platform):
    for region in platform.regions:
        # All there are, those of networks that are not the platform's included.
        groups = platform.lab.client("ec2", region).describe_security_groups()["SecurityGroups"]
        front = f"{NETWORK}-load-balancer"
        assert open_to_the_world(groups, "IpPermissions") == {(front, "tcp", 80, 80), (front, "tcp", 443, 443)}


def test_only_the_application_reaches_the_world_and_only_by_tls(platform):
    for region in platform.regions:
        vpc = platform_vpc(platform.lab, region)
        assert not vpc.get("Ipv6CidrBlockAssociationSet")
        ours = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
        groups = platform.lab.client("ec2", region).describe_security_groups(Filters=ours)["SecurityGroups"]
        assert open_to_the_world(groups, "IpPermissionsEgress") == {(f"{NETWORK}-application", "tcp", 443, 443)}
        (default,) = (group for group in groups if group["GroupName"] == "default")
        assert default["IpPermissions"] == default["IpPermissionsEgress"] == []


def test_nothing_gets_a_public_address_by_being_put_into_a_subnet(platform):
    for region in platform.regions:
        ec2, vpc = platform.lab.client("ec2", region), platform_vpc(platform.lab, region)
        ours = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
        assert {subnet["MapPublicIpOnLaunch"] for subnet in ec2.describe_subnets(Filters=ours)["Subnets"]} == {False}


def test_instances_ask_for_metadata_tokens_and_encrypt_their_disks_with_the_key_of_their_region(platform):
    for region in platform.regions:
        ec2, kms = platform.lab.client("ec2", region), platform.lab.client("kms", region)
        key = kms.describe_key(KeyId=f"alias/trading-{SUFFIX}")["KeyMetadata"]["Arn"]
        reservations = ec2.describe_instances()["Reservations"]
        instances = [instance for one in reservations for instance in one["Instances"]]
        assert len(instances) == 2
        for instance in instances:
            options = instance["MetadataOptions"]
            assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 2)
            assert "PublicIpAddress" not in instance
        newest = {"LaunchTemplateName": INSTANCES, "Versions": ["$Latest"]}
        (template,) = ec2.describe_launch_template_versions(**newest)["LaunchTemplateVersions"]
        disks = [one["Ebs"] for one in template["LaunchTemplateData"]["BlockDeviceMappings"]]
        assert [(disk["Encrypted"], disk["KmsKeyId"]) for disk in disks] == [(True, key)]


def test_load_balancers_refuse_smuggled_requests_and_log_into_a_closed_bucket_of_their_region(platform):
    for region in platform.regions:
        elb, s3 = platform.lab.client("elbv2", region), platform.lab.client("s3", region)
        (load_balancer,) = elb.describe_load_balancers()["LoadBalancers"]
        described = elb.describe_load_balancer_attributes(LoadBalancerArn=load_balancer["LoadBalancerArn"])[
            "Attributes"
        ]
        attributes = {one["Key"]: one["Value"] for one in described}
        assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
        assert attributes["routing.http.desync_mitigation_mode"] == "defensive"
        assert attributes["access_logs.s3.enabled"] == "true"
        bucket = attributes["access_logs.s3.bucket"]
        assert bucket == f"trading-audit-{region}-{SUFFIX}"
        assert s3.head_bucket(Bucket=bucket)["BucketRegion"] == region
        block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        assert set(block.values()) == {True}
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
        allowed = [(one["Principal"], one["Action"]) for one in policy if one["Effect"] == "Allow"]
        assert allowed == [({"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}, "s3:PutObject")]


def test_the_instances_role_names_every_resource_it_may_use(platform):
    iam = platform.lab.client("iam", "us-east-1")
    assert iam.list_attached_role_policies(RoleName=INSTANCES)["AttachedPolicies"] == []
    assert iam.list_role_policies(RoleName=INSTANCES)["PolicyNames"] == ["data"]
    statements = iam.get_role_policy(RoleName=INSTANCES, PolicyName="data")["PolicyDocument"]["Statement"]
    # Session Manager's actions know no resources.
    assert {one["Sid"] for one in statements if one["Resource"] == "*"} == {"SessionManager"}
    rights = {one["Sid"]: one for one in statements}
    parameter = f"arn:aws:ssm:{{}}:123456789012:parameter/trading/{SUFFIX}/database/writer-endpoint"
    assert rights["WriterEndpoint"]["Resource"] == [parameter.format(region) for region in platform.regions]
    assert set(rights["Keys"]["Condition"]["StringEquals"]) == {"kms:ViaService"}
    actions = [one["Action"] if isinstance(one["Action"], list) else [one["Action"]] for one in statements]
    assert [action for some in actions for action in some if "*" in action] == []


@pytest.mark.nightly
def test_the_options_record_all_calls_once_and_put_a_firewall_before_every_load_balancer(copy_of):
    platform = copy_of("eu-west-1", "ap-southeast-1", "us-west-2")
    (trail,) = platform.lab.client("cloudtrail", "eu-west-1").describe_trails()["trailList"]
    assert trail["IsMultiRegionTrail"] and trail["LogFileValidationEnabled"] and trail["IncludeGlobalServiceEvents"]
    assert trail["S3BucketName"] == f"trading-audit-eu-west-1-{SUFFIX}"
    key = platform.lab.client("kms", "eu-west-1").describe_key(KeyId=f"alias/trading-{SUFFIX}-audit")["KeyMetadata"]
    assert trail["KmsKeyId"] == key["Arn"]
    for region in platform.regions:
        (load_balancer,) = platform.lab.client("elbv2", region).describe_load_balancers()["LoadBalancers"]
        waf = platform.lab.client("wafv2", region)
        firewall = waf.get_web_acl_for_resource(ResourceArn=load_balancer["LoadBalancerArn"])["WebACL"]
        groups = [rule["Statement"]["ManagedRuleGroupStatement"]["Name"] for rule in firewall["Rules"]]
        assert "AWSManagedRulesCommonRuleSet" in groups
        assert all(rule["OverrideAction"] == {"None": {}} for rule in firewall["Rules"])
