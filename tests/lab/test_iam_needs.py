# SPDX-License-Identifier: GPL-3.0-or-later
"""What a call needs: the table of what names a resource agrees with AWS's reference, and each call is about its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import yaml
from botocore.config import Config

from lab.iam_beyond import LOAD_BALANCER
from lab.iam_needs import ACTIONS, Need, needs_of
from lab.iam_reference import is_known, resource_types
from lab.iam_resources import NAMES
from lab.request import read_form, read_request

REGION, ACCOUNT = "eu-west-1", "123456789012"
POLICIES = Path(__file__).parents[2] / "roles/failover_control/files/runner_policies"
TAGS = [{"Key": "Project", "Value": "ours"}]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/theirs"
REPLICATION = {"Role": ROLE, "Rules": [{"Status": "Enabled", "Destination": {"Bucket": "arn:aws:s3:::there"}}]}
FUNCTIONS = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
BUSES = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus"
BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/ours/0123"
ALLOWED = sorted(
    {
        action
        for path in POLICIES.glob("*.yml")
        for statement in yaml.safe_load(path.read_text())
        for action in statement["actions"]
    }
)
# What the function may do besides, which hands its request over.
DELIVERING = ["sqs:GetQueueUrl", "sqs:SendMessage", "events:PutEvents"]


class Sent(Exception):
    """A request on its way, which goes no further."""


def needs(service: str, method: str, region: str = REGION, **parameters: Any) -> list[Need]:
    """What a call of boto3 needs."""
    key = {"aws_access_key_id": "lab", "aws_secret_access_key": "lab"}
    client = boto3.client(service, region, config=Config(s3={"addressing_style": "path"}), **key)

    def keep(request: Any, **_more: Any) -> None:
        raise Sent(request)

    client.meta.events.register_first("before-send", keep)
    with pytest.raises(Sent) as sent:
        getattr(client, method)(**parameters)
    request = sent.value.args[0]
    target, headers = urlsplit(request.url), {key: _text(value) for key, value in request.headers.items()}
    environ = {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": target.path,
        "QUERY_STRING": target.query,
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }
    body = request.body.read() if hasattr(request.body, "read") else request.body or b""
    body = body.encode() if isinstance(body, str) else body
    return list(needs_of(read_request(environ, body), read_form(environ, body), body))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def rights(service: str, method: str, **parameters: Any) -> dict[str, set[str]]:
    """{action: {resource without what is the same for all}} of a call."""
    found: dict[str, set[str]] = {}
    for need in needs(service, method, **parameters):
        short = need.resource.removeprefix("arn:aws:").replace(f"{REGION}:{ACCOUNT}:", "")
        found.setdefault(need.action, set()).add(short)
    return found


KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0123"


def test_a_load_balancer_needs_to_look_at_the_network_of_the_account() -> None:
    found = {need.action for need in needs("elbv2", "create_load_balancer", Name="ours", Subnets=["subnet-0"])}
    assert {"ec2:DescribeAccountAttributes", "ec2:DescribeInternetGateways"} <= found


def test_a_copy_of_a_secret_needs_to_encrypt_with_the_key_of_its_region() -> None:
    copy = {"Region": "eu-central-1", "KmsKeyId": KEY.replace(REGION, "eu-central-1")}
    found = needs("secretsmanager", "replicate_secret_to_regions", SecretId="ours", AddReplicaRegions=[copy])
    assert ("kms:Encrypt", copy["KmsKeyId"]) in {(need.action, need.resource) for need in found}


def test_a_log_group_is_named_with_its_streams_but_for_its_tags() -> None:
    assert rights("logs", "create_log_group", logGroupName="/ours") == {
        "logs:CreateLogGroup": {"logs:log-group:/ours:*"}
    }
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/ours"
    tagged = rights("logs", "tag_resource", resourceArn=arn, tags={"a": "b"})
    assert tagged == {"logs:TagResource": {"logs:log-group:/ours"}}


def test_a_replica_of_a_table_needs_the_rights_to_its_items_in_both_regions() -> None:
    create = [{"Create": {"RegionName": "eu-central-1"}}]
    needed = needs("dynamodb", "update_table", TableName="t", ReplicaUpdates=create)
    found = {(need.action, need.resource) for need in needed}
    for region in (REGION, "eu-central-1"):
        assert ("dynamodb:Query", f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/t") in found


@pytest.mark.parametrize("action", ALLOWED)
def test_every_action_of_the_policies_is_known_and_its_resources_can_be_named(action: str) -> None:
    assert is_known(action)
    service, types = action.partition(":")[0], resource_types(action)
    named_by_parameters = {name for name in types if f"{service}:{name}" in NAMES}
    named_by_arn = service in ("elasticloadbalancing", "globalaccelerator", "route53-recovery-cluster", "sts", "wafv2")
    # AWS chooses the ids of scalable targets, and requests do not have them: each is for all of them.
    is_for_all = service == "application-autoscaling"
    assert not types or service == "ec2" or named_by_parameters or named_by_arn or is_for_all


@pytest.mark.parametrize("name", sorted(NAMES))
def test_the_table_has_types_and_placeholders_of_the_reference(name: str) -> None:
    service, _colon, kind = name.partition(":")
    found = [
        types[kind]
        for action in [*ALLOWED, *DELIVERING]
        if action.startswith(f"{service}:")
        if kind in (types := resource_types(action))
    ]
    assert found and all(set(NAMES[name]) <= set(one.placeholders) for one in found)


def test_actions_that_are_not_called_like_their_operation_are_known() -> None:
    assert [action for actions in ACTIONS.values() for action in actions if not is_known(action)] == []


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        # query
        (
            ("rds", "modify_db_cluster", {"DBClusterIdentifier": "ours", "DBClusterParameterGroupName": "group"}),
            {"rds:ModifyDBCluster": {"rds:cluster:ours", "rds:cluster-pg:group"}},
        ),
        (
            (
                "rds",
                "create_db_subnet_group",
                {"DBSubnetGroupName": "ours", "DBSubnetGroupDescription": "x", "SubnetIds": ["subnet-1"], "Tags": TAGS},
            ),
            {"rds:CreateDBSubnetGroup": {"rds:subgrp:ours"}, "rds:AddTagsToResource": {"rds:subgrp:ours"}},
        ),
        (
            (
                "autoscaling",
                "create_or_update_tags",
                {"Tags": [{"ResourceId": "ours", "ResourceType": "auto-scaling-group", "Key": "a"}]},
            ),
            {"autoscaling:CreateOrUpdateTags": {"autoscaling:autoScalingGroup:*:autoScalingGroupName/ours"}},
        ),
        (
            ("elbv2", "create_load_balancer", {"Name": "ours", "Type": "network", "Tags": TAGS}),
            {
                "elasticloadbalancing:CreateLoadBalancer": {"elasticloadbalancing:loadbalancer/net/ours/*"},
                "elasticloadbalancing:AddTags": {"elasticloadbalancing:loadbalancer/net/ours/*"},
                **{action: {"*"} for action in LOAD_BALANCER.actions},
            },
        ),
        (
            ("elbv2", "delete_load_balancer", {"LoadBalancerArn": BALANCER}),
            {"elasticloadbalancing:DeleteLoadBalancer": {"elasticloadbalancing:loadbalancer/app/ours/0123"}},
        ),
        (
            ("iam", "add_role_to_instance_profile", {"InstanceProfileName": "ours", "RoleName": "theirs"}),
            {
                "iam:AddRoleToInstanceProfile": {f"iam::{ACCOUNT}:instance-profile/ours"},
                "iam:PassRole": {f"iam::{ACCOUNT}:role/theirs"},
            },
        ),
        # ec2
        (
            (
                "ec2",
                "create_subnet",
                {
                    "VpcId": "vpc-1",
                    "CidrBlock": "10.0.0.0/24",
                    "TagSpecifications": [{"ResourceType": "subnet", "Tags": TAGS}],
                },
            ),
            {"ec2:CreateSubnet": {"ec2:vpc/vpc-1", "ec2:subnet/*"}, "ec2:CreateTags": {"ec2:subnet/*"}},
        ),
        (
            ("ec2", "create_vpc_peering_connection", {"VpcId": "vpc-1", "PeerVpcId": "vpc-2"}),
            {"ec2:CreateVpcPeeringConnection": {"ec2:vpc/vpc-1", "ec2:vpc-peering-connection/*"}},
        ),
        (
            ("ec2", "delete_vpc_endpoints", {"VpcEndpointIds": ["vpce-1", "vpce-2"]}),
            {"ec2:DeleteVpcEndpoints": {"ec2:vpc-endpoint/vpce-1", "ec2:vpc-endpoint/vpce-2"}},
        ),
        (("ec2", "describe_vpcs", {}), {"ec2:DescribeVpcs": {"*"}}),
        # JSON
        (("dynamodb", "delete_table", {"TableName": "ours"}), {"dynamodb:DeleteTable": {"dynamodb:table/ours"}}),
        (("events", "describe_rule", {"Name": "ours"}), {"events:DescribeRule": {"events:rule/ours"}}),
        (
            ("events", "put_events", {"Entries": [{"EventBusName": "ours"}, {"EventBusName": f"{BUSES}/theirs"}]}),
            {"events:PutEvents": {"events:event-bus/ours", "events:event-bus/theirs"}},
        ),
        (("sqs", "get_queue_url", {"QueueName": "ours"}), {"sqs:GetQueueUrl": {"sqs:ours"}}),
        (
            ("sqs", "send_message", {"QueueUrl": f"https://example.com/{ACCOUNT}/ours", "MessageBody": "x"}),
            {"sqs:SendMessage": {"sqs:ours"}},
        ),
        (
            ("events", "put_targets", {"Rule": "ours", "Targets": [{"Id": "one", "Arn": f"{FUNCTIONS}:theirs"}]}),
            {"events:PutTargets": {"events:rule/ours"}},
        ),
        # JSON, with names in the path and in the body
        (("lambda", "get_policy", {"FunctionName": "ours"}), {"lambda:GetPolicy": {"lambda:function:ours"}}),
        (
            ("lambda", "tag_resource", {"Resource": f"{FUNCTIONS}:ours", "Tags": {"Project": "ours"}}),
            {"lambda:TagResource": {"lambda:function:ours"}},
        ),
        (
            ("lambda", "create_function", {"FunctionName": "ours", "Role": ROLE, "Code": {"ZipFile": b"one"}}),
            {"lambda:CreateFunction": {"lambda:function:ours"}, "iam:PassRole": {f"iam::{ACCOUNT}:role/theirs"}},
        ),
        (("ssm", "delete_parameter", {"Name": "/our/name"}), {"ssm:DeleteParameter": {"ssm:parameter/our/name"}}),
        (
            ("ssm", "get_parameter", {"Name": "/aws/service/ami"}),
            {"ssm:GetParameter": {f"ssm:{REGION}::parameter/aws/service/ami"}},
        ),
        (
            ("secretsmanager", "delete_secret", {"SecretId": "ours"}),
            {"secretsmanager:DeleteSecret": {"secretsmanager:secret:ours-??????"}},
        ),
        (
            ("kms", "create_alias", {"AliasName": "alias/ours", "TargetKeyId": "0123"}),
            {"kms:CreateAlias": {"kms:alias/ours", "kms:key/0123"}},
        ),
        (
            ("kms", "create_key", {"Tags": [{"TagKey": "Project", "TagValue": "ours"}]}),
            {"kms:CreateKey": {"*"}, "kms:TagResource": {"kms:key/*"}},
        ),
        (
            ("wafv2", "delete_web_acl", {"Scope": "REGIONAL", "Name": "ours", "Id": "0123", "LockToken": "0123"}),
            {"wafv2:DeleteWebACL": {"wafv2:regional/webacl/ours/0123"}},
        ),
        # REST
        (("s3", "delete_bucket", {"Bucket": "ours"}), {"s3:DeleteBucket": {"s3:::ours"}}),
        (
            ("s3", "put_bucket_replication", {"Bucket": "ours", "ReplicationConfiguration": REPLICATION}),
            {"s3:PutReplicationConfiguration": {"s3:::ours"}, "iam:PassRole": {f"iam::{ACCOUNT}:role/theirs"}},
        ),
        (
            (
                "route53",
                "change_tags_for_resource",
                {"ResourceType": "healthcheck", "ResourceId": "0123", "AddTags": TAGS},
            ),
            {"route53:ChangeTagsForResource": {"route53:::healthcheck/0123"}},
        ),
        # A request that names nothing is for everything.
        (("rds", "describe_db_clusters", {}), {"rds:DescribeDBClusters": {"rds:cluster:*"}}),
        (
            ("cloudwatch", "describe_alarms", {"AlarmNames": ["ours"]}),
            {"cloudwatch:DescribeAlarms": {"cloudwatch:alarm:*"}},
        ),
    ],
    ids=lambda one: one[1] if isinstance(one, tuple) else "",
)
def test_a_call_is_judged_on_what_it_names_and_on_what_it_makes(
    aws: Any, call: tuple[str, str, dict[str, Any]], wanted: dict[str, set[str]]
) -> None:
    service, method, parameters = call
    assert rights(service, method, **parameters) == wanted
    for need in needs(service, method, **parameters):
        types = resource_types(need.action).values()
        assert need.resource == "*" or any(kind.pattern.fullmatch(need.resource) for kind in types)


def test_tags_of_a_request_bound_what_it_makes_and_tags_that_are_there_what_it_uses(aws: Any) -> None:
    ec2 = aws.client("ec2", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Project", "Value": "theirs"}])
    specification = [{"ResourceType": "subnet", "Tags": TAGS}]
    made = needs("ec2", "create_subnet", VpcId=vpc, CidrBlock="10.0.0.0/24", TagSpecifications=specification)
    context = {(need.action, need.resource.rpartition(":")[2]): need.context for need in made}
    region = {"aws:requestedregion": [REGION]}
    tagged = {"aws:requesttag/project": ["ours"], "aws:tagkeys": ["Project"]}
    assert context == {
        ("ec2:CreateSubnet", f"vpc/{vpc}"): {**region, "aws:resourcetag/project": ["theirs"]},
        ("ec2:CreateSubnet", "subnet/*"): {**region, **tagged},
        ("ec2:CreateTags", "subnet/*"): {**region, **tagged, "ec2:createaction": ["CreateSubnet"]},
    }


def test_a_key_is_judged_by_its_tags_also_where_its_alias_names_it(aws: Any) -> None:
    kms = aws.client("kms", REGION)
    key = kms.create_key(Tags=[{"TagKey": "Project", "TagValue": "ours"}])["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/ours", TargetKeyId=key)
    (need,) = needs("kms", "describe_key", KeyId="alias/ours")
    assert need.resource.endswith(f":key/{key}")
    assert need.context["aws:resourcetag/project"] == ["ours"] and need.context["kms:requestalias"] == ["alias/ours"]
    assert need.context["kms:resourcealiases"] == ["alias/ours"]
    (need,) = needs("kms", "describe_key", KeyId="alias/not-there")
    assert need.resource.endswith(":key/*") and "aws:resourcetag/project" not in need.context


def test_a_peering_is_accepted_for_the_vpc_that_it_reaches(aws: Any) -> None:
    here, there = (
        aws.client("ec2", region).create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        for region in (REGION, "us-east-1")
    )
    asked = {"VpcId": here, "PeerVpcId": there, "PeerRegion": "us-east-1"}
    made = aws.client("ec2", REGION).create_vpc_peering_connection(**asked)["VpcPeeringConnection"]
    peering = made["VpcPeeringConnectionId"]
    found = needs("ec2", "accept_vpc_peering_connection", region="us-east-1", VpcPeeringConnectionId=peering)
    resources = {need.resource.rpartition(":")[2] for need in found}
    assert resources == {f"vpc/{there}", f"vpc-peering-connection/{peering}"}


def test_whoever_makes_a_group_needs_the_rights_to_start_what_its_template_describes(aws: Any) -> None:
    iam, ec2 = aws.client("iam", REGION), aws.client("ec2", REGION)
    role = iam.create_role(RoleName="instances", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    profile = iam.create_instance_profile(InstanceProfileName="instances")["InstanceProfile"]["Arn"]
    iam.add_role_to_instance_profile(InstanceProfileName="instances", RoleName="instances")
    data = {
        "ImageId": "ami-1",
        "SecurityGroupIds": ["sg-1"],
        "IamInstanceProfile": {"Arn": profile},
        "TagSpecifications": [{"ResourceType": "volume", "Tags": TAGS}],
    }
    made = ec2.create_launch_template(LaunchTemplateName="ours", LaunchTemplateData=data)["LaunchTemplate"]
    asked = {
        "AutoScalingGroupName": "ours",
        "MinSize": 1,
        "MaxSize": 1,
        "VPCZoneIdentifier": "subnet-1,subnet-2",
        "LaunchTemplate": {"LaunchTemplateName": "ours", "Version": "$Latest"},
    }
    template = f"launch-template/{made['LaunchTemplateId']}"
    assert rights("autoscaling", "create_auto_scaling_group", **asked) == {
        "autoscaling:CreateAutoScalingGroup": {"autoscaling:autoScalingGroup:*:autoScalingGroupName/ours"},
        "ec2:RunInstances": {
            f"ec2:{REGION}::image/ami-1",
            *(f"ec2:{name}" for name in ("instance/*", "network-interface/*", "volume/*", "security-group/sg-1")),
            *(f"ec2:{name}" for name in ("subnet/subnet-1", "subnet/subnet-2", template)),
        },
        "ec2:CreateTags": {"ec2:volume/*"},
        "iam:PassRole": {role.removeprefix("arn:aws:")},
    }
    found = needs("autoscaling", "create_auto_scaling_group", **asked)
    starts = [need for need in found if need.action == "ec2:RunInstances"]
    assert {tuple(need.context["ec2:launchtemplate"]) for need in starts} == {
        (f"arn:aws:ec2:{REGION}:{ACCOUNT}:{template}",)
    }
